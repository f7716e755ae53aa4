"""Evidence bundles: everything about a lot, site or participant that an outsider needs to check it without us.

`ledger.evidence.closure` says which records belong in it; here they are fetched, proved against one
checkpoint, and shown as far as the reader may read them. A record that the reader may not read, or
asks to leave out, is there by its hash: proofs and custody stand, its content stays with its owner.
The log signs, as of the same checkpoint, the lists of all records there are: a bundle hides nothing
without saying so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.custody.topics import lots_made, number_of_month
from ledger.encoding import parse_json
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from ledger.errors import TooLarge
from ledger.evidence.bundle import Bundle, BundleEntry, Completeness, FullEntry, HashOnlyEntry, format_bundle
from ledger.evidence.closure import Closure, collect_closure
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import leaf_hash
from service.errors import BadRequest
from service.storage.engine import Connection
from service.storage.head import Head
from service.storage.read_records import EntryFound, find_records, records_about
from service.storage.read_subjects import SubjectFound, find_numbers, find_subjects
from service.storage.read_topics import read_newest, read_produced, read_site_statuses
from service.storage.tree import select_entries_at
from service.usecases.access import View, open_view
from service.usecases.anchors import carry_anchors
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.policy import Reader
from service.usecases.receipts import cosigned_checkpoint
from service.usecases.records import check_record_id
from service.usecases.tiles import prove, require_head
from service.usecases.verdicts import read_own


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the bundle of a subject holds for one reader, on one snapshot; entries: by index; lists: by topic."""

    head: Head
    closure: Closure
    lists: Mapping[str, tuple[str, ...]]
    entries: Mapping[int, bytes]
    sight: Sight


def make_bundle(
    context: Context,
    reader: Reader,
    subject: str,
    *,
    kind: str = "lot",
    hash_only: Collection[str] = (),
    verdicts: Collection[str] = (),
) -> bytes:
    """The bundle of a lot, site or participant as bytes.

    hash_only: records whose content is to be left out; verdicts: ids of verdicts on it to put in.

    Raises NotFound, Forbidden, BadRequest (a record that is not in the bundle), TooLarge.
    """
    for record_id in hash_only:
        check_record_id(record_id)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        gathered = gather_evidence(conn, context, view, subject, kind=kind)
        closure, sight = gathered.closure, gathered.sight
        unknown = set(hash_only) - {record.id for record in closure.records.values()}
        if unknown:
            raise BadRequest(
                "A record to leave out is not in this bundle.", pointer="/hash_only", unknown=sorted(unknown)
            )
        proofs = prove(conn, list(closure.indexes), gathered.head.size)
        shown: list[BundleEntry] = []
        for index, record in closure.records.items():
            entry, proof = gathered.entries[index], tuple(proofs[index])
            if record.id in hash_only or not sight.may_read(index):
                shown.append(HashOnlyEntry(index, leaf_hash(entry), proof, record.id))
            else:
                shown.append(FullEntry(index, entry, proof, tuple(sight.disclosures(index))))
        note = cosigned_checkpoint(conn)
        carried = tuple(_read_verdict(conn, reader, one, subject) for one in verdicts)
        anchors = carry_anchors(conn, gathered.head, closure.indexes)
    completeness = sign_lists(context, gathered)
    made = Bundle(context.origin, context.vkey, note, subject, tuple(shown), completeness, carried, anchors)
    return format_bundle(made)


def _read_verdict(conn: Connection, reader: Reader, verdict_id: str, subject: str) -> dict[str, Any]:
    found = read_own(conn, reader, verdict_id)
    if found.subject != subject:
        raise BadRequest(f"This verdict is about '{found.subject}'.", pointer="/verdict")
    envelope: dict[str, Any] = parse_json(found.envelope.encode())
    return envelope


