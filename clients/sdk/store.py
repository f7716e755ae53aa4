"""What a client keeps between runs, in one folder: the pinned log, the last checkpoint seen, and its own evidence.

log.toml                     origin and key of the log, pinned at the first contact
checkpoint                   the newest signed checkpoint that was verified, as the log signed it
evidence/<id>.record         the log entry of each record that was accepted (its exact bytes)
evidence/<id>.tlog-proof     the receipt: with the entry it proves inclusion without anybody's help
evidence/<id>.disclosures    what the record conceals, one disclosure a line
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from clients.sdk.errors import LocalError
from clients.sdk.files import SECRET, read_limited, write_atomic

MAX_NOTE = 1_000_000


@dataclass(frozen=True, slots=True)
class PinnedLog:
    """The log that is trusted: its origin and its public key as a vkey."""

    origin: str
    vkey: str


class Store:
    """Files in `folder`; each is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_pin(self) -> PinnedLog | None:
        """The pinned log, None before the first contact."""
        path = self.folder / "log.toml"
        if not path.exists():
            return None
        try:
            members = tomllib.loads(read_limited(path, 10_000).decode())
            return PinnedLog(members["origin"], members["vkey"])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
            raise LocalError(f"{path} is damaged: it should hold origin and vkey of the log.") from error

    def write_pin(self, pin: PinnedLog) -> None:
        """Pin the log; JSON strings are TOML strings too."""
        text = f"origin = {json.dumps(pin.origin)}\nvkey = {json.dumps(pin.vkey)}\n"
        write_atomic(self.folder / "log.toml", text.encode())

    def read_checkpoint(self) -> str | None:
        """The last signed checkpoint seen, None if there is none yet. The reader verifies it again."""
        path = self.folder / "checkpoint"
        return read_limited(path, MAX_NOTE).decode("utf-8", "replace") if path.exists() else None

    def write_checkpoint(self, note: str) -> None:
        """Remember a checkpoint that was verified."""
        write_atomic(self.folder / "checkpoint", note.encode())

    def write_evidence(self, record: str, entry: str, receipt: str, disclosures: tuple[str, ...] = ()) -> None:
        """Keep entry, receipt and disclosures of an accepted record; disclosures are readable by the owner only.

        Not fsynced: a list of ten thousand rows would wait for minutes, and the service gives receipts again.
        """
        folder = self.folder / "evidence"
        if disclosures:
            text = "".join(f"{one}\n" for one in disclosures)
            write_atomic(folder / f"{record}.disclosures", text.encode(), mode=SECRET, durable=False)
        write_atomic(folder / f"{record}.record", entry.encode(), durable=False)
        write_atomic(folder / f"{record}.tlog-proof", receipt.encode(), durable=False)


class NoStore(Store):
    """Remembers in memory only, for scripts that run once and for tests."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._pin: PinnedLog | None = None
        self._note: str | None = None

    def read_pin(self) -> PinnedLog | None:
        """The log pinned in this process."""
        return self._pin

    def write_pin(self, pin: PinnedLog) -> None:
        """Pin for this process."""
        self._pin = pin

    def read_checkpoint(self) -> str | None:
        """The last checkpoint seen in this process."""
        return self._note

    def write_checkpoint(self, note: str) -> None:
        """Remember for this process."""
        self._note = note

    def write_evidence(self, record: str, entry: str, receipt: str, disclosures: tuple[str, ...] = ()) -> None:
        """Nothing is kept: the caller has the answer."""
