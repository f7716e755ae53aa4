"""Cursors: the place after which the next page begins, in a form that promises nothing.

A cursor is the base64url text of the last key that was shown. It is harmless by construction: it
only says "after this one", every page is filtered by what the reader may see, and one made up by
hand leads to another page of the same list, never to more than the list holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ledger.encoding import MAX_INT, format_b64url, parse_b64url
from ledger.errors import EncodingError
from service.errors import BadCursor

T = TypeVar("T")


def format_cursor(key: int | str) -> str:
    """The cursor that continues after `key`."""
    return format_b64url(str(key).encode())


def parse_number(cursor: str | None) -> int:
    """The number in a cursor, -1 without one. Raises BadCursor."""
    if cursor is None:
        return -1
    text = parse_text(cursor)
    if not (text.isdecimal() and text.isascii() and len(text) <= 16 and int(text) <= MAX_INT):
        raise _bad()
    return int(text)


def parse_text(cursor: str | None) -> str:
    """The text in a cursor, "" without one. Raises BadCursor."""
    if cursor is None:
        return ""
    try:
        text = parse_b64url(cursor).decode("ascii")
    except (EncodingError, UnicodeDecodeError):
        raise _bad() from None
    if not text or not text.isprintable():
        raise _bad()
    return text


def cut_page(found: Sequence[T], limit: int, key: Callable[[T], int | str]) -> tuple[Sequence[T], str | None]:
    """A page of `limit` out of at most `limit + 1` found, and the cursor of the next one if there is one."""
    if len(found) <= limit:
        return found, None
    page = found[:limit]
    return page, format_cursor(key(page[-1]))


def _bad() -> BadCursor:
    return BadCursor("Use a cursor as the service gave it out, or none to begin at the start.", pointer="/cursor")
