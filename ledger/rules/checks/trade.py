"""What lots are sold for and as: prices beside the benchmark, customs codes beside the assay, scrap that is none.

pi = price / (contained x benchmark of the month)
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import Field

from ledger.custody.quantity import ASSAY_PLACES, DRY_UNIT, dry_mass, parse_analyte, parse_decimal
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.figures import Decimal, Entry, NumberEntry, look_up, median, number, show
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Amount
from ledger.rules.items import Item
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst


class Price(Members):
    """low, high: bounds of pi beside the median of peers; peers: sales that make a median; payable: usual pi by

    analyte where there are fewer.
    """

    low: Decimal
    high: Decimal
    peers: Annotated[int, Field(ge=2, le=1000)] = 3
    payable: list[NumberEntry]


@check
def price_plausible(case: Case, members: Price) -> Ruling:
    """Lots are sold for about what their contained metal is worth."""
    if not case.facts.lots:
        return inapplicable("There is no lot here.")
    sales = case.facts.attestations("ownership", *case.facts.lots)
    priced = [one for one in sales if one.statement.get("price") is not None]
    if not priced:
        text = "No sale of a lot of the chain shows its price to this reader."
        return case.lacking(text, "the price of a sale", evidence=[one.id for one in sales])
    snapshot = case.reference("prices")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    known = case.facts.known_as_of[:10]
    benchmarks = {(row.analyte, row.month): row.price for row in snapshot.rows if row.published <= known}
    valued = {one.id: _value(case, one, benchmarks) for one in priced}
    return worst(_price(case, members, one, valued) for one in priced)


def _value(case: Case, sale: Item, benchmarks: dict[tuple[str, str], int]) -> tuple[str, Fraction] | None:
    """The analyte that a sale is priced by and its pi, None when currency, assay or benchmark is missing."""
    worth: dict[str, Fraction] = {}
    for lot in (case.facts.lots[one] for one in sale.about if one in case.facts.lots):
        amount = amount_at(case, lot.id, sale.time)
        dry = dry_mass(amount.mass, amount.moisture) * DRY_UNIT
        for analyte, share in amount.assay.items():
            price = benchmarks.get((analyte, sale.time[:7]))
            if price is not None:
                contained = dry * Fraction(parse_decimal(share, ASSAY_PLACES), 100 * 10**ASSAY_PLACES)
                worth[analyte] = worth.get(analyte, Fraction(0)) + contained * Fraction(price, 10**6)
    if sale.statement.get("currency") != "USD" or not any(worth.values()):
        return None
    analyte = max(worth, key=lambda one: (worth[one], one))
    return analyte, number(sale.statement["price"]) / worth[analyte]


def amount_at(case: Case, lot: str, time: str) -> Amount:
    """A lot's quantity as last measured by a time: as made, or as received."""
    amount = case.facts.lots[lot].amount
    for hop in case.facts.hops:
        if hop.receive and lot in hop.got and hop.receive.time <= time:
            amount = hop.got[lot]
    return amount


def _price(case: Case, members: Price, sale: Item, valued: dict[str, tuple[str, Fraction] | None]) -> Ruling:
    found = valued[sale.id]
    name = f"The sale of {', '.join(sale.about[:3])} on {sale.time[:10]}"
    if found is None:
        text = f"{name} can't be compared: currency, assay or the benchmark of its month is missing."
        return case.lacking(text, "a benchmark of that month, in USD", evidence=[sale.id]).about(*sale.about)
    analyte, pi = found
    others = [one[1] for record, one in valued.items() if one and one[0] == analyte and record != sale.id]
    payable = look_up(members.payable, analyte)
    if len(others) >= members.peers:
        usual = median(others)
    elif payable is not None:
        usual = number(payable)
    else:
        text = f"{name}: what is usually paid of the benchmark of {analyte} is not known."
        return case.lacking(text, "prices of similar sales", evidence=[sale.id]).about(*sale.about)
    text = f"{name}: {show(pi * 100)} % of the benchmark of {analyte}, {show(usual * 100)} % is usual."
    figures = {"pi": show(pi, 3), "usual": show(usual, 3)}
    if not number(members.low) * usual <= pi <= number(members.high) * usual:
        return flagged(text, sale.id, since=sale.time[:10], references=("prices",), **figures).about(*sale.about)
    return passed(text, sale.id, references=("prices",), **figures).about(*sale.about)


