"""One record without a server between: what a slow, broken or impatient client meets."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from ledger.envelope import MAX_PRESENTATION_BYTES
from ledger.keys import private_key_from_seed
from ledger.log.note import Ed25519Signer
from service.api.bodies import ClientGone, check_length, read_body
from service.api.deps import Backend
from service.api.intake import RecordIntake
from service.config import Limits
from service.errors import BadRequest, BodyTooLarge, TimedOut, Unavailable
from service.metrics import Metrics
from service.usecases.context import Context, Verifier
from service.usecases.submit import Item, Outcome, Sequenced
from tests.service.api.test_batch import Client

HEADERS = [(b"content-type", b"text/plain")]


def run_intake(client: Client, *, closing: bool = False, full: bool = False, headers: Any = HEADERS) -> None:
    async def check(texts: Any) -> list[Item]:
        return list(texts)

    def sequence(items: Any, *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        if full:
            raise Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)
        future: Future[Sequenced] = Future()
        future.set_result(
            Sequenced((Outcome("created", "0" * 64, 1, 5, b"5 x", None, lambda index: f"receipt {index}"),), 2, "")
        )
        return future

    limits, signer = Limits(request_seconds=0.05), Ed25519Signer("o", bytes(32))
    verifier = Verifier(private_key_from_seed("Ed25519", bytes(32)), "", {})
    context = Context(None, "o", "v", limits, lambda: 5.0, signer, verifier)  # type: ignore[arg-type]  # no store
    backend = Backend(context, Metrics(), check, sequence, lambda: "", closing=closing)
    scope = {"query_string": b"", "request_id": "test", "headers": headers}
    asyncio.run(RecordIntake(backend)(scope, client.receive, client.send))


def test_a_record_in_pieces() -> None:
    client = Client(b"a", b"b", b"\n")
    run_intake(client)
    assert (client.status, client.lines[0]["receipt"]) == (201, "receipt 1")


@pytest.mark.parametrize(
    ("client", "more", "status"),
    [
        (Client(b"a", stall=True), {}, 408),
        (Client(b"a"), {"full": True}, 503),
        (Client(b"a"), {"closing": True}, 503),
        (Client(b"a"), {"headers": []}, 415),
        (Client(b"a"), {"headers": [*HEADERS, (b"content-length", b"ten")]}, 400),
        (Client(b"a"), {"headers": [*HEADERS, (b"content-length", b"9" * 16)]}, 413),
        (Client(b"a" * MAX_PRESENTATION_BYTES, b"a"), {}, 413),
    ],
)
def test_a_record_that_does_not_arrive_or_cannot_be_taken(client: Client, more: dict[str, Any], status: int) -> None:
    run_intake(client, **more)
    assert client.status == status
    assert ((b"retry-after", b"1") in client.sent[0]["headers"]) is ("full" in more)


def test_nobody_is_answered_when_the_client_has_gone() -> None:
    client = Client(b"a", None)
    run_intake(client)
    assert client.sent == []


def test_a_body_that_comes_later_than_its_head() -> None:
    arrived = asyncio.Event()
    client = Client(b"a", b"b")

    async def receive() -> dict[str, Any]:
        await arrived.wait()
        return await client.receive()

    async def read() -> bytes:
        asyncio.get_running_loop().call_soon(arrived.set)
        return await read_body(receive, limit=5, seconds=30)

    assert asyncio.run(read()) == b"ab"


def test_the_limits_of_a_body() -> None:
    assert asyncio.run(read_body(Client(b"12", b"345").receive, limit=5, seconds=1)) == b"12345"
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(Client(b"12", b"3456").receive, limit=5, seconds=1))
    with pytest.raises(TimedOut):
        asyncio.run(read_body(Client(stall=True).receive, limit=5, seconds=0.01))
    with pytest.raises(ClientGone):
        asyncio.run(read_body(Client(None).receive, limit=5, seconds=1))
    check_length({"headers": [(b"content-length", b"5")]}, 5)
    with pytest.raises(BodyTooLarge):
        check_length({"headers": [(b"content-length", b"6")]}, 5)
    with pytest.raises(BadRequest):
        check_length({"headers": [(b"content-length", b"-1")]}, 5)
