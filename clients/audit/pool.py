"""Worker processes for an audit, and results in the order of the work.

The keys that a log enrols only ever grow in number: they travel with each message as one text to
which lines are added, of which a process reads what it has not yet seen.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Self, TypeVar

from clients.sdk.errors import LocalError
from ledger.errors import LedgerError
from ledger.evidence.chunk import Checked, Chunk, check_chunks
from ledger.keys import PublicKey

Faults = list[tuple[LedgerError, int]]
"""Why a file of bundle `n` could not be read, and n."""
Found = tuple[list[Chunk], Faults]
Reader = Callable[[], Found]
"""Gives chunks to check; crosses to the process that will check them."""
Results = tuple[Faults, list[Checked]]

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """Checks chunks in `workers` processes, or in this one when there are none."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._keys = b""
        self._count = 0
        self._executor: ProcessPoolExecutor | None = None
        if workers:
            self._executor = ProcessPoolExecutor(workers, mp_context=_context(), initializer=gc.disable)
            self._executor.submit(int).result()  # all processes start now, before any thread of ours

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise LocalError("A worker process of the audit was killed: is there enough memory?") from error

    def submit(self, reader: Reader, keys: Mapping[str, PublicKey]) -> Future[Results]:
        """Check what `reader` gives with these keys, which only ever grow in number from call to call."""
        if self._executor is None:
            done: Future[Results] = Future()
            done.set_result(_check_all(reader, keys))
            return done
        fresh = islice(keys.values(), self._count, None)
        self._keys += b"".join(b"%b %b %b\n" % (k.alg.encode(), k.kid.encode(), k.raw.hex().encode()) for k in fresh)
        self._count = len(keys)
        return self._executor.submit(_work, reader, self._keys)


def in_order(items: Iterable[T], start: Callable[[T], Future[R]], depth: int) -> Iterator[R]:
    """Results of `start` for each item, in order, at most `depth` under way.

    Begins with one at a time and doubles: the first results (keys, for an audit) help the later ones.
    """
    waiting: deque[Future[R]] = deque()
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


class _Keyring:
    """The keys that a worker process has read so far."""

    def __init__(self) -> None:
        self.keys: dict[str, PublicKey] = {}
        self._read = 0

    def extend(self, text: bytes) -> dict[str, PublicKey]:
        """All keys of a text that is the last one with lines added, or an older one."""
        for line in text[self._read :].splitlines():
            alg, kid, raw = line.decode().split(" ")
            self.keys[kid] = PublicKey(alg, kid, bytes.fromhex(raw))
        self._read = max(self._read, len(text))
        return self.keys


_KEYRING = _Keyring()


def _work(reader: Reader, keys: bytes) -> Results:
    return _check_all(reader, _KEYRING.extend(keys))


def _check_all(reader: Reader, keys: Mapping[str, PublicKey]) -> Results:
    chunks, faults = reader()
    return faults, check_chunks(chunks, keys)
