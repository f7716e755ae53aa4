"""Checks that evidence of a kind is on file, complete and in force."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ledger.custody.attestations import ATTESTATION_KINDS, STATEMENTS
from ledger.custody.vocabulary import Date
from ledger.rules.case import Case, covers, days_between
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.targets import Each, targets
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst

Kind = Literal[ATTESTATION_KINDS]  # type: ignore[valid-type]  # built from the table of kinds
Days = Annotated[int, Field(ge=0, le=36_600)]


class Attested(Members):
    """kind of attestation; each: about whom; where: values its statement must have; today: it must be in force

    at the valid clock; max_age: days since it was made, or since the date in `dated`; result: the result it must have.
    """

    kind: Kind
    each: Each
    where: dict[str, Any] = Field(default_factory=dict)
    today: bool = True
    max_age: Days | None = None
    dated: str = ""
    result: Literal["conform"] | None = None

    def model_post_init(self, _context: Any) -> None:
        """`dated` is a date of the statement."""
        _check_dates(self.kind, self.dated)


def _check_dates(kind: str, *names: str) -> None:
    fields = {field.alias or name: field.rebuild_annotation() for name, field in STATEMENTS[kind].model_fields.items()}
    dates = [name for name, one in fields.items() if one == Date or Date in get_args(one)]
    for name in filter(None, names):
        if name not in dates:
            raise ValueError(f"'{name}' is no date of a {kind}: use one of {', '.join(dates) or 'none'}")


@check
def attested(case: Case, members: Attested) -> Ruling:
    """Competent evidence of a kind is on file about each, in force, and not too old."""
    asked = targets(case, members.each)
    nothing = inapplicable(f"There are no {members.each.replace('_', ' ')} here.")
    return worst((_attested(case, members, name, about) for name, about in asked), nothing=nothing)


def _attested(case: Case, members: Attested, name: str, about: tuple[str, ...]) -> Ruling:
    at = case.today if members.today else ""
    words = members.kind.replace("_", " ")
    found = [one for one in case.attested(members.kind, *about, at=at) if covers(one, members.where)]
    if not found:
        return case.lacking_attestation(members.kind, *about, at=at, of=name).about(*about)
    last = found[-1]
    day = str(last.statement.get(members.dated) or last.time)[:10]
    if members.max_age is not None and days_between(day, case.today) > members.max_age:
        text = f"The newest {words} about {name} is of {day}: older than {members.max_age} days."
        return case.lacking(text, f"a newer {words} about {name}", evidence=[last.id]).about(*about)
    if members.result and not last.body.get("result"):
        return case.lacking(f"The {words} about {name} states no result.", "its result", evidence=[last.id]).about(
            *about
        )
    if members.result and last.body["result"] != members.result:
        return failed(f"The {words} about {name} says {last.body['result']}.", last.id, since=day).about(*about)
    return passed(f"A {words} about {name} is on file, of {day}.", last.id).about(*about)


class FieldPresent(Members):
    """Members that records of a type (or attestations of a kind) about each must have; `a.b` goes into objects."""

    record: Literal["extract", "dispatch", "receive", "transform", "site", "participant"] | None = None
    kind: Kind | None = None
    each: Each = "chain"
    fields: Annotated[list[str], Field(min_length=1)]


@check
def field_present(case: Case, members: FieldPresent) -> Ruling:
    """Records of a type are on file about each, and have the members named."""
    return worst(_present(case, members, name, about) for name, about in targets(case, members.each))


def _present(case: Case, members: FieldPresent, name: str, about: tuple[str, ...]) -> Ruling:
    if members.kind:
        items = case.attested(members.kind, *about)
        if not items:
            return case.lacking_attestation(members.kind, *about, of=name).about(*about)
    else:
        items = records_of(case, str(members.record), about)
        if not items:
            return case.lacking(f"No {members.record} of {name} is on file.", f"{members.record} of {name}")
    return worst(_filled(case, one, members.fields) for one in items).about(*about)


def records_of(case: Case, event: str, about: tuple[str, ...]) -> list[Item]:
    """Records of a type that moved, made or registered any of these subjects, of the chain only."""
    facts, wanted = case.facts, set(about)
    if event in ("site", "participant"):
        known = facts.sites if event == "site" else facts.parties
        return [known[one].item for one in about if one in known]
    chain = {record for lot in facts.lots.values() for record in lot.records}
    return [one for one in facts.of(chain_order(facts.items, chain)) if one.type == event and wanted & set(one.about)]


def chain_order(items: Any, chain: set[str]) -> list[str]:
    """Record ids of the chain in log order."""
    return [one for one in items if one in chain]


def _filled(case: Case, item: Item, fields: list[str]) -> Ruling:
    for field in fields:
        if value_at(item, field) in (None, "", [], {}):
            return case.concealed(item, field.rpartition(".")[2].replace("_", " "), f"the {item.kind or item.type}")
    return passed(f"The {(item.kind or item.type).replace('_', ' ')} gives {', '.join(fields)}.", item.id)


def value_at(item: Item, field: str) -> Any:
    """The member of an item's statement or body that a dotted name stands for, None without one."""
    value: Any = item.statement if item.type == "attest" else item.body
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class ValidityWindow(Members):
    """A certificate or licence: at most max_days from `issued` to `expires`, and in force when used."""

    kind: Kind
    each: Each
    where: dict[str, Any] = Field(default_factory=dict)
    issued: str = "issued"
    expires: str = "expires"
    max_days: Days | None = None
    used: Literal["dispatch", "extraction", "today", "never"] = "today"

    def model_post_init(self, _context: Any) -> None:
        """`issued` and `expires` are dates of the statement."""
        _check_dates(self.kind, self.issued, self.expires)


