"""Checks of the records themselves: signatures, chain, both sides, corrections, dates, keeping, privacy.

Every record was judged by the custody rules when the log took it, and is again when the evidence is
replayed; what they refuse is no accident but a record that should not exist. Catalogue section 1.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ledger.errors import AuthenticityError, TimeAhead, TimeBefore, UnknownRecord, UnknownSubject
from ledger.rules.case import Case, days_between, seconds_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.claims import NoMembers
from ledger.rules.checks.figures import once
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop, Refusal
from ledger.rules.items import Item
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst

_DATES: Final = (TimeAhead, TimeBefore)
_ABSENT: Final = (UnknownSubject, UnknownRecord)
Hours = Annotated[int, Field(ge=0, le=8760)]


def custody_records(case: Case) -> list[Item]:
    """The records that made and moved the lots of the chain, in log order."""
    return once(case, "integrity.custody", lambda: _custody_records(case))


def _custody_records(case: Case) -> list[Item]:
    facts = case.facts
    chain = {record for lot in facts.lots.values() for record in lot.records}
    return sorted((facts.items[one] for one in chain if one in facts.items), key=lambda one: one.index)


def ids(items: list[Item]) -> tuple[str, ...]:
    """Record ids."""
    return tuple(one.id for one in items)


def refused(case: Case, *, dates: bool = False, keys: bool = False) -> list[Refusal]:
    """Records that the replay refuses: for their dates, for their keys, or (neither) for anything else."""
    kinds = _DATES if dates else (AuthenticityError,)
    both = (*_DATES, AuthenticityError)
    chosen = [one for one in case.facts.refusals if isinstance(one.error, kinds if dates or keys else both)]
    return chosen if dates or keys else [one for one in case.facts.refusals if one not in chosen]


def _refusals(found: list[Refusal]) -> list[Ruling]:
    return [
        failed(f"A {item.type} of {item.time[:10]} is refused: {error.message}", item.id, since=item.time)
        for item, error in found
    ]


@check
def signatures_bound(case: Case, members: NoMembers) -> Ruling:
    """Each record is signed by a key that was its signer's and in force, and each signer was identified."""
    facts = case.facts
    rulings = _refusals(refused(case, keys=True))
    rulings += _stolen_keys(case)
    for party in facts.handlers:
        known = facts.parties.get(party)
        if known is None or known.item.grade < Grade.COUNTERSIGNED:
            text = f"Nobody but '{party}' itself says who '{party}' is."
            held = [known.item.id] if known else []
            rulings.append(case.lacking(text, f"enrolment of {party} by somebody else", evidence=held))
        else:
            rulings.append(passed(f"The registrar enrolled {party}.", known.item.id))
    return worst(rulings, nothing=case.lacking("No record of custody is on file.", "the chain's records"))


def _stolen_keys(case: Case) -> list[Ruling]:
    """Records signed with a key after it was lost or stolen, though before that was reported."""
    rulings = []
    for key in case.facts.items.values():
        if key.type != "key" or key.body["action"] != "revoke" or key.body["reason"] not in ("lost", "stolen"):
            continue
        for one in custody_records(case):
            if one.kid == key.body["kid"] and one.time > key.time:
                text = f"The {one.type} of {one.time} is signed with a key that was {key.body['reason']} on {key.time}."
                rulings.append(failed(text, one.id, key.id, since=one.time).about(one.issuer))
    return rulings


@check
def chain_unbroken(case: Case, members: NoMembers) -> Ruling:
    """Every record builds on the head before it, none is refused, none is missing."""
    facts = case.facts
    other = refused(case)
    absent = [one for one in other if isinstance(one.error, _ABSENT)]
    rulings = _refusals([one for one in other if one not in absent])
    for one in absent:
        text = f"A {one.item.type} of {one.item.time[:10]} builds on what is not shown: {one.error.message}"
        rulings.append(case.lacking(text, "the records that it builds on", evidence=[one.item.id]))
    if facts.hidden:
        text = f"{len(facts.hidden)} records that the chain builds on are shown by hash only."
        rulings.append(case.lacking(text, "leave to see all records of the chain"))
    records = custody_records(case)
    if records:
        rulings.append(passed(f"All {len(records)} records of the chain link up.", *ids(records)))
    return worst(rulings, nothing=case.lacking("No record of custody is on file.", "the chain's records"))


class BothSigned(Members):
    """days: how long a dispatch may wait for the consignee's signature."""

    days: Days = 14


@check
def both_sides_signed(case: Case, members: BothSigned) -> Ruling:
    """Giver and receiver both signed each handover, and agree on what arrived."""
    rulings = [_both(case, hop, members.days) for hop in case.facts.hops]
    for lot in case.facts.lots.values():
        if lot.status == "disputed":
            text = f"What the consignee of '{lot.id}' measured differs from what was sent, and they have not settled."
            rulings.append(failed(text, lot.records[-1], since=case.facts.items[lot.records[-1]].time).about(lot.id))
    return worst(rulings, nothing=inapplicable("No lot of this chain was handed over."))


def _both(case: Case, hop: Hop, days: int) -> Ruling:
    lots = tuple(hop.sent)
    if hop.receive is None:
        waited = days_between(hop.dispatch.time, case.facts.valid_as_of)
        if waited <= days:
            return inapplicable(f"The consignment of {hop.dispatch.time[:10]} is on its way.")
        text = f"{hop.consignee} has not signed for the consignment of {hop.dispatch.time[:10]} for {waited} days."
        return case.lacking(text, f"the receipt of {hop.consignee}", evidence=[hop.dispatch.id]).about(*lots)
    if not hop.accepted:
        return inapplicable(f"The consignment of {hop.dispatch.time[:10]} was refused: custody did not change.")
    return passed(f"{hop.consignor} and {hop.consignee} both signed.", *hop.evidence).about(*lots)


