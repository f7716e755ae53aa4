"""What every connection to PostgreSQL is bound to: durable commits, bounded waits, and one migration at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from service.config import Limits, Settings
from service.storage.engine import DatabaseError, Session, Store
from service.storage.postgres import NotDurable
from service.storage.schema import migrate, newest_step
from service.storage.sql import execute
from tests.support.engines import database_url
from tests.support.postgres import Cluster, NoPostgres, administer, missing

pytestmark = pytest.mark.usefixtures("postgres")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url(tmp_path)


def show(store: Store, name: str, *, write: bool = False) -> str:
    with store.writing() if write else store.reading() as conn:
        return str(conn.exec_driver_sql(f"SHOW {name}").scalar_one())


@pytest.mark.parametrize(
    ("told", "used"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply",) * 2]
)
def test_a_commit_waits_for_the_disk_whatever_the_database_says(url: str, told: str, used: str) -> None:
    target = make_url(url)
    with administer(target) as conn:
        conn.execute(f'ALTER DATABASE "{target.database}" SET synchronous_commit = {told}')
    store = Store(url)
    assert show(store, "synchronous_commit") == used
    assert show(store, "synchronous_commit", write=True) == used
    store.close()
    with administer(target) as conn:
        conn.execute(f'ALTER DATABASE "{target.database}" RESET synchronous_commit')


def test_a_server_that_does_not_flush_is_refused(tmp_path: Path) -> None:
    try:
        careless = Cluster.create({"fsync": "off"})
    except NoPostgres as error:
        missing(error)
    try:
        store = Store(careless.url.render_as_string())
        with pytest.raises(NotDurable, match="set fsync=on"), store.reading():
            pass
        with pytest.raises(DatabaseError), store.writing():
            pass
        store.close()
    finally:
        careless.remove()


def test_limits_of_the_service_hold_on_every_connection(url: str) -> None:
    store = Store(url, Session(3, 2.5, 0.25))
    for write in (False, True):
        assert show(store, "statement_timeout", write=write) == "2500ms"
        assert show(store, "idle_in_transaction_session_timeout", write=write) == "2500ms"
        assert show(store, "lock_timeout", write=write) == "250ms"
    assert store.engine.pool.size() == 3  # type: ignore[attr-defined]  # a QueuePool
    store.close()
    assert Session() == (40, 0, 10), "maintenance takes the time that it takes"
    assert Settings().limits == Limits(database_connections=40, statement_seconds=120.0, lock_seconds=10.0)


def test_the_operator_may_know_better(url: str) -> None:
    wanted = make_url(url).update_query_dict({"options": "-c statement_timeout=7000"})
    store = Store(wanted.render_as_string(hide_password=False), Session(3, 2.5, 0.25))
    assert show(store, "statement_timeout") == "7s"
    assert show(store, "lock_timeout") == "250ms"
    store.close()


def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    store = Store(url, Session(statement_seconds=0.1))
    with pytest.raises(DatabaseError, match="statement timeout"), store.reading() as conn:
        conn.exec_driver_sql("SELECT pg_sleep(60)")
    with store.reading() as conn:
        assert execute(conn, "SELECT 1").scalar_one() == 1
    store.close()


@pytest.fixture
def two(url: str) -> Iterator[tuple[Store, Store]]:
    stores = Store(url, Session(lock_seconds=0.1)), Store(url, Session(lock_seconds=0.1))
    yield stores
    for store in stores:
        store.close()


def test_a_writer_does_not_wait_for_ever(two: tuple[Store, Store]) -> None:
    one, other = two
    migrate(one)
    with one.writing() as conn:
        execute(conn, "INSERT INTO meta VALUES (?, ?)", ("a", "b"))
        with pytest.raises(DatabaseError, match="lock timeout"), other.writing():
            pass
    with other.writing() as conn:
        assert execute(conn, "SELECT value FROM meta").scalar_one() == "b"


def test_a_writer_whose_connection_is_gone_takes_another(two: tuple[Store, Store]) -> None:
    store, other = two
    with store.writing() as conn:
        pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with other.writing() as conn:
        conn.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 10000)")
        conn.exec_driver_sql("SET LOCAL lock_timeout = 0")
    with store.writing() as conn:
        assert conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != pid
        with pytest.raises(DatabaseError), other.writing():  # it holds the lock
            pass


def test_of_two_migrations_one_waits_and_finds_nothing_to_do(two: tuple[Store, Store]) -> None:
    at_once = threading.Barrier(2)

    def run(store: Store) -> tuple[str | None, str]:
        at_once.wait()
        return migrate(store)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, two))
    assert sorted(done, key=str) == [(newest_step(), newest_step()), (None, newest_step())]


def test_a_migration_waits_for_a_writer_as_long_as_it_takes(two: tuple[Store, Store]) -> None:
    one, other = two
    with ThreadPoolExecutor(1) as pool:
        with one.writing() as conn:
            later = pool.submit(migrate, other)
            with pytest.raises(TimeoutError):
                later.result(0.3)
            execute(conn, "SELECT 1")
        assert later.result(30) == (None, newest_step())
    assert show(other, "lock_timeout", write=True) == "100ms"


def test_statements_are_prepared_and_stay_so(url: str) -> None:
    store = Store(url)
    for _ in range(8):
        with store.reading() as conn:
            execute(conn, "SELECT ? + 1", (41,)).scalar_one()
    with store.reading() as conn:
        prepared = execute(conn, "SELECT statement FROM pg_prepared_statements").scalars().all()
    assert any("+ 1" in statement for statement in prepared)
    store.close()
