"""One piece of evidence as rules see it: a record, with what its reader may see of it and its grade.

Grades say who stands behind a record (rules.md, Grades of evidence). They follow from the roles
that the issuer had when the log took the record, and from whether the issuer is a party to what
it speaks of: a laboratory that owns the lot is not an independent laboratory.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from ledger.rules.outcome import Grade

_INDEPENDENT_ROLES: Final = frozenset({"laboratory", "auditor", "monitor"})
_STARTS: Final = {
    "site_status": "effective", "inspection": "date", "licence": "granted", "certificate": "issued",
    "payment": "date", "nil_declaration": "from", "risk_assessment": "date", "mitigation_plan": "start",
    "observation": "date",
}  # fmt: skip
_DONE: Final = ("inspection", "payment", "risk_assessment", "observation")
"""Kinds of attestation that say on which `date` something was done."""
_ENDS: Final = {
    "site_status": "expires", "licence": "expires", "certificate": "expires", "nil_declaration": "to",
    "mitigation_plan": "review_by",
}  # fmt: skip
_CUSTODY: Final = frozenset({"extract", "dispatch", "receive", "settle", "transform", "close"})


@dataclass(frozen=True, slots=True)
class Item:
    """A record of the evidence set.

    id, index: record id and place in the log; logged, signed, time: when the log took it, when it
    was signed, and when it happened, all RFC 3339; body: with disclosed members in place and
    corrections applied; concealed: how many of its members this reader does not see; corrected: the
    ids of the corrections; about: subjects that it moves, makes or speaks of; roles: of the issuer
    then; kid: thumbprint of the key that signed; exposed: members about people at risk that stand
    in the log in plain sight, whoever reads.
    """

    id: str
    index: int
    logged: str
    signed: str
    time: str
    type: str
    issuer: str
    roles: tuple[str, ...]
    body: dict[str, Any]
    about: tuple[str, ...]
    concealed: int
    grade: Grade
    corrected: tuple[str, ...] = ()
    kid: str = ""
    exposed: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of an attestation, "" for other records."""
        return str(self.body["kind"]) if self.type == "attest" else ""

    @property
    def statement(self) -> dict[str, Any]:
        """The statement of an attestation."""
        statement: dict[str, Any] = self.body["statement"]
        return statement

    @property
    def starts(self) -> str:
        """From when an attestation holds: the later of `from` and the date in its statement, else when it was made."""
        given = (self.body.get("from"), self.statement.get(_STARTS.get(self.kind, "")))
        return max((one for one in given if one), default=self.time)

    @property
    def ends(self) -> str:
        """Until when an attestation holds, that day included: the earlier of `until` and the date in its statement.

        "" without end. What a paper says of itself is not made longer by who signs it anew.
        """
        given = (self.body.get("until"), self.statement.get(_ENDS.get(self.kind, "")))
        return min((one for one in given if one), key=_last_moment, default="")

    @property
    def is_ahead(self) -> bool:
        """Whether an attestation speaks of something done on a day that had not come when the log took it.

        A day more than the log's own is let through: dates are local, the log's clock is not.
        """
        done = self.statement.get("date") if self.kind in _DONE else None
        return (
            bool(done)
            and date.fromisoformat(str(done)).toordinal() > date.fromisoformat(self.logged[:10]).toordinal() + 1
        )

    def holds_at(self, moment: str) -> bool:
        """Whether an attestation is in force at a date or time (RFC 3339, compared as text)."""
        starts, ends = self.starts, self.ends
        after = starts[: len(moment)] <= moment[: len(starts)]
        return after and (not ends or moment[: len(ends)] <= ends[: len(moment)])

    def with_correction(self, by: str, replaced: dict[str, Any]) -> Item:
        """The item with members replaced by a later record of its issuer."""
        return replace(self, body={**self.body, **replaced}, corrected=(*self.corrected, by))


def _last_moment(text: str) -> str:
    """A time, or the last second of a day."""
    return text if "T" in text else f"{text}T23:59:59Z"


_PERSONAL: Final[dict[str, tuple[str, ...]]] = {
    "extract": ("team",),
    "dispatch": ("transport.driver",),
    "incident": ("narrative", "source"),
    "correct": ("replace.team", "replace.narrative", "replace.source", "replace.transport.driver"),
    "inspection": ("statement.inspector",),
    "assay": ("statement.drawn_by", "statement.witness"),
    "risk_assessment": ("statement.narrative",),
    "mitigation_plan": ("statement.narrative",),
    "edd_report": ("statement.team", "statement.narrative"),
}
"""Members by record type or kind of attestation that name people at risk or tell what was seen."""


def exposed_members(event: str, body: dict[str, Any]) -> tuple[str, ...]:
    """Dotted names of the personal members that a record's signed body holds unconcealed."""
    wanted = _PERSONAL.get(body["kind"] if event == "attest" else event, ())
    return tuple(name for name in wanted if _holds(body, name))


def _holds(body: dict[str, Any], name: str) -> bool:
    value: Any = body
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value is not None


def grade_custody(event: str, *, answered: bool) -> Grade:
    """The grade of a record that moves lots: two sides signed once it was received (`answered`)."""
    return Grade.COUNTERSIGNED if event in ("receive", "settle") or answered else Grade.SELF_ATTESTED


def grade_statement(
    kind: str,
    issuer: str,
    roles: Collection[str],
    *,
    interested: Collection[str],
    handlers: Collection[str],
    named: Collection[str] = (),
) -> Grade:
    """The grade of an attestation or incident.

    interested: whom it speaks of, or who holds or operates what it speaks of; handlers: everybody
    who ever held a lot or operated a site of this chain; named: whom its statement names as doing what it states.
    """
    if issuer in interested:
        return Grade.SELF_ATTESTED
    if issuer in handlers:  # whatever else it is: an authority that trades is a trader here
        return Grade.COUNTERSIGNED
    if issuer in named:
        return Grade.SELF_ATTESTED
    if "authority" in roles:
        return Grade.COMPETENT_AUTHORITY
    if not _INDEPENDENT_ROLES.isdisjoint(roles):
        return Grade.INSTRUMENT if kind == "observation" else Grade.INDEPENDENT
    return Grade.SELF_ATTESTED


def grade_registration(issuer: str, subject: str, roles: Collection[str]) -> Grade:
    """The grade of a record that keeps the register: the registrar checks whom it enrols."""
    if "authority" in roles:
        return Grade.COMPETENT_AUTHORITY
    return Grade.COUNTERSIGNED if "registrar" in roles and issuer != subject else Grade.SELF_ATTESTED


def moves_lots(event: str) -> bool:
    """Whether records of this type move custody or mass."""
    return event in _CUSTODY
