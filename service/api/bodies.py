"""Reading request bodies with limits: whole and small, or line by line as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import takewhile
from typing import Final

from service.api.edge import Message, Receive, Scope, header_of
from service.errors import BadRequest, BodyTooLarge, TimedOut, UnsupportedMedia

RECORD_MEDIA: Final = frozenset({b"application/custody-record+sd-jwt", b"text/plain"})
BATCH_MEDIA: Final = frozenset({b"text/plain", b"application/x-ndjson", b"application/custody-record+sd-jwt"})
GRANT_MEDIA: Final = frozenset({b"application/access-grant+jwt", b"application/jwt", b"text/plain"})

JSON_MEDIA: Final = frozenset({b"application/json"})


class ClientGone(Exception):
    """The connection broke before the body was complete."""


def check_media(scope: Scope, accepted: frozenset[bytes]) -> None:
    """Raises UnsupportedMedia unless the Content-Type (parameters aside) is accepted and nothing is compressed."""
    media = header_of(scope, b"content-type").partition(b";")[0].strip().lower()
    if media in accepted and header_of(scope, b"content-encoding") in (b"", b"identity"):
        return
    known = sorted(one.decode() for one in accepted)
    if media not in accepted:
        raise UnsupportedMedia(f"Send this as {' or '.join(dict.fromkeys((known[0], known[-1])))}.", accepted=known)
    raise UnsupportedMedia("Send the body as it is, not compressed.", accepted=known)


def check_length(scope: Scope, limit: int) -> None:
    """Raises BodyTooLarge when the announced length is beyond the limit already."""
    length = header_of(scope, b"content-length")
    if length and not length.isdigit():
        raise BadRequest("Content-Length is not a number.")
    if length and (len(length) > 15 or int(length) > limit):
        raise _too_large(limit)


async def read_body(receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The whole body. Raises BodyTooLarge, TimedOut when it takes longer than `seconds`, ClientGone."""
    message = _receive_now(receive)
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and message.get("more_body"):
        try:
            async with asyncio.timeout(seconds):
                while message["type"] == "http.request" and message.get("more_body") and len(body) <= limit:
                    message = await receive()
                    body += message.get("body", b"")
        except TimeoutError:
            raise TimedOut("The body did not arrive in time: send it again.") from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def read_lines(
    receive: Receive, *, limit: int, line_limit: int, seconds: float
) -> AsyncIterator[list[tuple[int, bytes]]]:
    r"""The body as lists of (number from 1, line without its end), as much at a time as has arrived.

    Lines end in \n or \r\n; the last may go without; empty ones are counted and left out. limit: bytes
    of the body, line_limit: of a line, seconds: longest pause between two pieces. Raises BodyTooLarge,
    TimedOut, ClientGone; what came before was handed out then.
    """
    rest, number, total, more = b"", 0, 0, True
    while more:
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            raise TimedOut("The next lines did not arrive in time: send the rest again.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        total += len(piece)
        *lines, rest = (rest + piece[: len(piece) - max(0, total - limit)]).split(b"\n")
        if not more and total <= limit and rest:
            lines, rest = [*lines, rest], b""
        too_long = max(map(len, (*lines, rest))) > line_limit
        if too_long:
            lines = list(takewhile(lambda line: len(line) <= line_limit, lines))
        taken = [(at, text) for at, line in enumerate(lines, number + 1) if (text := line.removesuffix(b"\r"))]
        number += len(lines)
        if taken:
            yield taken
        if total > limit:
            raise _too_large(limit)
        if too_long:
            raise BodyTooLarge(
                f"Line {number + 1} is longer than {line_limit} bytes.", limit=line_limit, line=number + 1
            )


def _receive_now(receive: Receive) -> Message:
    """What has arrived by now: for most requests the whole body. If that is nothing, a piece of no bytes.

    To time what does not take any time would cost more than to read it.
    """
    waiting = receive().__await__()
    try:
        next(waiting)
    except StopIteration as arrived:
        message: Message = arrived.value
        return message
    waiting.close()  # like one that is cancelled: whoever receives next gets what comes
    return {"type": "http.request", "more_body": True}


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body may have at most {limit} bytes: send it in parts.", limit=limit)
