"""Red flags (OECD guidance): what raises one, what closes it, and that none is ever a fail by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger.rules.outcome import Answer, combine
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CahraArea, NationalFlow, TransitCountry
from tests.support.cases import (
    FAIL,
    FLAG,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Bend,
    Case,
    both,
    check_case,
    dug,
    nobody,
)
from tests.support.gold import gold_lot, gold_story
from tests.support.oecd_papers import assess, inspect, know, look_closer
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    DEPOT,
    EXPORTER,
    LAB,
    MINE_A,
    MINER,
    MINER_B,
    MONITOR,
    SMELTER,
    TRADER,
    Story,
    bags,
)
from tests.support.world import REGISTRAR

EVERYBODY = (MINER, MINER_B, TRADER, EXPORTER, SMELTER)


def honest(story: Story) -> None:
    """No list loaded, no papers."""


def gold(story: Story) -> dict[str, Any]:
    """The chain of gold instead of that of coltan."""
    return {"story": gold_story()}


def on_gold(*bends: Bend, country: str = "AE-DU") -> Bend:
    """Bends of the chain of gold."""

    def bend(_: Story) -> dict[str, Any]:
        story = gold_story(country)
        more = both(*bends)(story) or {}
        return {"story": story, **more}

    return bend


def listed(*places: str, affected: bool = True, published: str = "2026-05-15") -> Bend:
    """The EU's list with these subdivisions; `CD-` in front of nothing would be a whole country."""
    rows = [CahraArea(one[:2], one if len(one) > 2 else "", one, affected, not affected) for one in places]
    return lambda story: know(story, "eu_cahra", *rows, published=published)


KIVU, ELSEWHERE = listed("CD-NK"), listed("SO-BN")


def transit(*countries: str, minerals: tuple[str, ...] = (), start: str = "2020-01-01", end: str = "") -> Bend:
    rows = [TransitCountry(one, minerals, start, end, "list", start) for one in countries]
    return lambda story: know(story, "transit_countries", *rows, published="2026-01-02")


def assessed(*flags: str, date: str = "2026-05-19", parties: tuple[str, ...] = EVERYBODY) -> Bend:
    return lambda story: assess(story, *parties, date=date, red_flags=flags)


def flows(exported: int, produced: int = 1_000_000, analyte: str = "Ta", country: str = "CD") -> Bend:
    """National figures in kg."""
    rows = [
        NationalFlow(country, analyte, flow, "2025", mass * 10**6, "contained", "yearbook", "2026-02-01")
        for flow, mass in (("production", produced), ("export", exported))
    ]
    return lambda story: know(story, "national_flows", *rows)


def owned(*parties: str, country: str = "", name: str = "Example Holding") -> Bend:
    """Parties have an owner of this name."""

    def bend(story: Story) -> None:
        owner = {"name": name, "capacity": "shareholder"} | ({"country": country} if country else {})
        for party in parties or EVERYBODY:
            story.amend(party, owners=[owner])

    return bend


def each_its_own(story: Story) -> None:
    """Everybody has an owner of his own; nobody shares one."""
    for party in EVERYBODY:
        story.amend(party, owners=[{"name": f"Owners of {party}", "capacity": "shareholder"}])


def shares_owner_with(other: str, name: str = "Owners of did:web:smelter.example") -> Bend:
    """A company outside of the chain has the smelter's owner."""
    return lambda story: story.amend(other, owners=[{"name": name, "capacity": "director"}]) and None


def over_two_links(story: Story) -> None:
    """The smelter and a buyer share an owner; the buyer and a laboratory share another."""
    between = {"name": "Owners of did:web:smelter.example", "capacity": "shareholder"}
    second = {"name": "Second Holding", "capacity": "shareholder"}
    story.amend(BUYER, owners=[between, second])
    story.amend(LAB, owners=[second])


