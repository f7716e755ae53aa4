"""Claims from people who mean harm: what is erased meanwhile, time without end, and anything in any place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.problems import MEDIA_TYPE
from service.usecases import claims, records
from service.usecases.policy import Reader
from tests.service.api.harness import STRANGER, Desk, run_chain, serving, settle_in
from tests.service.api.test_claims import OWN, ask, incident, question
from tests.support.arbitrary import bent
from tests.support.world import SMELTER, TRADER


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("hostile")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


def weigh_in_secret(desk: Desk, number: str) -> str:
    """A record about lot:5 with a concealed member."""
    weighing = {"gross": "41", "tare": "1", "net": "40", "scale": "S-1"}
    body = {"kind": "weighing", "about": incident(desk, "lot:5")["about"], "statement": weighing}
    concealed = {**body, "documents": [{"kind": "ticket", "number": number}]}
    return desk.do(SMELTER, "attest", concealed, conceal=["/body/documents/0/number"])


@pytest.fixture
def meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Erase these records one by one, each between the reading for a verdict and its storing."""

    def plan(doomed: list[str]) -> None:
        sign = vars(claims)["seal_verdict"]

        def erase_first(*given: Any) -> Any:
            if doomed:
                records.erase(desk.service.context, Reader(SMELTER, frozenset()), doomed.pop(0))
            return sign(*given)

        monkeypatch.setattr(claims, "seal_verdict", erase_first)

    return plan


def test_what_is_erased_while_a_claim_is_judged_is_not_kept(desk: Desk, meanwhile: Callable[[list[str]], None]) -> None:
    record = weigh_in_secret(desk, "T-RACE")
    before = ask(desk, SMELTER, question()).json()["verdict"]
    desk.now += 1
    meanwhile([record])
    answer = ask(desk, SMELTER, question())
    assert answer.status_code == 201, answer.text
    after = answer.json()["verdict"]
    assert after["evidence"] != before["evidence"]  # judged again, without what was erased
    kept = [desk.get(f"/v1/verdicts/{one['id']}", SMELTER).json()["verdict"] for one in listed(desk)]
    assert {one["evidence"] for one in kept} == {after["evidence"]}


