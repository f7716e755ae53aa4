"""Worker processes on this machine for an audit, and results in the order of the work.

The keys that a log enrols only ever grow in number: they stand in a temporary file to which lines are added. A message
says how long it is, and a process reads what it has not yet seen.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, Self, TypeVar

from clients.audit.sources import Source, read_tile
from clients.sdk.errors import LocalError, Unreachable
from ledger.errors import LedgerError
from ledger.evidence.chunk import Checked, Chunk, check_chunks
from ledger.keys import PublicKey
from ledger.log.tiles import ENTRIES, WIDTH, tile_width

Faults = list[tuple[LedgerError, int]]
"""Why a file of bundle `n` could not be read, and n."""
Found = tuple[list[Chunk], Faults]
Reader = Callable[[], Found]
"""Gives chunks to check; crosses to the process that will check them."""
Results = tuple[Faults, list[Checked]]

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


BUNDLES = 8
"""Bundles of entries per message to a worker: their signatures are checked together, and 2,048 at once are cheap."""
SHARES = 8
"""Messages that each worker should get of a small log, so that all of them end at about the same time."""
AHEAD = 4
"""Messages under way per worker."""


class Pool:
    """Checks bundles of `source` in `workers` processes, or in this one when there are none."""

    def __init__(self, workers: int, source: Source) -> None:
        self.workers = workers
        self._source = source
        self._folder = TemporaryDirectory(prefix="lodeline-audit-") if workers else None
        self._written = self._count = 0  # bytes, and keys
        self._readers = ThreadPoolExecutor(source.parallel)
        self._executor: ProcessPoolExecutor | None = None
        if workers:
            self._executor = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_begin)
            self._executor.submit(int).result()  # all processes start now, before any thread of ours

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._readers.shutdown(cancel_futures=True)
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()
        if isinstance(error, BrokenProcessPool):
            raise LocalError("A worker process of the audit was killed: is there enough memory?") from error

    def bundles(self, size: int) -> int:
        """Fewer in a small log, of which every process should have its share."""
        return min(BUNDLES, max(1, size // WIDTH // (self.workers * SHARES))) if self.workers else BUNDLES

    def results(self, ranges: Iterable[range], size: int, keys: Mapping[str, PublicKey]) -> Iterator[Results]:
        """Checked bundles in order; some are read ahead, and some are under way."""

        def fetch(numbers: range) -> Future[Reader]:
            return self._fetch(numbers, size)

        fetched = in_order(ranges, fetch, self._source.parallel + 1)
        return in_order(fetched, lambda reader: self.submit(reader, keys), max(1, AHEAD * self.workers))

    def submit(self, reader: Reader, keys: Mapping[str, PublicKey]) -> Future[Results]:
        """Check what `reader` gives with these keys, which only ever grow in number from call to call."""
        if self._executor is None or self._folder is None:
            done: Future[Results] = Future()
            done.set_result(check_all(reader, keys))
            return done
        file = Path(self._folder.name, "keys")
        if len(keys) > self._count:
            with file.open("ab") as stream:
                self._written += stream.write(format_keys(islice(keys.values(), self._count, None)))
            self._count = len(keys)
        return self._executor.submit(_work, reader, file, self._written)

    def _fetch(self, numbers: range, size: int) -> Future[Reader]:
        """Who reads the files: the worker itself when they are at hand, else threads here, ahead of the work."""
        reader = partial(read_chunks, self._source, numbers, size)
        if self._source.parallel > 1:
            return self._readers.submit(lambda: partial(_given, reader()))
        later: Future[Reader] = Future()
        later.set_result(reader)
        return later


def worker_count(size: int, workers: int | None) -> int:
    """Processes worth starting for a log of this size, by default one per core: none for what one message holds."""
    if size <= BUNDLES * WIDTH:
        return 0
    return (os.cpu_count() or 1) if workers is None else workers


def _given(found: Found) -> Found:
    return found


def _begin() -> None:
    """In each new process. Ctrl-C is for the one that folds: it lets the others go."""
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def read_chunks(source: Source, numbers: range, size: int) -> Found:
    """The files of some bundles; what could not be read is None, with the reason.

    Raises Unreachable when not one of several files could be read because nobody answers.
    """
    faults: Faults = []

    def file(level: int, n: int) -> bytes | None:
        try:
            return read_tile(source, level, n, tile_width(level, n, size))
        except LedgerError as error:
            faults.append((error, n))
            if len(faults) == 2 * len(numbers) and all(isinstance(one, Unreachable) for one, _ in faults):
                raise
            return None

    return [Chunk(n, tile_width(0, n, size), file(ENTRIES, n), file(0, n)) for n in numbers], faults


class Awaited(Protocol[R_co]):
    """Something under way."""

    def result(self) -> R_co:
        """Wait for it."""
        ...


def in_order(items: Iterable[T], start: Callable[[T], Awaited[R]], depth: int) -> Iterator[R]:
    """Results of `start` for each item, in order, at most `depth` under way.

    Begins with one at a time and doubles: the first results (keys, for an audit) help the later ones.
    """
    waiting: deque[Awaited[R]] = deque()
    room = 1
    for item in items:
        waiting.append(start(item))
        while len(waiting) >= room:
            yield waiting.popleft().result()
            room = min(depth, room * 2)
    while waiting:
        yield waiting.popleft().result()


def _context() -> multiprocessing.context.BaseContext:
    """Fork where that is safe (Linux, one thread): it saves each worker its imports."""
    safe = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if safe else "spawn")


def format_keys(keys: Iterable[PublicKey]) -> bytes:
    """Keys as lines of text, for `Keyring`."""
    return b"".join([b"%b %b %b\n" % (k.alg.encode(), k.kid.encode(), k.raw.hex().encode()) for k in keys])


def parse_keys(text: bytes) -> dict[str, PublicKey]:
    """The inverse of `format_keys`, by kid."""
    parts = [line.decode().split(" ") for line in text.splitlines()]
    return {kid: PublicKey(alg, kid, bytes.fromhex(raw)) for alg, kid, raw in parts}


class Keyring:
    """The keys that a worker process has read so far."""

    def __init__(self) -> None:
        self.keys: dict[str, PublicKey] = {}
        self._read = 0

    def extend(self, file: Path, length: int) -> dict[str, PublicKey]:
        """All keys of the first `length` bytes of a file to which lines are added, or more of them."""
        if length > self._read:
            with file.open("rb") as stream:
                stream.seek(self._read)
                self.keys |= parse_keys(stream.read(length - self._read))
            self._read = length
        return self.keys


_KEYRING = Keyring()


def _work(reader: Reader, file: Path, length: int) -> Results:
    return check_all(reader, _KEYRING.extend(file, length))


def check_all(reader: Reader, keys: Mapping[str, PublicKey]) -> Results:
    """Read and check some bundles, in this process."""
    chunks, faults = reader()
    return faults, check_chunks(chunks, keys)
