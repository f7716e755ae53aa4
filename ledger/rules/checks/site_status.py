"""The ICGLR status of the mines of a chain on the days on which the lots were dug.

Always the status then, never today's; grace periods and exclusions on which official sources
disagree are members, by country.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from ledger.rules.case import Case, add_days, days_between
from ledger.rules.checks.figures import Entry as Line
from ledger.rules.checks.figures import look_up, once
from ledger.rules.checks.places import metres, place_of_row, site_place
from ledger.rules.checks.production import mines_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.statuses import (
    DATASET,
    Entry,
    Standing,
    entries_of,
    inspections_of,
    names_of,
    standing_at,
    statuses_lack,
)
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

Days = Annotated[int, Field(ge=0, le=3660)]
_NONE = "No extraction is on file here."


class Lapse(Members):
    """green_days: after the last inspection Green becomes Blue; blue_years: after which Blue becomes Red."""

    green_days: Days = 365
    blue_years: Annotated[int, Field(ge=1, le=20)] = 3


def digs_of(case: Case) -> list[Item]:
    """The extracts of the chain's lots; of a mine that is the subject, all of them."""
    facts = case.facts
    chain = {lot.made_by.id for lot in facts.lots.values() if lot.is_mined}
    return [one for one in facts.extracts() if one.id in chain or one.body["site"] == facts.subject]


def _days_of(dig: Item) -> tuple[str, str]:
    return dig.body["period"]["from"][:10], dig.body["period"]["to"][:10]


def _on_digs(case: Case, judge: Callable[[str, str, str], Ruling]) -> Ruling:
    """The joint ruling on every extract of the chain, given site, first and last day."""
    made: dict[tuple[str, str, str], Ruling] = {}
    found = []
    for one in digs_of(case):
        dig = one.body["site"], *_days_of(one)
        if dig not in made:  # many lots are dug at one mine on one day
            made[dig] = judge(*dig).about(dig[0])
        found.append(made[dig])
    return worst(found, nothing=inapplicable(_NONE))


def _changes(case: Case, site: str, first: str, last: str) -> list[str]:
    """The days on which to look: the first, the last, and each between on which an act takes effect."""
    between = {one.start for one in entries_of(case, site) if first < one.start <= last}
    return sorted({first, last, *between})


def standing(case: Case, members: Lapse, site: str, day: str) -> Standing | None:
    """The status of a site on a day, computed once."""
    name = f"standing {site} {day} {members.green_days} {members.blue_years}"
    return once(
        case,
        name,
        lambda: standing_at(case, site, day, green_days=members.green_days, blue_years=members.blue_years),
    )


class Register(Members):
    """km: by which the register's position may differ from the one on file."""

    km: Annotated[int, Field(ge=1, le=100)]


@check
def site_registered(case: Case, members: Register) -> Ruling:
    """Every mine is in the national register, under its own id or its national one, and where the register says."""
    snapshot = case.reference("icglr_sites")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    rows = {name: row for row in snapshot.rows for name in (row.national_id, row.site) if name}
    found = (_registered(case, members, site, rows) for site in mines_of(case))
    return worst(found, nothing=inapplicable("There is no mine here."))


def _registered(case: Case, members: Register, site: str, rows: dict[str, object]) -> Ruling:
    names, record = names_of(case.facts, site), case.facts.sites[site].item.id
    row = next((rows[name] for name in sorted(names) if name in rows), None)
    told = ("icglr_sites",)
    if row is None:
        text = f"{site} is not in the register of mine sites."
        return failed(text, record, since=case.today, references=told).about(site)
    here, there = site_place(case.facts, site), place_of_row(row.position)  # type: ignore[attr-defined]
    if here and there and metres(here, there) > members.km * 1000:
        text = f"{site} lies {metres(here, there) // 1000} km from where the register has it."
        return flagged(text, record, since=case.today, references=told).about(site)
    return passed(f"{site} is in the register of mine sites.", record, references=told).about(site)


@check
def status_at(case: Case, members: Lapse) -> Ruling:
    """No lot was dug while its mine was Red: it was Green, valid Blue, or Yellow."""
    return _on_digs(case, lambda site, first, last: _status(case, members, site, (first, last)))


def _status(case: Case, members: Lapse, site: str, days: tuple[str, str]) -> Ruling:
    rulings = []
    for day in _changes(case, site, *days):
        at = standing(case, members, site, day)
        if at is None:
            rulings.append(statuses_lack(case, site, day))
            continue
        text = f"{site} was {at.status.title()} on {day}, by {at.entry.act}."
        if at.status != at.acted:
            text = f"{site} was {at.status.title()} on {day}: its {at.acted.title()} lapsed on {at.since}."
        if at.status == "red":
            rulings.append(failed(text, *at.records, since=day, references=at.references, status=at.status))
        else:
            rulings.append(passed(text, *at.records, references=at.references, status=at.status))
    return worst(rulings)


@check
def green_current(case: Case, members: Lapse) -> Ruling:
    """A Green status rests on an inspection of the last year; without one it counts as Blue, and is to be looked at."""
    return _on_digs(case, lambda site, first, last: _lapsed(case, members, site, last, acted="green"))


@check
def blue_current(case: Case, members: Lapse) -> Ruling:
    """A Blue status, given or lapsed to, is younger than three years; after that it counts as Red."""
    return _on_digs(case, lambda site, first, last: _lapsed(case, members, site, last, acted="blue"))


