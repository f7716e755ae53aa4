"""What changed between departure and arrival: dry mass, contained metal, grades. Drying changes none of them.

|dry mass arrived - dry mass left| / dry mass left
|g1 - g2| > k sqrt(u1^2 + u2^2)          grades of the dry mass, each with its own uncertainty
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from ledger.custody.quantity import ASSAY_PLACES, DRY_UNIT, MASS_PLACES, dry_mass, parse_analyte, parse_decimal
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.figures import number, show
from ledger.rules.checks.journeys import moves, name_of
from ledger.rules.checks.material import root
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Amount, Hop
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst


class MassChange(Members):
    """flag, fail: % of dry mass."""

    flag: Percent
    fail: Percent


@check
def mass_arrives(case: Case, members: MassChange) -> Ruling:
    """The dry mass that arrives is the dry mass that left."""
    found = (_mass(members, hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _mass(members: MassChange, hop: Hop) -> Ruling:
    sent = sum(dry_mass(one.mass, one.moisture) for one in hop.sent.values())
    got = sum(dry_mass(one.mass, one.moisture) for one in hop.got.values())
    wet_sent, wet_got = (sum(parse_decimal(one.mass, MASS_PLACES) for one in x.values()) for x in (hop.sent, hop.got))
    change = Fraction(got - sent, sent) * 100
    wet = Fraction(wet_got - wet_sent, wet_sent) * 100
    figures = {"dry_change": show(change), "wet_change": show(wet), "dry_kg": show(sent * DRY_UNIT)}
    text = f"{name_of(hop)}: the dry mass changed by {show(change)} % (the wet mass by {show(wet)} %)."
    if abs(change) > number(members.fail):
        return failed(text, *hop.evidence, since=hop.dispatch.time[:10], **figures).about(*hop.sent)
    if abs(change) > number(members.flag):
        return flagged(text, *hop.evidence, since=hop.dispatch.time[:10], **figures).about(*hop.sent)
    return passed(text, *hop.evidence, **figures).about(*hop.sent)


class Measured(NamedTuple):
    """The element in % of dry mass, with its standard uncertainty."""

    value: Fraction
    uncertainty: Fraction


class Assays(Members):
    """k; grade: standard uncertainty in % of the value, where the laboratory states none."""

    k: Annotated[int, Field(ge=1, le=10)] = 3
    grade: Percent = "1.5"


@check
def assays_agree(case: Case, members: Assays) -> Ruling:
    """The grades at arrival are those at departure, within their uncertainty, or an umpire agrees with the receiver."""
    found = [
        _agree(case, members, hop, lot, measured)
        for hop in moves(case)
        for measured in ({one["id"]: one.get("quantity") or {} for one in _received(hop)},)
        for lot in hop.got
    ]
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _agree(case: Case, members: Assays, hop: Hop, lot: str, measured: dict[str, Any]) -> Ruling:
    name = f"{lot}, {name_of(hop)}"
    own: dict[str, Any] = measured[lot]
    if own.get("assay") and hop.got[lot].assay == hop.sent[lot].assay:
        return passed(f"{name}: the grades agree.", *hop.evidence).about(lot)
    after = _stated(case, members, hop.got[lot], hop, lot) if own.get("assay") else {}
    before = _stated(case, members, hop.sent[lot], None, lot)
    both = [element for element in after if element in before]
    if not both:
        text = f"{name}: its grade was not measured at both ends."
        return case.lacking(text, "an assay at departure and one at arrival", evidence=hop.evidence).about(lot)
    for element in both:
        left, came = before[element], after[element]
        if not _within(left, came, members.k):
            text = f"{name}: {show(left.value)} % {element} left, {show(came.value)} % arrived."
            limit = show(members.k * root(left.uncertainty**2 + came.uncertainty**2))
            umpire = _umpire(case, members, hop, came, element=element, lot=lot)
            if umpire:
                text += " An umpire laboratory agrees with the receiver."
                return passed(text, *hop.evidence, umpire, limit=limit).about(lot)
            return failed(text, *hop.evidence, since=hop.dispatch.time[:10], limit=limit).about(lot)
    return passed(f"{name}: the grades agree.", *hop.evidence).about(lot)


def _received(hop: Hop) -> list[dict[str, Any]]:
    lots: list[dict[str, Any]] = hop.receive.body["lots"] if hop.receive else []
    return lots


def _within(one: Measured, other: Measured, k: int) -> bool:
    return (one.value - other.value) ** 2 <= k**2 * (one.uncertainty**2 + other.uncertainty**2)


def _stated(case: Case, members: Assays, amount: Amount, hop: Hop | None, lot: str) -> dict[str, Measured]:
    """Grades of the element that an amount states; the uncertainty is a laboratory's where one states the same."""
    found = {}
    lab = [one for one in case.facts.attestations("assay", lot) if hop is None or one.time >= hop.dispatch.time]
    for analyte, share in amount.assay.items():
        element, factor = parse_analyte(analyte)
        value = Fraction(parse_decimal(share, ASSAY_PLACES) * factor, 10 ** (ASSAY_PLACES + 6))
        found[element] = Measured(value, value * number(members.grade) / 100)
        for one in lab:
            grade = one.statement["grades"].get(analyte)
            if grade and grade["value"] == share and grade.get("uncertainty"):
                uncertainty = number(grade["uncertainty"]) * Fraction(factor, 10**6)
                found[element] = Measured(value, uncertainty)
    return found


def _umpire(case: Case, members: Assays, hop: Hop, came: Measured, *, element: str, lot: str) -> str:
    """The id of an independent assay made after arrival that agrees with the receiver's, "" without one."""
    assert hop.receive is not None  # noqa: S101 - moves are accepted
    for one in case.facts.attestations("assay", lot):
        if one.grade >= Grade.INDEPENDENT and one.time >= hop.receive.time:
            theirs = _grade_of(one, element, members)
            if theirs is not None and _within(theirs, came, members.k):
                return one.id
    return ""


def _grade_of(item: Item, element: str, members: Assays) -> Measured | None:
    for analyte, grade in item.statement["grades"].items():
        symbol, factor = parse_analyte(analyte)
        if symbol == element:
            share = Fraction(factor, 10**6)
            value = number(grade["value"]) * share
            stated = grade.get("uncertainty")
            uncertainty = number(stated) * share if stated else value * number(members.grade) / 100
            return Measured(value, uncertainty)
    return None
