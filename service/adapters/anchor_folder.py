"""Signed checkpoints as files in a folder outside the ledger: another disk, a share, a repository that somebody keeps.

One file per checkpoint, named by its size, written once and never changed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAME = re.compile(r"([0-9]{20})\.checkpoint")


class CheckpointFolder:
    """All methods raise OSError as the file system does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self) -> tuple[int, str] | None:
        """The largest checkpoint in the folder: its size by the file's name, and the note; None in an empty one."""
        sizes = [int(found[1]) for name in os.listdir(self.path) if (found := _NAME.fullmatch(name))]
        return (max(sizes), self.read(max(sizes)) or "") if sizes else None

    def read(self, size: int) -> str | None:
        """The note of a size, None when there is none."""
        try:
            return self._file(size).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, size: int, note: str) -> None:
        """Keep a note, durably; a file that is there stays as it is."""
        fresh = self.path / f".{size}.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(note.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if not self._file(size).exists():
            fresh.rename(self._file(size))
            self._sync()
        fresh.unlink(missing_ok=True)

    def _file(self, size: int) -> Path:
        return self.path / f"{size:020d}.checkpoint"

    def _sync(self) -> None:
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
