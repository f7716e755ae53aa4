"""Mass-balance accounts of the sites of a chain: never overdrawn at the close of a period, nothing used twice or late.

An account is of one site and one metal (`ledger.rules.credits`). Characteristic inputs earn credit, at the
conversion factor; what a chain's own lots take out under mass balance is debited.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger.custody.balance import Portion
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case, days_between
from ledger.rules.checks.custody import Characteristic
from ledger.rules.checks.figures import NumberEntry, look_up, number, show
from ledger.rules.checks.fingerprint import digs_behind
from ledger.rules.checks.material import Uncertainty, recovered
from ledger.rules.checks.registry import check
from ledger.rules.credits import AccountLine, Posting, Terms, read_postings, settle_credits
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_NONE = "No lot of the chain was made under mass balance."
_LASTING = 1200
"""Periods that credit lasts when nothing expires."""


class Account(Characteristic):
    """months: of a period; carried: periods for which unused credit lasts; factors: conversion by element;

    scheme: only at sites audited under it, "" for all.
    """

    months: Annotated[int, Field(ge=1, le=12)] = 12
    carried: Annotated[int, Field(ge=0, le=100)] = 1
    factors: list[NumberEntry] = Field(default_factory=list)
    scheme: str = ""


def balanced(case: Case, scheme: str = "") -> list[Item]:
    """Transforms of the chain under mass balance, at sites audited under a scheme if one is named."""
    found = [one for one in case.facts.transforms if one.body["model"] == "mass_balance"]
    if not scheme:
        return found
    audits = [one for one in case.facts.attestations("audit") if one.statement["scheme"] == scheme]
    audited = {site for one in audits for site in (*one.about, one.statement["facility"])}
    return [one for one in found if one.body["site"] in audited]


def postings_of(case: Case, members: Account) -> list[Posting]:
    """What the chain's mass-balance transforms credit and debit."""
    facts, found = case.facts, []
    for one in balanced(case, members.scheme):
        lots = [out["id"] for out in one.body["outputs"] if out["id"] in facts.lots]
        edges = facts.lots[lots[0]].edges
        inputs = [Portion(e.mass, e.moisture, e.assay) for e in edges if _is_characteristic(case, members, e.parent)]
        outputs = [Portion(*facts.lots[lot].amount) for lot in lots]
        found += read_postings(one.body["site"], one.time, one.id, inputs, outputs)
    return found


def _is_characteristic(case: Case, members: Account, lot: str) -> bool:
    """Whether all mines behind a lot are characteristic; without sites and methods, every mine is."""
    digs = digs_behind(case, lot)
    if members.sites:
        return all(site in members.sites for site, _ in digs)
    return not members.methods or all(method in members.methods for _, method in digs)


def _terms(members: Account, carried: int | None = None) -> Terms:
    factors = {entry.split("=", 1)[0]: number(entry.split("=", 1)[1]) for entry in members.factors}
    return Terms(members.months, carried=members.carried if carried is None else carried, factors=factors)


def _lines(case: Case, members: Account) -> list[AccountLine]:
    return settle_credits(postings_of(case, members), _terms(members))


def _words(line: AccountLine) -> str:
    shown = line.to_json()
    return f"{line.site}, {line.material}, {line.start} to {line.end}: balance {shown['balance']} kg"


@check
def account_positive(case: Case, members: Account) -> Ruling:
    """A mass-balance account is never overdrawn at the close of a period of at most twelve months."""
    found = (_positive(line) for line in _lines(case, members))
    return worst(found, nothing=inapplicable(_NONE))


def _positive(line: AccountLine) -> Ruling:
    figures = {"balance": line.to_json()["balance"]}
    if not line.holds:
        text = f"{_words(line)}: more was claimed than came in."
        return failed(text, *line.records, since=f"{line.end}-01", **figures).about(line.site)
    return passed(f"{_words(line)}.", *line.records, **figures).about(line.site)


class Overdraw(Account):
    """overdraw: % of a period's inputs that may be overdrawn and must be repaid in the next."""

    overdraw: Percent


@check
def account_overdrawn_within(case: Case, members: Overdraw) -> Ruling:
    """An account is overdrawn by no more than the scheme allows, with a reason, and repaid in the next period."""
    lines = _lines(case, members)
    found = [_within(members, line, lines) for line in lines]
    return worst(found, nothing=inapplicable(f"{_NONE[:-1]} at a site audited under {members.scheme}."))