# ---- corrections ----------------------------------------------------------------------------------------------------

_SHARED: Final = {
    "extract": frozenset(("period", "method", "workers")),
    "dispatch": frozenset(("transport", "documents", "expected")),
    "receive": frozenset(("seals",)),
    "transform": frozenset(("losses",)),
}
"""Members on which the counterparty relies once it holds the lot."""


@check
def corrections_agreed(case: Case, members: NoMembers) -> Ruling:
    """What others relied on was corrected only with the signature of somebody who relied on it."""
    facts = case.facts
    chain = {record for lot in facts.lots.values() for record in lot.records}
    found = [one for one in facts.items.values() if one.type == "correct" and one.body["record"] in chain]
    return worst((_agreed(case, one) for one in found), nothing=inapplicable("No record of the chain was corrected."))


def _agreed(case: Case, correction: Item) -> Ruling:
    facts = case.facts
    target = facts.items[correction.body["record"]]
    shared = sorted(_SHARED.get(target.type, frozenset()).intersection(correction.body["replace"]))
    affected = _relying(case, correction, target)
    if not shared or not affected:
        return passed(f"The {target.type} was corrected where nobody else relied on it.", correction.id)
    later = [one for one in facts.items.values() if one.index > correction.index and one.issuer in affected]
    for one in later:
        named = {about["record"] for about in one.body.get("about", ()) if isinstance(about, dict)}
        if correction.id in named or _moves(one, correction):
            return passed(f"{one.issuer} signed over the correction of {correction.time[:10]}.", correction.id, one.id)
    text = (
        f"{correction.issuer} corrected {', '.join(shared)} of its {target.type} after {', '.join(sorted(affected))} "
        "relied on it, and none of them has signed over it."
    )
    return failed(text, target.id, correction.id, since=correction.time).about(*correction.about)


def _relying(case: Case, correction: Item, target: Item) -> set[str]:
    """Others who signed for the lots after the record and before its correction."""
    return {
        one.issuer
        for one in custody_records(case)
        if target.index < one.index < correction.index and one.issuer != correction.issuer and _moves(one, correction)
    }


def _moves(one: Item, correction: Item) -> bool:
    """Whether a custody record moved a lot on from the head that the correction made."""
    return one.type not in ("attest", "incident") and bool(set(one.about) & set(correction.about))


# ---- dates ----------------------------------------------------------------------------------------------------------


class Ordered(Members):
    """hours: tolerance of the signers' clocks."""

    hours: Hours = 2


@check
def dates_ordered(case: Case, members: Ordered) -> Ruling:
    """No record is signed before what it tells of, and nothing is used before it exists."""
    limit = members.hours * 3600
    rulings = _refusals(refused(case, dates=True))
    records = custody_records(case)
    for one in records:
        early = seconds_between(one.signed, one.time)
        if early > limit:
            text = f"A {one.type} was signed {early // 3600} hours before it is said to have happened ({one.time})."
            rulings.append(failed(text, one.id, since=one.signed).about(*one.about))
        if one.type == "extract":
            start, end = one.body["period"]["from"], one.body["period"]["to"]
            if start > end or (end[:10] > one.time[:10] and seconds_between(one.time, end) > limit):
                text = f"An extract of {one.time} tells of production from {start} to {end}."
                rulings.append(failed(text, one.id, since=one.time).about(*one.about))
    if records:
        rulings.append(passed(f"The dates of all {len(records)} records follow one another.", *ids(records)))
    return worst(rulings, nothing=case.lacking("No record of custody is on file.", "the chain's records"))


# ---- keeping and privacy --------------------------------------------------------------------------------------------


@check
def anchored(case: Case, members: NoMembers) -> Ruling:
    """The log's root is anchored in a public chain before the claim."""
    return case.lacking(
        "A verdict rests on records, and an anchor is none: verifying the bundle shows whether the log is anchored.",
        "an anchor that covers the chain's records",
    )


class Kept(Members):
    """years: how long records are kept."""

    years: Annotated[int, Field(ge=1, le=100)] = 5


@check
def records_kept(case: Case, members: Kept) -> Ruling:
    """Every record of the chain that is younger than this is still there in full."""
    start = f"{int(case.today[:4]) - members.years}{case.today[4:]}"
    if case.facts.hidden:
        text = f"{len(case.facts.hidden)} records are shown by hash only: whether they are kept cannot be seen."
        return case.lacking(text, "all records of the chain in full")
    records = [one for one in custody_records(case) if one.time[:10] >= start]
    if not records:
        return inapplicable(f"No record of this chain is younger than {members.years} years.")
    return passed(f"All {len(records)} records of the chain since {records[0].time[:10]} are kept.", *ids(records))


@check
def nobody_exposed(case: Case, members: NoMembers) -> Ruling:
    """No name of a miner, driver or informant, and no account of an incident, stands in the log in plain sight."""
    facts = case.facts
    everything = [
        one
        for one in (*facts.items.values(), *(refusal.item for refusal in facts.refusals))
        if not facts.subjects.isdisjoint(one.about)
    ]
    shown = [one for one in everything if one.exposed]
    if shown:
        return worst(
            failed(
                f"A {one.kind or one.type} of {one.time[:10]} shows {', '.join(one.exposed)} to everybody.",
                one.id, since=one.logged,
            ).about(*one.about)
            for one in shown
        )  # fmt: skip
    records = custody_records(case)
    if not records:
        return case.lacking("No record of custody is on file.", "the chain's records")
    return passed(f"None of {len(everything)} records of the chain exposes anybody.", *ids(records))
