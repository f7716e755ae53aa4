"""Copied rows are the rows that an INSERT writes."""

from __future__ import annotations

from typing import Any

import pytest

from service.storage.copying import LEAST, Copy, plan_copy
from service.storage.engine import DatabaseError, Store
from service.storage.sql import FEW, execute, execute_raw, insert_many, together
from tests.support.server import dump

pytestmark = pytest.mark.usefixtures("postgres")

ROWS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "entries": ("seq, entry", [(n, bytes([n % 256, 0, 255]) * n) for n in range(40)]),
    "record_ids": ("prefix, seq", [((-1) ** n * (1 << 62) + n, n) for n in range(40)]),
    "subject_records": ("subject, seq, moved", [(n, 7, n % 2 == 0) for n in range(40)]),
    "production": ("site, month, seq, type", [(n, 24_000, 5, "extract") for n in range(40)]),
    "lot_origins": ("lot, site, model", [(n, 1, None if n % 2 else "mass \\N\t\n'é") for n in range(40)]),
    "tiles": ("level, n, hashes", [(n, 3, b"\x00" * 32) for n in range(40)]),
}


def statement(table: str) -> str:
    columns = ROWS[table][0]
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(', ')))})"


@pytest.mark.parametrize("table", sorted(ROWS))
def test_copied_rows_are_inserted_rows(store: Store, table: str) -> None:
    rows = ROWS[table][1]
    with store.writing() as conn:
        insert_many(conn, statement(table), rows)
    copied = dump(store, [table])
    assert copied[table] == sorted(rows)
    with store.writing() as conn:
        conn.exec_driver_sql(f"DELETE FROM {table}")
        for at in range(0, len(rows), LEAST - 1):
            insert_many(conn, statement(table), rows[at : at + LEAST - 1])
    assert dump(store, [table]) == copied


def test_one_bad_row_and_none_is_there(store: Store) -> None:
    rows = ROWS["entries"][1]
    for bad in ((3, b"twice"), (50, None), (1 << 40, b"no partition")):
        with pytest.raises(DatabaseError), store.writing() as conn:
            insert_many(conn, statement("entries"), [*rows, bad])
        assert dump(store, ["entries"])["entries"] == []
    with store.writing() as conn:
        insert_many(conn, statement("entries"), rows)
    assert len(dump(store, ["entries"])["entries"]) == len(rows)


@pytest.mark.parametrize("records", [1, FEW + 1], ids=["together", "copied"])
def test_a_connection_that_is_lost_meanwhile(store: Store, records: int) -> None:
    def lose() -> None:
        with store.writing() as conn, together(conn, records):
            ((pid,),) = execute_raw(conn, "SELECT pg_backend_pid()").fetchall()
            with store.aside() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            insert_many(conn, statement("entries"), ROWS["entries"][1])

    with pytest.raises(DatabaseError):
        lose()
    with store.writing() as conn:
        insert_many(conn, statement("entries"), ROWS["entries"][1])
    assert len(dump(store, ["entries"])["entries"]) == 40


def test_a_row_that_is_there_already_is_for_the_statement(store: Store) -> None:
    new = [(n, 1, 100 + n, 24_000) for n in range(2 * LEAST)]
    old = [(n, 1, 7, 24_001) for n in range(0, 2 * LEAST, 3)]
    keep = (
        "INSERT INTO lot_parties (participant, lot, seq, month) VALUES (?, ?, ?, ?) ON CONFLICT (participant, lot) DO "
    )
    for what, left in (("NOTHING", old), ("UPDATE SET seq = excluded.seq, month = excluded.month", new)):
        with store.writing() as conn:
            execute(conn, "DELETE FROM lot_parties")
            insert_many(conn, keep + "NOTHING", old)
            insert_many(conn, keep + what, new)
        expected = {row[0]: row for row in new} | {row[0]: row for row in old if left is old}
        assert dump(store, ["lot_parties"])["lot_parties"] == sorted(expected.values())


def test_a_row_that_comes_twice_is_for_the_statement(store: Store) -> None:
    rows = [(n % LEAST, "digest", str(n)) for n in range(2 * LEAST)]
    keep = "INSERT INTO disclosures (seq, digest, text) VALUES (?, ?, ?) ON CONFLICT (seq, digest) DO "
    with store.writing() as conn:
        insert_many(conn, keep + "NOTHING", rows)
    assert dump(store, ["disclosures"])["disclosures"] == sorted(rows[:LEAST])
    with store.writing() as conn:
        execute(conn, "DELETE FROM disclosures")
        insert_many(conn, keep + "UPDATE SET text = excluded.text", rows)
    assert dump(store, ["disclosures"])["disclosures"] == sorted(rows[LEAST:])


def test_a_key_is_sought_in_the_index_however_small_the_table_was(store: Store) -> None:
    plan = plan_copy(
        "INSERT INTO lot_parties (participant, lot, seq, month) VALUES (?, ?, ?, ?) ON CONFLICT (participant, lot) "
        "DO NOTHING"
    )
    assert plan is not None
    with store.reading() as conn:
        told = [row[0] for row in execute_raw(conn, "EXPLAIN " + plan.seek, (1, 1)).fetchall()]
        assert any("Index Only Scan using lot_parties" in line for line in told)
        told = [row[0] for row in execute_raw(conn, "EXPLAIN SELECT * FROM lot_parties").fetchall()]
        assert not any("Index" in line for line in told)


def test_numbers_and_nulls_of_any_size_are_one_statement(store: Store) -> None:
    insert = "INSERT INTO lot_origins (lot, site, model) VALUES (?, ?, ?)"
    sites = [1, None, -(1 << 15), 1 << 31, -(1 << 63), None]
    with store.writing() as conn:
        execute(conn, "ALTER TABLE lot_origins ALTER site DROP NOT NULL")
        for lot, site in enumerate(sites):
            execute_raw(conn, insert, (lot, site, "mass"))
        prepared = execute_raw(conn, "SELECT statement FROM pg_prepared_statements").fetchall()
    assert [one for (one,) in prepared if "lot_origins" in one] == [
        "INSERT INTO lot_origins (lot, site, model) VALUES ($1, $2, $3)"
    ]
    assert [row[1] for row in dump(store, ["lot_origins"])["lot_origins"]] == sites


def test_what_is_no_such_insert_is_not_copied() -> None:
    assert plan_copy("INSERT INTO entries (seq, entry) VALUES (?, ?)") == Copy(
        "COPY entries (seq, entry) FROM STDIN (FORMAT BINARY)", ("int8", "bytea")
    )
    assert plan_copy("INSERT INTO tags (tag, lot) VALUES (?, ?) ON CONFLICT (tag) DO NOTHING") == Copy(
        "COPY tags (tag, lot) FROM STDIN (FORMAT BINARY)",
        ("text", "int8"),
        (0,),
        "SELECT tag FROM (VALUES (?::text)) AS given (tag) "
        "WHERE EXISTS (SELECT FROM tags WHERE tags.tag = given.tag OFFSET 0)",
    )
    assert plan_copy("INSERT INTO meta VALUES (?, ?)") is None
    assert plan_copy("INSERT INTO tags (tag, lot) VALUES (?, ?) RETURNING tag") is None
    assert plan_copy("INSERT INTO elsewhere (a, b) VALUES (?, ?)") is None