def owners_concealed(story: Story) -> dict[str, Any]:
    each_its_own(story)
    body = {**story.body_of("participant", TRADER)}
    body.pop("keys", None)
    story.world.do(REGISTRAR, "participant", body, [TRADER], conceal=["/body/owners"])
    return {"erase": True}


def unregistered(story: Story) -> dict[str, Any]:
    story.register("site:own", "mine", REGISTRAR)
    story.on("2026-06-01").extract("site:own", *bags("own", 1), period=("2026-05-01", "2026-05-31"))
    return {"subject": "lot:own-1"}


def recycled(story: Story) -> dict[str, Any]:
    """A lot that is called recycled, refined in the story's country."""
    lot = gold_lot("lot:scrap", "1", "85", mineral="recycled_gold")
    story.on("2026-04-10").extract(MINE_A, lot, period=("2026-04-01", "2026-04-09"))
    story.dispatch(MINER, SMELTER, MINE_A, "site:refinery", "lot:scrap", mode="air")
    story.receive(SMELTER, "site:refinery", {"lot:scrap": None})
    return {"subject": "lot:scrap"}


def recycled_at_the_mine(story: Story) -> dict[str, Any]:
    lot = gold_lot("lot:scrap", "1", "85", mineral="recycled_gold")
    story.on("2026-04-10").extract(MINE_A, lot, period=("2026-04-01", "2026-04-09"))
    return {"subject": "lot:scrap"}


def bad_assay(story: Story) -> None:
    inspect(story, MINE_A, result="not_conform")


def fraud_reported(story: Story) -> None:
    period = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-12T00:00:00Z"}
    story.incident(MONITOR, MINE_A, "fraud.tags", period=period)


def report(*flags: str, **more: Any) -> Bend:
    return lambda story: look_closer(story, *flags, **more) and None


LOC1 = "OECD-RF.LOC1"
NAMED = assessed(LOC1, date="2026-05-01")

