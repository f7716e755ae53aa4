"""Checks for imports into the United States: conflict minerals (section 1502) and forced labour (UFLPA)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger.custody.vocabulary import Country, Subdivision
from ledger.rules.case import Case
from ledger.rules.checks.parties import parties_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.screening import Screen
from ledger.rules.checks.upstream import NOT_A_LOT, origins_of
from ledger.rules.facts import LotFacts
from ledger.rules.minerals import expand, materials_of
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

PACK = "us-imports"
_STATES = "US"


class ConflictMinerals(Members):
    """materials: that the section is about; covered: its countries."""

    materials: Annotated[list[str], Field(min_length=1)]
    covered: Annotated[list[Country], Field(min_length=1)]


def _conflict_lot(case: Case, members: ConflictMinerals) -> LotFacts | Ruling:
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    held = materials_of(lot.mineral, lot.now.assay)
    if not held:
        return case.lacking("Neither the mineral's code nor an assay says what the lot is.", "an assay of the lot")
    if expand(members.materials).isdisjoint(held):
        return inapplicable(f"The lot holds {', '.join(held)}: none of tin, tantalum, tungsten and gold.")
    return lot


@check
def conflict_minerals_held(case: Case, members: ConflictMinerals) -> Ruling:
    """The lot holds tin, tantalum, tungsten or gold, which count wherever they were mined."""
    lot = _conflict_lot(case, members)
    if isinstance(lot, Ruling):
        return lot
    covered = sorted(set(case.back.origins) & set(members.covered))
    where = f"from the covered countries {', '.join(covered)}" if covered else "not from a covered country"
    return passed(f"It holds conflict minerals, {where}; they count wherever mined.", lot.records[-1], covered=covered)


@check
def conflict_minerals_origin(case: Case, members: ConflictMinerals) -> Ruling:
    """An inquiry shows the countries from which the minerals come."""
    lot = _conflict_lot(case, members)
    if isinstance(lot, Ruling):
        return lot
    origins = origins_of(case, lot)
    if isinstance(origins, Ruling):
        return origins
    return passed(f"It comes from {origins.words}.", *origins.evidence, **origins.figures)


def bound_for_us(case: Case) -> bool:
    """Whether the claim is about an import into the United States, or the records show one."""
    facts, claim = case.facts, case.claim
    if claim.type == "us_import" or (claim.packs is not None and PACK in claim.packs):
        return True
    if any(one.statement["destination"] == _STATES for one in facts.attestations("export", *facts.lots)):
        return True
    return any(facts.sites[one].body["country"] == _STATES for one in facts.chain_sites)


class ForcedLabour(Members):
    """region: all goods of which are presumed barred; country: whose processing must be traced input by input;

    similar: per mille from which a name is looked at; stale_after: days.
    """

    region: Subdivision
    country: Country
    similar: Annotated[int, Field(ge=750, le=1000)]
    stale_after: Annotated[int, Field(ge=0, le=366)]


@check
def no_input_of_region(case: Case, members: ForcedLabour) -> Ruling:
    """No input was mined or made in the region or by a listed company, and every input of its country is traced."""
    if not bound_for_us(case):
        return inapplicable("Neither the claim nor a record shows an import into the United States.")
    rulings = [*_in_region(case, members), *_untraced(case, members)]
    listed = case.reference("uflpa_entities", stale_after=members.stale_after)
    if isinstance(listed, Ruling):
        return worst((*rulings, listed))
    screen = Screen(case, listed, members.similar, members.stale_after)
    for party in parties_of(case).values():
        rulings += screen.hits(party)
        if party.handles and not party.name:
            rulings.append(case.lacking(f"{party.words}: name not shown.", f"the name of {party.id}"))
    sites = [case.facts.sites[one].item.id for one in case.facts.chain_sites]
    clear = f"None of its {len(sites)} places lies in {members.region}, none of its parties is on the Entity List."
    rulings.append(passed(clear, *sites, references=["uflpa_entities"]))
    return worst(rulings)


def _in_region(case: Case, members: ForcedLabour) -> list[Ruling]:
    return [
        failed(
            f"Part of it was mined, kept or made at {site.id} in {members.region}: it is presumed to be barred.",
            site.item.id,
            since=site.item.time[:10],
        ).about(site.id)
        for site in case.facts.sites_of()
        if site.body["subdivision"] == members.region
    ]


def _untraced(case: Case, members: ForcedLabour) -> list[Ruling]:
    """What was added in the country without a lot of its own: reagents, fluxes and other material."""
    facts, found = case.facts, []
    for step in facts.transforms:
        added = [one["material"] for one in step.body.get("additions", ())]
        if added and facts.sites[step.body["site"]].body["country"] == members.country:
            text = f"{', '.join(added)} was added at {step.body['site']} in {members.country}, untraced."
            missing = f"where {', '.join(added)} comes from"
            found.append(case.lacking(text, missing, evidence=[step.id]).about(step.body["site"]))
    return found


class Sectors(Members):
    """materials: of the sectors enforced first; nexus: countries that a chain must have touched (none: any chain)."""

    materials: Annotated[list[str], Field(min_length=1)]
    nexus: list[Country] = Field(default_factory=list)


@check
def not_of_priority_sector(case: Case, members: Sectors) -> Ruling:
    """Goods of a sector that is enforced first, from a chain that touched the country in question, are looked into."""
    lot = case.facts.lot
    if lot is None or not bound_for_us(case):
        return inapplicable("Neither the claim nor a record shows an import of a lot into the United States.")
    held = sorted(set(members.materials) & set(materials_of(lot.mineral, lot.now.assay)))
    if not held:
        return inapplicable("The lot holds no material of a sector that is enforced first.")
    sites = list(case.facts.sites_of())
    touched = [one for one in sites if not members.nexus or one.body["country"] in members.nexus]
    words = ", ".join(held)
    if not touched:
        places = f"none of its {len(sites)} places lies in {', '.join(members.nexus)}"
        return passed(f"{words} is of a sector that is enforced first, but {places}.", *(one.item.id for one in sites))
    text = f"{words} is of a sector that is enforced first, and it was at {touched[0].id}."
    return flagged(text, *(one.item.id for one in touched), since=lot.made_by.time[:10]).about(lot.id)
