"""Load over HTTP against a real server: batches as fast as they go, and single records at 64 connections."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.client import Load, Wanted, posts, send
from benchmarks.generate import Generator
from benchmarks.server import USUAL, Kind, Server, serving
from benchmarks.yardstick import Yardstick

CLIENTS = 2
"""That send batches at the same time, each the stories of lots of its own."""


class Ingest(NamedTuple):
    """per_s: records per second; raw: yardstick of the same minute; bytes: kept per record; stored: per byte of it."""

    per_s: float
    raw: float
    bytes: float
    stored: float

    @property
    def ratio(self) -> float:
        """To the yardstick."""
        return self.per_s / self.raw


class Streams(NamedTuple):
    """What batch clients send: the register first, then each its own records."""

    register: list[bytes]
    each: tuple[list[bytes], ...]

    @property
    def entry_bytes(self) -> int:
        """Of the log's entries that these become: with time of logging, space and newline."""
        return sum(len(record) + 15 for some in (self.register, *self.each) for record in some)


def streams(count: int, signers: int, clients: int = CLIENTS) -> Streams:
    """About `count` records in all."""
    generator = Generator(signers=signers)
    register = [jws for _, jws in generator.register()]
    each = max(1, (count - len(register)) // clients)
    return Streams(register, tuple(_stories(generator, n, clients, each) for n in range(clients)))


def _stories(generator: Generator, first: int, step: int, count: int) -> list[bytes]:
    return [jws for _, jws in islice(generator.stories(first=first, step=step), count)]


def measure_batches(
    folder: Path, sent: Streams, yardstick: Yardstick, *, batch: int, kind: Kind = USUAL, native: bool = True
) -> Ingest:
    """Batch ingest of all records, durable and fully checked, with the storage that it takes.

    native: with the extension, where there is one; False switches it off.
    """
    warm = batch // 2
    with serving(folder, kind, LODELINE_NATIVE="" if native else "off") as server:
        server.post_batch(sent.register)
        send_all(server, [some[:warm] for some in sent.each], batch)
        before, began = yardstick.take(), time.perf_counter()
        send_all(server, [some[warm:] for some in sent.each], batch)
        seconds = time.perf_counter() - began
        raw = (before + yardstick.take()) / 2
        server.stop()
        stored = server.stored_bytes()
    count = sum(len(some[warm:]) for some in sent.each)
    total = len(sent.register) + sum(map(len, sent.each))
    return Ingest(count / seconds, raw, stored / total, stored / sent.entry_bytes)


def send_all(server: Server, each: Sequence[list[bytes]], batch: int) -> None:
    """One client for each of these streams, in batches."""

    def client(records: list[bytes]) -> None:
        for start in range(0, len(records), batch):
            server.post_batch(records[start : start + batch])

    with ThreadPoolExecutor(len(each)) as pool:
        list(pool.map(client, each))


class Single(NamedTuple):
    """Requests per second, latencies in ms, and requests per second of the server's processor time."""

    per_s: float
    p50_ms: float
    p99_ms: float
    per_cpu_s: float


def measure_single(folder: Path, register: list[bytes], records: list[bytes], kind: Kind = USUAL) -> Single:
    """One record per POST over 64 kept connections; every answer is a 201 with its receipt."""
    with serving(folder, kind) as server:
        server.post_batch(register)
        warm = len(records) // 10
        send_singles(server, records[:warm])
        before = server.cpu_seconds()
        load = send_singles(server, records[warm:])
        used = server.cpu_seconds() - before
    return Single(load.per_s, load.quantile(0.5), load.quantile(0.99), len(load.times) / max(used, 0.01))


def send_singles(server: Server, records: list[bytes]) -> Load:
    """One record per POST; every answer is a 201 with its receipt."""
    return send(server.port, list(posts("/v1/records", records)), Wanted(201, b"tlog-proof"))


def single_records(count: int, signers: int = 200) -> tuple[list[bytes], list[bytes]]:
    """A register, and `count` records that depend on nothing else."""
    generator = Generator(signers=signers)
    register = [jws for _, jws in generator.register()]
    return register, [jws for _, jws in generator.extracts(count)]
