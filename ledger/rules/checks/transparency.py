"""Payments to government: what companies say they paid against what authorities say they received (EITI)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ledger.custody.quantity import ASSAY_PLACES, MASS_PLACES, format_decimal, parse_decimal
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.upstream import GOVERNMENT_DUES
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, flagged, passed, worst


class Reconciled(Members):
    """gap: % of the larger sum from which the difference is a red flag."""

    gap: Percent


@check
def payments_reconcile(case: Case, members: Reconciled) -> Ruling:
    """What each payer says it paid is what the authority says it received, where the standard is implemented."""
    facts = case.facts
    paid = [
        one
        for one in facts.attestations("payment", *facts.subjects)
        if one.statement["kind"] in GOVERNMENT_DUES and one.statement["payee_class"] == "government"
    ]
    if not paid:
        return case.lacking("No payment to a government is on file for this chain.", "payments to government")
    countries = case.reference("eiti")
    if isinstance(countries, Ruling):
        return countries
    groups: dict[tuple[str, str, str], list[Item]] = {}
    for one in paid:
        key = one.statement["payer"], one.statement["date"][:4], one.statement["currency"]
        groups.setdefault(key, []).append(one)
    return worst(_reconciled(case, members, key, items, countries.rows) for key, items in groups.items())


def _reconciled(
    case: Case, members: Reconciled, key: tuple[str, str, str], items: list[Item], rows: tuple[Any, ...]
) -> Ruling:
    payer, year, currency = key
    known = case.facts.parties.get(payer)
    day = max(one.statement["date"] for one in items)
    country = known.body["country"] if known else ""
    then = [row for row in rows if row.country == country and row.start <= day and (not row.end or day <= row.end)]
    if not any(row.status == "implementing" for row in then):
        text = f"The country of {payer} ({country or 'unknown'}) does not implement the standard: it discloses nothing."
        return case.lacking(text, "a disclosure by government of what it received").about(payer)
    hidden = [one for one in items if not one.statement.get("amount")]
    if hidden:
        return case.concealed(hidden[0], "amount", f"a payment of {payer}").about(payer)
    theirs = [one for one in items if one.grade is Grade.COMPETENT_AUTHORITY]
    ours = [one for one in items if one not in theirs]
    said, received = _sum(ours), _sum(theirs)
    records = [one.id for one in items]
    if not ours or not theirs:
        side = "the payer" if not ours else "an authority"
        text = f"Payments of {payer} in {year} are on file from one side only: none is stated by {side}."
        return case.lacking(text, f"the payments of {year} as {side} states them", evidence=records).about(payer)
    gap = Fraction(abs(said - received) * 100, max(said, received, 1))
    figures = {"paid": _text(said), "received": _text(received), "currency": currency, "year": year}
    text = f"{payer} states {_text(said)} {currency} for {year}, the authority {_text(received)}."
    if gap > Fraction(parse_decimal(members.gap, ASSAY_PLACES), 10**ASSAY_PLACES):
        return flagged(text, *records, since=day, references=["eiti"], **figures).about(payer)
    return passed(text, *records, references=["eiti"], **figures).about(payer)


def _sum(items: list[Item]) -> int:
    return sum(parse_decimal(one.statement["amount"], MASS_PLACES) for one in items)


def _text(amount: int) -> str:
    return format_decimal(amount, MASS_PLACES)
