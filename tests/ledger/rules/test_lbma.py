"""Gold, case by case: artisanal dore for a refiner of the Good Delivery List."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import Refiner
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
from tests.support.story import AUDITOR, AUTHORITY, MINE_A, MINER, PLANT, SMELTER, TRADER, Story, start_story
from tests.support.world import new_lot, quantity

DIGEST = "ab" * 32


def gold_story(method: str = "artisanal", *, sold: bool = True) -> Story:
    """Two kilograms of dore from mine A, by the trader to the refiner."""
    story = start_story()
    dore = {**new_lot("lot:dore", quantity("2", "0", {"Au": "90"})), "mineral": "dore"}
    story.on("2026-03-31").extract(MINE_A, dore, period=("2026-03-02", "2026-03-31"), method=method)
    story.subject = "lot:dore"
    if sold:
        story.on("2026-04-01").dispatch(MINER, TRADER, MINE_A, "site:depot", "lot:dore")
        story.on("2026-04-02").receive(TRADER, "site:depot", {"lot:dore": None})
        story.on("2026-04-03").dispatch(TRADER, SMELTER, "site:depot", PLANT, "lot:dore")
        story.on("2026-04-10").receive(SMELTER, PLANT, {"lot:dore": None})
    return story


def refiner(status: str = "listed", **more: str) -> Refiner:
    details = {"metal": "Au", "start": "2019-01-01", "end": "", "reviewed_on": "2025-11-01", "gdl": "GDL-77", **more}
    return Refiner(
        details["gdl"], "Listed Refiner", "MY", details["metal"], status, details["start"], details["end"],
        details["reviewed_on"], "2026-03-01",
    )  # fmt: skip


def listed(*rows: Refiner) -> Paper:
    return lists("lbma_gdl", "2026-03-15", *rows)


def audited(**more: Any) -> Paper:
    statement = {
        "facility": PLANT, "facility_number": "GDL-77", "scheme": "LBMA", "standard": "RGG 9", "metals": ["Au"],
        "body": "Assurance SA", **more,
    }  # fmt: skip
    given = {name: value for name, value in statement.items() if value is not None}
    return attests(AUDITOR, "audit", PLANT, given, result="conform")


def licensed(
    kind: str, holder: str, about: str, expires: str | None = "2027-01-01", granted: str = "2024-01-01"
) -> Paper:
    statement = {"kind": kind, "number": "L-1", "holder": holder, "granted": granted}
    return attests(AUTHORITY, "licence", about, statement | ({"expires": expires} if expires else {}))


def inspected(day: str = "2026-03-10", **found: str) -> Paper:
    statement = {
        "number": "I-1",
        "date": day,
        "office": "Mines agency",
        "safety": "good",
        "environment": "minor",
        **found,
    }
    return attests(AUTHORITY, "inspection", MINE_A, statement)


TAX = {
    "kind": "tax",
    "purpose": "Tax",
    "payer": MINER,
    "payee_class": "government",
    "amount": "5",
    "currency": "USD",
    "date": "2026-04-01",
    "method": "bank",
}
REPORT = {"year": 2026, "url": "https://example.org/report", "digest": DIGEST}
FILE: dict[str, Paper] = {
    "audit": audited(),
    "list": listed(refiner()),
    "title": licensed("artisanal_permit", MINER, MINE_A),
    "buyer": licensed("trading", TRADER, TRADER, None),
    "tax": attests(MINER, "payment", MINE_A, TAX),
    "inspection": inspected(),
}
BEFORE: dict[str, Any] = {"subject": "lot:dore", "valid": "2026-03-31"}

CASES = {
    "listed and reviewed on the day": Line("LBMA.GDL", PASS, words="(GDL-77) was listed on 2026-04-10"),
    "suspended then": Line("LBMA.GDL", FAIL, add={"list": listed(refiner("suspended"))}, words="was suspended"),
    "taken off before": Line("LBMA.GDL", FAIL, add={"list": listed(refiner(end="2026-04-09"))}, words="was not listed"),
    "taken off later": Line("LBMA.GDL", PASS, add={"list": listed(refiner(end="2026-04-11"))}),
    "listed for silver": Line("LBMA.GDL", FAIL, add={"list": listed(refiner(metal="Ag"))}),
    "another refiner is listed": Line("LBMA.GDL", FAIL, add={"list": listed(refiner(gdl="GDL-78"))}),
    "its review is two years old": Line(
        "LBMA.GDL", INSUFFICIENT, add={"list": listed(refiner(reviewed_on="2024-04-01"))}, words="no review passed"
    ),
    "its review came after the receipt": Line(
        "LBMA.GDL", INSUFFICIENT, add={"list": listed(refiner(reviewed_on="2026-04-11"))}
    ),
    "no review is known": Line("LBMA.GDL", INSUFFICIENT, add={"list": listed(refiner(reviewed_on=""))}),
    "no number": Line(
        "LBMA.GDL", INSUFFICIENT, add={"audit": audited(facility_number=None)}, words="a name is no proof"
    ),
    "the number of another scheme": Line("LBMA.GDL", INSUFFICIENT, add={"audit": audited(scheme="RMAP")}),
    "the number of another facility": Line("LBMA.GDL", INSUFFICIENT, add={"audit": audited(facility=SMELTER)}),
    "no list": Line("LBMA.GDL", INSUFFICIENT, drop=["list"]),
    "not refined yet": Line("LBMA.GDL", NOT_APPLICABLE, **BEFORE),
    "the annex is by digest only": Line(
        "LBMA.COA",
        INSUFFICIENT,
        add={"report": attests(SMELTER, "annual_report", SMELTER, REPORT)},
        words="digest only",
    ),
    "no annex": Line("LBMA.COA", INSUFFICIENT, words="No report"),
    "no annex of what was not refined": Line("LBMA.COA", NOT_APPLICABLE, **BEFORE),
    "a title, a licensed buyer, and taxes": Line("LBMA.LEGALASM", PASS),
    "the title had run out": Line(
        "LBMA.LEGALASM", FAIL, add={"title": licensed("artisanal_permit", MINER, MINE_A, "2026-03-30")}
    ),
    "no title": Line("LBMA.LEGALASM", INSUFFICIENT, drop=["title"]),
    "a title to explore is none to mine": Line(
        "LBMA.LEGALASM", INSUFFICIENT, add={"title": licensed("exploration_permit", MINER, MINE_A)}
    ),
    "the buyer was licensed later": Line(
        "LBMA.LEGALASM",
        FAIL,
        add={"buyer": licensed("trading", TRADER, TRADER, None, "2026-04-02")},
        words=f"A licence of {TRADER} to buy",
    ),
    "the buyer shows the licence of another": Line(
        "LBMA.LEGALASM", INSUFFICIENT, add={"buyer": licensed("trading", MINER, TRADER)}
    ),
    "no taxes": Line("LBMA.LEGALASM", INSUFFICIENT, drop=["tax"]),
    "nobody bought it yet": Line("LBMA.LEGALASM", INSUFFICIENT, **BEFORE, words="Who bought"),
    "safe and clean": Line("LBMA.ESG", PASS),
    "serious faults of environment": Line("LBMA.ESG", FLAG, add={"inspection": inspected(environment="serious")}),
    "nobody looked": Line("LBMA.ESG", INSUFFICIENT, drop=["inspection"]),
    "somebody looked two years before": Line("LBMA.ESG", INSUFFICIENT, add={"inspection": inspected("2024-03-01")}),
}


@pytest.fixture(scope="module")
def gold() -> Story:
    return gold_story()


@pytest.mark.parametrize("words", CASES)
def test_artisanal_gold(gold: Story, words: str) -> None:
    line = CASES[words]
    found = finding(gold, FILE, line, claim="chain_complete")
    check(found, line)
    assert "Listed Refiner" not in str(found.ruling)  # what a licensed list says of others is not handed on


def test_large_mines_are_not_artisanal() -> None:
    story = gold_story("large_scale")
    assert story.finding("LBMA.LEGALASM").ruling.outcome is NOT_APPLICABLE


def test_a_claim_about_a_participant_has_no_lot_of_gold() -> None:
    story = start_story()
    found = story.finding("LBMA.ESG", claim=story.claim("conduct", subject=MINER), subject=MINER)
    assert found.ruling.outcome is NOT_APPLICABLE


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in read_packs()["lbma"].rules} == {line.rule for line in CASES.values()}
