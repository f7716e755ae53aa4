"""Bytes of a text file to text: UTF-8 (with or without BOM) or what the mapping names; nothing is guessed silently.

When the bytes are not UTF-8, `guess_encoding` only gives a hint for the error message.
"""

from __future__ import annotations

import codecs
import re

from clients.importers.faults import Fault, FileRefused

_ACCENTS = {  # the small accented letters of French, Portuguese and Spanish in each code page
    "Windows-1252": frozenset(
        b"\xe0\xe2\xe3\xe7\xe8\xe9\xea\xeb\xed\xee\xef\xf1\xf3\xf4\xf5\xfa\xfb\xfc\xc9\xc0\xd4\x92\x96\xb0"
    ),
    "cp850 (DOS)": frozenset(b"\x85\x83\xc6\x87\x8a\x82\x88\x89\xa1\x8c\x8b\xa4\xa2\x93\xe4\xa3\x96\x81\x90\xf8"),
    "Mac Roman": frozenset(b"\x88\x89\x8b\x8d\x8f\x8e\x90\x91\x92\x94\x95\x96\x97\x99\x9b\x9c\x9e\x9f\x83\xd5"),
}
_CODECS = {"Windows-1252": "cp1252", "cp850 (DOS)": "cp850", "Mac Roman": "mac_roman", "GB18030": "gb18030"}


def guess_encoding(content: bytes) -> str:
    """The most likely name of an encoding that is not UTF-8."""
    runs = re.findall(rb"[\x80-\xff]+", content[:1_000_000])
    if runs and sum(len(run) > 1 for run in runs) * 2 > len(runs) and _decodes(content, "gb18030"):
        return "GB18030"
    high = b"".join(runs)
    scores = {name: sum(byte in letters for byte in high) for name, letters in _ACCENTS.items()}
    return max(scores, key=lambda name: scores[name])


def decode_text(content: bytes, encoding: str = "") -> str:
    """The text of a file; raises FileRefused naming row and column of the first byte that does not fit."""
    named = encoding or "utf-8"
    if not encoding and content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise _refused("wrong-encoding", "The file is UTF-16: save it as CSV UTF-8 (Excel offers it in Save As).")
    if not encoding and b"\x00" in content:
        row = content[: content.index(b"\x00")].count(b"\n") + 1
        raise _refused("not-text", "The file holds NUL bytes: it is not a text file. Export it as CSV UTF-8.", row)
    try:
        text = content.decode("utf-8-sig" if named.lower() in ("utf-8", "utf8") else named)
    except LookupError as error:
        raise _refused("unknown-encoding", f"There is no encoding called {named!r}: use utf-8 or cp1252.") from error
    except UnicodeDecodeError as error:
        raise FileRefused(_bad_byte(content, error, named)) from error
    return text


def _bad_byte(content: bytes, error: UnicodeDecodeError, named: str) -> Fault:
    start = error.start + (3 if content.startswith(codecs.BOM_UTF8) and named == "utf-8" else 0)
    before = content[:start]
    row = before.count(b"\n") + 1
    line = before[before.rfind(b"\n") + 1 :]
    index = max(line.count(delimiter) for delimiter in (b",", b";", b"\t"))
    if "unexpected end" in error.reason:
        return Fault(
            row,
            "torn-file",
            "The file ends in the middle of a character: it is torn, export it again.",
            "",
            index,
            True,
        )
    guess = guess_encoding(content)
    hint = f"byte 0x{content[start]:02X} is not {named}"
    setting = f'encoding = "{_CODECS[guess]}"'
    advice = f"it looks like {guess}: save it as CSV UTF-8, or set {setting} in the mapping"
    return Fault(row, "wrong-encoding", f"The file is not {named} ({hint}); {advice}.", "", index, True)


def _refused(code: str, message: str, row: int = 0) -> FileRefused:
    return FileRefused(Fault(row, code, message, fatal=True))


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
