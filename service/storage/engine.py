"""Opening the database, and the one place that knows which engine it is.

SQLite and PostgreSQL run the same statements; what differs (how a write begins, what
makes a commit durable) is decided here; `service.storage.sql` spells parameters.

SQLite: write-ahead log with synchronous=FULL, so that a commit that returned survives a power cut;
BEGIN IMMEDIATE for a write, so that two writers queue instead of failing half-way. PostgreSQL
(`service.storage.postgres`): one advisory lock per log for the duration of a write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection as Connection  # other rooms name it from here
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from service.storage.postgres import Session as Session
from service.storage.postgres import lock_writers, postgres_engine
from service.storage.sql import execute_sqlite

PAGE_SIZE: Final = 8192
CHECKPOINT_PAGES: Final = 4000
"""Pages of write-ahead log before SQLite folds it into the database: 32 MB, written once."""

READERS: Final = 40
"""Connections for reads of SQLite: as many as threads that serve requests."""

PREPARED_STATEMENTS: Final = 512
"""Kept prepared by each connection to SQLite: an append has a dozen, in some ten widths each."""

BUSY_MILLISECONDS: Final = 10_000
WRITER_LOCK: Final = 0x4C4F4445  # "LODE": the advisory lock of the sequencer on PostgreSQL

DatabaseError = SQLAlchemyError
"""What storage raises when the engine fails; callers outside storage catch it under this name."""


class Store:
    """A database, ready for reads and for one writer. session: bounds on PostgreSQL.

    engine: of reads; sqlite: which dialect the few switches follow. All writes of this process share one
    connection: they wait for each other in line and never for readers, and on SQLite it alone keeps the
    pages of its last commit in memory. room: entries up to which nobody has to ask for more partitions.
    """

    def __init__(self, url: str, session: Session = Session()) -> None:  # noqa: B008  # immutable
        self.url: URL = _parse_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.room: float = 0
        if self.sqlite:
            self.engine = _sqlite_engine(self.url, connections=READERS, megabytes=8)
            self._writer = _sqlite_engine(self.url, connections=1, megabytes=64)
        else:
            self.engine = postgres_engine(self.url, session, connections=session.connections)
            self._writer = postgres_engine(self.url, session, connections=1, ping=False)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on one consistent snapshot, which nothing is written through."""
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as conn:
            yield conn
            if not self.sqlite:
                conn.commit()  # nothing, but after a rollback the driver forgets what it has prepared

    @contextmanager
    def writing(self, *, patient: bool = False) -> Iterator[Connection]:
        """A write transaction that excludes other writers; commits unless the block raises.

        patient: waits for them as long as it takes, where the engine lets it.
        """
        with self.writer(patient=patient) as conn:
            yield conn
            conn.commit()

    @contextmanager
    def writer(self, *, patient: bool = False) -> Iterator[Connection]:
        """The same, but the caller commits: for the sequencer, which must know how that ended."""
        with self._writer.connect().execution_options(lodeline_write=True) as conn:
            if not self.sqlite:
                lock_writers(conn, WRITER_LOCK, patient=patient)
            yield conn

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A short write beside the writers' line, for what must not wait in it (the lease); commits unless the block
        raises. SQLite has but one line."""
        if self.sqlite:
            with self.writing() as conn:
                yield conn
        else:
            with self.engine.connect() as conn:
                yield conn
                conn.commit()

    def scrub(self) -> None:
        """Empty SQLite's write-ahead log, so that nothing erased lingers there; as far as readers let it."""
        if self.sqlite:
            with self._writer.connect() as conn:
                conn.exec_driver_sql("COMMIT")  # the pragma does nothing inside a transaction
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                conn.exec_driver_sql("BEGIN")

    def close(self) -> None:
        """Fold the write-ahead log into the database and let go of every connection."""
        self.scrub()
        self.engine.dispose()
        self._writer.dispose()


def _parse_url(url: str) -> URL:
    """Raises ArgumentError, without the URL: there may be a password in it."""
    try:
        parsed = make_url(url)
    except ValueError:
        raise ArgumentError("the port in the URL of the database is no number: correct LODELINE_DATABASE") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ArgumentError(f"it is {parsed.get_backend_name()}: set LODELINE_DATABASE to SQLite or PostgreSQL")
    return parsed


def _sqlite_engine(url: URL, *, connections: int, megabytes: int) -> Engine:
    """connections: at most; megabytes: of pages that each keeps."""
    arguments = {
        "check_same_thread": False,
        "timeout": BUSY_MILLISECONDS / 1000,
        "cached_statements": PREPARED_STATEMENTS,
    }
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,  # what is stored must not reach a log by way of an error
    )

    @event.listens_for(engine, "do_connect")
    def begin_file(_dialect: Any, _record: Any, given: list[Any], _named: Any) -> None:
        _make_private(given[0])

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are ours: see `begin`
        cursor = connection.cursor()
        for pragma in (
            f"page_size = {PAGE_SIZE}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {CHECKPOINT_PAGES * PAGE_SIZE}",
            f"cache_size = -{megabytes * 1024}",
            "temp_store = MEMORY",
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is overwritten, however this SQLite was built
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        write = conn.get_execution_options().get("lodeline_write", False)
        execute_sqlite(conn, "BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _make_private(path: str) -> None:
    """A new database is for its owner only, as a key is: it holds what was concealed. SQLite gives its other files the
    same rights. What keeps it from being made SQLite says better."""
    if not path.startswith("file:"):
        with suppress(OSError):
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600))
