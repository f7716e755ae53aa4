"""Reading a file of reference data from disk, no further than the limit."""

from __future__ import annotations

from pathlib import Path

from ledger.rules.reference.limits import MAX_BYTES, check_limit


def read_reference_file(path: Path) -> bytes:
    """The bytes of a file. Raises TooLarge before it is read, OSError."""
    check_limit("bytes of the file", path.stat().st_size, MAX_BYTES)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
