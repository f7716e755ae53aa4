"""Checks of what was paid on the way: to the state, to officials, to security forces, to armed groups, for the goods.

A payment that nobody declared is not a payment that was not made: where none is on file, each
custodian's signed declaration that none was made has to cover the time in which it held the lots.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field

from ledger.rules.case import Case, add_days
from ledger.rules.checks.exposure import Window, is_established, party_windows, site_windows, upstream_windows
from ledger.rules.checks.incidents import judge_incidents
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

PayeeClass = Literal["official", "public_security", "private_security", "armed_group"]
_PAYEES: Final = {
    "official": "officials",
    "public_security": "public security forces",
    "private_security": "private security forces",
    "armed_group": "armed groups",
}
MARGIN_DAYS: Final = 31
"""A payment about a site or participant counts when it was made so many days around the lots' time there."""


def payments_of(case: Case) -> list[Item]:
    """Payments about lots of the chain, and about its sites and custodians at the time; any grade."""
    sites, parties, facts = site_windows(case), party_windows(case), case.facts
    found = []
    for one in facts.attestations("payment"):
        day = one.statement["date"]
        paid = Window(add_days(day, -MARGIN_DAYS), add_days(day, MARGIN_DAYS))
        near = [window for subject in one.about for window in sites.get(subject, ())]
        near += [parties[subject] for subject in one.about if subject in parties]
        if not facts.lots.keys().isdisjoint(one.about) or any(paid.overlaps(window) for window in near):
            found.append(one)
    return found


def describe(item: Item) -> str:
    """A payment in words."""
    one = item.statement
    amount = f"{one['amount']} {one['currency']}" if one.get("amount") else f"an amount in {one['currency']}"
    return f"{one['payer']} paid {amount} to {one['payee_class'].replace('_', ' ')} on {one['date']}"


def declared_nil(case: Case, party: str, payee_class: str, days: Window) -> list[Item]:
    """Declarations of a custodian that together cover all of these days, [] when a day is left open."""
    found = [
        one
        for one in case.facts.attestations("nil_declaration")
        if one.issuer == party and payee_class in one.statement["kinds"] and one.grade >= case.minimum
    ]
    reached, used = add_days(days.start, -1), []
    for one in sorted(found, key=lambda one: (one.statement["from"], one.index)):
        if one.statement["from"] <= add_days(reached, 1) and one.statement["to"] > reached:
            reached = one.statement["to"]
            used.append(one)
    return used if reached >= days.end else []


# ---- paid or declared as not paid -----------------------------------------------------------------------------------


class PaidOrNil(Members):
    """classes of payees for which each custodian discloses payments or declares that there were none;

    forbidden: classes that must not be paid at all.
    """

    classes: Annotated[list[PayeeClass], Field(min_length=1)]
    forbidden: list[PayeeClass] = Field(default_factory=list)


@check
def payments_or_nil(case: Case, members: PaidOrNil) -> Ruling:
    """Each custodian before the smelter discloses what it paid to these, or declares that it paid nothing."""
    paid = payments_of(case)
    rulings = judge_forbidden(case, paid, members.forbidden)
    for party, days in upstream_windows(case).items():
        for one in members.classes:
            rulings.append(_disclosed(case, paid, party, one, days))
    return worst(rulings, nothing=inapplicable("Nobody held a lot here."))


def judge_forbidden(case: Case, paid: Iterable[Item], forbidden: Iterable[str]) -> list[Ruling]:
    """A ruling for every payment to a class of payees that must not be paid."""
    rulings = []
    for one in paid:
        if one.statement["payee_class"] in frozenset(forbidden):
            make = failed if is_established(case, one) else flagged
            rulings.append(make(f"{describe(one)}.", one.id, since=one.statement["date"]).about(*one.about))
    return rulings


def _disclosed(case: Case, paid: list[Item], party: str, payee_class: str, days: Window) -> Ruling:
    own = [
        one
        for one in paid
        if one.statement["payer"] == party and one.statement["payee_class"] == payee_class and one.grade >= case.minimum
    ]
    words = _PAYEES[payee_class]
    if own:
        return passed(f"{party} discloses {len(own)} payments to {words}.", *(one.id for one in own)).about(party)
    nil = declared_nil(case, party, payee_class, days)
    if nil:
        text = f"{party} declares that it paid nothing to {words}."
        return passed(text, *(one.id for one in nil)).about(party)
    when = f"from {days.start} to {days.end}"
    text = f"{party} neither discloses payments to {words} nor declares that none were made {when}."
    return case.lacking(text, f"payments of {party} to {words}, or a declaration that there were none").about(party)


# ---- taxes and receipts ---------------------------------------------------------------------------------------------


class Receipted(Members):
    """kinds of payment to the state of which each dispatching custodian must show at least one with its receipt."""

    kinds: Annotated[list[Literal["tax", "royalty", "fee", "levy"]], Field(min_length=1)]


@check
def taxes_receipted(case: Case, members: Receipted) -> Ruling:
    """Each custodian who sent lots on before the smelter shows what it paid to the state, with receipts."""
    facts = case.facts
    paid = [one for one in payments_of(case) if one.statement["kind"] in members.kinds]
    senders = dict.fromkeys(
        hop.consignor
        for hop in facts.hops
        if facts.sites[hop.dispatch.body["from"]].body["kind"] not in ("smelter", "refinery")
    )
    nothing = inapplicable("No lot has left its mine or its trader yet.")
    return worst((_receipted(case, paid, party) for party in senders), nothing=nothing)


def _receipted(case: Case, paid: list[Item], party: str) -> Ruling:
    own = [one for one in paid if one.statement["payer"] == party]
    strong = case.competent(own)
    shown = [one for one in strong if one.statement.get("receipt")]
    if shown:
        text = f"{party} shows {len(shown)} payments to the state with receipts."
        return passed(text, *(one.id for one in shown)).about(party)
    if strong:
        return case.concealed(strong[0], "receipt", f"the payment by {party}").about(party)
    if own:
        text = f"Payments of {party} to the state are on file, but only as {own[0].grade.label}."
        return case.lacking(text, f"the same, {case.minimum.label}", evidence=[one.id for one in own]).about(party)
    return case.lacking(
        f"No tax, royalty, fee or levy paid by {party} is on file.", f"receipts of what {party} paid to the state"
    ).about(party)


class OfficialReceipts(Members):
    """categories: incidents that speak of bribes."""

    categories: Annotated[list[str], Field(min_length=1)]


@check
def no_bribes(case: Case, members: OfficialReceipts) -> Ruling:
    """Officials were paid only against receipts, or declared as not paid; no bribe is reported."""
    paid = payments_of(case)
    rulings = judge_incidents(case, members.categories)
    for one in paid:
        statement = one.statement
        if statement["payee_class"] == "official" and not statement.get("receipt"):
            if one.concealed:
                rulings.append(case.concealed(one, "receipt", "the payment to an official").about(*one.about))
            else:
                text = f"{describe(one)} without a receipt."
                rulings.append(flagged(text, one.id, since=statement["date"]).about(*one.about))
    for party, days in upstream_windows(case).items():
        rulings.append(_disclosed(case, paid, party, "official", days))
    return worst(rulings, nothing=inapplicable("Nobody held a lot here."))
