"""Checks of the data points that upstream companies collect and pass on (OECD guidance, 3T Supplement, Step 1).

Mine of origin, what was dug when and how, places, people, routes, papers of export and import, and
what the smelter had on file when it took the lot.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from ledger.rules.case import Case, days_between, seconds_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.claims import NoMembers, element_of, mine_shares, percent
from ledger.rules.checks.exposure import party_windows
from ledger.rules.checks.integrity import custody_records
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.targets import smelter_receipts
from ledger.rules.facts import Hop
from ledger.rules.items import Item
from ledger.rules.origins import ACCOUNT_MODELS
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst


@check
def mine_coverage(case: Case, members: NoMembers) -> Ruling:
    """The mine of origin is known for all of the material, by mass of contained metal."""
    facts = case.facts
    if facts.lot is None:
        return inapplicable("Applies to a lot.")
    account = next((lot for lot in facts.lots.values() if lot.model in ACCOUNT_MODELS), None)
    if account is not None:
        text = f"Lot '{account.id}' was made under {account.model}: such material supports no mine of origin."
        return case.lacking(text, "material kept segregated", evidence=[account.made_by.id], percent="0")
    shares = dict(mine_shares(case, element_of(case, facts.lot)))
    records = tuple(dict.fromkeys(mined.record for mined in facts.mined.values()))
    known = percent(1 - shares.pop("", Fraction(0)))
    if known != "100":
        text = f"The mine of origin is known for {known} % of the material."
        return case.lacking(text, "the records of every lot upstream", evidence=records, percent=known)
    return passed(f"All of it comes from {', '.join(shares)}.", *records, percent=known)


@check
def extraction_described(case: Case, members: NoMembers) -> Ruling:
    """Quantity, dates and method of mining are on record for every lot that was mined."""
    lots = [lot for lot in case.facts.lots.values() if lot.is_mined]
    rulings = []
    for item in dict.fromkeys(lot.made_by.id for lot in lots):
        body = case.facts.items[item].body
        period = f"{body['period']['from'][:10]} to {body['period']['to'][:10]}"
        text = f"'{body['site']}' dug {len(body['lots'])} lots from {period}, {body['method'].replace('_', ' ')}."
        rulings.append(passed(text, item))
    nothing = case.lacking("No extraction is on file.", "the record of extraction with quantity, dates and method")
    return worst(rulings, nothing=nothing)


class Routes(Members):
    """gap: hours after the arrival that was expected for which nothing needs to be known of a consignment."""

    gap: Annotated[int, Field(ge=0, le=2400)] = 24


@check
def routes_known(case: Case, members: Routes) -> Ruling:
    """Each consignment's route is on record, and no stretch of it is unexplained."""
    rulings = [_route(case, hop, members.gap) for hop in case.facts.hops]
    return worst(rulings, nothing=inapplicable("No lot of this chain was moved between custodians."))


def _route(case: Case, hop: Hop, gap: int) -> Ruling:
    facts, body, lots = case.facts, hop.dispatch.body, tuple(hop.sent)
    day = hop.dispatch.time[:10]
    start, end = (facts.sites[body[one]].body["country"] for one in ("from", "to"))
    if start != end and not body["transport"].get("route"):
        text = f"No place on the way from {start} to {end} is given for the consignment of {day}."
        return case.lacking(text, "the route with its places and countries", evidence=[hop.dispatch.id]).about(*lots)
    seen = sorted(
        (one.statement["at"], one.id)
        for one in facts.attestations("checkpoint", *lots)
        if one.statement["at"] >= hop.dispatch.time
    )
    arrived = (hop.receive.time, hop.receive.id) if hop.receive else (facts.valid_as_of, hop.dispatch.id)
    points = [(hop.dispatch.time, hop.dispatch.id), *(one for one in seen if one[0] <= arrived[0]), arrived]
    for before, after in pairwise(points):
        since = max(before[0], body["expected"])
        lost = seconds_between(since, after[0])
        if lost > gap * 3600:
            text = f"Nothing is known of the consignment of {day} for {lost // 3600} hours after it was expected."
            return failed(text, *dict.fromkeys((before[1], after[1])), since=since).about(*lots)
    return passed(f"The consignment of {day} went by {body['transport']['mode']}.", *hop.evidence).about(*lots)


