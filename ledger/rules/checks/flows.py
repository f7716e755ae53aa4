"""Flows that must add up: what left against what there was, what importers saw against what exporters said.

    X <= P + I + S(opening) - S(closing)        exports, production, purchases, stock
    m = imports reported by partners / exports

At the level of an actor it is the actor's own declarations that do not add up; at the level of a
country the statistics of a country say nothing certain of one lot, and only raise a flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from ledger.custody.quantity import MASS_PLACES, parse_analyte
from ledger.custody.topics import format_month, number_of_month
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.claims import element_of
from ledger.rules.checks.figures import Decimal, number, show
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_KG = Fraction(1, 10**MASS_PLACES)


class Exports(Members):
    """tolerance: % by which exports may exceed what there was."""

    tolerance: Percent = "0.5"


@check
def exports_covered(case: Case, members: Exports) -> Ruling:
    """An exporter declares no more for export than it produced, bought and had in stock."""
    declared: dict[str, list[Item]] = {}
    for one in _declared(case):
        declared.setdefault(one.statement["exporter"], []).append(one)
    found = (_covered(case, members, exporter, items) for exporter, items in declared.items())
    return worst(found, nothing=inapplicable("No export declaration of this chain is on file."))


def _declared(case: Case) -> list[Item]:
    """Export declarations about lots of the chain; of a site or participant, all of them, each number once."""
    facts = case.facts
    about = facts.lots if facts.lot else ()
    found: dict[tuple[str, str], Item] = {}
    for one in facts.attestations("export", *about):
        found.setdefault((one.statement["exporter"], one.statement["declaration"]), one)
    return list(found.values())


def _covered(case: Case, members: Exports, exporter: str, items: list[Item]) -> Ruling:
    came, records = _came_in(case, exporter)
    stock, stocktakes = _stock_used(case, exporter)
    exported = sum((number(one.statement["net"]) for one in items), Fraction(0))
    records = tuple(dict.fromkeys((*(one.id for one in items), *records, *stocktakes)))
    text = f"{exporter}: {show(exported)} kg declared for export, {show(came)} kg came in, {show(stock)} kg from stock."
    figures = {"exported": show(exported), "came_in": show(came), "stock": show(stock)}
    if not came and not stock:
        text = f"{exporter}: {show(exported)} kg declared for export, and nothing on file that came in."
        return case.lacking(text, "records of what came in", evidence=records, **figures).about(exporter)
    if exported > (came + stock) * (1 + number(members.tolerance) / 100):
        since = max(one.time for one in items)[:10]
        return failed(text, *records, since=since, **figures).about(exporter)
    return passed(text, *records, **figures).about(exporter)


def _came_in(case: Case, party: str) -> tuple[Fraction, tuple[str, ...]]:
    """kg that came to a participant from mines and from others, less what it lost or added in its own transforms."""
    facts, total, records = case.facts, Fraction(0), []
    for lot in facts.lots.values():
        if lot.is_mined and lot.made_by.issuer == party:
            total += number(lot.amount.mass)
            records.append(lot.made_by.id)
    for hop in facts.hops:
        if hop.receive and hop.accepted and hop.receive.issuer == party:
            total += sum((number(one.mass) for one in hop.got.values()), Fraction(0))
            records.append(hop.receive.id)
    for line in facts.balances:
        if facts.items[line.record].issuer == party:
            total += min(0, line.balance.mass_out - line.balance.mass_in) * _KG
    return total, tuple(records)


def _stock_used(case: Case, party: str) -> tuple[Fraction, tuple[str, ...]]:
    """Opening less closing stock at a participant's sites, as far as it fell."""
    facts = case.facts
    own = {site.id for site in facts.sites.values() if site.body["operator"] == party}
    found = [one for one in case.facts.attestations("stocktake") if one.statement["site"] in own]
    used = sum((number(one.statement["opening"]) - number(one.statement["closing"]) for one in found), Fraction(0))
    return max(used, Fraction(0)), tuple(one.id for one in found)


@check
def nation_exports_covered(case: Case, members: Exports) -> Ruling:
    """The country of origin exports no more of the material than it reports as produced."""
    found = (_nation(case, members, country, element) for country in case.back.origins for element in _elements(case))
    return worst(found, nothing=inapplicable("No country of origin or material is known here."))


def _elements(case: Case) -> list[str]:
    """The main metal of the subject, or of all lots of the evidence."""
    facts = case.facts
    lots: Iterable[LotFacts] = [facts.lot] if facts.lot else facts.lots.values()
    return sorted({element for lot in lots if (element := element_of(case, lot))})


