"""What a maintained closure would cost: a row for every lot and each that it was made from, however far up.

The graph of `benchmarks.provenance`, record by record as a sequencer would keep the table, in one commit per
generation: rows, bytes and time per lot, and how long the lots upstream of one take to read, beside the recursive
query. Decision 0023 rests on it.

    python -m benchmarks.closure [RECORDS [GENERATIONS]]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from benchmarks import provenance
from service.storage.engine import Connection, Store
from service.storage.sql import execute

RECORDS, GENERATIONS = 100_000, 16
ASKED = 15
"""Lots of a generation whose lots upstream are read in both ways."""

_TABLE = "CREATE TABLE closure (lot BIGINT, above BIGINT, PRIMARY KEY (lot, above)) WITHOUT ROWID"
_ADD = (
    "INSERT INTO closure SELECT ?, parent FROM edges WHERE child = ? UNION "
    "SELECT ?, c.above FROM edges e JOIN closure c ON c.lot = e.parent WHERE e.child = ?"
)
_READ = text("SELECT above FROM closure WHERE lot = :lot")


class Generation(NamedTuple):
    """Means of the lots that so many transforms lead to: rows and bytes of the table, microseconds to add them; then
    medians in milliseconds of reading the lots upstream from it, and by the recursive query."""

    number: int
    rows: float
    size: float
    add_us: float
    read_ms: float
    climb_ms: float


def measure(folder: Path, records: int, generations: int) -> Iterator[Generation]:
    """Fill the table from the mines on, a generation at a time."""
    graph = provenance.build(folder, records)
    store, width = graph.store, records // provenance.GENERATIONS
    with store.writing() as conn:
        execute(conn, _TABLE)
    for number in range(1, generations + 1):
        lots = [provenance.number_of(lot) for lot in range(number * width, (number + 1) * width)]
        before, began = _size(store), time.perf_counter()
        with store.writing() as conn:
            rows = sum(execute(conn, _ADD, (lot,) * 4).rowcount for lot in lots)
        taken, size = time.perf_counter() - began, _size(store) - before
        with store.reading() as conn:
            asked = [_ask(conn, lot) for lot in lots[:: max(1, width // ASKED)]]
        read_ms, climb_ms = (statistics.median(column) for column in zip(*asked, strict=True))
        yield Generation(number, rows / width, size / width, 1e6 * taken / width, read_ms, climb_ms)
    graph.close()


def _size(store: Store) -> int:
    """Bytes of the database."""
    with store.reading() as conn:
        pages, page = (int(execute(conn, f"PRAGMA {one}").scalar_one()) for one in ("page_count", "page_size"))
    return pages * page


def _ask(conn: Connection, lot: int) -> tuple[float, float]:
    began = time.perf_counter()
    read = conn.execute(_READ, {"lot": lot}).scalars().all()
    middle = time.perf_counter()
    climbed = conn.execute(provenance.CLOSURE, {"lot": lot}).scalars().all()
    ended = time.perf_counter()
    assert {lot, *read} == set(climbed)
    return 1000 * (middle - began), 1000 * (ended - middle)


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int, nargs="?", default=RECORDS)
    parser.add_argument("generations", type=int, nargs="?", default=GENERATIONS)
    told = parser.parse_args()
    print("generation  rows/lot  bytes/lot  add us  closure ms  recursive ms")
    with tempfile.TemporaryDirectory(prefix="lodeline-closure-") as folder:
        for one in measure(Path(folder), told.records, told.generations):
            print(
                f"{one.number:10}  {one.rows:8.0f}  {one.size:9.0f}  {one.add_us:6.0f}  "
                f"{one.read_ms:10.2f}  {one.climb_ms:12.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
