"""Reference data as it was loaded: dated snapshots that name files, and files that never change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Connection, text


class Stored(NamedTuple):
    """A snapshot without its bytes. published: `YYYY-MM-DD`; loaded: seconds since the epoch; size: bytes."""

    dataset: str
    published: str
    digest: str
    source: str
    loaded: int
    rows: int
    left_out: int
    size: int


_SELECT: Final = (
    'SELECT s.dataset, s.published, s.digest, s.source, s.loaded, s."rows", s.left_out, length(f.data) AS size '
    "FROM reference_snapshots s JOIN reference_files f ON f.digest = s.digest "
)
_ALL: Final = text(_SELECT + "ORDER BY s.dataset, s.published")
_OF: Final = text(_SELECT + "WHERE s.dataset = :dataset ORDER BY s.published")
_BY_DIGEST: Final = text(_SELECT + "WHERE s.digest = :digest ORDER BY s.dataset, s.published")
_DATA: Final = text("SELECT data FROM reference_files WHERE digest = :digest")
_KEEP_FILE: Final = text(
    "INSERT INTO reference_files (digest, data) VALUES (:digest, :data) ON CONFLICT (digest) DO NOTHING"
)
_ADD: Final = text(
    'INSERT INTO reference_snapshots (dataset, published, digest, source, loaded, "rows", left_out) '
    "VALUES (:dataset, :published, :digest, :source, :loaded, :rows, :left_out)"
)


def list_snapshots(conn: Connection, dataset: str | None = None) -> list[Stored]:
    """All snapshots, or those of one data set, by data set and day."""
    rows = conn.execute(_ALL) if dataset is None else conn.execute(_OF, {"dataset": dataset})
    return [Stored(**row._mapping) for row in rows]


def naming_file(conn: Connection, digest: str) -> list[Stored]:
    """The snapshots that name this file, by data set and day."""
    return [Stored(**row._mapping) for row in conn.execute(_BY_DIGEST, {"digest": digest})]


def read_file(conn: Connection, digest: str) -> bytes | None:
    """The bytes of a file."""
    data = conn.execute(_DATA, {"digest": digest}).scalar()
    return None if data is None else bytes(data)


def file_reader(conn: Connection) -> Callable[[str], bytes | None]:
    """Reads files of the same database by digest; files never change.

    On this connection while it is open, so that nobody who has one waits for a second; then on one of its own.
    """
    engine = conn.engine

    def read(digest: str) -> bytes | None:
        if not conn.closed:
            return read_file(conn, digest)
        with engine.connect() as own:
            return read_file(own, digest)

    return read


def add_snapshot(conn: Connection, stored: Stored, data: bytes) -> None:
    """Keep a file, once, and the snapshot that names it. A day that is taken violates the primary key."""
    conn.execute(_KEEP_FILE, {"digest": stored.digest, "data": data})
    conn.execute(_ADD, {name: value for name, value in stored._asdict().items() if name != "size"})