@check
def crossings_documented(case: Case, members: NoMembers) -> Ruling:
    """Each crossing of a border has its export declaration and, once received, its import declaration, with digests."""
    facts = case.facts
    rulings = []
    for hop in facts.hops:
        start, end = (facts.sites[hop.dispatch.body[one]].body["country"] for one in ("from", "to"))
        if start != end:
            kinds = ("export", "import") if hop.accepted else ("export",)
            rulings += [_declared(case, hop, kind) for kind in kinds]
    return worst(rulings, nothing=inapplicable("No lot of this chain was dispatched over a border."))


def _declared(case: Case, hop: Hop, kind: str) -> Ruling:
    lots = tuple(hop.sent)
    found = case.attested(kind, *lots)
    if not found:
        return case.lacking_attestation(kind, *lots, of=f"the consignment of {hop.dispatch.time[:10]}").about(*lots)
    papers = [one for one in found if any(paper.get("digest") for paper in one.body.get("documents", ()))]
    if not papers:
        return case.concealed(found[-1], "digest of the document", f"the {kind} declaration").about(*lots)
    return passed(f"The {kind} declaration of {papers[-1].time[:10]} is on file.", papers[-1].id).about(*lots)


# ---- people ---------------------------------------------------------------------------------------------------------


class Owners(Members):
    """roles: whose owners must be known; max_age: days since enrolment; affiliations that are a red flag."""

    roles: Annotated[list[str], Field(min_length=1)]
    max_age: Days = 365
    affiliations: list[str]


@check
def owners_known(case: Case, members: Owners) -> Ruling:
    """Owners, officers and their affiliations of those who export are on record, recent, and without political ties."""
    facts = case.facts
    rulings = []
    for party in facts.handlers:
        known = facts.parties.get(party)
        if known and set(known.body["roles"]) & set(members.roles):
            rulings.append(_owned(case, party, known.item, members))
    return worst(rulings, nothing=case.lacking("No exporter of this chain is known.", "the exporter's enrolment"))


def _owned(case: Case, party: str, item: Item, members: Owners) -> Ruling:
    owners = item.body.get("owners")
    if not owners:
        return case.concealed(item, "owners", party).about(party)
    tied = [one for one in owners if one.get("affiliation", "none") in members.affiliations]
    if tied:
        words = ", ".join(sorted({one["affiliation"] for one in tied}))
        return flagged(f"Owners or officers of {party} have ties: {words}.", item.id, since=item.time).about(party)
    days = party_windows(case)
    last = days[party].end if party in days else case.today
    if days_between(item.time, last) > members.max_age:
        text = (
            f"What is on record of the owners of {party} is of {item.time[:10]}: more than {members.max_age} days old."
        )
        return case.lacking(text, f"the owners of {party} as they are now", evidence=[item.id]).about(party)
    return passed(f"{len(owners)} owners and officers of {party} are on record.", item.id).about(party)


# ---- the smelter's file ---------------------------------------------------------------------------------------------


@check
def smelter_had_file(case: Case, members: NoMembers) -> Ruling:
    """When the smelter took a lot, the records of the chain up to it were in the log: a register that keeps itself."""
    rulings = [_on_file(case, hop, receive) for hop, receive in smelter_receipts(case.facts)]
    return worst(rulings, nothing=inapplicable("No smelter has received any of it."))


def _on_file(case: Case, hop: Hop, receive: Item) -> Ruling:
    before = [one for one in custody_records(case) if one.time < receive.time and one.index != receive.index]
    late = [one for one in before if one.index > receive.index]
    smelter = receive.issuer
    if late:
        text = f"{len(late)} records of what happened before were not there when {smelter} took the lots."
        return case.lacking(text, "the chain's records before the purchase", evidence=[one.id for one in late])
    text = f"{smelter} had all {len(before)} records of the chain when it took the lots."
    return passed(text, receive.id, *(one.id for one in before)).about(*hop.sent)