def listed(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.get("/v1/verdicts", SMELTER, subject="lot:5").json()["items"]
    return found


def test_erasing_without_end_ends_the_claim(desk: Desk, meanwhile: Callable[[list[str]], None]) -> None:
    doomed = [weigh_in_secret(desk, f"T-{n}") for n in range(claims.ATTEMPTS)]
    kept = listed(desk)
    desk.now += 1
    meanwhile(doomed)
    answer = ask(desk, SMELTER, question())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert listed(desk) == kept


def test_work_that_nobody_waits_for_stops(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gather = vars(claims)["gather_evidence"]

    def slowly(*given: Any, **more: Any) -> Any:
        desk.now += int(desk.service.context.limits.request_seconds) + 1
        return gather(*given, **more)

    monkeypatch.setattr(claims, "gather_evidence", slowly)
    answer = ask(desk, SMELTER, question())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "terms that do not fit": (question("origin"), 400, "/claim/terms"),
    "a pack that does not exist": (question(claim={"packs": ["nowhere"]}), 400, "/claim/packs/0"),
    "a pack that does not exist, behind others": (
        question(claim={"packs": ["fraud", "claims", "nowhere"]}), 400, "/claim/packs/2",
    ),
    "a parameter that no pack has": (question(claim={"parameters": {"x": 1}}), 400, "/claim/parameters/x"),
    "a parameter of another type": (
        question(claim={"packs": ["icglr-rcm"], "parameters": {"yellow_grace_days": True}}), 400, "/claim/parameters",
    ),
    "a pack twice": (question(packs=[OWN, OWN]), 400, "/packs"),
    "a member that there is not": ({**question(), "a/b": 1}, 400, "/a~1b"),
}  # fmt: skip


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_is_named_by_its_place(desk: Desk, words: str) -> None:
    value, status, pointer = FAULTS[words]
    answer = ask(desk, SMELTER, value)
    assert (answer.status_code, answer.json().get("pointer")) == (status, pointer), answer.text


WHOLE = {
    "claim": {
        "type": "origin", "subject": "lot:5", "terms": {"country": "CD", "share": "50"},
        "packs": ["claims", "icglr-rcm"], "parameters": {"yellow_grace_days": "90"},
    },
    "valid_as_of": "2026-09-21", "known_as_of": "2026-09-21T12:00:00Z", "packs": [OWN],
}  # fmt: skip


def check_answer(answer: httpx.Response) -> None:
    """A verdict, or a problem that the asker can do something about."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.json()["detail"]


@settings(max_examples=60)
@given(bent(WHOLE))
def test_anything_in_any_place_of_a_question_is_answered(desk: Desk, value: Any) -> None:
    check_answer(ask(desk, SMELTER, value))


@settings(max_examples=20)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(desk: Desk, body: bytes) -> None:
    headers = {**desk.as_(SMELTER), "content-type": "application/json"}
    check_answer(desk.client.post("/v1/claims", content=body, headers=headers))


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"claim":' * 5_000 + b"1" + b"}" * 5_000, b'{"claim":NaN}', b'{"claim":1e999}', b"", b"null"],
    ids=["deep lists", "deep objects", "NaN", "infinity", "nothing", "null"],
)
def test_json_that_is_none_is_refused(desk: Desk, body: bytes) -> None:
    headers = {**desk.as_(SMELTER), "content-type": "application/json"}
    answer = desk.client.post("/v1/claims", content=body, headers=headers)
    assert answer.status_code == 400, answer.text


def test_a_lot_that_one_may_not_see_and_one_that_is_not_there_are_answered_alike(desk: Desk) -> None:
    """Neither the text nor what is checked first tells which lots there are."""
    told = set()
    for subject in ("lot:5", "lot:4711"):
        for more in ({}, {"packs": ["nowhere"]}, {"parameters": {"x": 1}}):
            problem = ask(desk, STRANGER, question(subject=subject, claim=more)).json()
            told.add((problem["status"], problem["detail"], problem.get("pointer")))
    assert len(told) == 1


def test_verdicts_of_others_are_neither_listed_nor_read(desk: Desk) -> None:
    place = ask(desk, SMELTER, question()).headers["location"]
    assert desk.get(place, TRADER).status_code == 404
    assert place.rpartition("/")[2] not in {one["id"] for one in desk.get("/v1/verdicts", TRADER).json()["items"]}
    missing = desk.get(f"/v1/verdicts/{'0' * 64}", TRADER).json()
    hidden = desk.get(place, TRADER).json()
    assert {**missing, "instance": ""} == {**hidden, "instance": ""}


def test_a_page_may_load_its_own_styles_and_nothing_else(desk: Desk) -> None:
    place = ask(desk, SMELTER, question()).headers["location"]
    page = desk.get(place, SMELTER, form="html")
    policy = page.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    assert "<script" not in page.text
    assert desk.get(place, SMELTER).headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_members_that_are_null_are_taken_and_judged(desk: Desk) -> None:
    """What may be left out may be null: neither the log nor a claim stumbles over it."""
    desk.do(SMELTER, "incident", {**incident(desk, "lot:5"), "follows": None, "period": None})
    weighing = {"gross": "41", "tare": "1", "net": "40", "scale": "S-1", "uncertainty": None, "calibrated": None}
    times = {"from": None, "until": None, "result": None}
    about = incident(desk, "lot:5")["about"]
    desk.do(SMELTER, "attest", {"kind": "weighing", "about": about, "statement": weighing, **times})
    assert ask(desk, SMELTER, {"claim": {"type": "conduct", "subject": "lot:5"}}).status_code == 201
    assert desk.get("/v1/risk", SMELTER, subject="lot:5").status_code == 200
