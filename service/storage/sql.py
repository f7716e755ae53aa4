"""Positional SQL for what is done thousands of times a second, spelt once for both engines.

Rows travel as tuples, lists of ids in chunks whose lengths are powers of two: few distinct
statements, each prepared once by the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

CHUNK: Final = 512
"""Most ids in one IN list: far below every engine's limit of parameters."""

Tuples = Sequence[tuple[Any, ...]]


@cache
def spell(statement: str, paramstyle: str) -> str:
    """`statement`, written with `?`, as the driver wants it."""
    return statement if paramstyle == "qmark" else statement.replace("%", "%%").replace("?", "%s")


def execute(conn: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    """Run one statement with `?` parameters."""
    return conn.exec_driver_sql(spell(statement, conn.dialect.paramstyle), values)


def execute_many(conn: Connection, statement: str, rows: Tuples) -> None:
    """Run one statement for each tuple; nothing for none."""
    if rows:
        conn.exec_driver_sql(spell(statement, conn.dialect.paramstyle), list(rows))


def select_in(conn: Connection, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement whose `(??)` stands for a list of values of any length."""
    for at in range(0, len(values), CHUNK):
        chunk = tuple(values[at : at + CHUNK])
        width = 1 << (len(chunk) - 1).bit_length()
        padded = chunk + (chunk[-1],) * (width - len(chunk))
        yield from execute(conn, _widen(statement, width), padded).fetchall()


@cache
def _widen(statement: str, width: int) -> str:
    return statement.replace("(??)", f"({', '.join('?' * width)})")
