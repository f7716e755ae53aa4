"""Other rules of Europe: critical raw materials (as information), the ban on forced labour, the Swiss ordinance."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ledger.custody.vocabulary import Codes
from ledger.rules.case import Case
from ledger.rules.checks.attested import Days
from ledger.rules.checks.importers import paper_of
from ledger.rules.checks.incidents import Categories, judge_assessments, judge_incidents
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.upstream import NOT_A_LOT
from ledger.rules.minerals import expand, materials_of
from ledger.rules.ruling import Ruling, inapplicable, passed, worst

_SWITZERLAND = "CH"


class RawMaterials(Members):
    """strategic, critical: materials of the lists."""

    strategic: Annotated[list[str], Field(min_length=1)]
    critical: Annotated[list[str], Field(min_length=1)]


@check
def raw_material_listed(case: Case, members: RawMaterials) -> Ruling:
    """Whether the lot holds a raw material that is listed as strategic or critical; for information."""
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    held = set(materials_of(lot.mineral, lot.now.assay))
    if not held:
        return case.lacking("Neither the mineral's code nor an assay says what the lot is.", "an assay of the lot")
    strategic, critical = sorted(held & set(members.strategic)), sorted(held & set(members.critical))
    if not strategic and not critical:
        return inapplicable("The lot holds no raw material of the lists.")
    text = f"Strategic: {', '.join(strategic) or 'none'}; critical: {', '.join(critical) or 'none'}."
    return passed(text, lot.records[-1], strategic=strategic, critical=critical)


class Schemes(RawMaterials):
    """schemes: ids of certifiers whose scheme is recognised."""

    schemes: Codes


@check
def certifier_recognised(case: Case, members: Schemes) -> Ruling:
    """A lot that is said to be certified as a critical raw material is so by a recognised scheme."""
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    listed = {*members.strategic, *members.critical}
    found = [one for one in case.attested("certificate", lot.id) if one.statement["scheme"] == "conformity"]
    if not found or listed.isdisjoint(materials_of(lot.mineral, lot.now.assay)):
        return inapplicable("No certificate of conformity says that the lot is a certified critical raw material.")
    by = found[-1].statement["authority"]
    if by not in members.schemes:
        text = f"The certifier {by} is none of a recognised scheme ({', '.join(members.schemes) or 'none is known'})."
        return case.lacking(text, "a certificate of a recognised scheme", evidence=[found[-1].id])
    return passed(f"It is certified by {by}, a recognised scheme.", found[-1].id)


class SwissImport(Members):
    """materials: that the ordinance's duties on minerals are about; covers: codes that the policy must cover;

    child_labour: categories of incident; max_age: days between a look at a mine and the end of extraction.
    """

    materials: Annotated[list[str], Field(min_length=1)]
    covers: Codes
    child_labour: Categories
    max_age: Days


@check
def swiss_diligence(case: Case, members: SwissImport) -> Ruling:
    """A Swiss importer has a policy on minerals and child labour, and children were looked for at each mine."""
    facts, lot = case.facts, case.facts.lot
    if lot is None:
        return NOT_A_LOT
    importers = [one.statement["importer"] for one in facts.attestations("import", lot.id)]
    importers += [one for one in (getattr(case.claim.terms, "importer", None), lot.holders[-1][0]) if one]
    swiss = [one for one in dict.fromkeys(importers) if _country(case, one) == _SWITZERLAND]
    if not swiss:
        return inapplicable("Nobody in Switzerland imports or holds the lot.")
    if expand(members.materials).isdisjoint(materials_of(lot.mineral, lot.now.assay)):
        return inapplicable("The lot holds none of the minerals of the ordinance.")
    policies = [paper_of(case, "policy", [one], covers=members.covers) for one in swiss]
    children = judge_assessments(case, "children", members.max_age)
    return worst((*policies, *judge_incidents(case, members.child_labour), *children))


def _country(case: Case, party: str) -> Any:
    known = case.facts.parties.get(party)
    return known.body["country"] if known else None
