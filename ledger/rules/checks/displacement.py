"""What changes at a mine when a status changes: output that moves next door, dates that move back."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, NamedTuple

from pydantic import Field

from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case, add_days, days_between
from ledger.rules.checks.figures import Decimal, number, once, show
from ledger.rules.checks.places import metres, place_of_row, site_place
from ledger.rules.checks.production import (
    Month,
    earlier_workers,
    in_aftermath,
    jump,
    mines_of,
    months_concerned,
    share_between,
)
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.statuses import Entry, entries_of, names_of, rows_by_site, statuses_lack
from ledger.rules.plausibility.observations import Place
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst


class Spillover(Members):
    """z above which a month stands out; km, days: how near a site turned Red, and how long before; least: months

    to compare with; workforce: growth in % that explains a jump; floor: least spread in % of the median.
    """

    z: Decimal
    km: Annotated[int, Field(ge=1, le=500)]
    days: Annotated[int, Field(ge=1, le=366)]
    least: Annotated[int, Field(ge=2, le=24)] = 3
    workforce: Percent = "20"
    floor: Percent = "5"


class Neighbour(NamedTuple):
    """Another mine that turned Red: where (None: not known) and by which act."""

    site: str
    place: Place | None
    entry: Entry


@check
def no_spillover(case: Case, members: Spillover) -> Ruling:
    """A mine's output does not jump after a neighbouring mine turned Red, unless its workforce grew."""
    found = (_spillover(case, members, month) for site in mines_of(case) for month in months_concerned(case, site))
    return worst(found, nothing=inapplicable("No extraction is on file here."))


def _spillover(case: Case, members: Spillover, month: Month) -> Ruling:
    name = f"{month.site} in {month.month}"
    z = jump(case, month, least=members.least, floor=members.floor)
    if z is None:
        what = f"{members.least} months of production before"
        return case.lacking(f"{name} has too little past to compare with.", what, evidence=month.records).about(
            month.site
        )
    grown = number(members.workforce) / 100 + 1
    if z <= number(members.z) or Fraction(month.workers) > earlier_workers(case, month) * grown:
        text = f"{name}: {show(month.mass)} kg, z = {show(z)}; the mine's own past or its workforce explains it."
        return passed(text, *month.records, z=show(z)).about(month.site)
    red = [one for one in _neighbours(case, month.site) if in_aftermath(one.entry.start, month, members.days)]
    here = site_place(case.facts, month.site)
    near = [one for one in red if here and one.place and metres(here, one.place) <= members.km * 1000]
    if near:
        one = near[0]
        text = f"{name}: {show(month.mass)} kg, z = {show(z)}, after {one.site} turned Red on {one.entry.start}."
        evidence = (*month.records, one.entry.record) if one.entry.record else month.records
        return flagged(text, *evidence, since=month.last_day, z=show(z), neighbour=one.site).about(month.site)
    if here is None or any(one.place is None for one in red) or not _statuses_known(case, month.site):
        text = f"{name}: output jumped (z = {show(z)}), and the neighbours' statuses or positions are not known."
        what = "statuses and positions of mines nearby"
        return case.lacking(text, what, evidence=month.records, z=show(z)).about(month.site)
    text = f"{name}: output jumped (z = {show(z)}), but no mine within {members.km} km turned Red before it."
    return passed(text, *month.records, z=show(z)).about(month.site)


def _statuses_known(case: Case, site: str) -> bool:
    others = case.facts.attestations("site_status")
    return bool(rows_by_site(case)) or any(site not in one.about for one in others)


def _neighbours(case: Case, site: str) -> list[Neighbour]:
    """Other mines that turned Red, of the evidence and of the data sets."""
    own = names_of(case.facts, site)
    return [one for one in once(case, "red sites", lambda: red_sites(case)) if one.site not in own]


def red_sites(case: Case) -> list[Neighbour]:
    """Every act that made a mine Red, with where the mine lies."""
    facts = case.facts
    about = dict.fromkeys(one for item in facts.attestations("site_status") for one in item.about if one in facts.sites)
    found = [
        Neighbour(site, site_place(facts, site), entry)
        for site in about
        for entry in entries_of(case, site)
        if entry.status == "red"
    ]
    register = case.reference("icglr_sites")
    rows = {row.site: row for row in register.rows} if isinstance(register, Snapshot) else {}
    seen = {name for site in about for name in names_of(facts, site)}
    for site, entries in rows_by_site(case).items():
        if site not in seen:
            place = place_of_row(rows[site].position) if site in rows else None
            found += [Neighbour(site, place, entry) for entry in entries if entry.status == "red"]
    return found


class StatusGap(Members):
    """days before the act that are looked at; times: above which multiple of the usual density; baseline: days."""

    days: Annotated[int, Field(ge=1, le=60)]
    times: Decimal
    baseline: Annotated[int, Field(ge=7, le=366)]


@check
def no_backdating(case: Case, members: StatusGap) -> Ruling:
    """Extraction is not crowded into the last days before a site turned Red by records made after it."""
    found = (_backdating(case, members, site) for site in mines_of(case))
    return worst(found, nothing=inapplicable("No extraction is on file here."))


def _backdating(case: Case, members: StatusGap, site: str) -> Ruling:
    entries = entries_of(case, site)
    if not entries:
        return statuses_lack(case, site, case.today)
    red = [one for one in entries if one.status == "red"]
    if not red:
        records = [one.record for one in entries if one.record]
        references = () if records else ("site_statuses",)
        return passed(f"{site} was never Red.", *records, references=references).about(site)
    return worst(_crowded(case, members, site, entry) for entry in red).about(site)


def _crowded(case: Case, members: StatusGap, site: str, entry: Entry) -> Ruling:
    start, before = add_days(entry.start, -members.days), add_days(entry.start, -members.days - members.baseline)
    extracts = case.facts.extracts(site)
    late = [one for one in extracts if start <= one.body["period"]["to"][:10] < entry.start <= one.logged[:10]]
    basis = () if entry.record else ("site_statuses",)
    acted = (entry.record,) if entry.record else ()
    if not late:
        text = f"Nothing at {site} was recorded after it turned Red on {entry.start} for the days before."
        return passed(text, *acted, references=basis)
    density = share_between(late, start, entry.start) / members.days
    usual = share_between(extracts, before, start) / days_between(before, start)
    records = (*acted, *(one.id for one in late))
    text = (
        f"{site} turned Red on {entry.start}; {show(density)} kg a day of the {members.days} days before were "
        f"recorded after it, {show(usual)} kg a day were usual."
    )
    if density > usual * number(members.times):
        return failed(text, *records, since=entry.start, references=basis)
    return passed(text, *records, references=basis)
