"""One spelling per value: base64url, JSON (with the rfc8785 package as oracle), pointers, times."""

from __future__ import annotations

import base64
import enum
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import (
    MAX_DEPTH,
    MAX_INT,
    format_b64url,
    format_json,
    format_time,
    join_pointer,
    parse_b64url,
    parse_json,
    parse_pointer,
    parse_time,
)
from ledger.errors import EncodingError

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

strings = st.text().filter(lambda text: unicodedata.is_normalized("NFC", text))
names = st.text(st.characters(max_codepoint=127))
scalars = st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | strings
values = st.recursive(scalars, lambda below: st.lists(below) | st.dictionaries(names, below), max_leaves=40)


def refuse(data: bytes, pointer: str = "") -> str:
    with pytest.raises(EncodingError) as caught:
        parse_json(data)
    assert caught.value.pointer == pointer
    return caught.value.message


# base64url


@given(st.binary())
def test_bytes_come_back_from_base64url(data: bytes) -> None:
    text = format_b64url(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert parse_b64url(text) == parse_b64url(text.encode()) == data


@given(st.text(ALPHABET + "+/=~ \n\x00é", max_size=12))
def test_base64url_that_is_taken_is_the_only_spelling(text: str) -> None:
    try:
        data = parse_b64url(text)
    except EncodingError:
        stripped = base64.urlsafe_b64decode(text + "===") if set(text) <= set(ALPHABET) and len(text) % 4 != 1 else None
        assert stripped is None or format_b64url(stripped) != text
    else:
        assert format_b64url(data) == text


def test_two_characters_stand_for_one_byte_only_with_zero_trailing_bits() -> None:
    for text in (first + last for first in ALPHABET for last in ALPHABET):
        if text[1] in "AQgw":
            assert format_b64url(parse_b64url(text)) == text
        else:
            with pytest.raises(EncodingError):
                parse_b64url(text)


@pytest.mark.parametrize(
    "text", ["QQ==", "QUI=", "QUJD=", "=", "Q", "QUJDR", "QR", "QUJ", "Q+8", "Q/8", "QU\nJD", " QUJD", "QUJD ", "QéJD"]
)
def test_other_spellings_of_base64url(text: str) -> None:
    for given_as in (text, text.encode()):
        with pytest.raises(EncodingError) as caught:
            parse_b64url(given_as, "/x")
        assert caught.value.pointer == "/x"


# JSON


@given(values)
def test_values_come_back_and_rfc8785_writes_the_same(value: Any) -> None:
    data = format_json(value)
    assert data == rfc8785.dumps(value)
    assert parse_json(data) == value


@given(values, st.data())
def test_json_that_is_taken_is_the_only_spelling(value: Any, data: st.DataObject) -> None:
    text = bytearray(format_json(value))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] = data.draw(st.integers(0, 255))
    try:
        changed = parse_json(bytes(text))
    except EncodingError:
        return
    assert rfc8785.dumps(changed) == bytes(text)


@given(st.floats(), values)
def test_no_float_passes(number: float, value: Any) -> None:
    for holder in (number, [value, number], {"a": {"b": [number]}, "c": value}):
        with pytest.raises(EncodingError):
            format_json(holder)
    if number == number and abs(number) != float("inf"):
        for text in (repr(number).encode(), rfc8785.dumps(number), f"{number:e}".encode()):
            if b"." in text or b"e" in text:
                assert refuse(b'{"a":[' + text + b"]}", "/a/0").startswith("Numbers are integers")


@pytest.mark.parametrize("text", [b"1.0", b"-0.0", b"0.5", b"1e5", b"1e+16", b"1E400", b"1e-7"])
def test_float_spellings(text: bytes) -> None:
    for data in (text, b"[" + text + b"]", b'{"a":' + text + b"}"):
        with pytest.raises(EncodingError):
            parse_json(data)


def test_integers_at_the_limit() -> None:
    for number in (MAX_INT, -MAX_INT, 0, -1):
        assert parse_json(b"%d" % number) == number
        assert format_json(number) == b"%d" % number


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**40])
def test_integers_beyond_the_limit(number: int) -> None:
    with pytest.raises(EncodingError):
        parse_json(b'{"a":%d}' % number)
    with pytest.raises(EncodingError):
        format_json({"a": number})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nul",
        b"-0",
        b"01",
        b"+1",
        b"NaN",
        b"Infinity",
        b" 1",
        b"1\n",
        b"[1, 2]",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b"[1,]",
        b"1 2",
        b"\xef\xbb\xbf1",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u00e9"',
        b'"\\u000A"',
        b'"\\u001F"',
        b'"\x01"',
        b'"\xff"',
        b"'a'",
    ],
)
def test_other_spellings_of_json(text: bytes) -> None:
    refuse(text)


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"'])
def test_lone_surrogates_in_text(text: bytes) -> None:
    refuse(text)


