"""The table of entries is cut into partitions on PostgreSQL, ahead of need and without losing a byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.bootstrap import Service
from service.storage.appending import Appending
from service.storage.engine import DatabaseError, Store
from service.storage.schema import migrate, newest_step
from service.storage.sql import execute
from service.storage.tables import DERIVED, KEPT
from service.usecases.fsck import check_database
from service.usecases.submit import Submission
from tests.service.test_export import long_world
from tests.support.server import candidates, database_url, downgrade, dump, list_partitions, new_service, upgrade
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("engine")

WIDTH = 64
SIZE = 300


@pytest.fixture(scope="module")
def world() -> World:
    return long_world(SIZE)


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    """A log whose partitions are small."""
    first = Store(database_url(tmp_path))
    migrate(first, width=WIDTH)
    first.close()
    service = new_service(tmp_path, world)
    yield service
    service.close()


def fill(service: Service, world: World, *sizes: int) -> None:
    """Append until the log has each of these sizes, a commit for each."""
    book = service.open_log()
    for size in sizes:
        items = candidates(world, service, book.head.size, size)
        (done,) = book.submit([Submission(items)], world.now * 1000)
        assert [one.status for one in done.outcomes] == ["created"] * len(items)


def partitions(store: Store) -> list[str]:
    with store.reading() as conn:
        return list_partitions(conn)


def names(count: int) -> list[str]:
    return [f"entries_{n * WIDTH:015}" for n in range(count)]


def entries(store: Store) -> list[bytes]:
    return [row[1] for row in dump(store, ["entries"])["entries"]]


def test_there_is_always_one_partition_ahead(service: Service, world: World) -> None:
    store, sqlite = service.store, service.store.sqlite
    assert partitions(store) == ([] if sqlite else names(2)), "one for the genesis and one ahead"
    for size, count in ((2, 2), (63, 2), (64, 2), (65, 3), (66, 3), (128, 3), (129, 4), (SIZE, 6)):
        fill(service, world, size)
        assert partitions(store) == ([] if sqlite else names(count)), size
    assert [entry.split(b" ")[1] for entry in entries(store)] == [entry.split(b" ")[1] for entry in world.log]
    assert check_database(store, service.file, service.signer, now=world.now + 5000).sound
    with store.reading() as conn:
        rows = execute(conn, "SELECT seq FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq", (60, 132)).fetchall()
    assert [row[0] for row in rows] == list(range(60, 132))


def test_one_commit_fills_several(service: Service, world: World) -> None:
    fill(service, world, SIZE)
    assert partitions(service.store) == ([] if service.store.sqlite else names(6))
    assert len(entries(service.store)) == SIZE


def test_partition_of_a_commit_that_failed_is_made_again(service: Service, world: World) -> None:
    fill(service, world, 64)

    class Failing(Appending):
        def commit(self) -> None:
            raise OSError

    service.appending = Failing
    with pytest.raises(OSError):  # noqa: PT011  # ours
        fill(service, world, 70)
    assert len(entries(service.store)) == 64
    assert partitions(service.store) == ([] if service.store.sqlite else names(2))
    service.appending = Appending
    fill(service, world, 70, 200)
    assert partitions(service.store) == ([] if service.store.sqlite else names(5))


def test_new_partitions_wait_for_no_reader_and_keep_none_waiting(service: Service, world: World) -> None:
    fill(service, world, 60)
    with service.store.reading() as reader:
        assert execute(reader, "SELECT count(*) FROM entries").scalar_one() == 60
        done = threading.Thread(target=fill, args=(service, world, 200))
        done.start()
        done.join(30)
        assert not done.is_alive()
        assert execute(reader, "SELECT count(*) FROM entries").scalar_one() == 60
    assert len(entries(service.store)) == 200


def test_no_entry_far_from_the_others_and_no_room_for_it(service: Service, world: World) -> None:
    fill(service, world, 10)
    if service.store.sqlite:
        return
    with pytest.raises(DatabaseError, match="no partition"), service.store.writing() as conn:
        execute(conn, "INSERT INTO entries (seq, entry) VALUES (?, ?)", (10_000, b"far"))
    with service.store.writing() as conn:
        assert execute(conn, "SELECT lodeline_extend_entries(?)", (1 << 62,)).scalar_one() < 102 * WIDTH
        conn.rollback()


def test_migration_keeps_every_byte_in_both_directions(tmp_path: Path, world: World) -> None:
    store = Store(database_url(tmp_path))
    upgrade(store, "0007")
    assert partitions(store) == []
    with store.writing() as conn:
        for seq, entry in enumerate(world.log):
            execute(conn, "INSERT INTO entries (seq, entry) VALUES (?, ?)", (seq, entry))
    assert migrate(store, width=WIDTH) == ("0007", newest_step())
    assert entries(store) == world.log
    rest = names(6)[5:]
    assert partitions(store) == ([] if store.sqlite else ["entries_000000000000000", *rest]), "as one table, then more"
    downgrade(store, "0007")
    assert partitions(store) == []
    assert entries(store) == world.log
    store.close()


def test_the_same_rows_on_one_table_and_on_many(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 150)
    (tmp_path / "wide").mkdir()
    wide = new_service(tmp_path / "wide", world)
    fill(wide, world, 150)
    tables = [name for name in (*KEPT, *DERIVED) if name != "meta"]
    assert dump(wide.store, tables) == dump(service.store, tables)
    wide.close()
