"""Audit of whole logs: rate against the yardstick, and cost per record as the log grows."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate import Generator, write_log
from benchmarks.yardstick import Yardstick
from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource
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


def measure(folder: Path, size: int, yardstick: Yardstick, rounds: int) -> Audited:
    """Median over rounds; the yardstick is taken between them."""
    write_log(folder, islice(Generator().records(), size))
    rates, raws = [], [yardstick.take()]
    for _ in range(rounds):
        rates.append(size / audit_once(folder))
        raws.append(yardstick.take())
    return Audited(size, statistics.median(rates), statistics.median(raws))
