"""What one batch of accepted records adds to the derived tables, gathered first and written in one go.

The sequencer and the replay (`rebuild`, `fsck`) gather the same rows through the same code, so that
a rebuilt table holds the bytes that the sequencer wrote. `gather` is called before the step is
applied to the memory: it compares with what was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from ledger.custody.state import Step
from ledger.custody.subjects import Edge, LogHead, Lot, Participant, Site, Subject, kind_of
from ledger.custody.topics import MINE, is_site_status, moved_month, number_of_month, production_month
from ledger.envelope import Record
from service.storage.id_index import append_ids
from service.storage.memory import Memory, evidence_about
from service.storage.sql import delete_in, insert_many, select_in

_CANONICAL: Final = orjson.OPT_SORT_KEYS
_MOVED, _ABOUT = True, False


class Rows:
    """Rows of one batch. A subject, key or tag that changes several times is written once."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._record_ids: list[str] = []
        self._first = -1  # entry of the first of them
        self._heads: dict[str, int] = {}  # subject -> entry of its newest head
        self._subject_records: list[tuple[int, int, bool]] = []
        self._keys: dict[str, int] = {}
        self._tags: dict[str, str | None] = {}
        self._edges: list[tuple[int, int, str, int, str, str]] = []
        self._origins: list[tuple[int, int, str | None]] = []
        self._parties: dict[tuple[int, int], tuple[int, int]] = {}
        self._production: list[tuple[str, int, int, str]] = []  # site id, month, seq, type
        self._site_statuses: list[tuple[str, int]] = []
        self._statements: list[tuple[int, str, str, str | None, int]] = []

    def gather(self, record: Record, step: Step, seq: int) -> None:
        """The rows of one step, which the caller applies to the memory's state next."""
        memory = self._memory
        if not self._record_ids:
            self._first = seq
        self._record_ids.append(record.id)
        for subject in step.subjects.values():
            self._subject_records.append((self._gather_subject(subject, seq, record), seq, _MOVED))
        kind = record.type
        about = step.about or (evidence_about(memory, record) if kind == "correct" else ())
        if about:
            nums = {memory.numbers[one] for one in about if one not in step.subjects}
            self._subject_records += [(num, seq, _ABOUT) for num in sorted(nums)]
            memory.evidence[record.id] = about
        for kid in step.keys:
            self._keys[kid] = seq
        if step.tags:
            self._tags.update(step.tags)
        if step.edges:
            self._gather_edges(step.edges, seq)
        gather = _GATHER.get(kind)
        if gather is not None:
            gather(self, record, seq)

    def _gather_subject(self, subject: Subject, seq: int, record: Record) -> int:
        """The subject's number, given now if it is new."""
        memory, subject_id = self._memory, subject.id
        numbers = memory.numbers
        self._heads[subject_id] = seq
        before = memory.state.subjects.get(subject_id)
        if before is None:
            memory.count += 1
            numbers[subject_id] = memory.count
        num = numbers[subject_id]
        if type(subject) is Lot:
            known = (before.custodian, before.consignee) if type(before) is Lot else ()
            for party in (subject.custodian, subject.consignee):
                if party and party not in known:
                    self._parties.setdefault((numbers[party], num), (seq, number_of_month(record.time)))
            if before is None:
                model = subject.model if subject.generation else None
                self._origins.append((num, numbers[subject.site], model))
        return num

    def _gather_edges(self, edges: Iterable[Edge], seq: int) -> None:
        """What a transform took, with the quality that each input had then."""
        numbers = self._memory.numbers
        assays: dict[str, str] = {}
        for edge in edges:
            if edge.parent not in assays:
                assays[edge.parent] = orjson.dumps(edge.assay, option=_CANONICAL).decode()
            child, parent = numbers[edge.child], numbers[edge.parent]
            self._edges.append((child, parent, edge.mass, seq, edge.moisture, assays[edge.parent]))

    def _gather_statement(self, record: Record, seq: int) -> None:
        body = record.body
        kind = body["kind"] if record.type == "attest" else body["category"]
        self._statements.append((seq, record.type, kind, body.get("status"), self._memory.numbers[record.iss]))
        if is_site_status(record):
            about = (self._memory.state.subjects.get(one["subject"]) for one in body["about"])
            mines = {site.subdivision for site in about if isinstance(site, Site) and site.kind == MINE}
            self._file_status(record, mines, seq)

    def _gather_extract(self, record: Record, seq: int) -> None:
        place = (record.body["site"], number_of_month(production_month(record)))
        self._memory.extracted[record.id] = place
        self._production.append((*place, seq, record.type))

    def _gather_transform(self, record: Record, seq: int) -> None:
        self._production.append((record.body["site"], number_of_month(record.time), seq, record.type))

    def _gather_correction(self, record: Record, seq: int) -> None:
        """Where what it corrects was filed, and under the month to which it moves an extract."""
        corrected = record.body["record"]
        self._file_status(record, self._memory.statuses.get(corrected, ()), seq)
        if corrected in self._memory.extracted:
            site, month = self._memory.extracted[corrected]
            moved = moved_month(record)
            months = {month, number_of_month(moved)} if moved else {month}
            self._production += [(site, one, seq, record.type) for one in sorted(months)]

    def _file_status(self, record: Record, subdivisions: Collection[str], seq: int) -> None:
        if subdivisions:
            self._memory.statuses[record.id] = tuple(subdivisions)
            self._site_statuses += [(one, seq) for one in sorted(subdivisions)]

    def write(self, conn: Connection) -> None:
        """Write everything gathered; the memory holds the state after the last step."""
        append_ids(conn, self._first, self._record_ids)
        self._write_subjects(conn)
        insert_many(conn, _INSERT_SUBJECT_RECORD, self._subject_records)
        insert_many(conn, _UPSERT_KEY, [self._key_row(kid, seq) for kid, seq in self._keys.items()])
        numbers = self._memory.numbers
        insert_many(conn, _UPSERT_TAG, [(tag, numbers[lot]) for tag, lot in self._tags.items() if lot is not None])
        delete_in(conn, _DELETE_TAGS, [tag for tag, lot in self._tags.items() if lot is None])
        insert_many(conn, _INSERT_EDGE, self._edges)
        insert_many(conn, _INSERT_ORIGIN, self._origins)
        insert_many(conn, _INSERT_PARTY, [(*pair, *since) for pair, since in sorted(self._parties.items())])
        insert_many(conn, _INSERT_PRODUCTION, self._production_rows(conn))
        insert_many(conn, _INSERT_SITE_STATUS, self._site_statuses)
        insert_many(conn, _INSERT_STATEMENT, self._statements)

    def _production_rows(self, conn: Connection) -> list[tuple[int, int, int, str]]:
        """With the numbers of the sites; that of a site which only a corrected extract names is looked up."""
        numbers = self._memory.numbers
        unknown = sorted({row[0] for row in self._production if row[0] not in numbers})
        for num, site in select_in(conn, "SELECT num, id FROM subjects WHERE id IN (??)", unknown):
            numbers[site] = num
        return [(numbers[site], month, seq, kind) for site, month, seq, kind in self._production]

    def _write_subjects(self, conn: Connection) -> None:
        written: list[tuple[Any, ...]] = []
        for subject_id, seq in self._heads.items():
            subject, num = self._memory.state.subjects[subject_id], self._memory.numbers[subject_id]
            columns = self._columns(subject)
            written.append((num, subject_id, kind_of(subject), *columns, seq, _format_data(subject)))
        insert_many(conn, _UPSERT_SUBJECT, written)

    def _columns(self, subject: Subject) -> tuple[str, int | None, int | None, str | None, str | None]:
        """status, holder, consignee, mineral, country."""
        numbers = self._memory.numbers
        if isinstance(subject, Lot):
            consignee = numbers[subject.consignee] if subject.consignee else None
            return subject.status, numbers[subject.custodian], consignee, subject.mineral, None
        if isinstance(subject, Site):
            return subject.status, numbers[subject.operator], None, None, subject.country
        if isinstance(subject, Participant):
            return subject.status, None, None, None, subject.country
        return "active", None, None, None, None

    def _key_row(self, kid: str, seq: int) -> tuple[Any, ...]:
        key = self._memory.state.keys[kid]
        jwk = orjson.dumps(key.jwk, option=_CANONICAL).decode()
        return kid, self._memory.numbers[key.participant], jwk, key.valid_from, key.revoked, seq


