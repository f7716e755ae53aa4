"""Check that papers say the same of the origin as the chain of records does (OECD guidance, Annex II 11).

Certificates and declarations name countries; the records back to the mines give them. Whether the
quantities, tags and routes are plausible is for the pack `fraud`, which stands in every such claim.
"""

from __future__ import annotations

from ledger.rules.case import Case
from ledger.rules.checks.claims import mine_shares
from ledger.rules.checks.exposure import is_established
from ledger.rules.checks.incidents import Categories, judge_incidents
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, passed, worst


class StatedOrigin(Members):
    """categories: incidents that speak of misstated origin."""

    categories: Categories


@check
def origin_not_misstated(case: Case, members: StatedOrigin) -> Ruling:
    """Certificates and declarations name the countries that the chain leads back to, and no fraud is reported."""
    facts = case.facts
    rulings = judge_incidents(case, members.categories)
    lots = list(facts.lots.values()) if facts.lot is None else [facts.lot]
    mines = {lot.made_by.body["site"] for lot in facts.lots.values() if lot.is_mined}
    countries = {facts.sites[one].body["country"] for one in mines}
    if facts.lot is not None and "" in mine_shares(case, None):
        countries = set()
    for kind in ("certificate", "import"):
        for one in facts.attestations(kind, *(lot.id for lot in lots)) if lots else ():
            rulings += _compare(case, one, countries)
    return worst(rulings, nothing=_nothing(case, lots))


def _nothing(case: Case, lots: list[LotFacts]) -> Ruling:
    text = "No certificate or declaration that names an origin is on file." if lots else "No lot is known here."
    return case.lacking(text, "a certificate of origin or an import declaration")


def _compare(case: Case, item: Item, countries: set[str]) -> list[Ruling]:
    statement = item.statement
    if item.kind == "import":
        stated = {statement["country_of_origin"]}
        agrees = stated <= countries
    elif statement["scheme"] in ("icglr", "origin"):
        stated = set(statement["origins"]) - {"0"}
        agrees = stated == countries
    else:
        return []
    words = f"The {item.kind} of {item.time[:10]} names {', '.join(sorted(stated)) or 'no country'} as origin"
    if not countries:
        return [case.lacking(f"{words}; the chain does not lead back to a mine.", "the records of every lot upstream")]
    if agrees:
        strong = item.grade >= case.minimum
        return [passed(f"{words}, as the chain does.", item.id).about(*item.about)] if strong else []
    text = f"{words}; the chain leads back to {', '.join(sorted(countries))}."
    make = failed if is_established(case, item) else flagged
    return [make(text, item.id, since=item.time).about(*item.about)]
