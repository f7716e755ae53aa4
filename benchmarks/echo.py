"""What HTTP alone costs: a server of the same kind as the ledger's that reads what it is sent and answers as much."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.client import Wanted, posts, send
from benchmarks.processes import cpu_seconds
from benchmarks.server import await_answer, end, free_port, start

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Raw ASGI: the body that came, answered."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Echo(NamedTuple):
    """At 64 connections: requests per second, their 99th percentile, and requests per second of processor time."""

    per_s: float
    p99_ms: float
    per_cpu_s: float


def measure(bodies: Sequence[bytes]) -> Echo:
    """Send these, get them back."""
    with serving() as (port, pid):
        requests = list(posts("/", bodies))
        send(port, requests[: len(requests) // 10 + 1], Wanted(200))
        before = cpu_seconds(pid)
        load = send(port, requests, Wanted(200))
        used = cpu_seconds(pid) - before
    return Echo(load.per_s, load.quantile(0.99), len(requests) / used if used else load.per_s)


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """The port and the process of such a server."""
    port = free_port()
    words = ("--port", str(port), "--log-level", "error", "--no-access-log", "--lifespan", "off")
    process = start([sys.executable, "-m", "uvicorn", "benchmarks.echo:app", *words])
    try:
        await_answer(process, port, "/")
        yield port, process.pid
    finally:
        end(process, seconds=30.0)
