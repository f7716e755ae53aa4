"""Records signed without a network: kept in order in one SQLite file, uploaded later and in part.

Never lost: a record is on the disk (synchronous=EXTRA, which also survives a power cut while the journal is removed)
before `add` returns. Never doubled: a record is known by its id, and sending it twice gives the same log entry.
Heads are tracked here, so that a record may build on one that is still queued. A refused record blocks those that
build on it and nothing else; what is blocked is worked out from the links, so it moves again after `retry`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.sdk.errors import LocalError
from clients.sdk.events import FindHead, created, moved
from clients.sdk.files import SECRET, make_folder
from ledger.envelope import SignedRecord
from ledger.errors import LedgerError

VERSION = 1
_SCHEMA = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, type TEXT NOT NULL,
    time TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('queued', 'accepted', 'refused', 'dropped')),
    problem TEXT, log_index INTEGER, logged INTEGER
);
CREATE INDEX records_by_state ON records (state, seq);
CREATE TABLE links (seq INTEGER NOT NULL, needs INTEGER NOT NULL, PRIMARY KEY (seq, needs)) WITHOUT ROWID;
CREATE TABLE moves (subject TEXT NOT NULL, seq INTEGER NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (subject, seq)) WITHOUT ROWID;
CREATE TABLE heads (subject TEXT PRIMARY KEY, head TEXT NOT NULL) WITHOUT ROWID;
"""

_NEEDED = """SELECT seq, state FROM records WHERE id = ?1
UNION SELECT * FROM (SELECT seq, state FROM moves JOIN records USING (seq)
    WHERE subject = ?1 AND created AND state <> 'dropped' ORDER BY seq DESC LIMIT 1)"""
_COLUMNS = "seq, id, type, time, state, text, problem, log_index, logged"


