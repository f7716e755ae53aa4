"""Origins of a lot from the database: in a graph of a million records, and in a smaller one.

The rows are written straight into the derived tables, as the sequencer would leave them: signing and sequencing a
million records takes a quarter of an hour and is measured elsewhere. 50 generations, each lot made from one to
eight near-by lots of the one before (1.84 on average), every mass and grade another, forty mines and eight plants.

The service keeps the graph as arrays beside the database (`service.storage.graph_file`): they are made here by the
service's own code, and both ways of asking are measured. The yardstick is the recursive query alone, which only says
which lots are upstream: no answer from rows can take less.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from ledger.log.merkle import leaf_hash
from service.bootstrap import tune_collector
from service.storage.engine import Store
from service.storage.graph_file import GraphFile
from service.storage.head import Head, insert_head
from service.storage.read_subjects import load_subjects
from service.storage.schema import migrate
from service.storage.sql import insert_many
from service.storage.tree import upsert_tiles
from service.usecases.graph_following import current_view, follow_graph
from service.usecases.origins import describe_origins

GENERATIONS = 50
MINES, PLANTS = 40, 8
REACH = 50
FEW, MANY = 5_000, 36_000
"""Lots upstream, about, of those that are asked for."""
LIMIT = 100_000
_PARENTS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4, 8)
_BATCH = 20_000


class Measured(NamedTuple):
    """Milliseconds for the origins of a lot with `ancestors` lots upstream, from the arrays and from the rows, and for
    the closure query alone."""

    records: int
    ancestors: float
    origins_ms: float
    rows_ms: float
    closure_ms: float

    @property
    def per_ancestor(self) -> float:
        """Microseconds per lot upstream."""
        return self.origins_ms * 1000 / self.ancestors


class Graph(NamedTuple):
    """A database with lots, and the arrays that the service keeps beside it."""

    store: Store
    file: GraphFile

    def close(self) -> None:
        """Let go of both."""
        self.store.close()


def build(folder: Path, records: int) -> Graph:
    """A graph with `records` lots, each made by a record of its own."""
    store = Store(f"sqlite:///{folder / f'graph-{records}.db'}")
    migrate(store)
    width = records // GENERATIONS
    chance = random.Random(records)  # reproducible, not secret
    with store.writing() as conn:
        insert_many(conn, _SUBJECT, [_site(number) for number in range(1, MINES + PLANTS + 1)])
        for first in range(0, records, _BATCH):
            lots = range(first, min(first + _BATCH, records))
            insert_many(conn, _SUBJECT, [_lot(lot) for lot in lots])
            insert_many(conn, _ORIGIN, [_origin(lot, width, chance) for lot in lots])
            insert_many(conn, _EDGE, [edge for lot in lots for edge in _edges(lot, width, chance)])
        root = leaf_hash(b"the only entry of this log")
        upsert_tiles(conn, {(0, 0): root})
        insert_head(conn, Head(1, root, 0, number_of(records - 1), ""))
    file = GraphFile(folder / f"graph-{records}")
    while follow_graph(store, file, chunk=_BATCH):
        pass  # what the service does in the background, a stretch at a time
    return Graph(store, file)


_SUBJECT = (
    "INSERT INTO subjects (num, id, kind, status, seq, holder, consignee, mineral, country, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ORIGIN = "INSERT INTO lot_origins (lot, site, model) VALUES (?, ?, ?)"
_EDGE = "INSERT INTO edges (child, parent, mass, seq, moisture, assay) VALUES (?, ?, ?, ?, ?, ?)"


def number_of(lot: int) -> int:
    """Sites come first; what a lot is made from has a smaller number."""
    return MINES + PLANTS + 1 + lot


def _site(number: int) -> tuple[Any, ...]:
    kind = "mine" if number <= MINES else "plant"
    data = {"country": "CD", "subdivision": f"CD-{number % 5:02d}", "kind": kind, "id": f"site:{number}"}
    return (number, f"site:{number}", "site", "active", number, None, None, None, "CD", json.dumps(data))


def _lot(lot: int) -> tuple[Any, ...]:
    data = {
        "assay": {"Ta2O5": "28.5"}, "consignee": "", "consignor": "", "custodian": "did:web:trader-0001.example",
        "destination": "", "generation": 1, "head": f"{lot:064x}", "id": f"lot:{lot:08d}", "left": "0", "mass": "38.02",
        "mineral": "coltan", "model": "segregated", "moisture": "2.00", "sent": None, "site": "site:depot-0001",
        "status": "closed", "subject": "lot", "tags": [], "time": "2026-09-21T13:35:20Z",
    }  # fmt: skip
    return (
        number_of(lot), f"lot:{lot:08d}", "lot", "closed", lot, 1, None, "coltan", None,
        json.dumps(data, separators=(",", ":")),
    )  # fmt: skip


def _origin(lot: int, width: int, chance: random.Random) -> tuple[int, int, str | None]:
    if lot < width:
        return number_of(lot), chance.randint(1, MINES), None
    return number_of(lot), MINES + 1 + lot // width * PLANTS // GENERATIONS, "segregated"


def _edges(lot: int, width: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    generation, place = divmod(lot, width)
    if generation:
        near = {(place + chance.randint(-REACH, REACH)) % width for _ in range(chance.choice(_PARENTS))}
        for one in near:
            mass = f"{chance.randint(1, 99_999)}.{chance.randint(1, 999):03d}"
            moisture, assay = (
                f"{chance.randint(0, 900) / 100:.2f}",
                f'{{"Ta2O5":"{chance.randint(100, 6000) / 100:.2f}"}}',
            )
            yield number_of(lot), number_of((generation - 1) * width + one), mass, lot, moisture, assay


CLOSURE = text(
    "WITH RECURSIVE near(num) AS (SELECT num FROM subjects WHERE num = :lot UNION "
    "SELECT e.parent FROM near n JOIN edges e ON e.child = n.num) SELECT num FROM near"
)


def measure(graphs: Mapping[int, Graph], *, ancestors: int = FEW, rounds: int = 9) -> list[Measured]:
    """The origins of lots with about so many lots upstream, another one each time: shares of its metal, shown as
    the API does, under the service's collector. Graphs in turn, since a machine's speed changes by the minute.

    graphs: by number of records.
    """
    tune_collector()
    taken: dict[int, list[_Lap]] = {records: [] for records in graphs}
    firsts = {records: _pick_in(one.store, records, ancestors) for records, one in graphs.items()}
    for number in range(-1, rounds):  # the first is for warming up
        for records, one in graphs.items():
            with one.store.reading() as conn:
                apart = min(3 * REACH, records // GENERATIONS // (3 * rounds + 6))
                lap = _measure_one(conn, one.file, firsts[records] + (number + 1) * apart)
            if number >= 0:
                taken[records].append(lap)
    return [
        Measured(records, *(statistics.median(part) for part in zip(*laps, strict=True)))
        for records, laps in taken.items()
    ]


class _Lap(NamedTuple):
    """One lot: its ancestors, and milliseconds."""

    ancestors: int
    origins_ms: float
    rows_ms: float
    closure_ms: float


def _measure_one(conn: Connection, file: GraphFile, number: int) -> _Lap:
    lot = load_subjects(conn, [number])[number]
    began = time.perf_counter()
    ancestors = len(conn.execute(CLOSURE, {"lot": number}).fetchall())
    between = time.perf_counter()
    quick = describe_origins(conn, lot, limit=LIMIT, view=current_view(conn, file))
    middle = time.perf_counter()
    assert quick == describe_origins(conn, lot, limit=LIMIT)
    ended = time.perf_counter()
    return _Lap(ancestors, *(1000 * taken for taken in (middle - between, ended - middle, between - began)))


def _pick_in(store: Store, records: int, ancestors: int) -> int:
    with store.reading() as conn:
        return _pick(conn, records, ancestors)


def _pick(conn: Connection, records: int, ancestors: int) -> int:
    """The lot, of a sample, with the number of lots upstream nearest to `ancestors`."""
    width = records // GENERATIONS
    sizes: dict[int, int] = {}
    for generation in range(12, 34, 2) if ancestors <= FEW else range(40, GENERATIONS):
        for step in range(3):
            lot = number_of(generation * width + step * width // 3)
            sizes[lot] = len(conn.execute(CLOSURE, {"lot": lot}).fetchall())
    return min(sizes, key=lambda one: abs(sizes[one] - ancestors))


def repeat(folder: Path, records: int, ancestors: int, rounds: int) -> None:
    """Ask for the origins of so many lots from the arrays, for the profiler."""
    graph = build(folder, records)
    first = _pick_in(graph.store, records, ancestors)
    with graph.store.reading() as conn:
        for number in range(rounds):
            lot = load_subjects(conn, [first + number])[first + number]
            describe_origins(conn, lot, limit=LIMIT, view=current_view(conn, graph.file))
    graph.close()
