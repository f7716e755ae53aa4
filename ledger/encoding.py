"""One way to write each value: base64url, JSON, JSON Pointers and times.

JSON is the restricted profile in which two parsers cannot disagree: I-JSON (RFC 7493) in the form
of RFC 8785, without floating-point numbers, with integers within +-(2^53-1), strings in Unicode
NFC and ASCII member names. Inside that profile orjson with sorted keys writes RFC 8785 byte for
byte, so the canonical form is checked by writing the parsed value again and comparing bytes:
duplicate names, white space, escapes and spellings of numbers all fail that comparison.
Base64url (RFC 4648 section 5) has one spelling too. What the values mean is left to others.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import orjson

from ledger.errors import EncodingError

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_INT = 2**53 - 1  # RFC 7493 section 2.2
MAX_DEPTH = 32  # objects and arrays inside one another

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_SCALARS = frozenset((str, int, bool, type(None)))
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")  # `!` stands for what base64url does not know
_PADDING = (b"", b"===", b"==", b"=")  # by length modulo 4; a length of 4n+1 is nobody's
# Characters that may stand last, by length modulo 4: those whose unused bits are zero (RFC 4648 section 3.5).
_LAST = (_ALPHABET, b"", _ALPHABET[::16], _ALPHABET[::4])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")


def format_b64url(data: bytes) -> str:
    """Bytes as base64url without padding (RFC 7515 section 2)."""
    text = binascii.b2a_base64(data, newline=False).rstrip(b"=")
    return text.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def parse_b64url(text: str | bytes, pointer: str = "") -> bytes:
    """The bytes that base64url text stands for, if it is spelled as `format_b64url` spells it.

    Raises EncodingError (at `pointer`): other characters, padding, a length that no bytes have,
    trailing bits that are not zero.
    """
    try:
        data = (text.encode("ascii") if isinstance(text, str) else text).translate(_URL_TO_STANDARD)
        raw = binascii.a2b_base64(data + _PADDING[len(data) % 4], strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        raise EncodingError("This is not base64url text without padding.", pointer=pointer) from None
    if data and data[-1] not in _LAST[len(data) % 4]:
        raise EncodingError("This base64url text ends in bits that are not zero.", pointer=pointer)
    return raw


def parse_json(data: bytes, *, closed: bool = False) -> Any:
    """The value that canonical JSON text stands for: dict, list, str, int, bool or None.

    closed: a closed schema without floats follows, so the search for them is left to it.

    Raises EncodingError: not JSON, not UTF-8, not in RFC 8785 form, a duplicate member name, a
    floating-point number, an integer beyond 2^53-1, a string not in NFC, a member name that is
    not ASCII, more than MAX_DEPTH levels. The pointer names the member where there is one.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EncodingError(f"This is not JSON text: {error}.") from None
    if not closed:
        _check_types(value)
    again = _write(value)
    if again != data:
        raise EncodingError("This JSON text is not in RFC 8785 form: write it with sorted members and no white space.")
    if not again.isascii():
        _check_text(value)
    return value


def format_json(value: Any) -> bytes:
    """RFC 8785 text of a value made of dict, list or tuple, str, int, bool and None.

    Raises EncodingError for everything that `parse_json` would refuse, and for other types.
    """
    _check_types(value)
    data = _write(value)
    if not data.isascii():  # ASCII text is NFC, and so are its names
        _check_text(value)
    return data


def _write(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except TypeError as error:  # integers beyond 53 bits, unpaired surrogates, names that are no strings
        raise EncodingError(f"This value has no JSON text: {error}.") from None


def _check_types(value: Any) -> None:
    """Refuse what orjson would write: floats, foreign types, any depth. Level by level."""
    level: list[Any] = [(value,)]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for container in level:
            for item in container.values() if type(container) is dict else container:
                kind = type(item)
                if kind is str:
                    continue
                if kind is dict or kind is list or kind is tuple:
                    below.append(item)
                elif kind not in _SCALARS:
                    raise _fault(value)
        if not below:
            return
        level = below
    raise EncodingError(f"JSON text may be at most {MAX_DEPTH} levels deep.")


def _check_text(value: Any) -> None:
    """Strings are NFC and member names ASCII; types and depth were checked before."""
    containers: list[Any] = [(value,)]
    for container in containers:  # grows while it is read
        items = container
        if type(container) is dict:
            if not all(map(str.isascii, container)):
                raise _fault(value)
            items = container.values()
        for item in items:
            if type(item) is str:
                if not item.isascii() and not unicodedata.is_normalized("NFC", item):
                    raise _fault(value)
            elif type(item) is dict or type(item) is list or type(item) is tuple:
                containers.append(item)


def _fault(value: Any) -> EncodingError:
    """The error for the first member that is outside this profile; there is one."""
    places: list[tuple[str, Any]] = [("", value)]
    for pointer, item in places:  # grows while it is read
        if type(item) is dict:
            for name in item:
                if not (type(name) is str and name.isascii()):
                    return EncodingError("A member name is not ASCII text.", pointer=pointer)
            places += [(join_pointer(pointer, name), below) for name, below in item.items()]
        elif type(item) is list or type(item) is tuple:
            places += [(join_pointer(pointer, index), below) for index, below in enumerate(item)]
        elif type(item) is float:
            return EncodingError("Numbers are integers within 2^53-1; write a decimal as a string.", pointer=pointer)
        elif type(item) is str and not unicodedata.is_normalized("NFC", item):
            return EncodingError("A string is not in Unicode normalisation form NFC.", pointer=pointer)
        elif type(item) not in _SCALARS:
            return EncodingError(f"A {type(item).__name__} is not a JSON value.", pointer=pointer)
    raise AssertionError("a fault was reported but none is there")


def join_pointer(pointer: str, token: object) -> str:
    """The JSON Pointer of a member or element (RFC 6901 section 3)."""
    return f"{pointer}/{str(token).replace('~', '~0').replace('/', '~1')}"


def first_fault(error: ValidationError, at: str = "") -> tuple[str, str]:
    """What pydantic says of the first fault, and the pointer of it; at: the pointer of the value that was validated."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return fault["msg"].removeprefix("Value error, "), reduce(join_pointer, fault["loc"], at)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON Pointer (RFC 6901 section 4); EncodingError if it is none."""
    if (pointer and not pointer.startswith("/")) or re.search(r"~(?![01])", pointer):
        raise EncodingError(f"{pointer!r} is not a JSON Pointer.")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


@lru_cache(maxsize=4096)  # records that come together name the same times
def parse_time(text: str, pointer: str = "") -> int:
    """Seconds since the epoch of `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC, whole seconds).

    With one spelling per instant, the order of the strings is the order of the times. Raises
    EncodingError (at `pointer`): another spelling, a date that the calendar lacks, a leap second.
    """
    if _TIME.fullmatch(text) is not None:
        try:
            since = datetime.fromisoformat(text) - _EPOCH
        except ValueError:
            pass  # for example the 30th of February
        else:
            return since.days * 86_400 + since.seconds
    raise EncodingError("This is not a time of the form YYYY-MM-DDTHH:MM:SSZ.", pointer=pointer)


def format_time(seconds: int) -> str:
    """Seconds since the epoch as `YYYY-MM-DDTHH:MM:SSZ`; EncodingError outside years 1..9999."""
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise EncodingError("This time lies outside the years 1 to 9999.", seconds=seconds) from None
    return moment.isoformat()[:19] + "Z"
