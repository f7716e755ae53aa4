"""What records changed in the state of the custody rules, and the same as JSON: to be written down and read again.

An audit of a large log saves its state now and then, to go on from there after an interruption, and keeps only a part
of it in memory. Both work on what was changed since the last time, never on the whole. The JSON is read by the program
that wrote it only; its form is not stable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import orjson

from ledger.custody.draft import State, Step
from ledger.custody.state import Needs, needs
from ledger.custody.subjects import (
    Dispatched,
    KeyState,
    LogHead,
    Lot,
    Participant,
    RecordFacts,
    Site,
    Subject,
    kind_of,
)
from ledger.envelope import Record
from ledger.evidence.chunk import Checked

PER_LINE: Final = 2_000


@dataclass(slots=True)
class Changes:
    """The newest values of what was changed, by id. tags: None for one that came free."""

    records: dict[str, RecordFacts] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    keys: dict[str, KeyState] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """One more accepted record."""
        self.records[step.record_id] = step.facts
        self.subjects.update(step.subjects)
        if step.tags:
            self.tags.update(step.tags)
        if step.keys:
            self.keys.update(step.keys)

    def update(self, later: Changes) -> None:
        """Changes that came after these."""
        self.records.update(later.records)
        self.subjects.update(later.subjects)
        self.tags.update(later.tags)
        self.keys.update(later.keys)

    def clear(self) -> None:
        """Begin anew."""
        self.records, self.subjects, self.tags, self.keys = {}, {}, {}, {}

    def apply(self, state: State) -> None:
        """Perform them on a state from before."""
        state.records.update(self.records)
        state.subjects.update(self.subjects)
        state.keys.update(self.keys)
        for tag, lot in self.tags.items():
            if lot is None:
                state.tags.pop(tag, None)
            else:
                state.tags[tag] = lot
        if not state.origin:
            state.origin = next((one.id for one in self.subjects.values() if isinstance(one, LogHead)), "")


def format_changes(changes: Changes) -> Iterator[bytes]:
    """Changes as lines of JSON, each of a bounded number of items."""
    for name in ("records", "subjects", "tags", "keys"):
        items = iter(getattr(changes, name).items())
        while some := list(islice(items, PER_LINE)):
            rows = [(key, _row(value)) for key, value in some]
            yield orjson.dumps({name: rows}, default=tuple, option=orjson.OPT_APPEND_NEWLINE)


def parse_changes(line: bytes) -> Changes:
    """The changes of one line of `format_changes`; for lines whose digest was checked."""
    found = Changes()
    ((name, rows),) = orjson.loads(line).items()
    if name == "records":
        same: dict[str, str] = {}  # types and issuers are few: one text for each
        for record_id, (kind, issuer, subjects) in rows:
            texts = same.setdefault(kind, kind), same.setdefault(issuer, issuer)
            found.records[record_id] = RecordFacts(*texts, tuple(subjects))
    elif name == "subjects":
        found.subjects = {key: _subject(row) for key, row in rows}
    elif name == "tags":
        found.tags = dict(rows)
    else:
        found.keys = {key: KeyState(*row) for key, row in rows}
    return found


def format_subject_row(subject: Subject) -> bytes:
    """One subject as JSON."""
    return orjson.dumps(_row(subject), default=tuple)


def parse_subject_row(text: bytes) -> Subject:
    """The inverse of `format_subject_row`."""
    return _subject(orjson.loads(text))


def format_facts(facts: RecordFacts) -> bytes:
    """What is known of a record, as JSON."""
    return orjson.dumps(tuple(facts))


def parse_facts(text: bytes) -> RecordFacts:
    """The inverse of `format_facts`."""
    kind, issuer, subjects = orjson.loads(text)
    return RecordFacts(kind, issuer, tuple(subjects))


def wanted(some: Iterable[Checked]) -> Needs:
    """Everything in the state that the rules look up for the records of these chunks; their own ids too."""
    records = [
        Record(record_id, b"", alg, kid, orjson.loads(payload))
        for one in some
        for record_id, alg, kid, payload in zip(one.ids, one.algs, one.kids, one.payloads, strict=True)
        if payload
    ]
    found = needs(*records)
    found.records.update(record.id for record in records)
    return found


def _row(value: Any) -> Any:
    return (kind_of(value), *value) if isinstance(value, (LogHead, Participant, Site, Lot)) else value


def _subject(row: list[Any]) -> Subject:
    kind, *values = row
    return _SUBJECTS[kind](values)


def _participant(values: list[Any]) -> Participant:
    found = Participant(*values)
    return found._replace(roles=tuple(found.roles), keys=tuple(found.keys))


def _site(values: list[Any]) -> Site:
    found = Site(*values)
    return found._replace(minerals=tuple(found.minerals))


def _lot(values: list[Any]) -> Lot:
    found = Lot(*values)
    return found._replace(tags=tuple(found.tags), sent=Dispatched(*found.sent) if found.sent else None)


_SUBJECTS: Final[dict[str, Callable[[list[Any]], Subject]]] = {
    "log": lambda values: LogHead(*values),
    "participant": _participant,
    "site": _site,
    "lot": _lot,
}
