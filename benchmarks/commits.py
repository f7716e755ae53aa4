"""One record per commit, against what the disk can do: appending a record to a file and flushing it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.server import USUAL, Kind, Server, postgres
from ledger.errors import LedgerError
from service.bootstrap import tune_collector, wire
from service.config import Settings
from service.usecases.check import check_presentation
from service.usecases.submit import Book, Item, Submission
from tests.support.postgres import Cluster

RAW_SECONDS = 1.0


class Commits(NamedTuple):
    """Records per second with one record per commit, and the yardstick before and after: flushed appends per second."""

    per_s: float
    raw: float


def raw_commits(folder: Path, seconds: float = RAW_SECONDS, size: int = 1_000) -> float:
    """Appends of `size` bytes to a file, each with its `fdatasync`, per second."""
    path, block = folder / "flushed", bytes(size)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    done, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds:
        os.write(handle, block)
        os.fdatasync(handle)
        done += 1
    os.close(handle)
    path.unlink()
    return done / taken


def measure(folder: Path, register: Sequence[bytes], records: Sequence[bytes], kind: Kind = USUAL) -> Commits:
    """What the one thread that writes does for a quiet log: custody rules, rows, tree, commit, signed checkpoint.

    The stateless checks are done before, and no HTTP is in it.
    """
    if not kind.postgres:
        return _measure(folder, None, register, records)
    with postgres() as cluster:
        return _measure(folder, cluster, register, records)


def _measure(folder: Path, cluster: Cluster | None, register: Sequence[bytes], records: Sequence[bytes]) -> Commits:
    server = Server(folder, cluster)
    server.init()
    service = wire(Settings.from_environment(server.env))
    try:
        book = service.open_log()
        tune_collector()
        _submit(book, [check_presentation(one, service.keys.get) for one in register])
        items = [check_presentation(one, service.keys.get) for one in records]
        warm = max(1, len(items) // 10)
        for item in items[:warm]:
            _submit(book, [item])
        before, began = raw_commits(folder), time.perf_counter()
        for item in items[warm:]:
            _submit(book, [item])
        seconds = time.perf_counter() - began
        return Commits((len(items) - warm) / seconds, (before + raw_commits(folder)) / 2)
    finally:
        service.close()


def _submit(book: Book, items: Sequence[Item]) -> None:
    for start in range(0, len(items), 1_000):
        (done,) = book.submit([Submission(items[start : start + 1_000])], int(time.time() * 1000))
        for outcome in done.outcomes:
            if isinstance(outcome.error, LedgerError):
                raise outcome.error
