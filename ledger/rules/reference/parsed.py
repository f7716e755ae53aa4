"""What a parser gives back, and the small spellings that all parsers share."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from ledger.errors import SnapshotError
from ledger.rules.reference.rows import Row

_ISO: Final = re.compile(r"([12][0-9]{3})-([0-9]{2})-([0-9]{2})(?:$|[T Z+-])")
_AMERICAN: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([12][0-9]{3})(?:$| )")


class Parsed(NamedTuple):
    """Rows of a file; dated: the day that the file itself states, or ""; left_out: rows without what a row needs."""

    rows: tuple[Row, ...]
    dated: str = ""
    left_out: int = 0


def parse_day(text: str, what: str) -> str:
    """The day of an ISO date or time, or of MM/DD/YYYY as American publishers write it. Raises SnapshotError."""
    iso, american = _ISO.match(text), _AMERICAN.match(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if american:
            return date(int(american[3]), int(american[1]), int(american[2])).isoformat()
    except ValueError:
        pass  # for example the 30th of February
    raise SnapshotError(f"{what} is not a date: '{text[:40]}'.")


def optional_day(text: str, what: str) -> str:
    """`parse_day`, with "" for nothing."""
    return parse_day(text, what) if text else ""
