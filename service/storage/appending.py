"""One transaction that appends to the log: each write is a step of its own.

The steps are methods so that a test can fail before and after the effect of each. Leaving the
block without `commit` rolls back. After an exception from `commit` nobody knows the outcome: the
caller must read the store again, as after a restart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection

from ledger.log.tiles import TileId
from service.storage.engine import Store
from service.storage.head import Head, read_head, swap_head
from service.storage.lease import Fenced, read_epoch
from service.storage.partitions import make_room
from service.storage.rows import Rows
from service.storage.sql import insert_many, together
from service.storage.tree import insert_entries, select_entries, select_tiles, upsert_tiles

_INSERT_DISCLOSURE: Final = (
    "INSERT INTO disclosures (seq, digest, text) VALUES (?, ?, ?) ON CONFLICT (seq, digest) DO NOTHING"
)


class Appending:
    """A write transaction on the log; use as a context manager. epoch: of the lease that it stands on, if any."""

    def __init__(self, store: Store, epoch: int | None = None) -> None:
        self._context = store.writer()
        self._store, self._room = store, store.room
        self._epoch = epoch

    def __enter__(self) -> Self:
        self.conn: Connection = self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.__exit__(kind, error, trace)

    def read_head(self) -> Head | None:
        """The head as this transaction sees it. Raises Fenced when the lease is another's by now: no other process
        can take it over before this transaction ends."""
        if self._epoch is not None and read_epoch(self.conn) != self._epoch:
            raise Fenced
        return read_head(self.conn)

    def together(self, count: int) -> AbstractContextManager[None]:
        """Within the block so many records are written and read back, in one go where that pays."""
        return together(self.conn, count)

    def write_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Append entries from number `first`, where there is room for them by then."""
        past = first + len(entries)
        if past > self._room:
            self._room = make_room(self.conn, past)
        insert_entries(self.conn, first, entries)

    def write_derived(self, rows: Rows, tiles: Mapping[TileId, bytes]) -> None:
        """Write the tiles and every derived row of the batch."""
        upsert_tiles(self.conn, tiles)
        rows.write(self.conn)

    def write_disclosures(self, disclosures: Sequence[tuple[int, str, str]]) -> None:
        """Keep disclosures (entry, digest, text) that were never seen before; an erased one stays erased."""
        insert_many(self.conn, _INSERT_DISCLOSURE, disclosures)

    def read_back(self, first: int, past: int, tiles: Collection[TileId]) -> tuple[list[bytes], dict[TileId, bytes]]:
        """The entries and tiles as the database now has them."""
        return select_entries(self.conn, first, past), select_tiles(self.conn, tiles, past)

    def move_head(self, old: Head, new: Head) -> None:
        """Compare and swap; raises HeadMoved."""
        swap_head(self.conn, old, new)

    def commit(self) -> None:
        """Make everything durable at once."""
        self.conn.commit()
        self._store.room = self._room