@pytest.mark.parametrize("value", ["\ud800", {"a": "x\udfff"}, {"\ud800": 1}, ["é", "\udc00"]])
def test_lone_surrogates_in_values(value: Any) -> None:
    with pytest.raises(EncodingError):
        format_json(value)


def test_strings_that_are_not_nfc() -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    message = "A string is not in Unicode normalisation form NFC."
    for value, pointer in ((decomposed, ""), ({"b": 1, "a": ["x", decomposed]}, "/a/1"), (["\u212a"], "/0")):
        assert refuse(rfc8785.dumps(value), pointer) == message
        with pytest.raises(EncodingError, match="NFC") as caught:
            format_json(value)
        assert caught.value.pointer == pointer
    assert parse_json('["é","Å"]'.encode()) == ["é", "Å"]


def test_a_combining_mark_after_an_escape_is_nfc() -> None:
    assert parse_json(format_json(["\n\u0303"])) == ["\n\u0303"]


def test_member_names_that_are_not_ascii() -> None:
    message = "A member name is not ASCII text."
    assert refuse('{"a":[{"é":1}]}'.encode(), "/a/0") == message
    with pytest.raises(EncodingError, match="member name"):
        format_json({"a": ({"é": 1},)})
    # here the order of UTF-16, which RFC 8785 sorts by, is not that of code points
    refuse('{"\U0001f600":1,"\ufb33":2}'.encode(), "")


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize("value", [b"x", {1: 2}, datetime(2026, 1, 1, tzinfo=UTC), Colour.RED, {1, 2}, object()])
def test_values_that_json_does_not_have(value: Any) -> None:
    for holder in (value, {"a": value}, {"a": 1, "b": ("é", value)}):
        with pytest.raises(EncodingError):
            format_json(holder)


def test_a_float_beside_a_name_that_is_no_string() -> None:
    with pytest.raises(EncodingError):
        format_json({1: 1.5})


def test_tuples_are_written_as_arrays() -> None:
    assert format_json({"a": (1, ("b",), {"é"[:0]: "é"})}) == '{"a":[1,["b"],{"":"é"}]}'.encode()


def test_depth() -> None:
    deepest: Any = []
    for level in range(MAX_DEPTH - 1):
        deepest = [deepest] if level % 2 else {"a": deepest}
    assert parse_json(format_json(deepest)) == deepest
    with pytest.raises(EncodingError, match="levels deep"):
        format_json([deepest])
    for levels in (MAX_DEPTH + 1, 300, 1000, 100_000):
        refuse(b"[" * levels + b"]" * levels)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodingError, match="levels deep"):
        format_json(endless)


# pointers


@given(st.lists(st.text()))
def test_pointers_come_back(tokens: list[str]) -> None:
    pointer = ""
    for token in tokens:
        pointer = join_pointer(pointer, token)
    assert parse_pointer(pointer) == tuple(tokens)


def test_pointer_of_an_element() -> None:
    assert join_pointer("/a~b", 3) == "/a~b/3"
    assert join_pointer("", "a/b~c") == "/a~1b~0c"


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~", "/a~2", "#/a"])
def test_text_that_is_no_pointer(pointer: str) -> None:
    with pytest.raises(EncodingError):
        parse_pointer(pointer)


# times


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)))  # noqa: DTZ001 - drawn without a zone
def test_times_come_back(moment: datetime) -> None:
    text = moment.replace(microsecond=0).isoformat() + "Z"
    seconds = parse_time(text)
    assert seconds == int(
        (moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    )
    assert format_time(seconds) == text


@given(st.integers(-62135596800, 253402300799), st.integers(-62135596800, 253402300799))
def test_the_order_of_the_strings_is_the_order_of_the_times(a: int, b: int) -> None:
    assert (format_time(a) < format_time(b)) == (a < b)


def test_times_at_the_limits() -> None:
    assert format_time(-62135596800) == "0001-01-01T00:00:00Z"
    assert format_time(253402300799) == "9999-12-31T23:59:59Z"
    for seconds in (-62135596801, 253402300800, 10**30):
        with pytest.raises(EncodingError):
            format_time(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-09-01",
        "2026-09-01T10:20:30",
        "2026-09-01T10:20:30z",
        "2026-09-01t10:20:30Z",
        "2026-09-01 10:20:30Z",
        "2026-09-01T10:20:30+00:00",
        "2026-09-01T10:20:30.0Z",
        "2026-09-01T10:20:60Z",
        "2026-09-01T24:00:00Z",
        "2026-09-01T10:60:00Z",
        "2026-02-29T10:20:30Z",
        "2026-13-01T10:20:30Z",
        "0000-01-01T00:00:00Z",
        "20260901T102030Z",
        "2026-W36-2T10:20:30Z",
        "٢026-09-01T10:20:30Z",
        "2026-09-01T10:20:30Z\n",
    ],
)
def test_other_spellings_of_times(text: str) -> None:
    with pytest.raises(EncodingError) as caught:
        parse_time(text, "/time")
    assert caught.value.pointer == "/time"
