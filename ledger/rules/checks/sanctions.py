"""Sanctions: everybody whom a chain names, and the owners behind them, held against a list.

A party whose name or owners are not shown, or a list that is stale, proves nothing.

Ownership adds up: the shares of all owners who are listed, or who are themselves owned by such to the
same limit, are summed, however many companies stand in between.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from ledger.custody.quantity import ASSAY_PLACES, format_decimal, parse_decimal
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.parties import Owner, Party, companies_by_name, enrolled, parties_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.screening import Screen
from ledger.rules.reference.spelling import tokens_of
from ledger.rules.ruling import Ruling, failed, flagged, lacking, passed, worst

Lists = Literal["un_sanctions", "ofac_sdn", "eu_sanctions"]
MAX_DEPTH: Final = 8
"""Companies between a party and an owner, at most."""


class Screening(Members):
    """dataset: the list; similar: per mille from which a name is looked at; share: % of ownership that counts as

    listed ("0": any); inclusive: whether the limit itself counts; stale_after: days.
    """

    dataset: Lists
    similar: Annotated[int, Field(ge=750, le=1000)]
    share: Percent
    inclusive: bool
    stale_after: Annotated[int, Field(ge=0, le=366)]


@check
def parties_not_listed(case: Case, members: Screening) -> Ruling:
    """Nobody whom the evidence names is on the list, nor owned by those who are."""
    listed = case.reference(members.dataset, stale_after=members.stale_after)
    if isinstance(listed, Ruling):
        return listed
    screen = Screen(case, listed, members.similar, members.stale_after)
    return worst(ruling for party in parties_of(case).values() for ruling in _judge(screen, members, party))


def _judge(screen: Screen, members: Screening, party: Party) -> list[Ruling]:
    """Everything that the list says of one party, and what keeps it from saying more."""
    rulings = [*screen.hits(party), *_owned(screen, members, party)]
    if not party.name:
        rulings.append(_hidden(screen, party, "name"))
    if party.handles and party.owners is None:
        rulings.append(_hidden(screen, party, "beneficial owners"))
    if not rulings:
        text = f"None of the parties and owners named is on the list ({members.dataset})."
        rulings.append(passed(text, *party.evidence, references=[members.dataset]))
    return rulings


def _hidden(screen: Screen, party: Party, what: str) -> Ruling:
    text, lists = f"{party.words}: {what} not shown.", [screen.listed.dataset]
    supplier = screen.case.supplier
    missing = f"{what} of {party.id}"
    return lacking(text, missing, *supplier, evidence=party.evidence, references=lists).about(*party.ids)


class Stake(NamedTuple):
    """What is listed of a party's ownership, in 1e-6 %: for certain, and with owners who may be listed by name."""

    certain: int
    possible: int
    whom: tuple[str, ...]


def _owned(screen: Screen, members: Screening, party: Party) -> list[Ruling]:
    stake = _stake(screen, members, party, frozenset())
    if not stake.whom:
        return []
    lists, since = [screen.listed.dataset], screen.listed.published
    figures = {"certain_percent": _percent(stake.certain), "possible_percent": _percent(stake.possible)}
    names = ", ".join(stake.whom)
    if stake.certain and _reaches(members, stake.certain):
        text = f"{party.words}: {_percent(stake.certain)} % belongs to those who are listed ({names})."
        return [failed(text, *party.evidence, since=since, references=lists, **figures).about(*party.ids)]
    how = "would count as listed" if _reaches(members, stake.possible) else "stays below the limit"
    text = f"{party.words}: {names} are or may be listed; with {_percent(stake.possible)} % it {how}."
    return [flagged(text, *party.evidence, since=since, references=lists, **figures).about(*party.ids)]


def _reaches(members: Screening, share: int) -> bool:
    limit = parse_decimal(members.share, ASSAY_PLACES)
    return share >= limit if members.inclusive else share > limit


def _stake(screen: Screen, members: Screening, party: Party, above: frozenset[str]) -> Stake:
    """Listed shares of a party, through any number of companies; one that is met again on the way adds nothing."""
    certain = possible = 0
    whom: list[str] = []
    if party.id in above or len(above) >= MAX_DEPTH:
        return Stake(0, 0, ())
    for owner in _owners_once(party.owners or ()):
        surely, maybe = _owner_listed(screen, members, owner, party.day, above | {party.id})
        share = owner.share or 0 if owner.holds else 0
        certain += share if surely else 0
        possible += share if surely or maybe else 0
        if surely or maybe:
            whom.append(owner.name)
    return Stake(certain, possible, tuple(whom))


def _owner_listed(
    screen: Screen, members: Screening, owner: Owner, day: str, above: frozenset[str]
) -> tuple[bool, bool]:
    """Whether an owner is listed for certain (as an enrolled company, or through its owners), or may be by name."""
    maybe = bool(screen.candidates(Party("", owner.name, "owner", day, owner.country)))
    for company in companies_by_name(screen.case).get(tokens_of(owner.name), ()):
        own = enrolled(screen.case, company)
        assert own is not None  # noqa: S101 - it was found among those enrolled
        own.day = day
        behind = _stake(screen, members, own, above)
        if screen.is_certain(own) or (behind.certain and _reaches(members, behind.certain)):
            return True, True
        maybe = maybe or bool(behind.possible and _reaches(members, behind.possible))
    return False, maybe


def _owners_once(owners: tuple[Owner, ...]) -> list[Owner]:
    """Each owner once, with the larger share: a person may stand there as shareholder and as beneficial owner."""
    found: dict[tuple[str, ...], Owner] = {}
    for one in owners:
        key = tokens_of(one.name)
        held = found.get(key)
        if held is None or (one.holds, one.share or 0) > (held.holds, held.share or 0):
            found[key] = one
    return list(found.values())


def _percent(share: int) -> str:
    return format_decimal(share, ASSAY_PLACES)


class Fresh(Members):
    """datasets: lists that must be current; stale_after: days."""

    datasets: Annotated[list[Lists], Field(min_length=1)]
    stale_after: Annotated[int, Field(ge=0, le=366)]


@check
def lists_current(case: Case, members: Fresh) -> Ruling:
    """Every list was current when the claim was decided."""
    return worst(_current(case, members, one) for one in members.datasets)


def _current(case: Case, members: Fresh, dataset: str) -> Ruling:
    listed = case.reference(dataset, stale_after=members.stale_after)
    if isinstance(listed, Ruling):
        return listed
    return passed(f"{dataset} is of {listed.published}.", references=[dataset])
