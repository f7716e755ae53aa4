"""The sink `file`: signed checkpoints in an external folder. An anchor there is final once the file is durable.

A folder that holds more than the log has, or another root for one of its sizes, stops the sink: the log was
restored from an old backup, or contradicts itself.
"""

from __future__ import annotations

from typing import Any

from ledger.errors import LedgerError
from ledger.log.checkpoint import open_checkpoint
from ledger.log.note import Verifier
from service.adapters.anchor_folder import CheckpointFolder
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound
from service.usecases.anchoring import LogReader, Outbox, SignedHead, Stop


class FileSink:
    """folder: of the files; origin, verifier: of this log, whose signature a file found there must have."""

    name = "file"

    def __init__(
        self, outbox: Outbox, log: LogReader, folder: CheckpointFolder, *, origin: str, verifier: Verifier
    ) -> None:
        self._outbox, self._log, self._folder = outbox, log, folder
        self._origin, self._verifier = origin, verifier

    def submit(self, head: SignedHead, now: int) -> bool:
        """Queue a checkpoint."""
        return self._outbox.submit(head, now)

    def tick(self, now: int) -> str:
        """Write what is queued; the largest checkpoint covers the others."""
        if not self._outbox.lease(now):
            return "leased"
        try:
            done = self._write(now)
        except Stop as stop:
            self._outbox.settle(stop.condition, stop.detail, now)
            return stop.condition
        except OSError as error:
            told = f"{error.strerror or error}: check the folder LODELINE_ANCHOR_FOLDER ({self._folder.path})."
            self._outbox.settle("unreachable", told, now)
            return "unreachable"
        self._outbox.settle("ok", "", now)
        return done

    def status(self) -> dict[str, Any]:
        """How it is doing, and how many anchors are in each state."""
        return self._outbox.status()

    def evidence(self, size: int) -> bytes | None:
        """The file's content."""
        found = self._outbox.anchor(size)
        return found.note.encode() if found and found.state == "final" else None

    def _write(self, now: int) -> str:
        self._compare(self._folder.newest())
        queued = self._outbox.anchors("queued")
        if not queued:
            return "idle"
        row = queued[-1]
        self._folder.write(row.size, row.note)
        self._check_same(row, self._folder.read(row.size) or "")
        with self._outbox.writing() as conn:
            rows.update_anchor(conn, self.name, row.size, state="final", block_time=now)
            rows.cover_anchors(conn, self.name, row.size)
        self._outbox.notice("final")
        return "final"

    def _compare(self, newest: tuple[int, str] | None) -> None:
        if newest is None:
            return
        size, root = self._open(newest[0], newest[1])
        ours = self._log.root(size)
        if ours is None:
            raise Stop(
                "chain_ahead",
                f"The folder {self._folder.path} holds a checkpoint of {size} entries, which this log does not have: "
                "it was restored from an old backup. Do not go on with it; restore the newer one.",
            )
        if ours != root:
            raise self._contradiction(size)

    def _check_same(self, row: AnchorFound, note: str) -> None:
        if self._open(row.size, note) != (row.size, row.root):
            raise self._contradiction(row.size)

    def _contradiction(self, size: int) -> Stop:
        if self._outbox.anchor(size) is not None:
            self._outbox.update(size, state="equivocation", problem="the folder holds another root")
        return Stop(
            "equivocation",
            f"The folder {self._folder.path} holds another root for {size} entries, signed by this log: keep the file, "
            "it proves that the log has two histories.",
        )

    def _open(self, size: int, note: str) -> tuple[int, bytes]:
        """Size and root of a file's checkpoint. Stop for a file that is none of this log's."""
        try:
            found = open_checkpoint(note, self._origin, [self._verifier])
        except LedgerError as error:
            raise Stop(
                "misconfigured",
                f"The file of size {size} in {self._folder.path} is not a checkpoint of this log ({error.message}): "
                "set LODELINE_ANCHOR_FOLDER to a folder of its own.",
            ) from None
        return found.size, found.root
