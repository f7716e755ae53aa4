"""The lot graph as arrays on disk: who was made from what and in which parts, for queries that climb tens of
thousands of lots.

An index over an index: made from the derived tables by `service.usecases.graph_following`, read through memory
maps that all processes of a machine share, and dropped without loss. Nothing here is believed that the log does
not bear out: the head says at which size and root of the log the arrays end, and who opens them compares.

    lots     by number: the step that made it (-1: extracted, or no lot), the site where it came into being
    steps    by number: first edge, first weight, how many inputs, how many weights, model of custody
    edges    the lot that was taken from, the inputs of a step side by side
    weights  of a step with several inputs, one per element: where its parts begin, the input that is everything
             (-1: none), the element, bits of the exact ratio's total (0: nothing mixes)
    parts    of 2^64, rounded as `ledger.custody.provenance.round_ratio` does, one per input

Files only grow; the head, replaced at once, says how far they count. Whoever appends holds a lock.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

VERSION: Final = 1
"""Of the layout, and of how lots are numbered: another one is made anew."""

Array = np.ndarray[Any, Any]

LAYOUT: Final[Mapping[str, np.dtype[Any]]] = {
    "lots": np.dtype([("step", "<i8"), ("site", "<i8")]),
    "steps": np.dtype([("edge", "<i8"), ("weight", "<i8"), ("inputs", "<i4"), ("weights", "<i2"), ("model", "<i2")]),
    "edges": np.dtype("<i8"),
    "weights": np.dtype([("part", "<i8"), ("whole", "<i4"), ("element", "<i2"), ("bits", "<i2")]),
    "parts": np.dtype("<u8"),
}


class GraphHead(NamedTuple):
    """size, root (hex): of the log that the arrays were made from; lots: numbers that they cover, from 0.

    elements: names by number, 0 is dry mass; counts: rows by array; last: entry and number of the newest step;
    series: part of the files' names, another one each time the graph is made anew.
    """

    size: int
    root: str
    lots: int
    elements: list[str]
    counts: dict[str, int]
    last: tuple[int, int]
    series: str


@dataclass(frozen=True, slots=True)
class GraphView:
    """The arrays as far as a head counts them."""

    head: GraphHead
    lots: Array
    steps: Array
    edges: Array
    weights: Array
    parts: Array


def empty_head() -> GraphHead:
    """Of a graph that is made anew."""
    return GraphHead(0, "", 0, [""], dict.fromkeys(LAYOUT, 0), (-1, -1), secrets.token_hex(4))


class GraphFile:
    """The arrays in `folder`, which is made when something is first written.

    believed: the series that this process has compared with the log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.believed = ""
        self._seen: tuple[int, int] | None = None
        self._view: GraphView | None = None

    def view(self) -> GraphView | None:
        """The newest arrays; None where there are none, or of another version."""
        try:
            status = (self.folder / "head.json").stat()
        except FileNotFoundError:
            return None
        mark = status.st_ino, status.st_mtime_ns
        if mark != self._seen:
            self._view = self._open()
            self._seen = mark
        return self._view

    def _open(self) -> GraphView | None:
        head = self.head()
        if head is None:
            return None
        arrays = {}
        try:
            for name, kind in LAYOUT.items():
                count = head.counts[name]
                path = self._path(name, head)
                arrays[name] = np.asarray(np.memmap(path, kind, "r", shape=(count,))) if count else np.empty(0, kind)
        except (FileNotFoundError, ValueError):  # being made anew just now, or cut short by somebody
            return None
        return GraphView(head, **arrays)

    def head(self) -> GraphHead | None:
        """What `head.json` says; None without one, or of another version."""
        try:
            told = orjson.loads((self.folder / "head.json").read_bytes())
            if told.pop("version") != VERSION:
                return None
            return GraphHead(**told | {"last": tuple(told["last"])})
        except (FileNotFoundError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            return None

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Hold the right to append. Yields whether it is ours: another process may have it."""
        import fcntl  # not on Windows, where queries go on over rows

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def append(self, before: GraphHead, rows: Mapping[str, Array], after: GraphHead) -> None:
        """Add rows behind those that `before` counts; `after` counts them too. Under the lock."""
        for name, kind in LAYOUT.items():
            with self._path(name, before).open("ab") as file:
                file.truncate(before.counts[name] * kind.itemsize)  # what a crash left behind the head
                file.write(np.ascontiguousarray(rows[name], kind).tobytes())
                file.flush()
                os.fdatasync(file.fileno())
        fresh = self.folder / "head.json.new"
        fresh.write_bytes(orjson.dumps({"version": VERSION, **after._asdict()}))
        fresh.replace(self.folder / "head.json")

    def clean(self, keep: GraphHead | None) -> None:
        """Remove the arrays of other series. Under the lock; whoever reads them still has them."""
        for path in self.folder.glob("*.bin"):
            if keep is None or keep.series not in path.name:
                path.unlink(missing_ok=True)

    def _path(self, name: str, head: GraphHead) -> Path:
        return self.folder / f"{name}.{head.series}.bin"