def gather_evidence(conn: Connection, context: Context, view: View, subject: str, *, kind: str) -> Gathered:
    """Everything that the bundle of the subject holds, and what of it the reader may see.

    Raises NotFound, Forbidden, TooLarge.
    """
    if kind == "lot":
        view.require_lot(subject)
    else:
        view.require_owned(subject, kind)
    head = require_head(conn)
    closure = collect_closure(subject, context.origin, Rows(conn, context.limits.bundle_records))
    lists = closure.lists()
    entries = select_entries_at(conn, closure.indexes)
    sight = Sight(view, [EntryFound(index, entry) for index, entry in entries.items()], known=closure.records)
    if kind != "site":  # who reads a lot reads all upstream of it; what a site has made may be others' business
        sight.readable = find_numbers(conn, closure.lots)
    sight.measures = find_measures(closure, lists, sight)
    return Gathered(head, closure, lists, entries, sight)


def find_measures(closure: Closure, lists: Mapping[str, tuple[str, ...]], sight: Sight) -> set[str]:
    """Records that are evidence about mines: statuses, and production of mines whose lots the reader may read."""
    mines = {
        record.body["site"]
        for index, record in closure.records.items()
        if record.type == "extract" and not closure.lots.isdisjoint(lots_made(record)) and sight.may_read(index)
    }
    found: set[str] = set()
    for topic, ids in lists.items():
        kind, name = topic.split(" ")[:2]
        if kind == "status" or (kind == "production" and name in mines):
            found.update(ids)
    corrections = (record for record in closure.records.values() if record.type == "correct" and record.id in found)
    return found.union(record.body["record"] for record in corrections)


def sign_lists(context: Context, gathered: Gathered) -> Completeness:
    """The log's statement that the lists are complete as of the snapshot's head."""
    head = Checkpoint(context.origin, gathered.head.size, gathered.head.root)
    statement = state_lists(head, gathered.closure.subject, gathered.lists)
    return Completeness(sign_completeness(statement, [context.signer]), gathered.lists)


class Rows:
    """What `collect_closure` looks up, from the rows of one snapshot, with a limit on each answer."""

    def __init__(self, conn: Connection, limit: int) -> None:
        self._conn = conn
        self._limit = limit
        self._parsed: dict[int, Record] = {}
        self._subjects: dict[str, SubjectFound] = {}

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        """`lot`, `participant`, `site` or `log` for each id that the log knows."""
        found = find_subjects(self._conn, subjects)
        self._subjects |= found
        return {one: subject.kind for one, subject in found.items()}

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records that moved the head of any of these subjects."""
        return self._records(records_about(self._conn, subjects, moved=True, limit=self._limit + 1))

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records about any of these subjects that moved no head."""
        return self._records(records_about(self._conn, subjects, moved=False, limit=self._limit + 1))

    def produced(self, months: Collection[tuple[str, str]]) -> Mapping[int, Record]:
        """All records of the topic `production` of any of these sites and months."""
        self.kinds({site for site, _ in months} - self._subjects.keys())
        wanted = {(self._subjects[site].num, number_of_month(month)) for site, month in months}
        return self._records(read_produced(self._conn, wanted, limit=self._limit + 1))

    def statuses(self, subdivisions: Collection[str]) -> Mapping[int, Record]:
        """All records of the topic `status` of any of these subdivisions."""
        return self._records(read_site_statuses(self._conn, subdivisions, limit=self._limit + 1))

    def newest(self, subject: str, months: int) -> Mapping[int, Record]:
        """The newest extracts and transforms at a site, or records by which lots came to a participant."""
        number = self._subjects[subject].num
        return self._records(read_newest(self._conn, number, months=months, limit=self._limit + 1))

    def named(self, records: Collection[str]) -> Mapping[int, Record]:
        """The records with these ids."""
        return self._records({found.seq: found.entry for found in find_records(self._conn, records).values()})

    def _records(self, rows: Mapping[int, bytes]) -> dict[int, Record]:
        for seq, entry in rows.items():
            if seq not in self._parsed:
                self._parsed[seq] = parse_record(parse_entry(entry)[1])
        if len(self._parsed) > self._limit:
            raise TooLarge(
                "There are more records behind this than one bundle holds: "
                "ask for those of the lots that it was made from.",
                limit=self._limit,
                actual=len(self._parsed),
            )
        return {seq: self._parsed[seq] for seq in rows}
