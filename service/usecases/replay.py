"""Replay: the derived tables, computed from nothing but the entries, through the sequencer's own code.

`rebuild` puts the result in the place of what is there; `find_differences` puts it beside and
compares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ledger.custody.state import needs, plan_step
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.errors import LedgerError
from ledger.log.checkpoint import open_checkpoint
from ledger.log.note import Verifier
from ledger.log.sequence import Edge, plan_batch
from service.storage.derived import Difference, compare_derived, recreate_derived
from service.storage.engine import Connection, Store
from service.storage.head import Head, read_head, swap_head
from service.storage.memory import Memory
from service.storage.rows import Rows
from service.storage.schema import current_step, migrate, newest_step
from service.storage.tree import iterate_entries, upsert_tiles

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""


class ReplayFailed(Exception):
    """The entries do not give what the head says; the message says where and what to do."""


def rebuild(store: Store, verifier: Verifier, progress: Progress = lambda done, total: None) -> Head:
    """Drop every derived table and compute it anew, in one transaction. Raises ReplayFailed, then nothing changed."""
    with store.writing() as conn:
        return rebuild_within(conn, verifier, progress)


def rebuild_within(conn: Connection, verifier: Verifier, progress: Progress) -> Head:
    """The same in a write transaction that the caller has."""
    head = require_head(conn)
    if current_step(conn) != newest_step():  # the tables would be made as this program knows them
        raise ReplayFailed(
            f"The database is at migration step {current_step(conn)}, this program makes tables of {newest_step()}: "
            "use the program that migrated it, or run `lodeline-server migrate` first."
        )
    recreate_derived(conn)
    edge, subjects = _replay(conn, conn, head.size, progress)
    _check_root(head, edge, verifier)
    rebuilt = head._replace(subjects=subjects)
    swap_head(conn, head, rebuilt)
    return rebuilt


def find_differences(store: Store, progress: Progress = lambda done, total: None) -> list[Difference]:
    """Rows of derived tables that a replay would write differently. Raises ReplayFailed."""
    with tempfile.TemporaryDirectory(prefix="lodeline-") as folder:
        scratch = Store(f"sqlite:///{Path(folder) / 'replay.db'}")
        try:
            migrate(scratch)
            with store.reading() as log:
                head = require_head(log)
                with scratch.writing() as conn:
                    _, subjects = _replay(log, conn, head.size, progress)
                with scratch.reading() as conn:
                    found = compare_derived(log, conn)
            if subjects != head.subjects:
                found.append(Difference("head", (1,), (head.subjects,), (subjects,)))
            return found
        finally:
            scratch.close()


def require_head(conn: Connection) -> Head:
    """The head. Raises ReplayFailed without a log."""
    head = read_head(conn)
    if head is None:
        raise ReplayFailed("The database holds no log yet: run `lodeline-server init`.")
    return head


def _replay(log: Connection, conn: Connection, size: int, progress: Progress) -> tuple[Edge, int]:
    """Entries from `log`, rows to `conn`; the right edge and the number of subjects at the end."""
    memory, edge = Memory("", 0), Edge.empty()
    for first, entries in iterate_entries(log, 0, size):
        _replay_chunk(log, conn, memory, first, entries)
        batch = plan_batch(edge, entries)
        upsert_tiles(conn, batch.tiles)
        edge = batch.edge
        if memory.is_full():
            memory = Memory(memory.state.origin, memory.count)
        progress(edge.size, size)
    if edge.size != size:
        raise ReplayFailed(f"The database holds {edge.size} entries where its head says {size}: restore a backup.")
    return edge, memory.count


def _replay_chunk(log: Connection, conn: Connection, memory: Memory, first: int, entries: list[bytes]) -> None:
    rows, index = Rows(memory), first
    try:
        parsed = []
        for index, entry in enumerate(entries, first):  # noqa: B007  # also names the entry at fault
            logged, jws = parse_entry(entry)
            parsed.append((logged, parse_record(jws)))
        memory.recall(conn, needs(*(record for _, record in parsed)), log=log)
        for index, (logged, record) in enumerate(parsed, first):
            step = plan_step(memory.state, record, logged)
            rows.gather(record, step, index)
            memory.state.apply(step)
    except LedgerError as error:
        raise ReplayFailed(
            f"Entry {index} is refused by the replay ({error.code}: {error.message}) "
            "The database is damaged there: restore a backup."
        ) from error
    rows.write(conn)


def _check_root(head: Head, edge: Edge, verifier: Verifier) -> None:
    try:
        signed = open_checkpoint(head.checkpoint, verifier.name, [verifier])
    except LedgerError as error:
        raise ReplayFailed(f"The checkpoint of the head does not verify: {error.message}") from error
    if (signed.size, signed.root) != (edge.size, edge.root):
        raise ReplayFailed(
            f"The entries give another root than the signed checkpoint of {signed.size} entries: an entry was changed. "
            "Restore a backup; `lodeline-server fsck` names the first one at fault."
        )
