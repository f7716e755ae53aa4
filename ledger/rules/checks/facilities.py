"""Checks of smelters and refiners against the RMI's lists: which facility, conformant for which metal, on which day.

Conformance is of one facility for one metal; it extends to no company, parent or namesake, so the
facility's number (CID) decides and no name does. Lists are read as they stood when the material came
in. What a list says of others is never repeated: rulings name the number only, as the list is licensed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ledger.rules.case import Case
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.upstream import Smelter, metals_of, smelters_of
from ledger.rules.reference.facilities import find_facilities
from ledger.rules.reference.rows import Facility
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, inapplicable, lacking, passed, worst

_CID: Final = re.compile(r"CID[0-9]{6}")
_WHOLE, _CONFORMANT, _ACTIVE = "rmi_facilities", "rmi_conformant", "rmi_active"
NO_SMELTER: Final = inapplicable("No smelter or refiner of such metals is in the chain.")


class Listed(Members):
    """metals: symbols of the metals that the lists cover."""

    metals: Annotated[list[str], Field(min_length=1)]


class Number(NamedTuple):
    """A facility's number, and the record that gives it."""

    cid: str
    record: str


def number_of(case: Case, smelter: Smelter) -> Number | Ruling:
    """The CID of this very facility: from its audit, its registration, or its operator if that runs no other."""
    site, facts = smelter.site, case.facts
    for one in reversed(facts.attestations("audit", site.id)):
        given = one.statement.get("facility_number") or ""
        if one.statement["facility"] == site.id and _CID.fullmatch(given):
            return Number(given, one.id)
    if _CID.fullmatch(site.body.get("national_id") or ""):
        return Number(site.body["national_id"], site.item.id)
    operator = facts.parties.get(smelter.operator)
    cid = operator.body.get("identifiers", {}).get("cid") if operator else None
    if operator is None or not cid:
        text = f"The facility number (CID) of {site.id} is not on file; the name of a company is none."
        return case.lacking(text, f"the CID of {site.id}").about(site.id)
    others = [one.id for one in facts.sites.values() if one.body["operator"] == operator.id and one.id != site.id]
    others = [one for one in others if facts.sites[one].body["kind"] == site.body["kind"]]
    if others:
        text = f"{cid} is on record for {operator.id}, which also runs {', '.join(others)}: which facility has it?"
        return case.lacking(text, f"the CID of {site.id}", evidence=[operator.item.id]).about(site.id)
    return Number(cid, operator.item.id)


class Listing(NamedTuple):
    """The rows of the lists that stood on a day, and their data sets.

    Only the list of all facilities tells that a number is nobody's; only that list, or both exports
    together, that a facility is neither conformant nor active.
    """

    rows: tuple[Facility, ...]
    datasets: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every facility is in it."""
        return self.datasets == (_WHOLE,)

    @property
    def tells_status(self) -> bool:
        """Whether every conformant and every active facility is in it."""
        return self.is_whole or _ACTIVE in self.datasets


def listing_on(case: Case, day: str) -> Listing | Ruling:
    """The list of all facilities, else that of conformant ones (with that of active ones, if it is there)."""
    whole = case.reference(_WHOLE, at=day)
    if isinstance(whole, Snapshot):
        return Listing(whole.rows, (_WHOLE,))
    conformant = case.reference(_CONFORMANT, at=day)
    if isinstance(conformant, Ruling):
        return whole
    active = case.reference(_ACTIVE, at=day)
    if isinstance(active, Ruling):
        return Listing(conformant.rows, (_CONFORMANT,))
    return Listing((*conformant.rows, *active.rows), (_CONFORMANT, _ACTIVE))


class Status(NamedTuple):
    """What the lists say of a facility and metal on a day. row: None when they do not hold it."""

    cid: str
    record: str
    row: Facility | None
    listing: Listing


def status_of(case: Case, smelter: Smelter, metal: str) -> Status | Ruling:
    """The facility's row for the metal, as the lists stood when the material came in."""
    number = number_of(case, smelter)
    if isinstance(number, Ruling):
        return number
    listing = listing_on(case, smelter.day)
    if isinstance(listing, Ruling):
        return listing
    rows = [one for one in find_facilities(listing.rows, number.cid) if one.metal == metal]
    return Status(number.cid, number.record, rows[0] if rows else None, listing)


def _was_conformant(case: Case, cid: str, metal: str, day: str) -> bool:
    """Whether an earlier list had it as conformant: it was removed since."""
    return any(
        row.status == "conformant" and row.metal == metal
        for snapshot in case.back.references
        if snapshot.dataset in (_WHOLE, _CONFORMANT) and snapshot.published <= day
        for row in find_facilities(snapshot.rows, cid)
    )


def _each(case: Case, members: Listed) -> list[tuple[Smelter, str]]:
    return [(one, metal) for one in smelters_of(case) for metal in metals_of(case, one, members.metals)]


@check
def facility_conformant(case: Case, members: Listed) -> Ruling:
    """Every smelter was conformant for that metal on the day on which it took the material in."""
    return worst((_conformant(case, one, metal) for one, metal in _each(case, members)), nothing=NO_SMELTER)


