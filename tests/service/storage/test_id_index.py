"""Ids of records wait in tiles, then go into the index; where each is follows from the size of the log alone."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest

from service.storage import id_index
from service.storage.engine import Store
from service.storage.id_index import append_ids, find_entries, is_filed
from service.storage.schema import migrate, newest_step
from service.storage.sql import execute, insert_many
from service.storage.tree import insert_entries
from service.usecases.fsck import check_database
from service.usecases.replay import find_differences, rebuild
from service.usecases.submit import Submission
from tests.service.test_export import long_world
from tests.support.server import SIGNER, candidates, database_url, downgrade, dump, new_service, upgrade

pytestmark = pytest.mark.usefixtures("engine")

TABLES = ["record_ids", "id_tiles"]
SIZE = 60
ENTRIES = [b"%d jws-%d" % (1_700_000_000_000 + n, n) for n in range(SIZE)]
IDS = [hashlib.sha256(entry.split(b" ")[1]).hexdigest() for entry in ENTRIES]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_index, "TILE", 4)
    monkeypatch.setattr(id_index, "SPAN", 16)


def prefix(record_id: str) -> int:
    return int.from_bytes(bytes.fromhex(record_id[:16]), "big", signed=True)


def expected(size: int) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold, by their definition."""
    indexed = size // 16 * 16
    rows = sorted((prefix(one), seq) for seq, one in enumerate(IDS[:indexed]))
    tiles = [
        (n // 4, b"".join(bytes.fromhex(one[:16]) for one in IDS[n : min(n + 4, size)]))
        for n in range(indexed, size, 4)
    ]
    return {"record_ids": rows, "id_tiles": tiles}


def append(store: Store, *sizes: int) -> None:
    """Append until there are so many, a transaction for each."""
    for size in sizes:
        with store.writing() as conn:
            first = int(execute(conn, "SELECT coalesce(max(seq) + 1, 0) FROM entries").scalar_one())
            insert_entries(conn, first, ENTRIES[first:size])
            append_ids(conn, first, IDS[first:size])


@pytest.mark.parametrize(
    "sizes",
    [
        range(1, SIZE + 1),
        [SIZE],
        [3, 4, 5, 15, 16, 17, 32, 33, 48, 60],
        [14, 18, 31, 32, 59],
        [1, 16, 32, 48],
        [5, 55],
    ],
)
def test_what_is_where_follows_from_the_size(store: Store, sizes: list[int]) -> None:
    for size in sizes:
        append(store, size)
        assert dump(store, TABLES) == expected(size), size
        with store.reading() as conn:
            assert [one for one in range(size + 3) if is_filed(conn, one)] == filed_as(size)


def filed_as(size: int) -> list[int]:
    """The sizes of logs that have the same tiles as one of this size: where no id waits there are none."""
    return [size] if size % 16 else [one for one in range(size + 3) if one % 16 == 0]


@pytest.mark.parametrize("size", [1, 15, 16, 17, 40, 60])
def test_every_record_is_found_and_no_other(store: Store, size: int) -> None:
    append(store, size)
    with store.reading() as conn:
        assert find_entries(conn, IDS) == {IDS[n]: (n, ENTRIES[n]) for n in range(size)}
        for n, record_id in enumerate(IDS):
            assert find_entries(conn, [record_id]) == ({record_id: (n, ENTRIES[n])} if n < size else {})
        assert find_entries(conn, []) == {}


@pytest.mark.parametrize("at", [3, 20])
def test_an_id_that_begins_the_same_is_another_record(store: Store, at: int) -> None:
    """In the index and in the tiles."""
    append(store, 21)
    other = IDS[at][:16] + "0" * 48
    with store.reading() as conn:
        assert find_entries(conn, [other]) == {}
        assert list(find_entries(conn, [other, IDS[at]])) == [IDS[at]]


def test_migration_moves_the_newest_ids_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # a step has its own widths
    size = 34_000
    prefixes = [prefix(hashlib.sha256(b"%d" % n).hexdigest()) for n in range(size)]
    rows = [(one, n) for n, one in enumerate(prefixes)]
    store = Store(database_url(tmp_path))
    upgrade(store, "0009")
    with store.writing() as conn:
        execute(conn, "INSERT INTO entries (seq, entry) VALUES (?, ?)", (size - 1, b"the last one"))
        insert_many(conn, "INSERT INTO record_ids (prefix, seq) VALUES (?, ?)", rows)
    before = dump(store, ["record_ids"])
    assert migrate(store) == ("0009", newest_step())
    after = dump(store, TABLES)
    assert after["record_ids"] == sorted(rows[:32_768])
    assert [(n, len(ids)) for n, ids in after["id_tiles"]] == [(32, 8192), (33, 8 * (34_000 - 33_792))]
    assert b"".join(ids for _, ids in after["id_tiles"]) == struct.pack(">1232q", *prefixes[32_768:])
    downgrade(store, "0009")
    assert dump(store, ["record_ids"]) == before
    store.close()


def test_a_log_and_its_rebuilt_tables_have_the_same(tmp_path: Path) -> None:
    """Commits of any size, and the replay's chunks."""
    world = long_world(90)
    service = new_service(tmp_path, world)
    book = service.open_log()
    for size in (2, 17, 18, 31, 33, 90):
        items = candidates(world, service, book.head.size, size)
        (done,) = book.submit([Submission(items)], world.now * 1000)
        assert {one.status for one in done.outcomes} == {"created"}
    again = candidates(world, service, 0, 90)
    (done,) = book.submit([Submission(again)], world.now * 1000)
    assert [(one.status, one.index) for one in done.outcomes] == [("existing", n) for n in range(90)]
    before = dump(service.store, TABLES)
    assert [len(before[name]) for name in TABLES] == [80, 3]
    rebuild(service.store, SIGNER.verifier)
    assert dump(service.store, TABLES) == before
    for table in TABLES:
        assert check_database(service.store, service.file, service.signer, now=world.now + 5000).sound
        with service.store.writing() as conn:
            execute(conn, f"DELETE FROM {table}")
        assert {one.table for one in find_differences(service.store)} == {table}
        rebuild(service.store, SIGNER.verifier)
        assert dump(service.store, TABLES) == before
    service.close()


@pytest.mark.parametrize("size", [16, 48])
def test_a_log_that_ends_where_no_id_waits(tmp_path: Path, size: int) -> None:
    world = long_world(60)
    service = new_service(tmp_path, world)
    service.open_log().submit([Submission(candidates(world, service, 1, size))], world.now * 1000)
    before = dump(service.store, TABLES)
    assert [len(before[name]) for name in TABLES] == [size, 0]
    assert check_database(service.store, service.file, service.signer, now=world.now + 5000).sound
    rebuild(service.store, SIGNER.verifier)
    assert dump(service.store, TABLES) == before
    (done,) = service.open_log().submit([Submission(candidates(world, service, 0, size + 1))], world.now * 1000)
    assert [one.status for one in done.outcomes] == ["existing"] * size + ["created"]
    assert dump(service.store, TABLES)["record_ids"] == before["record_ids"]
    service.close()
