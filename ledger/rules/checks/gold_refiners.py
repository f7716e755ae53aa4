"""Checks of the London market's rules for refiners of gold: the list, the annex of origins, legal artisanal gold.

A refiner is named by its number on the list, which its audit gives; the list is read as it stood when
the material came in, and what it says of others is not repeated.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ledger.custody.vocabulary import Code
from ledger.rules.case import Case, days_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.upstream import GOVERNMENT_DUES, Smelter, metals_of, smelters_of
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_GOLD: Final = ("Au",)
NO_REFINER: Final = inapplicable("No refiner of gold is in the chain.")
_TITLES: Final = ("artisanal_permit", "mining_licence")
_TRADE: Final = ("trading", "export")


def _refiners(case: Case) -> list[Smelter]:
    return [one for one in smelters_of(case) if metals_of(case, one, _GOLD)]


class Listed(Members):
    """scheme: whose audits give the number on the list; days: that a review may be old, with its grace."""

    scheme: Code
    days: Days


@check
def refiner_listed(case: Case, members: Listed) -> Ruling:
    """Every refiner was on the Good Delivery List, with a passed review not too old, when it took the gold in."""
    return worst((_listed(case, members, one) for one in _refiners(case)), nothing=NO_REFINER)


def _listed(case: Case, members: Listed, refiner: Smelter) -> Ruling:
    site, day = refiner.site.id, refiner.day
    numbers = [
        one
        for one in case.facts.attestations("audit", site)
        if one.statement["scheme"] == members.scheme
        and one.statement["facility"] == site
        and one.statement.get("facility_number")
    ]
    if not numbers:
        text = f"The number of {site} on the Good Delivery List is not on file; a name is no proof of it."
        return case.lacking(text, f"the number of {site} on the list").about(site)
    number, record = numbers[-1].statement["facility_number"], numbers[-1].id
    listing = case.reference("lbma_gdl", at=day)
    if isinstance(listing, Ruling):
        return listing
    rows = [row for row in listing.rows if row.gdl == number and row.metal in _GOLD]
    then = [row for row in rows if row.start <= day and (not row.end or day <= row.end)]
    lists = ("lbma_gdl",)
    if not then or then[-1].status != "listed":
        how = then[-1].status if then else "not listed"
        text = f"{site} ({number}) was {how} on {day}."
        return failed(text, record, since=day, references=lists, status=how).about(site)
    reviewed = then[-1].reviewed_on
    if not reviewed or not 0 <= days_between(reviewed, day) <= members.days:
        text = (
            f"{site} ({number}) was listed on {day}, but no review passed in the {members.days} days before is known."
        )
        return case.lacking(text, f"the review of {site}", evidence=[record]).about(site)
    text = f"{site} ({number}) was listed on {day}; its review of {reviewed} was passed."
    return passed(text, record, references=lists).about(site)


class Nothing(Members):
    """A check without members."""


@check
def refiner_annex_reconciles(case: Case, members: Nothing) -> Ruling:
    """The refiner's annex of countries of origin agrees with the ledger's totals; records hold no such annex."""
    return worst((_annex(case, one) for one in _refiners(case)), nothing=NO_REFINER)


def _annex(case: Case, refiner: Smelter) -> Ruling:
    year = int(refiner.day[:4])
    reports = case.facts.attestations("annual_report", refiner.operator)
    of_year = [one for one in reports if one.statement["year"] == year]
    what = f"the annex of {refiner.operator} for {year}: volumes by country, of mines, artisanal mines and recycling"
    if of_year:
        text = f"The report on {year} is on file, by its digest only: the volumes of its annex are not."
        return case.lacking(text, what, evidence=[of_year[-1].id]).about(refiner.site.id)
    return case.lacking(f"No report of {refiner.operator} on {year} is on file.", what).about(refiner.site.id)


def _artisanal_gold(case: Case) -> list[LotFacts]:
    return [one for one in case.facts.lots.values() if one.is_mined and one.made_by.body["method"] == "artisanal"]


@check
def artisanal_gold_legal(case: Case, members: Nothing) -> Ruling:
    """Artisanal gold was mined under a title in force, sold to a licensed buyer, and its taxes were paid."""
    lots = _artisanal_gold(case)
    if not lots:
        return inapplicable("None of it was mined by artisanal miners.")
    rulings = [_titled(case, one) for one in lots]
    for lot in lots:
        rulings += [_bought(case, lot), _taxed(case, lot)]
    return worst(rulings)


def _titled(case: Case, lot: LotFacts) -> Ruling:
    site, day = lot.made_by.body["site"], lot.made_by.body["period"]["to"][:10]
    titles = _licences(case, _TITLES, site, lot.made_by.issuer)
    return _in_force(case, titles, day, f"A title to mine at {site}", site)


def _bought(case: Case, lot: LotFacts) -> Ruling:
    hops = [hop for hop in case.facts.hops if lot.id in hop.got]
    if not hops:
        text = f"Who bought '{lot.id}' from its miners is not on file."
        return case.lacking(text, f"the buyer of {lot.id}").about(lot.id)
    buyer, day = hops[0].consignee, hops[0].dispatch.time[:10]
    held = [one for one in _licences(case, _TRADE, buyer) if one.statement["holder"] == buyer]
    return _in_force(case, held, day, f"A licence of {buyer} to buy", buyer)


def _licences(case: Case, kinds: tuple[str, ...], *about: str) -> list[Item]:
    return [one for one in case.attested("licence", *about) if one.statement["kind"] in kinds]


def _in_force(case: Case, licences: list[Item], day: str, what: str, subject: str) -> Ruling:
    valid = [
        one for one in licences if one.statement["granted"] <= day and day <= (one.statement.get("expires") or day)
    ]
    if valid:
        return passed(f"{what} was in force on {day}.", valid[-1].id).about(subject)
    if licences:
        return failed(f"{what} was not in force on {day}.", licences[-1].id, since=day).about(subject)
    return case.lacking(f"{what} is not on file.", f"{what[:1].lower()}{what[1:]}").about(subject)


def _taxed(case: Case, lot: LotFacts) -> Ruling:
    site = lot.made_by.body["site"]
    paid = [
        one
        for one in case.attested("payment", lot.id, site, lot.made_by.issuer)
        if one.statement["kind"] in GOVERNMENT_DUES
    ]
    if not paid:
        return case.lacking(f"No tax or royalty on gold of {site} is on file.", f"taxes paid on gold of {site}").about(
            site
        )
    return passed(f"Taxes on gold of {site} were paid.", paid[-1].id).about(site)


class SeenSafe(Members):
    """max_age: days from the visit to the end of extraction, either way."""

    max_age: Annotated[int, Field(ge=1, le=3660)]


@check
def mine_safe_and_clean(case: Case, members: SeenSafe) -> Ruling:
    """Each mine was visited, and neither safety nor environment was found seriously wrong; else a site visit is due."""
    return worst(_safe(case, members, one) for one in case.facts.mines())


def _safe(case: Case, members: SeenSafe, mine: str) -> Ruling:
    dug = max(
        one.made_by.body["period"]["to"][:10]
        for one in case.facts.lots.values()
        if one.is_mined and one.made_by.body["site"] == mine
    )
    seen = [
        one
        for one in case.attested("inspection", mine)
        if abs(days_between(one.statement["date"], dug)) <= members.max_age
        and one.statement.get("safety")
        and one.statement.get("environment")
    ]
    if not seen:
        text = f"No inspection of {mine} within {members.max_age} days says how safe and clean it is."
        return case.lacking(text, f"an inspection of safety and environment at {mine}").about(mine)
    last = seen[-1]
    day, bad = last.statement["date"], [one for one in ("safety", "environment") if last.statement[one] == "serious"]
    if bad:
        text = f"The inspection of {mine} on {day} found serious faults of {' and '.join(bad)}: a site visit is due."
        return flagged(text, last.id, since=day).about(mine)
    return passed(f"The inspection of {mine} on {day} found no serious fault.", last.id).about(mine)
