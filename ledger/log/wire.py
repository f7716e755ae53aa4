"""The two spellings that all text formats of the log share: standard base64 and decimal numbers, both canonical.

Every parser takes the error class of the format it serves, so that a caller sees one family per format.
"""

from __future__ import annotations

import base64
import binascii
import re

from ledger.errors import FormatError

MAX_NUMBER = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})")


def format_base64(data: bytes) -> str:
    """Standard base64 with padding, RFC 4648 section 4."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def parse_base64(text: str, leaf: type[FormatError], what: str, length: int | None = None) -> bytes:
    """The bytes of canonical standard base64, of exactly `length` when one is given; raises `leaf`."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:  # UnicodeEncodeError and binascii.Error are ValueErrors
        raise leaf(f"The {what} is not standard base64.") from None
    if format_base64(data) != text:
        raise leaf(f"The {what} is not base64 in its one canonical spelling.")
    if length is not None and len(data) != length:
        raise leaf(f"The {what} holds {len(data)} bytes where {length} are needed.")
    return data


def parse_decimal(text: str, leaf: type[FormatError], what: str) -> int:
    """A number from 0 to 2**63 - 1 without sign or superfluous zeros; raises `leaf`."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_NUMBER:
        raise leaf(f"The {what} is not a decimal number from 0 to 2**63 - 1 without zeros in front.")
    return int(text)


def parse_utf8(data: str | bytes, leaf: type[FormatError], what: str) -> str:
    """Text without ASCII control characters other than newline (C2SP signed-note); raises `leaf`."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        text.encode("utf-8")  # a lone surrogate in a str is not UTF-8 either
    except UnicodeError:
        raise leaf(f"The {what} is not UTF-8.") from None
    if _CONTROL.search(text):
        raise leaf(f"The {what} has a control character.")
    return text
