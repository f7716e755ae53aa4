"""Many new rows into PostgreSQL by binary COPY, in a fifth of the time that an INSERT takes of either side.

Where a row may be there already, an INSERT says what to do then (`ON CONFLICT`). For that the server locks and looks
up each row on its own: what is there is asked for first, and what is not is copied. A few rows are faster as an INSERT.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Text

from service.storage.direct import refuse, take_driver
from service.storage.tables import METADATA

LEAST: Final = 16
"""Rows from which on copying is worth its two round trips more."""

_INSERT: Final = re.compile(
    r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \([?, ]+\)(?: ON CONFLICT \(([\w, ]+)\) DO (?:NOTHING|UPDATE SET .+))?"
)
_TYPES: Final = {
    BigInteger: "int8",
    Integer: "int4",
    SmallInteger: "int2",
    LargeBinary: "bytea",
    Text: "text",
    Boolean: "bool",
}


class Copy(NamedTuple):
    """statement: COPY; types: of its columns, as the server calls them; key: places in a row of what is unique, where
    there may be conflicts; seek: which of some keys (`VALUES (?, ...)`) are there."""

    statement: str
    types: tuple[str, ...]
    key: tuple[int, ...] = ()
    seek: str = ""


@cache
def plan_copy(statement: str) -> Copy | None:
    """What copies the rows of this INSERT; None when it is no such one into a table of ours."""
    found = _INSERT.fullmatch(statement)
    if found is None or found[1] not in METADATA.tables:
        return None
    table, columns = found[1], found[2].split(", ")
    types = tuple(_TYPES[type(METADATA.tables[table].columns[name].type)] for name in columns)
    copy = Copy(f"COPY {table} ({found[2]}) FROM STDIN (FORMAT BINARY)", types)
    if not found[3]:
        return copy
    names = found[3].split(", ")
    given = f"(VALUES ({', '.join(f'?::{types[columns.index(name)]}' for name in names)})) AS given ({found[3]})"
    # OFFSET 0: each is looked up in the index, also when the server planned this while the table was small.
    there = " AND ".join(f"{table}.{name} = given.{name}" for name in names)
    seek = f"SELECT {found[3]} FROM {given} WHERE EXISTS (SELECT FROM {table} WHERE {there} OFFSET 0)"  # noqa: S608  # ours
    return copy._replace(key=tuple(map(columns.index, names)), seek=seek)


def copy_rows(conn: Connection, plan: Copy, rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy all rows, in the transaction of the connection. Raises the errors of a statement."""
    driver = take_driver(conn)
    try:
        with driver.cursor() as cursor, cursor.copy(plan.statement) as copy:
            copy.set_types(plan.types)
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise refuse(conn, plan.statement, error) from error
