"""Mercury, tailings, monitoring, radioactivity: what is measured and declared of the mines and lots of a chain.

Environmental attestations have a category, a value, a unit and a method. Practices that the Minamata
Convention rules out have categories of their own, with 1 for yes and 0 for no.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import Field

from ledger.custody.quantity import parse_analyte
from ledger.rules.case import Case, days_between
from ledger.rules.checks.figures import Decimal, number, show
from ledger.rules.checks.incidents import visits_of
from ledger.rules.checks.production import mines_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_NONE = "There is no mine of this kind here."


class Practices(Members):
    """practices: categories that are ruled out; days: for which a visit that found no mercury counts."""

    practices: Annotated[list[str], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=3660)]


@check
def mercury_practices(case: Case, members: Practices) -> Ruling:
    """At an artisanal gold mine none of the practices is used that the Minamata Convention rules out."""
    sites = [one for one in mines_of(case) if _by_hand(case, one)]
    return worst((_practices(case, members, site) for site in sites), nothing=inapplicable(_NONE))


def _by_hand(case: Case, site: str) -> bool:
    return any(one.body["method"] != "large_scale" for one in case.facts.extracts(site))


def _newest(case: Case, site: str) -> dict[str, Item]:
    """The newest competent environmental attestation of each category about a site."""
    return {one.statement["category"]: one for one in case.attested("environment", site)}


def _practices(case: Case, members: Practices, site: str) -> Ruling:
    known = _newest(case, site)
    used = [known[one] for one in members.practices if one in known and number(known[one].statement["value"])]
    if used:
        words = ", ".join(one.statement["category"].replace("_", " ") for one in used)
        text = f"{site}: {words}."
        return failed(text, *(one.id for one in used), since=used[0].time[:10]).about(site)
    if all(one in known for one in members.practices):
        text = f"None of the practices ruled out is used at {site}."
        return passed(text, *(known[one].id for one in members.practices)).about(site)
    visits = [one for one in visits_of(case, site) if one[1].mercury is not None]
    dataset, last = max(visits, key=lambda one: one[1].visited_on, default=("", None))
    if last is not None and not last.mercury and days_between(last.visited_on, case.today) <= members.days:
        text = f"A visit to {site} on {last.visited_on} found no mercury in use."
        return passed(text, case.facts.sites[site].item.id, references=(dataset,)).about(site)
    text = f"What is done with mercury at {site} is not known."
    return case.lacking(text, f"an attestation of practices at {site}").about(site)


class Retort(Members):
    """category of mercury used with a retort."""

    category: str


@check
def mercury_plan(case: Case, members: Retort) -> Ruling:
    """Mercury is used, with a retort, only in a country that has a national action plan."""
    found = (_plan(case, members, site) for site in mines_of(case) if _by_hand(case, site))
    return worst(found, nothing=inapplicable(_NONE))


def _plan(case: Case, members: Retort, site: str) -> Ruling:
    snapshot = case.reference("minamata")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    country, today = case.facts.sites[site].body["country"], case.today
    facts = [row for row in snapshot.rows if row.country == country and row.start <= today]
    standing = max(facts, key=lambda row: row.start).status if facts else "no party"
    used = _newest(case, site).get(members.category)
    told, text = ("minamata",), f"{country} is: {standing.replace('_', ' ')}."
    if used is None or not number(used.statement["value"]):
        return passed(text, case.facts.sites[site].item.id, references=told).about(site)
    text = f"Mercury is used with a retort at {site}; {text}"
    if standing == "action_plan":
        return passed(text, used.id, references=told).about(site)
    return flagged(text, used.id, since=used.time[:10], references=told).about(site)


class Monitored(Members):
    """categories: any of which counts; days: since it was measured; method: of mining that is asked, "" for all."""

    categories: Annotated[list[str], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=3660)]
    method: str = ""


@check
def monitored(case: Case, members: Monitored) -> Ruling:
    """Results of monitoring in a category are on file for every mine, and not too old."""
    sites = [one for one in mines_of(case) if not members.method or _method(case, one) == members.method]
    return worst((_monitored(case, members, site) for site in sites), nothing=inapplicable(_NONE))


def _method(case: Case, site: str) -> str:
    extracts = case.facts.extracts(site)
    return str(extracts[-1].body["method"] if extracts else case.facts.sites[site].body.get("method") or "")


def _monitored(case: Case, members: Monitored, site: str) -> Ruling:
    known = [one for category, one in _newest(case, site).items() if category in members.categories]
    words = members.categories[0].replace("_", " ")
    if not known:
        return case.lacking(f"No monitoring of {words} at {site} is on file.", f"{words} at {site}").about(site)
    last = max(known, key=lambda one: (one.time, one.index))
    if days_between(last.time, case.today) > members.days:
        text = f"{words.title()} at {site} was last measured on {last.time[:10]}."
        return case.lacking(text, f"newer results of {words} at {site}", evidence=[last.id]).about(site)
    text = f"{words.title()} at {site} was measured on {last.time[:10]}: {last.statement['value']}."
    return passed(text, last.id).about(site)


class Radioactive(Members):
    """limit in Bq/g; uranium, thorium: Bq per g of the pure element; documents: kinds that declare the class."""

    limit: Decimal
    uranium: Decimal
    thorium: Decimal
    documents: list[str]


@check
def radioactivity_declared(case: Case, members: Radioactive) -> Ruling:
    """Lots that are radioactive beyond the limit travel with their class declared."""
    lots = [lot for lot in case.facts.lots.values() if not lot.edges or lot.id == case.facts.subject]
    assays = [one for one in case.attested("assay", *(lot.id for lot in lots)) if _radioactive(one)]
    if not assays:
        return case.lacking("No assay states uranium and thorium.", "an assay of U and Th")
    return worst(_declared(case, members, one) for one in assays)


def _radioactive(item: Item) -> dict[str, Fraction]:
    """Uranium and thorium of an assay in shares of dry mass, {} unless both are stated."""
    said = item.statement
    found = {}
    for analyte, grade in {**said["grades"], **said.get("impurities", {})}.items():
        element, factor = parse_analyte(analyte)
        if element in ("U", "Th"):
            found[element] = number(grade["value"]) / 100 * Fraction(factor, 10**6)
    return found if len(found) == 2 else {}


def _declared(case: Case, members: Radioactive, item: Item) -> Ruling:
    held = _radioactive(item)
    activity = held["U"] * number(members.uranium) + held["Th"] * number(members.thorium)
    text = f"{', '.join(item.about[:3])}: {show(activity)} Bq/g, {members.limit} is the limit."
    if activity <= number(members.limit):
        return passed(text, item.id, activity=show(activity)).about(*item.about)
    lots = set(item.about)
    for hop in case.facts.hops:
        papers = {one["kind"] for one in hop.dispatch.body.get("documents", ())}
        if lots & set(hop.sent) and not papers & set(members.documents):
            text += " It travelled without its class being declared."
            since = hop.dispatch.time[:10]
            return failed(text, item.id, hop.dispatch.id, since=since, activity=show(activity)).about(*item.about)
    return passed(f"{text} Its class is declared.", item.id, activity=show(activity)).about(*item.about)


class NoMembers(Members):
    """A check without parameters."""


@check
def footprint_has_method(case: Case, members: NoMembers) -> Ruling:
    """A carbon footprint that is claimed names its method and boundary, and somebody else stands behind it."""
    claimed = case.facts.attestations("footprint", *case.facts.subjects)
    if not claimed:
        return inapplicable("No carbon footprint is claimed.")
    found = case.competent(claimed)
    if not found:
        return case.lacking_attestation("footprint", *case.facts.subjects)
    last = found[-1]
    said = last.statement
    return passed(f"{said['kg_co2e_per_kg']} kg CO2e per kg by {said['method']}, {said['boundary']}.", last.id)
