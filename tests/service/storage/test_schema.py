"""Migrations and declarations are the same tables, and the engine is set up to be durable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from service.storage.engine import DatabaseError, Store
from service.storage.schema import current_step, migrate, newest_step
from service.storage.sql import execute, insert_many, spell
from service.storage.tables import DERIVED, KEPT, METADATA
from tests.support.server import database_url, list_partitions

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(database_url(tmp_path))
    yield store
    store.close()


def test_migrations_make_the_declared_tables(store: Store) -> None:
    with store.reading() as conn:
        assert current_step(conn) is None
    assert migrate(store) == (None, newest_step())
    with store.reading() as conn:
        assert current_step(conn) == newest_step()
        partitions = list_partitions(conn)
        opts = {"compare_type": True, "include_name": lambda name, *_: name not in partitions}
        assert compare_metadata(MigrationContext.configure(conn, opts=opts), METADATA) == []
        tables = {*METADATA.tables, *partitions, "alembic_version"}
        assert set(inspect(conn).get_table_names()) == tables


def test_migrating_twice_changes_nothing(store: Store) -> None:
    migrate(store)
    assert migrate(store) == (newest_step(), newest_step())


def test_every_table_is_either_kept_or_derived() -> None:
    assert set(DERIVED) | set(KEPT) == set(METADATA.tables)
    assert not set(DERIVED) & set(KEPT)


def test_engine_is_durable(store: Store) -> None:
    migrate(store)
    if not store.sqlite:
        with store.writing() as conn:
            assert conn.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        return
    with store.reading() as conn:
        pragmas = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in (
                "journal_mode",
                "synchronous",
                "page_size",
                "wal_autocheckpoint",
                "foreign_keys",
                "secure_delete",
            )
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "page_size": 8192,
        "wal_autocheckpoint": 4000,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_write_that_raises_leaves_nothing(store: Store) -> None:
    migrate(store)
    with pytest.raises(DatabaseError), store.writing() as conn:
        insert_many(conn, "INSERT INTO meta VALUES (?, ?)", [("a", "b"), ("a", "c")])
    with store.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 0


def test_reader_keeps_its_snapshot_while_another_writes(store: Store) -> None:
    migrate(store)
    with store.reading() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 0
        with store.writing() as writer:
            execute(writer, "INSERT INTO meta VALUES (?, ?)", ("a", "b"))
        assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 0
    with store.reading() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 1


def test_parameters_are_spelt_for_the_driver() -> None:
    statement = "SELECT '%' WHERE a = ?"
    assert spell(statement, "qmark") == statement
    assert spell(statement, "pyformat") == "SELECT '%%' WHERE a = %s"
