"""Portfolios over HTTP: the answers of single verdicts, for as many lots as are asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from ledger.encoding import format_time
from ledger.rules.claim import OWN_PACK
from ledger.rules.packs import read_packs
from service.config import Limits
from service.usecases import portfolios
from service.usecases.claims import deadline
from tests.service.api.harness import Desk, run_chain, serving, settle_in
from tests.support.world import AUDITOR, BUYER, MINE, PLANT, SMELTER, TRADER, new_lot, quantity

pytestmark = pytest.mark.usefixtures("engine")

DRUMS = [f"lot:drum-{n}" for n in range(1, 6)]
SHOWN = ("fail", "red_flag", "insufficient_evidence")
PACKS = [one for one in read_packs() if one != OWN_PACK]


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The chain of the harness, its last lot divided among five drums, two of which went to the trader."""
    with serving(tmp_path_factory.mktemp("portfolios")) as desk:
        settle_in(desk)
        run_chain(desk)
        left = desk.state.subjects["lot:5"].left  # type: ignore[union-attr]
        each = [quantity(f"{float(left) / 5 + n:.3f}") for n in (-1, 0, 1, 0, 0)]
        made = [new_lot(drum, amount, [f"D{n}"]) for n, (drum, amount) in enumerate(zip(DRUMS, each, strict=True))]
        desk.now += 100
        body = {
            "process": "split", "site": PLANT, "model": "segregated", "inputs": [{"lot": "lot:5", "mass": left}],
            "outputs": made,
        }  # fmt: skip
        desk.do(SMELTER, "transform", body, ["lot:5"])
        desk.dispatch(SMELTER, TRADER, *DRUMS[:2])
        yield desk


def ask(desk: Desk, reader: str, value: Any) -> httpx.Response:
    return desk.client.post("/v1/portfolios", json=value, headers=desk.as_(reader))


def question(*lots: str, **more: Any) -> dict[str, Any]:
    return {"claim": {"type": "conduct", "packs": PACKS}, "subjects": list(lots), **more}


def alone(desk: Desk, reader: str, lot: str, now: str) -> dict[str, Any]:
    claim = {"type": "conduct", "packs": PACKS, "subject": lot}
    body = {"claim": claim, "valid_as_of": now, "known_as_of": now}
    answer = desk.client.post("/v1/claims", json=body, headers=desk.as_(reader))
    assert answer.status_code in (200, 201), answer.text
    verdict: dict[str, Any] = answer.json()["verdict"]
    return verdict


@pytest.mark.parametrize("reader", [SMELTER, AUDITOR])
def test_every_lot_gets_the_answer_of_its_verdict(desk: Desk, reader: str) -> None:
    lots, now = [*DRUMS, "lot:5", "lot:1", "lot:2"], format_time(desk.now)
    told = ask(desk, reader, question(*lots, valid_as_of=now, known_as_of=now))
    assert told.status_code == 200, told.text
    value = told.json()
    assert [one["subject"] for one in value["lots"]] == lots
    assert (value["valid_as_of"], value["known_as_of"]) == (now, now)
    for one in value["lots"]:
        verdict = alone(desk, reader, one["subject"], now)
        assert (one["answer"], one["counts"]) == (verdict["answer"], verdict["counts"])
        assert value["log"] == verdict["log"]
        assert value["claim"] == {name: part for name, part in verdict["claim"].items() if name != "subject"}
        found = [value["findings"][place] for place in one["findings"]]
        expected = [
            {name: part[name] for name in ("rule", "outcome", "sentence", "evidence")}
            for part in verdict["findings"]
            if part["outcome"] in SHOWN
        ]
        assert [{**part, "evidence": value["evidence"][part["evidence"]]} for part in found] == expected


def test_what_lots_share_stands_once(desk: Desk) -> None:
    value = ask(desk, SMELTER, question(*DRUMS)).json()
    named = [one["findings"] for one in value["lots"]]
    shared = set(named[0]).intersection(*named)
    assert len(shared) > 20
    assert len(value["findings"]) < sum(map(len, named))
    assert len({tuple(one) for one in value["evidence"]}) == len(value["evidence"])


