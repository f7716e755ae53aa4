"""Certificates that travel with exports: one per consignment, within its dates, for what the consignment is.

A certificate speaks for the lots it is about and for the handover over a border that follows it. Both
dates and weights are compared with the event, not with today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from ledger.custody.vocabulary import Country, Percent
from ledger.rules.case import Case, days_between
from ledger.rules.checks.figures import number, show
from ledger.rules.checks.journeys import name_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class Scheme(Members):
    """scheme of the certificates; countries: whose exports need one (all without)."""

    scheme: str
    countries: list[Country] = Field(default_factory=list)


def exports_of(case: Case, countries: Iterable[str]) -> list[Hop]:
    """Handovers from a site in one of these countries (any, without) to a site in another."""
    facts, wanted, found = case.facts, set(countries), []
    for hop in facts.hops:
        end = hop.receive.body["site"] if hop.receive else hop.dispatch.body["to"]
        start, to = (facts.sites[one].body["country"] for one in (hop.dispatch.body["from"], end))
        if start != to and (not wanted or start in wanted):
            found.append(hop)
    return found


def certificates_of(case: Case, scheme: str, *lots: str) -> list[Item]:
    """Competent certificates of a scheme about any of these lots."""
    return [one for one in case.attested("certificate", *lots) if one.statement["scheme"] == scheme]


def _each_export(case: Case, members: Scheme) -> Iterable[tuple[Hop, list[Item]]]:
    for hop in exports_of(case, members.countries):
        yield hop, certificates_of(case, members.scheme, *hop.sent)


def _on_exports(case: Case, members: Scheme, judge: Callable[[Hop, Item], Ruling]) -> Ruling:
    """The joint ruling on every certificate of every export; an export without one lacks it."""
    found: list[Ruling] = []
    for hop, papers in _each_export(case, members):
        found += [judge(hop, one) for one in papers] or [_lacks(case, hop)]
    return worst(found, nothing=inapplicable(_NO_EXPORT))


_NO_EXPORT = "Nothing has left a country that asks for a certificate."


def _lacks(case: Case, hop: Hop) -> Ruling:
    ruling = case.lacking_attestation("certificate", *hop.sent, of=f"the consignment {name_of(hop)}")
    return ruling.about(*hop.sent)


@check
def certified(case: Case, members: Scheme) -> Ruling:
    """Every export has a certificate, whose number is used once in its country."""
    found = (_certified(case, members, hop, papers) for hop, papers in _each_export(case, members))
    return worst(found, nothing=inapplicable(_NO_EXPORT))


def _certified(case: Case, members: Scheme, hop: Hop, papers: list[Item]) -> Ruling:
    if not papers:
        return _lacks(case, hop)
    for one in papers:
        twin = twin_of(case, one)
        if twin:
            text = f"Certificate {number_of(one)} stands for two consignments."
            return failed(text, one.id, twin.id, since=max(one.time, twin.time)[:10]).about(*hop.sent)
    text = f"{name_of(hop)}: certificate {number_of(papers[-1])}."
    return passed(text, *(one.id for one in papers)).about(*hop.sent)


def number_of(item: Item) -> str:
    """Country and number of a certificate."""
    return f"{item.statement['country']} {item.statement['number']}"


def twin_of(case: Case, item: Item) -> Item | None:
    """Another certificate with the number of this one, for other lots or another mass."""
    said = item.statement
    for one in case.facts.attestations("certificate"):
        other = one.statement
        same = (other["scheme"], other["country"], other["number"]) == (said["scheme"], said["country"], said["number"])
        if one.id != item.id and same and (set(one.about) != set(item.about) or other["mass"] != said["mass"]):
            return one
    return None


@check
def certificate_used_once(case: Case, members: Scheme) -> Ruling:
    """No certificate stands for two consignments, is used after its end, or for more than it certifies."""
    lots = case.facts.lots
    papers = [one for one in case.facts.attestations("certificate", *lots) if one.statement["scheme"] == members.scheme]
    found = (_used_once(case, one) for one in papers if lots)
    return worst(found, nothing=inapplicable("No certificate of this scheme is on file."))


def _used_once(case: Case, item: Item) -> Ruling:
    twin, said = twin_of(case, item), item.statement
    if twin:
        text = f"Certificate {number_of(item)} stands for two consignments."
        return failed(text, item.id, twin.id, since=max(item.time, twin.time)[:10]).about(*item.about)
    sent = [hop for hop in exports_of(case, [said["country"]]) if set(hop.sent) & set(item.about)]
    for hop in sent:
        if hop.dispatch.time[:10] > said["expires"]:
            text = f"Certificate {number_of(item)} ended on {said['expires']} and was used on {hop.dispatch.time[:10]}."
            return failed(text, item.id, hop.dispatch.id, since=hop.dispatch.time[:10]).about(*item.about)
    mass = sum((_mass(hop, item) for hop in sent), Fraction(0))
    if mass * 1000 > number(said["mass"]) * 1005:
        text = f"{show(mass)} kg left under certificate {number_of(item)}, which is for {said['mass']} kg."
        return failed(text, item.id, *(hop.dispatch.id for hop in sent), since=sent[0].dispatch.time[:10]).about(
            *item.about
        )
    return passed(f"Certificate {number_of(item)} stands for one consignment.", item.id).about(*item.about)


def _mass(hop: Hop, item: Item) -> Fraction:
    return sum((number(one.mass) for lot, one in hop.sent.items() if lot in item.about), Fraction(0))


class Window(Scheme):
    """days: at most from issue to end."""

    days: Annotated[int, Field(ge=1, le=3660)]


@check
def certificate_in_time(case: Case, members: Window) -> Ruling:
    """A certificate runs for no longer than allowed, and the consignment left while it was valid."""
    return _on_exports(case, members, lambda hop, one: _in_time(members, hop, one))


def _in_time(members: Window, hop: Hop, item: Item) -> Ruling:
    said, left = item.statement, hop.dispatch.time[:10]
    days = days_between(said["issued"], said["expires"])
    text = f"Certificate {number_of(item)} runs from {said['issued']} to {said['expires']} ({days} days)"
    records = (item.id, hop.dispatch.id)
    if not 0 <= days <= members.days:
        text += f": at most {members.days} are allowed."
        return failed(text, *records, since=said["issued"], days=days).about(*hop.sent)
    if not said["issued"] <= left <= said["expires"]:
        return failed(f"{text}: the consignment left on {left}.", *records, since=left, days=days).about(*hop.sent)
    return passed(f"{text}; the consignment left on {left}.", item.id, days=days).about(*hop.sent)


@check
def certificate_origin(case: Case, members: Scheme) -> Ruling:
    """A certificate names exactly the countries from which the lots come."""
    return _on_exports(case, members, lambda hop, one: _origin(case, hop, one))


def _origin(case: Case, hop: Hop, item: Item) -> Ruling:
    from ledger.rules.checks.fingerprint import mines_behind

    sites = case.facts.sites
    mines = {mine for lot in hop.sent if lot in case.facts.lots for mine in mines_behind(case, lot)}
    derived = sorted({str(sites[mine].body["country"]) for mine in mines})
    named = sorted(set(item.statement["origins"]))
    text = f"Certificate {number_of(item)} names {', '.join(named)}, the lots come from {', '.join(derived)}."
    if "0" in named:
        text = f"Certificate {number_of(item)} leaves a part of the origin open."
        return case.lacking(text, "the origin of all of it", evidence=[item.id]).about(*hop.sent)
    if named != derived:
        since = item.statement["issued"]
        return failed(text, item.id, since=since, named=named, derived=derived).about(*hop.sent)
    return passed(text, item.id).about(*hop.sent)


class Weight(Scheme):
    """tolerance: % of the certified mass; k: standard uncertainties of the weighings, where they are stated."""

    tolerance: Percent = "0.5"
    k: Annotated[int, Field(ge=1, le=10)] = 3


@check
def certificate_weight(case: Case, members: Weight) -> Ruling:
    """A certificate's weight is that of the lots, as exactly as they were weighed."""
    return _on_exports(case, members, lambda hop, one: _weight(case, members, hop, one))


