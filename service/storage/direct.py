"""Statements as they are to PostgreSQL's driver, in the transaction of a connection of SQLAlchemy.

What SQLAlchemy does around each statement costs more than most of them. Parameters are numbered (`$1`), so that the
driver need not look for them in a text of thousands; results come in the binary format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, StatementError

_SEVERAL: Final = "(one of several that were sent together)"


def execute_direct(conn: Connection, statement: str, values: tuple[Any, ...]) -> psycopg.RawCursor[Any]:
    """Run one statement with `?` parameters, in the transaction of the connection. Raises what SQLAlchemy raises."""
    raw = take_driver(conn)
    try:
        return psycopg.RawCursor(raw).execute(_number(statement), list(map(_untyped, values)), binary=True)
    except psycopg.Error as error:
        raise refuse(conn, statement, error) from error


@contextmanager
def send_together(conn: Connection) -> Iterator[None]:
    """Within the block a statement leaves before the one before it was answered; who asks for rows waits for all so
    far. An error may come up later, at the latest behind the block. There is no COPY within."""
    try:
        with take_driver(conn).pipeline():
            yield
    except psycopg.Error as error:
        raise refuse(conn, _SEVERAL, error) from error


def are_sent_together(conn: Connection) -> bool:
    """Whether statements are."""
    return take_driver(conn).pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF


def take_driver(conn: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, for SQLAlchemy in a transaction from now on."""
    if not conn.in_transaction():
        conn.begin()
    driver: psycopg.Connection[Any] = conn.connection.dbapi_connection  # type: ignore[assignment]  # by the URL
    return driver


def refuse(conn: Connection, statement: str, error: psycopg.Error) -> StatementError:
    """The same as an error of SQLAlchemy's; a connection that broke is not used again."""
    raw = conn.connection.dbapi_connection
    if raw is None or raw.closed:
        conn.invalidate(error)
    return DBAPIError.instance(statement, None, error, psycopg.Error, hide_parameters=True)


def _untyped(value: Any) -> Any:
    """Numbers as literals: with types of their own, each width of a number and each NULL in its place would make it
    another statement, to be prepared anew."""
    return str(value) if type(value) is int else value


@cache
def _number(statement: str) -> bytes:
    first, *rest = statement.split("?")
    return (first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))).encode()
