"""Audit of whole logs: rate against the yardstick, and cost per record as the log grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate import Generator, write_log
from benchmarks.yardstick import Yardstick
from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource
from ledger import batch
from ledger.evidence.trust import parse_policy


class Audited(NamedTuple):
    """per_s: records per second; raw: yardstick measured just before and after."""

    records: int
    per_s: float
    raw: float


def audit_once(folder: Path) -> float:
    """Seconds for a full audit of an exported log: hashes, signatures, schemas, custody replay."""
    policy = parse_policy((folder / "policy.txt").read_bytes())
    began = time.perf_counter()
    report = run_audit(FolderSource(folder), policy, datetime.now(UTC))
    seconds = time.perf_counter() - began
    if not report.verified:
        raise RuntimeError(f"the audit found: {report.findings[:3]}")
    return seconds


@contextmanager
def one_by_one() -> Iterator[None]:
    """As where the extension is not installed; worker processes are forks and do the same."""
    found, batch.native = batch.native, None
    try:
        yield
    finally:
        batch.native = found


class Pair(NamedTuple):
    """With the extension, and without it; the two took turns."""

    together: Audited
    singly: Audited


def measure(folder: Path, size: int, yardstick: Yardstick, rounds: int) -> Pair:
    """Medians over rounds; the yardstick is taken between them."""
    write_log(folder, islice(Generator().records(), size))
    rates: tuple[list[float], list[float]] = ([], [])
    raws = [yardstick.take()]
    for _ in range(rounds):
        rates[0].append(size / audit_once(folder))
        raws.append(yardstick.take())
        with one_by_one():
            rates[1].append(size / audit_once(folder))
        raws.append(yardstick.take())
    raw = statistics.median(raws)
    return Pair(*(Audited(size, statistics.median(some), raw) for some in rates))
