"""The status of a mine site as a time series: what was in force on a day, as far as it was known.

Entries come from the attestations of authorities and from the data set `site_statuses`; each has the
day from which it holds and the day on which it became known, so that an act which reaches back
appears in the verdicts made after it and in no earlier one. Statuses are words: the numbers of ICGLR
(0 Blue, 1 Green, 2 Yellow, 3 Red) and of IPIS (4 Bleu, 0 none) mean different things.

Green lapses to Blue a year after the last inspection, Blue to Red three years after it began.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.rules.case import Case, add_days, days_between
from ledger.rules.checks.figures import once
from ledger.rules.facts import Facts
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling

DATASET = "site_statuses"


class Entry(NamedTuple):
    """One act: status from `start` to `end` ("" without), known since `known`; record: id, "" for reference data."""

    start: str
    known: str
    status: str
    end: str
    inspected: str
    act: str
    record: str


class Standing(NamedTuple):
    """Status on a day. since: from when; acted: as the last act says it; entry: that act; inspected: last visit, ""."""

    status: str
    since: str
    acted: str
    entry: Entry
    inspected: str

    @property
    def records(self) -> tuple[str, ...]:
        """Record ids."""
        return (self.entry.record,) if self.entry.record else ()

    @property
    def references(self) -> tuple[str, ...]:
        """Data sets."""
        return () if self.entry.record else (DATASET,)


def names_of(facts: Facts, site: str) -> frozenset[str]:
    """Under which ids registers know a site: its own, and its number in the national register."""
    known = facts.sites.get(site)
    return frozenset(one for one in (site, known.body.get("national_id") if known else None) if one)


def entries_of(case: Case, site: str) -> tuple[Entry, ...]:
    """All acts on a site that are known by the known clock, in the order in which they take effect."""
    return once(case, f"statuses {site}", lambda: tuple(sorted((*_attested(case, site), *_listed(case, site)))))


def _attested(case: Case, site: str) -> list[Entry]:
    found = []
    for one in case.facts.attestations("site_status", site):
        if one.grade >= Grade.COMPETENT_AUTHORITY:
            said = one.statement
            entry = (said["effective"], one.logged[:10], said["status"], one.ends[:10], "", said["act"], one.id)
            found.append(Entry(*entry))
    return found


def rows_by_site(case: Case) -> dict[str, list[Entry]]:
    """The acts of the data set by the register's id; empty where it is missing or stale.

    A snapshot holds no act that was published after it, so what is in it was known.
    """
    return once(case, "statuses listed", lambda: _read_rows(case))


def _read_rows(case: Case) -> dict[str, list[Entry]]:
    snapshot = case.reference(DATASET)
    found: dict[str, list[Entry]] = {}
    if isinstance(snapshot, Snapshot):
        for row in snapshot.rows:
            entry = Entry(row.start, row.published, row.status, row.end, row.inspected_on, row.act, "")
            found.setdefault(row.site, []).append(entry)
    return found


def _listed(case: Case, site: str) -> list[Entry]:
    rows = rows_by_site(case)
    return [entry for name in sorted(names_of(case.facts, site)) for entry in rows.get(name, ())]


def inspections_of(case: Case, site: str) -> list[Item]:
    """Inspections by an authority or an independent inspector, by date."""
    found = [one for one in case.facts.attestations("inspection", site) if one.grade >= Grade.COMPETENT_AUTHORITY]
    return sorted(found, key=lambda one: (one.statement["date"], one.index))


def standing_at(case: Case, site: str, day: str, *, green_days: int = 365, blue_years: int = 3) -> Standing | None:
    """The status of a site on a day, None when no act on file is in force then.

    A Red that ends stays Red until another act clears it; any other status that ends leaves none.
    """
    entry = acted_at(case, site, day)
    if entry is None:
        return None
    visits = [one.statement["date"] for one in inspections_of(case, site) if one.body.get("result") != "not_conform"]
    inspected = max((one for one in (*visits, entry.inspected) if one and one <= day), default="")
    status, since = entry.status, entry.start
    if status == "green" and days_between(inspected or entry.start, day) > green_days:
        status, since = "blue", add_days(inspected or entry.start, green_days + 1)
    elif status == "blue":
        since = _blue_since(case, site, entry)
    if status == "blue" and day > add_years(since, blue_years):
        status, since = "red", add_days(add_years(since, blue_years), 1)
    return Standing(status, since, entry.status, entry, inspected)


def acted_at(case: Case, site: str, day: str) -> Entry | None:
    """The act in force on a day, before anything lapses."""
    before = [one for one in entries_of(case, site) if one.start <= day]
    if not before or (before[-1].end and before[-1].end < day and before[-1].status != "red"):
        return None
    return before[-1]


def _blue_since(case: Case, site: str, entry: Entry) -> str:
    """When the unbroken run of Blue began that an act belongs to: renewing Blue does not start it anew."""
    since = entry.start
    for one in reversed([other for other in entries_of(case, site) if other < entry]):
        if one.status != "blue":
            break
        since = one.start
    return since


def statuses_lack(case: Case, site: str, day: str) -> Ruling:
    """No status is known on that day: whether there is none at all, or none then."""
    if entries_of(case, site):
        text = f"No status of {site} on file was in force on {day}."
        return case.lacking(text, f"the status of {site} on {day}").about(site)
    return case.lacking(f"No status of {site} by an authority is on file.", f"the status of {site}").about(site)


def add_years(day: str, years: int) -> str:
    """The same day some years later; 29 February becomes the 28th."""
    year, rest = int(day[:4]) + years, day[4:]
    return f"{year:04d}{'-02-28' if rest == '-02-29' and year % 4 else rest}"
