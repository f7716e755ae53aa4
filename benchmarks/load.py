"""Load over HTTP against a real server: batches as fast as they go, and single records at 64 connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate import Generator
from benchmarks.server import Server
from benchmarks.yardstick import Yardstick

CONNECTIONS = 64
BATCH = 10_000


class Ingest(NamedTuple):
    """per_s: records per second; raw: yardstick of the same minute; stored: bytes kept per byte of entries."""

    per_s: float
    raw: float
    stored: float


def measure_batches(folder: Path, records: list[bytes], yardstick: Yardstick, *, native: bool) -> Ingest:
    """Batch ingest of all records, durable and fully checked, with the storage that it takes.

    native: with the extension, where there is one; False switches it off.
    """
    with Server(folder, LODELINE_NATIVE="" if native else "off") as server:
        server.post_batch(records[:BATCH])  # the register and the first stories: warms caches and workers
        before, began = yardstick.take(), time.perf_counter()
        for start in range(BATCH, len(records), BATCH):
            server.post_batch(records[start : start + BATCH])
        seconds = time.perf_counter() - began
        raw = (before + yardstick.take()) / 2
    entries = sum(len(record) + 14 for record in records)
    return Ingest((len(records) - BATCH) / seconds, raw, server.stored_bytes() / entries)


class Single(NamedTuple):
    """Requests per second, and latencies in ms."""

    per_s: float
    p50_ms: float
    p99_ms: float


def measure_single(folder: Path, register: list[bytes], records: list[bytes]) -> Single:
    """One record per POST over 64 kept connections; every answer is a 201 with its receipt."""
    with Server(folder) as server:
        server.post_batch(register)
        warm = len(records) // 10
        asyncio.run(_post_all(server.port, iter(records[:warm])))
        began = time.perf_counter()
        latencies = sorted(asyncio.run(_post_all(server.port, iter(records[warm:]))))
        seconds = time.perf_counter() - began
    return Single(
        len(latencies) / seconds, latencies[len(latencies) // 2] * 1e3, latencies[int(len(latencies) * 0.99)] * 1e3
    )


async def _post_all(port: int, records: Iterator[bytes]) -> list[float]:
    latencies: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for record in records:
            head = b"POST /v1/records HTTP/1.1\r\nHost: bench\r\nContent-Type: application/custody-record+sd-jwt\r\n"
            began = time.perf_counter()
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(record) + record)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            content = await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 201") or b"tlog-proof" not in content:
                raise RuntimeError(f"not accepted with a receipt: {answer[:40]!r} {content[:400]!r}")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return latencies


def single_records(count: int) -> tuple[list[bytes], list[bytes]]:
    """A register, and `count` records that depend on nothing else."""
    generator = Generator()
    register = [jws for _, jws in generator.register()]
    return register, [jws for _, jws in generator.extracts(count)]
