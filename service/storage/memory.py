"""What the one writer remembers of the derived rows between commits, so that hot subjects are read once.

Coherent because derived rows change only in a transaction that also swaps the head: whoever finds
the head where it left it has seen every change; whoever does not, or whose transaction failed,
forgets everything (`Memory` is thrown away and made anew).

Reading is planned: `recall` is given the needs of a whole batch, asks for what it does not know in
a few statements, and afterwards `state` answers every question of `plan_step` for this batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from ledger.custody.state import Needs, State
from ledger.custody.subjects import KeyState, Lot, RecordFacts, Site, parse_subject
from ledger.custody.topics import is_site_status, number_of_month, production_month
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from service.storage.id_index import find_entries
from service.storage.sql import select_in

MAX_REMEMBERED: Final = 100_000
"""Subjects, tags and records together; beyond it the memory is emptied between two batches."""


class Memory:
    """state: the custody state as far as it is remembered; numbers: of its subjects and of those that
    they name; count: of all subjects of the log; evidence: what remembered attestations and incidents are about;
    extracted: site id and month of remembered extracts; statuses: subdivisions of remembered site statuses."""

    def __init__(self, origin: str, count: int) -> None:
        self.state = State(origin=origin)
        self.numbers: dict[str, int] = {}
        self.count = count
        self.evidence: dict[str, tuple[str, ...]] = {}
        self.extracted: dict[str, tuple[str, int]] = {}
        self.statuses: dict[str, tuple[str, ...]] = {}

    def recall(self, conn: Connection, wanted: Needs, *, log: Connection | None = None) -> None:
        """Read what is wanted and not yet remembered. What is still missing then is not in the log.

        log: where the entries are, when a replay writes its rows elsewhere.
        """
        state = self.state
        self._recall_subjects(conn, _missing(wanted.subjects, state.subjects))
        self._recall_keys(conn, _missing(wanted.keys, state.keys))
        self._recall_tags(conn, _missing(wanted.tags, state.tags))
        self._recall_records(conn, _missing(wanted.records, state.records), log or conn)

    def is_full(self) -> bool:
        """Whether so much is remembered that it is time to start anew."""
        state = self.state
        return len(state.subjects) + len(state.tags) + len(state.records) > MAX_REMEMBERED

    def _recall_subjects(self, conn: Connection, ids: Sequence[str]) -> None:
        rows = select_in(conn, "SELECT num, id, holder, consignee, data FROM subjects WHERE id IN (??)", ids)
        for num, subject_id, holder, consignee, data in rows:
            subject = parse_subject(orjson.loads(data))
            self.numbers[subject_id] = num
            self.state.subjects[subject_id] = subject
            # The numbers of those it names, who need not be remembered themselves.
            if isinstance(subject, Lot):
                self.numbers[subject.custodian] = holder
                if subject.consignee:
                    self.numbers[subject.consignee] = consignee
            elif isinstance(subject, Site):
                self.numbers[subject.operator] = holder

    def _recall_keys(self, conn: Connection, kids: Sequence[str]) -> None:
        rows = select_in(conn, _KEYS, kids)
        for kid, participant, jwk, valid_from, revoked in rows:
            self.state.keys[kid] = KeyState(kid, participant, orjson.loads(jwk), valid_from, bool(revoked))

    def _recall_tags(self, conn: Connection, tags: Sequence[str]) -> None:
        for tag, lot in select_in(conn, _TAGS, tags):
            self.state.tags[tag] = lot

    def _recall_records(self, conn: Connection, ids: Sequence[str], log: Connection) -> None:
        found = find_entries(conn, ids, log=log)
        if not found:
            return
        moved: dict[int, list[str]] = {seq: [] for seq, _ in found.values()}
        about: dict[int, list[str]] = {seq: [] for seq in moved}
        for seq, num, subject, moves in select_in(conn, _SUBJECTS_OF, list(moved)):
            (moved if moves else about)[seq].append(subject)
            self.numbers[subject] = num
        set_at: dict[int, str] = {}
        for record_id, (seq, entry) in found.items():
            record = parse_record(parse_entry(entry)[1])
            self.state.records[record_id] = RecordFacts(record.type, record.iss, tuple(moved[seq]))
            self.evidence[record_id] = tuple(about[seq])
            if record.type == "extract":
                self.extracted[record_id] = (record.body["site"], number_of_month(production_month(record)))
            elif is_site_status(record):
                set_at[seq] = record_id
        places: dict[str, list[str]] = {}
        for seq, subdivision in select_in(conn, _STATUSES_OF, list(set_at)):
            places.setdefault(set_at[seq], []).append(subdivision)
        self.statuses.update((record_id, tuple(found)) for record_id, found in places.items())


def _missing(wanted: Iterable[str], known: Mapping[str, Any]) -> list[str]:
    """Not `wanted - known.keys()`, which walks through all that is known."""
    return [one for one in wanted if one not in known]


_KEYS: Final = (
    "SELECT k.kid, s.id, k.jwk, k.valid_from, k.revoked FROM keys k JOIN subjects s ON s.num = k.participant "
    "WHERE k.kid IN (??)"
)
_STATUSES_OF: Final = "SELECT seq, subdivision FROM site_statuses WHERE seq IN (??) ORDER BY subdivision"
_TAGS: Final = "SELECT t.tag, s.id FROM tags t JOIN subjects s ON s.num = t.lot WHERE t.tag IN (??)"
_SUBJECTS_OF: Final = (
    "SELECT r.seq, r.subject, s.id, r.moved FROM subject_records r JOIN subjects s ON s.num = r.subject "
    "WHERE r.seq IN (??) ORDER BY s.num"
)


def evidence_about(memory: Memory, record: Record) -> tuple[str, ...]:
    """What the attestation or incident that this record corrects is about; () for others."""
    body: dict[str, Any] = record.body
    return memory.evidence.get(body["record"], ()) if record.type == "correct" else ()
