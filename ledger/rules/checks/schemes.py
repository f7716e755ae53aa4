"""Checks of a tagging scheme (ITSCI): two levels of tags, logbook, allocation, incidents, and where it runs.

They apply where a lot of the chain carries a tag of the scheme. A tag proves that a bag got a tag:
these rules ask whether the scheme was kept, the fraud rules whether the quantities can be true.
"""

from __future__ import annotations

from typing import Any, Final

from ledger.custody.vocabulary import Code
from ledger.rules.case import Case, days_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.tags import in_range
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.reference.rows import SchemeCoverage
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_SMELTING: Final = ("smelt", "refine")


class Scheme(Members):
    """scheme: as tags, allocations and the list of coverage name it (case does not matter)."""

    scheme: Code


def _numbers(lot: LotFacts, scheme: str) -> list[str]:
    """The numbers of a lot's tags of the scheme."""
    tags = (tag.partition(":") for tag in lot.tags)
    return [number for name, _, number in tags if name.lower() == scheme.lower()]


def _of_scheme(case: Case, members: Scheme) -> list[LotFacts] | Ruling:
    """Mined lots with a tag of the scheme."""
    lots = [one for one in case.facts.lots.values() if one.is_mined and _numbers(one, members.scheme)]
    return lots or inapplicable(f"No lot of the chain was tagged by {members.scheme} at its mine.")


@check
def scheme_tags_linked(case: Case, members: Scheme) -> Ruling:
    """Mined lots carry tags; where lots are put together, inputs are tagged and outputs get tags of their own."""
    lots = _of_scheme(case, members)
    if isinstance(lots, Ruling):
        return lots
    mined = passed(f"{len(lots)} mined lots carry tags of {members.scheme}.", *_makers(lots))
    bare = [one for one in case.facts.lots.values() if one.is_mined and not one.tags]
    if bare:
        text = f"{len(bare)} mined lots of the chain have no tag, first '{bare[0].id}'."
        mined = case.lacking(text, "the tags of these lots", evidence=_makers(bare))
    steps = [one for one in case.facts.transforms if one.body["process"] not in _SMELTING]
    return worst((mined, *(_linked(case, one) for one in steps)))


def _makers(lots: list[LotFacts]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.made_by.id for one in lots))


def _linked(case: Case, step: Item) -> Ruling:
    facts, day = case.facts, step.time[:10]
    bare = [one["lot"] for one in step.body["inputs"] if not facts.lots[one["lot"]].tags]
    if bare:
        text = f"Lots were put together on {day} without tags on what went in, first '{bare[0]}'."
        return failed(text, step.id, since=day).about(*bare)
    new = [one["id"] for one in step.body["outputs"] if one["id"] in facts.lots and not one.get("tags")]
    if new:
        return failed(f"'{new[0]}' was put together on {day} and got no tag.", step.id, since=day).about(*new)
    return passed(f"The lots of {day} are linked to the tags that went in.", step.id)


@check
def scheme_logbook_kept(case: Case, members: Scheme) -> Ruling:
    """The logbook of each tagged lot: tag, date, mineral, weight, site, producer, agent and receiver."""
    lots = _of_scheme(case, members)
    return lots if isinstance(lots, Ruling) else worst(_logged(case, one) for one in lots)


def _logged(case: Case, lot: LotFacts) -> Ruling:
    """Tag, date, mineral, weight and site stand in every extract; who dug, who tagged and who took it may not."""
    extract = lot.made_by
    if not extract.body.get("team"):
        return case.concealed(extract, "team", f"the extraction of {lot.id}").about(lot.id)
    site = extract.body["site"]
    agents = case.facts.attestations("tag_allocation", site)
    if not agents:
        return case.lacking(f"Who tags at {site} is not on file.", f"the tag allocation of {site}").about(lot.id)
    hops = [hop for hop in case.facts.hops if lot.id in hop.got]
    if not hops:
        return case.lacking(f"Nobody received '{lot.id}'.", f"the receipt of {lot.id}", evidence=[extract.id]).about(
            lot.id
        )
    text = f"'{lot.id}': dug at {site}, tagged under {agents[-1].issuer}, received by {hops[0].consignee}."
    return passed(text, extract.id, *hops[0].evidence).about(lot.id)


