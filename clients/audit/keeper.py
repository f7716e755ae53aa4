"""What keeps a long audit going: its state on disk now and then, and no more of it in memory than is allowed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import ledger
from clients.audit.journal import Journal, Unusable
from clients.audit.sources import Source, read_tile
from clients.audit.spill import HELD, Spill
from clients.audit.statements import Given
from clients.sdk.errors import LocalError, Unreachable
from ledger.encoding import format_b64url, parse_b64url
from ledger.errors import LedgerError
from ledger.evidence.audit import CHECKS, Audit
from ledger.evidence.changes import Changes, format_changes, parse_changes
from ledger.evidence.chunk import Checked
from ledger.evidence.opening import open_trusted
from ledger.evidence.report import Notebook
from ledger.evidence.resume import (
    FORM,
    Mark,
    check_prefix,
    digest_questions,
    format_fold,
    is_savable,
    restore_changes,
    restore_fold,
)
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import plan_consistency
from ledger.log.tiles import WIDTH, TileId, plan_tiles, tile_width

EVERY: Final = 60.0
"""Seconds between two saves: what an interruption costs at most, but for the time to read the save."""
MOST: Final = 1_000_000
"""Changed records after which it is saved earlier, because they are held in memory until then."""

Notice = Callable[[str], None]


@cache
def code_digest() -> str:
    """SHA-256 (hex) of the version and of the source of everything that decides what an audit reports."""
    digest = hashlib.sha256(version("lodeline").encode())
    base = Path(next(iter(ledger.__path__))).parent
    for path in sorted([*base.glob("ledger/**/*.py"), *base.glob("clients/audit/*.py")]):
        digest.update(b"%b\0%b\0" % (path.relative_to(base).as_posix().encode(), path.read_bytes()))
    return digest.hexdigest()


class Keeper:
    """One for each audit. every: seconds between saves; held: see `clients.audit.spill`; keep: the save outlives an
    audit that has come to its end, so that the next one begins there; notice: told to a person."""

    def __init__(
        self,
        audit: Audit,
        journal: Journal | None = None,
        *,
        statements: Sequence[Given] = (),
        note: bytes = b"",
        every: float = EVERY,
        held: int = HELD,
        keep: bool = False,
        notice: Notice = lambda _sentence: None,
    ) -> None:
        self._audit, self._journal, self._notice, self._every, self._keep = audit, journal, notice, every, keep
        self._full = audit.checkpoint.size // WIDTH * WIDTH if audit.checkpoint else 0
        self._mark = Mark.of(audit)
        self._questions = digest_questions(audit, statements)
        self._note = note
        self._spill = Spill(audit.state, held)
        self._changes = Changes()
        audit.changes = self._changes if journal else None
        self._saved = time.monotonic()
        self._size = self._last = 0  # entries that are folded, and that are saved

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Save where the audit stands when it ends early: interrupted, or nobody answers any more."""
        if isinstance(error, (KeyboardInterrupt, Unreachable)) and self._journal is not None and self._size:
            if self._changes.records and is_savable(self._audit, self._mark):
                self._save(self._journal)
            if self._last:
                self._notice(f"{self._last} entries are done with: run the same command again to go on from there.")
        self._spill.close()

    def resume(self, head: Checkpoint, source: Source) -> int:
        """Take up what an earlier audit saved, if it is sound and belongs here; how many entries are done with.

        Raises Unreachable. A save that is of no use is left out with a notice, and replaced by the next.
        """
        if self._journal is None:
            return 0
        try:
            saved = self._journal.read()
            if saved is None:
                return 0
            self._check_saved(saved, head, source)
            self._journal.take_up(saved)
        except Unreachable:
            raise
        except LedgerError as error:
            why = error.message.rstrip(".")
            self._notice(f"What an earlier audit saved is not used, this one starts at the first entry: {why}.")
            return 0
        restore_fold(self._audit, saved["fold"], saved["size"])
        for lines in self._journal.lines():
            for line in lines:
                self._restore(parse_changes(line))
            self._shrink()
        self._changes.clear()
        self._size = self._last = int(saved["size"])
        self._notice(f"Going on after {self._size} entries that an earlier audit has checked.")
        return self._size

    def before(self, results: Iterable[Checked]) -> None:
        """Call with the next results, before they are folded."""
        self._spill.fetch(results)

    def after(self, size: int) -> None:
        """Call when the entries below `size` are folded."""
        self._size = size
        if self._spill.due or (self._journal is not None and self._is_time(size)):
            self._flush()

    def finish(self) -> None:
        """The audit has come to its end: nothing to go on with is left, unless it is to be kept."""
        if self._journal is not None and not self._keep:
            self._journal.drop()

    def _is_time(self, size: int) -> bool:
        if self._keep and size == self._full:
            return True
        return time.monotonic() - self._saved >= self._every or len(self._changes.records) >= MOST

    def _check_saved(self, saved: dict[str, Any], head: Checkpoint, source: Source) -> None:
        if saved["form"] != FORM or saved["code"] != code_digest():
            raise Unusable("another version of this program wrote it")
        if saved["origin"] != head.origin or saved["questions"] != self._questions:
            raise Unusable("it is of another log, or was held against other statements or anchors")
        self._hold_against(saved["note"].encode(), head, source)
        size, root = saved["size"], parse_b64url(saved["root"])
        check_prefix(size, root, head, _read_tiles(source, size, head.size))

    def _hold_against(self, note: bytes, head: Checkpoint, source: Source) -> None:
        """The checkpoint of the interrupted audit and this one's are both signed: one must extend the other."""
        old = open_trusted(self._audit.policy, note, head.origin, Notebook(CHECKS))[0]
        if old is not None and old.checkpoint.size <= head.size:
            self._audit.check_extends(old.checkpoint, _read_tiles(source, old.checkpoint.size, head.size))
            self._mark = Mark.of(self._audit)

    def _restore(self, changes: Changes) -> None:
        restore_changes(self._audit, changes)
        if self._spill.active:
            self._changes.update(changes)

    def _shrink(self) -> None:
        if self._spill.due or self._spill.active:
            self._spill.write(self._changes)
            self._changes.clear()

    def _flush(self) -> None:
        if self._journal is not None and is_savable(self._audit, self._mark):
            self._save(self._journal)
        self._shrink()
        self._changes.clear()
        self._audit.changes = self._changes if self._journal is not None or self._spill.active else None
        self._saved = time.monotonic()

    def _save(self, journal: Journal) -> None:
        audit = self._audit
        more = {
            "form": FORM,
            "code": code_digest(),
            "origin": audit.checkpoint.origin if audit.checkpoint else "",
            "questions": self._questions,
            "note": self._note.decode("utf-8", "replace"),
            "size": self._size,
            "root": format_b64url(audit.tree.root()),
            "fold": format_fold(audit, self._mark),
        }
        try:
            journal.save(format_changes(self._changes), more)
        except LocalError as error:
            self._notice(f"{error.message} From here on nothing is saved: an interruption would cost all of it.")
            self._journal = None
        else:
            self._last = self._size


def _read_tiles(source: Source, old: int, new: int) -> dict[TileId, bytes]:
    """The tiles of a consistency proof. Raises ClientError, TileError."""
    wanted = plan_tiles(plan_consistency(old, new)) if 0 < old <= new else ()
    return {(level, n): read_tile(source, level, n, tile_width(level, n, new)) for level, n in wanted}
