"""Checks of Regulation (EU) 2017/821: what a Union importer's file must hold about a lot.

Article 4(f) is for minerals (part A of Annex I), 4(g) for metals (part B). Whether the regulation
applies at all is settled first, by `union_imports`; the importer's own duties stand in `importers`.
"""

from __future__ import annotations

from typing import Literal

from ledger.rules.case import Case
from ledger.rules.checks.registry import check
from ledger.rules.checks.union_imports import Entry, UnionImport, enter_union, old_stock, unchecked
from ledger.rules.checks.upstream import (
    NOT_A_LOT,
    Origins,
    information_of_risk,
    name_and_address,
    origins_of,
    risky_places,
    supplier_to,
)
from ledger.rules.facts import LotFacts
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class OfPart(UnionImport):
    """part: A for minerals, B for metals."""

    part: Literal["A", "B"]


def enter_part(case: Case, members: OfPart) -> Entry | Ruling:
    """As `enter_union`, for items of one part of Annex I."""
    entry = enter_union(case, members)
    if isinstance(entry, Entry) and entry.item.part != members.part:
        what = {"A": "minerals", "B": "metals"}
        return inapplicable(f"Applies to {what[members.part]}; {entry.item.name} are {what[entry.item.part]}.")
    return entry


@check
def union_import_scope(case: Case, members: UnionImport) -> Ruling:
    """The importer's volume of the item in the calendar year reaches the threshold of Annex I."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    item, volume = entry.item, entry.volume
    text = (
        f"{entry.importer} imported {volume.kg} kg of {item.name} in {volume.year}: the threshold of {item.kg} kg a"
        f" year is reached, the regulation applies.{unchecked(item)}"
    )
    records = volume.declarations or (entry.lot.records[-1],)
    return passed(text, *records, **entry.figures).about(entry.importer)


class Exemption(UnionImport):
    """kind: which exemption of Article 1."""

    kind: Literal["recycled", "stock_2013"]


@check
def union_import_exempt(case: Case, members: Exemption) -> Ruling:
    """An exemption that the importer claims is shown: recycled metal, or a stock from before 1 February 2013."""
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    if getattr(case.claim.terms, "exemption", None) != members.kind:
        return inapplicable("This exemption is not claimed.")
    if members.kind == "stock_2013":
        return old_stock(case, lot)
    mined = [one for one in case.facts.lots.values() if one.is_mined]
    text = f"It is said to be recycled, but the records show that it was mined at {', '.join(case.facts.mines())}."
    return failed(text, *dict.fromkeys(one.made_by.id for one in mined), since=mined[0].made_by.time[:10])


@check
def import_described(case: Case, members: OfPart) -> Ruling:
    """The description of the lot is on file, with its trade name and its type."""
    entry = enter_part(case, members)
    return entry if isinstance(entry, Ruling) else described(case, entry.lot)


def described(case: Case, lot: LotFacts) -> Ruling:
    """Trade name and type: the type from the record that made the lot, the trade name from a certificate about it."""
    names = [one for one in case.attested("certificate", lot.id) if one.statement.get("description")]
    if not names:
        text = f"The type is {lot.mineral}, but no certificate about the lot gives its trade name."
        return case.lacking(text, "the trade name of the lot", evidence=[lot.made_by.id])
    text = f"It is {lot.mineral}, traded as '{names[-1].statement['description']}'."
    return passed(text, names[-1].id, lot.made_by.id)


@check
def import_supplier_named(case: Case, members: OfPart) -> Ruling:
    """Name and address of the importer's supplier are on file."""
    entry = enter_part(case, members)
    return entry if isinstance(entry, Ruling) else supplier_named(case, entry.importer)


def supplier_named(case: Case, buyer: str) -> Ruling:
    """Name and address of whoever sold or handed the lot to the buyer."""
    found = supplier_to(case, buyer)
    if found is None:
        text = f"{buyer} holds the lot, and nothing says from whom it has it."
        return case.lacking(text, f"the sale of the lot to {buyer}").about(buyer)
    return name_and_address(case, found[0], "supplier")