def totals(rows: Iterable[Any], element: str) -> dict[tuple[str, str], Fraction]:
    """kg by basis and period of rows about an element; contained masses are of the element, gross ones of the goods."""
    found: dict[tuple[str, str], Fraction] = {}
    for row in rows:
        symbol, factor = parse_analyte(row.analyte)
        if symbol == element:
            mass = row.mass * _KG * (Fraction(factor, 10**6) if row.basis == "contained" else 1)
            key = (row.basis, row.period)
            found[key] = found.get(key, Fraction(0)) + mass
    return found


def _nation(case: Case, members: Exports, country: str, element: str) -> Ruling:
    snapshot = case.reference("national_flows")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    rows = [row for row in snapshot.rows if row.country == country and row.published <= case.facts.known_as_of[:10]]
    made = totals((row for row in rows if row.flow == "production"), element)
    left = totals((row for row in rows if row.flow == "export"), element)
    both = sorted(made.keys() & left.keys(), key=lambda key: key[1])
    names = ("national_flows",)
    if not both:
        text = f"{country} reports no production and export of {element} for one period."
        return case.lacking(text, f"national figures of {country} for {element}")
    key = both[-1]
    text = f"{country} {key[1]}: {show(left[key])} kg of {element} exported, {show(made[key])} kg produced."
    figures = {"exported": show(left[key]), "produced": show(made[key]), "period": key[1]}
    if left[key] > made[key] * (1 + number(members.tolerance) / 100):
        return flagged(text, since=case.today, references=names, **figures)
    return passed(text, references=names, **figures)


class Mirror(Members):
    """flag, fail: ratios of imports to exports; lag: months after the export in which imports are looked for."""

    flag: Decimal
    fail: Decimal | None = None
    lag: Annotated[int, Field(ge=0, le=24)] = 3


@check
def imports_mirror_exports(case: Case, members: Mirror) -> Ruling:
    """Importers of a chain's lots declare no more than was declared for export."""
    lots = case.facts.lots
    exports = case.facts.attestations("export", *lots) if lots else ()
    imports = case.facts.attestations("import", *lots) if lots else ()
    if not imports:
        return inapplicable("No import declaration of this chain is on file.")
    records = [one.id for one in (*exports, *imports)]
    if not exports:
        text = "Imports of this chain are declared, and no export."
        return case.lacking(text, "the export declarations", evidence=records)
    return _mirror(members, _sum_net(imports), _sum_net(exports), imports[-1], records)


def _sum_net(items: Iterable[Item]) -> Fraction:
    return sum((number(one.statement["net"]) for one in items), Fraction(0))


def _mirror(members: Mirror, came: Fraction, left: Fraction, last: Item, records: list[str]) -> Ruling:
    ratio, since = came / left, last.time[:10]
    text = f"Importers declare {show(came)} kg, exporters {show(left)} kg: m = {show(ratio)}."
    if members.fail is not None and ratio > number(members.fail):
        return failed(text, *records, since=since, ratio=show(ratio))
    if ratio > number(members.flag):
        return flagged(text, *records, since=since, ratio=show(ratio))
    return passed(text, *records, ratio=show(ratio))


@check
def nation_imports_mirror(case: Case, members: Mirror) -> Ruling:
    """Partners report no more imports from the country of origin than it reports as exports."""
    found = (_partners(case, members, country, element) for country in case.back.origins for element in _elements(case))
    return worst(found, nothing=inapplicable("No country of origin or material is known here."))


def _partners(case: Case, members: Mirror, country: str, element: str) -> Ruling:
    flows, mirror = case.reference("national_flows"), case.reference("mirror_imports")
    if not isinstance(flows, Snapshot):
        return flows
    if not isinstance(mirror, Snapshot):
        return mirror
    known, names = case.facts.known_as_of[:10], ("national_flows", "mirror_imports")
    rows = [row for row in flows.rows if row.country == country and row.flow == "export" and row.published <= known]
    left = totals(rows, element)
    came = totals((row for row in mirror.rows if row.origin == country and row.published <= known), element)
    pairs = [(key, later) for key in left if (later := (key[0], _later(key[1], members.lag))) in came]
    if not pairs:
        text = f"No exports of {element} from {country} and imports from it are known for one period."
        return case.lacking(text, f"trade statistics of {country} and its partners for {element}")
    key, later = max(pairs, key=lambda pair: pair[0][1])
    ratio = came[later] / left[key]
    text = f"{country} {key[1]}: partners report {show(came[later])} kg of {element}, it reports {show(left[key])} kg"
    figures = {"ratio": show(ratio), "period": key[1]}
    if ratio > number(members.flag):
        return flagged(f"{text}: m = {show(ratio)}.", since=case.today, references=names, **figures)
    return passed(f"{text}: m = {show(ratio)}.", references=names, **figures)


def _later(period: str, lag: int) -> str:
    """The period in which goods arrive: a month `lag` months on; a year is compared with itself."""
    return period if len(period) == 4 else format_month(number_of_month(period) + lag)
