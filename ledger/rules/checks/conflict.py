"""Checks of armed groups and security forces at mines, trading points and on the way (OECD guidance, Annex II 3 to 10).

What is reported, what was paid, what inspections and visits saw, and what layers of events and
roadblocks show nearby. An event nearby is a red flag, not proof; a layer that is not loaded for the
period leaves the question open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import Field

from ledger.rules.case import Case, add_days
from ledger.rules.checks.attested import Days
from ledger.rules.checks.exposure import Window, is_established, mines_of, site_windows
from ledger.rules.checks.incidents import Categories, assessments, judge_assessments, judge_incidents, visits_of
from ledger.rules.checks.nearby import Reach, is_within, reach_of
from ledger.rules.checks.payments import describe, judge_forbidden, payments_of
from ledger.rules.checks.places import (
    ROAD,
    checkpoints,
    metres,
    place_of,
    site_place,
)
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.targets import SMELTING
from ledger.rules.facts import Hop
from ledger.rules.items import Item
from ledger.rules.outcome import Outcome
from ledger.rules.plausibility.observations import Place
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

Km = Annotated[int, Field(ge=0, le=200)]
FORCES: Final = ("public_security", "private_security")
LONGEST_LEG_M: Final = 300_000
"""Between points further apart than this a straight line says nothing of the road."""


class ArmedControl(Members):
    """categories of incident; max_age of an assessment; buffer_km, days: how near and how long before an event counts;

    events: types of event that count; claims: categories of expert findings.
    """

    categories: Categories
    max_age: Days = 365
    buffer_km: Km = 10
    days: Days = 90
    events: Annotated[list[str], Field(min_length=1)]
    claims: list[str] = Field(default_factory=list)


@check
def no_armed_control(case: Case, members: ArmedControl) -> Ruling:
    """No armed group controls mine, trading point or route: not reported, not seen, no fighting nearby."""
    rulings = judge_incidents(case, members.categories)
    rulings += judge_assessments(case, "armed_group", members.max_age)
    rulings += _expert_findings(case, members.claims)
    rulings += _events(case, members)
    return worst(rulings)


def _upstream_sites(case: Case) -> Iterable[tuple[str, tuple[Window, ...]]]:
    for site, windows in site_windows(case).items():
        if case.facts.sites[site].body["kind"] not in SMELTING:
            yield site, windows


def _expert_findings(case: Case, wanted: Iterable[str]) -> list[Ruling]:
    """Findings that name a site fail; those about its whole province are looked into."""
    snapshot = case.reference("expert_claims")
    categories, rulings = set(wanted), []
    for row in () if isinstance(snapshot, Ruling) else snapshot.rows:
        if row.category not in categories:
            continue
        period = Window(row.start, row.end or case.today)
        for site, windows in _upstream_sites(case):
            known = case.facts.sites[site]
            named = row.subject in (site, known.body.get("national_id")) and bool(row.subject)
            here = row.subject == "" and known.body["subdivision"] == row.subdivision
            if (named or here) and any(period.overlaps(one) for one in windows):
                text = f"{row.report}, paragraph {row.paragraph}, finds {row.category.replace('_', ' ')}"
                make = failed if named else flagged
                where = f"at '{site}'" if named else f"in {row.subdivision}, where '{site}' lies"
                rulings.append(
                    make(f"{text} {where}.", known.item.id, since=row.start, references=["expert_claims"]).about(site)
                )
    return rulings


def _events(case: Case, members: ArmedControl) -> list[Ruling]:
    snapshot = case.reference("conflict_events")
    if isinstance(snapshot, Ruling):
        return [snapshot]
    rows = [row for row in snapshot.rows if row.kind in members.events]
    name, limit, rulings = ["conflict_events"], members.buffer_km * 1000, []
    for site, windows in _upstream_sites(case):
        here, item = site_place(case.facts, site), case.facts.sites[site].item
        if here is None:
            rulings.append(case.concealed(item, "location", site).about(site))
            continue
        around = reach_of((here,), limit)
        for days in windows:
            if snapshot.published < days.end:
                text = f"The conflict events loaded end on {snapshot.published}, before the lots left '{site}'."
                rulings.append(case.lacking(text, "conflict events for the period", evidence=[item.id]).about(site))
                continue
            period = Window(add_days(days.start, -members.days), days.end)
            near = _within(rows, period, [around])
            if near:
                last = max(row.happened_on for row in near)
                text = (
                    f"{len(near)} events of conflict happened within {members.buffer_km} km of '{site}' until {last}."
                )
                rulings.append(flagged(text, item.id, since=last, references=name, events=len(near)).about(site))
    rulings += [_on_the_way(case, hop, rows, members) for hop in land_hops(case)]
    return rulings


def _within(rows: Sequence[Any], period: Window, reaches: list[Reach]) -> list[Any]:
    """Events of a period within any of these reaches."""
    dated = (row for row in rows if period.start <= row.happened_on <= period.end)
    return [row for row in dated if any(is_within(one, row.position) for one in reaches)]


def _on_the_way(case: Case, hop: Hop, rows: Sequence[Any], members: ArmedControl) -> Ruling:
    period = Window(add_days(hop.dispatch.time, -members.days), _end(case, hop))
    near = _within(rows, period, [reach_of(leg, members.buffer_km * 1000) for leg in legs(case, hop)])
    if near:
        last = max(row.happened_on for row in near)
        text = f"{len(near)} events of conflict happened near the way of {hop.dispatch.time[:10]} until {last}."
        return flagged(text, *hop.evidence, since=last, references=["conflict_events"]).about(*hop.sent)
    return inapplicable("Nothing happened near the way.")


# ---- roads ----------------------------------------------------------------------------------------------------------


def land_hops(case: Case) -> list[Hop]:
    """Handovers that went by road or on foot."""
    return [hop for hop in case.facts.hops if hop.dispatch.body["transport"]["mode"] in ROAD]


def _end(case: Case, hop: Hop) -> str:
    return hop.receive.time[:10] if hop.receive else case.today


def legs(case: Case, hop: Hop) -> list[tuple[Place, Place]]:
    """Straight lines between the known points of a way, without those that are too long to mean anything."""
    facts = case.facts
    end = hop.receive.body["site"] if hop.receive else hop.dispatch.body["to"]
    seen = (place_of(one.statement.get("location")) for one in checkpoints(facts, hop))
    points = [site_place(facts, hop.dispatch.body["from"]), *seen, site_place(facts, end)]
    known = [one for one in points if one is not None]
    return [(start, stop) for start, stop in pairwise(known) if 0 < metres(start, stop) <= LONGEST_LEG_M]


def judge_roadblocks(case: Case, operator: str, km: int, days: int, *, minerals_only: bool = False) -> list[Ruling]:
    """A red flag for each way by road that comes near a roadblock of such an operator, seen at about that time."""
    snapshot = case.reference("ipis_roadblocks")
    if isinstance(snapshot, Ruling):
        return [snapshot]
    rulings = []
    for hop in land_hops(case):
        period = Window(add_days(hop.dispatch.time, -days), add_days(_end(case, hop), days))
        reaches = [reach_of(leg, km * 1000) for leg in legs(case, hop)]
        for row in snapshot.rows:
            if operator not in row.operator_types or (minerals_only and not row.natural_resources):
                continue
            if period.start <= row.seen_on <= period.end and any(is_within(one, row.position) for one in reaches):
                text = f"The way of {hop.dispatch.time[:10]} passes the roadblock {row.name} of {row.operator}."
                rulings.append(
                    flagged(text, *hop.evidence, since=row.seen_on, references=["ipis_roadblocks"]).about(*hop.sent)
                )
    return rulings


# ---- money ----------------------------------------------------------------------------------------------------------


class ArmedTax(Members):
    """categories of incident; max_age of an assessment; block_km, block_days: how near and old a roadblock counts."""

    categories: Categories
    max_age: Days = 365
    block_km: Km = 2
    block_days: Days = 365


@check
def no_armed_tax(case: Case, members: ArmedTax) -> Ruling:
    """No armed group taxes or extorts: not reported, not paid, no roadblock of one on the way."""
    rulings = judge_incidents(case, members.categories)
    rulings += judge_forbidden(case, payments_of(case), ["armed_group"])
    rulings += judge_roadblocks(case, "non_state", members.block_km, members.block_days)
    rulings += judge_assessments(case, "armed_group", members.max_age)
    return worst(rulings)


@check
def no_unlawful_security(case: Case, members: ArmedTax) -> Ruling:
    """Security forces take nothing beyond a lawful arrangement: not reported, not paid, not at roadblocks."""
    rulings = judge_incidents(case, members.categories)
    rulings += [_security_paid(case, one) for one in payments_of(case) if one.statement["payee_class"] in FORCES]
    rulings += judge_roadblocks(case, "state_force", members.block_km, members.block_days, minerals_only=True)
    for mine in mines_of(case):
        arranged = _arrangement(case, mine, site_windows(case)[mine][-1].end)
        if arranged is not None and arranged.statement["screened"]:
            text = f"Security at '{mine}' is arranged and was screened."
            rulings.append(passed(text, arranged.id).about(mine))
    looked = judge_assessments(case, "security_force", members.max_age)
    settled = {one.subjects for one in rulings if one.outcome is Outcome.PASS}
    adverse = (Outcome.FAIL, Outcome.RED_FLAG)
    return worst([*rulings, *(one for one in looked if one.subjects not in settled or one.outcome in adverse)])


def _security_paid(case: Case, item: Item) -> Ruling:
    statement = item.statement
    day, about = statement["date"], item.about
    if statement["kind"] == "security" and statement.get("receipt"):
        for one in case.attested("security_arrangement", *about, statement["payer"], at=day):
            if one.statement["screened"]:
                return passed(f"{describe(item)} under a screened arrangement.", one.id, item.id).about(*about)
    make = failed if is_established(case, item) else flagged
    return make(f"{describe(item)} outside of any screened arrangement.", item.id, since=day).about(*about)


def _arrangement(case: Case, mine: str, day: str) -> Item | None:
    operator = case.facts.sites[mine].body["operator"]
    found = case.attested("security_arrangement", mine, operator, at=day)
    return found[-1] if found else None


# ---- lawful security ------------------------------------------------------------------------------------------------


class Guarded(Members):
    """max_age: days between the look and the end of extraction."""

    max_age: Days = 365


@check
def security_arranged(case: Case, members: Guarded) -> Ruling:
    """Where guards are reported, their task is arranged, and they were screened under the Voluntary Principles."""
    windows = site_windows(case)
    rulings = [_guarded(case, mine, days, members.max_age) for mine in mines_of(case) for days in windows[mine]]
    return worst(rulings, nothing=case.lacking("No mine of this chain is known.", "the records back to the mines"))


def _guarded(case: Case, mine: str, days: Window, max_age: int) -> Ruling:
    reported = _guards(case, mine, Window(add_days(days.end, -max_age), days.end))
    arranged = _arrangement(case, mine, days.end)
    if arranged is not None:
        if arranged.statement["screened"]:
            return passed(f"Security at '{mine}' is arranged and was screened.", arranged.id).about(mine)
        text = f"Security at '{mine}' is arranged, but nobody was screened."
        return failed(text, arranged.id, since=arranged.starts).about(mine)
    if reported:
        text = f"Guards were reported at '{mine}', and no security arrangement is on file."
        records = [one for one in reported if one in case.facts.items]
        return case.lacking(text, f"the security arrangement of {mine}", evidence=records).about(mine)
    looked = [
        one for one in assessments(case, mine, "security_force") if one.well and one.day >= add_days(days.end, -max_age)
    ]
    if looked:
        return inapplicable(f"The {looked[-1].what} at '{mine}' on {looked[-1].day} found no guards.")
    text = f"Nobody says whether there are guards at '{mine}'."
    return case.lacking(text, f"an inspection of {mine}").about(mine)


def _guards(case: Case, mine: str, days: Window) -> list[str]:
    """Records and visits that speak of guards at a mine: their ids, or where they stand."""
    found = [
        one.id
        for one in case.facts.attestations("inspection", mine)
        if one.statement.get("armed_presence") in FORCES and one.statement["date"] >= days.start
    ]
    found += [one.id for one in payments_of(case) if one.statement["payee_class"] in FORCES and mine in one.about]
    found += [
        dataset
        for dataset, visit in visits_of(case, mine)
        if visit.visited_on >= days.start and any(force.kind == "state_force" for force in visit.armed)
    ]
    return found
