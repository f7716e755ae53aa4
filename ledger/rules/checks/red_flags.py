"""Red flags of the OECD guidance: places, suppliers, circumstances that ask for enhanced due diligence.

A flag is never a violation. It is raised by what lists, registers and records show, or by a risk
assessment that names it, and closed by enhanced due diligence dated after it (the engine looks for
the report). Not being on an indicative list proves nothing: where a list is silent, somebody of
the chain has to have assessed the risk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import Field

from ledger.rules.case import Case, days_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.claims import NoMembers
from ledger.rules.checks.exposure import (
    extraction_days,
    incidents_of,
    site_windows,
)
from ledger.rules.checks.money import is_open
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.targets import SMELTING
from ledger.rules.items import Item
from ledger.rules.reference.cahra import find_areas
from ledger.rules.reference.rows import CahraArea
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

LIST: Final = "eu_cahra"
TRANSIT: Final = "transit_countries"


class Assessed(Members):
    """days: how old the risk assessment may be that says there is no flag."""

    days: Days = 365


def own_assessment(case: Case, days: int, silent: str, *parties: str) -> Ruling:
    """What the chain's own risk assessments say of this flag: named (raised), not named (none), or none made.

    silent: what lists and records say, for the sentence; parties: whose assessment counts (all without).
    """
    wanted = parties or case.facts.handlers
    fresh = [
        one
        for one in case.attested("risk_assessment", *wanted)
        if 0 <= days_between(one.statement["date"], case.today) <= days
    ]
    named = [one for one in fresh if case.rule in one.statement.get("red_flags", ())]
    if named:
        text = f"A risk assessment of {named[0].statement['date']} names this flag."
        return flagged(text, named[0].id, since=named[0].statement["date"])
    if fresh:
        text = f"{silent} The risk assessment of {fresh[-1].statement['date']} does not name it either."
        return passed(text, fresh[-1].id)
    text = f"{silent} That proves nothing, and no risk assessment of the last {days} days is on file."
    return case.lacking(text, "a risk assessment by a company of the chain")


# ---- places ---------------------------------------------------------------------------------------------------------


@check
def location_of_risk(case: Case, members: Assessed) -> Ruling:
    """No mine, place or waypoint lies in a conflict-affected or high-risk area, subdivision by subdivision."""
    snapshot = case.reference(LIST)
    if isinstance(snapshot, Ruling):
        return snapshot
    rulings = [*_listed_sites(case, snapshot), *_listed_ways(case, snapshot)]
    if rulings:
        return worst(rulings)
    silent = f"None of its {len(case.facts.chain_sites)} sites and waypoints is on the EU's indicative list."
    return with_references(own_assessment(case, members.days, silent), LIST)


def with_references(ruling: Ruling, *names: str) -> Ruling:
    """The ruling, with the data sets that were looked at."""
    return replace(ruling, references=names)


def _areas(case: Case, newest: Snapshot, day: str, country: str, subdivision: str) -> tuple[CahraArea, ...]:
    """What the list says of a place as it is known now, or as it stood on the day."""
    then = case.back.references.at(LIST, day)
    rows = newest.rows if then is None or then == newest else (*newest.rows, *then.rows)
    return find_areas(rows, country, subdivision)


def _listed_sites(case: Case, snapshot: Snapshot) -> list[Ruling]:
    rulings = []
    for site, windows in site_windows(case).items():
        known, day = case.facts.sites[site], windows[0].start
        areas = _areas(case, snapshot, day, known.body["country"], known.body["subdivision"])
        if areas and known.body["kind"] not in SMELTING:
            text = f"'{site}' lies in {known.body['subdivision']}, which is listed as {_nature(areas)}."
            rulings.append(flagged(text, known.item.id, since=day, references=[LIST]).about(site))
    return rulings


def _nature(areas: Iterable[CahraArea]) -> str:
    return "conflict-affected" if any(one.conflict_affected for one in areas) else "high-risk"


def _listed_ways(case: Case, snapshot: Snapshot) -> list[Ruling]:
    rulings = []
    for hop in case.facts.hops:
        day = hop.dispatch.time[:10]
        for country in sorted({one["country"] for one in hop.dispatch.body["transport"].get("route", ())}):
            if _areas(case, snapshot, day, country, ""):
                text = f"The consignment of {day} went through {country}, where areas are listed."
                rulings.append(flagged(text, hop.dispatch.id, since=day, references=[LIST]).about(*hop.sent))
    return rulings


def suspect_countries(snapshot: Snapshot, day: str, materials: Iterable[str]) -> set[str]:
    """Countries through which such minerals were known to pass on a day."""
    wanted = set(materials)
    return {
        row.country for row in snapshot.rows if is_open(row, day) and (not row.minerals or wanted & {*row.minerals})
    }


@check
def transit_of_risk(case: Case, members: NoMembers) -> Ruling:
    """Neither origin nor route is a country through which minerals of such areas are known to pass."""
    facts, snapshot = case.facts, case.reference(TRANSIT)
    if isinstance(snapshot, Ruling):
        return snapshot
    names = {*case.back.materials, *(lot.mineral for lot in facts.lots.values())}
    rulings = []
    for lot in facts.lots.values():
        if lot.is_mined:
            day, site = extraction_days(lot.made_by).start, lot.made_by.body["site"]
            country = facts.sites[site].body["country"]
            if country in suspect_countries(snapshot, day, names):
                text = f"It is said to come from {country}, through which such minerals are known to pass."
                rulings.append(flagged(text, lot.made_by.id, since=day, references=[TRANSIT]).about(site))
    for hop in facts.hops:
        day = hop.dispatch.time[:10]
        route = {one["country"] for one in hop.dispatch.body["transport"].get("route", ())}
        for country in sorted(route & suspect_countries(snapshot, day, names)):
            text = f"The consignment of {day} went through {country}, through which such minerals are known to pass."
            rulings.append(flagged(text, hop.dispatch.id, since=day, references=[TRANSIT]).about(*hop.sent))
    if not rulings:
        records = [facts.sites[site].item.id for site in facts.mines()]
        if not records:
            return case.lacking("No mine of this chain is known.", "the records back to the mines")
        rulings.append(passed("Neither origin nor route is on the list of transit.", *records, references=[TRANSIT]))
    return worst(rulings)


class Recycled(Members):
    """minerals: codes of lots that are called recycled."""

    minerals: Annotated[list[str], Field(min_length=1)]


@check
def recycled_in_transit(case: Case, members: Recycled) -> Ruling:
    """Gold that is called recycled was not refined where gold of conflict areas is known to pass."""
    facts = case.facts
    lots = [lot for lot in facts.lots.values() if lot.mineral.lower() in members.minerals]
    if not lots:
        return inapplicable("Nothing of it is called recycled.")
    snapshot = case.reference(TRANSIT)
    if isinstance(snapshot, Ruling):
        return snapshot
    refined = list(facts.sites_of(*SMELTING))
    if not refined:
        return case.lacking("Nobody says where the recycled gold was refined.", "the refiner's records")
    rulings = []
    for site in refined:
        day = site_windows(case)[site.id][0].start
        country, record = site.body["country"], lots[0].made_by.id
        if country in suspect_countries(snapshot, day, ["gold"]):
            text = f"Gold that is called recycled was refined in {country}, through which gold is known to pass."
            rulings.append(flagged(text, record, site.item.id, since=day, references=[TRANSIT]).about(site.id))
        else:
            rulings.append(passed(f"It was refined in {country}.", record, site.item.id, references=[TRANSIT]))
    return worst(rulings)


# ---- circumstances, and closing flags -------------------------------------------------------------------------------


class Anomalies(Members):
    """categories of incidents that are anomalies; days: how old the risk assessment may be that names none."""

    categories: Annotated[list[str], Field(min_length=1)]
    days: Days = 365


@check
def nothing_anomalous(case: Case, members: Anomalies) -> Ruling:
    """Nothing that was collected on the gold is anomalous: no evidence that does not conform, no report of fraud."""
    facts, rulings = case.facts, []
    for incident in incidents_of(case, members.categories):
        text = f"An incident of category {incident.category} is on file."
        rulings.append(flagged(text, *incident.evidence, since=incident.first.time[:10]))
    for items in facts.statements.values():
        for one in items:
            if one.body.get("result") == "not_conform" and facts.subjects & set(one.about):
                text = f"The {one.kind.replace('_', ' ')} of {one.time[:10]} does not conform."
                rulings.append(flagged(text, one.id, since=one.time[:10]).about(*one.about))
    return worst(rulings, nothing=own_assessment(case, members.days, "Nothing on file is anomalous."))


@check
def flags_discharged(case: Case, members: NoMembers) -> Ruling:
    """Every red flag that a risk assessment names was looked into afterwards by somebody independent, and closed."""
    facts = case.facts
    rulings = []
    for one in facts.attestations("risk_assessment", *facts.subjects):
        rulings += [_discharged(case, flag, one) for flag in one.statement.get("red_flags", ())]
    return worst(rulings, nothing=inapplicable("No red flag is named in any risk assessment."))


def _discharged(case: Case, flag: str, named: Item) -> Ruling:
    day: Any = named.statement["date"]
    found = [
        one
        for one in case.attested("edd_report", *case.facts.subjects)
        if flag in one.statement["red_flags"] and day <= one.statement["visit"] <= one.logged[:10]
    ]
    text = f"The flag {flag} of {day}"
    if not found:
        words = f"{text} was not looked into on the ground since by anybody independent."
        return case.lacking(words, f"a report of enhanced due diligence on {flag}", evidence=[named.id]).about(
            *named.about
        )
    last = found[-1]
    if last.statement["conclusion"] == "discharged":
        return passed(f"{text} is closed by the visit of {last.statement['visit']}.", last.id).about(*named.about)
    if last.statement["conclusion"] == "confirmed":
        words = f"{text} is confirmed by the visit of {last.statement['visit']}."
        return failed(words, named.id, last.id, since=last.statement["visit"]).about(*named.about)
    words = f"{text} is still open after the visit of {last.statement['visit']}."
    return case.lacking(words, f"a conclusion on {flag}", evidence=[last.id]).about(*named.about)
