"""Stories that nobody would tell in good faith: anything that fits the schemas, signed by anybody, seen in part.

Whatever is in the evidence, `decide` gives well-formed findings, the same ones again, and never another
error than that the subject is not known.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.custody.attestations import STATEMENTS
from ledger.custody.bodies import BODIES
from ledger.custody.replay import parents_of, upstream_of
from ledger.encoding import format_json
from ledger.errors import LedgerError, UnknownSubject
from ledger.evidence.judging import Evidence, judge
from ledger.log.checkpoint import Checkpoint
from ledger.rules.claim import OWN_PACK
from ledger.rules.engine import Judgement
from ledger.rules.outcome import Outcome
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References, Snapshot, parse_snapshot
from ledger.rules.risk import assess_risk
from ledger.rules.verdict import format_verdict
from ledger.rules.verdict_form import check_verdict
from tests.ledger.rules.tables import HEADERS
from tests.ledger.rules.test_properties import documented
from tests.support.arbitrary import fitting
from tests.support.story import (
    AUDITOR,
    DEPOT,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    PARTIES,
    PLANT,
    TRADER,
    WAREHOUSE,
    Story,
)
from tests.support.world import ORIGIN, REGISTRAR

HEAD = Checkpoint(ORIGIN, 10_000, bytes(32))
DAY = "2026-11-22"
SITES = (MINE_A, MINE_B, DEPOT, WAREHOUSE, PLANT)
KNOWN = (*PARTIES, *SITES, "lot:export", "lot:a-1", "lot:b-2")
IDS = (*KNOWN, "nobody:1")
FOLDER = Path(__file__).parents[2] / "data" / "reference"
NAMES = {"un": "un_sanctions", "ofac": "ofac_sdn", "eu": "eu_sanctions", "cahra": "eu_cahra"}
ROWS = {
    "site_statuses": f"{MINE_A},green,2026-01-05,M,2026-01-10,,A1,2026-01-11\n{MINE_B},red,,,2026-02-10,,A2,2026-02-11",
    "orders": f"red_zone,CD,,,{MINE_B},coltan,artisanal,2026-02-01,,A9,2026-02-02",
    "quotas": "AUTH,CD,,Ta2O5,100,2026-01-01,2026-12-31,A3,2026-01-01",
    "royalties": "CD,Ta2O5,3.5,2020-01-01,,A4,2020-01-01",
    "prices": "Ta2O5,2026-04,200,m,2026-05-10\nTa2O5,2026-03,0.000001,m,2026-05-10",
    "transit_countries": "CD,,2020-01-01,,A7,2020-01-01\nRW,coltan,2020-01-01,,A7,2020-01-01",
}  # fmt: skip
"""Lists that name this story's places, beside the synthetic files of all formats."""


@cache
def base() -> Story:
    return documented()


@cache
def references() -> tuple[Snapshot, ...]:
    """One snapshot of every data set."""
    files = {NAMES.get(one.stem, one.stem): one.read_bytes() for one in FOLDER.iterdir()}
    files |= {name: f"{HEADERS[name]}\n{rows}\n".encode() for name, rows in ROWS.items()}
    return tuple(parse_snapshot(name, raw, published=DAY, source="tests") for name, raw in sorted(files.items()))


def all_rules(story: Story, subject: str, **more: Any) -> Judgement:
    """The judgement on a claim of all packs; more: shown, hidden, valid, known."""
    claim = story.claim("conduct", subject=subject, packs=[one for one in read_packs() if one != OWN_PACK])
    shown = more.get("shown", story.shown())
    evidence = Evidence(subject, ORIGIN, shown, more.get("hidden", ()), more.get("lots"))
    known, valid = more.get("known", f"{DAY}T12:00:00Z"), more.get("valid", f"{DAY}T12:00:00Z")
    return judge(claim, evidence, read_packs(), References(references()), valid_as_of=valid, known_as_of=known)


