"""The file of signed checkpoints: what this log has told the world, kept outside the database.

Whoever restores an old backup of the database would otherwise let the log sign a second history.
Every signed checkpoint is appended and fsynced before anybody is told of it; one JSON string per
line. A last line without its newline was torn by a crash before that: nobody has seen it, it is
cut off. When the file has grown past `MAX_BYTES` it is replaced by one that holds the newest line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 1 << 20


class CheckpointFileError(Exception):
    """The file cannot be read or is not what this program wrote; the message says what to do."""


class CheckpointFile:
    """Append-only, one writer. `newest` is the note of the last line, None in a new file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._size = 0
        self.newest: str | None = None

    def create(self) -> None:
        """Make an empty file where there is none."""
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        _sync_folder(self.path.parent)

    def begin(self, note: str) -> None:
        """A new file that begins with this checkpoint; the old one is kept with `.old` behind its name."""
        self.close()
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".old"))
        self.create()
        self.open()
        self.append(note)

    def open(self) -> None:
        """Read the newest checkpoint and cut off a torn line. Raises CheckpointFileError."""
        self.close()
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise CheckpointFileError(
                f"The file of signed checkpoints {self.path} is missing, so a restored backup would go unnoticed. "
                "Put it back; if it is lost and this database is the newest there is, "
                "run `lodeline-server fsck --accept-head`."
            ) from None
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        self.newest = self._parse(lines[-1]) if lines else None
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._size = len(whole)
        if len(whole) < len(data):
            os.ftruncate(self._handle, len(whole))
            os.fsync(self._handle)

    def append(self, note: str) -> None:
        """Make one more signed checkpoint durable."""
        if self._handle is None:
            raise CheckpointFileError("The file of signed checkpoints is not open.")
        line = _format(note)
        if self._size + len(line) > MAX_BYTES:
            self._replace(line)
        else:
            _write(self._handle, line)
            self._size += len(line)
        self.newest = note

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _replace(self, line: bytes) -> None:
        """A new file with this line only, swapped in by rename: a crash leaves the old one or the new one."""
        fresh = self.path.with_name(self.path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        _write(handle, line)
        fresh.replace(self.path)
        _sync_folder(self.path.parent)
        self.close()
        self._handle, self._size = handle, len(line)

    def _parse(self, line: bytes) -> str:
        try:
            note = json.loads(line)
        except ValueError:
            note = None
        if not isinstance(note, str):
            raise CheckpointFileError(
                f"The last line of {self.path} is damaged. Put the file back from a copy; if there is none "
                "and this database is the newest there is, run `lodeline-server fsck --accept-head`."
            )
        return note


def _format(note: str) -> bytes:
    return json.dumps(note).encode("ascii") + b"\n"


def _write(handle: int, line: bytes) -> None:
    """All of `line`, durable. A short write leaves a torn line, which `open` cuts off."""
    written = os.write(handle, line)
    if written != len(line):
        raise OSError(f"only {written} of {len(line)} bytes were written: is the disk full?")
    os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