class Codes(Members):
    """codes: `customs code=element:least-most` in % of dry mass, several elements with `|`; the longest code that

    begins the declared one counts.
    """

    codes: list[Entry]


@check
def code_fits_assay(case: Case, members: Codes) -> Ruling:
    """A lot is declared under a customs code that fits what it holds."""
    about = case.facts.lots
    found = [
        _code(case, members, one, lot)
        for kind in ("export", "import")
        for one in (case.facts.attestations(kind, *about) if about else ())
        for lot in one.about
        if lot in about
    ]
    return worst(found, nothing=inapplicable("No customs declaration of this chain is on file."))


def _code(case: Case, members: Codes, item: Item, lot: str) -> Ruling:
    code = item.statement["code"]
    wanted = next((found for n in range(len(code), 1, -1) if (found := _listed(members.codes, code[:n]))), None)
    assay = amount_at(case, lot, item.time).assay
    if wanted is None or not assay:
        missing = f"what code {code} covers" if wanted is None else f"an assay of {lot}"
        text = f"Whether {lot} fits code {code} can't be told: {missing} is not known."
        return case.lacking(text, missing, evidence=[item.id]).about(lot)
    text = f"{lot} is declared under {code}, for goods with {wanted} %."
    held = {parse_analyte(name).element: _percent(name, share) for name, share in assay.items()}
    for part in wanted.split("|"):
        element, _, bounds = part.partition(":")
        least, most = (number(one) for one in bounds.split("-"))
        if element in held and least <= held[element] <= most:
            return passed(text, item.id).about(lot)
    stated = ", ".join(f"{show(share)} % {element}" for element, share in sorted(held.items()))
    return failed(f"{text} It holds {stated}.", item.id, since=item.time[:10], code=code).about(lot)


def _listed(codes: list[str], code: str) -> str | None:
    return look_up(codes, code)


def _percent(analyte: str, share: str) -> Fraction:
    return number(share) * Fraction(parse_analyte(analyte).factor, 10**6)


class Recycled(Members):
    """minerals: codes that say recycled; least, most: fineness of mined dore in %; silver: % of silver and mercury: any

    that speak for it.
    """

    minerals: list[str]
    least: Percent
    most: Percent
    silver: Percent


@check
def recycled_is_scrap(case: Case, members: Recycled) -> Ruling:
    """Gold that is called recycled does not look like mined dore, and does not come out of a transit country."""
    lots = [lot for lot in case.facts.lots.values() if lot.mineral in members.minerals]
    return worst((_scrap(case, members, lot.id) for lot in lots), nothing=inapplicable("Nothing is called recycled."))


def _scrap(case: Case, members: Recycled, lot_id: str) -> Ruling:
    lot = case.facts.lots[lot_id]
    held = {parse_analyte(name).element: _percent(name, share) for name, share in lot.now.assay.items()}
    if "Au" not in held:
        text = f"{lot_id} is called recycled, and its fineness is not assayed."
        return case.lacking(text, f"an assay of {lot_id}", evidence=[lot.made_by.id]).about(lot_id)
    signs = []
    if number(members.least) <= held["Au"] <= number(members.most):
        if held.get("Hg"):
            signs.append("it holds mercury")
        if held.get("Ag", Fraction(0)) >= number(members.silver):
            signs.append(f"it holds {show(held['Ag'])} % silver")
        signs += _transit(case, lot_id)
    text = f"{lot_id} is called recycled, at {show(held['Au'])} % gold"
    if signs:
        since = lot.made_by.time[:10]
        return flagged(f"{text}: {', '.join(signs)}.", lot.made_by.id, since=since).about(lot_id)
    return passed(f"{text}: nothing points to mined dore.", lot.made_by.id).about(lot_id)


def _transit(case: Case, lot_id: str) -> list[str]:
    """Holders of a lot in countries through which gold is known to leave others unrecorded."""
    snapshot, facts = case.reference("transit_countries"), case.facts
    rows = snapshot.rows if isinstance(snapshot, Snapshot) else ()
    named = {row.country for row in rows if not row.minerals or "gold" in row.minerals}
    holders = {facts.parties[one].body["country"] for one, _ in facts.lots[lot_id].holders if one in facts.parties}
    return [f"it was held in {country}" for country in sorted(holders & named)]
