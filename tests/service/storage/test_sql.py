"""Positional SQL: many rows and many ids to a statement, and the errors of the engine under one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.storage.engine import DatabaseError, Store
from service.storage.schema import migrate
from service.storage.sql import CHUNK, ROWS, delete_in, execute, insert_many, select_in
from tests.support.engines import database_url

pytestmark = pytest.mark.usefixtures("engine")

_INSERT = "INSERT INTO record_ids (prefix, seq) VALUES (?, ?)"
_SELECT = "SELECT seq FROM record_ids WHERE prefix IN (??)"


def test_rows_and_ids_of_any_number(tmp_path: Path) -> None:
    store = Store(database_url(tmp_path))
    migrate(store)
    rows = [(n, n) for n in range(2 * ROWS + 3)]
    with store.writing() as conn:
        insert_many(conn, _INSERT, [])
        insert_many(conn, _INSERT, rows)
    with store.reading() as conn:
        assert sorted(row[0] for row in select_in(conn, _SELECT, range(-3, CHUNK + 1))) == list(range(CHUNK + 1))
        assert list(select_in(conn, _SELECT, [])) == []
    with store.writing() as conn:
        delete_in(conn, "DELETE FROM record_ids WHERE seq IN (??)", range(1, len(rows)))
    with store.reading() as conn:
        assert list(execute(conn, "SELECT prefix, seq FROM record_ids")) == [(0, 0)]
    store.close()


def test_a_fault_of_the_engine_has_one_name_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(database_url(tmp_path))
    migrate(store)
    with pytest.raises(DatabaseError), store.writing() as conn:
        insert_many(conn, _INSERT, [(1, 1), (2, 2), (1, 1)])  # the last row goes into a statement of its own
    with pytest.raises(DatabaseError), store.reading() as conn:
        list(select_in(conn, "SELECT seq FROM nowhere WHERE seq IN (??)", [1]))
    with store.reading() as conn:
        assert list(select_in(conn, _SELECT, [1, 2, 3])) == []
    store.close()
