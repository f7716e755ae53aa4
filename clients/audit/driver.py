"""Running an audit: files in, worker processes between, the fold here, the checkpoint remembered at the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from clients.audit.memory import Memory
from clients.audit.pool import Faults, Found, Pool, Reader, Results, in_order
from clients.audit.sources import MAX_CHECKPOINT, Source, read_tile
from clients.audit.statements import Given
from ledger.errors import LedgerError
from ledger.evidence.anchored import NodeAnswer, Places
from ledger.evidence.audit import Audit
from ledger.evidence.chunk import Chunk
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustPolicy
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import HASH_SIZE, plan_consistency
from ledger.log.tiles import ENTRIES, WIDTH, TileId, plan_tiles, tile_width

BUNDLES = 8
"""Bundles of entries per message to a worker: their signatures are checked together, and 2,048 at once are cheap."""
AHEAD = 4
"""Messages under way per worker."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Anchored:
    """Anchor evidence (JSON values) to hold against the log, where it may be from, what nodes said of its blocks."""

    evidence: Sequence[Any] = ()
    places: Places | None = None
    nodes: Sequence[NodeAnswer] = ()


def run_audit(
    source: Source,
    policy: TrustPolicy,
    now: datetime,
    *,
    origin: str = "",
    memory: Memory | None = None,
    statements: Iterable[Given] = (),
    anchored: Anchored | None = None,
    workers: int | None = None,
    progress: Progress = lambda _done, _size: None,
) -> Report:
    """Audit the whole log that `source` holds.

    origin: the log that it must be, "" for any that the policy lists; statements: of completeness, to be
    re-computed (`clients.audit.statements` reads them); anchored: anchor evidence; workers: processes, by default
    one per core, 0 for none; progress: called with entries done and in total. A log that is wrong,
    or lacks files, gives a report; raises ClientError when the checkpoint itself cannot be read, or
    the memory.
    """
    note = source.read("checkpoint", MAX_CHECKPOINT)
    audit = Audit(policy, now, origin)
    head = audit.open(note)
    if head is None:
        return audit.finish()
    known = memory.load(head.origin) if memory else None
    if known is not None:
        _compare_remembered(audit, known[0], head, source)
    for stated in audit.open_statements(statements):
        _compare_remembered(audit, stated, head, source)
    if anchored is not None:
        for anchor in audit.open_anchors(anchored.evidence, places=anchored.places, nodes=anchored.nodes):
            audit.check_anchored(anchor, _tiles_between(audit, anchor.head.size, head.size, source))
    _fold_entries(audit, head, source, workers, progress)
    report = audit.finish(remembered=known is not None)
    if memory is not None and report.verified:
        memory.save(head.origin, note)
    return report


def _compare_remembered(audit: Audit, old: Checkpoint, head: Checkpoint, source: Source) -> None:
    audit.check_extends(old, _tiles_between(audit, old.size, head.size, source))


def _tiles_between(audit: Audit, old: int, new: int, source: Source) -> dict[TileId, bytes]:
    """The tiles that a consistency proof between two sizes is made of, as far as they are there."""
    tiles: dict[TileId, bytes] = {}
    if 0 < old <= new:
        for level, n in plan_tiles(plan_consistency(old, new)):
            try:
                tiles[level, n] = read_tile(source, level, n, tile_width(level, n, new))
            except LedgerError as error:
                audit.missing_file(error)
    return tiles


def _fold_entries(audit: Audit, head: Checkpoint, source: Source, workers: int | None, progress: Progress) -> None:
    count = _worker_count(head.size, workers)
    with Pool(count) as pool, ThreadPoolExecutor(source.parallel) as readers, _no_collector():

        def fetch(numbers: range) -> Future[Reader]:
            return _fetch(source, numbers, head.size, readers)

        def check(reader: Reader) -> Future[Results]:
            return pool.submit(reader, audit.keys)

        fetched = in_order(_ranges(head.size), fetch, source.parallel + 1)
        for faults, results in in_order(fetched, check, max(1, AHEAD * count)):
            for error, n in faults:
                audit.missing_file(error, n * WIDTH)
            for checked in results:
                for tile, computed in audit.fold(checked):
                    _compare(audit, source, tile, computed)
                progress(min(head.size, (checked.n + 1) * WIDTH), head.size)
        for tile, computed in audit.tree.partial():
            _compare(audit, source, tile, computed)


def _worker_count(size: int, workers: int | None) -> int:
    """Processes worth starting: none for a log that one message holds."""
    if size <= BUNDLES * WIDTH:
        return 0
    return (os.cpu_count() or 1) if workers is None else workers


def _ranges(size: int) -> Iterator[range]:
    """Numbers of the bundles of entries that go into one message; the first alone, so that its keys are soon known."""
    bundles = -(-size // WIDTH)
    if bundles:
        yield range(1)
    yield from (range(first, min(first + BUNDLES, bundles)) for first in range(1, bundles, BUNDLES))


def _fetch(source: Source, numbers: range, size: int, readers: ThreadPoolExecutor) -> Future[Reader]:
    """Who reads the files: the worker itself when they are at hand, else threads here, ahead of the work."""
    if source.parallel > 1:
        return readers.submit(lambda: partial(_given, read_chunks(source, numbers, size)))
    later: Future[Reader] = Future()
    later.set_result(partial(read_chunks, source, numbers, size))
    return later


def _given(found: Found) -> Found:
    return found


def read_chunks(source: Source, numbers: range, size: int) -> Found:
    """The files of some bundles; what could not be read is None, with the reason."""
    faults: Faults = []

    def file(level: int, n: int) -> bytes | None:
        try:
            return read_tile(source, level, n, tile_width(level, n, size))
        except LedgerError as error:
            faults.append((error, n))
            return None

    return [Chunk(n, tile_width(0, n, size), file(ENTRIES, n), file(0, n)) for n in numbers], faults


def _compare(audit: Audit, source: Source, tile: TileId, computed: bytes) -> None:
    try:
        published = read_tile(source, *tile, len(computed) // HASH_SIZE)
    except LedgerError as error:
        audit.missing_file(error)
    else:
        audit.compare_tile(tile, computed, published)


@contextmanager
def _no_collector() -> Iterator[None]:
    """No garbage collection: nothing here makes cycles, and each run would visit the whole state."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
