"""HTTP clients that cost little, since they share the cores with the server: kept connections, one thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import uvloop

CONNECTIONS = 64
RECORD = b"application/custody-record+sd-jwt"


class Wanted(NamedTuple):
    """An answer that is wanted: its status, and a text in it."""

    status: int
    text: bytes = b""


class Load(NamedTuple):
    """Requests per second, and the time of each in ms, sorted."""

    per_s: float
    times: list[float]

    def quantile(self, share: float) -> float:
        """So many of them took at most this long, in ms."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]


def posts(path: str, bodies: Iterable[bytes], media: bytes = RECORD) -> Iterator[bytes]:
    """Requests that send these."""
    head = b"POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\nContent-Length: " % (path.encode(), media)
    for body in bodies:
        yield head + b"%d\r\n\r\n%s" % (len(body), body)


def gets(paths: Iterable[str], tokens: Iterable[str] = ()) -> Iterator[bytes]:
    """Requests that read these, each with a token of its own if there are any."""
    spare = iter(tokens)
    for path in paths:
        token = next(spare, "")
        login = f"Authorization: Bearer {token}\r\n" if token else ""
        yield f"GET {path} HTTP/1.1\r\nHost: bench\r\n{login}\r\n".encode()


def send(port: int, requests: Sequence[bytes], wanted: Wanted, connections: int = CONNECTIONS) -> Load:
    """Send all of them over kept connections. Raises RuntimeError for an answer that is not the wanted one."""
    began = time.perf_counter()
    times = uvloop.run(_send(port, iter(requests), wanted, connections))
    return Load(len(times) / (time.perf_counter() - began), sorted(times))


async def _send(port: int, requests: Iterator[bytes], wanted: Wanted, connections: int) -> list[float]:
    times: list[float] = []
    begins = b"HTTP/1.1 %d" % wanted.status

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        try:
            for request in requests:
                began = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                content = await reader.readexactly(length)
                times.append((time.perf_counter() - began) * 1e3)
                if not head.startswith(begins) or wanted.text not in content:
                    raise RuntimeError(f"another answer was wanted: {head[:40]!r} {content[:400]!r}")
        finally:
            writer.close()
            await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(connection())
    return times
