"""Log entries: one spelling of the time, and the JWS untouched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import MAX_INT
from ledger.entry import format_entry, parse_entry
from ledger.errors import EnvelopeError


@given(st.integers(0, MAX_INT), st.binary())
def test_what_is_written_is_read_again(logged: int, jws: bytes) -> None:
    assert parse_entry(format_entry(logged, jws)) == (logged, jws)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"1700000000000",
        b" a.b.c",
        b"-1 a",
        b"+1 a",
        b"01 a",
        b"1\t a",
        b"1.0 a",
        "١ a".encode(),
        b"9007199254740992 a",
    ],
)
def test_other_times_are_refused(entry: bytes) -> None:
    with pytest.raises(EnvelopeError):
        parse_entry(entry)


def test_times_at_the_limits() -> None:
    assert parse_entry(b"0 ") == (0, b"")
    assert parse_entry(b"9007199254740991 x") == (MAX_INT, b"x")
    with pytest.raises(EnvelopeError):
        parse_entry(b"00000000000000001 x")