@check
def scheme_tags_allocated(case: Case, members: Scheme) -> Ruling:
    """Tags were given to the mine at which they were used, and no more were used than given."""
    lots = _of_scheme(case, members)
    if isinstance(lots, Ruling):
        return lots
    sites = dict.fromkeys(one.made_by.body["site"] for one in lots)
    given = [
        one
        for one in case.competent(case.facts.attestations("tag_allocation"))
        if one.statement["scheme"].lower() == members.scheme.lower()
    ]
    return worst(
        (*(_given(case, members, one, given) for one in lots), *(_used(case, members, s, given) for s in sites))
    )


def _given(case: Case, members: Scheme, lot: LotFacts, given: list[Item]) -> Ruling:
    site = lot.made_by.body["site"]
    for number in _numbers(lot, members.scheme):
        ranges = [one for one in given if in_range(number, one.statement["first"], one.statement["last"])]
        if not ranges:
            text = f"Nothing says to which mine tag {number} on '{lot.id}' was given."
            return case.lacking(text, f"the allocation of tag {number}", evidence=[lot.made_by.id]).about(site)
        if all(one.statement["site"] != site for one in ranges):
            text = f"Tag {number} was given to {ranges[-1].statement['site']} and used at {site}."
            day = lot.made_by.time[:10]
            return failed(text, ranges[-1].id, lot.made_by.id, since=day).about(site, ranges[-1].statement["site"])
    records = dict.fromkeys(one.id for one in given if one.statement["site"] == site)
    return passed(f"The tags used at {site} were given to it.", *records).about(site)


def _used(case: Case, members: Scheme, site: str, given: list[Item]) -> Ruling:
    """Tags used in all extracts of the mine on file, against what was given to it."""
    used = [
        tag["number"]
        for extract in case.facts.extracts(site)
        for lot in extract.body["lots"]
        for tag in lot.get("tags", ())
        if tag["scheme"].lower() == members.scheme.lower()
    ]
    own = [one for one in given if one.statement["site"] == site]
    allowed = sum(one.statement["count"] for one in own)
    if own and len(set(used)) > allowed:
        text = f"{len(set(used))} tags were used at {site}, {allowed} were given to it."
        return failed(text, *(one.id for one in own), since=case.today, used=len(set(used)), given=allowed).about(site)
    return inapplicable(f"{len(set(used))} of the {allowed} tags given to {site} were used.")


class Watched(Scheme):
    """max_age: days within which somebody independent must have looked at each mine."""

    max_age: Days


@check
def scheme_incidents_closed(case: Case, members: Watched) -> Ruling:
    """The scheme's monitors looked at each mine, and no incident that they opened is left open."""
    lots = _of_scheme(case, members)
    if isinstance(lots, Ruling):
        return lots
    sites = dict.fromkeys(one.made_by.body["site"] for one in lots)
    concerned = {*case.facts.lots, *case.facts.chain_sites, *case.facts.handlers}
    open_ones = [one for one in case.facts.incidents if one.status != "closed" and concerned & set(one.first.about)]
    flags = [
        flagged(
            f"An incident of {one.first.time[:10]} ({one.category}) is not closed.",
            *one.evidence,
            since=one.first.time[:10],
        ).about(*one.first.about)
        for one in open_ones
    ]
    return worst((*flags, *(_looked(case, members, site) for site in sites)))


