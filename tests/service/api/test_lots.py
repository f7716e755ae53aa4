"""Lots and the register: filters, pages, history, the graph up and down, bundles that verify offline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.encoding import format_b64url
from ledger.evidence.bundle import HashOnlyEntry, parse_bundle
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import verify_bundle
from service.usecases.paging import format_cursor, parse_number, parse_text
from tests.service.api.harness import Desk, run_chain, serving, settle_in, weigh
from tests.support.world import (
    AUDITOR,
    DEPOT,
    MINE,
    MINER,
    PLANT,
    REGISTRAR,
    SMELTER,
    TRADER,
    new_lot,
    quantity,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def diamonds(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Lots split and blended again, three times over: few lots, many paths."""
    with serving(tmp_path_factory.mktemp("graph"), limits={"graph_nodes": 8}) as desk:
        settle_in(desk)
        desk.extract(new_lot("lot:0", quantity("100")))
        desk.hand_over(MINER, TRADER, DEPOT, "lot:0")
        for n in range(3):
            halves = [new_lot(f"lot:{n}a", quantity("50")), new_lot(f"lot:{n}b", quantity("50"))]
            desk.transform(TRADER, {f"lot:{n}": "100"}, *halves, process="split")
            desk.transform(
                TRADER,
                {f"lot:{n}a": "50", f"lot:{n}b": "50"},
                new_lot(f"lot:{n + 1}", quantity("100")),
                process="blend",
            )
        yield desk


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer.json()["items"]]


def test_filters_of_lots(chain: Desk) -> None:
    assert ids(chain.get("/v1/lots", AUDITOR, status="held")) == ["lot:3", "lot:5"]
    assert ids(chain.get("/v1/lots", AUDITOR, status="closed")) == ["lot:1", "lot:2", "lot:4"]
    assert ids(chain.get("/v1/lots", AUDITOR, status="disputed")) == []
    assert ids(chain.get("/v1/lots", AUDITOR, custodian=SMELTER)) == ["lot:4", "lot:5"]
    assert ids(chain.get("/v1/lots", AUDITOR, custodian=MINER)) == []
    assert ids(chain.get("/v1/lots", AUDITOR, custodian="did:web:nobody.example")) == []
    assert ids(chain.get("/v1/lots", AUDITOR, mineral="coltan", custodian=SMELTER, status="held")) == ["lot:5"]
    assert ids(chain.get("/v1/lots", AUDITOR, mineral="gold")) == []
    assert ids(chain.get("/v1/lots", SMELTER, custodian=SMELTER, mineral="coltan")) == ["lot:4", "lot:5"]
    assert ids(chain.get("/v1/lots", MINER, custodian=SMELTER)) == []


