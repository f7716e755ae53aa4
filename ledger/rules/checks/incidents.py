"""Checks that something did not happen at a mine: what was reported, and whether anybody looked.

No report on file is not a sign that all is well: a pass needs a positive assessment by somebody
competent (inspection, audit, recorded visit) that was not too old when the lot was mined. Verified
reports fail the rule, unverified ones are red flags (OECD guidance, Annex II paragraphs 1 to 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from ledger.rules.case import Case, add_days
from ledger.rules.checks.attested import Days
from ledger.rules.checks.exposure import (
    Window,
    incident_days,
    incidents_of,
    is_established,
    mines_of,
    site_windows,
    subjects_of,
)
from ledger.rules.checks.figures import once
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Incident
from ledger.rules.items import Item
from ledger.rules.reference.rows import SiteVisit
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, passed, worst

Question = Literal["general", "children", "forced_labour", "armed_group", "security_force"]
Categories = Annotated[list[str], Field(min_length=1, max_length=20)]
VISITS: Final = ("ipis_visits", "ipis_webmap")


class Assessment(NamedTuple):
    """Somebody looked at a site. well: True, False, or None where the question was not answered."""

    day: str
    what: str
    well: bool | None
    record: str = ""
    dataset: str = ""


class NoOpenIncident(Members):
    """categories of incident (and all under them); seen: the question that inspections and visits answer;

    max_age: days between the look and the end of extraction; hazardous: tasks that nobody under 18 may do.
    """

    categories: Categories
    seen: Question = "general"
    max_age: Days = 365
    hazardous: list[str] = Field(default_factory=list)


@check
def no_open_incident(case: Case, members: NoOpenIncident) -> Ruling:
    """Nothing of this kind is reported of the chain's places and times, and somebody competent looked."""
    found = judge_incidents(case, members.categories)
    looked = judge_assessments(case, members.seen, members.max_age, members.hazardous)
    return worst([*found, *looked])


def judge_incidents(case: Case, categories: Iterable[str]) -> list[Ruling]:
    """One ruling for each incident that concerns the chain and was not dismissed."""
    return [_judge(case, one) for one in incidents_of(case, categories) if not _is_dismissed(case, one)]


def _judge(case: Case, incident: Incident) -> Ruling:
    days, subjects = incident_days(incident), subjects_of(incident)
    where = f"An incident of category {incident.category} about {', '.join(subjects)} (from {days.start})"
    if is_proven(case, incident):
        return failed(f"{where} is verified.", *incident.evidence, since=days.start).about(*subjects)
    text = f"{where} is alleged and not verified."
    return flagged(text, *incident.evidence, since=incident.first.time[:10]).about(*subjects)


def is_proven(case: Case, incident: Incident) -> bool:
    """Whether a record of it that can be relied on says that it was verified."""
    return any(one.body.get("verified") and is_established(case, one) for one in incident.items)


def _is_dismissed(case: Case, incident: Incident) -> bool:
    """Closed without ever having been verified, by somebody competent: an allegation that was looked into."""
    last = incident.items[-1]
    return incident.status == "closed" and not incident.verified and last.grade >= case.minimum


def judge_assessments(case: Case, seen: Question, max_age: int, hazardous: Iterable[str] = ()) -> list[Ruling]:
    """One ruling for each mine and period of extraction: how it was found."""
    windows, tasks = site_windows(case), frozenset(hazardous)
    rulings = []
    for mine in mines_of(case):
        looks = assessments(case, mine, seen, tasks)
        rulings += [_look(case, mine, looks, days, max_age) for days in windows[mine]]
    if not rulings:
        rulings.append(case.lacking("No mine of this chain is known.", "the records back to the mines"))
    return rulings