# ---- anything that fits ---------------------------------------------------------------------------------------------

SIGNERS = st.sampled_from(tuple(PARTIES))
ABOUT = st.lists(st.sampled_from(KNOWN), min_size=1, max_size=3, unique=True)
ENDS = st.fixed_dictionaries(
    {},
    optional={
        "result": st.sampled_from(["conform", "not_conform", "inconclusive", None]),
        "from": st.sampled_from(["1000-01-01T00:00:00Z", "2026-03-31T12:00:00Z", None]),
        "until": st.sampled_from(["2026-04-01T00:00:00Z", "2999-12-31T23:59:59Z", None]),
    },
)


@st.composite
def attestations(draw: st.DrawFn) -> tuple[Any, ...]:
    kind = draw(st.sampled_from(tuple(STATEMENTS)))
    body = {"kind": kind, "statement": draw(fitting(STATEMENTS[kind], IDS)), **draw(ENDS)}
    return "attest", draw(SIGNERS), draw(ABOUT), body


@st.composite
def chains(draw: st.DrawFn) -> tuple[Any, ...]:
    """An extract of the mine and its dispatch to the trader, which takes it or not."""
    return "chain", draw(fitting(BODIES["extract"], IDS)), draw(fitting(BODIES["dispatch"], IDS)), draw(st.booleans())


INCIDENTS = st.tuples(st.just("incident"), SIGNERS, ABOUT, fitting(BODIES["incident"], IDS))
PEOPLE = st.tuples(
    st.just("participant"), fitting(BODIES["participant"], tuple(PARTIES)), st.sampled_from(tuple(PARTIES))
)
PLACES = st.tuples(st.just("site"), fitting(BODIES["site"], tuple(PARTIES)), st.sampled_from(SITES))
EVENTS = st.one_of(attestations(), attestations(), INCIDENTS, PEOPLE, PLACES, chains())


def tell(story: Story, event: tuple[Any, ...]) -> str:
    """Put an event into the story; the lot that it made, or "". Raises LedgerError when the log refuses it."""
    world = story.world
    if event[0] in ("attest", "incident"):
        kind, issuer, about, body = event
        body = {name: one for name, one in body.items() if name != "follows"}
        world.do(issuer, kind, {**body, "about": story.about(about)})
    elif event[0] == "participant":
        body = {name: one for name, one in event[1].items() if name != "keys"}
        world.do(REGISTRAR, "participant", {**body, "id": event[2]}, [event[2]])
    elif event[0] == "site":
        operator = world.state.subjects[event[2]].operator  # type: ignore[union-attr]
        body = {**event[1], "id": event[2], "operator": operator, "subdivision": f"{event[1]['country']}-1"}
        world.do(operator, "site", body, [event[2]])
    else:
        return tell_chain(story, *event[1:])
    return ""


def tell_chain(story: Story, extract: dict[str, Any], dispatch: dict[str, Any], taken: bool) -> str:
    world = story.world
    lots = [{**one, "id": f"lot:{len(world.log)}-{n}", "tags": []} for n, one in enumerate(extract["lots"])]
    period = dict(zip(("from", "to"), sorted(extract["period"].values()), strict=True))
    ids = [one["id"] for one in lots]
    world.do(MINER, "extract", {**extract, "site": MINE_A, "lots": lots, "period": period})
    away = {**dispatch, "lots": ids, "consignee": TRADER, "from": MINE_A, "to": DEPOT}
    world.do(MINER, "dispatch", away, ids)
    if taken:
        story.receive(TRADER, DEPOT, dict.fromkeys(ids), dispatch["transport"].get("seals", ()))
    return str(ids[0])