def pages(desk: Desk, path: str, reader: str, **params: Any) -> list[list[str]]:
    found, cursor = [], None
    for _ in range(50):
        answer = desk.get(path, reader, **params, **({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found.append(ids(answer))
        cursor = answer.json()["next"]
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def test_pages_end_and_hold_everything_once(chain: Desk) -> None:
    assert pages(chain, "/v1/lots", AUDITOR, limit=2) == [["lot:1", "lot:2"], ["lot:3", "lot:4"], ["lot:5"]]
    assert pages(chain, "/v1/lots", TRADER, limit=2) == [["lot:1", "lot:2"], ["lot:3", "lot:4"]]
    assert pages(chain, "/v1/lots", TRADER, limit=4) == [["lot:1", "lot:2", "lot:3", "lot:4"]]
    participants = pages(chain, "/v1/participants", "", limit=3)
    assert [len(page) for page in participants] == [3, 3, 2]
    assert participants[0][:2] == [REGISTRAR, MINER]
    assert pages(chain, "/v1/sites", "", limit=1) == [[MINE], [DEPOT], [PLANT]]
    history = pages(chain, "/v1/lots/lot:4/history", TRADER, limit=1)
    assert [one for page in history for one in page] == ids(chain.get("/v1/lots/lot:4/history", TRADER))
    assert len(history) == 4


def test_a_page_never_shifts_when_lots_are_added(chain: Desk) -> None:
    first = chain.get("/v1/lots", AUDITOR, limit=3).json()
    chain.extract(new_lot("lot:late"))
    rest = chain.get("/v1/lots", AUDITOR, limit=3, cursor=first["next"]).json()
    assert [one["id"] for one in rest["items"]][:2] == ["lot:4", "lot:5"]


@pytest.mark.parametrize(
    "cursor", ["x", "MQ==", "%", format_b64url(b"-5"), format_b64url(b"1e9"), format_b64url(b"9" * 17), ""]
)
def test_a_cursor_made_up_by_hand(chain: Desk, cursor: str) -> None:
    answer = chain.get("/v1/lots", AUDITOR, cursor=cursor)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:lodeline:problem:bad-cursor")


def test_a_cursor_shows_nothing_that_the_list_does_not_hold(chain: Desk) -> None:
    assert ids(chain.get("/v1/lots", MINER, cursor=format_cursor(0))) == ids(chain.get("/v1/lots", MINER))
    assert ids(chain.get("/v1/lots", AUDITOR, cursor=format_cursor(2**53 - 1))) == []
    assert (parse_number(None), parse_text(None)) == (-1, "")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/lots", {"status": "lost"}),
        ("/v1/lots", {"limit": 0}),
        ("/v1/lots", {"limit": 201}),
        ("/v1/lots", {"limit": "ten"}),
        ("/v1/lots", {"statsu": "held"}),
        ("/v1/lots", {"status": ["held", "closed"]}),
        ("/v1/lots", {"custodian": "x" * 201}),
        ("/v1/lots/lot:5/provenance", {"direction": "sideways"}),
        ("/v1/lots/lot:5/provenance", {"depth": 0}),
        ("/v1/lots/lot:5/provenance", {"depth": 51}),
        ("/v1/lots/lot:5/bundle", {"hash_only": "xyz"}),
        ("/v1/participants", {"country": "Congo"}),
        ("/v1/sites", {"status": "open"}),
        ("/v1/incidents", {"status": "unknown"}),
        ("/v1/attestations", {"kindof": "weighing"}),
        ("/healthz", {"verbose": "1"}),
    ],
)
def test_a_parameter_that_is_wrong_is_named(chain: Desk, path: str, params: dict[str, Any]) -> None:
    answer = chain.get(path, AUDITOR, **params)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:lodeline:problem:bad-request"), answer.text
    (name,) = params
    assert answer.json()["pointer"].startswith(f"/{name}") or answer.json()["pointer"] == "/0"


def test_one_lot_as_it_stands(chain: Desk) -> None:
    state = chain.state.subjects["lot:4"]
    shown = chain.get("/v1/lots/lot:4", SMELTER).json()
    assert (shown["head"], shown["status"], shown["custodian"]) == (state.head, "closed", SMELTER)
    assert (shown["mass"], shown["assay"], shown["tags"], shown["generation"]) == (
        "95",
        {"Ta2O5": "30"},
        [],
        1,
    ) or shown
    assert shown["head"] == hashlib.sha256(chain.log[shown["index"]].partition(b" ")[2]).hexdigest()
    for path in (f"/v1/lots/{MINE}", f"/v1/sites/{MINER}", f"/v1/participants/{MINE}", "/v1/participants/did:web:no"):
        assert chain.get(path, AUDITOR).status_code == 404


def test_ids_with_slashes_are_one_segment(chain: Desk) -> None:
    odd = "lot:a/b#c@d+e"
    chain.extract(new_lot(odd))
    for encoded in ("lot:a%2Fb%23c@d+e", "lot%3Aa%2fb%23c%40d%2Be"):
        answer = chain.get(f"/v1/lots/{encoded}", MINER)
        assert (answer.status_code, answer.json()["id"]) == (200, odd)
        assert chain.get(f"/v1/lots/{encoded}/history", MINER).status_code == 200
    assert chain.get("/v1/lots/lot:a/b", MINER).status_code == 404


def test_history_holds_moves_and_evidence_in_order(chain: Desk) -> None:
    attested = weigh(chain, "lot:5")
    items = chain.get("/v1/lots/lot:5/history", SMELTER).json()["items"]
    assert [one["payload"]["type"] for one in items] == ["transform", "attest"]
    assert [one["moved"] for one in items] == [True, False]
    assert items[1]["id"] == attested
    assert [one["record"] for one in items] == [chain.log[one["index"]].partition(b" ")[2].decode() for one in items]


def test_provenance_upstream_with_masses(chain: Desk) -> None:
    graph = chain.get("/v1/lots/lot:5/provenance", SMELTER).json()
    assert [(node["id"], node["depth"]) for node in graph["nodes"]] == [
        ("lot:5", 0), ("lot:4", 1), ("lot:1", 2), ("lot:2", 2), ("lot:3", 2),
    ]  # fmt: skip
    assert {(edge["parent"], edge["child"]): edge["mass"] for edge in graph["edges"]} == {
        ("lot:1", "lot:4"): "40", ("lot:2", "lot:4"): "40", ("lot:3", "lot:4"): "20", ("lot:4", "lot:5"): "95",
    }  # fmt: skip
    assert (graph["complete"], graph["hidden"]) == (True, 0)
    near = chain.get("/v1/lots/lot:5/provenance", SMELTER, depth=1).json()
    assert [node["id"] for node in near["nodes"]] == ["lot:5", "lot:4"]
    assert (len(near["edges"]), near["complete"]) == (1, False)
    assert chain.get("/v1/lots/lot:1/provenance", SMELTER).json()["edges"] == []


def test_a_graph_of_many_paths_is_walked_once_per_lot_and_cut_at_its_limit(diamonds: Desk) -> None:
    up = diamonds.get("/v1/lots/lot:3/provenance", TRADER).json()
    assert (len(up["edges"]), up["complete"]) == (8, False)  # twelve edges, eight allowed
    nearest = diamonds.get("/v1/lots/lot:2/provenance", TRADER).json()
    assert (len(nearest["edges"]), len(nearest["nodes"]), nearest["complete"]) == (8, 7, True)
    down = diamonds.get("/v1/lots/lot:1/provenance", AUDITOR, direction="down").json()
    assert sorted(node["id"] for node in down["nodes"]) == [
        "lot:1", "lot:1a", "lot:1b", "lot:2", "lot:2a", "lot:2b", "lot:3",
    ]  # fmt: skip


def test_a_recall_shows_what_a_granted_lot_was_made_from(diamonds: Desk) -> None:
    """The miner sees nothing below its lot but, once granted lot:1a, the lots on the way to it."""
    assert diamonds.give(diamonds.grant(TRADER, MINER, "lot:3")).status_code == 201
    down = diamonds.get("/v1/lots/lot:2b/provenance", MINER, direction="down").json()
    assert [node["id"] for node in down["nodes"]] == ["lot:2b", "lot:3"]


# ---- the register ---------------------------------------------------------------------------------------------------


def test_the_register_by_filter(chain: Desk) -> None:
    assert ids(chain.get("/v1/participants", country="BE")) == [REGISTRAR]
    assert ids(chain.get("/v1/participants", status="suspended")) == []
    assert ids(chain.get("/v1/sites", operator=TRADER)) == [DEPOT]
    assert ids(chain.get("/v1/sites", operator="did:web:nobody.example")) == []
    assert ids(chain.get("/v1/sites", country="CD", status="active")) == [MINE, DEPOT, PLANT]
    miner = chain.get(f"/v1/participants/{MINER.replace('/', '%2F')}").json()
    assert miner["roles"] == ["producer"]
    kid = chain.keys[MINER].public.kid
    assert miner["keys"] == [kid]
    assert miner["enrolled_keys"] == [
        {"kid": kid, "jwk": chain.keys[MINER].public.jwk(), "valid_from": "", "revoked": False}
    ]
    assert chain.get(f"/v1/sites/{MINE}").json()["kind"] == "mine"


def test_incidents_by_status_and_category(chain: Desk) -> None:
    about = [{"subject": MINE, "record": chain.state.subjects[MINE].head}]
    body = {
        "about": about,
        "category": "armed_groups",
        "severity": 2,
        "status": "open",
        "narrative": "Seen at the gate.",
    }
    opened = chain.submit(chain.sign(AUDITOR, "incident", body, conceal=["/body/narrative"]))
    assert ids(chain.get("/v1/incidents", TRADER, status="open", subject=MINE)) == [opened]
    assert ids(chain.get("/v1/incidents", TRADER, category="armed_groups")) == [opened]
    assert ids(chain.get("/v1/incidents", TRADER, status="closed")) == []
    shown = chain.get("/v1/incidents", MINER, subject=MINE)
    assert "Seen at the gate" not in shown.text  # whom it accuses does not read what its author concealed
    assert "Seen at the gate" in chain.get("/v1/incidents", AUDITOR).text
    assert chain.get("/v1/incidents", TRADER, subject="site:none").status_code == 404


# ---- bundles --------------------------------------------------------------------------------------------------------


def clock(desk: Desk) -> datetime:
    return datetime.fromtimestamp(desk.now, UTC)


def trust(desk: Desk) -> TrustPolicy:
    return TrustPolicy(logs=(TrustedLog(desk.service.signer.verifier),))


def test_a_bundle_verifies_offline_and_a_flipped_byte_does_not(chain: Desk) -> None:
    answer = chain.get("/v1/lots/lot:5/bundle", SMELTER)
    assert answer.headers["content-type"] == "application/vnd.lodeline.bundle+json"
    report = verify_bundle(answer.content, trust(chain), clock(chain))
    assert report.verified, report
    assert parse_bundle(answer.content).subject == "lot:5"
    damaged = bytearray(answer.content)
    damaged[len(damaged) // 2] ^= 1
    assert not verify_bundle(bytes(damaged), trust(chain), clock(chain)).verified


def test_records_can_be_left_out_by_hash(chain: Desk) -> None:
    record = chain.state.subjects["lot:5"].head
    site = chain.state.subjects[PLANT].head
    bundle = parse_bundle(chain.get("/v1/lots/lot:5/bundle", SMELTER, hash_only=[record, site]).content)
    assert sorted(one.record for one in bundle.entries if isinstance(one, HashOnlyEntry)) == sorted([record, site])
    answer = chain.get("/v1/lots/lot:5/bundle", SMELTER, hash_only="0" * 64)
    assert (answer.status_code, answer.json()["pointer"]) == (400, "/hash_only")


def test_a_bundle_has_its_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("bundle"), limits={"bundle_records": 10}) as desk:
        settle_in(desk)
        run_chain(desk)
        answer = desk.get("/v1/lots/lot:5/bundle", SMELTER)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:lodeline:problem:too-large")
