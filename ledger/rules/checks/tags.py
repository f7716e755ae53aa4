"""The life of tags: allocated, applied once, ended once; and whether as many were used as could be filled.

A tag lives ISSUED -> ALLOCATED -> APPLIED -> CONSOLIDATED | REPLACED | VOID | LOST | CLOSED. Tags show
that a bag got a tag, and no more: capacity, places and bursts are what tells laundered ore.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ledger.custody.draft import tag_key
from ledger.errors import TagInUse
from ledger.rules.case import Case
from ledger.rules.checks.figures import Decimal, number, once, show
from ledger.rules.checks.places import metres_outside, place_of
from ledger.rules.checks.production import Month, mines_of, months_concerned, worker_days, workforce
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

MAX_NAMED: Final = 5
"""Tags that a sentence names; more are counted."""


class Use(NamedTuple):
    """A tag put on a lot by a record; parents: lots that the record used up."""

    tag: str
    lot: str
    record: Item
    parents: frozenset[str]


class NoMembers(Members):
    """A check without parameters."""


def uses_of(case: Case) -> dict[str, list[Use]]:
    """Every use of every tag in the evidence, in log order."""
    return once(case, "tags", lambda: _uses(case))


def _uses(case: Case) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for one in case.facts.items.values():
        if one.type in ("extract", "transform"):
            parents = frozenset(taken["lot"] for taken in one.body.get("inputs", ()))
            for lot in one.body["lots" if one.type == "extract" else "outputs"]:
                for tag in map(tag_key, lot.get("tags", ())):
                    found.setdefault(tag, []).append(Use(tag, lot["id"], one, parents))
    return found


@check
def tag_lifecycle(case: Case, members: NoMembers) -> Ruling:
    """Every tag of a mined lot was allocated to its mine before it was applied, and no tag is used twice."""
    tagged = [lot for lot in case.facts.lots.values() if lot.tags]
    if not tagged:
        return inapplicable("No lot of the chain has a tag.")
    uses = uses_of(case)
    tags = dict.fromkeys(tag for lot in tagged for tag in lot.tags)
    rulings = [*_reused([uses[tag] for tag in tags]), *_refused(case), *_ended(case, [uses[tag][0] for tag in tags])]
    rulings += [
        _allocated(case, site, [lot.id for lot in tagged if lot.made_by.body["site"] == site])
        for site in case.facts.mines()
    ]
    return worst(rulings, nothing=inapplicable("No lot of the chain that was mined has a tag."))


def _reused(series: Iterable[list[Use]]) -> Iterable[Ruling]:
    for uses in series:
        for first, again in pairwise(uses):
            if first.lot not in again.parents:
                text = f"Tag {again.tag} is on lot '{first.lot}' and on lot '{again.lot}'."
                records = (first.record.id, again.record.id)
                yield failed(text, *records, since=again.record.time[:10]).about(first.lot, again.lot)


def _refused(case: Case) -> Iterable[Ruling]:
    for refusal in case.facts.refusals:
        if isinstance(refusal.error, TagInUse):
            yield failed(refusal.error.message, refusal.item.id, since=refusal.item.time[:10])


def _ended(case: Case, uses: Iterable[Use]) -> Iterable[Ruling]:
    ends = {tag_key(one.statement["tag"]): one for one in reversed(case.facts.attestations("tag_state"))}
    for use in uses:
        end = ends.get(use.tag)
        if end is not None and end.time <= use.record.time:
            text = f"Tag {use.tag} was {end.statement['state']} before it was put on lot '{use.lot}'."
            yield failed(text, end.id, use.record.id, since=use.record.time[:10]).about(use.lot)


def _allocated(case: Case, site: str, lots: list[str]) -> Ruling:
    """Whether the tags of a mine's lots were allocated to it, before they were applied."""
    own_lots = set(lots)
    wanted = [one for uses in uses_of(case).values() for one in uses if one.lot in own_lots]
    if not wanted:
        return inapplicable(f"The lots of {site} have no tags.")
    allocations = case.attested("tag_allocation", site)
    if not allocations:
        return case.lacking_attestation("tag_allocation", site, of=site).about(site)
    own = [one for one in allocations if one.statement["site"] == site]
    outside = [use for use in wanted if not any(_covers(one, use.tag) for one in own)]
    early = [use for use in wanted if not any(_covers(one, use.tag) and one.starts <= use.record.time for one in own)]
    records = tuple(dict.fromkeys((*(one.id for one in own), *(use.record.id for use in wanted))))
    if outside:
        text = (
            f"{len(outside)} tags on lots of {site} are not of its allocation{_whose(case, outside)}: {_some(outside)}."
        )
        return failed(text, *records, since=outside[0].record.time[:10], tags=len(outside)).about(site)
    if early:
        text = f"{len(early)} tags of {site} were applied before they were allocated: {_some(early)}."
        return failed(text, *records, since=early[0].record.time[:10], tags=len(early)).about(site)
    return passed(f"{len(wanted)} tags of {site} are of its allocation.", *records, tags=len(wanted)).about(site)


def _covers(allocation: Item, tag: str) -> bool:
    """Whether a tag is of an allocation: same scheme, number in its range."""
    said = allocation.statement
    scheme, _, text = tag.partition(":")
    return scheme == said["scheme"] and in_range(text, said["first"], said["last"])


