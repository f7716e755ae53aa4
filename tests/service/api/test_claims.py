"""Claims over HTTP: judged on what the reader may see, signed, kept, recomputed offline, and forgotten."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ledger.encoding import format_json, format_time, parse_json
from ledger.evidence.bundle import FullEntry, HashOnlyEntry, parse_bundle
from ledger.evidence.judging import Evidence, evidence_of, find_differences, recompute
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import verify_bundle
from ledger.log.note import parse_vkey
from ledger.rules.claim import CLAIMS
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from ledger.rules.signed import open_verdict
from ledger.rules.verdict import verdict_id
from service.usecases.claims import MAX_OWN_PACKS
from tests.service.api.harness import STRANGER, Desk, run_chain, serving, settle_in
from tests.support.evidence import shown_of
from tests.support.world import AUDITOR, BUYER, MINE, MINER, ORIGIN, REGISTRAR, SMELTER, TRADER

pytestmark = pytest.mark.usefixtures("engine")

OWN = """
[pack]
id = "own"
version = "1.0.0"
title = "Our own"
source = "A buyer"
effective = "2020-01-01"
about = "What a buyer asks for besides."

[[rule]]
id = "OWN.WORKERS"
requirement = "Every extraction says how many worked."
citation = { text = "Ours" }
risk = ["human_rights"]
severity = "high"
grade = "self_attested"
evidence = "extract records"
supplier = ["producer"]
check = "field_present"
with = { record = "extract", each = "mines", fields = ["workers"] }
"""


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("claims")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


def ask(desk: Desk, reader: str, value: Any) -> httpx.Response:
    return desk.client.post("/v1/claims", json=value, headers=desk.as_(reader))


def question(kind: str = "chain_complete", subject: str = "lot:5", **more: Any) -> dict[str, Any]:
    claim = {"type": kind, "subject": subject, "packs": ["claims"], **more.pop("claim", {})}
    return {"claim": claim, **more}


def test_a_claim_is_answered_with_a_signed_verdict(desk: Desk) -> None:
    answer = ask(desk, SMELTER, question("origin", claim={"terms": {"country": "CD"}}))
    assert answer.status_code == 201, answer.text
    vkey = desk.get("/.well-known/lodeline").json()["vkey"]
    opened = open_verdict(parse_json(answer.content), [parse_vkey(vkey)])
    assert opened.verdict["answer"] == "supported"
    assert opened.verdict["log"]["size"] == len(desk.log)
    assert answer.headers["location"] == f"/v1/verdicts/{opened.id}"
    again = desk.get(answer.headers["location"], SMELTER)
    assert again.content == answer.content
    listed = desk.get("/v1/verdicts", SMELTER).json()["items"]
    assert {"id": opened.id, "subject": "lot:5", "answer": "supported", "created": format_time(desk.now)} in listed


def test_the_same_question_is_answered_once(desk: Desk) -> None:
    when = {"known_as_of": format_time(desk.now), "valid_as_of": format_time(desk.now)}
    first, second = ask(desk, SMELTER, question(**when)), ask(desk, SMELTER, question(**when))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert ask(desk, AUDITOR, question(**when)).status_code == 201  # new to somebody else


def test_the_verdict_is_recomputed_offline_from_the_bundle(desk: Desk) -> None:
    verdict = ask(desk, SMELTER, question("quantity", claim={"terms": {"kg": "22"}})).json()["verdict"]
    desk.now += 100
    desk.do(AUDITOR, "incident", incident(desk, MINE))
    bundle = parse_bundle(desk.get("/v1/lots/lot:5/bundle", SMELTER).content)
    hidden = [one.record for one in bundle.entries if isinstance(one, HashOnlyEntry)]
    shown = shown_of([one for one in bundle.entries if isinstance(one, FullEntry)])
    evidence = Evidence("lot:5", ORIGIN, shown, hidden)
    again = recompute(verdict, evidence, read_packs().values(), References())
    assert format_json(again) == format_json(verdict)
    lie = copy.deepcopy(verdict)
    lie["answer"] = "refuted"
    assert find_differences(lie, again) == ["/answer"]


def test_a_bundle_carries_verdicts_and_verify_recomputes_them(desk: Desk) -> None:
    place = ask(desk, SMELTER, question("quantity", claim={"terms": {"kg": "22"}})).headers["location"]
    other = ask(desk, TRADER, question("quantity", "lot:4", claim={"terms": {"kg": "22"}})).headers["location"]
    identity = place.rpartition("/")[2]
    data = desk.get("/v1/lots/lot:5/bundle", SMELTER, verdict=identity).content
    policy = TrustPolicy((TrustedLog(parse_vkey(desk.get("/.well-known/lodeline").json()["vkey"])),))
    now = datetime.fromtimestamp(desk.now, UTC)
    report = verify_bundle(data, policy, now)
    assert report.verified, [one.to_json() for one in report.findings]
    assert [(one["id"], one["recomputed"]) for one in report.details["verdicts"]] == [(identity, "same")]
    assert desk.get("/v1/lots/lot:5/bundle", SMELTER, verdict="0" * 64).status_code == 404
    assert desk.get("/v1/lots/lot:4/bundle", TRADER, verdict=identity).status_code == 404
    assert desk.get("/v1/lots/lot:5/bundle", SMELTER, verdict=other.rpartition("/")[2]).status_code == 404
    wrong = desk.get("/v1/lots/lot:5/bundle", AUDITOR, verdict=other.rpartition("/")[2])
    assert (wrong.status_code, wrong.json()["pointer"]) == (400, "/verdict")


@pytest.mark.parametrize(("kind", "subject", "reader"), [("sites", MINE, AUDITOR), ("participants", TRADER, TRADER)])
def test_a_verdict_on_a_site_or_participant_is_recomputed_too(desk: Desk, kind: str, subject: str, reader: str) -> None:
    claim = {"type": "conduct", "subject": subject, "packs": ["fraud", "ledger-integrity"]}
    place = ask(desk, reader, {"claim": claim}).headers["location"]
    bundle = parse_bundle(desk.get(f"/v1/{kind}/{subject}/bundle", reader).content)
    verdict = desk.get(place, reader).json()["verdict"]
    again = recompute(verdict, evidence_of(bundle), read_packs().values(), References())
    assert find_differences(verdict, again) == []


def incident(desk: Desk, subject: str) -> dict[str, Any]:
    about = [{"subject": subject, "record": desk.state.subjects[subject].head}]
    return {"about": about, "category": "A2.1.child", "severity": 2, "status": "open"}


def test_who_may_ask_and_read(desk: Desk) -> None:
    assert ask(desk, "", question()).status_code == 401
    assert ask(desk, STRANGER, question()).status_code == 404
    assert ask(desk, BUYER, question()).status_code == 404
    place = ask(desk, SMELTER, question()).headers["location"]
    assert desk.get(place, AUDITOR).status_code == 200
    for reader, status in ((STRANGER, 404), (TRADER, 404), (REGISTRAR, 404), ("", 401)):
        assert desk.get(place, reader).status_code == status
    assert desk.get("/v1/verdicts", STRANGER).json() == {"items": [], "next": None}
    assert desk.get("/v1/verdicts/" + "0" * 64, SMELTER).status_code == 404


def test_verdicts_come_in_pages(desk: Desk) -> None:
    for kg in ("22", "23", "24"):
        desk.now += 1
        assert ask(desk, TRADER, question("quantity", "lot:4", claim={"terms": {"kg": kg}})).status_code == 201
    whole = desk.get("/v1/verdicts", TRADER).json()
    assert whole["next"] is None
    assert len(whole["items"]) >= 3
    page = desk.get("/v1/verdicts", TRADER, limit=2, subject="lot:4").json()
    assert len(page["items"]) == 2
    rest = desk.get("/v1/verdicts", TRADER, limit=20, cursor=page["next"]).json()
    assert page["items"] + rest["items"] == whole["items"]
    assert desk.get("/v1/verdicts", TRADER, subject="lot:1").json()["items"] == []
    assert desk.get("/v1/verdicts", TRADER, cursor="eA").json()["type"].endswith("bad-cursor")


def test_own_packs_come_with_the_question(desk: Desk) -> None:
    value = question(packs=[OWN], claim={"packs": ["claims", "own"]})
    verdict = ask(desk, SMELTER, value).json()["verdict"]
    assert [one["id"] for one in verdict["packs"]] == ["claims", "own"]
    assert [one["outcome"] for one in verdict["findings"] if one["rule"] == "OWN.WORKERS"] == ["pass"]


BAD: list[tuple[Any, str, str]] = [
    ([], "claim-error", "/claim"),
    ({"claim": {"type": "clean", "subject": "lot:5"}}, "claim-error", "/claim/type"),
    ({"claim": {"type": "quantity", "subject": "lot:5"}}, "claim-error", "/claim/terms/kg"),
    ({"claim": {"type": "chain_complete", "subject": "lot:5"}, "more": 1}, "claim-error", "/more"),
    (question(claim={"packs": ["nowhere"]}), "claim-error", "/claim/packs/0"),
    (question(claim={"parameters": {"age": 1}}), "claim-error", "/claim/parameters/age"),
    (question(valid_as_of="2999-01-01"), "claim-error", "/valid_as_of"),
    (question(known_as_of="soon"), "claim-error", "/known_as_of"),
    (question(known_as_of=5), "claim-error", "/known_as_of"),
    (question(packs="x"), "pack-error", "/packs"),
    (question(packs=["= broken"]), "pack-error", "/packs/0"),
    (question(packs=[OWN.replace("field_present", "magic")]), "pack-error", "/packs/0/rule/0/check"),
    (question(packs=["x"] * (MAX_OWN_PACKS + 1)), "pack-error", "/packs"),
    (question("chain_complete", MINE), "claim-error", "/claim/subject"),
]


@pytest.mark.parametrize(("value", "code", "pointer"), BAD)
def test_a_bad_question_names_the_member_at_fault(desk: Desk, value: Any, code: str, pointer: str) -> None:
    answer = ask(desk, AUDITOR, value)
    problem = answer.json()
    assert (problem["type"], problem.get("pointer", "")) == (f"urn:lodeline:problem:{code}", pointer), problem
    assert 400 <= answer.status_code < 500


def test_what_did_not_exist_then_is_unknown(desk: Desk) -> None:
    early = ask(desk, AUDITOR, question(valid_as_of="2026-01-01"))
    assert early.json()["type"].endswith("unknown-subject")
    assert early.status_code == 422


def test_bodies_that_are_no_claims(desk: Desk) -> None:
    headers = {**desk.as_(SMELTER), "content-type": "application/json"}
    assert desk.client.post("/v1/claims", content=b"{", headers=headers).json()["type"].endswith("claim-error")
    headers = {**desk.as_(SMELTER), "content-type": "text/plain"}
    assert desk.client.post("/v1/claims", content=b"{}", headers=headers).status_code == 415


def test_rule_packs_are_public(desk: Desk) -> None:
    listed = desk.get("/v1/rule-packs").json()["items"]
    assert [one["id"] for one in listed] == sorted(read_packs())
    first = desk.get("/v1/rule-packs", limit=1).json()
    assert [one["id"] for one in first["items"]] == sorted(read_packs())[:1]
    rest = desk.get("/v1/rule-packs", cursor=first["next"]).json() if first["next"] else {"items": []}
    assert first["items"] + rest["items"] == listed
    detail = desk.get("/v1/rule-packs/claims").json()
    assert detail["toml"].encode() == read_packs()["claims"].data
    assert [one["id"] for one in detail["items"]] == [rule.id for rule in read_packs()["claims"].rules]
    assert desk.get("/v1/rule-packs/nowhere").status_code == 404


def test_risk_shows_the_findings_behind_each_level(desk: Desk) -> None:
    risk = desk.get("/v1/risk", SMELTER, subject="lot:5").json()
    assert risk["kind"] == "lot"
    assert list(risk["areas"]) == [
        "governance_corruption", "criminal_exploitation", "human_rights", "environment", "supply_chain",
    ]  # fmt: skip
    for area in risk["areas"].values():
        assert (area["level"] in ("high", "elevated")) == bool(area["findings"])
    assert desk.get("/v1/risk", AUDITOR, subject=MINE).json()["kind"] == "site"
    assert desk.get("/v1/risk", MINER, subject=MINER).json()["kind"] == "participant"
    assert desk.get("/v1/risk", STRANGER, subject="lot:5").status_code == 404
    assert desk.get("/v1/risk", "", subject="lot:5").status_code == 401


def test_erasing_takes_the_verdicts_that_it_told_of(desk: Desk) -> None:
    weighing = {"gross": "41", "tare": "1", "net": "40", "scale": "S-1"}
    body = {"kind": "weighing", "about": incident(desk, "lot:5")["about"], "statement": weighing}
    concealed = {**body, "documents": [{"kind": "ticket", "number": "T-1"}]}
    record = desk.do(SMELTER, "attest", concealed, conceal=["/body/documents/0/number"])
    place = ask(desk, SMELTER, question()).headers["location"]
    assert desk.get(place, SMELTER).status_code == 200
    assert desk.delete(f"/v1/records/{record}/disclosures", SMELTER).status_code == 200
    assert desk.get(place, SMELTER).status_code == 404
    after = ask(desk, SMELTER, question()).json()["verdict"]
    assert verdict_id(after) != place.rpartition("/")[2]


def test_a_verdict_in_other_forms(desk: Desk) -> None:
    place = ask(desk, SMELTER, question()).headers["location"]
    page = desk.get(place, SMELTER, form="html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert place.rpartition("/")[2] in page.text
    assert desk.get(place, SMELTER, form="pdf").content.startswith(b"%PDF-")
    assert desk.get(place, SMELTER, form="credential").headers["content-type"] == "application/vc+jwt"
    assert desk.get(place, SMELTER, form="xml").status_code == 400
    assert desk.get(place, STRANGER, form="pdf").status_code == 404


def test_every_claim_can_be_asked(desk: Desk) -> None:
    terms: dict[str, Any] = {
        "origin": {"site": MINE},
        "custody_model": {"model": "segregated"},
        "quantity": {"kg": "22"},
        "not_from": {"countries": ["RW"]},
        "eu_2017_821_import_file": {"importer": SMELTER, "cn": "261590"},
        "smelter_declaration": {"answers": {"q1": "yes"}},
    }
    for kind in CLAIMS:
        answer = ask(desk, SMELTER, {"claim": {"type": kind, "subject": "lot:5", "terms": terms.get(kind, {})}})
        assert answer.status_code == 201, answer.text
