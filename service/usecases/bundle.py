"""Evidence bundles: everything about one lot that an outsider needs to check it without us.

`ledger.evidence.closure` says which records belong in it; here they are fetched, proved against one
checkpoint, and shown as far as the reader may read them. A record that the reader may not read, or
asks to leave out, is there by its hash: proofs and custody stand, its content stays with its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from ledger.errors import TooLarge
from ledger.evidence.bundle import Bundle, BundleEntry, FullEntry, HashOnlyEntry, format_bundle
from ledger.evidence.closure import collect_closure
from ledger.log.merkle import leaf_hash
from service.errors import BadRequest
from service.storage.engine import Connection
from service.storage.read_records import EntryFound, records_about
from service.storage.read_subjects import find_subjects
from service.storage.tree import select_entries_at
from service.usecases.access import open_view
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.policy import Reader
from service.usecases.receipts import cosigned_checkpoint
from service.usecases.records import check_record_id
from service.usecases.tiles import prove, require_head


def make_bundle(context: Context, reader: Reader, lot: str, *, hash_only: Collection[str] = ()) -> bytes:
    """The bundle of a lot as bytes. hash_only: records whose content is to be left out.

    Raises NotFound, BadRequest (a record that is not in the bundle), TooLarge.
    """
    for record_id in hash_only:
        check_record_id(record_id)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        view.require_lot(lot)
        head = require_head(conn)
        closure = collect_closure(lot, context.origin, _Rows(conn, context.limits.bundle_records))
        entries = select_entries_at(conn, closure.indexes)
        sight = Sight(view, [EntryFound(index, entry) for index, entry in entries.items()])
        unknown = set(hash_only) - {record.id for record in sight.records.values()}
        if unknown:
            raise BadRequest(
                "A record to leave out is not in this bundle.", pointer="/hash_only", unknown=sorted(unknown)
            )
        proofs = prove(conn, list(closure.indexes), head.size)
        shown: list[BundleEntry] = []
        for index in closure.indexes:
            record, proof = sight.records[index], tuple(proofs[index])
            if record.id in hash_only or not sight.may_read(index):
                shown.append(HashOnlyEntry(index, leaf_hash(entries[index]), proof, record.id))
            else:
                shown.append(FullEntry(index, entries[index], proof, tuple(sight.disclosures(index))))
        note = cosigned_checkpoint(conn)
    return format_bundle(Bundle(context.origin, context.vkey, note, lot, tuple(shown)))


class _Rows:
    """What `collect_closure` looks up, from the rows of one snapshot, with a limit on each answer."""

    def __init__(self, conn: Connection, limit: int) -> None:
        self._conn = conn
        self._limit = limit
        self._parsed: dict[int, Record] = {}

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        """`lot`, `participant`, `site` or `log` for each id that the log knows."""
        return {one: found.kind for one, found in find_subjects(self._conn, subjects).items()}

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records that moved the head of any of these subjects."""
        return self._records(records_about(self._conn, subjects, moved=True, limit=self._limit + 1))

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records about any of these subjects that moved no head."""
        return self._records(records_about(self._conn, subjects, moved=False, limit=self._limit + 1))

    def _records(self, rows: Mapping[int, bytes]) -> dict[int, Record]:
        for seq, entry in rows.items():
            if seq not in self._parsed:
                self._parsed[seq] = parse_record(parse_entry(entry)[1])
        if len(self._parsed) > self._limit:
            raise TooLarge(
                "This lot has more records upstream than one bundle holds: ask for those of the lots it was made from.",
                limit=self._limit,
                actual=len(self._parsed),
            )
        return {seq: self._parsed[seq] for seq in rows}
