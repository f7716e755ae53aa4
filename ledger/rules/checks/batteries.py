"""Checks of Regulation (EU) 2023/1542, chapter VII: due diligence on the raw materials of batteries.

Dates and the turnover limit moved once and may move again: all are parameters. Custody, ownership
and place are three chains; Article 49 asks for the sales, so `ownership` attestations are followed
lot by lot, apart from who held the lot.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field

from ledger.custody.quantity import (
    MASS_PLACES,
    METAL_UNIT,
    contained_metal,
    format_metal,
    parse_analyte,
    parse_decimal,
)
from ledger.custody.vocabulary import Amount, Code, Codes, Date
from ledger.rules.case import Case
from ledger.rules.checks.claims import main_element
from ledger.rules.checks.european_import import described, of_risk, supplier_named
from ledger.rules.checks.importers import report_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.sales import trace_sales
from ledger.rules.checks.upstream import NOT_A_LOT, origins_of
from ledger.rules.facts import LotFacts
from ledger.rules.minerals import materials_of
from ledger.rules.outcome import Grade, Outcome
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class BatteryDuty(Members):
    """materials: of Annex X; since: first day of the duties; turnover_meur: least net turnover, million euro."""

    materials: Annotated[list[str], Field(min_length=1)]
    since: Date
    turnover_meur: Amount


class Duty(NamedTuple):
    """A lot that the duties are about; company: "" when the claim names none."""

    lot: LotFacts
    materials: tuple[str, ...]
    company: str


def enter_duty(case: Case, members: BatteryDuty) -> Duty | Ruling:
    """The lot as a raw material of batteries to which the duties apply, or why they do not."""
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    terms = case.claim.terms
    early = bool(getattr(terms, "early_adopter", False))
    if case.today < members.since and not early:
        return inapplicable(f"Due diligence on battery raw materials is due from {members.since}.", since=members.since)
    held = materials_of(lot.mineral, lot.now.assay)
    if not held:
        return case.lacking("Neither the mineral's code nor an assay says what the lot is.", "an assay of the lot")
    materials = tuple(sorted(set(members.materials) & set(held)))
    if not materials:
        return inapplicable(f"The lot holds {', '.join(held)}: no raw material of Annex X.")
    turnover = getattr(terms, "turnover_meur", None)
    if turnover is None and not early:
        return case.lacking("The company's net turnover is not stated.", "the net turnover of the company")
    if turnover is not None and not early:
        least = parse_decimal(members.turnover_meur, MASS_PLACES)
        if parse_decimal(turnover, MASS_PLACES) < least:
            text = f"A net turnover of EUR {turnover} million is below the EUR {members.turnover_meur} million."
            return inapplicable(text)
    return Duty(lot, materials, str(getattr(terms, "company", None) or ""))


def _of_company(case: Case, members: BatteryDuty) -> Duty | Ruling:
    duty = enter_duty(case, members)
    if isinstance(duty, Duty) and not duty.company:
        return case.lacking("The claim does not name the company that places batteries on the market.", "its id")
    return duty


@check
def battery_scope(case: Case, members: BatteryDuty) -> Ruling:
    """The lot is a raw material of Annex X, the duties have begun, and the company is large enough."""
    duty = enter_duty(case, members)
    if isinstance(duty, Ruling):
        return duty
    record = duty.lot.records[-1]
    return passed(f"It holds {', '.join(duty.materials)}: the duties apply.", record, materials=list(duty.materials))


@check
def battery_material_described(case: Case, members: BatteryDuty) -> Ruling:
    """The raw material is described, with trade name and type."""
    duty = enter_duty(case, members)
    return duty if isinstance(duty, Ruling) else described(case, duty.lot)


@check
def battery_supplier_named(case: Case, members: BatteryDuty) -> Ruling:
    """Name and address of the supplier of the raw material are on file."""
    duty = enter_duty(case, members)
    return duty if isinstance(duty, Ruling) else supplier_named(case, duty.company)


@check
def battery_transactions(case: Case, members: BatteryDuty) -> Ruling:
    """Country of origin, and every sale from the extraction to the immediate supplier, without a gap."""
    duty = enter_duty(case, members)
    if isinstance(duty, Ruling):
        return duty
    origins = origins_of(case, duty.lot)
    if isinstance(origins, Ruling):
        return origins
    sales = trace_sales(case.facts)
    holder = duty.lot.holders[-1][0]
    ends = {one for one in (duty.company, holder) if one}
    gaps = list(sales.gaps)
    if sales.owner not in ends:
        gaps.append(f"No sale leads from {sales.owner}, who owns the lot, to {' or '.join(sorted(ends))}.")
    if gaps:
        more = f" And {len(gaps) - 1} more gaps." if len(gaps) > 1 else ""
        text = f"It comes from {origins.words}, but the market transactions have a gap: {gaps[0]}{more}"
        return case.lacking(text, "the sales that are missing", evidence=sales.evidence, gaps=len(gaps))
    text = f"It comes from {origins.words}; {len(sales.evidence)} sales lead from extraction to {sales.owner}."
    return passed(text, *origins.evidence, *sales.evidence, **origins.figures)


@check
def battery_quantity(case: Case, members: BatteryDuty) -> Ruling:
    """The quantity allotted to batteries is stated, and is no more than the lot holds."""
    duty = enter_duty(case, members)
    if isinstance(duty, Ruling):
        return duty
    lot, terms = duty.lot, case.claim.terms
    allocated = getattr(terms, "allocated_kg", None)
    if not allocated:
        text = "How much of the lot goes into which battery is not stated."
        return case.lacking(text, "the quantity allotted to a battery model")
    element = parse_analyte(terms.element).element if terms.element else main_element(lot)
    held = contained_metal(lot.now.mass, lot.now.moisture, lot.now.assay).get(element or "")
    if element is None or held is None:
        return case.lacking(f"No assay says how much {element or 'metal'} the lot holds.", "an assay of the lot")
    asked = int(parse_decimal(allocated, MASS_PLACES) / (METAL_UNIT * 10**MASS_PLACES))
    model = f" in battery model {terms.model}" if terms.model else ""
    text = f"{allocated} kg of {element}{model} are allotted; the lot holds {format_metal(held)} kg ({lot.model})."
    figures: dict[str, Any] = {"allocated_kg": allocated, "held_kg": format_metal(held), "element": element}
    record = lot.records[-1]
    return failed(text, record, **figures) if asked > held else passed(text, record, **figures)


class Notified(BatteryDuty):
    """schemes: codes of the verification by a notified body."""

    schemes: Annotated[list[Code], Field(min_length=1)]


def _verified(case: Case, members: Notified, party: str) -> Ruling:
    found = [
        one
        for one in case.facts.attestations("audit", party)
        if one.grade >= Grade.INDEPENDENT
        and one.statement["facility"] == party
        and one.statement["scheme"] in members.schemes
        and one.holds_at(case.today)
    ]
    if not found:
        text = f"No verification of {party} by a notified body is on file."
        return case.lacking(text, f"verification of {party} by a notified body").about(party)
    last = found[-1]
    if last.body.get("result") != "conform":
        text = f"The verification of {party} by {last.statement['body']} does not say that it conforms."
        return failed(text, last.id, since=last.time[:10]).about(party)
    return passed(f"{party} was verified by {last.statement['body']}.", last.id).about(party)


def _suppliers_verified(case: Case, members: Notified, company: str) -> Ruling:
    return worst(_verified(case, members, one) for one in case.facts.handlers if one != company)


@check
def battery_suppliers_verified(case: Case, members: Notified) -> Ruling:
    """Verification reports of notified bodies on the suppliers; for places of risk, information instead."""
    duty = enter_duty(case, members)
    if isinstance(duty, Ruling):
        return duty
    joint = _suppliers_verified(case, members, duty.company)
    if joint.outcome is not Outcome.INSUFFICIENT:
        return joint
    instead = of_risk(case, duty.lot)
    if instead.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
        return inapplicable(f"{joint.sentence} Reports are asked for where there are any. {instead.sentence}")
    return joint


@check
def battery_of_risk(case: Case, members: Notified) -> Ruling:
    """Without verification reports, of material from places of risk: mine, places of trade, taxes and fees."""
    duty = enter_duty(case, members)
    if isinstance(duty, Ruling):
        return duty
    if _suppliers_verified(case, members, duty.company).outcome is Outcome.PASS:
        return inapplicable("Every supplier has a verification report of a notified body.")
    return of_risk(case, duty.lot)


class Categories(BatteryDuty):
    """categories: every one of Annex X(2)."""

    categories: Codes


@check
def battery_risks_assessed(case: Case, members: Categories) -> Ruling:
    """The risk assessment looks at every category of risk of Annex X."""
    duty = _of_company(case, members)
    if isinstance(duty, Ruling):
        return duty
    found = case.attested("risk_assessment", duty.company)
    if not found:
        return case.lacking_attestation("risk_assessment", duty.company, of=duty.company).about(duty.company)
    done = {code for one in found for code in one.statement.get("assessed", ())}
    left = [one for one in members.categories if one not in done]
    records = [one.id for one in found]
    if left:
        text = f"{len(left)} of {len(members.categories)} categories of risk were not assessed: {', '.join(left)}."
        return case.lacking(text, "an assessment of these categories", evidence=records, left=left).about(duty.company)
    flags = sorted({flag for one in found for flag in one.statement.get("red_flags", ())})
    text = f"All {len(members.categories)} categories of risk were assessed; found: {', '.join(flags) or 'nothing'}."
    return passed(text, *records).about(duty.company)


@check
def battery_policy_verified(case: Case, members: Notified) -> Ruling:
    """A notified body verified the company's due-diligence policy."""
    duty = _of_company(case, members)
    return duty if isinstance(duty, Ruling) else _verified(case, members, duty.company)


class Report(BatteryDuty):
    """months: after the end of a year until its report must be out."""

    months: int = Field(ge=0, le=24)


@check
def battery_report(case: Case, members: Report) -> Ruling:
    """The company's public report on its due diligence is on file."""
    duty = _of_company(case, members)
    return duty if isinstance(duty, Ruling) else report_of(case, duty.company, members.months)


class Passport(BatteryDuty):
    """passport_since: first day on which batteries need a passport."""

    passport_since: Date


@check
def battery_passport(case: Case, members: Passport) -> Ruling:
    """The battery passport can carry the link to the company's due-diligence report."""
    if case.today < members.passport_since and not getattr(case.claim.terms, "early_adopter", False):
        return inapplicable(f"Battery passports are due from {members.passport_since}.")
    duty = _of_company(case, members)
    if isinstance(duty, Ruling):
        return duty
    reports = case.attested("annual_report", duty.company)
    if not reports:
        text = f"There is no report of {duty.company} that a passport could link to."
        return case.lacking(text, f"the due-diligence report of {duty.company}").about(duty.company)
    text = f"The passport links to {reports[-1].statement['url']}."
    return passed(text, reports[-1].id).about(duty.company)
