"""The lease: which process sequences, until when, and where the others reach it.

Time is the database's own, so that hosts need not agree on it. The epoch is the fence: it rises with every take-over,
in a transaction that excludes every append, and every append asks for it inside its own transaction
(`service.storage.appending`). Whoever was stopped and goes on later finds another epoch and writes nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection

from service.storage.engine import WRITER_LOCK, Store
from service.storage.sql import execute, execute_raw

STUCK_SECONDS: Final = 1.5
"""How long a session may sit on the writers' lock without doing anything, before a take-over ends it."""


class Lease(NamedTuple):
    """As the row says (`LeaseRow`); now: the database's clock when it was read, ms."""

    epoch: int
    holder: str
    address: str
    certificate: str
    secret: str
    renewed: int
    taken: int
    silent: int
    now: int


class Claim(NamedTuple):
    """What a process that wants the lease writes into it."""

    holder: str
    address: str
    certificate: str
    secret: str


class Fenced(Exception):
    """Another process has taken the lease over: this one must not write any more, and nothing was written."""


_COLUMNS: Final = "epoch, holder, address, certificate, secret, renewed, taken, silent"
_NOBODY: Final = ("", "", "", "", 0, 0, 0)
_CLOCK: Final = {
    True: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    False: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}


def read_lease(conn: Connection) -> Lease:
    """The lease, of epoch 0 when nobody ever had it."""
    row = execute(conn, f"SELECT {_COLUMNS}, {_now(conn)} FROM lease WHERE id = 1").first()  # noqa: S608  # constants
    if row is not None:
        return Lease(*row)
    return Lease(0, *_NOBODY, execute(conn, f"SELECT {_now(conn)}").scalar_one())


def read_epoch(conn: Connection) -> int:
    """The epoch alone, for an append: inside its transaction nobody can take over."""
    return int(execute_raw(conn, "SELECT coalesce(max(epoch), 0) FROM lease").fetchone()[0])


def take_lease(store: Store, seen: Lease, claim: Claim) -> Lease | None:
    """Begin the next epoch, if the lease is still as it was seen; None when it is not.

    Whoever was stopped in the middle of a write is ended first: it would keep everybody out.
    """
    free_writers(store)
    with store.writing() as conn:
        execute(
            conn,
            f"INSERT INTO lease (id, {_COLUMNS}) VALUES (1, 0, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",  # noqa: S608
            _NOBODY,
        )
        now = _now(conn)
        done = execute(
            conn,
            "UPDATE lease SET epoch = epoch + 1, holder = ?, address = ?, certificate = ?, secret = ?, "  # noqa: S608
            f"silent = CASE WHEN renewed = 0 THEN 0 ELSE {now} - renewed END, taken = {now}, renewed = {now} "
            "WHERE id = 1 AND epoch = ? AND renewed = ?",
            (*claim, seen.epoch, seen.renewed),
        )
        return read_lease(conn) if done.rowcount == 1 else None


def renew_lease(store: Store, epoch: int) -> bool:
    """Say that the holder is there; False when the epoch is over."""
    with store.aside() as conn:
        done = execute(
            conn,
            f"UPDATE lease SET renewed = {_now(conn)} WHERE id = 1 AND epoch = ? AND renewed > 0",  # noqa: S608
            (epoch,),
        )
        return bool(done.rowcount == 1)


def release_lease(store: Store, epoch: int) -> None:
    """Let the next one take over at once; nothing when the epoch is over."""
    with store.aside() as conn:
        execute(conn, "UPDATE lease SET renewed = 0 WHERE id = 1 AND epoch = ?", (epoch,))


def free_writers(store: Store) -> int:
    """End sessions that hold the writers' lock and have waited for their own process too long; how many there were.

    PostgreSQL only: there a process that was stopped, or cut off, keeps its locks until its session ends. On SQLite
    they are the process's own, and end with it.
    """
    if store.sqlite:
        return 0
    with store.aside() as conn:
        return len(execute(conn, _FREE, (WRITER_LOCK, STUCK_SECONDS)).fetchall())


_FREE: Final = (
    "SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = ? AND l.objsubid = 1 "
    "AND a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid() "
    "AND (a.state = 'idle in transaction' OR a.wait_event_type = 'Client') "
    "AND a.state_change < clock_timestamp() - ? * interval '1 second'"
)


def _now(conn: Connection) -> str:
    return _CLOCK[conn.dialect.name == "sqlite"]
