"""The file of signed checkpoints: what this log has told the world, kept outside the database.

Whoever restores an old backup of the database would otherwise let the log sign a second history.
Every signed checkpoint is appended and fsynced before anybody is told of it; one JSON string per
line. A last line without its newline was torn by a crash before that: nobody has seen it, it is
cut off. When the file has grown past `MAX_BYTES` it is replaced by one that holds the newest line.

Of several processes on one folder only the one that sequences writes here, and one that follows now and then. One that
was stopped may still write a line when it goes on: an old line behind newer ones. Hence the newest checkpoint is the
largest in the file, and whoever finds that the file was replaced opens it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 1 << 20


class CheckpointFileError(Exception):
    """The file cannot be read or is not what this program wrote; the message says what to do."""


class CheckpointFile:
    """Append-only. `newest` is the note of the largest checkpoint, `last` that of the last line; None in a new file.

    allow: asked before every line; raises what keeps this process from writing.
    """

    def __init__(self, path: Path, *, allow: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._allow = allow
        self._handle: int | None = None
        self._size = 0
        self.newest: str | None = None
        self.last: str | None = None

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
        self._open(cut=True)

    def _open(self, *, cut: bool) -> bool:
        """Whether the last line is whole now."""
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
        self.newest = self._find_newest(lines)
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._size = len(whole)
        if len(whole) < len(data) and cut:
            os.ftruncate(self._handle, len(whole))
            os.fsync(self._handle)
        return cut or len(whole) == len(data)

    def append(self, note: str) -> None:
        """Make one more signed checkpoint durable."""
        if self._handle is None:
            raise CheckpointFileError("The file of signed checkpoints is not open.")
        self._allow()
        self._follow(self._handle)
        line = _format(note)
        if self._size + len(line) > MAX_BYTES:
            self._replace(line)
        else:
            _write(self._handle, line)
            self._size += len(line)
        self.newest = self.last = note

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _replace(self, line: bytes) -> None:
        """A new file with this line only, swapped in by rename: a crash leaves the old one or the new one."""
        lines = self.path.read_bytes().splitlines()
        if lines and (newest := self._find_newest(lines)) and size_of(newest) > size_of(json.loads(line)):
            line = _format(newest) + line  # another process was faster
        fresh = self.path.with_name(self.path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        _write(handle, line)
        fresh.replace(self.path)
        _sync_folder(self.path.parent)
        self.close()
        self._handle, self._size = handle, len(line)

    def _follow(self, handle: int) -> None:
        """Go on in the file that another process has put in this one's place."""
        try:
            replaced = os.stat(self.path).st_ino != os.fstat(handle).st_ino
        except FileNotFoundError:
            return
        if replaced:
            self.open()

    def _find_newest(self, lines: Sequence[bytes]) -> str | None:
        """The largest checkpoint of the lines; the last line must be whole, the others are taken as they are."""
        if not lines:
            self.last = None
            return None
        newest = self.last = self._parse(lines[-1])
        for line in reversed(lines[:-1]):
            try:
                note = json.loads(line)
            except ValueError:
                continue
            if isinstance(note, str) and size_of(note) > size_of(newest):
                newest = note
        return newest

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


class FollowedFile(CheckpointFile):
    """The file as a process sees it that follows while another one sequences, perhaps on the same folder: it cuts
    nothing off, and adds a checkpoint only when the file has none as large."""

    def open(self) -> None:
        """Read the newest checkpoint. Raises CheckpointFileError."""
        self._whole = self._open(cut=False)

    def append(self, note: str) -> None:
        """Keep this checkpoint if it is the largest, unless somebody is just writing."""
        if self._whole and (self.newest is None or size_of(note) > size_of(self.newest)):
            super().append(note)


def size_of(note: str) -> int:
    """The size that a checkpoint states in its second line; -1 when it states none."""
    size = note.split("\n", 2)[1:2]
    return int(size[0]) if size and size[0].isascii() and size[0].isdigit() else -1


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
