"""Everybody whom the evidence names: custodians, operators, sellers and buyers, carriers, vessels, payees, owners.

Screening asks who they are, when they last had to do with the chain, and who owns them. Helpers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ledger.custody.quantity import ASSAY_PLACES, parse_decimal
from ledger.rules.case import Case
from ledger.rules.checks.figures import once
from ledger.rules.reference.rows import Identifier
from ledger.rules.reference.spelling import tokens_of

_NAMED: Final[dict[str, tuple[str, ...]]] = {
    "export": ("exporter", "consignee", "vessel"),
    "import": ("importer", "vessel"),
    "ownership": ("seller", "buyer"),
    "payment": ("payer", "payee"),
    "certificate": ("exporter", "importer", "carrier"),
    "security_arrangement": ("provider",),
}
"""Members of statements that name a party, by its id or by its name."""
_HOLDING: Final = ("beneficial_owner", "shareholder")


@dataclass(slots=True)
class Owner:
    """An owner, officer or director as the register names it. share: in 1e-6 %, None when not stated."""

    name: str
    country: str
    share: int | None
    holds: bool


@dataclass(slots=True)
class Party:
    """id: of an enrolled participant, "" for somebody known by name only; name: None when it is concealed or not given.

    what: for sentences; day: the last on which it had to do with the chain; owners: None when they are not known.
    """

    id: str
    name: str | None
    what: str
    day: str
    country: str = ""
    identifiers: tuple[Identifier, ...] = ()
    evidence: tuple[str, ...] = ()
    owners: tuple[Owner, ...] | None = ()
    handles: bool = False

    @property
    def words(self) -> str:
        """For the beginning of a sentence."""
        return f"The {self.what} {self.id or self.name}"

    @property
    def ids(self) -> tuple[str, ...]:
        """Its id, if it has one."""
        return (self.id,) if self.id else ()


def parties_of(case: Case) -> dict[str, Party]:
    """All parties of the chain by id, or by name for those that are not enrolled; computed once per claim."""
    return once(case, "parties", lambda: _collect(case))


def _collect(case: Case) -> dict[str, Party]:
    days: dict[str, tuple[str, str]] = {}
    records: dict[str, dict[str, None]] = {}
    for party, day, what, record in _mentions(case):
        days[party] = max(days.get(party, ("", "")), (day, what))
        records.setdefault(party, {}).setdefault(record)
    found = {}
    for party, (day, what) in days.items():
        one = enrolled(case, party) or Party("", party, what, day)
        one.what, one.day, one.handles = what, day, party in case.facts.handlers
        one.evidence = tuple(dict.fromkeys((*one.evidence, *(record for record in records[party] if record))))
        found[party] = one
    return found


def _mentions(case: Case) -> list[tuple[str, str, str, str]]:
    """(id or name, day, what it was, record), in the order of the evidence."""
    facts = case.facts
    found = []
    for lot in facts.lots.values():
        found += [(facts.items[one].issuer, facts.items[one].time[:10], "custodian", one) for one in lot.records]
        if lot.status != "closed" and lot.id == facts.subject:  # who holds the lot still has to do with it
            found.append((lot.holders[-1][0], case.today, "custodian", lot.holders[-1][1]))
    for site in facts.chain_sites:
        item = facts.sites[site].item
        found.append((facts.sites[site].body["operator"], item.time[:10], "operator", item.id))
    for hop in facts.hops:
        found.append((hop.consignee, hop.dispatch.time[:10], "consignee", hop.dispatch.id))
        if hop.dispatch.body["transport"].get("carrier"):
            found.append(
                (hop.dispatch.body["transport"]["carrier"], hop.dispatch.time[:10], "carrier", hop.dispatch.id)
            )
    for kind, members in _NAMED.items():
        for one in facts.attestations(kind, *facts.subjects):
            found += [
                (one.statement[member], one.time[:10], member, one.id)
                for member in members
                if one.statement.get(member)
            ]
    for term in ("importer", "company"):
        if getattr(case.claim.terms, term, None):
            found.append((getattr(case.claim.terms, term), case.today, term, ""))
    if facts.subject_kind == "participant":
        found.append((facts.subject, case.today, "participant", ""))
    return found


def enrolled(case: Case, party: str) -> Party | None:
    """A participant as the register has it, with who owns it; None for somebody who is not enrolled."""
    known = case.facts.parties.get(party)
    if known is None:
        return None
    body = known.body
    numbers = tuple(
        Identifier(kind, value, body["country"]) for kind, value in sorted(body.get("identifiers", {}).items()) if value
    )
    owners = None if not body.get("owners") else tuple(map(_owner, body["owners"]))
    return Party(
        party, body.get("name"), "participant", known.item.time[:10], body["country"], numbers, (known.item.id,), owners
    )


def _owner(body: dict[str, Any]) -> Owner:
    share = parse_decimal(body["share"], ASSAY_PLACES) if body.get("share") else None
    return Owner(body["name"], body.get("country") or "", share, body["capacity"] in _HOLDING)


def companies_by_name(case: Case) -> dict[tuple[str, ...], list[str]]:
    """Enrolled participants by their normalised names: an owner that is one of them has owners of its own."""
    return once(case, "companies", lambda: _by_name(case))


def _by_name(case: Case) -> dict[tuple[str, ...], list[str]]:
    names: dict[tuple[str, ...], list[str]] = {}
    for party, known in case.facts.parties.items():
        if known.body.get("name"):
            names.setdefault(tokens_of(known.body["name"]), []).append(party)
    return names
