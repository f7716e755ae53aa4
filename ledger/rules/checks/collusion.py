"""Signs that belong together: people in two roles at once, and several weak signs of a false origin."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from ledger.custody.topics import number_of_month
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.figures import Decimal, number, show
from ledger.rules.checks.fingerprint import Fingerprint, fingerprint_plausible
from ledger.rules.checks.places import metres, site_place
from ledger.rules.checks.production import Capacity, jump, mines_of, months_concerned, months_of, within_capacity
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.trade import Price, price_plausible
from ledger.rules.items import Item
from ledger.rules.outcome import Outcome
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_INDEPENDENT = ("laboratory", "auditor", "monitor", "authority")
_TOLD = (Outcome.PASS, Outcome.RED_FLAG, Outcome.FAIL)


class Collusion(Members):
    """km: between two sites that one inspector can't visit on one day."""

    km: Annotated[int, Field(ge=1, le=10_000)]


@check
def roles_apart(case: Case, members: Collusion) -> Ruling:
    """Nobody checks himself: two signers, inspectors at one place a day, laboratories without shared owners."""
    found = [*_certificates(case), *_inspectors(case, members), *_owners(case)]
    return worst(found, nothing=inapplicable("Nobody has checked anything here."))


def _certificates(case: Case) -> Iterator[Ruling]:
    lots = case.facts.lots
    for one in case.facts.attestations("certificate", *lots) if lots else ():
        said = one.statement
        if said.get("verifier") is None or said.get("validator") is None:
            yield inapplicable("The signers of a certificate are concealed from this reader.")
        elif said["verifier"] == said["validator"]:
            text = f"One person verified and validated certificate {said['country']} {said['number']}."
            yield failed(text, one.id, since=said["issued"]).about(*one.about)
        else:
            yield passed("Certificates were verified and validated by two persons.", one.id).about(*one.about)


def _inspectors(case: Case, members: Collusion) -> Iterator[Ruling]:
    """Inspections by one person, on one day, too far apart."""
    by_day: dict[tuple[str, str], list[Item]] = {}
    for one in case.facts.attestations("inspection"):
        if one.statement.get("inspector"):
            by_day.setdefault((one.statement["inspector"], one.statement["date"]), []).append(one)
    for (_, day), items in by_day.items():
        places = [(item, place) for item in items for one in item.about if (place := site_place(case.facts, one))]
        apart = max((metres(a[1], b[1]) for a in places for b in places), default=0)
        records = tuple(dict.fromkeys(item.id for item in items))
        if apart > members.km * 1000:
            text = f"One inspector was at two sites {apart // 1000} km apart on {day}."
            yield failed(text, *records, since=day, km=apart // 1000)
        else:
            yield passed(f"The inspector of {day} was at one place.", *records)


def _owners(case: Case) -> Iterator[Ruling]:
    """Owners whom a laboratory, auditor, monitor or authority shares with somebody who handled the lots."""
    facts = case.facts
    checkers = dict.fromkeys(
        one.issuer for items in facts.statements.values() for one in items if set(one.roles) & set(_INDEPENDENT)
    )
    for party in checkers:
        theirs = _names(case, party)
        for other in facts.handlers:
            shared = theirs & _names(case, other)
            if party != other and shared:
                records = (facts.parties[party].item.id, facts.parties[other].item.id)
                since = max(facts.parties[party].item.time, facts.parties[other].item.time)[:10]
                text = f"{party}, who checks, and {other}, who is checked, have an owner or officer in common."
                yield flagged(text, *records, since=since).about(party, other)


def _names(case: Case, party: str) -> set[str]:
    known = case.facts.parties.get(party)
    return {owner["name"] for owner in (known.body.get("owners") or ())} if known else set()


class Neighbour(Members):
    """signs: how many raise the flag; known: how many must be computable; capacity, price, fingerprint: members of

    those checks; z: of output; new: % of the mass from mines without extracts in the `months` months before.
    """

    signs: Annotated[int, Field(ge=1, le=5)]
    known: Annotated[int, Field(ge=1, le=5)]
    capacity: Capacity
    price: Price
    fingerprint: Fingerprint
    z: Decimal
    new: Percent
    months: Annotated[int, Field(ge=1, le=6)]


@check
def origin_signs(case: Case, members: Neighbour) -> Ruling:
    """Few signs point to material of another origin: capacity, output, price, fingerprint, new suppliers."""
    signs = {name: ruling for name, ruling in _signs(case, members) if ruling.outcome in _TOLD}
    seen = [name for name, found in signs.items() if found.outcome is not Outcome.PASS]
    records = tuple(dict.fromkeys(record for one in signs.values() for record in one.evidence))
    figures: dict[str, Any] = {"signs": len(seen), "known": len(signs)}
    if len(seen) >= members.signs:
        text = f"{len(seen)} of {len(signs)} signs point to material of another origin: {', '.join(seen)}."
        return flagged(text, *records, since=max(signs[name].since for name in seen), **figures)
    if len(signs) < members.known:
        text = f"Only {len(signs)} signs of another origin can be computed from what is on file."
        return case.lacking(text, "production of the months before, prices, fingerprints", evidence=records, **figures)
    return passed(f"{len(seen)} of {len(signs)} signs point to material of another origin.", *records, **figures)


def _signs(case: Case, members: Neighbour) -> Iterator[tuple[str, Ruling]]:
    yield "output beyond capacity", within_capacity(case, members.capacity)
    yield "a jump of output", worst(_jumps(case, members))
    yield "a price far from the benchmark", price_plausible(case, members.price)
    yield "an implausible fingerprint", fingerprint_plausible(case, members.fingerprint)
    yield "mines that are new here", _new_mines(case, members)


def _jumps(case: Case, members: Neighbour) -> Iterator[Ruling]:
    for site in mines_of(case):
        for month in months_concerned(case, site):
            z = jump(case, month, least=3, floor="5")
            if z is None:
                yield inapplicable("Too little past.")
            elif z > number(members.z):
                yield flagged(f"z = {show(z)}.", *month.records, since=month.last_day)
            else:
                yield passed(f"z = {show(z)}.", *month.records)


def _new_mines(case: Case, members: Neighbour) -> Ruling:
    """How much of the mass comes from mines without any extract in the months before."""
    concerned = [(month, months_of(case, site)) for site in mines_of(case) for month in months_concerned(case, site)]
    if not concerned:
        return inapplicable("Nothing was mined here.")
    total = sum((month.mass for month, _ in concerned), Fraction(0))
    new = Fraction(0)
    for month, known in concerned:
        first = number_of_month(month.month) - members.months
        if not any(first <= number_of_month(one) < first + members.months for one in known):
            new += month.mass
    records = [record for month, _ in concerned for record in month.records]
    text = f"{show(new / total * 100)} % of the mass comes from mines that are new."
    if new * 100 > total * number(members.new):
        return flagged(text, *records, since=max(month.last_day for month, _ in concerned))
    return passed(text, *records)
