"""Positional SQL: many rows and many ids to a statement, and the errors of the engine under one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.storage.engine import DatabaseError, Store
from service.storage.schema import migrate
from service.storage.sql import CHUNK, FEW, ROWS, delete_in, execute, execute_raw, insert_many, select_in, together
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


@pytest.mark.parametrize("records", [1, FEW, FEW + 1])
def test_what_is_sent_together_is_there_for_whoever_reads(tmp_path: Path, records: int) -> None:
    store = Store(database_url(tmp_path))
    migrate(store)
    rows = [(n, n) for n in range(ROWS + 3)]
    with store.writing() as conn, together(conn, records):
        insert_many(conn, _INSERT, rows)
        assert sorted(select_in(conn, _SELECT, [0, 1, ROWS, ROWS + 3])) == [(0,), (1,), (ROWS,)]
        delete_in(conn, "DELETE FROM record_ids WHERE seq IN (??)", [1])
        assert list(select_in(conn, _SELECT, [0, 1])) == [(0,)]
        execute_raw(conn, "UPDATE record_ids SET seq = ? WHERE prefix = ?", (7, 0))
    with store.reading() as conn:
        assert execute(conn, "SELECT count(*) FROM record_ids").scalar_one() == ROWS + 2
        assert list(select_in(conn, _SELECT, [0, 1])) == [(7,)]
    store.close()


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("records", [1, FEW + 1])
def test_what_is_sent_together_fails_together(tmp_path: Path, records: int, reads: bool) -> None:
    """At the latest behind the block, whether somebody asked for rows within or not; then the store goes on."""
    store = Store(database_url(tmp_path))
    migrate(store)

    def write_one_twice() -> None:
        with store.writing() as conn, together(conn, records):
            for n in (1, 1, 2):
                insert_many(conn, _INSERT, [(n, n)])
            if reads:
                list(select_in(conn, _SELECT, [2]))

    with pytest.raises(DatabaseError):
        write_one_twice()
    with store.writing() as conn, together(conn, records):
        assert list(select_in(conn, _SELECT, [1, 2])) == []
        insert_many(conn, _INSERT, [(2, 2)])
    with store.reading() as conn:
        assert list(select_in(conn, _SELECT, [1, 2])) == [(2,)]
    store.close()
