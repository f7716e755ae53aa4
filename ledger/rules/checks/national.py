"""National acts: areas closed by order, export quotas, suspended trades, royalties, licence classes.

Orders are judged by the days between which they hold and by the day on which they became known: an act
that reaches back appears in the verdicts made after it was published, and in no earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Literal

from ledger.custody.quantity import METAL_UNIT, contained_metal, parse_analyte
from ledger.custody.topics import number_of_month
from ledger.custody.vocabulary import Analyte, Country, Date, Percent
from ledger.errors import SchemaError
from ledger.rules.case import Case
from ledger.rules.checks.certificates import certificates_of, exports_of
from ledger.rules.checks.figures import Decimal, NumberEntry, look_up, number, show
from ledger.rules.checks.production import mines_of, months_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.site_status import digs_of
from ledger.rules.checks.statuses import names_of
from ledger.rules.facts import Amount
from ledger.rules.items import Item
from ledger.rules.minerals import materials_of
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_MG = Fraction(1, 10**6)


class Zones(Members):
    """country whose orders count; kinds: of orders."""

    country: Country
    kinds: list[str]


@check
def outside_closed_areas(case: Case, members: Zones) -> Ruling:
    """Nothing was dug at, or sent from, a site while an order closed it."""
    snapshot = case.reference("orders")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    known = case.facts.known_as_of[:10]
    orders = [one for one in snapshot.rows if one.country == members.country and one.published <= known]
    closed = [one for one in orders if one.kind in members.kinds]
    lifted = [one for one in orders if one.kind == "lift"]
    found = (_closed(case, one, when, closed, lifted) for one, when in _events(case))
    return worst(found, nothing=inapplicable("Nothing was dug here."))


def _events(case: Case) -> Iterable[tuple[Item, tuple[str, str, str]]]:
    """Extracts, and dispatches from mines: record, and (site, first day, last day)."""
    sites = case.facts.sites
    for one in digs_of(case):
        yield one, (one.body["site"], one.body["period"]["from"][:10], one.body["period"]["to"][:10])
    for hop in case.facts.hops:
        site, day = hop.dispatch.body["from"], hop.dispatch.time[:10]
        if sites[site].body["kind"] == "mine":
            yield hop.dispatch, (site, day, day)


def _closed(case: Case, item: Item, when: tuple[str, str, str], closed: list[Any], lifted: list[Any]) -> Ruling:
    site, first, last = when
    names, body = names_of(case.facts, site), case.facts.sites[site].body
    for order in closed:
        end = min((one.start for one in lifted if one.act == order.act or set(one.sites) & names), default="")
        until = min((one for one in (order.end, end) if one), default="9999")
        inside = body["country"] == order.country and order.subdivision in ("", body["subdivision"])
        named = bool(names & set(order.sites)) if order.sites else inside
        if named and _covers(order, item, body) and first <= until and last >= order.start:
            text = f"{site} was closed from {order.start} by {order.act}; {item.type} of {first} to {last}."
            return failed(text, item.id, since=max(first, order.start), references=("orders",), act=order.act).about(
                site
            )
    text = f"No order closed {site} on {last}."
    return passed(text, item.id, references=("orders",)).about(site)


def _covers(order: Any, item: Item, site: dict[str, Any]) -> bool:
    """Whether an order is about what was dug: minerals and methods, where it names any."""
    lots = item.body["lots"] if item.type == "extract" else ()
    dug = {one["mineral"] for one in lots} | {name for one in lots for name in _materials(one)} | set(site["minerals"])
    method = item.body.get("method") or site.get("method")
    return (not order.minerals or bool(dug & set(order.minerals))) and (not order.methods or method in order.methods)


def _materials(lot: dict[str, Any]) -> tuple[str, ...]:
    return materials_of(lot["mineral"], lot["quantity"]["assay"])


class Suspended(Members):
    """country, methods, materials whose digging is suspended from `since` to `until` ("" open)."""

    country: Country
    methods: list[str]
    materials: list[str]
    since: Date
    until: Date | Literal[""]


@check
def not_suspended(case: Case, members: Suspended) -> Ruling:
    """Nothing was dug by a method, of a material, while both were suspended."""
    found = []
    for one in digs_of(case):
        site, last = one.body["site"], one.body["period"]["to"][:10]
        dug = {name for lot in one.body["lots"] for name in _materials(lot)}
        country = case.facts.sites[site].body["country"]
        if country != members.country or one.body["method"] not in members.methods or not dug & set(members.materials):
            continue
        if last >= members.since and (not members.until or one.body["period"]["from"][:10] <= members.until):
            text = f"{site} dug {', '.join(sorted(dug))} until {last}, which is suspended since {members.since}."
            found.append(failed(text, one.id, since=last).about(site))
        else:
            found.append(passed(f"{site} dug before {members.since}, or after it was lifted.", one.id).about(site))
    return worst(found, nothing=inapplicable("Nothing here was dug in a way that is suspended."))


class Quota(Members):
    """country and analyte of the quota; scheme: of the certificate that an export needs."""

    country: Country
    analyte: Analyte
    scheme: str

    def model_post_init(self, _context: Any) -> None:
        """An element or a compound."""
        try:
            parse_analyte(self.analyte)
        except SchemaError as error:
            raise ValueError(error.message) from error


@check
def within_quota(case: Case, members: Quota) -> Ruling:
    """The exports of each exporter, as far as they are on file, stay within its quota and are certified."""
    element = parse_analyte(members.analyte).element
    hops = [hop for hop in exports_of(case, [members.country]) if _metal(hop.sent, element)]
    if not hops:
        return inapplicable(f"No {element} left {members.country}.")
    snapshot = case.reference("quotas")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    known = case.facts.known_as_of[:10]
    rows = [
        row
        for row in snapshot.rows
        if row.country == members.country and parse_analyte(row.analyte).element == element and row.published <= known
    ]
    found = []
    for hop in hops:
        day = hop.dispatch.time[:10]
        mine = [row for row in rows if row.start <= day and (not row.end or day <= row.end)]
        row = next((one for one in mine if one.actor == hop.consignor), None)
        row = row or next((one for one in mine if not one.actor), None)
        if row is None:
            text = f"No quota of {members.country} for {element} on {day} is known."
            found.append(case.lacking(text, "the quota", evidence=[hop.dispatch.id]))
            continue
        same = [one for one in hops if _counts(row, one.consignor, one.dispatch.time[:10])]
        total = sum((_metal(one.sent, element) for one in same), Fraction(0))
        found.append(_quota(case, members, row, total, [one.dispatch for one in same], hop.sent).about(hop.consignor))
    return worst(found)


def _counts(row: Any, exporter: str, day: str) -> bool:
    return row.actor in ("", exporter) and row.start <= day and (not row.end or day <= row.end)


def _metal(sent: Any, element: str) -> Fraction:
    amounts: Iterable[Amount] = sent.values()
    units = sum(contained_metal(one.mass, one.moisture, one.assay).get(element, 0) for one in amounts)
    metal: Fraction = METAL_UNIT * units
    return metal


def _quota(case: Case, members: Quota, row: Any, total: Fraction, exports: list[Item], lots: Iterable[str]) -> Ruling:
    text = f"{show(total)} kg of {members.analyte} are on file as exported, the quota is {show(row.mass * _MG)} kg."
    figures = {"exported": show(total), "quota": show(row.mass * _MG)}
    records = tuple(one.id for one in exports)
    if total > row.mass * _MG:
        return failed(text, *records, since=exports[-1].time[:10], references=("quotas",), **figures)
    papers = certificates_of(case, members.scheme, *lots)
    if not papers:
        words = f"{text} No certificate of traceability is on file."
        return case.lacking(words, "a certificate of traceability", evidence=records, **figures)
    return passed(text, *records, papers[-1].id, references=("quotas",), **figures)


class Royalty(Members):
    """country whose royalty is due; tolerance: % by which less may be paid."""

    country: Country
    tolerance: Percent = "1"


@check
def royalty_paid(case: Case, members: Royalty) -> Ruling:
    """The royalty paid on an export is the rate of the mineral times its value."""
    found = [_royalty(case, members, hop.dispatch, list(hop.sent)) for hop in exports_of(case, [members.country])]
    return worst(found, nothing=inapplicable(f"Nothing was exported from {members.country}."))


def _royalty(case: Case, members: Royalty, dispatch: Item, lots: list[str]) -> Ruling:
    snapshot = case.reference("royalties")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    valued = [(one, str(one.statement["value"])) for one in case.facts.attestations("export", *lots) if _in_usd(one)]
    valued += [
        (one, str(one.statement["customs_value"]))
        for one in case.facts.attestations("certificate", *lots)
        if one.statement.get("customs_value") is not None
    ]
    paid = [one for one in case.facts.attestations("payment", *lots) if one.statement["kind"] == "royalty"]
    stated = [one for one in paid if one.statement.get("amount") and one.statement["currency"] == "USD"]
    rate = _rate(case, members, snapshot, dispatch, lots)
    if not valued or not stated or rate is None:
        missing = "the value" if not valued else "the royalty paid" if not stated else "the rate"
        text = f"Of the export of {dispatch.time[:10]}, {missing} in USD is not known."
        return case.lacking(text, missing, evidence=[dispatch.id]).about(*lots)
    due = number(valued[-1][1]) * rate / 100
    total = sum((number(one.statement["amount"]) for one in stated), Fraction(0))
    text = f"USD {show(total)} of royalty paid, USD {show(due)} due ({show(rate)} % of USD {valued[-1][1]})."
    records = (valued[-1][0].id, *(one.id for one in stated))
    figures = {"paid": show(total), "due": show(due)}
    if total < due * (1 - number(members.tolerance) / 100):
        since = dispatch.time[:10]
        return failed(text, *records, since=since, references=("royalties",), **figures).about(*lots)
    return passed(text, *records, references=("royalties",), **figures).about(*lots)


def _in_usd(item: Item) -> bool:
    return item.statement.get("value") is not None and item.statement.get("currency") == "USD"


def _rate(case: Case, members: Royalty, snapshot: Snapshot, dispatch: Item, lots: list[str]) -> Fraction | None:
    """The highest rate on anything that the lots hold."""
    day, known = dispatch.time[:10], case.facts.known_as_of[:10]
    held = {parse_analyte(name).element for one in lots for name in case.facts.lots[one].now.assay}
    rates = [
        Fraction(row.rate, 10**6)
        for row in snapshot.rows
        if row.country == members.country
        and parse_analyte(row.analyte).element in held
        and row.published <= known
        and row.start <= day
        and (not row.end or day <= row.end)
    ]
    return max(rates, default=None)


class Classes(Members):
    """country; least: kg a year that each class must produce, `class=kg`; times: multiple of the next class's least

    beyond which a mine has outgrown its own.
    """

    country: Country
    least: list[NumberEntry]
    times: Decimal


@check
def licence_fits_output(case: Case, members: Classes) -> Ruling:
    """A mine does not produce far more than its class of licence is made for."""
    sites = [one for one in mines_of(case) if case.facts.sites[one].body["country"] == members.country]
    found = (_class(case, members, site) for site in sites)
    return worst(found, nothing=inapplicable(f"There is no mine in {members.country} here."))


def _class(case: Case, members: Classes, site: str) -> Ruling:
    licences = [one for one in case.attested("licence", site) if one.statement.get("class") is not None]
    months = list(months_of(case, site).values())
    if not licences:
        text = f"No licence of {site} with its class is on file."
        return case.lacking(text, f"the licence of {site}").about(site)
    klass = licences[-1].statement["class"]
    own = look_up(members.least, klass)
    if own is None or not months:
        text = f"{site}: nothing is known of the class {klass}, or of its output."
        return case.lacking(text, f"the output of {site}", evidence=[licences[-1].id]).about(site)
    span = number_of_month(months[-1].month) - number_of_month(months[0].month) + 1
    yearly = sum((month.mass for month in months), Fraction(0)) * 12 / span
    larger = sorted(number(one.split("=", 1)[1]) for one in members.least)
    above = next((one for one in larger if one > number(own)), None)
    text = f"{site} is licensed as {klass} and produces {show(yearly, 0)} kg a year."
    records = (licences[-1].id, *(record for month in months for record in month.records))
    if above is not None and yearly > above * number(members.times):
        return flagged(text, *records, since=months[-1].last_day, yearly=show(yearly, 0)).about(site)
    return passed(text, *records, yearly=show(yearly, 0)).about(site)
