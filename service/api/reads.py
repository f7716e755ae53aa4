"""Conditional requests and compression for reads, around the routes.

Reads under /v1 get a strong entity tag from their bytes, and 304 when the client has them (RFC 9110 section 13.1.2).
Answers to anybody may be kept and asked for again (`no-cache`); answers to a login stay `no-store`, but whoever
remembers the tag is spared the body. Streams have no tag.

Compressed is only what holds no secret: the length of a compressed body betrays what it has in common with input that
somebody else chose (BREACH). So answers to a login are sent as they are, but for entry bundles, where nothing of the
request is repeated; hash tiles are noise and never compressed.
"""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST: Final = 1_024
"""Bytes from which compressing pays."""
LEVEL: Final = 6
_TAGGED: Final = ("/v1/", "/.well-known/", "/openapi.json")
_TILES: Final = "/log/tile/"
_ENTRIES: Final = "/log/tile/entries/"


def make_tag(data: bytes) -> str:
    """The strong entity tag of a body."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def has_tag(asked: str, tag: str) -> bool:
    """Whether an `If-None-Match` names this tag, weak or strong."""
    return asked.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in asked.split(",")]


class ConditionalReads:
    """Answers GET with an entity tag, or with 304."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only whole answers of operations are looked at."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_TAGGED):
            send = _Tagging(Headers(scope=scope), send)
        await self._app(scope, receive, send)


class _Tagging:
    """Holds the head of an answer back until the first piece of its body is there."""

    def __init__(self, asked: Headers, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        headers = MutableHeaders(raw=start["headers"])
        if message.get("more_body") or "etag" in headers:
            await self._send(start)
            await self._send(message)
            return
        tag = make_tag(message.get("body", b""))
        headers["etag"] = tag
        if "authorization" not in self._asked:
            headers.setdefault("cache-control", "no-cache")
        headers.add_vary_header("Authorization")
        if has_tag(self._asked.get("if-none-match", ""), tag):
            del headers["content-length"], headers["content-type"]
            await self._send({**start, "status": 304, "headers": headers.raw})
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._send({**start, "headers": headers.raw})
        await self._send(message)


class CompressedReads:
    """Compresses what holds no secret, for clients that ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=LEAST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By what is asked and by whom, not by what comes."""
        if scope["type"] == "http" and scope["method"] == "GET" and _may_compress(scope):
            await self._compressing(scope, receive, _weakened(send))
        else:
            await self._app(scope, receive, send)


def _may_compress(scope: Scope) -> bool:
    path: str = scope["path"]
    if path.startswith(_TILES):
        return path.startswith(_ENTRIES)
    return all(name != b"authorization" for name, _ in scope["headers"])


def _weakened(send: Send) -> Send:
    """The tag of a compressed answer is weak: its bytes are others (RFC 9110 section 8.8.1)."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if "content-encoding" in headers and "etag" in headers:
                headers["etag"] = f"W/{headers['etag']}"
        await send(message)

    return pass_on