def _within(members: Overdraw, line: AccountLine, lines: list[AccountLine]) -> Ruling:
    if line.holds:
        return passed(f"{_words(line)}.", *line.records).about(line.site)
    before = [one for one in lines if (one.site, one.material) == (line.site, line.material) and one.end < line.start]
    allowed = line.credited * number(members.overdraw) / 100
    since = f"{line.end}-01"
    if -line.balance > allowed or (before and not before[-1].holds):
        text = f"{_words(line)}: overdrawn beyond {members.overdraw} % of the inputs, or not repaid."
        return failed(text, *line.records, since=since).about(line.site)
    text = f"{_words(line)}: overdrawn, which is for emergencies only."
    return flagged(text, *line.records, since=since).about(line.site)


@check
def credits_not_expired(case: Case, members: Account) -> Ruling:
    """No claim draws on credit that has expired."""
    kept = {
        (one.site, one.material, one.start): one for one in settle_credits(postings_of(case, members), _terms(members))
    }
    found = []
    for line in settle_credits(postings_of(case, members), _terms(members, _LASTING)):
        strict = kept[line.site, line.material, line.start]
        if line.holds and not strict.holds:
            text = f"{_words(strict)}: it draws on credit that expired."
            found.append(failed(text, *line.records, since=f"{line.end}-01").about(line.site))
        else:
            found.append(passed(f"{_words(strict)}: no expired credit is used.", *line.records).about(line.site))
    return worst(found, nothing=inapplicable(_NONE))


@check
def credits_of_one_material(case: Case, members: Account) -> Ruling:
    """Credit is used at the site and for the metal that earned it."""
    found = []
    for line in _lines(case, members):
        if line.outputs and not line.credited and line.opening <= 0:
            text = f"{line.material} is claimed at {line.site}, where none of it earned credit."
            found.append(failed(text, *line.records, since=f"{line.end}-01").about(line.site))
        else:
            found.append(passed(f"{line.material} at {line.site} is claimed where it earned credit.", *line.records))
    return worst(found, nothing=inapplicable(_NONE))


class Factor(Uncertainty):
    """factors: documented conversion factor by element, in %."""

    factors: list[NumberEntry]


@check
def factor_validated(case: Case, members: Factor) -> Ruling:
    """The conversion factor of an account is documented and agrees with the yield."""
    found = (_factor(case, members, one) for one in balanced(case))
    return worst(found, nothing=inapplicable(_NONE))


def _factor(case: Case, members: Factor, transform: Item) -> Ruling:
    site, share = transform.body["site"], recovered(case, transform)
    stated = look_up(members.factors, share[0]) if share else None
    if share is None or stated is None:
        text = f"The conversion factor at {site} is not documented, or its yield not known."
        return case.lacking(text, f"the conversion factor of {site}", evidence=[transform.id]).about(site)
    element, actual = share
    off = actual - number(stated) / 100
    text = f"{site} recovered {show(actual * 100)} % of the {element}, {stated} % is documented."
    if off**2 > members.k**2 * members.variance * (1 + actual**2):
        return failed(text, transform.id, since=transform.time[:10]).about(site)
    return passed(text, transform.id).about(site)


class Yearly(Account):
    """days: since the last stocktake."""

    days: Annotated[int, Field(ge=1, le=3660)] = 366


@check
def account_reconciled(case: Case, members: Yearly) -> Ruling:
    """A site that keeps accounts under a scheme reconciles them with its stock every year."""
    found = (_reconciled(case, members, one) for one in balanced(case, members.scheme))
    return worst(found, nothing=inapplicable(f"{_NONE[:-1]} at a site audited under {members.scheme}."))


def _reconciled(case: Case, members: Yearly, transform: Item) -> Ruling:
    site, until = transform.body["site"], case.today
    stocktakes = case.facts.attestations("stocktake", site)
    if not stocktakes or days_between(stocktakes[-1].time, until) > members.days:
        text = f"No stocktake of {site} in the last {members.days} days is on file."
        return case.lacking(text, f"a stocktake of {site}", evidence=[transform.id]).about(site)
    last = stocktakes[-1]
    lines = [one for one in _lines(case, members) if one.site == site and not one.holds]
    if lines:
        return failed(f"{_words(lines[0])}.", *lines[0].records, last.id, since=f"{lines[0].end}-01").about(site)
    return passed(f"{site} was reconciled on {last.time[:10]}.", last.id, transform.id).about(site)