def in_range(text: str, first: str, last: str) -> bool:
    """Whether a tag number lies between two others of the same letters and length."""
    start, mine, end = _split(first), _split(text), _split(last)
    return start[:2] == mine[:2] == end[:2] and start[2] <= mine[2] <= end[2]


@lru_cache(maxsize=65536)
def _split(text: str) -> tuple[str, int, int]:
    """What stands before the digits at the end of a tag's number, how many these are, and their value."""
    digits = len(text) - len(text.rstrip("0123456789"))
    return text[: len(text) - digits], digits, int(text[len(text) - digits :] or 0)


def _whose(case: Case, outside: list[Use]) -> str:
    """Whose they are, when the evidence knows."""
    known = case.facts.attestations("tag_allocation")
    sites = {one.statement["site"] for one in known if any(_covers(one, use.tag) for use in outside)}
    return f" but of {', '.join(sorted(sites))}" if sites else ""


def _some(uses: list[Use]) -> str:
    named = ", ".join(use.tag for use in uses[:MAX_NAMED])
    return f"{named} and {len(uses) - MAX_NAMED} more" if len(uses) > MAX_NAMED else named


class Laundering(Members):
    """metres outside the mine's area at which tagging fails; rate: tags per worker-day; burst: multiple of the

    median daily number; hours before collection; least: days with tagging, to know what is usual.
    """

    metres: Annotated[int, Field(ge=0, le=100_000)]
    rate: Decimal
    burst: Decimal
    hours: Annotated[int, Field(ge=1, le=240)] = 48
    least: Annotated[int, Field(ge=3, le=60)] = 5


@check
def tags_filled_here(case: Case, members: Laundering) -> Ruling:
    """Bags are tagged at the mine, no faster than its workers can fill them, and not in bursts before collection."""
    found = [_positions(case, members, site) for site in mines_of(case)]
    for site in mines_of(case):
        for month in months_concerned(case, site):
            found += [_burn(case, members, month), _bursts(case, members, month)]
    return worst(found, nothing=inapplicable("No lot of the chain has a tag."))


def _positions(case: Case, members: Laundering, site: str) -> Ruling:
    """Where bags were when they were tagged: the checkpoints attested before they left."""
    facts = case.facts
    location = facts.sites[site].body.get("location")
    left = {lot: hop.dispatch.time for hop in reversed(facts.hops) for lot in hop.sent}
    lots = [lot.id for lot in facts.lots.values() if lot.is_mined and lot.made_by.body["site"] == site]
    for one in facts.attestations("checkpoint", *lots) if lots else ():
        place = place_of(one.statement.get("location"))
        before = [lot for lot in lots if lot in one.about and one.statement["at"] <= left.get(lot, one.statement["at"])]
        if place is None or location is None or not before:
            continue
        away = metres_outside(place, location)
        if away > members.metres:
            text = f"Bags of {site} were tagged {away} m outside of its area on {one.statement['at'][:10]}."
            return failed(text, one.id, since=one.statement["at"][:10], metres=away).about(site)
    return inapplicable(f"No bag of {site} was seen outside of its area when it was tagged.")


def _burn(case: Case, members: Laundering, month: Month) -> Ruling:
    tags = sum(len(lot.get("tags", ())) for one in month.extracts for lot in one.body["lots"])
    if not tags:
        return inapplicable(f"The lots of {month.site} have no tags.")
    days = worker_days(month, workforce(case, month.site, month.last_day), days=31)
    rate = Fraction(tags) / days if days else Fraction(tags)
    text = f"{month.site} in {month.month}: {tags} tags in {show(days, 0)} worker-days ({show(rate, 4)} each)."
    if rate > number(members.rate):
        return flagged(text, *month.records, since=month.last_day, rate=show(rate, 4)).about(month.site)
    return passed(text, *month.records, rate=show(rate, 4)).about(month.site)


def _bursts(case: Case, members: Laundering, month: Month) -> Ruling:
    """Tagging in the hours before a collection, beside the median day of the month."""
    days: Counter[int] = Counter()
    for one in month.extracts:
        days[_day(one.time)] += sum(len(lot.get("tags", ())) for lot in one.body["lots"])
    lots = {lot["id"] for one in month.extracts for lot in one.body["lots"]}
    left = sorted({_day(hop.dispatch.time) for hop in case.facts.hops if not lots.isdisjoint(hop.sent)})
    if len(days) < members.least or not left:
        return inapplicable(f"{month.site} tagged on too few days of {month.month} to see bursts.")
    span = -(-members.hours // 24)
    usual = sorted(days.values())[len(days) // 2]
    last = max(sum(days[day] for day in range(end - span + 1, end + 1)) for end in left)
    text = f"{month.site} in {month.month}: {last} tags within {members.hours} h of collection, {usual} on a usual day."
    if last > usual * number(members.burst):
        return flagged(text, *month.records, since=month.last_day, tags=last, usual=usual).about(month.site)
    return passed(text, *month.records, tags=last, usual=usual).about(month.site)


def _day(time: str) -> int:
    return date.fromisoformat(time[:10]).toordinal()