def _looked(case: Case, members: Watched, site: str) -> Ruling:
    looks = [*case.attested("inspection", site), *case.attested("observation", site), *case.attested("audit", site)]
    recent = [one for one in looks if days_between(one.time, case.today) <= members.max_age]
    if not recent:
        text = f"Nobody independent looked at {site} within {members.max_age} days: no incident on file proves nothing."
        return case.lacking(text, f"a visit to {site}", evidence=[one.id for one in looks]).about(site)
    return passed(f"{site} was looked at on {recent[-1].time[:10]}.", recent[-1].id).about(site)


@check
def scheme_in_force(case: Case, members: Scheme) -> Ruling:
    """The scheme ran at each mine when it was dug, and for each party when it handed lots over."""
    lots = _of_scheme(case, members)
    if isinstance(lots, Ruling):
        return lots
    listed = case.reference("scheme_coverage")
    if isinstance(listed, Ruling):
        return listed
    rows = [row for row in listed.rows if row.scheme.lower() == members.scheme.lower()]
    return worst((*(_ran(case, members, one, rows) for one in lots), *_suspended(case, members, rows)))


def _ran(case: Case, members: Scheme, lot: LotFacts, rows: list[SchemeCoverage]) -> Ruling:
    site, evidence = lot.made_by.body["site"], lot.made_by.id
    place, day = case.facts.sites[site].body, lot.made_by.body["period"]["to"][:10]
    territory = _territory(case, place)
    there = [row for row in rows if not row.participant and _holds(row, day) and _may_lie(row, place, territory)]
    stopped = [row for row in there if row.status != "covered"]
    certain = [row for row in stopped if row.territory in ("", territory)]
    where = f"{site} in {place['subdivision']}"
    if certain:
        text = f"{members.scheme} was {certain[-1].status} for {where} on {day} ({certain[-1].act})."
        return failed(text, evidence, since=day, references=["scheme_coverage"]).about(site)
    if stopped:
        text = f"{members.scheme} was {stopped[-1].status} in {stopped[-1].territory} on {day}; does {site} lie there?"
        return case.lacking(text, f"the territory of {site}, by the register of mine sites", evidence=[evidence]).about(
            site
        )
    if not any(row.territory in ("", territory) for row in there):
        text = f"The list does not say whether {members.scheme} ran at {where} on {day}."
        return case.lacking(text, f"the coverage of {site}", evidence=[evidence]).about(site)
    return passed(f"{members.scheme} ran at {where} on {day}.", evidence, references=["scheme_coverage"]).about(site)


def _territory(case: Case, place: dict[str, Any]) -> str:
    """The territory of a mine by the register of mine sites, "" when it does not say."""
    register = case.reference("icglr_sites")
    rows = register.rows if isinstance(register, Snapshot) else ()
    names = {place["id"], place.get("national_id")} - {None}
    return next((row.territory for row in rows if row.site in names or row.national_id in names), "")


def _holds(row: SchemeCoverage, day: str) -> bool:
    return row.start <= day and (not row.end or day <= row.end)


def _may_lie(row: SchemeCoverage, place: dict[str, Any], territory: str) -> bool:
    """Whether a place lies in the area of a row, or may: not every register knows territories."""
    if row.country != place["country"] or row.subdivision not in ("", place["subdivision"]):
        return False
    return not row.territory or territory in ("", row.territory)


def _suspended(case: Case, members: Scheme, rows: list[SchemeCoverage]) -> list[Ruling]:
    """Handovers by parties for whom the scheme was suspended or withdrawn on that day."""
    parties = case.facts.parties
    names = {one: {one, parties[one].body.get("name")} for one in case.facts.handlers if one in parties}
    found = []
    for hop in case.facts.hops:
        day = hop.dispatch.time[:10]
        for row in rows:
            if (
                row.participant
                and row.status != "covered"
                and _holds(row, day)
                and row.participant in names.get(hop.consignor, ())
            ):
                text = f"{members.scheme} was {row.status} for {hop.consignor} on {day} ({row.act})."
                ruling = failed(text, hop.dispatch.id, since=day, references=["scheme_coverage"])
                found.append(ruling.about(hop.consignor))
    return found
