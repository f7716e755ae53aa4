"""Imports into the United States, case by case: coltan, and copper that was worked in China."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ledger.rules.case import Background
from ledger.rules.engine import judge_rule
from ledger.rules.pack import parameters_of
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from ledger.rules.reference.snapshot import References
from tests.support.papers import (
    FAIL,
    FLAG,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Line,
    Paper,
    attests,
    check,
    finding,
    lists,
)
from tests.support.story import (
    EXPORTER,
    MINE_A,
    MINER,
    SMELTER,
    TRADER,
    Story,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity


def entry(name: str, number: str = "") -> ListedParty:
    numbers = (Identifier("Registration ID", number),) if number else ()
    return ListedParty("U.1", "entity", (Alias(name, True),), numbers, ("UFLPA",), "2022-06-21", "", ("CN",))


def entities(*rows: ListedParty, day: str = "2026-05-01") -> Paper:
    return lists("uflpa_entities", day, *(rows or (entry("Quartz Harbour Holdings"),)))


def exported(destination: str) -> Paper:
    statement = {
        "declaration": "E-1", "code_system": "HS", "code": "261590", "net": "800", "exporter": EXPORTER,
        "destination": destination,
    }  # fmt: skip
    return attests(EXPORTER, "export", "lot:export", statement)


def worked_in(subdivision: str, *, acid: bool = False, mineral: str = "lot:cathode", analyte: str = "Cu") -> Story:
    """Copper ore of the Congo, smelted in China; acid: with a reagent that no lot stands for."""
    story = start_story()
    story.register("site:works", "refinery", SMELTER, subdivision)
    ore = {**new_lot("lot:ore", quantity("10000", "0", {analyte: "30"})), "mineral": "ore-17"}
    story.on("2026-03-31").extract(MINE_A, ore, period=("2026-03-02", "2026-03-31"))
    story.dispatch(MINER, SMELTER, MINE_A, "site:works", "lot:ore")
    story.on("2026-05-01").receive(SMELTER, "site:works", {"lot:ore": None})
    metal = {**new_lot(mineral, quantity("3000", "0", {analyte: "99.9"})), "mineral": "cathode"}
    more: dict[str, Any] = {"losses": [{"kind": "slag", "mass": "7000"}]}
    if acid:
        more = {"additions": [{"material": "acid", "mass": "500"}], "losses": [{"kind": "slag", "mass": "7500"}]}
    story.on("2026-05-20").transform(SMELTER, "site:works", {"lot:ore": "10000"}, metal, process="refine", **more)
    story.subject = mineral
    return story


FILE: dict[str, Paper] = {"entities": entities()}
COLTAN = {
    "coltan counts, from a covered country": Line("US1502.SCOPE", PASS, words="covered countries CD"),
    "coltan counts, from elsewhere too": Line(
        "US1502.SCOPE", PASS, parameters={"covered_countries": ["RW"]}, words="not from a covered country"
    ),
    "a mine holds no minerals": Line("US1502.SCOPE", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "all of it from the Congo": Line("US1502.RCOI", PASS, words="CD 100 %"),
    "a mine has no origin": Line("US1502.RCOI", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "nothing of Xinjiang": Line("UFLPA.XUAR", PASS, words="none of its parties is on the Entity List"),
    "not bound for the United States": Line("UFLPA.XUAR", NOT_APPLICABLE, claim="chain_complete"),
    "exported to the United States": Line("UFLPA.XUAR", PASS, claim="chain_complete", add={"export": exported("US")}),
    "exported elsewhere": Line("UFLPA.XUAR", NOT_APPLICABLE, claim="chain_complete", add={"export": exported("MY")}),
    "no Entity List": Line("UFLPA.XUAR", INSUFFICIENT, drop=["entities"], words="not loaded"),
    "an old Entity List": Line("UFLPA.XUAR", INSUFFICIENT, add={"entities": entities(day="2026-04-01")}, words="stale"),
    "the trader is on it by number": Line(
        "UFLPA.XUAR",
        FAIL,
        add={
            "entities": entities(entry("N", "RCCM12345")),
            "number": lambda story: story.amend(TRADER, identifiers={"registration": "RCCM-12345"}),
        },
    ),
    "the trader is on it by name": Line("UFLPA.XUAR", FLAG, add={"entities": entities(entry("Negociant"))}),
    "the trader hides its name": Line(
        "UFLPA.XUAR", INSUFFICIENT, add={"name": lambda story: story.amend(TRADER, name=None)}, words="name not shown"
    ),
    "coltan is of no sector enforced first": Line("UFLPA.SECTOR", NOT_APPLICABLE),
    "copper that goes elsewhere": Line("UFLPA.SECTOR", NOT_APPLICABLE, claim="chain_complete"),
}
COPPER = {
    "copper is no conflict mineral": ("CN-JX", False, Line("US1502.SCOPE", NOT_APPLICABLE, words="copper")),
    "copper needs no inquiry": ("CN-JX", False, Line("US1502.RCOI", NOT_APPLICABLE)),
    "worked in Xinjiang": ("CN-XJ", False, Line("UFLPA.XUAR", FAIL, words="site:works in CN-XJ")),
    "worked in Xinjiang, and no list": ("CN-XJ", False, Line("UFLPA.XUAR", FAIL, drop=["entities"])),
    "worked elsewhere in China": ("CN-JX", False, Line("UFLPA.XUAR", PASS)),
    "worked elsewhere in China with acid from somewhere": (
        "CN-JX",
        True,
        Line("UFLPA.XUAR", INSUFFICIENT, words="acid"),
    ),
    "worked in Malaysia with acid from somewhere": ("MY-01", True, Line("UFLPA.XUAR", PASS)),
    "copper that was in China": ("CN-JX", False, Line("UFLPA.SECTOR", FLAG, words="copper is of a sector")),
    "copper that was never in China": ("MY-01", False, Line("UFLPA.SECTOR", PASS)),
    "copper that was never in China, flagged all the same": (
        "MY-01",
        False,
        Line("UFLPA.SECTOR", FLAG, parameters={"sector_nexus": []}),
    ),
    "copper in a plant of the United States": (
        "US-NV",
        False,
        Line("UFLPA.XUAR", PASS, claim="chain_complete"),
    ),
}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


@pytest.mark.parametrize("words", COLTAN)
def test_coltan(story: Story, words: str) -> None:
    line = COLTAN[words]
    check(finding(story, FILE, line, claim="us_import"), line)


@pytest.mark.parametrize("words", COPPER)
def test_copper(words: str) -> None:
    subdivision, acid, line = COPPER[words]
    check(finding(worked_in(subdivision, acid=acid), FILE, line, claim="us_import"), line)


def test_a_buyer_who_asks_for_the_pack_gets_an_answer(story: Story) -> None:
    claim = story.claim("chain_complete", packs=["us-imports"])
    assert story.finding("UFLPA.XUAR", claim=claim).ruling.outcome is INSUFFICIENT  # no list is loaded
    assert (
        story.finding("UFLPA.XUAR", claim=story.claim("chain_complete", packs=["rmap"])).ruling.outcome
        is NOT_APPLICABLE
    )


def test_an_inquiry_that_leads_nowhere(story: Story) -> None:
    pack = read_packs()["us-imports"]
    rule = next(one for one in pack.rules if one.id == "US1502.RCOI")
    facts = dataclasses.replace(story.facts(), mined={})
    back = Background(facts, story.claim("us_import"), References())
    assert judge_rule(rule, pack.id, back, parameters_of(pack)).ruling.outcome is INSUFFICIENT


def test_an_inquiry_about_who_knows_what() -> None:
    story = start_story()
    unknown = {**new_lot("lot:x", quantity("40", "2", {})), "mineral": "ore-17"}
    story.on("2026-03-31").extract(MINE_A, unknown, period=("2026-03-31", "2026-03-31"))
    found = story.finding("US1502.RCOI", claim=story.claim("us_import", subject="lot:x"), subject="lot:x")
    assert found.ruling.outcome is INSUFFICIENT


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["us-imports"].rules}
    assert rules == {line.rule for line in COLTAN.values()} | {line.rule for _, _, line in COPPER.values()}