def _look(case: Case, mine: str, looks: list[Assessment], days: Window, max_age: int) -> Ruling:
    fresh = [one for one in looks if one.day >= add_days(days.end, -max_age)]
    good = [one for one in fresh if one.well]
    for bad in (one for one in fresh if one.well is False):
        if any(bad.day < one.day <= days.start for one in good):
            continue  # found, corrected and found well again before this lot was mined
        text = f"The {bad.what} at '{mine}' on {bad.day} found it."
        if bad.day <= days.end:
            return failed(text, *_records(bad), since=bad.day, references=_datasets(bad)).about(mine)
        return flagged(
            f"{text} This lot was mined before.", *_records(bad), since=bad.day, references=_datasets(bad)
        ).about(mine)
    if good:
        last = good[-1]
        text = f"The {last.what} at '{mine}' on {last.day} found nothing of the kind."
        return passed(text, *_records(last), references=_datasets(last)).about(mine)
    if looks:
        last = looks[-1]
        words = "does not answer it" if last in fresh else f"is more than {max_age} days older than the extraction"
        text = f"The newest {last.what} at '{mine}', of {last.day}, {words}."
        return case.lacking(text, f"an inspection or audit of {mine}", evidence=_records(last)).about(mine)
    return case.lacking_attestation("inspection", mine, of=mine).about(mine)


def _records(one: Assessment) -> tuple[str, ...]:
    return (one.record,) if one.record else ()


def _datasets(one: Assessment) -> tuple[str, ...]:
    return (one.dataset,) if one.dataset else ()


# ---- who looked, and what they saw ----------------------------------------------------------------------------------


def assessments(case: Case, site: str, seen: Question, hazardous: frozenset[str] = frozenset()) -> list[Assessment]:
    """Inspections, audits and recorded visits of a site by somebody competent, oldest first."""
    operator = case.facts.sites[site].body["operator"]
    found = [
        Assessment(one.statement["date"], "inspection", _inspected(one, seen, hazardous), one.id)
        for one in case.attested("inspection", site)
    ]
    found += [
        Assessment(one.time[:10], "audit", one.body.get("result") == "conform" or None, one.id)
        for one in case.attested("audit", site, operator)
        if one.statement["facility"] in (site, operator)
    ]
    found += [
        Assessment(one.visited_on, "recorded visit", _visited(one, seen), dataset=dataset)
        for dataset, one in visits_of(case, site)
    ]
    return sorted(found, key=lambda one: one.day)


def visits_of(case: Case, site: str) -> list[tuple[str, SiteVisit]]:
    """Visits to a site that loaded data sets record: one row is one visit, a site is all of its rows."""
    by_site = once(case, "incidents.visits", lambda: _visits(case))
    names = dict.fromkeys((site, case.facts.sites[site].body.get("national_id", "")))
    return [found for name in names for found in by_site.get(name, ())]


def _visits(case: Case) -> dict[str, list[tuple[str, SiteVisit]]]:
    by_site: dict[str, list[tuple[str, SiteVisit]]] = {}
    for dataset in VISITS:
        snapshot = case.reference(dataset)
        for row in snapshot.rows if isinstance(snapshot, Snapshot) else ():
            by_site.setdefault(row.site, []).append((dataset, row))
    return by_site


def _inspected(item: Item, seen: Question, hazardous: frozenset[str]) -> bool | None:
    statement = item.statement
    if seen == "children":
        return _children(statement.get("children"), hazardous)
    if seen in ("armed_group", "security_force"):
        armed = statement.get("armed_presence")
        if seen == "armed_group":
            return None if armed is None else armed != "armed_group"
        return True if armed == "none" else None
    return True if item.body.get("result") == "conform" else None


def _children(counted: dict[str, object] | None, hazardous: frozenset[str]) -> bool | None:
    if counted is None:
        return None
    if counted["under_15"]:
        return False
    if not counted["aged_15_to_18"]:
        return True
    tasks = counted.get("tasks") or ()
    assert isinstance(tasks, (list, tuple))  # noqa: S101 - by its schema
    return None if not tasks else hazardous.isdisjoint(tasks)


def _visited(visit: SiteVisit, seen: Question) -> bool | None:
    if seen == "children":
        return None if visit.child_under_15 is None else not visit.child_under_15
    if seen == "general":
        return None
    kinds = {one.kind for one in visit.armed}
    if seen == "forced_labour":
        forced = any("forced_labour" in one.acts for one in visit.armed)
    elif seen == "armed_group":
        forced = "non_state" in kinds
    else:
        forced = any(one.kind == "state_force" and one.acts for one in visit.armed)
    if forced:
        return False
    if visit.interference is False:
        return True
    settled = visit.interference is not None and "unknown" not in kinds
    return True if settled and seen != "security_force" else None
