"""Restore: the entries that the database lacks, from a static copy of the same log (an export, a mirror).

For a database that was rolled back behind what the log has signed. Nothing in the copy is believed: its checkpoint
must be signed by this log's key, and a replay of all entries, those that were there and those that are added, must end
at its root; or else nothing changes. A copy holds no disclosures, grants or verdicts: those stay lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ledger.entry import parse_entry
from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.log.note import Ed25519Signer
from ledger.log.tiles import ENTRIES, WIDTH, parse_bundle, tile_path, tile_width
from service.storage.engine import Connection, Store
from service.storage.head import swap_head
from service.storage.partitions import make_room
from service.storage.tree import insert_entries
from service.usecases.publish import CHECKPOINT
from service.usecases.replay import Progress, ReplayFailed, rebuild_within, require_head


class RestoreRefused(ReplayFailed):
    """The folder does not hold more of this log than the database does."""


class Restored(NamedTuple):
    """Size of the log before and now, and its root."""

    before: int
    size: int
    root: bytes


def restore_entries(
    store: Store, signer: Ed25519Signer, folder: Path, progress: Progress = lambda done, total: None
) -> Restored:
    """Append what the copy has more, in one transaction. Raises RestoreRefused, ReplayFailed, LedgerError, OSError."""
    signed = _read_checkpoint(folder, signer)
    with store.writing() as conn:
        head = require_head(conn)
        if signed.size <= head.size:
            raise RestoreRefused(
                f"{folder} ends at entry {signed.size} and the database at {head.size}: there is nothing to restore."
            )
        logged = _append(conn, folder, head.size, signed.size)
        note = sign_checkpoint(signed, [signer])  # the bytes that were signed then: Ed25519 is deterministic
        ahead = head._replace(size=signed.size, root=signed.root, logged=logged, checkpoint=note)
        swap_head(conn, head, ahead)
        rebuilt = rebuild_within(conn, signer.verifier, progress)
    return Restored(head.size, rebuilt.size, rebuilt.root)


def _read_checkpoint(folder: Path, signer: Ed25519Signer) -> Checkpoint:
    try:
        return open_checkpoint((folder / CHECKPOINT).read_bytes(), signer.name, [signer.verifier])
    except LedgerError as error:
        raise RestoreRefused(f"{folder} does not hold a copy of this log: {error.message}") from None


def _append(conn: Connection, folder: Path, have: int, size: int) -> int:
    """Entries from number `have` up to `size`; the time of logging of the last, in ms."""
    entries: list[bytes] = []
    room: float = 0
    for n in range(have // WIDTH, -(-size // WIDTH)):
        width = tile_width(0, n, size)
        entries = parse_bundle((folder / tile_path(ENTRIES, n, width)).read_bytes(), width)
        first = max(have, n * WIDTH)
        past = n * WIDTH + width
        room = room if past <= room else make_room(conn, past)
        insert_entries(conn, first, entries[first - n * WIDTH :])
    return parse_entry(entries[-1])[0]