@dataclass(frozen=True, slots=True)
class QueuedRecord:
    """A line of the queue. state: queued, blocked (builds on a refused one), accepted, refused, dropped."""

    seq: int
    id: str
    type: str
    time: str
    state: str
    text: str
    needs: tuple[int, ...] = ()
    problem: Mapping[str, Any] | None = None
    index: int | None = None
    logged: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the signed text."""
        names = ("seq", "id", "type", "time", "state", "index", "logged")
        out: dict[str, Any] = {name: getattr(self, name) for name in names}
        return {**out, "needs": list(self.needs), "problem": self.problem}


class OfflineQueue:
    """The queue in the file `path`, which is made when it is not there (readable by its owner only)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, SECRET))
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._open_schema()
        except (OSError, sqlite3.Error) as error:
            raise LocalError(f"The queue {path} cannot be opened ({error}): restore it from a copy.") from error

    def _open_schema(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")
        if version > VERSION:
            self._db.close()
            raise LocalError(f"The queue {self.path} was made by a newer version of this program: update it.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise LocalError(f"The queue {self.path} cannot be written ({error}): nothing was queued.") from error

    # ---- adding -----------------------------------------------------------------------------------------------------

    def add(self, make: Callable[[FindHead], SignedRecord]) -> QueuedRecord:
        """Sign and keep one record. `make` gets the local heads; nobody else can add between its look and the write."""
        with self._writing() as db:
            signed = make(self.head)
            self._insert(db, signed)
        return self.get(signed.id)

    def add_all(self, makes: list[Callable[[FindHead], SignedRecord]]) -> list[QueuedRecord]:
        """Several records in order, all or none; later ones may build on earlier ones."""
        with self._writing() as db:
            signed = []
            for make in makes:
                signed.append(make(self.head))
                self._insert(db, signed[-1])
        return [self.get(one.id) for one in signed]

    def _insert(self, db: sqlite3.Connection, signed: SignedRecord) -> None:
        record = signed.record
        row = (signed.id, signed.text, record.type, record.time)
        cursor = db.execute(
            "INSERT INTO records (id, text, type, time, state) VALUES (?, ?, ?, ?, 'queued') ON CONFLICT DO NOTHING",
            row,
        )
        if cursor.rowcount == 0:
            return
        seq = cursor.lastrowid
        needs = self._find_needs(record.payload)
        db.executemany("INSERT INTO links VALUES (?, ?)", [(seq, one) for one in sorted(needs)])
        new = set(created(record.payload))
        db.executemany("INSERT INTO moves VALUES (?, ?, ?)", [(s, seq, s in new) for s in moved(record.payload)])

    def _find_needs(self, payload: Mapping[str, Any]) -> set[int]:
        """Queued records that this one names by record id, or whose new subjects it names."""
        words = {payload["iss"], *_strings(payload["prev"]), *_strings(payload["body"])} - set(moved(payload))
        found: set[int] = set()
        for word in words:
            rows = self._db.execute(_NEEDED, (word,)).fetchall()
            found.update(seq for seq, state in rows if state != "accepted")
        return found

    # ---- heads ------------------------------------------------------------------------------------------------------

    def head(self, subject: str) -> str | None:
        """The head as this machine knows it: of the last queued record that is not blocked, else what was learnt."""
        bad = self._blocked()
        rows = self._db.execute(
            "SELECT records.seq, id FROM moves JOIN records USING (seq) WHERE subject = ? AND state = 'queued'"
            " ORDER BY seq DESC",
            (subject,),
        )
        for seq, record in rows:
            if seq not in bad:
                return str(record)
        row = self._db.execute("SELECT head FROM heads WHERE subject = ?", (subject,)).fetchone()
        return None if row is None else str(row[0])

    def is_pending(self, subject: str) -> bool:
        """True when the local head is a record that is still queued."""
        head = self.head(subject)
        return (
            head is not None
            and self._db.execute("SELECT 1 FROM records WHERE id = ? AND state = 'queued'", (head,)).fetchone()
            is not None
        )

    def learn(self, heads: Mapping[str, str]) -> None:
        """Remember heads that the service showed, to build on them without a network."""
        with self._writing() as db:
            db.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?)", list(heads.items()))

    # ---- looking ----------------------------------------------------------------------------------------------------

    def records(self, *, pending: bool = False) -> list[QueuedRecord]:
        """All records in order; with `pending` only those that are not accepted or dropped."""
        where = "state IN ('queued', 'refused')" if pending else "TRUE"
        return self._select(where, ())

    def get(self, key: str | int) -> QueuedRecord:
        """The record with this number, id, or unambiguous beginning of an id; LocalError when there is none."""
        text = str(key)
        if text.isdecimal() and len(text) < 16:
            found = self._select("seq = ?", (int(text),))
        else:
            found = self._select("substr(id, 1, ?) = ?", (len(text), text)) if len(text) > 5 else []
        if len(found) != 1:
            raise LocalError(f"The queue has no record {text!r}: see `lodeline queue list`.")
        return found[0]

    def _select(self, where: str, values: tuple[Any, ...]) -> list[QueuedRecord]:
        bad = self._blocked()
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM records WHERE {where} ORDER BY seq", values).fetchall()  # noqa: S608 - constants
        needs: dict[int, list[int]] = {}
        if rows:
            links = "SELECT seq, needs FROM links WHERE seq BETWEEN ? AND ? ORDER BY seq, needs"
            for seq, one in self._db.execute(links, (rows[0][0], rows[-1][0])):
                needs.setdefault(seq, []).append(one)
        return [_row(row, needs.get(row[0], []), row[0] in bad) for row in rows]

    def _blocked(self) -> set[int]:
        """Queued records that build, directly or not, on a refused or dropped one."""
        rows = self._db.execute(
            "WITH RECURSIVE bad (seq) AS (SELECT seq FROM records WHERE state IN ('refused', 'dropped')"
            " UNION SELECT links.seq FROM links JOIN bad ON links.needs = bad.seq)"
            " SELECT bad.seq FROM bad JOIN records USING (seq) WHERE state = 'queued'"
        )
        return {seq for (seq,) in rows}

    # ---- outcomes ---------------------------------------------------------------------------------------------------

    def mark_accepted(self, places: Iterable[tuple[int, int, int]]) -> None:
        """The log holds these records, and their receipts were verified; places: (seq, index in the log, logged)."""
        with self._writing() as db:
            for seq, index, logged in places:
                db.execute(
                    "UPDATE records SET state = 'accepted', problem = NULL, log_index = ?, logged = ? WHERE seq = ?",
                    (index, logged, seq),
                )
                db.execute(
                    "INSERT OR REPLACE INTO heads SELECT subject, id FROM moves JOIN records USING (seq) WHERE seq = ?",
                    (seq,),
                )

    def mark_refused(self, seq: int, error: LedgerError) -> None:
        """The log refused the record for good, as it stands."""
        problem = json.dumps(error.to_json(), default=str)
        with self._writing() as db:
            db.execute(
                "UPDATE records SET state = 'refused', problem = ? WHERE seq = ? AND state = 'queued'", (problem, seq)
            )

    def retry(self, seq: int) -> None:
        """Try a refused or dropped record again, as it is (because what was missing is there now)."""
        self._move(seq, "refused', 'dropped", "queued")

    def drop(self, seq: int) -> None:
        """Give a record up: it is never sent, but its text stays in the file."""
        self._move(seq, "queued', 'refused", "dropped")

    def _move(self, seq: int, old: str, new: str) -> None:
        with self._writing() as db:
            done = db.execute(f"UPDATE records SET state = ? WHERE seq = ? AND state IN ('{old}')", (new, seq))  # noqa: S608 - constants
        if done.rowcount == 0:
            raise LocalError(f"Record {seq} of the queue is {self.get(seq).state}: it can't become {new}.")


def _row(row: tuple[Any, ...], needs: list[int], blocked: bool) -> QueuedRecord:
    seq, record, kind, time, state, text, problem, index, logged = row
    state = "blocked" if blocked and state == "queued" else state
    parsed = json.loads(problem) if problem else None
    return QueuedRecord(seq, record, kind, time, state, text, tuple(needs), parsed, index, logged)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
