"""Checks of the terms of a claim itself: origin, custody model, quantity, and where it must not come from."""

from __future__ import annotations

from fractions import Fraction

from ledger.custody.provenance import index_parents, share_origins
from ledger.custody.quantity import (
    ASSAY_PLACES,
    MASS_PLACES,
    METAL_UNIT,
    contained_metal,
    format_decimal,
    format_metal,
    is_beyond,
    parse_analyte,
    parse_decimal,
)
from ledger.custody.vocabulary import MODELS
from ledger.rules.case import Case
from ledger.rules.checks.figures import once, total
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Facts, LotFacts
from ledger.rules.ruling import Ruling, failed, passed


class NoMembers(Members):
    """A check that takes everything from the claim."""


def main_element(lot: LotFacts) -> str | None:
    """The element of which the lot holds most, None without an assay."""
    if len(lot.now.assay) == 1:
        return parse_analyte(next(iter(lot.now.assay))).element
    metal = contained_metal(lot.now.mass, lot.now.moisture, lot.now.assay)
    return max(metal, key=lambda one: (metal[one], one)) if metal else None


def element_of(case: Case, lot: LotFacts) -> str | None:
    """The same, for a lot of the evidence."""
    return case.back.derive(f"main element {lot.id}", lambda: main_element(lot))


def mine_shares(case: Case, element: str | None) -> dict[str, Fraction]:
    """The exact share of the lot's contained metal that each mine site has; computed once per claim."""
    return once(case, f"mine_shares {element}", lambda: _mine_shares(case.facts, element))


def _mine_shares(facts: Facts, element: str | None) -> dict[str, Fraction]:
    shares: dict[str, list[Fraction]] = {}
    for mined, share in share_origins(facts.subject, index_parents(facts.edges), element).items():
        site = facts.mined[mined].site if mined in facts.mined else ""
        shares.setdefault(site, []).append(share)
    return {site: total(parts) for site, parts in shares.items()}


def percent(share: Fraction, places: int = 2) -> str:
    """A share in %, rounded down so that no more is claimed than there is."""
    return format_decimal(int(share * 100 * 10**places), places)


@check
def origin_is(case: Case, members: NoMembers) -> Ruling:
    """At least the claimed share of the contained metal comes from the claimed place."""
    facts, terms = case.facts, case.claim.terms
    assert facts.lot is not None  # noqa: S101 - the engine checks the kind of subject
    weakest = max((lot.model for lot in facts.lots.values()), key=MODELS.index)
    records = tuple(dict.fromkeys(facts.mined[one].record for one in facts.mined))
    if weakest in ("mass_balance", "book_and_claim"):
        return failed(f"A hop was kept under {weakest}: such material supports no claim of origin.", *records)
    element = parse_analyte(terms.element).element if terms.element else element_of(case, facts.lot)
    shares = mine_shares(case, element)
    if "" in shares:
        return case.lacking("Part of the chain does not lead back to a mine.", "the records of every lot upstream")
    wanted = terms.site or terms.subdivision or terms.country
    member = "country" if terms.country else "subdivision"
    share = sum(
        (part for site, part in shares.items() if wanted in (site, facts.sites[site].body[member])), Fraction(0)
    )
    least = Fraction(parse_decimal(terms.share, ASSAY_PLACES), 100 * 10**ASSAY_PLACES)
    text = f"{percent(share)} % of the {element or 'dry mass'} comes from {wanted}, {terms.share} % is claimed."
    figures = {"share": percent(share, 6), "exact": f"{share.numerator}/{share.denominator}", "element": element or ""}
    return passed(text, *records, **figures) if share >= least else failed(text, *records, **figures)


@check
def model_kept(case: Case, members: NoMembers) -> Ruling:
    """Every hop keeps at least the chain-of-custody model claimed: the weakest hop decides."""
    facts, wanted = case.facts, case.claim.terms.model
    weakest = max(facts.lots.values(), key=lambda lot: MODELS.index(lot.model))
    records = tuple(dict.fromkeys(lot.made_by.id for lot in facts.lots.values()))
    if MODELS.index(weakest.model) > MODELS.index(wanted):
        text = f"Lot '{weakest.id}' was made under {weakest.model}: weaker than the {wanted} that is claimed."
        return failed(text, weakest.made_by.id, model=weakest.model)
    return passed(f"The weakest hop of the chain is {weakest.model}.", *records, model=weakest.model)


@check
def chain_leads_to_mines(case: Case, members: NoMembers) -> Ruling:
    """Every lot upstream leads back to an extraction, and no record of the chain is refused or withheld."""
    facts = case.facts
    shares = mine_shares(case, None)
    records = tuple(dict.fromkeys(lot.made_by.id for lot in facts.lots.values()))
    if "" in shares:
        return case.lacking("Part of the chain does not lead back to a mine.", "the records of every lot upstream")
    return passed(f"{len(facts.lots)} lots, all back to {len(facts.mines())} mines.", *records, lots=len(facts.lots))


@check
def quantity_is(case: Case, members: NoMembers) -> Ruling:
    """The lot holds the quantity claimed, within the claim's tolerance."""
    facts, terms = case.facts, case.claim.terms
    lot = facts.lot
    assert lot is not None  # noqa: S101 - the engine checks the kind of subject
    record = lot.records[-1]
    if terms.element:
        element = parse_analyte(terms.element).element
        held = contained_metal(lot.now.mass, lot.now.moisture, lot.now.assay).get(element)
        if held is None:
            return case.lacking(f"No assay of the lot states {element}.", f"an assay of {element}")
        claimed = int(parse_decimal(terms.kg, MASS_PLACES) / (METAL_UNIT * 10**MASS_PLACES))
        text = f"It holds {format_metal(held)} kg of {element}, {terms.kg} kg are claimed."
    else:
        held, claimed = parse_decimal(lot.now.mass, MASS_PLACES), parse_decimal(terms.kg, MASS_PLACES)
        text = f"It weighs {lot.now.mass} kg, {terms.kg} kg are claimed."
    return failed(text, record) if is_beyond(held, claimed, terms.tolerance) else passed(text, record)


@check
def comes_not_from(case: Case, members: NoMembers) -> Ruling:
    """No lot upstream was mined at, kept at, or held by any of the places and parties named."""
    facts, terms = case.facts, case.claim.terms
    countries, regions = set(terms.countries), set(terms.subdivisions)
    for site in facts.chain_sites:
        body = facts.sites[site].body
        if site in terms.sites or body["country"] in countries or body["subdivision"] in regions:
            text = f"Part of it was at '{site}' in {body['subdivision']}."
            return failed(text, facts.sites[site].item.id, site=site)
    for party in facts.handlers:
        if party in terms.parties or (party in facts.parties and facts.parties[party].body["country"] in countries):
            return failed(f"Part of it was held by '{party}'.", facts.parties[party].item.id, party=party)
    for hop in facts.hops:
        passed_through = {one["country"] for one in hop.dispatch.body["transport"].get("route", ())}
        if passed_through & countries:
            text = f"It travelled through {', '.join(sorted(passed_through & countries))}."
            return failed(text, *hop.evidence)
    if "" in mine_shares(case, None):
        return case.lacking("Part of the chain does not lead back to a mine.", "the records of every lot upstream")
    records = tuple(facts.sites[site].item.id for site in facts.chain_sites)
    return passed(f"All of its {len(facts.chain_sites)} sites and {len(facts.handlers)} holders are others.", *records)
