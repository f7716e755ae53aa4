"""What is kept between audits: the last checkpoint that one verified, and how far an interrupted one came.

The checkpoint is written only after everything before it was checked: a monitor moves its cursor after the
work, never before. A later audit proves that the log extends it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited, write_atomic
from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.note import MAX_NOTE_BYTES, parse_note


class Memory:
    """A folder with one file per log, the signed note of the newest checkpoint that was verified, and beside it a
    folder while an audit is not at its end (`clients.audit.journal`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, origin: str) -> Path:
        """The file for a log; origins hold characters that file names cannot."""
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.checkpoint"

    def folder_of(self, origin: str) -> Path:
        """Where an audit of a log keeps how far it came."""
        return self.path(origin).with_suffix(".audit")

    def load(self, origin: str) -> tuple[Checkpoint, str] | None:
        """The remembered checkpoint and its note; None at the first audit. Raises LocalError for a broken file."""
        path = self.path(origin)
        if not path.exists():
            return None
        content = read_limited(path, MAX_NOTE_BYTES)
        try:
            note = parse_note(content)
            return parse_checkpoint(note.text), content.decode()
        except LedgerError as error:
            raise LocalError(f"{path} does not hold a checkpoint: restore it, or remove it to start over.") from error

    def save(self, origin: str, note: str | bytes) -> None:
        """Remember the note, durably."""
        write_atomic(self.path(origin), note.encode() if isinstance(note, str) else note)
