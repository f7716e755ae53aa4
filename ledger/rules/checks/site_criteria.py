"""What should change the status of a mine: facts seen there, requests for Blue, and the exporters' own status."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger.custody.vocabulary import Country
from ledger.rules.case import Case, add_days
from ledger.rules.checks.certificates import exports_of
from ledger.rules.checks.exposure import is_category
from ledger.rules.checks.production import mines_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.site_status import digs_of
from ledger.rules.checks.statuses import acted_at, statuses_lack
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst


class Criteria(Members):
    """categories: of incidents that count; armed: whose presence counts; children: whether any under 15 count."""

    categories: list[str]
    armed: list[str]
    children: bool = False


@check
def no_criteria(case: Case, members: Criteria) -> Ruling:
    """Nothing was seen at a mine that asks for another status of it."""
    found = (_criteria(case, members, site) for site in mines_of(case))
    return worst(found, nothing=inapplicable("There is no mine here."))


def _criteria(case: Case, members: Criteria, site: str) -> Ruling:
    rulings = [_seen(members, one, site) for one in case.attested("inspection", site)]
    for thread in case.facts.incidents:
        if (
            site in thread.first.about
            and is_category(thread.category, members.categories)
            and thread.status != "closed"
        ):
            text = f"An incident at {site} is open: {thread.category}."
            since = thread.first.time[:10]
            judge = failed if thread.verified else flagged
            rulings.append(judge(text, *thread.evidence, since=since))
    return worst(rulings, nothing=case.lacking_attestation("inspection", site, of=site)).about(site)


def _seen(members: Criteria, visit: Item, site: str) -> Ruling:
    said, day = visit.statement, visit.statement["date"]
    children = said.get("children") or {}
    if members.children and children.get("under_15"):
        return failed(f"Children under 15 worked at {site} on {day}.", visit.id, since=day)
    if said.get("armed_presence") in members.armed:
        words = said["armed_presence"].replace("_", " ")
        return failed(f"The inspection of {site} on {day} found: {words}.", visit.id, since=day)
    return passed(f"The inspection of {site} on {day} found nothing of the kind.", visit.id)


class Request(Members):
    """days: in which an authority may object."""

    days: Annotated[int, Field(ge=1, le=366)]


@check
def blue_requested(case: Case, members: Request) -> Ruling:
    """A mine that is Blue on request filed a risk report, and no authority objected in time."""
    found = (_requested(case, members, one.body["site"], one.body["period"]["to"][:10]) for one in digs_of(case))
    return worst(found, nothing=inapplicable("No extraction is on file here."))


def _requested(case: Case, members: Request, site: str, day: str) -> Ruling:
    entry = acted_at(case, site, day)
    if entry is None:
        return statuses_lack(case, site, day)
    if entry.status != "blue":
        return inapplicable(f"{site} was not Blue by any act on {day}.")
    reports = [one for one in case.facts.attestations("risk_assessment", site) if one.statement["date"] <= entry.start]
    if not reports:
        text = f"No risk report of {site} before its Blue of {entry.start} is on file."
        return case.lacking(text, f"the risk report of {site}").about(site)
    filed = reports[-1].time[:10]
    until = add_days(filed, members.days)
    objections = [
        one
        for kind in ("inspection", "risk_assessment")
        for one in case.facts.attestations(kind, site)
        if one.grade is Grade.COMPETENT_AUTHORITY
        and one.body.get("result") == "not_conform"
        and filed <= one.time[:10] <= until
    ]
    if objections:
        text = f"An authority objected to the Blue of {site} within {members.days} days."
        return failed(text, objections[0].id, since=objections[0].time[:10]).about(site)
    text = f"{site} filed a risk report on {filed}, and no authority objected within {members.days} days."
    return passed(text, reports[-1].id).about(site)


class Exporters(Members):
    """countries: whose exporters need a status."""

    countries: list[Country]


@check
def exporter_status(case: Case, members: Exporters) -> Ruling:
    """Whoever exports has a status of its own that is not Red on that day."""
    found = (_exporter(case, hop.consignor, hop.dispatch.time[:10]) for hop in exports_of(case, members.countries))
    return worst(found, nothing=inapplicable("Nothing was exported."))


def _exporter(case: Case, exporter: str, day: str) -> Ruling:
    entry = acted_at(case, exporter, day)
    if entry is None:
        return statuses_lack(case, exporter, day)
    text = f"The exporter {exporter} was {entry.status.title()} on {day}, by {entry.act}."
    if not entry.record:
        references: tuple[str, ...] = ("site_statuses",)
        if entry.status == "red":
            return failed(text, since=day, references=references).about(exporter)
        return passed(text, references=references).about(exporter)
    judge = failed(text, entry.record, since=day) if entry.status == "red" else passed(text, entry.record)
    return judge.about(exporter)