@settings(max_examples=60)
@given(
    st.lists(EVENTS, min_size=1, max_size=8),
    st.sampled_from(["lot:export", "lot:a-1", MINE_A, PLANT, TRADER, MINER, AUDITOR, LAB]),
    st.sampled_from(["2026-03-31T12:00:30Z", "2026-04-03T08:00:00Z", f"{DAY}T00:00:00Z", "2999-01-01T00:00:00Z"]),
    st.sampled_from(["2026-05-21T12:00:30Z", f"{DAY}T12:00:00Z", "2999-01-01T00:00:00Z"]),
    st.sets(st.integers(1, 60), max_size=2),
    st.booleans(),
)
def test_any_story_is_judged(
    events: list[tuple[Any, ...]], subject: str, valid: str, known: str, dropped: set[int], erased: bool
) -> None:
    story = copy.deepcopy(base())
    for event in events:
        with suppress(LedgerError):
            subject = tell(story, event) or subject
    shown = [one for one in story.shown(erase=erased) if one.index not in dropped]
    hidden = [one.record.id for one in story.shown() if one.index in dropped]
    lots = upstream_of({"lot:a-1", "lot:b-1"}, parents_of(one.record for one in shown)) if erased else None
    clocks = {"shown": shown, "hidden": hidden, "lots": lots, "valid": valid, "known": known}
    try:
        judgement = all_rules(story, subject, **clocks)
    except UnknownSubject:
        return
    check_findings(judgement)
    again = all_rules(story, subject, **clocks)
    assert format_json(format_verdict(again, HEAD)) == format_json(format_verdict(judgement, HEAD))


def check_findings(judgement: Judgement) -> None:
    """Every finding says something, of records that are there, and in the form that readers check."""
    check_verdict(json.loads(format_json(format_verdict(judgement, HEAD))))
    assert set(assess_risk(judgement)) == {"subject", "kind", "known_as_of", "valid_as_of", "areas"}
    for one in judgement.findings:
        ruling = one.ruling
        assert ruling.sentence, one.rule.id
        assert bool(ruling.missing) >= (ruling.outcome is Outcome.INSUFFICIENT), one.rule.id
        if ruling.outcome is Outcome.PASS:
            assert ruling.references or judgement.facts.of(ruling.evidence), one.rule.id
        if ruling.outcome is Outcome.RED_FLAG:
            assert ruling.since, one.rule.id


# ---- what was found so ----------------------------------------------------------------------------------------------


def test_numbers_of_a_participant_that_are_null_do_not_stop_the_screening() -> None:
    story = copy.deepcopy(base())
    story.amend(TRADER, identifiers={"lei": None, "tax": None})
    check_findings(all_rules(story, "lot:export"))


def test_a_lot_made_of_lots_whose_records_are_withheld() -> None:
    """The claim is about the trader, the extract of what it merged is there by its hash only."""
    shown = base().shown()
    extract = next(one for one in shown if one.record.type == "extract")
    rest = [one for one in shown if one.index != extract.index]
    judgement = all_rules(base(), TRADER, shown=rest, hidden=[extract.record.id])
    assert judgement.facts.transforms == ()
    check_findings(judgement)


# ---- the same in every process --------------------------------------------------------------------------------------

PROGRAM = """
import sys
from ledger.encoding import format_json
from ledger.rules.verdict import format_verdict, verdict_id
from tests.ledger.rules import test_hostile_stories as here
if sys.argv[1] == "reversed":
    kept = here.references()
    here.references = lambda: kept[::-1]
ids = [verdict_id(format_verdict(here.all_rules(here.base(), one), here.HEAD)) for one in ("lot:export", here.MINE_A)]
print(" ".join(ids))
"""


@pytest.mark.parametrize(("seed", "order"), [("1", "sorted"), ("4294967295", "reversed")])
def test_another_process_gives_the_same_bytes(seed: str, order: str) -> None:
    """Whatever the order of sets in that process, and of the snapshots that it was given."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, order],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=True,
        text=True,
    )
    from ledger.rules.verdict import verdict_id

    mine = [verdict_id(format_verdict(all_rules(base(), one), HEAD)) for one in ("lot:export", MINE_A)]
    assert done.stdout.split() == mine
