"""Entries and hash tiles: the rows that the log itself is made of.

A tile is stored at its newest width; as tiles only grow, every narrower one that was ever
published is a beginning of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from ledger.log.merkle import HASH_SIZE, Node
from ledger.log.tiles import TileId, TileReader, plan_tiles, tile_width
from service.storage.sql import execute, execute_raw, insert_many, select_in


def insert_entries(conn: Connection, first: int, entries: Sequence[bytes]) -> None:
    """Append entries; the first gets the number `first`."""
    insert_many(conn, "INSERT INTO entries (seq, entry) VALUES (?, ?)", list(enumerate(entries, first)))


def select_entries(conn: Connection, first: int, past: int) -> list[bytes]:
    """Entries `first` (included) to `past` (excluded), as far as there are any."""
    found = execute_raw(conn, "SELECT entry FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq", (first, past))
    return [bytes(entry) for (entry,) in found.fetchall()]


def select_entries_at(conn: Connection, seqs: Collection[int]) -> dict[int, bytes]:
    """Single entries by number."""
    rows = select_in(conn, "SELECT seq, entry FROM entries WHERE seq IN (??)", list(seqs))
    return {seq: bytes(entry) for seq, entry in rows}


def count_entries(conn: Connection) -> int:
    """One more than the number of the last entry."""
    return int(execute(conn, "SELECT coalesce(max(seq) + 1, 0) FROM entries").scalar_one())


def iterate_entries(conn: Connection, first: int, past: int, chunk: int = 1024) -> Iterator[tuple[int, list[bytes]]]:
    """Entries in order: (number of the first, up to `chunk` entries) at a time."""
    for at in range(first, past, chunk):
        yield at, select_entries(conn, at, min(past, at + chunk))


def upsert_tiles(conn: Connection, tiles: Mapping[TileId, bytes]) -> None:
    """Store tiles that are new or wider than before."""
    insert_many(
        conn,
        "INSERT INTO tiles (level, n, hashes) VALUES (?, ?, ?) "
        "ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes",
        [(level, n, hashes) for (level, n), hashes in tiles.items()],
    )


def select_tiles(conn: Connection, wanted: Collection[TileId], size: int) -> dict[TileId, bytes]:
    """Tiles as they were when the log had `size` entries, each cut to the width of that time."""
    found: dict[TileId, bytes] = {}
    levels: dict[int, list[int]] = {}
    for level, n in wanted:
        levels.setdefault(level, []).append(n)
    for level, numbers in levels.items():
        statement = f"SELECT n, hashes FROM tiles WHERE level = {level:d} AND n IN (??)"  # noqa: S608  # a number
        for n, hashes in select_in(conn, statement, numbers):
            found[level, n] = bytes(hashes[: tile_width(level, n, size) * HASH_SIZE])
    return found


def node_reader(conn: Connection, nodes: Collection[Node], size: int) -> TileReader:
    """Answers these node hashes of the tree of `size` leaves: every tile is fetched in one go."""
    return TileReader(select_tiles(conn, plan_tiles(nodes), size))
