"""What a witness has cosigned, one file per log: written and fsynced before the answer leaves, so that a witness which
is killed at any moment never cosigns two histories."""

from __future__ import annotations

import hashlib
from pathlib import Path

from clients.sdk.errors import LocalError
from clients.sdk.files import make_folder, read_limited, write_atomic
from ledger.errors import CheckpointError
from ledger.log.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint


class WitnessMemory:
    """Files in `folder`, named by the SHA-256 of the log's origin; each holds the text of one checkpoint."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder

    def read(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint cosigned for a log. LocalError when the file is damaged: never start from nothing."""
        path = self._path(origin)
        if not path.exists():
            return None
        try:
            checkpoint = parse_checkpoint(read_limited(path, 10_000).decode())
        except (CheckpointError, UnicodeDecodeError) as error:
            raise LocalError(f"{path} is damaged: restore it; a witness that forgets is none.") from error
        if checkpoint.origin != origin:
            raise LocalError(f"{path} is of another log: restore it; a witness that forgets is none.")
        return checkpoint

    def write(self, checkpoint: Checkpoint) -> None:
        """Durable before it returns."""
        write_atomic(self._path(checkpoint.origin), format_checkpoint(checkpoint).encode())

    def _path(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"
