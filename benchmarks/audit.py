"""Audit of whole logs: rate against the yardstick, and cost per record as the log grows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate import Made, write_log
from benchmarks.processes import Memory, Peak
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

    @property
    def ratio(self) -> float:
        """To the yardstick."""
        return self.per_s / self.raw


def audit_once(folder: Path, *, jobs: int | None = None) -> float:
    """Seconds for a full audit of an exported log: hashes, signatures, schemas, custody replay.

    jobs: worker processes beside the one that folds, by default one per core.
    """
    policy = parse_policy((folder / "policy.txt").read_bytes())
    began = time.perf_counter()
    report = run_audit(FolderSource(folder), policy, datetime.now(UTC), workers=jobs)
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


class Measured(NamedTuple):
    """With the extension and without it, and with other numbers of jobs; all took turns."""

    together: Audited
    singly: Audited
    jobs: dict[int, Audited]


def measure(
    folder: Path, made: Iterator[Made], yardstick: Yardstick, rounds: int, jobs: Sequence[int] = ()
) -> Measured:
    """Medians over rounds of auditing these records, the yardstick between them. Leaves the log in `folder`."""
    size = write_log(folder, made).size
    rates: dict[str, list[float]] = {name: [] for name in ("together", "singly", *map(str, jobs))}
    raws = [yardstick.take()]
    for _ in range(rounds):
        rates["together"].append(size / audit_once(folder))
        raws.append(yardstick.take())
        with one_by_one():
            rates["singly"].append(size / audit_once(folder))
        raws.append(yardstick.take())
        for n in jobs:
            rates[str(n)].append(size / audit_once(folder, jobs=n))
            raws.append(yardstick.take())
    raw = statistics.median(raws)
    done = {name: Audited(size, statistics.median(some), raw) for name, some in rates.items()}
    return Measured(done["together"], done["singly"], {n: done[str(n)] for n in jobs})


def measure_memory(folder: Path) -> Memory:
    """The most memory that `lodeline audit` of the log in `folder` holds, with the processes it starts."""
    command = [sys.executable, "-m", "clients.cli.main", "audit", str(folder), "--trust", str(folder / "policy.txt")]
    with (
        subprocess.Popen(
            [*command, "--forget", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process,
        Peak([process.pid]) as peak,
    ):
        out, _ = process.communicate()
    if process.returncode != 0 or not json.loads(out)["verified"]:
        raise RuntimeError(f"the audit failed: {out[-400:]!r}")
    return peak.most
