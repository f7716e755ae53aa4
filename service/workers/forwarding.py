"""The channel between processes: one that follows hands its records to the one that sequences.

One connection for each follower, over TLS: the follower trusts the certificate in the lease and nothing else, then
says the lease's secret. Submissions keep their order. At most `WINDOW` records are under way on a connection, so that
nobody's queue overflows; the rest waits where it came from. Answers come as they are ready.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ssl
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

import orjson

from ledger.errors import LedgerError
from service.adapters.certificate import trust_only
from service.errors import Internal, ServiceError
from service.logs import get_logger
from service.storage.lease import Lease
from service.usecases.submit import Sequenced
from service.workers.sequencer import Waiting
from service.workers.wire import (
    MAX_GREETING,
    PeerError,
    format_answer,
    format_failure,
    frame,
    parse_submission,
    read_message,
)

WINDOW: Final = 4_096
"""Records under way on one connection."""

PORTS: Final = 16
"""How many ports are tried when one is named: one for each worker of a host."""

CONNECT_SECONDS: Final = 2.0
_BROKEN: Final = (OSError, EOFError, PeerError, ssl.SSLError, TimeoutError)

log = get_logger("service.forwarding")


class Forwarded(Future[Sequenced]):
    """A submission that came from another process: if it is not committed here, that process finds another way."""


class Link:
    """A follower's connection to the process that holds `lease`.

    answer: called with every message that comes; ended: called once, when nothing more will come.
    """

    def __init__(self, lease: Lease, answer: Callable[[Any], None], ended: Callable[[Link], None]) -> None:
        self.lease = lease
        self._answer, self._ended = answer, ended
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Future[None] | None = None
        self._out: list[bytes] = []

    @property
    def up(self) -> bool:
        """Whether submissions may be sent."""
        return self._writer is not None

    async def connect(self) -> bool:
        """Greet the holder of the lease; False when it does not answer, or does not hold it any more."""
        host, _, port = self.lease.address.rpartition(":")
        greeting = {"epoch": self.lease.epoch, "secret": self.lease.secret}
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                trust = trust_only(self.lease.certificate)
                reader, writer = await asyncio.open_connection(host, int(port), ssl=trust, server_hostname=host)
                writer.write(frame(orjson.dumps(greeting)))
                welcome = await read_message(reader, MAX_GREETING)
        except (*_BROKEN, ValueError) as error:
            log.warning("the process that sequences cannot be reached", address=self.lease.address, why=str(error))
            if writer is not None:
                writer.close()
            return False
        if welcome != {"epoch": self.lease.epoch}:
            writer.close()
            return False
        self._writer = writer
        self._reading = asyncio.ensure_future(self._read(reader))
        return True

    def send(self, message: bytes) -> None:
        """Send a message; those of one turn of the loop travel together."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(message)

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.write(b"".join(self._out))
        self._out.clear()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._answer(await read_message(reader))
        except _BROKEN as error:
            log.info("the connection to the process that sequences ended", why=str(error))
        finally:
            self.close()
            self._ended(self)

    def close(self) -> None:
        """End the connection; what is under way stays without an answer."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()


class Reception:
    """Takes in what followers send, while this process holds a lease.

    enqueue: hands a submission to the sequencer; raises ServiceError.
    """

    def __init__(self, context: ssl.SSLContext, enqueue: Callable[[Waiting], None]) -> None:
        self._context, self._enqueue = context, enqueue
        self._lease: Lease | None = None
        self._server: asyncio.Server | None = None
        self._open: set[_Peer] = set()

    async def listen(self, host: str, port: int) -> int:
        """Begin to listen; the port: the first free one from `port`, or with 0 one that the system chooses.

        Raises OSError.
        """
        for one in range(port, port + PORTS) if port else (0,):
            try:
                self._server = await asyncio.start_server(
                    self._serve, host, one, ssl=self._context, ssl_handshake_timeout=CONNECT_SECONDS
                )
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        if self._server is None:
            raise OSError(errno.EADDRINUSE, "No port is free for other processes", f"{host}:{port}")
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def welcome(self, lease: Lease | None) -> None:
        """From now on let in who knows this lease; with None nobody. Who is in already under another one goes."""
        self._lease = lease
        for peer in list(self._open):
            peer.close()

    async def close(self) -> None:
        """Stop listening, and end every connection once its answers are out."""
        if self._server is not None:
            self._server.close()
        self.welcome(None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lease = self._lease
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                greeting = await read_message(reader, MAX_GREETING)
            if lease is None or lease is not self._lease or not _knows(greeting, lease):
                return
            writer.write(frame(orjson.dumps({"epoch": lease.epoch})))
            peer = _Peer(writer)
            self._open.add(peer)
            try:
                while True:
                    self._take(await read_message(reader), peer)
            finally:
                self._open.discard(peer)
        except _BROKEN as error:
            log.info("the connection of a follower ended", why=str(error))
        finally:
            writer.close()

    def _take(self, message: Any, peer: _Peer) -> None:
        number, submission, proofs = parse_submission(message)
        future = Forwarded()
        future.add_done_callback(lambda done: peer.put(number, done, proofs=proofs))
        try:
            self._enqueue((submission, future))
        except ServiceError:  # the lease is ending: the follower hears of that in a moment
            peer.close()


def _knows(greeting: Any, lease: Lease) -> bool:
    """Whether a greeting names this lease and its secret."""
    if not isinstance(greeting, dict) or greeting.get("epoch") != lease.epoch:
        return False
    return hmac.compare_digest(str(greeting.get("secret")).encode(), lease.secret.encode())


class _Peer:
    """Answers on their way to one follower; they come from the sequencer's thread."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._ready: deque[tuple[int, Future[Sequenced], bool]] = deque()

    def put(self, number: int, done: Future[Sequenced], *, proofs: bool) -> None:
        """Send what became of a submission, soon; from any thread."""
        self._ready.append((number, done, proofs))
        if len(self._ready) == 1:
            self._loop.call_soon_threadsafe(self._send)

    def _send(self) -> None:
        messages = []
        while self._ready:
            number, done, proofs = self._ready.popleft()
            if not done.cancelled():
                messages.append(_format_done(number, done, proofs=proofs))
        if not self._writer.is_closing():
            self._writer.write(b"".join(messages))

    def close(self) -> None:
        """Send what is ready, then end the connection."""
        self._send()
        self._writer.close()


def _format_done(number: int, done: Future[Sequenced], *, proofs: bool) -> bytes:
    error = done.exception()
    if error is None:
        return format_answer(number, done.result(), proofs=proofs)
    if isinstance(error, LedgerError | ServiceError):
        return format_failure(number, error)
    return format_failure(number, Internal("Something went wrong where the log is written."))
