"""Checks of Regulation (EU) 2017/821 on metals: smelters in the chain, their audits, and the schemes that count.

A scheme counts from the day of its recognition, for the standards recognised, and only where the
facility itself was assessed by it: an assessment taken over from another scheme proves nothing here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ledger.custody.vocabulary import Code, Date
from ledger.rules.case import Case
from ledger.rules.checks.european_import import OfPart, enter_part
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.union_imports import Entry, enter_union
from ledger.rules.checks.upstream import (
    Smelter,
    information_of_risk,
    name_and_address,
    origins_of,
    risky_places,
    smelters_of,
)
from ledger.rules.items import Item
from ledger.rules.outcome import Grade, Outcome
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class Recognised(OfPart):
    """scheme, standards: recognised under Article 8; since: day of the decision."""

    scheme: Code
    standards: Annotated[list[Code], Field(min_length=1)]
    since: Date


class Schemed(Recognised):
    """As `Recognised`, for metals."""

    part: Literal["B"] = "B"


def _smelters(case: Case) -> list[Smelter] | Ruling:
    found = smelters_of(case)
    if not found:
        text = "It is metal, but no smelter or refinery is in the chain."
        return case.lacking(text, "the smelter or refiner of the metal")
    return found


@check
def import_smelters_named(case: Case, members: OfPart) -> Ruling:
    """Name and address of every smelter and refiner of the chain are on file."""
    entry = enter_part(case, members)
    if isinstance(entry, Ruling):
        return entry
    smelters = _smelters(case)
    if isinstance(smelters, Ruling):
        return smelters
    return worst(name_and_address(case, one.operator, f"smelter at {one.site.id}") for one in smelters)


def audits_of(case: Case, smelter: Smelter) -> list[Item]:
    """Audits by a third party of this very facility that conform, in force when it took the material in."""
    found = case.facts.attestations("audit", smelter.site.id, smelter.operator)
    return [
        one
        for one in found
        if one.grade >= Grade.INDEPENDENT
        and one.holds_at(smelter.day)
        and one.statement["facility"] == smelter.site.id
        and one.body.get("result") == "conform"
    ]


def _counts(item: Item, members: Recognised) -> bool:
    audit = item.statement
    return bool(
        audit["scheme"] == members.scheme
        and audit["standard"] in members.standards
        and not audit.get("cross_recognised")
    )


def recognised(case: Case, smelter: Smelter, members: Recognised) -> Ruling:
    """Whether a smelter was conformant under the recognised scheme when it took the material in."""
    site, day = smelter.site.id, smelter.day
    if day < members.since:
        text = f"{site} took the material in on {day}; {members.scheme} is recognised from {members.since} only."
        return case.lacking(text, "the countries of origin").about(site)
    audits = audits_of(case, smelter)
    direct = [one for one in audits if _counts(one, members)]
    if direct:
        text = f"{site} was conformant under {members.scheme} on {day}."
        return passed(text, direct[-1].id).about(site)
    if audits:
        other = audits[-1].statement
        how = "taken over from another scheme" if other.get("cross_recognised") else "of another scheme or standard"
        text = f"The audit of {site} ({other['scheme']}) is {how}: it is no proof under Article 8."
        return failed(text, audits[-1].id, since=audits[-1].starts[:10]).about(site)
    text = f"No audit of {site} under {members.scheme} that was in force on {day} is on file."
    return case.lacking(text, f"an audit of {site} under {members.scheme}").about(site)


@check
def import_smelters_recognised(case: Case, members: Schemed) -> Ruling:
    """What is offered as proof of conformity is the recognised scheme's own assessment of the facility."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    rulings = [recognised(case, one, members) for one in smelters_of(case) if audits_of(case, one)]
    return worst(rulings, nothing=inapplicable("No audit of a smelter is offered as proof of conformity."))


@check
def import_smelters_audited(case: Case, members: Schemed) -> Ruling:
    """Every smelter has an audit report of a recognised scheme; without one the countries of origin are due."""
    entry = enter_part(case, members)
    if isinstance(entry, Ruling):
        return entry
    smelters = _smelters(case)
    if isinstance(smelters, Ruling):
        return smelters
    joint = worst(recognised(case, one, members) for one in smelters)
    if joint.outcome is Outcome.PASS:
        return joint
    if _origins_given(case, entry).outcome is Outcome.PASS:
        return inapplicable(f"{joint.sentence} The countries of origin are given instead.")
    return case.lacking(joint.sentence, "audits of a recognised scheme, or the countries of origin")


@check
def import_metal_origins(case: Case, members: Schemed) -> Ruling:
    """Without audits of a recognised scheme: countries of origin, and what is due for places of risk."""
    entry = enter_part(case, members)
    if isinstance(entry, Ruling):
        return entry
    smelters = smelters_of(case)
    if smelters and all(recognised(case, one, members).outcome is Outcome.PASS for one in smelters):
        return inapplicable("Every smelter of the chain has an audit of a recognised scheme.")
    return _origins_given(case, entry)


def _origins_given(case: Case, entry: Entry) -> Ruling:
    origins = origins_of(case, entry.lot)
    if isinstance(origins, Ruling):
        return origins
    known = passed(f"It comes from {origins.words}.", *origins.evidence, **origins.figures)
    risky = risky_places(case)
    if isinstance(risky, Ruling):
        return risky
    if not risky.reasons:
        return known
    asked = worst((known, information_of_risk(case, entry.lot)))
    text = f"Further information is due, because {risky.reasons[0]}. {asked.sentence}"
    return Ruling(asked.outcome, text, (*risky.evidence, *asked.evidence), risky.references, asked.missing)


class Unpublished(Members):
    """published: the day on which the list was published; "" while there is none."""

    published: Date | Literal[""]


@check
def list_unpublished(case: Case, members: Unpublished) -> Ruling:
    """A list that the law announces is used once it exists; no other list stands in for it."""
    if not members.published or case.today < members.published:
        return inapplicable("The list has not been published, and no other list takes its place.")
    return case.lacking(f"The list was published on {members.published}.", "the list as reference data")
