"""Checks of the money: royalties against what was due, and how and by whom the goods were paid for."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from ledger.custody.quantity import MASS_PLACES, parse_analyte, parse_decimal
from ledger.rules.case import Case
from ledger.rules.checks.claims import NoMembers, main_element
from ledger.rules.checks.exposure import party_windows
from ledger.rules.checks.incidents import judge_incidents
from ledger.rules.checks.payments import payments_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, failed, flagged, passed, worst


class RoyaltyPaid(Members):
    """share: least part of what is due that must be paid against receipts, in %."""

    share: Annotated[int, Field(ge=1, le=100)] = 98


@check
def royalties_paid(case: Case, members: RoyaltyPaid) -> Ruling:
    """The royalty due on each declared export was paid, against receipts, by the rate in force on that day."""
    exports = [one for one in case.facts.attestations("export") if not case.facts.lots.keys().isdisjoint(one.about)]
    if not exports:
        return case.lacking("No export declaration gives a value to reckon royalties on.", "an export declaration")
    return worst(_royalty(case, members, one) for one in exports)


def _royalty(case: Case, members: RoyaltyPaid, export: Item) -> Ruling:
    value, currency = export.statement.get("value"), export.statement.get("currency")
    if value is None or currency is None:
        return case.concealed(export, "value", "the export declaration")
    rate = _rate(case, export)
    if isinstance(rate, Ruling):
        return rate
    due = Fraction(parse_decimal(value, MASS_PLACES)) * rate
    own = [
        one
        for one in payments_of(case)
        if one.statement["kind"] == "royalty" and one.statement["currency"] == currency and one.statement.get("amount")
    ]
    shown = [one for one in own if one.statement.get("receipt") and one.grade >= Grade.COUNTERSIGNED]
    if not shown:
        return case.lacking(
            "No royalty paid against a receipt in the currency of the export declaration is on file.",
            "receipts of the royalty", evidence=[export.id, *(one.id for one in own)],
        )  # fmt: skip
    paid = sum(parse_decimal(one.statement["amount"], MASS_PLACES) for one in shown)
    part = int(paid * 100 / due) if due else 100
    text = f"{part} % of the royalty due on the export of {export.time[:10]} was paid against receipts."
    records = (export.id, *(one.id for one in shown))
    if paid * 100 >= due * members.share:
        return passed(text, *records, references=["royalties"], percent=part)
    return failed(text, *records, since=export.time[:10], references=["royalties"], percent=part)


def _rate(case: Case, export: Item) -> Fraction | Ruling:
    """The part of the value that is due to the state of the exporter for the lot's main metal on that day."""
    snapshot = case.reference("royalties")
    if isinstance(snapshot, Ruling):
        return snapshot
    known = case.facts.parties.get(export.statement["exporter"])
    country = known.body["country"] if known else ""
    lot = next(case.facts.lots[one] for one in export.about if one in case.facts.lots)
    element, day = main_element(lot), export.time[:10]
    for row in snapshot.rows:
        if row.country == country and parse_analyte(row.analyte).element == element and is_open(row, day):
            return Fraction(row.rate, 100 * 10**6)
    return case.lacking(
        f"No royalty rate of {country or 'the country of export'} for {element or 'this material'} on {day} is loaded.",
        "the royalty rate in force", evidence=[export.id],
    )  # fmt: skip


def is_open(row: Any, day: str) -> bool:
    """Whether a row with `start` and `end` was in force on a day."""
    return bool(row.start <= day and (not row.end or day <= row.end))


# ---- money laundering -----------------------------------------------------------------------------------------------


class MoneyTrail(Members):
    """cash: most that may be paid in cash, as `CURRENCY amount`; trails: kinds of payment looked at;

    categories: incidents that speak of laundering.
    """

    cash: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z]{3} [0-9]{1,12}$")]], Field(min_length=1)]
    categories: list[str] = Field(default_factory=list)


@check
def money_trail_clear(case: Case, members: MoneyTrail) -> Ruling:
    """The goods were paid for through banks, by the buyer and to the seller."""
    limits = {line[:3]: int(line[4:]) for line in members.cash}
    prices = [one for one in payments_of(case) if one.statement["kind"] == "price"]
    rulings = judge_incidents(case, members.categories)
    rulings += [_trail(case, one, limits) for one in prices]
    if not prices:
        rulings.append(case.lacking("No payment for the goods is on file.", "payments of the price"))
    return worst(rulings)


def _trail(case: Case, item: Item, limits: dict[str, int]) -> Ruling:
    statement = item.statement
    odd = []
    sales = [one.statement for one in case.facts.attestations("ownership", *item.about)]
    buyers = {one["buyer"] for one in sales} or set(party_windows(case))
    if statement["payer"] not in buyers:
        odd.append(f"{statement['payer']} paid, who is not the buyer")
    sellers = {one["seller"] for one in sales}
    payee = statement.get("payee")
    if payee is not None and sellers and payee not in _names(case, sellers):
        odd.append("somebody other than the seller was paid")
    if statement["method"] == "cash":
        limit, amount = limits.get(statement["currency"]), statement.get("amount")
        if amount is None:
            return case.concealed(item, "amount", "the payment in cash").about(*item.about)
        if limit is None or parse_decimal(amount, MASS_PLACES) > limit * 10**MASS_PLACES:
            odd.append(f"{amount} {statement['currency']} were paid in cash")
    if odd:
        return flagged(
            f"Of a payment of {statement['date']}: {'; '.join(odd)}.", item.id, since=statement["date"]
        ).about(*item.about)
    return passed(f"The price was paid on {statement['date']} by {statement['payer']}.", item.id).about(*item.about)


def _names(case: Case, parties: Iterable[str]) -> set[str]:
    known = case.facts.parties
    names = {known[one].body.get("name") for one in parties if one in known}
    return {*parties, *(one for one in names if one)}


@check
def price_by_bank(case: Case, members: NoMembers) -> Ruling:
    """The goods were paid for through a bank or mobile money rather than in cash or kind."""
    prices = [one for one in payments_of(case) if one.statement["kind"] == "price"]
    rulings = []
    for one in prices:
        method, day = one.statement["method"].replace("_", " "), one.statement["date"]
        text = f"The price was paid by {method} on {day}."
        if method in ("cash", "in kind"):
            rulings.append(flagged(text, one.id, since=day).about(*one.about))
        else:
            rulings.append(passed(text, one.id).about(*one.about))
    return worst(rulings, nothing=case.lacking("No payment for the goods is on file.", "payments of the price"))
