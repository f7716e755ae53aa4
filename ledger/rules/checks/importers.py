"""Checks of Regulation (EU) 2017/821 on the importer itself: policy, contracts, risks, audit, report."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from ledger.custody.topics import number_of_month
from ledger.custody.vocabulary import Codes
from ledger.rules.case import Case, days_between
from ledger.rules.checks.attested import Days, Kind, value_at
from ledger.rules.checks.european_metals import Schemed, recognised
from ledger.rules.checks.registry import check
from ledger.rules.checks.union_imports import UnionImport, enter_union
from ledger.rules.checks.upstream import smelters_of, supplier_to
from ledger.rules.items import Item
from ledger.rules.outcome import Outcome
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class ImporterAttested(UnionImport):
    """kind: of attestation about the importer; covers: codes that it must cover; fields: members it must give;

    with_supplier: it names both as parties.
    """

    kind: Kind
    covers: Codes = Field(default_factory=list)
    fields: list[str] = Field(default_factory=list)
    with_supplier: bool = False


@check
def importer_attested(case: Case, members: ImporterAttested) -> Ruling:
    """A paper about the importer is on file, in force and complete."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    parties = [entry.importer]
    if members.with_supplier:
        supplier = supplier_to(case, entry.importer)
        if supplier is None:
            text = f"Nothing says from whom {entry.importer} has the lot."
            return case.lacking(text, f"the sale of the lot to {entry.importer}").about(entry.importer)
        parties.append(supplier[0])
    return paper_of(case, members.kind, parties, covers=members.covers, fields=members.fields)


def paper_of(
    case: Case, kind: str, parties: list[str], *, covers: Collection[str] = (), fields: Collection[str] = ()
) -> Ruling:
    """The newest paper of a kind about the first party that names the others; it must cover codes and give fields."""
    words, first = kind.replace("_", " "), parties[0]
    all_of = case.attested(kind, first, at=case.today)
    found = [one for one in all_of if set(parties) <= {*one.about, *one.statement.get("parties", ())}]
    if found:
        return _complete(case, found[-1], words, covers, fields).about(first)
    if all_of:
        text = f"No {words} between {' and '.join(parties)} is on file."
        return case.lacking(text, f"the {words} between {' and '.join(parties)}").about(first)
    return case.lacking_attestation(kind, first, at=case.today, of=first).about(first)


def _complete(case: Case, item: Item, words: str, covers: Collection[str], fields: Collection[str]) -> Ruling:
    for field in fields:
        if not value_at(item, field):
            return case.concealed(item, field, f"the {words}")
    missing = [one for one in covers if one not in item.statement.get("covers", ())]
    if missing:
        text = f"The {words} does not cover {', '.join(missing)}."
        return case.lacking(text, f"a {words} that covers {', '.join(missing)}", evidence=[item.id])
    return passed(f"A {words} of {item.time[:10]} is on file.", item.id)


class YearlyReport(UnionImport):
    """months: after the end of a year until its report must be out."""

    months: int = Field(ge=0, le=24)


@check
def importer_reported(case: Case, members: YearlyReport) -> Ruling:
    """The importer's public report on the last year that is due is on file."""
    entry = enter_union(case, members)
    return entry if isinstance(entry, Ruling) else report_of(case, entry.importer, members.months)


def report_of(case: Case, party: str, months: int) -> Ruling:
    """The annual report about a party on the last full year whose report is due by today, or on a later one."""
    elapsed = number_of_month(case.today) - months
    due = elapsed // 12 - 1
    found = [one for one in case.attested("annual_report", party) if one.statement["year"] >= due]
    if not found:
        text = f"No public report of {party} on {due} is on file."
        return case.lacking(text, f"the report of {party} on {due}").about(party)
    report = found[-1]
    return passed(f"The report on {report.statement['year']} is public.", report.id).about(party)


class Managed(UnionImport):
    """max_age: days since the risks were assessed."""

    max_age: Days


@check
def importer_risks_managed(case: Case, members: Managed) -> Ruling:
    """Risks were assessed, and every one that was found has a plan that has not run out."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    found = case.attested("risk_assessment", entry.importer)
    if not found:
        return case.lacking_attestation("risk_assessment", entry.importer, of=entry.importer).about(entry.importer)
    newest = found[-1]
    day = newest.statement["date"]
    if days_between(day, case.today) > members.max_age:
        text = f"The newest risk assessment is of {day}: older than {members.max_age} days."
        return case.lacking(text, "a newer risk assessment", evidence=[newest.id]).about(entry.importer)
    flags = newest.statement.get("red_flags", ())
    done = passed(f"Risks were assessed on {day}; {len(flags)} were found.", newest.id)
    return worst((*(_answered(case, entry.importer, flag) for flag in flags), done)).about(entry.importer)


def _answered(case: Case, importer: str, risk: str) -> Ruling:
    """The newest plan for a risk: running, or ended in disengagement; a plan that ran out without it failed."""
    about = case.facts.attestations("mitigation_plan", importer, *case.facts.subjects)
    plans = [one for one in about if one.statement["risk"] == risk]
    if not plans:
        return case.lacking(f"Nothing says how the risk {risk} is answered.", f"a mitigation plan for {risk}")
    plan = plans[-1].statement
    if plan["decision"] != "disengage" and plan["review_by"] < case.today:
        text = f"The plan for {risk} ran out on {plan['review_by']}, and trade goes on."
        return failed(text, plans[-1].id, since=plan["review_by"])
    return passed(f"The risk {risk} is answered: {plan['decision']}.", plans[-1].id)


@check
def importer_audited(case: Case, members: Schemed) -> Ruling:
    """The importer was audited by a third party; of metals not, where every smelter is of a recognised scheme."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    smelters = smelters_of(case)
    if entry.item.part == "B" and smelters:
        joint = worst(recognised(case, one, members) for one in smelters)
        if joint.outcome is Outcome.PASS:
            return inapplicable(f"No audit of the importer is due: {joint.sentence}")
    found = [
        one
        for one in case.attested("audit", entry.importer, at=case.today)
        if one.statement["facility"] == entry.importer
    ]
    if not found:
        return case.lacking_attestation("audit", entry.importer, at=case.today, of=entry.importer).about(entry.importer)
    last = found[-1]
    if last.body.get("result") != "conform":
        text = f"The audit of {entry.importer} does not say that it conforms."
        return failed(text, last.id, since=last.time[:10]).about(entry.importer)
    return passed(f"{entry.importer} was audited by {last.statement['body']}.", last.id).about(entry.importer)
