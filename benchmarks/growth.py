"""What the size of the log costs: one ledger grows to a million records, and is asked and measured on the way."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundle import log_in
from benchmarks.client import Load, Wanted, gets, send
from benchmarks.generate import Generator
from benchmarks.processes import Memory, Peak
from benchmarks.run import Run
from benchmarks.server import Server, serving
from ledger.envelope import parse_record

WINDOWS = 5
"""So many batches are timed at each size: the first ones after it, at the largest the last ones before it."""
TOGETHER = 64  # stories that are under way in the generator's log at the same time
STORY = 9.5  # records, on average


class Queries(NamedTuple):
    """ms each, one after the other on one connection: medians. echo: `GET /healthz`, their yardstick."""

    echo: float
    receipt: float
    lot: float
    provenance: float

    @property
    def cost(self) -> float:
        """All three in echoes: a slower minute makes both slower."""
        return (self.receipt + self.lot + self.provenance) / self.echo


class Grown(NamedTuple):
    """At one size. per_s, raw: batch ingest and the yardstick; cpu_us: of the server's processor time per record;
    peak: the most memory while it grew there; queries: at that size."""

    size: int
    per_s: float
    raw: float
    cpu_us: float
    peak: Memory
    queries: Queries


class Lap(NamedTuple):
    """Some batches: records, seconds, and the server's processor time."""

    records: int
    seconds: float
    cpu: float


def measure(folder: Path, run: Run) -> tuple[list[Grown], int]:
    """What it costs at each size of the run, and the bytes on disk in the end."""
    records = run.corpus.submissions(run.scale.sizes[-1])
    batches = iter(lambda: list(islice(records, run.scale.batch)), [])
    grown: list[Grown] = []
    sent = 0
    with serving(folder) as server:
        for size, (start, end) in zip(run.scale.sizes, windows(run.scale.sizes, run.scale.batch), strict=True):
            with Peak([server.process.pid], seconds=0.25) as peak:
                sent += _send(server, batches, start - sent).records
                before = run.yardstick.take()
                lap = _send(server, batches, end - sent)
                raw = (before + run.yardstick.take()) / 2
            sent += lap.records
            cpu_us = lap.cpu / lap.records * 1e6
            grown.append(Grown(size, lap.records / lap.seconds, raw, cpu_us, peak.most, _ask_all(server, run, sent)))
        server.stop()
        return grown, server.stored_bytes()


def windows(sizes: Sequence[int], batch: int) -> list[tuple[int, int]]:
    """Which records are timed at each size: the first behind it, or the last before the largest; whole batches."""
    width = min(WINDOWS * batch, (sizes[1] - sizes[0]) // 2 // batch * batch)
    return [*((size, size + width) for size in sizes[:-1]), (sizes[-1] - width, sizes[-1])]


def _send(server: Server, batches: Iterator[list[bytes]], count: int) -> Lap:
    """Send batches of at least `count` records in all, or what is left."""
    began, before, sent = time.perf_counter(), server.cpu_seconds(), 0
    while sent < count and (batch := next(batches, None)):
        server.post_batch(batch)
        sent += len(batch)
    return Lap(sent, time.perf_counter() - began, server.cpu_seconds() - before)


# ---- questions ------------------------------------------------------------------------------------------------------


def _ask_all(server: Server, run: Run, size: int) -> Queries:
    count = max(10, run.scale.reads // 20)
    ids = [parse_record(jws).id for jws in sample(run, size, count)]
    generator = Generator(signers=run.scale.signers)
    done = max(1, int(size / STORY) - 2 * TOGETHER)
    stories = [n * done // count for n in range(count)]
    smelters = [generator.smelters[n % len(generator.smelters)] for n in stories]

    def told(path: Callable[[int], str]) -> float:
        tokens = [log_in(generator, who) for who in smelters]
        return _median(send(server.port, list(gets(map(path, stories), tokens)), Wanted(200), 1))

    return Queries(
        echo=_median(send(server.port, list(gets(["/healthz"] * count)), Wanted(200), 1)),
        receipt=_median(send(server.port, list(gets(map(_receipt, ids))), Wanted(200, b"tlog-proof"), 1)),
        lot=told(lambda n: f"/v1/lots/lot:{n:08d}:concentrate"),
        provenance=told(lambda n: f"/v1/lots/lot:{n:08d}:concentrate/provenance"),
    )


def sample(run: Run, size: int, count: int) -> Iterator[bytes]:
    """Records from all over the first `size`."""
    return islice(run.corpus.submissions(size), 0, None, max(1, size // count))


def _receipt(record_id: str) -> str:
    return f"/v1/records/{record_id}/receipt"


def _median(load: Load) -> float:
    return statistics.median(load.times)


class Receipts(NamedTuple):
    """Receipts per second at 64 connections, and `GET /healthz` in the same way, its yardstick."""

    per_s: float
    echo_per_s: float


def measure_receipts(folder: Path, run: Run) -> Receipts:
    """Fresh receipts of records all over a log of the middle size."""
    size = run.scale.sizes[1]
    records = list(run.corpus.submissions(size))
    paths = [_receipt(parse_record(jws).id) for jws in records[:: max(1, size // run.scale.reads)]]
    with serving(folder) as server:
        for start in range(0, size, run.scale.batch):
            server.post_batch(records[start : start + run.scale.batch])
        echoes = list(gets(["/healthz"] * len(paths)))
        before = send(server.port, echoes, Wanted(200)).per_s
        receipts = send(server.port, list(gets(paths)), Wanted(200, b"tlog-proof")).per_s
        return Receipts(receipts, (before + send(server.port, echoes, Wanted(200)).per_s) / 2)
