"""Base64 and decimals in their one canonical spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NoteError, TileError
from ledger.log import wire


@given(st.binary(max_size=80))
def test_base64_parse_is_the_inverse_of_format(data: bytes) -> None:
    assert wire.parse_base64(wire.format_base64(data), NoteError, "key", len(data)) == data
    with pytest.raises(NoteError):
        wire.parse_base64(wire.format_base64(data), NoteError, "key", len(data) + 1)


@pytest.mark.parametrize(
    "text", ["A", "AA", "AAA", "AB==", "AAB=", "AA=A", "A A=", "AA==\n", "____", "AA==AA==", "=", "é", "AAAA="]
)
def test_base64_in_another_spelling(text: str) -> None:
    with pytest.raises(TileError):
        wire.parse_base64(text, TileError, "hash")


@pytest.mark.parametrize("number", [0, 1, 10, 2**53, 2**63 - 1])
def test_decimal(number: int) -> None:
    assert wire.parse_decimal(str(number), NoteError, "size") == number


@pytest.mark.parametrize(
    "text", ["", "00", "01", "-1", "+1", "1 ", " 1", "1\n", "1e3", "0x1", "1_0", "٣", str(2**63), "9" * 19, "9" * 30]
)
def test_decimal_in_another_spelling(text: str) -> None:
    with pytest.raises(NoteError):
        wire.parse_decimal(text, NoteError, "size")


def test_text_is_utf8_without_control_characters() -> None:
    assert wire.parse_utf8("é—\n", NoteError, "note") == wire.parse_utf8("é—\n".encode(), NoteError, "note") == "é—\n"
    for wrong in (b"\xff", "\ud800", b"a\tb", "a\rb", "\x00", b"\x1f"):
        with pytest.raises(NoteError):
            wire.parse_utf8(wrong, NoteError, "note")
