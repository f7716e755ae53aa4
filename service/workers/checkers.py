"""Stateless checks of many records at once, in a few processes of their own.

Signature checks dominate ingest; in threads they would fight the sequencer for the interpreter
lock. A process gets lines, and each public key once, and answers one verdict per line. Each process has a
thread here that sends it the next lines before it looks at the last answer, and a thread of its own
that takes them in whatever the process is doing: neither side can wait for the other to read. With
no processes everything is checked in line, by the same function.
"""

from __future__ import annotations

import marshal
import multiprocessing
import os
import pickle
import signal
import threading
from binascii import a2b_base64
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import Empty, SimpleQueue
from typing import Final

import orjson

from ledger.custody.state import Needs
from ledger.errors import LedgerError
from ledger.keys import PublicKey
from service.bootstrap import tune_collector
from service.errors import Unavailable
from service.logs import get_logger
from service.usecases.check import Candidate, KeyRing, check_presentations, needs_of
from service.usecases.submit import Item

log = get_logger("checkers")

CHUNK: Final = 1024
"""Most lines per task: some 25 milliseconds of work. Signatures that are checked together share a part of it."""

TRIES: Final = 2
"""How often lines are given to a process: one that dies over them is replaced once."""

_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")


@dataclass
class _Task:
    lines: list[bytes]
    done: Future[list[Item]] = field(default_factory=Future)
    tries: int = TRIES


class Checkers:
    """A pool of checking processes; `workers` 0 checks in line."""

    def __init__(self, keys: KeyRing, workers: int) -> None:
        self._keys = keys
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._closed = False
        self._threads = [_Driver(self._tasks, keys) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def warm_up(self) -> None:
        """Return when every process is there."""
        for thread in self._threads:
            thread.ready.wait()

    def check(self, lines: Sequence[bytes]) -> list[Future[list[Item]]]:
        """Candidates or refusals of presentations, one future per `CHUNK` lines, in order.

        A future fails with Unavailable when no process survives its lines. Raises Unavailable when closed.
        """
        if self._closed:
            raise Unavailable("The service is shutting down.", retry_after=5)
        tasks = [_Task(list(lines[at : at + CHUNK])) for at in range(0, len(lines), CHUNK)]
        for task in tasks:
            if self._threads:
                self._tasks.put(task)
            else:
                task.done.set_result(check_presentations(task.lines, self._keys.get))
        return [task.done for task in tasks]

    def close(self) -> None:
        """Finish what was given, then end the processes."""
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()


class _Driver(threading.Thread):
    """One checking process, and the thread that talks to it."""

    def __init__(self, tasks: SimpleQueue[_Task | None], keys: KeyRing) -> None:
        super().__init__(name="checker", daemon=True)
        self._tasks, self._keys = tasks, keys
        self._sent: set[str] = set()
        self.ready = threading.Event()
        self.process: SpawnProcess | None = None

    def run(self) -> None:
        self._start_process()
        task = self._tasks.get()
        while task is not None:
            under_way = [task]
            try:
                self._send(task)
                self._talk(under_way)
            except (OSError, EOFError):
                log.error("a checking process died: starting another")
                self._start_process()
                self._give_back(under_way)
            task = self._tasks.get()
        self._end_process()

    def _talk(self, under_way: list[_Task]) -> None:
        """Answer the task under way; the next one, if there is any, is sent before its answer is read."""
        while under_way:
            try:
                following = self._tasks.get_nowait()
            except Empty:
                following = None
            else:
                if following is None:
                    self._tasks.put(None)  # the end is for when nothing is under way
                else:
                    under_way.append(following)
                    self._send(following)
            verdicts = self._connection.recv_bytes()
            task = under_way.pop(0)
            task.done.set_result(_parse_verdicts(task.lines, verdicts))

    def _send(self, task: _Task) -> None:
        known = _known_keys(self._keys, task.lines, but=self._sent)
        self._connection.send_bytes(pickle.dumps((known, task.lines), 5))
        self._sent.update(known)

    def _give_back(self, under_way: list[_Task]) -> None:
        """Whose process died: another try, or the end of it."""
        for task in under_way:
            task.tries -= 1
            if task.tries:
                self._tasks.put(task)
            else:
                task.done.set_exception(Unavailable("The records could not be checked for now.", retry_after=1))

    def _start_process(self) -> None:
        self._end_process()
        context = multiprocessing.get_context("spawn")  # a fork would copy our threads' locks as they are
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=serve_checks, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self._sent.clear()
        self.ready.set()

    def _end_process(self) -> None:
        if self.process is not None:
            self._connection.close()
            self.process.join()


def serve_checks(connection: Connection) -> None:
    """The life of a checking process: until the service closes its end, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends us
    if hasattr(os, "nice"):
        os.nice(10)  # the one sequencer goes first: we can run ahead of it, it can't run ahead of us
    tune_collector()
    received: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, received), daemon=True).start()
    keys: dict[str, PublicKey] = {}
    while message := received.get():
        fresh, lines = pickle.loads(message)  # noqa: S301  # from the service itself
        keys.update(fresh)
        connection.send_bytes(_format_verdicts(check_presentations(lines, keys.get)))


def _receive(connection: Connection, received: SimpleQueue[bytes]) -> None:
    """Take in what the service sends, at most two tasks ahead of the answers; b"" when it closes its end."""
    try:
        while True:
            received.put(connection.recv_bytes())
    except (EOFError, OSError):
        received.put(b"")


def _known_keys(keys: KeyRing, lines: Sequence[bytes], but: AbstractSet[str] = frozenset()) -> dict[str, PublicKey]:
    """The keys that the lines name, as far as they are known now and not among `but`."""
    kids = {_kid(header) for header in {line.partition(b".")[0] for line in lines}} - but
    return {kid: key for kid in kids if (key := keys.get(kid)) is not None}


def _format_verdicts(verdicts: Sequence[Item]) -> bytes:
    """Verdicts on their way to the service, which has the JWS: each member of the candidates as a column, what they
    need once for all of them, and the refusals with their places. `marshal` writes and reads plain values three times
    as fast as `pickle`."""
    passed = [one for one in verdicts if isinstance(one, Candidate)]
    refusals = [(place, one) for place, one in enumerate(verdicts) if isinstance(one, LedgerError)]
    columns = list(zip(*passed, strict=True))[1:-1]
    return marshal.dumps((columns, tuple(needs_of(passed)), pickle.dumps(refusals, 5) if refusals else b""))


def _parse_verdicts(lines: Sequence[bytes], data: bytes) -> list[Item]:
    """The inverse of `_format_verdicts`, for bytes from our own process about these lines."""
    columns, wanted, pickled = marshal.loads(data)  # noqa: S302
    refusals: list[tuple[int, LedgerError]] = pickle.loads(pickled) if pickled else []  # noqa: S301
    refused = {place for place, _ in refusals}
    jws = [line.partition(b"~")[0] for place, line in enumerate(lines) if place not in refused]
    items: list[Item] = list(map(Candidate._make, zip(jws, *columns, [Needs(*wanted)] * len(jws), strict=True)))
    for place, error in refusals:  # in order, so that each comes to stand where it was
        items.insert(place, error)
    return items


@lru_cache(maxsize=4096)
def _kid(header: bytes) -> str:
    """Of a JWS header; "" for one that will be refused anyway."""
    try:
        return str(orjson.loads(a2b_base64(header.translate(_TO_BASE64) + b"=="))["kid"])  # too much padding is ignored
    except (ValueError, TypeError, KeyError):
        return ""
