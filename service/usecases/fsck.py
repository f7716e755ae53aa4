"""Fsck: everything that an auditor checks, over the operator's own database, and what only the operator can.

1. the auditor's checks (`ledger.evidence.audit`) on entries and hash tiles as stored; 2. every
derived row against a replay; 3. every disclosure against the record that it belongs to; 4. the file
of signed checkpoints against the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ledger.disclosure import disclosure_digest
from ledger.entry import parse_entry
from ledger.envelope import digests_of, parse_record
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.chunk import Chunk, check_chunk
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.log.checkpoint import open_checkpoint
from ledger.log.note import Ed25519Signer, Verifier
from ledger.log.tiles import WIDTH, TileId, format_bundle
from service.storage.checkpoints import CheckpointFile, CheckpointFileError
from service.storage.derived import Difference
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.sql import execute
from service.storage.tree import iterate_entries, select_entries_at, select_tiles
from service.usecases.check import KeyRing
from service.usecases.open_log import RefuseToOpen, open_log
from service.usecases.reference import check_step
from service.usecases.replay import Progress, ReplayFailed, find_differences


@dataclass(frozen=True, slots=True)
class Fsck:
    """report: of the audit; differences: of derived rows; faults: sentences about the rest."""

    report: Report
    differences: list[Difference]
    faults: list[str]

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return self.report.verified and not self.differences and not self.faults

    def sentences(self) -> Iterator[str]:
        """What was found, for people."""
        for check in self.report.checks:
            yield f"{check.outcome.value:<10}  {check.name}: {check.sentence}"
        for finding in self.report.findings:
            place = "" if finding.index is None else f"entry {finding.index}: "
            yield f"  {finding.check}: {place}{finding.error.message}"
        for name, count in Counter(one.table for one in self.differences).items():
            yield f"fail        table {name}: {count} rows or more differ from a replay: run `lodeline-server rebuild`."
        for fault in self.faults:
            yield f"fail        {fault}"
        if self.sound:
            yield "pass        derived tables, disclosures, signed checkpoints: as a replay gives them."

    def to_json(self) -> dict[str, Any]:
        """What was found, for programs."""
        differences = [{"table": one.table, "key": list(one.key)} for one in self.differences]
        return {"report": self.report.to_json(), "differences": differences, "faults": self.faults}


def check_database(
    store: Store,
    file: CheckpointFile,
    signer: Ed25519Signer,
    *,
    now: float,
    progress: Progress = lambda done, total: None,
) -> Fsck:
    """Check everything; now: seconds since the epoch. Nothing is changed but a checkpoint that was not yet filed.

    Raises Conflict when the database is at a migration step that this program does not work on.
    """
    check_step(store)
    faults: list[str] = []
    report = _audit(store, signer, now, progress)
    try:
        differences = find_differences(store)
    except ReplayFailed as failed:
        differences = []
        faults.append(str(failed))
    with store.reading() as conn:
        faults += _check_disclosures(conn)
    try:
        open_log(store, file, signer, KeyRing())
    except RefuseToOpen as refusal:
        faults.append(str(refusal))
    finally:
        file.close()
    return Fsck(report, differences, faults)


def accept_head(store: Store, file: CheckpointFile, verifier: Verifier) -> None:
    """Begin a new file of checkpoints with the database's head; the old file is kept under another name.

    Only the operator can know that no newer checkpoint was ever shown to anybody. Raises
    CheckpointFileError when there is no log.
    """
    with store.reading() as conn:
        head = read_head(conn)
    if head is None:
        raise CheckpointFileError("The database holds no log yet: run `lodeline-server init`.")
    open_checkpoint(head.checkpoint, verifier.name, [verifier])
    file.begin(head.checkpoint)


def _audit(store: Store, signer: Ed25519Signer, now: float, progress: Progress) -> Report:
    policy = TrustPolicy(logs=(TrustedLog(signer.verifier),))
    audit = Audit(policy, datetime.fromtimestamp(now, UTC), signer.name)
    with store.reading() as conn:
        head = read_head(conn)
        if head is None or audit.open(head.checkpoint.encode()) is None:
            return audit.finish()
        for first, entries in iterate_entries(conn, 0, head.size, WIDTH):
            n, width = first // WIDTH, min(WIDTH, head.size - first)
            tile = select_tiles(conn, [(0, n)], head.size).get((0, n))
            checked = check_chunk(Chunk(n, width, format_bundle(entries) if entries else None, tile), audit.keys)
            _compare_tiles(conn, audit, audit.fold(checked), head.size)
            progress(first + width, head.size)
        _compare_tiles(conn, audit, audit.tree.partial(), head.size)
    return audit.finish()


def _compare_tiles(conn: Connection, audit: Audit, tiles: list[tuple[TileId, bytes]], size: int) -> None:
    stored = select_tiles(conn, [tile for tile, _ in tiles], size)
    for tile, computed in tiles:
        audit.compare_tile(tile, computed, stored.get(tile, b""))


def _check_disclosures(conn: Connection) -> Iterator[str]:
    """Each disclosure has the digest that it is filed under, and its record has that digest."""
    rows = execute(conn, "SELECT seq, digest, text FROM disclosures ORDER BY seq, digest").fetchall()
    entries = select_entries_at(conn, sorted({row.seq for row in rows}))
    digests: dict[int, set[str]] = {}
    for seq, entry in entries.items():
        try:
            digests[seq] = set(digests_of(parse_record(parse_entry(entry)[1])))
        except LedgerError:
            digests[seq] = set()  # the audit has said what is wrong with the entry
    for seq, digest, text in rows:
        if digest not in digests.get(seq, ()):
            yield f"A disclosure of entry {seq} is filed under {digest}, which is not in that record: delete the row."
        elif text is not None and disclosure_digest(text) != digest:
            yield f"The disclosure {digest} of entry {seq} does not have that digest: restore it from a backup."
