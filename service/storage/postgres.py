"""Connections to PostgreSQL: how many, how long a statement or a wait may take, and that a commit is on the disk.

Whatever the server's, the database's or the role's settings are, a commit here waits for the disk: weaker values of
`synchronous_commit` are raised, stronger ones (`remote_apply`) kept, and a server that does not flush is refused.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service.storage.direct import execute_direct, send_together

PREPARED: Final = 500
"""Statements that a connection keeps prepared: lists of ids and rows come in a few lengths each."""

CONNECT_SECONDS: Final = 10
_WEAK: Final = frozenset({"off", "local", "remote_write"})
_LOST: Final = {
    "connect_timeout": CONNECT_SECONDS,
    # A server that went away without a word is noticed within 20 seconds, also by who only waits.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}


class NotDurable(SQLAlchemyError):
    """The server does not flush what is committed; the message says what to do."""


class Session(NamedTuple):
    """connections: at most, to read; statement_seconds: longest statement, and longest pause within a transaction, 0
    for no limit (maintenance); lock_seconds: longest wait for a lock, also for that of the writers."""

    connections: int = 40
    statement_seconds: float = 0
    lock_seconds: float = 10


def postgres_engine(url: URL, session: Session, *, connections: int, ping: bool = True) -> Engine:
    """An engine whose every connection is durable and bounded. connections: at most, and none beyond; ping: ask before
    each use whether it is still there."""
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        connect_args={**_LOST, "options": _options(url, session)},
        pool_pre_ping=ping,
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,  # what is stored must not reach a log by way of an error
    )
    event.listen(engine, "connect", _prepare)
    return engine


def lock_writers(conn: Connection, number: int, *, patient: bool = False) -> None:
    """Begin a transaction that holds this advisory lock; on a new connection when the one of the last time is gone.

    patient: waits as long as it takes, else as long as the session says.
    """
    try:
        _lock(conn, number, patient)
    except DBAPIError:
        if not conn.invalidated:
            raise
        conn.rollback()
        _lock(conn, number, patient)


def _lock(conn: Connection, number: int, patient: bool) -> None:
    with send_together(conn):
        if patient:
            execute_direct(conn, "SET LOCAL lock_timeout = 0", ())
        execute_direct(conn, "SELECT pg_advisory_xact_lock(?)", (number,))
        if patient:
            execute_direct(conn, "SET LOCAL lock_timeout TO DEFAULT", ())


def _options(url: URL, session: Session) -> str:
    """What the URL asks for comes last: an operator may know better."""
    statement, lock = (int(seconds * 1000) for seconds in session[1:])
    ours = f"-c statement_timeout={statement} -c idle_in_transaction_session_timeout={statement} -c lock_timeout={lock}"
    theirs = url.query.get("options", "")
    return f"{ours} {theirs if isinstance(theirs, str) else ' '.join(theirs)}".strip()


def _prepare(connection: Any, _record: Any) -> None:
    """Raises NotDurable."""
    connection.prepared_max = PREPARED
    found = dict(connection.execute(_SETTINGS).fetchall())
    if found["fsync"] != "on":
        connection.close()
        raise NotDurable(
            "it runs with fsync=off and would lose acknowledged records: set fsync=on in its postgresql.conf"
        )
    if found["synchronous_commit"] in _WEAK:
        connection.execute("SET synchronous_commit = 'on'")
    connection.commit()


_SETTINGS: Final = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')"
