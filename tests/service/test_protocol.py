"""Answers in one write: nothing is lost, reordered or kept longer than a turn of the event loop. And no client holds
memory or a connection for ever."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from service.config import Settings
from service.processes import server_options
from service.protocol import HEAD_BYTES, PIPELINED, JoinedHttp, Joining


class Wire(asyncio.Transport):
    """What a transport is told, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.closing = False

    def write(self, data: Any) -> None:
        self.told.append(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.told.append(tuple(list_of_data))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.told.append("closed")

    def pause_reading(self) -> None:
        self.told.append("paused")


Step = bytes | Callable[[Joining, Wire], None]


def told(*turns: list[Step]) -> list[Any]:
    """What the wire is told when these are written, or happen, in turn after turn of the event loop."""

    async def run() -> list[Any]:
        wire = Wire()
        joining = Joining(wire, asyncio.get_running_loop())
        for steps in turns:
            for step in steps:
                if isinstance(step, bytes):
                    joining.write(step)
                else:
                    step(joining, wire)
            wire.told.append("|")
            await asyncio.sleep(0)
        return wire.told

    return asyncio.run(run())


def close(joining: Joining, _wire: Wire) -> None:
    joining.close()


def breaks(_joining: Joining, wire: Wire) -> None:
    wire.close()


def test_head_and_body_are_one_write() -> None:
    assert told([b"head", b"body"]) == [(b"head", b"body"), "|"]
    assert told([b"head", b"body", b"next", b"more"]) == [(b"head", b"body"), (b"next", b"more"), "|"]


def test_what_nothing_follows_goes_out_in_the_same_turn() -> None:
    assert told([b"head"], [b"body"]) == ["|", b"head", "|", b"body"]
    assert told([b"head", b"body", b"more"], []) == [(b"head", b"body"), "|", b"more", "|"]


def test_what_is_held_is_sent_before_the_connection_is_closed() -> None:
    assert told([b"head", close]) == [b"head", "closed", "|"]
    assert told([b"head"], [close]) == ["|", b"head", "closed", "|"]
    assert told([close]) == ["closed", "|"]


def test_nothing_is_sent_over_a_connection_that_broke() -> None:
    assert told([b"head", breaks]) == ["closed", "|"]
    assert told([b"head", breaks, b"body", b"more"]) == ["closed", "|"]


def test_everything_else_is_the_transports() -> None:
    assert told([lambda joining, _: joining.pause_reading()]) == ["paused", "|"]
    with pytest.raises(AttributeError):
        told([lambda joining, _: joining.no_such_thing()])


def test_the_service_is_served_this_way(tmp_path: Path) -> None:
    options = server_options(Settings(state=tmp_path))
    assert (options["http"], options["ws"]) == (JoinedHttp, "none")


# ---- limits ---------------------------------------------------------------------------------------------------------


class Hasty(JoinedHttp):
    """With little patience; `slow` is what it does not wait for."""

    wait_seconds, stall_seconds = 0.05, 0.05


class Patient(JoinedHttp):
    """With more than any test takes: whatever it ends, it ends for another reason."""

    wait_seconds, stall_seconds = 600.0, 600.0


class Server:
    """An application that counts its requests. It answers with the path; to `/wait` once `go` is set, to `/large`
    with more than any buffer holds; of `/read` it reads the body first."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.go = asyncio.Event()
        self.state = ServerState()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        if scope["path"] == "/wait":
            await self.go.wait()
        if scope["path"] == "/read":
            while (await receive()).get("more_body"):
                pass
        body = bytes(1 << 25) if scope["path"] == "/large" else scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    def connect(self, protocol: type[JoinedHttp]) -> JoinedHttp:
        """The server's end of a new connection."""
        config = uvicorn.Config(self, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        return protocol(config=config, server_state=self.state, app_state={})


class Line(Wire):
    """A connection whose client reads everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        self.protocol: JoinedHttp

    @property
    def heard(self) -> list[int]:
        """The status of every answer."""
        data = b"".join(b"".join(one) if isinstance(one, tuple) else one for one in self.told if one != "closed")
        return [int(status) for status in re.findall(rb"HTTP/1.1 ([0-9]{3}) ", data)]

    def close(self) -> None:
        if not self.closing:
            super().close()
            self.protocol.connection_lost(None)
            self.ended.set()

    def pause_reading(self) -> None:
        """It says what it says."""

    def resume_reading(self) -> None:
        """The same."""


Heard = tuple[list[int], list[str]]


def heard_by(protocol: type[JoinedHttp], *pieces: bytes, forever: bytes = b"") -> Heard:
    """The answers to these pieces until the server ends the connection, and the requests that it saw.

    forever: what is said again and again after them. `go` is set when all was said.
    """

    async def run() -> Heard:
        app, line = Server(), Line()
        line.protocol = app.connect(protocol)
        async with asyncio.timeout(60):
            line.protocol.connection_made(line)
            for piece in itertools.chain(pieces, itertools.repeat(forever) if forever else ()):
                if line.closing:
                    break
                line.protocol.data_received(piece)
                for _ in range(5):  # turns of the loop, in which what was asked is answered
                    await asyncio.sleep(0)
            app.go.set()
            await line.ended.wait()
            await asyncio.gather(*app.state.tasks)
        assert not app.state.connections
        return line.heard, app.seen

    return asyncio.run(run())


def get(path: str, more: bytes = b"") -> bytes:
    return b"GET %s HTTP/1.1\r\nhost: x\r\n%s\r\n" % (path.encode(), more)


FULL = b"x-filler: %s\r\n" % (b"a" * (HEAD_BYTES - 1000))
BYE = b"connection: close\r\n"


@pytest.mark.parametrize("step", [1 << 20, 10_000, 100])
def test_a_head_has_its_limit_however_it_comes(step: int) -> None:
    def heard(data: bytes) -> Heard:
        return heard_by(Patient, *(data[at : at + step] for at in range(0, len(data), step)))

    assert heard(get("/a", FULL + BYE)) == ([200], ["/a"])
    assert heard(get("/a", FULL + FULL)) == ([431], [])
    assert heard(get("/a", b"".join(b"a%d: b\r\n" % n for n in range(20_000)))) == ([431], [])
    long = "/" + "a" * 65_000  # 850 records to leave out of a bundle
    assert heard(get(long, BYE)) == ([200], [long])


def test_a_head_that_never_ends() -> None:
    assert heard_by(Patient, b"GET / HTTP/1.1\r\nx: ", forever=b"a" * 1000) == ([431], [])


def test_a_large_body_counts_for_no_head() -> None:
    post = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n" + b"a" * 200_000
    assert heard_by(Patient, post + b"GET /b HT", b"TP/1.1\r\nhost: x\r\n", BYE + b"\r\n") == (
        [200, 200],
        ["/read", "/b"],
    )


@pytest.mark.parametrize("said", [b"", b"G", b"GET /a HTTP/1.1\r\nhost: x\r\n"])
@pytest.mark.parametrize("forever", [b"", b"a"])
def test_who_says_nothing_or_half_a_request_is_left(said: bytes, forever: bytes) -> None:
    status = [400] if forever and len(said) < 2 else []  # there is no such method
    assert heard_by(Hasty, *filter(None, [said]), forever=forever) == (status, [])


@pytest.mark.parametrize("forever", [b"", b"a"])
def test_the_rest_of_a_request_that_is_answered_is_not_waited_for(forever: bytes) -> None:
    post = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n"
    assert heard_by(Hasty, post, b"a", forever=forever) == ([200], ["/a"])


def test_half_a_request_behind_one_that_is_answered_late() -> None:
    """The time of the second does not cut off the answer to the first."""

    async def run() -> Heard:
        app, line = Server(), Line()
        line.protocol = app.connect(Hasty)
        line.protocol.connection_made(line)
        line.protocol.data_received(get("/wait") + b"GET /b HTTP/1.1\r\n")
        await asyncio.sleep(4 * Hasty.wait_seconds)
        assert not line.closing
        app.go.set()
        await asyncio.wait_for(line.ended.wait(), 60)
        return line.heard, app.seen

    assert asyncio.run(run()) == ([200], ["/wait"])


def test_what_cannot_be_read_is_answered_when_no_answer_is_owed() -> None:
    chunked = b"POST /%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert heard_by(Patient, b"\x16\x03\x01\r\n\r\n") == ([400], [])
    assert heard_by(Patient, get("/a"), b"\0\r\n\r\n") == ([200, 400], ["/a"])
    assert heard_by(Patient, chunked % b"read", b"zz\r\n") == ([400], ["/read"])
    assert heard_by(Patient, chunked % b"a", b"zz\r\n") == ([200], ["/a"])  # that has its answer
    assert heard_by(Patient, get("/wait") + b"\0\r\n\r\n") == (
        [],
        ["/wait"],
    )  # it would be taken for the answer to that
    assert heard_by(Patient, get("/wait"), FULL * 2) == ([], ["/wait"])


def test_requests_without_end_before_the_first_answer() -> None:
    few = get("/wait") + get("/a") * (PIPELINED - 1) + get("/a", BYE)
    assert heard_by(Patient, few) == ([200] * (PIPELINED + 1), ["/wait"] + ["/a"] * PIPELINED)
    assert heard_by(Patient, get("/wait"), forever=get("/a")) == ([], ["/wait"])


def over_a_socket(talk: Callable[[Server, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[int]]) -> int:
    """How many bytes a client hears, until the server has let go of it."""

    async def run() -> int:
        app = Server()
        server = await asyncio.get_running_loop().create_server(lambda: app.connect(Hasty), "127.0.0.1", 0)
        async with server, asyncio.timeout(60):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1 << 16)
            heard = await talk(app, reader, writer)
            while app.state.connections:
                await asyncio.sleep(0)
            writer.close()
            return heard

    return asyncio.run(run())


def test_who_reads_nothing_is_left_and_who_reads_slowly_is_not() -> None:
    async def silent(app: Server, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is one of a socket
        writer.write(get("/large"))
        while not app.seen:
            await asyncio.sleep(0)
        return 0

    async def slow(_app: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(get("/large", BYE))
        await reader.readuntil(b"\r\n\r\n")
        heard = 0
        while piece := await reader.read(1 << 12):
            heard += len(piece)
        return heard

    assert over_a_socket(silent) == 0
    assert over_a_socket(slow) == 1 << 25
