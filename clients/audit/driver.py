"""Running an audit: files in, worker processes between, the fold here, the checkpoint remembered at the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from clients.audit.anchors import Anchored, Published, anchored_size, read_published, unique
from clients.audit.memory import Memory
from clients.audit.pool import Faults, Found, Pool, Reader, Results, in_order
from clients.audit.sources import MAX_CHECKPOINT, Source, read_tile
from clients.audit.statements import Given
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.chunk import Chunk
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustPolicy
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import HASH_SIZE, plan_consistency
from ledger.log.tiles import ENTRIES, WIDTH, TileId, plan_tiles, tile_width

BUNDLES = 8
"""Bundles of entries per message to a worker: their signatures are checked together, and 2,048 at once are cheap."""
SHARES = 8
"""Messages that each worker should get of a small log, so that all of them end at about the same time."""
AHEAD = 4
"""Messages under way per worker."""

Progress = Callable[[int, int], None]


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
    re-computed (`clients.audit.statements` reads them); anchored: anchors beside those that the source publishes;
    workers: processes, by default one per core, 0 for none; progress: called with entries done and in total. A log
    that is wrong, or lacks files, gives a report; raises ClientError when the checkpoint itself cannot be read, or the
    memory.
    """
    note = source.read("checkpoint", MAX_CHECKPOINT)
    published = read_published(source)
    if published.count:
        note = source.read("checkpoint", MAX_CHECKPOINT)  # the log may have grown before it told of its anchors
    audit = Audit(policy, now, origin)
    head = audit.open(note)
    if head is None:
        return audit.finish()
    known = memory.load(head.origin) if memory else None
    if known is not None:
        _compare_remembered(audit, known[0], head, source)
    for stated in audit.open_statements(statements):
        _compare_remembered(audit, stated, head, source)
    _check_anchors(audit, head, source, anchored or Anchored(), published)
    _fold_entries(audit, head, source, workers, progress)
    report = audit.finish(remembered=known is not None)
    if memory is not None and report.verified:
        memory.save(head.origin, note)
    return report


def _compare_remembered(audit: Audit, old: Checkpoint, head: Checkpoint, source: Source) -> None:
    audit.check_extends(old, _tiles_between(audit, old.size, head.size, source))


def _check_anchors(audit: Audit, head: Checkpoint, source: Source, given: Anchored, published: Published) -> None:
    """Those that were given and those that the source publishes, each against the log's tiles."""
    for error in published.faults:
        audit.missing_anchor(error)
    evidence = unique([*given.evidence, *published.evidence])
    upper: dict[TileId, bytes] = {}
    for anchor in audit.open_anchors(
        evidence,
        kept=dict.fromkeys([*given.kept, *published.kept]),
        places=given.places,
        nodes=given.ask(evidence),
        without="This log publishes no anchors, and none was given.",
    ):
        audit.check_anchored(anchor, _tiles_between(audit, anchored_size(anchor), head.size, source, upper))


def _tiles_between(
    audit: Audit, old: int, new: int, source: Source, upper: dict[TileId, bytes] | None = None
) -> dict[TileId, bytes]:
    """The tiles that a consistency proof between two sizes is made of, as far as they are there.

    upper: where tiles above the leaves are kept, when several proofs to one size want them.
    """
    tiles: dict[TileId, bytes] = {}
    upper = {} if upper is None else upper
    if 0 < old <= new:
        for level, n in plan_tiles(plan_consistency(old, new)):
            try:
                found = upper.get((level, n)) or read_tile(source, level, n, tile_width(level, n, new))
            except LedgerError as error:
                audit.missing_file(error)
            else:
                tiles[level, n] = found
                if level:
                    upper[level, n] = found
    return tiles


def _fold_entries(audit: Audit, head: Checkpoint, source: Source, workers: int | None, progress: Progress) -> None:
    count = _worker_count(head.size, workers)
    with Pool(count) as pool, ThreadPoolExecutor(source.parallel) as readers, _no_collector():

        def fetch(numbers: range) -> Future[Reader]:
            return _fetch(source, numbers, head.size, readers)

        def check(reader: Reader) -> Future[Results]:
            return pool.submit(reader, audit.keys)

        fetched = in_order(_ranges(head.size, count), fetch, source.parallel + 1)
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


def _ranges(size: int, workers: int) -> Iterator[range]:
    """Numbers of the bundles of entries that go into one message; the first alone, so that its keys are soon known."""
    bundles = -(-size // WIDTH)
    some = min(BUNDLES, max(1, bundles // (workers * SHARES))) if workers else BUNDLES
    if bundles:
        yield range(1)
    yield from (range(first, min(first + some, bundles)) for first in range(1, bundles, some))


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
