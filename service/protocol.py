"""uvicorn's HTTP protocol, with the head of an answer and its body in one write.

uvicorn writes the head as soon as it is there, uvloop sends at once what is written: two system calls, two packets and
two wake-ups of the client for every answer. Here the first write waits for the second, but never longer than the turn
of the event loop that it was made in: an answer whose body comes later begins as early as ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoinedHttp(HttpToolsProtocol):
    """A connection of uvicorn's, on a transport that joins what is written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        super().connection_made(cast(asyncio.Transport, Joining(transport, self.loop)))


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
            self._transport.writelines((held, data))

    def close(self) -> None:
        """Send what is held, then close."""
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None and not self._transport.is_closing():
            self._transport.write(held)
