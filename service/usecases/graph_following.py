"""Keeping the graph file up with the log: reads how new lots were made, weighs each transform once, appends.

A lot's making never changes, and lots are numbered in the order of the log: what was written stays right as
long as the log is the same, which is checked by its root. Nothing waits for this, and it writes to no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np

from ledger.custody.provenance import Making, round_ratio, weigh
from ledger.custody.vocabulary import MODELS
from ledger.log.merkle import compute_root, plan_root
from service.storage.engine import Connection, Store
from service.storage.graph_file import LAYOUT, Array, GraphFile, GraphHead, GraphView, empty_head
from service.storage.head import Head, read_head
from service.storage.read_graph import OriginRow, list_origins
from service.storage.tree import node_reader
from service.usecases.origins import read_taken

CHUNK: Final = 4_000
"""Numbers of subjects between two writes."""
SLICE: Final = 200
"""Numbers of subjects worked on at a time: some 3 ms, for whoever needs the interpreter is not to wait for this."""


def follow_graph(
    store: Store, file: GraphFile, *, chunk: int = CHUNK, rest: Callable[[], None] = lambda: None
) -> int | None:
    """Append up to `chunk` more numbers of subjects. Returns how many are still missing; None where another
    process of this machine does it. rest: called after every `SLICE`."""
    with file.lock() as ours:
        if not ours:
            return None
        with store.reading() as conn:
            newest = read_head(conn)
            if newest is None:
                return 0
            before = file.head()
            if before is None or not bears_out(conn, newest, before):
                before = empty_head()
                file.clean(None)
            past = min(newest.subjects + 1, before.lots + chunk)
            if past <= before.lots:
                return 0
            pack = _Pack(before)
            for first in range(before.lots, past, SLICE):
                pack.add(list_origins(conn, first - 1, min(first + SLICE, past) - 1))
                rest()
        file.append(before, pack.rows(past), pack.head(past, newest.size, newest.root.hex()))
        return newest.subjects + 1 - past


def current_view(conn: Connection, file: GraphFile) -> GraphView | None:
    """The arrays, compared with the log once by every process; None where there are none of this log."""
    view = file.view()
    if view is None or view.head.series == file.believed:
        return view
    newest = read_head(conn)
    if newest is None or not bears_out(conn, newest, view.head):
        return None
    file.believed = view.head.series
    return view


def bears_out(conn: Connection, newest: Head, told: GraphHead) -> bool:
    """Whether the log is still the one that the graph was made from."""
    if not told.size:
        return not told.lots
    if told.size > newest.size or told.lots > newest.subjects + 1:
        return False
    return compute_root(told.size, node_reader(conn, plan_root(told.size), newest.size)).hex() == told.root


class _Pack:
    """Rows of one more stretch of lots, as arrays that continue those of `before`."""

    def __init__(self, before: GraphHead) -> None:
        self._before = before
        self._elements = {name: number for number, name in enumerate(before.elements)}
        self._last = before.last
        self._lots: list[tuple[int, int, int]] = []  # number, step, site
        self._steps: list[tuple[int, int, int, int, int]] = []
        self._edges: list[int] = []
        self._weights: list[tuple[int, int, int, int]] = []
        self._parts: list[int] = []

    def add(self, rows: Iterable[OriginRow]) -> None:
        """Lots in the order of their numbers, each with its inputs in the order of theirs."""
        for lot, group in groupby(rows, itemgetter(0)):
            inputs = list(group)
            _, site, model, parent, *_, seq = inputs[0]
            if parent is None:
                self._lots.append((lot, -1, site))
                continue
            if seq != self._last[0]:  # other outputs of one record were made by the same step
                self._last = seq, self._add_step(inputs, model or "")
            self._lots.append((lot, self._last[1], site))

    def _add_step(self, inputs: Sequence[OriginRow], model: str) -> int:
        counts = self._before.counts
        making = Making("", model, tuple(read_taken(row[3] or 0, *row[4:7]) for row in inputs))
        weight = counts["weights"] + len(self._weights)
        if len(inputs) > 1:
            self._weigh(making)
        weights = counts["weights"] + len(self._weights) - weight
        edge = counts["edges"] + len(self._edges)
        self._steps.append((edge, weight, len(inputs), weights, MODELS.index(model)))
        self._edges += [taken.lot for taken in making.inputs]
        return counts["steps"] + len(self._steps) - 1

    def _weigh(self, making: Making[int]) -> None:
        """The rounded ratio by dry mass, and by each element that an input holds."""
        for element in (None, *sorted({one for taken in making.inputs for one in taken.grades})):
            number = self._elements.setdefault(element or "", len(self._elements))
            exact = weigh(making, element)
            total, parts = round_ratio(exact)
            whole = parts.index(total) if total in parts else -1
            first = -1
            if whole < 0:
                first = self._before.counts["parts"] + len(self._parts)
                self._parts += parts
            self._weights.append((first, whole, number, exact.total.bit_length() if exact.total > 1 else 0))

    def rows(self, past: int) -> dict[str, Array]:
        """The new rows by array, for lots with numbers below `past`."""
        lots = np.zeros(past - self._before.lots, LAYOUT["lots"])
        lots["step"] = -1
        if self._lots:
            numbers, steps, sites = np.array(self._lots, np.int64).T
            lots["step"][numbers - self._before.lots] = steps
            lots["site"][numbers - self._before.lots] = sites
        return {
            "lots": lots,
            "steps": np.array(self._steps, LAYOUT["steps"]),
            "edges": np.array(self._edges, LAYOUT["edges"]),
            "weights": np.array(self._weights, LAYOUT["weights"]),
            "parts": np.array(self._parts, LAYOUT["parts"]),
        }

    def head(self, past: int, size: int, root: str) -> GraphHead:
        """The head that counts them too."""
        added = {
            "lots": past - self._before.lots,
            "steps": len(self._steps),
            "edges": len(self._edges),
            "weights": len(self._weights),
            "parts": len(self._parts),
        }
        counts = {name: self._before.counts[name] + number for name, number in added.items()}
        return GraphHead(size, root, past, list(self._elements), counts, self._last, self._before.series)
