"""The outermost ASGI layer: what is true of every request, at the cost of a few microseconds.

Request id, deadline, security headers, metrics by route template, one structured log line, an answer
in problem form for whatever goes wrong inside. The two hot operations (`hot`) go straight to their
handlers; everything else goes to FastAPI, whose routing costs twice a signature check.

Log lines hold the route template, never the path or the query: those name lots and partners.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from copy import copy
from typing import Any, Final
from urllib.parse import unquote

from prometheus_client import Counter, Histogram

from service.api.problems import Refusal, format_body, format_headers, format_problem
from service.errors import Internal, MethodNotAllowed, Unavailable
from service.logs import REQUEST_ID, get_logger
from service.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_SECURITY: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
_EVERYWHERE: Final = tuple(_SECURITY.items())
UNMATCHED: Final = "unmatched"
_PROCESS: Final = secrets.token_hex(4)
_count: Final = itertools.count()
_log = get_logger("service.http")


class Edge:
    """Wraps the application. hot: path -> handler of POST; seconds: how long other requests may take."""

    def __init__(self, app: App, hot: Mapping[str, App], *, metrics: Metrics, seconds: float, realm: str = "") -> None:
        self._app = app
        self._hot = hot
        self._metrics = metrics
        self._seconds = seconds
        self._realm = realm
        self._log = _log.bind()  # a line for every request: what they have in common is looked up once
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection event: lifespan is passed through, HTTP is served, anything else closed."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send)
        naming = REQUEST_ID.set(exchange.id)
        scope["request_id"] = exchange.id
        try:
            await self._dispatch(scope, receive, exchange)
        except Exception:
            _log.exception("request failed", route=exchange.route)
            if exchange.status and not exchange.done:
                raise  # the server breaks the connection off: half an answer must not look like a whole one
            if not exchange.status:
                await self.refuse(exchange, Internal("Something went wrong here: tell the operator the instance id."))
        finally:
            self._account(exchange)
            REQUEST_ID.reset(naming)

    async def _dispatch(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        handler = self._hot.get(scope["path"])
        if handler is not None:
            exchange.hot_route = scope["path"]
            if scope["method"] == "POST":
                await handler(scope, receive, exchange.send)
            else:
                await self.refuse(exchange, MethodNotAllowed("Use POST here.", allowed=["POST"]))
            return
        inner = exchange.inner = dict(scope)  # the server goes by its own copy
        _keep_slashes(inner)
        if inner["method"] == "HEAD":  # RFC 9110 section 9.3.2: GET without the content
            inner["method"] = "GET"
        task = asyncio.ensure_future(self._app(inner, receive, exchange.send))
        done, _ = await asyncio.wait({task}, timeout=self._seconds)
        if done:
            await task
            return
        task.cancel()
        task.add_done_callback(_forget)
        late = exchange.drop_late()  # a thread cannot be stopped: what it still says goes nowhere
        if not late.status:
            await self.refuse(late, Unavailable("This took too long: ask for less, or try again.", retry_after=5))
        exchange.status = late.status

    async def refuse(self, exchange: Exchange, error: Refusal) -> None:
        """Answer with a problem; nothing was answered yet."""
        self._metrics.refusals.labels(error.code).inc()
        await send_problem(exchange.send, error, instance=exchange.id, realm=self._realm)

    def _account(self, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        route, method, status = exchange.route, exchange.method, exchange.status or 499
        counter, histogram = self._measures(route, method, status)
        counter.inc()
        histogram.observe(seconds)
        level = self._log.warning if status >= 500 else self._log.info
        level("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2), bytes=exchange.bytes)

    def _measures(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The two instruments of this kind of request; few kinds, looked up once each."""
        known = self._known.get((route, method, status))
        if known is None:
            known = self._metrics.requests.labels(route, method, status), self._metrics.request_seconds.labels(route)
            self._known[route, method, status] = known
        return known


class Exchange:
    """One request and its answer: the id, what was sent so far, which route it was."""

    __slots__ = ("_head", "_send", "bytes", "done", "hot_route", "id", "inner", "method", "started", "status")

    def __init__(self, scope: Scope, send: Send) -> None:
        self.inner: Scope = {}
        self._send = send
        self.id = _request_id(scope)
        self.method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._head = scope["method"] == "HEAD"
        self.started = time.perf_counter()
        self.status = 0
        self.bytes = 0
        self.hot_route = ""
        self.done = False

    def drop_late(self) -> Exchange:
        """Take the answer over: the other exchange answers from here on, this one goes nowhere."""
        other = copy(self)
        self._send = _nowhere
        return other

    @property
    def route(self) -> str:
        """The template of the route that was taken, such as `/v1/lots/{id}`."""
        return self.hot_route or getattr(self.inner.get("route"), "path", UNMATCHED)

    async def send(self, message: Message) -> None:
        """Pass a message on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            given = _SECURITY.keys() & {name for name, _ in headers}
            more = _EVERYWHERE if not given else [pair for pair in _EVERYWHERE if pair[0] not in given]
            message = {**message, "headers": [*headers, *more, (b"x-request-id", self.id.encode())]}
        elif message["type"] == "http.response.body":
            if self._head:
                message = {**message, "body": b""}
            self.bytes += len(message.get("body", b""))
            self.done = not message.get("more_body", False)
        await self._send(message)


async def _nowhere(_message: Message) -> None:
    return


def _forget(task: asyncio.Future[None]) -> None:
    """Look at the end of an abandoned request, so that nobody complains that nobody did."""
    if not task.cancelled() and (error := task.exception()):
        _log.warning("abandoned request failed", error=type(error).__name__)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


async def send_problem(send: Send, error: Refusal, *, instance: str, realm: str = "") -> None:
    """One whole answer that is a problem."""
    body = format_body(format_problem(error, instance=instance))
    headers = [*format_headers(error, realm=realm), (b"content-length", str(len(body)).encode())]
    status = format_problem(error)["status"]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header_of(scope: Scope, name: bytes) -> bytes:
    """The first header of this (lowercase) name, empty without one."""
    value: bytes
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def _request_id(scope: Scope) -> str:
    """What the proxy in front calls this request, if that is harmless, or a new id: unique, not secret, and
    without a system call."""
    given = header_of(scope, b"x-request-id")
    return given.decode() if _REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_count) & 0xFFFFFFFF:08x}"


def _keep_slashes(scope: Scope) -> None:
    """Leave an encoded slash encoded, so that an id with a slash stays one segment of the path."""
    raw = scope.get("raw_path")
    if raw and b"%2" in raw:
        text = raw.partition(b"?")[0].decode("ascii", "replace")
        kept = re.sub("%2[fF]", "%252F", text)
        scope["path"] = unquote(kept, errors="replace")