def test_a_lot_that_the_reader_may_not_see_is_pointed_at(desk: Desk) -> None:
    for lots, place in ((["lot:nowhere"], 0), ([DRUMS[0], "lot:nowhere"], 1), ([DRUMS[0], MINE], 1)):
        answer = ask(desk, SMELTER, question(*lots))
        assert (answer.status_code, answer.json()["pointer"]) == (404, f"/subjects/{place}")
        assert f"'{lots[place]}'" in answer.json()["detail"]
    assert ask(desk, BUYER, question(DRUMS[0])).json()["pointer"] == "/subjects/0"
    assert desk.client.post("/v1/portfolios", json=question(DRUMS[0])).status_code == 401


def test_a_lot_that_did_not_exist_yet_is_pointed_at(desk: Desk) -> None:
    early = ask(desk, SMELTER, question("lot:1", DRUMS[2], known_as_of="2020-01-01"))
    assert (early.status_code, early.json()["pointer"]) == (422, "/subjects/0")
    both = ask(desk, SMELTER, question(DRUMS[2], DRUMS[3], known_as_of="2020-01-01"))
    assert (both.status_code, both.json()["pointer"]) == (422, "/subjects/0")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"subjects": []}, "/subjects"),
        ({"subjects": "lot:5"}, "/subjects"),
        ({"subjects": [f"lot:{n}" for n in range(portfolios.MAX_LOTS + 1)]}, "/subjects"),
        ({"subjects": ["lot:5", 5]}, "/subjects/1"),
        ({"subjects": ["lot:5", "lot:5"]}, "/subjects/1"),
        ({"subjects": ["a b"]}, "/subjects/0"),
        ({"claim": "conduct"}, "/claim"),
        ({"claim": {"type": "conduct", "subject": "lot:5"}}, "/claim/subject"),
        ({"claim": {"type": "clean"}}, "/claim/type"),
        ({"claim": {"type": "quantity"}}, "/claim/terms/kg"),
        ({"claim": {"type": "conduct", "packs": ["nowhere"]}}, "/claim/packs/0"),
        ({"claim": {"type": "conduct", "parameters": {"nothing": 1}}}, "/claim/parameters/nothing"),
        ({"valid_as_of": "soon"}, "/valid_as_of"),
        ({"packs": ["x = 1"]}, "/packs/0/pack"),
        ({"more": 1}, "/more"),
    ],
)
def test_bad_input_is_pointed_at(desk: Desk, change: dict[str, Any], pointer: str) -> None:
    answer = ask(desk, SMELTER, {**question("lot:5"), **change})
    assert (answer.status_code, answer.json().get("pointer")) == (400, pointer), answer.text


def test_a_body_that_is_no_object(desk: Desk) -> None:
    headers = {"content-type": "application/json"}
    broken = desk.client.post("/v1/portfolios", content=b"{", headers={**headers, **desk.as_(SMELTER)})
    assert broken.json()["type"].endswith("claim-error")
    assert ask(desk, SMELTER, []).json()["pointer"] == "/claim"
    other = desk.client.post("/v1/portfolios", content=b"{}", headers=desk.as_(SMELTER))
    assert other.status_code == 415


def test_more_than_a_bundle_holds_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    context = desk.service.context
    limits = replace(Limits(), bundle_records=8)
    monkeypatch.setattr(portfolios, "_Gathering", _limited(portfolios._Gathering, limits))
    answer = ask(desk, SMELTER, question("lot:1", DRUMS[0]))
    assert (answer.status_code, answer.json()["values"]["limit"]) == (413, 8)
    assert answer.json()["pointer"] == "/subjects/0"
    monkeypatch.undo()
    monkeypatch.setattr(portfolios, "MAX_RECORDS", 8)
    assert ask(desk, SMELTER, question(DRUMS[0])).status_code == 413
    assert context.limits.bundle_records == Limits().bundle_records


def _limited(gathering: Any, limits: Limits) -> Any:
    return lambda conn, context, view, lots: gathering(conn, replace(context, limits=limits), view, lots)


def test_work_that_nobody_waits_for_stops(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolios, "deadline", lambda context: deadline(replace(context, limits=_SHORT)))
    answer = ask(desk, SMELTER, question("lot:1", *DRUMS))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


_SHORT = replace(Limits(), request_seconds=-1.0)
