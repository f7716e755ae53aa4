"""The derived tables as a whole: dropping and making them, and comparing two sets of them row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, Text, collate, select

from service.storage.roles import renew_rights
from service.storage.tables import DERIVED, METADATA

MAX_DIFFERENCES = 20
"""Per table: whoever has that many is rebuilt, not mended."""


class Difference(NamedTuple):
    """A row that is missing, superfluous or has another value; key: of the row."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    computed: tuple[Any, ...] | None


def recreate_derived(conn: Connection) -> None:
    """Drop every derived table and make it anew, empty, with the rights that others had on it."""
    tables = [METADATA.tables[name] for name in DERIVED]
    METADATA.drop_all(conn, tables=tables)
    METADATA.create_all(conn, tables=tables)
    renew_rights(conn)


def iterate_rows(conn: Connection, name: str) -> Iterator[tuple[Any, ...]]:
    """All rows of a table in the order of its key, the same on every engine."""
    table = METADATA.tables[name]
    order = [_by_code_point(conn, column) for column in table.primary_key]
    for row in conn.execute(select(table).order_by(*order), execution_options={"yield_per": 1000}):
        yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def compare_derived(stored: Connection, computed: Connection) -> list[Difference]:
    """What distinguishes the derived tables of two databases, at most `MAX_DIFFERENCES` rows of each table."""
    found: list[Difference] = []
    for name in DERIVED:
        differences = _compare(METADATA.tables[name], iterate_rows(stored, name), iterate_rows(computed, name))
        found += [one for one, _ in zip(differences, range(MAX_DIFFERENCES), strict=False)]
    return found


def _compare(table: Table, stored: Iterator[Any], computed: Iterator[Any]) -> Iterator[Difference]:
    """A merge of two sorted runs."""
    places = [list(table.columns).index(column) for column in table.primary_key]
    left, right = next(stored, None), next(computed, None)
    while left is not None or right is not None:
        left_key = tuple(left[i] for i in places) if left is not None else None
        right_key = tuple(right[i] for i in places) if right is not None else None
        if left_key == right_key:
            if left != right and left_key is not None:
                yield Difference(table.name, left_key, left, right)
            left, right = next(stored, None), next(computed, None)
        elif right_key is None or (left_key is not None and left_key < right_key):
            yield Difference(table.name, left_key or (), left, None)
            left = next(stored, None)
        else:
            yield Difference(table.name, right_key, None, right)
            right = next(computed, None)


def _by_code_point(conn: Connection, column: Any) -> Any:
    return collate(column, "C") if conn.dialect.name == "postgresql" and isinstance(column.type, Text) else column
