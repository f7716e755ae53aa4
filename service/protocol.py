"""uvicorn's HTTP protocol, with the head of an answer and its body in one write, and with limits that uvicorn lacks.

uvicorn writes the head as soon as it is there, uvloop sends at once what is written: two system calls, two packets and
two wake-ups of the client for every answer. Here the first write waits for the second, but never longer than the turn
of the event loop that it was made in: an answer whose body comes later begins as early as ever.

A head of any size, requests without end before the first answer, a client that says nothing, half a request or a byte
now and then, and one that reads no answer: each would hold memory or a connection for ever. What a handler reads is
bounded by the handler.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES: Final = 81_920
"""Of request line and headers; the parser takes addresses of up to 65,535."""

PIPELINED: Final = 128
"""Requests that wait on one connection for the answer to an earlier one."""

WAIT_SECONDS: Final = 30.0
"""From the first byte of a request, or from connecting, to the end of its head; and for the rest of a request that is
answered already."""

STALL_SECONDS: Final = 120.0
"""How long a client may read nothing of an answer."""

_LARGE_HEAD: Final = f"The head of a request may have at most {HEAD_BYTES} bytes."


class TooMuch(Exception):
    """The parser is told to stop: this connection asks for more than it may."""


class JoinedHttp(HttpToolsProtocol):
    """A connection of uvicorn's, on a transport that joins what is written."""

    wait_seconds, stall_seconds = WAIT_SECONDS, STALL_SECONDS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._in_head = self._in_body = self._large = False
        self._head = self._unread = 0
        self._due: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # ---- the connection -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        super().connection_made(cast(asyncio.Transport, Joining(transport, self.loop)))
        self._due = self.loop.call_later(self.wait_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._wait(False)
        self._watch(False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what belongs to no request yet."""
        headers, self._large = self.headers, len(data) > HEAD_BYTES
        super().data_received(data)
        if self._in_head and self.headers is headers:  # a list of its own for every message
            self._head += len(data)
            if self._head > HEAD_BYTES and not self.transport.is_closing():
                self._refuse(431, _LARGE_HEAD)
        waits = self._in_head or (self._in_body and self.cycle.response_complete)
        self._wait(waits and not self.transport.is_closing())

    def send_400_response(self, msg: str) -> None:
        """What came cannot be read, and neither can what follows."""
        if self._head > HEAD_BYTES:
            self._refuse(431, _LARGE_HEAD)
        else:
            self._refuse(400, msg)

    # ---- what the parser says -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The handler starts. Raises TooMuch."""
        if self._large:  # all of it came at once: nothing was counted yet
            self._head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head > HEAD_BYTES:
            raise TooMuch
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        if len(self.pipeline) > PIPELINED:
            raise TooMuch

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._in_body = False
        super().on_message_complete()

    # ---- limits -------------------------------------------------------------------------------

    def _refuse(self, status: int, message: str) -> None:
        """Close; with an answer, unless the client would take it for that to an earlier request."""
        cycle = self.cycle
        if self._in_body:
            answers = not (cycle.response_started or self.pipeline)
        else:
            answers = cycle is None or cycle.response_complete
        if answers:
            text = message.encode("ascii")
            head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
                text
            )
            self.transport.write(STATUS_LINE[status] + head + text)
        self.transport.close()

    def _wait(self, waits: bool) -> None:
        """Give the client its time, once for all that it waits for."""
        if not waits and self._due is not None:
            self._due.cancel()
            self._due = None
        elif waits and self._due is None:
            self._due = self.loop.call_later(self.wait_seconds, self._late)

    def _late(self) -> None:
        self._due = None
        if self._in_head and self.cycle is not None and not self.cycle.response_complete:
            self._wait(True)  # the answer to an earlier request is still on its way
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client reads more slowly than the handler writes, or not at all."""
        super().pause_writing()
        self._watch(True)

    def resume_writing(self) -> None:
        """It reads."""
        self._watch(False)
        super().resume_writing()

    def _watch(self, watches: bool) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if watches:
            self._unread = self.transport.get_write_buffer_size()
            self._stall = self.loop.call_later(self.stall_seconds, self._look)

    def _look(self) -> None:
        if self.transport.get_write_buffer_size() < self._unread:
            self._watch(True)
        else:
            self.transport.abort()


class Joining:
    """A transport in front of `transport`. At most one write is held back; the next one takes it along."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send this in its order, at the end of this turn at the latest."""
        if self._held is None:
            self._held = data
            self._loop.call_soon(self._let_go)
        else:
            held, self._held = self._held, None
            if not self._transport.is_closing():  # uvloop would fail
                self._transport.writelines((held, data))

    def close(self) -> None:
        """Send what is held, then close."""
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None and not self._transport.is_closing():
            self._transport.write(held)