@check
def import_origin(case: Case, members: OfPart) -> Ruling:
    """The country of origin of all of the minerals follows from the records, and is the one declared."""
    entry = enter_part(case, members)
    if isinstance(entry, Ruling):
        return entry
    origins = origins_of(case, entry.lot)
    return origins if isinstance(origins, Ruling) else _as_declared(case, entry, origins)


def _as_declared(case: Case, entry: Entry, origins: Origins) -> Ruling:
    """Import declarations name one country of the mix; certificates name all of them."""
    for one in entry.declarations:
        if one.statement["country_of_origin"] not in origins.countries:
            text = f"Declared is {one.statement['country_of_origin']}, the records show {origins.words}."
            return failed(text, one.id, *origins.evidence, since=one.time[:10], **origins.figures)
    for one in case.facts.attestations("certificate", entry.lot.id):
        if set(one.statement["origins"]) != set(origins.countries):
            text = f"A certificate names {', '.join(one.statement['origins'])}, the records show {origins.words}."
            return failed(text, one.id, *origins.evidence, since=one.statement["issued"], **origins.figures)
    return passed(f"It comes from {origins.words}.", *origins.evidence, **origins.figures)


@check
def import_extraction(case: Case, members: OfPart) -> Ruling:
    """Quantities and dates of extraction are on file where they are available."""
    entry = enter_part(case, members)
    if isinstance(entry, Ruling):
        return entry
    origins = origins_of(case, entry.lot)
    if isinstance(origins, Ruling):
        return origins
    mined = [one.made_by.body["period"] for one in case.facts.lots.values() if one.is_mined]
    first, last = min(one["from"] for one in mined)[:10], max(one["to"] for one in mined)[:10]
    return passed(f"{len(mined)} lots were extracted from {first} to {last}.", *origins.evidence, lots=len(mined))


@check
def import_of_risk(case: Case, members: OfPart) -> Ruling:
    """Where the minerals come from a place of risk: mine, places of trade and processing, taxes and fees paid."""
    entry = enter_part(case, members)
    return entry if isinstance(entry, Ruling) else of_risk(case, entry.lot)


def of_risk(case: Case, lot: LotFacts) -> Ruling:
    """The further information, when the chain touches a place of risk."""
    risky = risky_places(case)
    if isinstance(risky, Ruling):
        return risky
    if not risky.reasons:
        return inapplicable("No listed area, no red flag of location and no incident is known of this chain.")
    asked = information_of_risk(case, lot)
    text = f"Further information is due, because {risky.reasons[0]}. {asked.sentence}"
    because = {"because": list(risky.reasons)}
    evidence = (*risky.evidence, *asked.evidence)
    return Ruling(asked.outcome, text, evidence, risky.references, asked.missing, figures=because)


@check
def import_area_screened(case: Case, members: UnionImport) -> Ruling:
    """The chain was held against the indicative list of areas; not being listed proves nothing."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    listed = case.reference("eu_cahra")
    if isinstance(listed, Ruling):
        return listed
    risky = risky_places(case)
    if isinstance(risky, Ruling):
        return risky
    if not risky.reasons:
        text = "No place of the chain is on the list, which is indicative and proves nothing; no red flag is known."
        return inapplicable(text)
    text = f"Further information is due, because {'; '.join(risky.reasons[:3])}."
    return passed(text, *risky.evidence, references=risky.references, because=list(risky.reasons))


@check
def import_byproduct(case: Case, members: UnionImport) -> Ruling:
    """Of by-products, the information begins where they were first separated from their main mineral."""
    entry = enter_union(case, members)
    if isinstance(entry, Ruling):
        return entry
    made = [
        one
        for one in case.facts.transforms
        if any(out["id"] in case.facts.lots and out.get("role") == "by_product" for out in one.body["outputs"])
    ]
    if not made:
        return inapplicable("No lot of this chain is a by-product.")
    return worst(
        _separated(case, one.id, one.body["site"], name_and_address(case, one.issuer, "one who separated it"))
        for one in made
    )


def _separated(case: Case, record: str, site: str, named: Ruling) -> Ruling:
    where = case.facts.sites[site]
    text = f"It was separated at {site} in {where.body['subdivision']}. {named.sentence}"
    return Ruling(named.outcome, text, (record, where.item.id, *named.evidence), missing=named.missing)