def _weight(case: Case, members: Weight, hop: Hop, item: Item) -> Ruling:
    stated, held = number(item.statement["mass"]), _mass(hop, item)
    weighings = case.facts.attestations("weighing", *(lot for lot in hop.sent if lot in item.about))
    squares = sum((number(one.statement.get("uncertainty") or "0") ** 2 for one in weighings), Fraction(0))
    text = f"Certificate {number_of(item)} is for {item.statement['mass']} kg, the lots weigh {show(held, 3)} kg."
    records = (item.id, hop.dispatch.id, *(one.id for one in weighings))
    if len(item.statement["mass"].partition(".")[2]) > 3:
        text = f"Certificate {number_of(item)} states its weight with more than three decimals."
        return failed(text, item.id, since=item.statement["issued"]).about(*hop.sent)
    off = abs(stated - held)
    if off * 100 > stated * number(members.tolerance) and off**2 > members.k**2 * squares:
        return failed(text, *records, since=item.statement["issued"], off=show(off, 3)).about(*hop.sent)
    return passed(text, *records, off=show(off, 3)).about(*hop.sent)


@check
def certificate_two_persons(case: Case, members: Scheme) -> Ruling:
    """A certificate was verified and validated by two persons, and verified before issued before shipped."""
    return _on_exports(case, members, lambda hop, one: _two_persons(case, hop, one))


def _two_persons(case: Case, hop: Hop, item: Item) -> Ruling:
    said, left = item.statement, hop.dispatch.time[:10]
    for member in ("verifier", "validator"):
        if said.get(member) is None:
            return case.concealed(item, member, f"certificate {number_of(item)}").about(*hop.sent)
    if said["verifier"] == said["validator"]:
        text = f"Certificate {number_of(item)} was verified and validated by one person."
        return failed(text, item.id, since=said["issued"]).about(*hop.sent)
    days = [said["verified"], said["issued"], left, said["expires"]]
    if days != sorted(days):
        text = f"Certificate {number_of(item)}: verified {days[0]}, issued {days[1]}, shipped {left}, ended {days[3]}."
        return failed(text, item.id, hop.dispatch.id, since=said["issued"]).about(*hop.sent)
    return passed(f"Certificate {number_of(item)} was made by two persons, in order.", item.id).about(*hop.sent)
