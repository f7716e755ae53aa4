"""One record on its way through the rules: what it looks up, and what it would change.

`State` is everything that earlier records left behind; a `Draft` gathers the changes of one
record and checks what all records have in common; a `Step` is the finished set of changes, which
`State.apply` performs. A refusal leaves the state untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.custody.subjects import Edge, KeyState, LogHead, Lot, Participant, RecordFacts, Site, Subject, kind_of
from ledger.encoding import join_pointer
from ledger.envelope import Record
from ledger.errors import (
    CustodyError,
    IdTaken,
    LotClosed,
    LotDisputed,
    LotInTransit,
    LotNotHeld,
    MissingHead,
    SignerNotAllowed,
    StaleHead,
    TagInUse,
    TimeBefore,
    UnknownRecord,
    UnknownSubject,
)


class Step(NamedTuple):
    """What one accepted record changes; the values replace those of the state.

    kind: of an attestation; tags: `scheme:number` -> live lot id, or None when it came free;
    about: subjects that an attestation or incident names (their heads do not move).
    """

    record_id: str
    facts: RecordFacts
    kind: str
    subjects: dict[str, Subject]
    keys: dict[str, KeyState]
    tags: dict[str, str | None]
    edges: tuple[Edge, ...]
    about: tuple[str, ...]


@dataclass(slots=True)
class State:
    """What the log's records so far amount to.

    origin: of the log, "" before genesis. scope: None to replay everything; a set of lot ids to
    replay only what concerns these lots, as the verifier of a bundle does.
    """

    origin: str = ""
    subjects: dict[str, Subject] = field(default_factory=dict)
    keys: dict[str, KeyState] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    records: dict[str, RecordFacts] = field(default_factory=dict)
    scope: frozenset[str] | None = None

    def apply(self, step: Step) -> None:
        """Perform the changes of a step that was planned against this state."""
        self.subjects.update(step.subjects)
        self.records[step.record_id] = step.facts
        if step.facts.type == "genesis":
            self.origin = next(s.id for s in step.subjects.values() if isinstance(s, LogHead))
        if step.keys:
            self.keys.update(step.keys)
        for tag, lot in step.tags.items():
            if lot is None:
                self.tags.pop(tag, None)
            else:
                self.tags[tag] = lot


def tag_key(tag: Mapping[str, str]) -> str:
    """The name of a tag in `State.tags`."""
    return f"{tag['scheme']}:{tag['number']}"


class Draft:
    """The changes of one record while its rules run."""

    __slots__ = ("about", "edges", "keys", "moved", "policy", "record", "signer", "state", "subjects", "tags")

    def __init__(self, state: State, record: Record, signer: Participant, policy: dict[str, Any]) -> None:
        self.state, self.record, self.signer, self.policy = state, record, signer, policy
        self.subjects: dict[str, Subject] = {}
        self.keys: dict[str, KeyState] = {}
        self.tags: dict[str, str | None] = {}
        self.edges: list[Edge] = []
        self.moved: list[str] = []
        self.about: list[str] = []

    def in_scope(self, lot: str) -> bool:
        """Whether this replay follows the lot."""
        scope = self.state.scope
        return scope is None or lot in scope

    def check_heads(self, ids: Iterable[str]) -> list[Subject]:
        """The subjects that this record moves, in order; `prev` must name the head of each, and no other.

        Raises UnknownSubject, MissingHead, StaleHead, TimeBefore.
        """
        prev, time, known = self.record.prev, self.record.time, self.state.subjects
        found = []
        for subject_id in ids:
            subject = known.get(subject_id)
            if subject is None:
                raise UnknownSubject(
                    f"'{subject_id}' is not known to this log: check its id, or submit the record that makes it first.",
                    pointer="/prev",
                    subject=subject_id,
                )
            if prev.get(subject_id) != subject.head or time < subject.time:
                raise self._head_fault(subject, prev.get(subject_id))
            found.append(subject)
            self.moved.append(subject.id)
        if len(prev) > len(found):
            self._check_no_other(prev)
        return found

    def _head_fault(self, subject: Subject, named: str | None) -> CustodyError:
        """Why this record may not build on the subject as it is."""
        if named is None:
            return MissingHead(
                f"'prev' leaves out '{subject.id}': add its head {subject.head}.",
                pointer="/prev",
                subject=subject.id,
                head=subject.head,
            )
        if named != subject.head:
            return StaleHead(
                f"'{subject.id}' has moved on: look at record {subject.head}, then sign over it.",
                pointer=join_pointer("/prev", subject.id),
                subject=subject.id,
                head=subject.head,
            )
        return TimeBefore(
            f"'time' is before {subject.time}, when the previous record of '{subject.id}' happened: correct it.",
            pointer="/time",
            subject=subject.id,
            earliest=subject.time,
        )

    def _check_no_other(self, prev: Mapping[str, str]) -> None:
        for name in prev:
            if name not in self.moved and (self.state.scope is None or name in self.state.scope):
                raise MissingHead(
                    f"'prev' names '{name}', which this record does not move: remove it.", pointer="/prev"
                )

    def participant(self, participant_id: str, pointer: str) -> Participant:
        """An active participant, or UnknownSubject, SignerNotAllowed."""
        subject = self.state.subjects.get(participant_id)
        if not isinstance(subject, Participant):
            raise UnknownSubject(
                f"'{participant_id}' is not an enrolled participant: ask the registrar to enrol it.",
                pointer=pointer,
                subject=participant_id,
            )
        if subject.status != "active":
            raise SignerNotAllowed(
                f"'{participant_id}' is {subject.status}: ask the registrar.", pointer=pointer, subject=participant_id
            )
        return subject

    def site(self, site_id: str, pointer: str) -> Site:
        """A registered site, or UnknownSubject."""
        subject = self.state.subjects.get(site_id)
        if not isinstance(subject, Site):
            raise UnknownSubject(
                f"'{site_id}' is not a registered site: register it first.", pointer=pointer, subject=site_id
            )
        return subject

    def check_role(self, *roles: str) -> None:
        """Raise SignerNotAllowed unless the signer has one of the roles."""
        if not set(roles) & set(self.signer.roles):
            raise SignerNotAllowed(
                f"Only a participant with the role {' or '.join(roles)} may sign this.",
                pointer="/iss",
                roles=list(roles),
            )

    def check_held(self, lot: Lot) -> None:
        """Raise unless the signer holds the lot and is free to act on it."""
        check_lot_open(lot)
        if lot.custodian != self.signer.id:
            raise LotNotHeld(f"Lot '{lot.id}' is not in your custody: receive it first.", pointer="/iss", lot=lot.id)
        if lot.status == "in_transit":
            raise LotInTransit(
                f"Lot '{lot.id}' is dispatched: its consignee must receive or refuse it first.",
                pointer="/body",
                lot=lot.id,
            )
        if lot.status == "disputed":
            raise LotDisputed(
                f"The quantity of lot '{lot.id}' is disputed: its consignor must settle it first.",
                pointer="/body",
                lot=lot.id,
            )

    def new_subject(self, subject_id: str, pointer: str) -> None:
        """Raise IdTaken unless the id is free."""
        if subject_id in self.state.subjects or subject_id in self.subjects:
            raise IdTaken(
                f"The id '{subject_id}' is already used: choose another.", pointer=pointer, subject=subject_id
            )

    def new_lot(self, body: Mapping[str, Any], site: str, model: str, generation: int, pointer: str) -> None:
        """Bring a lot into being, held by the signer, with its tags."""
        lot_id, quantity = body["id"], body["quantity"]
        self.new_subject(lot_id, f"{pointer}/id")
        tags = tuple(tag_key(tag) for tag in body.get("tags", ()))
        for i, tag in enumerate(tags):
            holder = None if tag in self.tags else self.state.tags.get(tag)
            if holder is not None:
                raise TagInUse(
                    f"Tag {tag} is on lot '{holder}', which is still live: use a tag of your own allocation.",
                    pointer=f"{pointer}/tags/{i}",
                    tag=tag,
                    lot=holder,
                )
            self.tags[tag] = lot_id
        self.moved.append(lot_id)
        self.subjects[lot_id] = Lot(
            lot_id, self.record.id, self.record.time, body["mineral"], "held", self.signer.id, site,
            quantity["mass"], quantity["moisture"], quantity["assay"], quantity["mass"], tags, model, generation,
        )  # fmt: skip

    def free_tags(self, lot: Lot) -> None:
        """The tags of a lot that leaves the system may be used again."""
        for tag in lot.tags:
            self.tags[tag] = None

    def earlier_record(self, record_id: str, pointer: str) -> RecordFacts:
        """The facts of an earlier record, or UnknownRecord."""
        facts = self.state.records.get(record_id)
        if facts is None:
            raise UnknownRecord(
                f"The log holds no record {record_id}: check the id.", pointer=pointer, record=record_id
            )
        return facts

    def finish(self, event: str) -> Step:
        """The step that this draft amounts to; event: the type of the record."""
        record = self.record
        kind = record.body["kind"] if event == "attest" else ""
        facts = RecordFacts(event, self.signer.id, tuple(self.moved))
        return Step(record.id, facts, kind, self.subjects, self.keys, self.tags, tuple(self.edges), tuple(self.about))


def check_lot_open(lot: Lot) -> None:
    """Raise LotClosed when the lot was used up or left the system."""
    if lot.status == "closed":
        raise LotClosed(f"Lot '{lot.id}' is used up or closed: name another lot.", pointer="/body", lot=lot.id)


def as_lot(subject: Subject) -> Lot:
    """The subject, if it is a lot; UnknownSubject otherwise."""
    if not isinstance(subject, Lot):
        raise UnknownSubject(
            f"'{subject.id}' is a {kind_of(subject)}: name a lot here.", pointer="/body", subject=subject.id
        )
    return subject
