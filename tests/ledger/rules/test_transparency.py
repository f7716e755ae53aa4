"""Payments to government, case by case: what the exporter says it paid, and what the agency says it received."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CountryFact
from tests.support.papers import FLAG, INSUFFICIENT, PASS, Line, Paper, attests, check, finding, lists
from tests.support.story import AUTHORITY, EXPORTER, Story, coltan_story


def paid(issuer: str, amount: str, *, conceal: tuple[str, ...] = (), **more: Any) -> Paper:
    statement = {
        "kind": "royalty", "purpose": "Royalty", "payer": EXPORTER, "payee_class": "government", "amount": amount,
        "currency": "USD", "date": "2026-04-05", "method": "bank", **more,
    }  # fmt: skip
    return attests(issuer, "payment", "lot:export", statement, conceal=conceal)


def implementing(status: str = "implementing", start: str = "2014-01-01", end: str = "", country: str = "CD") -> Paper:
    return lists("eiti", "2026-01-01", CountryFact(country, status, start, end, "Board decision", "2026-01-01"))


FILE: dict[str, Paper] = {
    "company": paid(EXPORTER, "1000"),
    "agency": paid(AUTHORITY, "1000"),
    "countries": implementing(),
}
CASES = {
    "both sides say 1,000": Line("EITI.RECON", PASS),
    "a gap of 5 % is allowed": Line("EITI.RECON", PASS, add={"agency": paid(AUTHORITY, "950")}),
    "a gap of more is a red flag": Line("EITI.RECON", FLAG, add={"agency": paid(AUTHORITY, "949.99")}),
    "sums are compared, not receipts": Line(
        "EITI.RECON", PASS, add={"agency": paid(AUTHORITY, "400"), "again": paid(AUTHORITY, "600")}
    ),
    "another year is another sum": Line(
        "EITI.RECON",
        INSUFFICIENT,
        add={"agency": paid(AUTHORITY, "1000", date="2025-12-31")},
        words="from one side only",
    ),
    "another currency is another sum": Line(
        "EITI.RECON", INSUFFICIENT, add={"agency": paid(AUTHORITY, "1000", currency="CDF")}
    ),
    "the agency says nothing": Line(
        "EITI.RECON", INSUFFICIENT, drop=["agency"], words="none is stated by an authority"
    ),
    "the company says nothing": Line("EITI.RECON", INSUFFICIENT, drop=["company"], words="none is stated by the payer"),
    "nobody says anything": Line("EITI.RECON", INSUFFICIENT, drop=["company", "agency"], words="No payment"),
    "a price is no payment to government": Line(
        "EITI.RECON", INSUFFICIENT, drop=["agency"], add={"company": paid(EXPORTER, "1000", kind="price")}
    ),
    "the amount is concealed": Line(
        "EITI.RECON",
        INSUFFICIENT,
        add={"company": paid(EXPORTER, "1000", conceal=("/body/statement/amount",))},
        erase=True,
        words="concealed",
    ),
    "the country does not take part": Line(
        "EITI.RECON", INSUFFICIENT, add={"countries": implementing(country="RW")}, words="does not implement"
    ),
    "the country is suspended": Line("EITI.RECON", INSUFFICIENT, add={"countries": implementing("suspended")}),
    "the country has left": Line("EITI.RECON", INSUFFICIENT, add={"countries": implementing(end="2026-01-01")}),
    "a payer whom nobody knows": Line(
        "EITI.RECON",
        INSUFFICIENT,
        drop=["agency"],
        add={"company": paid(EXPORTER, "1", payer="did:web:x.example")},
        words="unknown",
    ),
    "no list of countries": Line("EITI.RECON", INSUFFICIENT, drop=["countries"], words="not loaded"),
    "the gap is a parameter": Line(
        "EITI.RECON", PASS, add={"agency": paid(AUTHORITY, "900")}, parameters={"gap": "10"}
    ),
}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


@pytest.mark.parametrize("words", CASES)
def test_payments(story: Story, words: str) -> None:
    line = CASES[words]
    check(finding(story, FILE, line, claim="chain_complete"), line)


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in read_packs()["transparency"].rules} == {line.rule for line in CASES.values()}
