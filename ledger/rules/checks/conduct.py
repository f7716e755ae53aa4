"""Checks of what companies of the chain have in place: the five steps of the OECD guidance, per participant.

They are about systems, not about a lot: a good policy proves nothing of the material, and an audit
of a smelter is no proof of what it took in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from ledger.rules.case import Case, days_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.chain_data import Routes, extraction_described, mine_coverage, routes_known
from ledger.rules.checks.claims import NoMembers
from ledger.rules.checks.exposure import incident_days, is_category, subjects_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.targets import smelter_receipts
from ledger.rules.facts import Incident
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


def nobody(case: Case) -> Ruling:
    """The ruling when no participant is known that a rule could be about."""
    return case.lacking("No participant of this chain is known.", "the records of every lot upstream")


# ---- step 1: systems ------------------------------------------------------------------------------------------------


class PolicyCovers(Members):
    """heads: what the newest policy in force must cover; officer, public: it must say who, and where it stands;

    strict: a head that is missing fails the rule, rather than leaving it open.
    """

    heads: Annotated[list[str], Field(min_length=1)]
    officer: bool = False
    public: bool = False
    strict: bool = True


@check
def policy_covers(case: Case, members: PolicyCovers) -> Ruling:
    """Each participant has a policy in force that covers what it must."""
    return worst((_policy(case, members, party) for party in case.facts.handlers), nothing=nobody(case))


def _policy(case: Case, members: PolicyCovers, party: str) -> Ruling:
    found = case.attested("policy", party, at=case.today)
    if not found:
        return case.lacking_attestation("policy", party, at=case.today, of=party).about(party)
    last = found[-1]
    missing = [one for one in members.heads if one not in last.statement.get("covers", ())]
    if missing:
        text = f"The policy of {party} of {last.time[:10]} does not cover {', '.join(missing)}."
        if members.strict:
            return failed(text, last.id, since=last.time).about(party)
        return case.lacking(text, f"a policy of {party} that covers it", evidence=[last.id]).about(party)
    for wanted, member in ((members.officer, "officer"), (members.public, "url")):
        if wanted and not last.statement.get(member):
            return case.concealed(last, member, f"the policy of {party}").about(party)
    return passed(f"The policy of {party} of {last.time[:10]} covers all of it.", last.id).about(party)


@check
def suppliers_contracted(case: Case, members: NoMembers) -> Ruling:
    """A contract between consignor and consignee, with a clause on the policy, was in force at each handover."""
    pairs: dict[tuple[str, str], str] = {}
    for hop in case.facts.hops:
        pairs[hop.consignor, hop.consignee] = hop.dispatch.time[:10]
    rulings = [_contract(case, pair, day) for pair, day in pairs.items()]
    return worst(rulings, nothing=inapplicable("No lot of this chain was handed over."))


def _contract(case: Case, pair: tuple[str, str], day: str) -> Ruling:
    names = " and ".join(pair)
    between = [
        one
        for one in case.attested("contract", *pair)
        if set(pair) <= {*one.statement.get("parties", ()), one.issuer} and one.statement.get("clause")
    ]
    held = [one for one in between if (one.body.get("from") or day)[:10] <= day <= (one.ends or day)[:10]]
    if held:
        return passed(f"The contract between {names} has a clause on the policy.", held[-1].id).about(*pair)
    text = f"No contract between {names} with a clause on the policy was in force on {day}."
    return case.lacking(text, f"the contract between {names}", evidence=[one.id for one in between]).about(*pair)


@check
def grievances_answered(case: Case, members: NoMembers) -> Ruling:
    """Each participant has a channel for complaints, and answered what was reported within the time it gives itself."""
    return worst((_grievances(case, party) for party in case.facts.handlers), nothing=nobody(case))


def _grievances(case: Case, party: str) -> Ruling:
    found = case.attested("grievance_channel", party, at=case.today)
    if not found:
        return case.lacking_attestation("grievance_channel", party, at=case.today, of=party).about(party)
    days = found[-1].statement["days_to_answer"]
    for incident in case.facts.incidents:
        waited = days_between(incident.first.time, case.today)
        if (
            _concerns(case, incident, party)
            and len(incident.items) == 1
            and waited > days
            and incident.status == "open"
        ):
            day = incident.first.time[:10]
            text = f"{party} has not answered the report of {day} for {waited} days; it promises {days}."
            return failed(text, found[-1].id, incident.first.id, since=incident.first.time).about(party)
    return passed(f"{party} has a channel for complaints, and no report waits for an answer.", found[-1].id).about(
        party
    )


def _concerns(case: Case, incident: Incident, party: str) -> bool:
    """Whether an incident is about a participant or a site of its."""
    sites = case.facts.sites
    return any(one == party or (one in sites and sites[one].body["operator"] == party) for one in subjects_of(incident))


@check
def chain_documented(case: Case, members: NoMembers) -> Ruling:
    """The chain of custody is kept: mines, extraction, routes of every lot are on record."""
    documented = (mine_coverage(case, members), extraction_described(case, members), routes_known(case, Routes()))
    return worst(documented)


# ---- step 2: risks --------------------------------------------------------------------------------------------------


class Assessed(Members):
    """days: within which an assessment is refreshed once something happened."""

    days: Days = 30


@check
def risks_assessed(case: Case, members: Assessed) -> Ruling:
    """Each participant assessed its risks, and did so again after something happened."""
    return worst((_assessed(case, members, party) for party in case.facts.handlers), nothing=nobody(case))


def _assessed(case: Case, members: Assessed, party: str) -> Ruling:
    found = case.attested("risk_assessment", party)
    if not found:
        return case.lacking_attestation("risk_assessment", party, of=party).about(party)
    last = max(found, key=lambda one: (one.statement["date"], one.index))
    day = last.statement["date"]
    for what, when, record in _news(case):
        if when > day and days_between(when, case.today) > members.days:
            text = f"{party} assessed its risks on {day}, and not again after the {what} of {when}."
            return failed(text, last.id, record, since=when).about(party)
    return passed(f"{party} assessed its risks on {day}.", last.id).about(party)


def _news(case: Case) -> list[tuple[str, str, str]]:
    """What asks for a fresh assessment: incidents of the chain and bad statuses of its sites; words, day, record."""
    facts = case.facts
    subjects = facts.subjects
    found = [
        (f"incident of category {one.category}", one.first.time[:10], one.first.id)
        for one in facts.incidents
        if subjects & set(subjects_of(one))
    ]
    found += [
        (f"status {one.statement['status']}", one.statement["effective"], one.id)
        for one in facts.attestations("site_status", *facts.chain_sites)
        if one.statement["status"] in ("yellow", "red")
    ]
    return sorted(found, key=lambda one: one[1])


# ---- step 3: responses ----------------------------------------------------------------------------------------------


class Mitigated(Members):
    """zero: categories that ask for disengagement; max_days: longest plan."""

    zero: Annotated[list[str], Field(min_length=1)]
    max_days: Days = 184


@check
def risks_answered(case: Case, members: Mitigated) -> Ruling:
    """Each risk that was found has the response that Annex II asks for, dated and in time."""
    facts = case.facts
    plans = facts.attestations("mitigation_plan", *facts.subjects)
    rulings = [_too_long(one, members.max_days) for one in plans if _plan_days(one) > members.max_days]
    rulings += [
        _answered(case, members, one, plans)
        for one in facts.incidents
        if one.status != "closed" and facts.subjects & set(subjects_of(one))
    ]
    rulings += [
        _named(case, risk, one, plans)
        for one in facts.attestations("risk_assessment", *facts.subjects)
        for risk in one.statement.get("red_flags", ())
    ]
    return worst(rulings, nothing=inapplicable("No risk was found that would ask for a response."))


def _plan_days(item: Item) -> int:
    return days_between(item.statement["start"], item.statement["review_by"])


def _too_long(item: Item, limit: int) -> Ruling:
    text = f"A plan for {item.statement['risk']} runs for {_plan_days(item)} days: at most {limit} are allowed."
    return failed(text, item.id, since=item.statement["start"]).about(*item.about)


def paragraph(risk: str) -> str:
    """The category of Annex II that a risk is under, by category or rule: `A2.5` for `OECD-A2.5.SECFORCE`."""
    return ".".join(risk.removeprefix("OECD-").split(".")[:2])


def _answered(case: Case, members: Mitigated, incident: Incident, plans: Iterable[Item]) -> Ruling:
    subjects, since = subjects_of(incident), incident.first.time
    own = [one for one in plans if paragraph(one.statement["risk"]) == paragraph(incident.category)]
    what = f"the incident of category {incident.category} of {since[:10]}"
    if not own:
        return case.lacking(
            f"No response to {what} is on file.", "a mitigation plan", evidence=incident.evidence
        ).about(*subjects)
    last = own[-1]
    if is_category(incident.category, members.zero) and last.statement["decision"] == "continue":
        text = f"The response to {what} is to continue: Annex II asks to suspend or disengage at once."
        return failed(text, last.id, *incident.evidence, since=incident_days(incident).start).about(*subjects)
    if last.statement["decision"] == "continue" and last.statement["review_by"] < case.today:
        text = f"The plan for {what} ended on {last.statement['review_by']}, and the incident is still open."
        return failed(text, last.id, *incident.evidence, since=last.statement["review_by"]).about(*subjects)
    return passed(f"The response to {what} is to {last.statement['decision']}.", last.id, *incident.evidence).about(
        *subjects
    )


def _named(case: Case, risk: str, assessment: Item, plans: Iterable[Item]) -> Ruling:
    """A risk that an assessment names has a plan, or a report of enhanced due diligence."""
    for one in plans:
        if one.statement["risk"] == risk or paragraph(one.statement["risk"]) == paragraph(risk):
            return passed(f"The response to {risk} is to {one.statement['decision']}.", one.id).about(*assessment.about)
    for one in case.facts.attestations("edd_report", *case.facts.subjects):
        if risk in one.statement["red_flags"]:
            return passed(f"{risk} was looked into on {one.statement['visit']}.", one.id).about(*assessment.about)
    text = f"No response to {risk}, which {assessment.issuer} found on {assessment.statement['date']}, is on file."
    return case.lacking(text, f"a mitigation plan for {risk}", evidence=[assessment.id]).about(*assessment.about)


# ---- steps 4 and 5: audit, report -----------------------------------------------------------------------------------


@check
def smelters_audited(case: Case, members: NoMembers) -> Ruling:
    """Each smelter or refinery held an independent audit that conformed when it took the lots."""
    rulings = [_audited(case, receive) for _, receive in smelter_receipts(case.facts)]
    return worst(rulings, nothing=inapplicable("No smelter or refinery has received any of it."))


def _audited(case: Case, receive: Item) -> Ruling:
    site, day = receive.body["site"], receive.time[:10]
    about = (site, case.facts.sites[site].body["operator"])
    found = [one for one in case.attested("audit", *about, at=day) if one.statement["facility"] in about]
    if not found:
        return case.lacking_attestation("audit", *about, at=day, of=site).about(site)
    last = found[-1]
    if last.body.get("result") == "not_conform":
        return failed(f"The audit of '{site}' in force on {day} did not conform.", last.id, since=day).about(site)
    if last.body.get("result") != "conform":
        return case.lacking(f"The audit of '{site}' gives no result.", "its result", evidence=[last.id]).about(site)
    return passed(f"'{site}' held an audit on {day}.", last.id).about(site)


class YearlyReport(Members):
    """due: day of the year (`MM-DD`) from which the report on the year before must be there."""

    due: Annotated[str, Field(pattern=r"^(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")] = "06-30"


@check
def yearly_report_published(case: Case, members: YearlyReport) -> Ruling:
    """Each participant published its due-diligence report on the last full year, once that is due."""
    year = int(case.today[:4]) - (1 if case.today[5:] >= members.due else 2)
    return worst((_reported(case, party, year) for party in case.facts.handlers), nothing=nobody(case))


def _reported(case: Case, party: str, year: int) -> Ruling:
    found = [one for one in case.attested("annual_report", party) if one.statement["year"] >= year]
    if found:
        text = f"{party} reported on {found[-1].statement['year']}."
        return passed(text, found[-1].id).about(party)
    return case.lacking(f"No report of {party} on {year} is on file.", f"the report of {party} on {year}").about(party)
