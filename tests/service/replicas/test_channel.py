"""The channel between processes: who is let in, and what travels."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest

from ledger.errors import BadSignature, StaleHead
from service.adapters.certificate import make_certificate, trust_only
from service.errors import Internal, Unavailable
from service.storage.lease import Lease
from service.usecases.submit import Outcome, Sequenced
from service.workers.forwarding import PORTS, Link, Reception
from service.workers.sequencer import Waiting
from service.workers.wire import (
    MAX_GREETING,
    PeerError,
    format_answer,
    format_failure,
    frame,
    parse_answer,
    parse_failure,
    parse_submission,
    read_message,
)

WAIT = 20.0
SENT: dict[str, Any] = {"n": 1, "atomic": False, "proofs": False, "items": [None], "needs": [[], [], [], []]}
DONE = Sequenced((Outcome("refused", error=BadSignature("no")),), 7, "note")


class Office:
    """A reception that answers every submission with `DONE`, or as `error` says; and its lease."""

    def __init__(self) -> None:
        self.certificate, context = make_certificate("test")
        self.reception = Reception(context, self.take)
        self.error: Exception | None = None
        self.taken: list[Waiting] = []

    def take(self, waiting: Waiting) -> None:
        self.taken.append(waiting)
        if isinstance(self.error, Unavailable):
            raise self.error
        if self.error is not None:
            waiting[1].set_exception(self.error)
        else:
            waiting[1].set_result(DONE)

    async def open(self, port: int = 0) -> Lease:
        port = await self.reception.listen("127.0.0.1", port)
        lease = Lease(4, "me", f"127.0.0.1:{port}", self.certificate, "secret", 1, 1, 0, 1)
        self.reception.welcome(lease)
        return lease


class Caller:
    """A follower's end."""

    def __init__(self, lease: Lease) -> None:
        self.heard: list[Any] = []
        self.ended = asyncio.Event()
        self.link = Link(lease, self.heard.append, lambda _: self.ended.set())

    async def hear(self, count: int) -> list[Any]:
        async with asyncio.timeout(WAIT):
            while len(self.heard) < count:
                await asyncio.sleep(0.005)
        return self.heard


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 2 * WAIT))


def submission(number: int) -> bytes:
    return frame(orjson.dumps({**SENT, "n": number}))


def test_who_knows_the_lease_is_let_in() -> None:
    async def test() -> None:
        office = Office()
        caller = Caller(await office.open())
        assert await caller.link.connect()
        for number in (1, 2):
            caller.link.send(submission(number))
        assert [one["n"] for one in await caller.hear(2)] == [1, 2]
        office.error = StaleHead("stale", pointer="/prev", head="x")
        caller.link.send(submission(3))
        failed = parse_failure((await caller.hear(3))[2])
        assert isinstance(failed, StaleHead)
        assert (failed.pointer, failed.values) == ("/prev", {"head": "x"})
        office.error = KeyError("a fault")
        caller.link.send(submission(4))
        assert isinstance(parse_failure((await caller.hear(4))[3]), Internal)
        office.error = Unavailable("stepping down")
        caller.link.send(submission(5))
        await asyncio.wait_for(caller.ended.wait(), WAIT)
        assert not caller.link.up
        await office.reception.close()

    run(test)


@pytest.mark.parametrize(
    "other",
    [{"secret": "guess"}, {"epoch": 5}, {"address": "127.0.0.1:1"}, {"address": "nonsense"}, {"certificate": ""}],
    ids=lambda other: next(iter(other)),
)
def test_nobody_else_is(other: dict[str, Any]) -> None:
    async def test() -> None:
        office = Office()
        lease = await office.open()
        assert not await Caller(lease._replace(**other)).link.connect()
        forger, _ = make_certificate("test")
        assert not await Caller(lease._replace(certificate=forger)).link.connect(), "it would tell the secret"
        caller = Caller(lease)
        assert await caller.link.connect(), "with what the lease says"
        office.reception.welcome(None)
        await asyncio.wait_for(caller.ended.wait(), WAIT)
        assert not await Caller(lease).link.connect(), "the lease is over"
        assert office.taken == []
        await office.reception.close()

    run(test)


