"""Red flags of suppliers: ties of ownership, and where they took minerals from in the year before.

Ownership is what the register holds; names are compared folded, and a namesake is for a person to
look at. What a supplier did outside of this evidence is not known here: silence is no history.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger.rules.case import Case, add_days
from ledger.rules.checks.attested import Days
from ledger.rules.checks.exposure import Window, party_windows
from ledger.rules.checks.figures import once
from ledger.rules.checks.red_flags import LIST, TRANSIT, own_assessment, suspect_countries, with_references
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.reference.cahra import find_areas
from ledger.rules.reference.french import fold
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, flagged, inapplicable, passed, worst


def red_countries(case: Case) -> set[str] | Ruling:
    """Countries with listed areas, and countries of transit for the materials of the claim."""
    listed, transit = case.reference(LIST), case.reference(TRANSIT)
    if isinstance(listed, Ruling) or isinstance(transit, Ruling):
        return worst(one for one in (listed, transit) if isinstance(one, Ruling))
    names = {*case.back.materials, *(lot.mineral for lot in case.facts.lots.values())}
    return {row.country for row in listed.rows} | suspect_countries(transit, case.today, names)


class Interests(Members):
    """depth: links of ownership that are followed."""

    depth: Annotated[int, Field(ge=1, le=10)] = 3


@check
def supplier_interests(case: Case, members: Interests) -> Ruling:
    """No supplier is tied by ownership to a company outside of this chain in a place of red flags."""
    red = red_countries(case)
    if isinstance(red, Ruling):
        return red
    rulings = [_interests(case, members, party, red) for party in party_windows(case)]
    return worst(rulings, nothing=inapplicable("Nobody held a lot here."))


def _interests(case: Case, members: Interests, party: str, red: set[str]) -> Ruling:
    facts, known = case.facts, case.facts.parties.get(party)
    if known is None:
        return case.lacking(f"'{party}' is not in the register shown.", f"the enrolment of {party}").about(party)
    if known.body.get("owners") is None:
        return case.concealed(known.item, "owners", party).about(party)
    ties, names = once(case, "red_flags.ties", lambda: _ties(case)), [LIST, TRANSIT]
    for owner in known.body["owners"]:
        if owner.get("country") in red - {known.body["country"]}:
            text = f"An owner or officer of {party} is of {owner['country']}."
            return flagged(text, known.item.id, since=known.item.time, references=names).about(party)
    for other, steps in _reach(ties, party, members.depth).items():
        body = facts.parties[other].body
        if other not in facts.handlers and body["country"] in red:
            text = f"{party} is tied to {other} in {body['country']} over {steps} links of ownership."
            records = (known.item.id, facts.parties[other].item.id)
            return flagged(text, *records, since=known.item.time, references=names).about(party)
    text = f"The owners of {party} are tied to no company in a place of red flags."
    return passed(text, known.item.id, references=names).about(party)


def _ties(case: Case) -> dict[str, set[str]]:
    """Who is tied to whom: participants by id, and names in between as `=name`."""
    ties: dict[str, set[str]] = {}
    for party, known in case.facts.parties.items():
        names = [known.body.get("name"), *(one["name"] for one in known.body.get("owners") or ())]
        for name in filter(None, names):
            node = f"={fold(name)}"
            ties.setdefault(party, set()).add(node)
            ties.setdefault(node, set()).add(party)
    return ties


def _reach(ties: dict[str, set[str]], start: str, depth: int) -> dict[str, int]:
    """Participants that can be reached over names, nearest first, with the number of links."""
    found: dict[str, int] = {}
    edge, seen = {start}, {start}
    for steps in range(1, depth + 1):
        names = {name for party in edge for name in ties.get(party, ())}
        edge = {party for name in names for party in ties[name]} - seen
        seen |= edge
        found |= dict.fromkeys(sorted(edge), steps)
    return found


class History(Members):
    """days: how far back a supplier's sourcing is looked at; assessed: how old its risk assessment may be."""

    days: Days = 365
    assessed: Days = 365


@check
def supplier_history(case: Case, members: History) -> Ruling:
    """No supplier took in minerals from a place of red flags in the twelve months before it supplied."""
    listed = case.reference(LIST)
    if isinstance(listed, Ruling):
        return listed
    suppliers = {hop.consignor: days for hop in case.facts.hops if (days := party_windows(case).get(hop.consignor))}
    rulings = [_history(case, members, party, days, listed) for party, days in suppliers.items()]
    return worst(rulings, nothing=inapplicable("Nobody supplied a lot here."))


def _history(case: Case, members: History, party: str, days: Window, listed: Snapshot) -> Ruling:
    facts, start = case.facts, add_days(days.end, -members.days)
    for item in facts.items.values():
        site = _source(item, party)
        if site in facts.sites and start <= item.time[:10] <= days.end:
            body = facts.sites[site].body
            if find_areas(listed.rows, body["country"], body["subdivision"]):
                text = f"{party} took in minerals from {body['subdivision']} on {item.time[:10]}."
                return flagged(text, item.id, since=item.time[:10], references=[LIST]).about(party)
    silent = f"No record shows that {party} sourced from a listed area since {start}."
    return with_references(own_assessment(case, members.assessed, silent, party), LIST).about(party)


def _source(item: Item, party: str) -> str:
    """The site from which a record brought minerals to a participant, "" for other records."""
    if item.type == "extract" and item.issuer == party:
        return str(item.body["site"])
    if item.type == "dispatch" and item.body["consignee"] == party:
        return str(item.body["from"])
    return ""
