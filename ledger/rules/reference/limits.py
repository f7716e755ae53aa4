"""How much of a foreign file is read: every limit in one place, and the refusals that name them."""

from __future__ import annotations

from typing import Final

from ledger.errors import SnapshotError, TooLarge

MAX_BYTES: Final = 128 * 1024 * 1024
"""Of one file. The largest list of this kind has some 30 MB; who needs more of a world file cuts out a country."""
MAX_ROWS: Final = 500_000
MAX_ELEMENTS: Final = 20_000_000
"""XML elements of one file."""
MAX_DEPTH: Final = 40
"""XML elements, or JSON objects and arrays, inside one another."""
MAX_TEXT: Final = 65_536
"""Characters of one value."""
MAX_NAME: Final = 1_000
"""Characters of one name of a party."""
MAX_CELLS: Final = 256
"""Columns of a table."""
MAX_VERTICES: Final = 250_000
"""Positions of one place."""
MAX_ALL_VERTICES: Final = 5_000_000
"""Positions of one file."""

_COMPRESSED: Final = {
    b"PK\x03\x04": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
}


def check_limit(what: str, actual: int, limit: int) -> None:
    """Raise TooLarge, naming the limit, unless `actual` is within it."""
    if actual > limit:
        raise TooLarge(f"Too many or too long: {what}; at most {limit} are read.", limit=limit, actual=actual)


def check_file(raw: bytes) -> None:
    """Raise SnapshotError for an empty or compressed file, TooLarge for one that is too long."""
    check_limit("bytes of the file", len(raw), MAX_BYTES)
    if not raw.strip():
        raise SnapshotError("The file is empty.")
    for magic, name in _COMPRESSED.items():
        if raw.startswith(magic):
            raise SnapshotError(f"The file is compressed ({name}): unpack it first, nothing is unpacked here.")
