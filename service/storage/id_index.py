"""From the id of a record to its number.

Ids are random: each row of an index by id lies in another page than the row before, and a page is what a commit pays
for. So the newest ids wait in tiles, 1,024 to a tile, in the order of the log: one page for many records. When 32,768
have come together they go into the index at once and sorted, many to a page. What is where follows from the size of the
log alone. A reader asks the index, and looks through the tiles.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection

from ledger.entry import parse_entry
from service.storage.sql import execute_raw, insert_many, select_in
from service.storage.tree import select_entries_at

TILE: Final = 1024
"""Ids in a tile, 8 kB: what a commit of one record writes again, at most."""

SPAN: Final = 32 * TILE
"""Ids that go into the index together: ten to a page at a million records. Readers look through what waits."""

BYTES: Final = 8
"""Of each id that are kept: one in 2^64 is another's, and the entry found is hashed by whoever looks it up."""


def append_ids(conn: Connection, first: int, record_ids: Sequence[str]) -> None:
    """File the ids of the records from number `first` on; those before them are filed."""
    start = first - first % TILE
    waiting = (_read_tiles(conn, start)[1] if first > start else b"") + _pack(record_ids)
    indexed = first + len(record_ids) - (first + len(record_ids)) % SPAN
    if indexed > first:
        number, before = _read_tiles(conn, first - first % SPAN)
        together = before[: (start - number) * BYTES] + waiting[: (indexed - start) * BYTES]
        prefixes = np.frombuffer(together, ">i8")
        order = np.argsort(prefixes, kind="stable")
        seqs = indexed - len(prefixes) + order
        insert_many(conn, _INSERT, list(zip(prefixes[order].tolist(), seqs.tolist(), strict=True)))
        execute_raw(conn, "DELETE FROM id_tiles").close()
        start, waiting = indexed, waiting[(indexed - start) * BYTES :]
    size = TILE * BYTES
    tiles = [(start // TILE + at // size, waiting[at : at + size]) for at in range(0, len(waiting), size)]
    insert_many(conn, _UPSERT, tiles)


def is_filed(conn: Connection, size: int) -> bool:
    """Whether the tiles hold as many ids as those of a log of this size do."""
    query = "SELECT coalesce(sum(length(ids)), 0), coalesce(max(n), -1) FROM id_tiles"
    waiting, last = execute_raw(conn, query).fetchone()
    return bool(waiting == size % SPAN * BYTES and (not waiting or last == (size - 1) // TILE))


def find_entries(
    conn: Connection, record_ids: Iterable[str], *, log: Connection | None = None
) -> dict[str, tuple[int, bytes]]:
    """(number, entry) of those of these records that the log holds; each is hashed before it is believed.

    log: where the entries are, when a replay writes its rows elsewhere.
    """
    asked = set(record_ids)
    found: dict[str, tuple[int, bytes]] = {}
    seqs = _find_numbers(conn, list(asked)) if asked else []
    if seqs:
        for seq, entry in select_entries_at(log or conn, seqs).items():
            record_id = hashlib.sha256(parse_entry(entry)[1]).hexdigest()
            if record_id in asked:
                found[record_id] = (seq, entry)
    return found


def _find_numbers(conn: Connection, record_ids: Sequence[str]) -> list[int]:
    """Where these records may be."""
    packed = _pack(record_ids)
    wanted = struct.unpack(f">{len(record_ids)}q", packed)
    seqs = [seq for (seq,) in select_in(conn, "SELECT seq FROM record_ids WHERE prefix IN (??)", wanted)]
    first, tiles = _read_tiles(conn, 0)
    places = np.flatnonzero(np.isin(np.frombuffer(tiles, ">i8"), np.frombuffer(packed, ">i8")))
    return seqs + (first + places).tolist()


def _read_tiles(conn: Connection, start: int) -> tuple[int, bytes]:
    """The number of the first record in the tiles from that of record `start` on, and all their ids."""
    query = "SELECT n, ids FROM id_tiles WHERE n >= ? ORDER BY n"
    rows = execute_raw(conn, query, (start // TILE,)).fetchall()
    return (rows[0][0] * TILE if rows else start), b"".join([bytes(ids) for _, ids in rows])


def _pack(record_ids: Sequence[str]) -> bytes:
    """The first bytes of each id, side by side."""
    return bytes.fromhex("".join([one[: 2 * BYTES] for one in record_ids]))


_INSERT: Final = "INSERT INTO record_ids (prefix, seq) VALUES (?, ?)"
_UPSERT: Final = "INSERT INTO id_tiles (n, ids) VALUES (?, ?) ON CONFLICT (n) DO UPDATE SET ids = excluded.ids"