def _conformant(case: Case, smelter: Smelter, metal: str) -> Ruling:
    status, site, day = status_of(case, smelter, metal), smelter.site.id, smelter.day
    if isinstance(status, Ruling):
        return status
    held, lists = status.row.status if status.row else "", status.listing.datasets
    figures = {"cid": status.cid, "metal": metal, "day": day, "status": held or "not listed"}
    where = f"{site} ({status.cid}, {metal})"
    if held == "conformant":
        return passed(f"{where} was conformant on {day}.", status.record, references=lists, **figures).about(site)
    known = _was_conformant(case, status.cid, metal, day) or find_facilities(status.listing.rows, status.cid)
    if held == "active":
        text = f"{where} was active on {day}: an assessment had begun, conformance was not reached."
    elif held or (known and status.listing.tells_status):
        text = f"{where} was not conformant for this metal on {day}."
        return failed(text, status.record, since=day, references=lists, **figures).about(site)
    else:
        text = f"{where} is not on the list of {day}."
    what = f"conformance of {site} for {metal} on {day}"
    return lacking(text, what, *case.supplier, evidence=[status.record], references=lists, **figures).about(site)


@check
def facility_is_itself(case: Case, members: Listed) -> Ruling:
    """Conformance is the facility's own: its number is on the list for the metal and in its own country."""
    return worst((_itself(case, one, metal) for one, metal in _each(case, members)), nothing=NO_SMELTER)


def _itself(case: Case, smelter: Smelter, metal: str) -> Ruling:
    status, site = status_of(case, smelter, metal), smelter.site
    if isinstance(status, Ruling):
        return status
    lists, cid = status.listing.datasets, status.cid
    rows = find_facilities(status.listing.rows, cid)
    shared = [one for one in smelters_of(case) if one.site.id != site.id and _has(case, one, cid)]
    if shared:
        text = f"{cid} is given for {site.id} and for {shared[0].site.id}: a number is one facility's."
        return failed(text, status.record, since=smelter.day, references=lists, cid=cid).about(site.id)
    if status.row is None:
        text = f"{cid} stands on the list, but not for {metal}." if rows else f"{cid} is not on the list."
        if not status.listing.is_whole:
            what = f"the list of all facilities on {smelter.day}"
            return lacking(text, what, "registrar", evidence=[status.record], references=lists).about(site.id)
        return failed(text, status.record, since=smelter.day, references=lists, cid=cid, metal=metal).about(site.id)
    if status.row.country != site.body["country"]:
        text = (
            f"{cid} is a facility in {status.row.country or 'another country'}; {site.id} is in {site.body['country']}."
        )
        return failed(text, status.record, since=smelter.day, references=lists, cid=cid).about(site.id)
    text = f"{cid} is on the list for {metal}, in {site.body['country']} as {site.id} is."
    return passed(text, status.record, references=lists, cid=cid, metal=metal).about(site.id)


def _has(case: Case, smelter: Smelter, cid: str) -> bool:
    number = number_of(case, smelter)
    return isinstance(number, Number) and number.cid == cid


class AuditCycle(Listed):
    """years: of the cycle where the list does not state it."""

    years: Annotated[int, Field(ge=1, le=9)]


@check
def facility_audit_current(case: Case, members: AuditCycle) -> Ruling:
    """The facility's next audit was not overdue when it took the material in."""
    return worst((_current(case, members, one, metal) for one, metal in _each(case, members)), nothing=NO_SMELTER)


def _current(case: Case, members: AuditCycle, smelter: Smelter, metal: str) -> Ruling:
    status, site = status_of(case, smelter, metal), smelter.site.id
    if isinstance(status, Ruling):
        return status
    if status.row is None or not status.row.audited_on:
        text = f"The list does not say when {status.cid} was last audited for {metal}."
        return case.lacking(text, f"the date of the last audit of {site}", evidence=[status.record]).about(site)
    last, years = status.row.audited_on, status.row.cycle or members.years
    due = add_years(last, years)
    if due < smelter.day:
        text = f"{status.cid} was last audited on {last}: the next audit was due on {due}."
        return case.lacking(text, f"a newer audit of {site}", evidence=[status.record]).about(site)
    text = f"{status.cid} was audited on {last}, the next audit is due on {due}."
    return passed(text, status.record, references=status.listing.datasets, due=due).about(site)


def add_years(day: str, years: int) -> str:
    """The same day so many years later; 29 February becomes 28 February where there is none."""
    year, month = int(day[:4]) + years, int(day[5:7])
    return f"{year}-{day[5:7]}-{min(int(day[8:10]), monthrange(year, month)[1]):02d}"


class NotProof(Members):
    """scheme: whose audits are about facilities."""

    scheme: str


@check
def audit_proves_no_lot(case: Case, members: NotProof) -> Ruling:
    """An audit of a facility's systems is not offered as proof about a lot."""
    of_chain = case.facts.attestations("audit", *case.facts.subjects)
    audits = [one for one in of_chain if one.statement["scheme"] == members.scheme]
    about_lots = [one for one in audits if not set(one.about).isdisjoint(case.facts.lots)]
    if about_lots:
        text = f"An audit of {members.scheme} is attested about a lot: it is about a facility's systems, never a lot."
        return failed(text, *(one.id for one in about_lots), since=about_lots[0].time[:10])
    if not audits:
        return inapplicable(f"No audit of {members.scheme} is on file.")
    text = f"The audits of {members.scheme} are about facilities; no rule on a lot is settled by them."
    return passed(text, *(one.id for one in audits))