CASES: dict[str, Case] = {
    "the province is listed": (LOC1, both(KIVU, assessed()), FLAG),
    "the province is a risk without conflict": (LOC1, both(listed("CD-NK", affected=False), assessed()), FLAG),
    "another province of the country is listed": (LOC1, both(listed("CD-IT"), assessed()), PASS),
    "the whole country is listed": (LOC1, both(listed("CD"), assessed()), FLAG),
    "the way leads through a country with listed areas": (LOC1, both(listed("TZ-01"), assessed()), FLAG),
    "nothing is listed, and nobody assessed": (LOC1, ELSEWHERE, INSUFFICIENT),
    "nothing is listed, the assessment is old": (LOC1, both(ELSEWHERE, assessed(date="2025-05-01")), INSUFFICIENT),
    "nothing is listed, the assessment names the flag": (LOC1, both(ELSEWHERE, assessed(LOC1)), FLAG),
    "the list is not loaded": (LOC1, assessed(), INSUFFICIENT),
    "the list is stale": (LOC1, both(listed("SO-BN", published="2025-12-01"), assessed()), INSUFFICIENT),
    "it was listed when it was mined, and is no more": (
        LOC1, both(listed("CD-NK", published="2026-02-20"), ELSEWHERE, assessed()), FLAG,
    ),
    "the smelter's place is no origin": (LOC1, both(listed("MY-01"), assessed()), PASS),
    "the country exports less than it mines": ("OECD-RF.LOC2", flows(900_000), PASS),
    "the country exports more than it mines": ("OECD-RF.LOC2", flows(1_100_000), FLAG),
    "the figures are of tin": ("OECD-RF.LOC2", flows(1_100_000, analyte="Sn"), INSUFFICIENT),
    "no national figures are loaded": ("OECD-RF.LOC2", honest, INSUFFICIENT),
    "no origin is known": ("OECD-RF.LOC2", nobody, NOT_APPLICABLE),
    "the origin is a country of transit": ("OECD-RF.LOC3", transit("CD"), FLAG),
    "the way leads through a country of transit": ("OECD-RF.LOC3", transit("RW"), FLAG),
    "gold passes there, coltan does not": ("OECD-RF.LOC3", transit("RW", minerals=("gold",)), PASS),
    "coltan passes there": ("OECD-RF.LOC3", transit("RW", minerals=("coltan",)), FLAG),
    "it passed there until last year": ("OECD-RF.LOC3", transit("RW", end="2025-12-31"), PASS),
    "neither origin nor way is on the list": ("OECD-RF.LOC3", transit("AE"), PASS),
    "transit is not loaded": ("OECD-RF.LOC3", honest, INSUFFICIENT),
    "no mine is known": ("OECD-RF.LOC3", both(transit("AE"), nobody), INSUFFICIENT),
    "scrap was refined in a country of transit": ("OECD-RF.LOC4", on_gold(transit("AE"), recycled), FLAG),
    "scrap was refined elsewhere": ("OECD-RF.LOC4", on_gold(transit("AE"), recycled, country="CH-ZH"), PASS),
    "nobody says where scrap was refined": ("OECD-RF.LOC4", on_gold(transit("AE"), recycled_at_the_mine), INSUFFICIENT),
    "scrap, and transit is not loaded": ("OECD-RF.LOC4", on_gold(recycled), INSUFFICIENT),
    "nothing is called scrap": ("OECD-RF.LOC4", on_gold(transit("AE")), NOT_APPLICABLE),
    "coltan is no scrap": ("OECD-RF.LOC4", transit("AE"), NOT_APPLICABLE),
    "everybody has an owner of his own": ("OECD-RF.SUP1", both(KIVU, transit("RW"), each_its_own), PASS),
    "the smelter's owner is of a place of red flags": (
        "OECD-RF.SUP1", both(KIVU, transit("RW"), each_its_own, owned(SMELTER, country="RW")), FLAG,
    ),
    "the smelter's owner has a company there": (
        "OECD-RF.SUP1", both(KIVU, transit("RW"), each_its_own, shares_owner_with(AUTHORITY)), FLAG,
    ),
    "the names differ in spelling only": (
        "OECD-RF.SUP1",
        both(KIVU, transit("RW"), each_its_own, shares_owner_with(AUTHORITY, "OWNERS OF did:web:SMELTER.example")),
        FLAG,
    ),
    "the smelter's owner has a company elsewhere": (
        "OECD-RF.SUP1", both(KIVU, transit("RW"), each_its_own, shares_owner_with(BUYER)), PASS,
    ),
    "it is tied over two companies": (
        "OECD-RF.SUP1", both(KIVU, transit("ZA"), each_its_own, over_two_links), FLAG,
    ),
    "the owners are not given": ("OECD-RF.SUP1", both(KIVU, transit("RW")), INSUFFICIENT),
    "the owners are concealed": ("OECD-RF.SUP1", both(KIVU, transit("RW"), owners_concealed), INSUFFICIENT),
    "the supplier is not in the register": ("OECD-RF.SUP1", both(KIVU, transit("RW"), unregistered), INSUFFICIENT),
    "ownership, and the list is not loaded": ("OECD-RF.SUP1", both(transit("RW"), each_its_own), INSUFFICIENT),
    "ownership, and transit is not loaded": ("OECD-RF.SUP1", both(KIVU, each_its_own), INSUFFICIENT),
    "nobody held a lot": (
        "OECD-RF.SUP1", both(listed("CD-NK", published="2026-01-02"), transit("RW"), nobody), NOT_APPLICABLE,
    ),
    "the trader bought in a listed province": ("OECD-RF.SUP2", both(KIVU, assessed()), FLAG),
    "nobody bought in a listed area": ("OECD-RF.SUP2", both(ELSEWHERE, assessed()), PASS),
    "a supplier made no assessment": (
        "OECD-RF.SUP2", both(ELSEWHERE, assessed(parties=(MINER, MINER_B, TRADER))), INSUFFICIENT,
    ),
    "a supplier's assessment names the flag": ("OECD-RF.SUP2", both(ELSEWHERE, assessed("OECD-RF.SUP2")), FLAG),
    "history, and the list is not loaded": ("OECD-RF.SUP2", assessed(), INSUFFICIENT),
    "nobody supplied it": ("OECD-RF.SUP2", both(KIVU, dug), NOT_APPLICABLE),
    "nothing about the gold is odd": ("OECD-RF.CIRC", on_gold(lambda s: assess(s, SMELTER, date="2026-04-01")), PASS),
    "an inspection does not conform": ("OECD-RF.CIRC", on_gold(bad_assay), FLAG),
    "fraud is reported": ("OECD-RF.CIRC", on_gold(fraud_reported), FLAG),
    "nobody looked at the circumstances": ("OECD-RF.CIRC", on_gold(), INSUFFICIENT),
    "coltan has other circumstances": ("OECD-RF.CIRC", honest, NOT_APPLICABLE),
    "no flag is named": ("OECD-RF.DISCHARGE", assessed(), NOT_APPLICABLE),
    "the flag was looked into and closed": ("OECD-RF.DISCHARGE", both(NAMED, report(LOC1)), PASS),
    "the flag was confirmed": ("OECD-RF.DISCHARGE", both(NAMED, report(LOC1, conclusion="confirmed")), FAIL),
    "the flag stays open": ("OECD-RF.DISCHARGE", both(NAMED, report(LOC1, conclusion="open")), INSUFFICIENT),
    "another flag was closed": ("OECD-RF.DISCHARGE", both(NAMED, report("OECD-RF.SUP1")), INSUFFICIENT),
    "the visit came before the flag": (
        "OECD-RF.DISCHARGE", both(NAMED, report(LOC1, visit="2026-04-01")), INSUFFICIENT,
    ),
    "the trader looked into it himself": ("OECD-RF.DISCHARGE", both(NAMED, report(LOC1, by=TRADER)), INSUFFICIENT),
}  # fmt: skip