_GATHER: Final[dict[str, Callable[[Rows, Record, int], None]]] = {
    "attest": Rows._gather_statement,
    "incident": Rows._gather_statement,
    "extract": Rows._gather_extract,
    "transform": Rows._gather_transform,
    "correct": Rows._gather_correction,
}


def _format_data(subject: Subject) -> str:
    """The canonical JSON of `format_subject(subject)`, without copying its lists first."""
    members = dict(zip(_FIELDS[type(subject)], (kind_of(subject), *subject), strict=True))
    return orjson.dumps(members, default=_members, option=_CANONICAL).decode()


def _members(value: Any) -> dict[str, Any]:
    """Of a named tuple within a subject."""
    members: dict[str, Any] = value._asdict()
    return members


_FIELDS: Final = {kind: ("subject", *kind._fields) for kind in (LogHead, Participant, Site, Lot)}
_UPSERT_SUBJECT: Final = (
    "INSERT INTO subjects (num, id, kind, status, holder, consignee, mineral, country, seq, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (num) DO UPDATE SET status = excluded.status, "
    "holder = excluded.holder, consignee = excluded.consignee, mineral = excluded.mineral, "
    "country = excluded.country, seq = excluded.seq, data = excluded.data"
)
_INSERT_SUBJECT_RECORD: Final = "INSERT INTO subject_records (subject, seq, moved) VALUES (?, ?, ?)"
_UPSERT_KEY: Final = (
    "INSERT INTO keys (kid, participant, jwk, valid_from, revoked, seq) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (kid) DO UPDATE SET revoked = excluded.revoked, seq = excluded.seq"
)
_UPSERT_TAG: Final = "INSERT INTO tags (tag, lot) VALUES (?, ?) ON CONFLICT (tag) DO UPDATE SET lot = excluded.lot"
_DELETE_TAGS: Final = "DELETE FROM tags WHERE tag IN (??)"
_INSERT_EDGE: Final = "INSERT INTO edges (child, parent, mass, seq, moisture, assay) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_ORIGIN: Final = "INSERT INTO lot_origins (lot, site, model) VALUES (?, ?, ?)"
_INSERT_PARTY: Final = (
    "INSERT INTO lot_parties (participant, lot, seq, month) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (participant, lot) DO NOTHING"
)
_INSERT_PRODUCTION: Final = "INSERT INTO production (site, month, seq, type) VALUES (?, ?, ?, ?)"
_INSERT_SITE_STATUS: Final = "INSERT INTO site_statuses (subdivision, seq) VALUES (?, ?)"
_INSERT_STATEMENT: Final = "INSERT INTO statements (seq, type, kind, status, issuer) VALUES (?, ?, ?, ?, ?)"