def _lapsed(case: Case, members: Lapse, site: str, day: str, *, acted: str) -> Ruling:
    at = standing(case, members, site, day)
    if at is None:
        return statuses_lack(case, site, day)
    told = at.references
    if acted == "green":
        if at.acted != "green":
            return inapplicable(f"{site} was not Green by any act on {day}.")
        if at.status != "green":
            text = f"{site} was last inspected on {at.inspected or at.entry.start}: its Green had lapsed by {day}."
            return flagged(text, *at.records, since=day, references=told)
        text = f"The Green of {site} was young enough on {day}, inspected {at.inspected or at.entry.start}."
        return passed(text, *at.records, references=told)
    if at.status == "red" and at.acted != "red":
        return failed(f"The Blue of {site} had ended by {day}.", *at.records, since=day, references=told)
    if at.status != "blue":
        return inapplicable(f"{site} was not Blue on {day}.")
    return passed(f"{site} was Blue on {day}, since {at.since}.", *at.records, references=told)


class Grace(Lapse):
    """days: of grace by country, `*` for all others; after: fail only once they are over."""

    days: list[Line]
    after: bool


@check
def yellow_in_grace(case: Case, members: Grace) -> Ruling:
    """A mine that turned Yellow puts its faults right in the time it is given."""
    return _on_digs(case, lambda site, first, last: _yellow(case, members, site, last))


def _yellow(case: Case, members: Grace, site: str, day: str) -> Ruling:
    at = standing(case, members, site, day)
    if at is None:
        return statuses_lack(case, site, day)
    if at.status != "yellow":
        return inapplicable(f"{site} was not Yellow on {day}.")
    grace = int(look_up(members.days, str(case.facts.sites[site].body["country"])) or 0)
    spent = days_between(at.since, day)
    text = f"{site} had been Yellow for {spent} days on {day}; {grace} days of grace are given."
    if spent > grace or not members.after:
        return failed(text, *at.records, since=day, references=at.references, days=spent, grace=grace)
    return passed(text, *at.records, references=at.references, days=spent, grace=grace)


class Exclusion(Lapse):
    """days: that a Red mine is excluded at least, by country, `*` for all others."""

    days: list[Line]


@check
def red_excluded(case: Case, members: Exclusion) -> Ruling:
    """A mine that was Red stays excluded for the least time, and until an inspection clears it."""
    return _on_digs(case, lambda site, first, last: _excluded(case, members, site, (first, last)))


def _excluded(case: Case, members: Exclusion, site: str, days: tuple[str, str]) -> Ruling:
    entries = entries_of(case, site)
    if not entries:
        return statuses_lack(case, site, days[1])
    red = [one for one in entries if one.status == "red" and one.start <= days[1]]
    if not red:
        return inapplicable(f"{site} was never Red before {days[1]}.")
    least = int(look_up(members.days, str(case.facts.sites[site].body["country"])) or 0)
    last = red[-1]
    clear, records = add_days(last.start, least), tuple(one.record for one in (last,) if one.record)
    told = () if last.record else (DATASET,)
    if days[0] < clear:
        text = f"{site} turned Red on {last.start} and is excluded until {clear} at least; it produced before that."
        return failed(text, *records, since=days[1], references=told, until=clear)
    cleared = [one for one in inspections_of(case, site) if last.start < one.statement["date"] <= days[0]]
    good = [one.id for one in cleared if one.body.get("result") != "not_conform"]
    if not good and not _inspected_since(entries, last, days[0]):
        text = f"No inspection on file cleared {site} after it turned Red on {last.start}."
        return case.lacking(text, f"the inspection that cleared {site}", evidence=records)
    return passed(f"{site} was inspected and cleared after its Red of {last.start}.", *records, *good, references=told)


def _inspected_since(entries: tuple[Entry, ...], red: Entry, day: str) -> bool:
    return any(red.start < one.inspected <= day for one in entries if one.start > red.start)


class Yearly(Members):
    """days: since the last inspection; audited: an independent audit must confirm it."""

    days: Days
    audited: bool = True


@check
def inspected_yearly(case: Case, members: Yearly) -> Ruling:
    """A mine is inspected every year, no status changes without an inspection, and a third party audits."""
    return _on_digs(case, lambda site, first, last: _inspected(case, members, site, last))


def _inspected(case: Case, members: Yearly, site: str, day: str) -> Ruling:
    visits = [one for one in inspections_of(case, site) if one.statement["date"] <= day]
    changes = [one for one in entries_of(case, site) if one.start <= day and not one.inspected]
    for one in changes[1:]:
        if not any(add_days(one.start, -members.days) <= visit.statement["date"] <= one.start for visit in visits):
            text = f"The status of {site} changed on {one.start} without an inspection on file."
            records = (one.record,) if one.record else ()
            return flagged(text, *records, since=one.start, references=() if records else (DATASET,))
    if not visits:
        return case.lacking(f"No inspection of {site} is on file.", f"an inspection of {site}")
    last = visits[-1]
    if days_between(last.statement["date"], day) > members.days:
        text = f"{site} was last inspected on {last.statement['date']}, more than {members.days} days before {day}."
        return case.lacking(text, f"a newer inspection of {site}", evidence=[last.id])
    audits = [one.id for one in case.facts.attestations("audit", site) if one.grade >= Grade.INDEPENDENT]
    if members.audited and not audits:
        text = f"{site} was inspected on {last.statement['date']}, and no third party has audited that."
        return case.lacking(text, f"a third-party audit of {site}", evidence=[last.id])
    return passed(f"{site} was inspected on {last.statement['date']}.", last.id, *audits)
