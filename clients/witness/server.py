"""Serving `POST <prefix>/add-checkpoint`: read the request, decide, persist, answer. One request is decided at a time.

The decision itself is `ledger.log.witness`; here are the socket, the limits, the lock and the disk.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clients.sdk.errors import LocalError
from clients.witness.memory import WitnessMemory
from ledger.errors import FormatError
from ledger.log.note import Cosigner, Verifier
from ledger.log.witness import MAX_REQUEST_BYTES, Answer, parse_request, plan_answer, refuse

SOCKET_SECONDS = 15
WHOLE_SECONDS = 30.0
"""That a caller has for all of its request: each byte may come in time, and the whole never."""
MAX_THREADS = 64
MAX_DIGITS = 15


class Witness:
    """Cosigns for `logs` (origin -> its keys) with `cosigners`; clock: Unix seconds."""

    def __init__(
        self,
        logs: Mapping[str, Sequence[Verifier]],
        cosigners: Sequence[Cosigner],
        memory: WitnessMemory,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._logs = logs
        self._cosigners = tuple(cosigners)
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        for origin in logs:
            memory.read(origin)  # a damaged file is found at the start, not at the first request

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to a request; what it stores is on the disk before this returns."""
        try:
            request = parse_request(body)
        except FormatError as error:
            return refuse(error)
        with self._lock:
            answer = plan_answer(
                self._memory.read(request.origin),
                request,
                verifiers=self._logs.get(request.origin),
                cosigners=self._cosigners,
                time=int(self._clock()),
            )
            if answer.stored is not None:
                self._memory.write(answer.stored)
        return answer


def serve_witness(
    witness: Witness, host: str, port: int, *, prefix: str = "", seconds: float = WHOLE_SECONDS
) -> ThreadingHTTPServer:
    """A server that is bound and not yet running: call `serve_forever`, stop it with `shutdown`.

    seconds: that one request may take.
    """
    slots = threading.BoundedSemaphore(MAX_THREADS)

    class Handler(_Handler):
        """The handler of this witness."""

        target = witness
        path_served = f"{prefix}/add-checkpoint"

    class Server(ThreadingHTTPServer):
        """Threads, but not without limit."""

        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            slots.acquire()
            super().process_request(request, client_address)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            late = threading.Timer(seconds, _cut_off, (request,))
            late.daemon = True
            late.start()
            try:
                super().process_request_thread(request, client_address)
            finally:
                late.cancel()
                slots.release()

        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exc_info()[1], OSError):  # a caller has gone
                super().handle_error(request, client_address)

    try:
        return Server((host, port), Handler)
    except OSError as error:
        raise LocalError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def _cut_off(connection: socket.socket) -> None:
    with suppress(OSError):  # it ended just now
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    target: Witness
    path_served: str
    timeout = SOCKET_SECONDS
    server_version = "lodeline-witness"
    sys_version = ""

    def do_POST(self) -> None:
        """add-checkpoint."""
        length = self.headers.get("Content-Length", "")
        if self.path != self.path_served:
            self._send(Answer(404, "There is only add-checkpoint here.\n"))
        elif not length.isdecimal() or len(length) > MAX_DIGITS or int(length) > MAX_REQUEST_BYTES:
            self.close_connection = True
            self._send(Answer(413 if length.isdecimal() else 411, "Send a Content-Length within the limit.\n"))
        else:
            self._send(self._decide(self.rfile.read(int(length))))

    def _decide(self, body: bytes) -> Answer:
        try:
            return self.target.add_checkpoint(body)
        except LocalError:
            self.close_connection = True
            return Answer(500, "The witness cannot store its state: ask its operator.\n")

    def _send(self, answer: Answer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the witness logs nothing about its callers."""
