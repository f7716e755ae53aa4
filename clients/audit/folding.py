"""The entries of a log through the audit: files in, checks somewhere, the fold here, in log order.

Who checks is a `Checkers`: worker processes of this machine (`clients.audit.pool`) or of a cluster
(`clients.audit.cluster`). What is reported depends on the log alone, not on them: findings stand in the order of the
bundles that they are about, whatever the size of a message.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from clients.audit.keeper import Keeper
from clients.audit.pool import Results, check_all, read_chunks
from clients.audit.sources import Source, read_tile
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.chunk import Checked
from ledger.keys import PublicKey
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import HASH_SIZE
from ledger.log.tiles import WIDTH, TileId

Progress = Callable[[int, int], None]


class Checkers(Protocol):
    """Those who read bundles and check them, several at a time."""

    def bundles(self, size: int) -> int:
        """How many bundles a message should have, for a log of this size."""
        ...

    def results(self, ranges: Iterable[range], size: int, keys: Mapping[str, PublicKey]) -> Iterator[Results]:
        """What there is to say of the bundles of each range, in order. keys: grows while this goes on."""
        ...


def fold_entries(
    audit: Audit,
    source: Source,
    *,
    checkers: Callable[[], AbstractContextManager[Checkers]],
    keeper: Keeper,
    progress: Progress,
) -> None:
    """Everything from the first entry to the last, or from where an earlier audit stopped.

    Raises Unreachable when nobody answers any more: then, and on Ctrl-C, `keeper` saves how far it came.
    """
    head = audit.checkpoint
    if head is None or head.size == 0:
        return
    first = check_all(lambda: read_chunks(source, range(1), head.size), {})  # warms up what the workers will need
    with checkers() as them, keeper, _no_collector():
        done = keeper.resume(head, source) // WIDTH

        def take(results: Results) -> None:
            with _held_back():
                _fold(audit, source, results, keeper, head, progress)

        if done == 0:
            take(first)
            done = 1
        for results in them.results(_ranges(done, head.size, them.bundles(head.size)), head.size, audit.keys):
            take(results)
        for tile, computed in audit.tree.partial():
            _compare(audit, source, tile, computed)


def _fold(audit: Audit, source: Source, results: Results, keeper: Keeper, head: Checkpoint, progress: Progress) -> None:
    faults, chunks = results
    keeper.before(chunks)
    for checked in chunks:
        for error, n in faults:
            if n == checked.n:
                audit.missing_file(error, n * WIDTH)
        for tile, computed in audit.fold(checked):
            _compare(audit, source, tile, computed)
        progress(_end(checked, head), head.size)
    keeper.after(_end(chunks[-1], head))


def _end(checked: Checked, head: Checkpoint) -> int:
    return min(head.size, (checked.n + 1) * WIDTH)


def _ranges(first: int, size: int, some: int) -> Iterator[range]:
    """Numbers of the bundles of entries that go into one message; the last one alone when it is not full."""
    full, rest = divmod(size, WIDTH)
    yield from (range(at, min(at + some, full)) for at in range(first, full, some))
    if rest and first <= full:
        yield range(full, full + 1)


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


@contextmanager
def _held_back() -> Iterator[None]:
    """Ctrl-C waits until the end of this block, so that a state is never left in the middle of a record."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[Any] = []
    usual = signal.signal(signal.SIGINT, lambda *given: asked.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if asked:
        raise KeyboardInterrupt