@pytest.mark.parametrize(
    "message",
    [b"\xff\xff\xff\xff", frame(b"not json"), frame(b"7"), frame(b'{"n": 1}'), frame(b"[" + b" " * MAX_GREETING)],
)
def test_what_no_peer_says_ends_the_connection(message: bytes) -> None:
    async def test() -> None:
        office = Office()
        caller = Caller(await office.open())
        assert await caller.link.connect()
        caller.link.send(message)
        await asyncio.wait_for(caller.ended.wait(), WAIT)
        lease = caller.link.lease
        host, _, port = lease.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust_only(lease.certificate))
        writer.write(message)
        writer.close()
        assert await reader.read() == b"", "nor is it a greeting"
        assert office.taken == []
        await office.reception.close()

    run(test)


def test_who_only_connects_is_left() -> None:
    async def test() -> None:
        office = Office()
        port = int((await office.open()).address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), WAIT) == b""
        writer.close()
        await office.reception.close()

    run(test)


def test_a_leader_that_says_nothing_is_left() -> None:
    async def test() -> None:
        gone = asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1):
                pass
            gone.set()
            writer.close()

        certificate, context = make_certificate("test")
        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        caller = Caller(Lease(4, "me", f"127.0.0.1:{port}", certificate, "secret", 1, 1, 0, 1))
        assert not await caller.link.connect()
        await asyncio.wait_for(gone.wait(), WAIT)
        assert not caller.link.up
        server.close()

    run(test)


def test_ports_are_tried_one_after_the_other() -> None:
    async def test() -> None:
        first, second = Office(), Office()
        port = int((await first.open()).address.rpartition(":")[2])
        if port + PORTS < 65_536:
            found = int((await second.open(port)).address.rpartition(":")[2])
            assert port < found < port + PORTS
            await second.reception.close()
        with pytest.raises(OSError, match="assign"):
            await Office().reception.listen("192.0.2.1", port)
        await first.reception.close()

    run(test)


def test_certificates_are_for_one_process() -> None:
    one, context = make_certificate("a")
    other, _ = make_certificate("a")
    assert one != other
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        trust_only("nonsense")


@pytest.mark.parametrize(
    "message",
    [
        7,
        {},
        {"n": 1},
        {**SENT, "n": "x"},
        {**SENT, "items": [[1]]},
        {**SENT, "items": [["a"] * 7]},
        {**SENT, "needs": [[], [], []]},
        {**SENT, "needs": [[[]], [], [], []]},
    ],
)
def test_a_submission_that_is_none(message: Any) -> None:
    assert parse_submission(SENT)[0] == 1
    with pytest.raises(PeerError):
        parse_submission(message)


def test_an_answer_that_is_none() -> None:
    for message in ({}, {"outcomes": []}, {"outcomes": [["created"]], "size": "x"}):
        with pytest.raises(PeerError):
            parse_answer(message, [BadSignature("no")], str)
    with pytest.raises(PeerError):
        parse_failure({"failed": 7})
    assert parse_failure({}) is None


def test_a_failure_of_no_known_kind_is_ours() -> None:
    body = format_failure(1, Unavailable("not now", retry_after=3))[4:]
    told = parse_failure(orjson.loads(body))
    assert isinstance(told, Unavailable)
    assert (told.retry_after, told.message) == (3, "not now")
    assert isinstance(parse_failure(orjson.loads(body.replace(b"unavailable", b"unheard-of"))), Internal)


def test_a_refusal_keeps_its_own_words() -> None:
    """What was refused before it was sent is answered with the refusal that was made here."""
    mine = BadSignature("mine")
    message = orjson.loads(format_answer(1, DONE, proofs=True)[4:])
    assert parse_answer(message, [mine], str).outcomes[0].error is mine
    assert isinstance(DONE.outcomes[0].error, BadSignature)


def test_a_message_has_a_limit() -> None:
    async def test() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(frame(b"[1, 2, 3]"))
        with pytest.raises(PeerError, match="too long"):
            await read_message(reader, 8)

    run(test)
