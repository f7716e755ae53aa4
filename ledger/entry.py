"""A log entry: the ASCII line `<milliseconds since the epoch> <jws>` (records.md section 6).

The time is when the log took the record, claimed by its operator. The log itself takes any bytes
for an entry; what the JWS says is left to `ledger.envelope`.
"""

from __future__ import annotations

from ledger.encoding import MAX_INT
from ledger.errors import EnvelopeError

_DIGITS = 16  # of MAX_INT


def format_entry(logged: int, jws: bytes) -> bytes:
    """The entry for a record taken at `logged` (ms since the epoch)."""
    return b"%d %b" % (logged, jws)


def parse_entry(entry: bytes) -> tuple[int, bytes]:
    """The time of logging in ms and the compact JWS, which is not looked into.

    Raises EnvelopeError: no time in front, or one with a sign, superfluous zeros or beyond 2^53-1.
    """
    digits, space, jws = entry.partition(b" ")
    if not space or not digits.isdigit() or len(digits) > _DIGITS or (digits[0] == 48 and len(digits) > 1):
        raise EnvelopeError("A log entry is the time of logging in ms, a space and a compact JWS.")
    logged = int(digits)
    if logged > MAX_INT:
        raise EnvelopeError("The time of logging is beyond 2^53-1 ms.", logged=logged)
    return logged, jws
