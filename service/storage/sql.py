"""Positional SQL for what is done thousands of times a second, spelt once for both engines.

Rows travel as tuples, lists of ids in chunks whose lengths are powers of two: few distinct
statements, each prepared once by the driver.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service.storage.copying import LEAST, Copy, copy_rows, plan_copy
from service.storage.direct import are_sent_together, execute_direct, send_together

CHUNK: Final = 512
"""Most ids in one IN list: far below every engine's limit of parameters."""

ROWS: Final = 256
"""Most rows in one INSERT."""

FEW: Final = 256
"""Records up to which it costs less not to wait for the answer to each statement than to copy rows."""

_VALUES: Final = re.compile(r"VALUES (\([?, :\w]+\))")
Tuples = Sequence[tuple[Any, ...]]


@cache
def spell(statement: str, paramstyle: str) -> str:
    """`statement`, written with `?`, as the driver wants it."""
    return statement if paramstyle == "qmark" else statement.replace("%", "%%").replace("?", "%s")


def execute(conn: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    """Run one statement with `?` parameters."""
    return conn.exec_driver_sql(spell(statement, conn.dialect.paramstyle), values)


def execute_raw(conn: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    """The same by the driver's own cursor: a commit of few records is fifty statements, and what SQLAlchemy does around
    each costs more than most of them. Raises the same errors."""
    if conn.dialect.name != "sqlite":
        return execute_direct(conn, statement, values)
    if not conn.in_transaction():
        conn.begin()
    return execute_sqlite(conn, statement, values)


def execute_sqlite(conn: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    """A statement on SQLite's own cursor, whether a transaction has begun or not. Raises what SQLAlchemy raises."""
    try:
        return conn.connection.cursor().execute(statement, values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True) from error


def insert_many(conn: Connection, statement: str, rows: Tuples) -> None:
    """Run one `INSERT ... VALUES (?, ...) ...` for all rows, many to a statement; nothing for none.

    The driver gives the interpreter lock away at every step of a statement; a step per row would
    have the writer queue up behind every other thread of the process a thousand times per commit.
    """
    if len(rows) >= LEAST and conn.dialect.name == "postgresql" and not are_sent_together(conn):
        plan = plan_copy(statement)
        rows = _copy_new(conn, plan, rows) if plan else rows
    for cursor in _execute_rows(conn, statement, rows):
        cursor.close()


def together(conn: Connection, records: int) -> AbstractContextManager[None]:
    """What is written of so many records, and read, within the block: PostgreSQL gets few in one go, without an answer
    to one statement before the next. Only the functions of this module may be used, and not `execute`."""
    if conn.dialect.name == "sqlite" or records > FEW:
        return nullcontext()
    return send_together(conn)


def _copy_new(conn: Connection, plan: Copy, rows: Tuples) -> Tuples:
    """Copy rows whose keys are not there yet; returns the others: the statement says what becomes of them."""
    if not plan.key:
        copy_rows(conn, plan, rows)
        return ()
    keys = [tuple(row[at] for at in plan.key) for row in rows]
    taken = {key for cursor in _execute_rows(conn, plan.seek, keys) for key in cursor.fetchall()}
    fresh, others = [], []
    for key, row in zip(keys, rows, strict=True):
        if key in taken:
            others.append(row)
        else:
            taken.add(key)
            fresh.append(row)
    copy_rows(conn, plan, fresh)
    return others


def _execute_rows(conn: Connection, statement: str, rows: Tuples) -> Iterator[Any]:
    """Run a statement with one group of values for all rows."""
    at = 0
    while at < len(rows):
        count = min(ROWS, 1 << (len(rows) - at).bit_length() - 1)
        yield execute_raw(conn, _repeat(statement, count), tuple(chain.from_iterable(rows[at : at + count])))
        at += count


@cache
def _repeat(statement: str, count: int) -> str:
    """The statement with its one group of values `count` times."""
    before, values, after = _VALUES.split(statement)
    return before + "VALUES " + ", ".join([values] * count) + after


def select_in(conn: Connection, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement whose `(??)` stands for a list of values of any length."""
    for cursor in _execute_in(conn, statement, values):
        rows = cursor.fetchall()
        cursor.close()
        yield from rows


def delete_in(conn: Connection, statement: str, values: Sequence[Any]) -> None:
    """Run a DELETE whose `(??)` stands for a list of values of any length."""
    for cursor in _execute_in(conn, statement, values):
        cursor.close()


def _execute_in(conn: Connection, statement: str, values: Sequence[Any]) -> Iterator[Any]:
    for at in range(0, len(values), CHUNK):
        chunk = tuple(values[at : at + CHUNK])
        width = 1 << (len(chunk) - 1).bit_length()
        padded = chunk + (chunk[-1],) * (width - len(chunk))
        yield execute_raw(conn, _widen(statement, width), padded)


@cache
def _widen(statement: str, width: int) -> str:
    return statement.replace("(??)", f"({', '.join('?' * width)})")
