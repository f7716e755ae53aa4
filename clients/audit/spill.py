"""The part of the custody state that an audit does not keep in memory: a private SQLite file that ends with it.

The rules say which values they will look up (`ledger.custody.state.needs`), so these are fetched for thousands of
records at once, and the state itself stays plain dictionaries. When it holds too much, everything goes to the file and
only the register stays: participants, sites and keys are few, and looked up for every record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from ledger.custody.draft import State
from ledger.custody.subjects import Lot
from ledger.evidence.changes import (
    Changes,
    format_facts,
    format_subject_row,
    parse_facts,
    parse_subject_row,
    wanted,
)
from ledger.evidence.chunk import Checked

HELD: Final = 2_000_000
"""Records, lots and tags together that the state may hold; some 0.35 kB each."""
_TABLES: Final = ("subjects", "records", "tags")
_SETTINGS: Final = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536", "temp_store=FILE")


class Spill:
    """The file behind one state. held: how much that may hold before it is written out."""

    def __init__(self, state: State, held: int = HELD) -> None:
        self._state, self._held = state, held
        self._file: sqlite3.Connection | None = None
        self._register = 0

    @property
    def active(self) -> bool:
        """Whether anything was written out: then changes must be written too, and values be fetched."""
        return self._file is not None

    @property
    def due(self) -> bool:
        """Whether the state holds too much."""
        state = self._state
        return len(state.records) + len(state.subjects) + len(state.tags) - self._register > self._held

    def fetch(self, some: Iterable[Checked]) -> None:
        """Bring back what the rules will look up for these chunks."""
        if self._file is None:
            return
        needs, state = wanted(some), self._state
        subjects = self._select("subjects", needs.subjects, state.subjects)
        state.subjects.update((key, parse_subject_row(text)) for key, text in subjects)
        records = self._select("records", needs.records, state.records)
        state.records.update((key, parse_facts(text)) for key, text in records)
        state.tags.update(self._select("tags", needs.tags, state.tags))

    def write(self, changes: Changes) -> None:
        """Put changes into the file, or the whole state when it is new; then empty a state that holds too much."""
        state = self._state
        if self._file is None:
            self._file = _open()
            changes = Changes(state.records, state.subjects, dict(state.tags))
        lots = ((key, one) for key, one in changes.subjects.items() if isinstance(one, Lot))
        self._put("subjects", ((key, format_subject_row(one)) for key, one in sorted(lots)))
        self._put("records", ((key, format_facts(facts)) for key, facts in sorted(changes.records.items())))
        freed = [(tag,) for tag, lot in changes.tags.items() if lot is None]
        self._file.executemany("DELETE FROM tags WHERE id = ?", freed)
        self._put("tags", sorted((tag, lot) for tag, lot in changes.tags.items() if lot is not None))
        self._file.commit()
        if self.due:
            state.subjects = {key: one for key, one in state.subjects.items() if not isinstance(one, Lot)}
            state.records, state.tags = {}, {}
            self._register = len(state.subjects)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _put(self, table: str, rows: Iterable[tuple[str, bytes | str | None]]) -> None:
        assert self._file is not None  # noqa: S101 - write has opened it
        self._file.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 - one of _TABLES

    def _select(self, table: str, ids: Iterable[str], present: Mapping[str, object]) -> list[tuple[str, Any]]:
        assert self._file is not None  # noqa: S101 - fetch has looked
        absent = orjson.dumps([one for one in ids if one not in present]).decode()
        where = f"SELECT id, value FROM {table} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
        return self._file.execute(where, (absent,)).fetchall()


def _open() -> sqlite3.Connection:
    """An empty file without a name, which the system removes when it is closed, whatever ends this process."""
    file = sqlite3.connect("")
    for setting in _SETTINGS:
        file.execute(f"PRAGMA {setting}")
    for table in _TABLES:
        file.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
    return file