@check
def validity_window(case: Case, members: ValidityWindow) -> Ruling:
    """A document is valid for no longer than allowed, and was in force when it was used."""
    return worst(_window(case, members, name, about) for name, about in targets(case, members.each))


def _window(case: Case, members: ValidityWindow, name: str, about: tuple[str, ...]) -> Ruling:
    words = members.kind.replace("_", " ")
    found = [one for one in case.attested(members.kind, *about) if covers(one, members.where)]
    if not found:
        return case.lacking_attestation(members.kind, *about, of=name).about(*about)
    return worst(_dates(case, members, one, words) for one in found).about(*about)


def _dates(case: Case, members: ValidityWindow, item: Item, words: str) -> Ruling:
    issued, expires = value_at(item, members.issued), value_at(item, members.expires)
    if issued is None or expires is None:
        return case.concealed(item, members.issued if issued is None else members.expires, f"the {words}")
    days = days_between(issued, expires)
    if days < 0 or (members.max_days is not None and days > members.max_days):
        text = f"The {words} runs from {issued} to {expires}: {days} days, at most {members.max_days} are allowed."
        return failed(text, item.id, since=issued, days=days)
    for used in _used(case, members.used, item):
        if not issued <= used <= expires or not item.holds_at(used):
            return failed(f"The {words} of {issued} to {expires} was used on {used}.", item.id, since=used)
    return passed(f"The {words} runs from {issued} to {expires} ({days} days).", item.id, days=days)


def _used(case: Case, used: str, item: Item) -> list[str]:
    facts, about = case.facts, set(item.about)
    if used == "today":
        return [case.today]
    if used == "dispatch":
        return [hop.dispatch.time[:10] for hop in facts.hops if about & {*hop.sent} and hop.dispatch.time >= item.time]
    if used == "extraction":
        lots = (lot for lot in facts.lots.values() if lot.is_mined and (lot.id in about or lot.site in about))
        return [lot.made_by.body["period"]["from"][:10] for lot in lots]
    return []