@pytest.mark.parametrize("words", CASES)
def test_red_flags(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["oecd-red-flags"].rules}


def test_only_a_confirmed_flag_fails() -> None:
    assert {rule for rule, _, outcome in CASES.values() if outcome is FAIL} == {"OECD-RF.DISCHARGE"}


def test_a_flag_is_open_then_overdue_then_closed(base: Story) -> None:
    story = copy.deepcopy(base)
    both(KIVU, assessed())(story)
    flag = story.finding(LOC1, valid="2026-04-20", known="2026-05-20")
    assert (flag.ruling.since, flag.overdue) == ("2026-03-02", False)
    assert combine([flag.standing]) is Answer.REVIEW
    late = story.finding(LOC1)
    assert late.overdue
    assert combine([late.standing]) is Answer.REFUTED
    look_closer(story, LOC1, about=MINE_A, by=AUDITOR)
    assert story.finding(LOC1).ruling.outcome is FLAG  # the other places stay open
    look_closer(story, LOC1, about=["site:mine-b", DEPOT, "site:warehouse"], by=AUDITOR)
    assert combine([story.finding(LOC1).standing]) is Answer.SUPPORTED


def test_a_flag_is_closed_by_a_visit_after_the_last_of_it(base: Story) -> None:
    story = copy.deepcopy(base)
    both(KIVU, assessed())(story)
    look_closer(story, LOC1, visit="2026-03-20")  # after the extraction, before the lots were at the depot
    assert story.finding(LOC1).ruling.outcome is FLAG
    report = look_closer(story, LOC1, visit="2026-05-20")  # about the lot: that is all of its chain
    found = story.finding(LOC1)
    assert (found.ruling.outcome, found.discharged) == (PASS, report)
    look_closer(story, LOC1, about=DEPOT, conclusion="confirmed")
    assert story.finding(LOC1).ruling.outcome is FAIL
