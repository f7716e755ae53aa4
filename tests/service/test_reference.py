"""The operator's reference data: loaded once per day, never overwritten, handed to rules where they look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SnapshotError, SnapshotShrunk, TooLarge
from ledger.rules.reference import limits
from ledger.rules.reference.datasets import DATASETS
from ledger.rules.reference.snapshot import Missing, Snapshot, Stale
from service.adapters import reference_file
from service.errors import BadRequest, Conflict, Forbidden, NotFound
from service.storage.engine import Store
from service.storage.reference import file_reader, read_file
from service.storage.sql import execute
from service.usecases.reference import (
    Cache,
    StoredReferences,
    check_step,
    current_references,
    day_of,
    describe_datasets,
    list_snapshots,
    load_snapshot,
    read_snapshot,
)
from tests.ledger.rules.reference.files import FOLDER, read
from tests.service.test_manage import Operator, operator
from tests.support.server import database_url

pytestmark = pytest.mark.usefixtures("engine")

__all__ = ["operator"]  # a fixture of the operator's commands

NOW = 1_795_219_200  # 2026-11-21T00:00:00Z


def load(store: Store, dataset: str, published: str, raw: bytes | None = None, source: str = "tests") -> Any:
    data = read(dataset) if raw is None else raw
    return load_snapshot(store, dataset, data, published=published, source=source, now=NOW)


def orders(count: int) -> bytes:
    """A file with so many rows."""
    header, row = read("orders").decode().splitlines()[:2]
    return "\n".join([header, *(row.replace("12 February", f"{n} February") for n in range(count))]).encode()


def stored_bytes(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM reference_snapshots ORDER BY dataset, published").fetchall()
        files = conn.exec_driver_sql("SELECT * FROM reference_files ORDER BY digest").fetchall()
    return [tuple(row) for row in (*rows, *files)]


def test_snapshot_is_kept_as_it_came(store: Store) -> None:
    done = load(store, "orders", "2026-11-20")
    assert done.fresh
    stored = done.stored
    assert (stored.rows, stored.left_out, stored.size, stored.loaded) == (3, 0, len(read("orders")), NOW)
    assert read_snapshot(store, stored.digest) == read("orders")
    assert list_snapshots(store) == list_snapshots(store, "orders") == [stored]
    assert list_snapshots(store, "eiti") == []


def test_same_file_again_is_nothing_new_and_another_is_a_conflict(store: Store) -> None:
    first = load(store, "orders", "2026-11-20")
    before = stored_bytes(store)
    again = load(store, "orders", "2026-11-20", source="elsewhere")
    assert (again.fresh, again.stored) == (False, first.stored)
    with pytest.raises(Conflict, match="never overwritten") as caught:
        load(store, "orders", "2026-11-20", orders(3))
    assert caught.value.values == {"digest": first.stored.digest}
    assert stored_bytes(store) == before


def test_unchanged_file_of_a_later_day_is_a_snapshot_of_its_own(store: Store) -> None:
    first, second = load(store, "orders", "2026-11-19"), load(store, "orders", "2026-11-20")
    assert (second.fresh, second.stored.digest) == (True, first.stored.digest)
    with store.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM reference_files").scalar_one() == 1


def test_file_that_shrank_is_refused_and_nothing_is_stored(store: Store) -> None:
    load(store, "orders", "2026-11-18", orders(10))
    before = stored_bytes(store)
    with pytest.raises(SnapshotShrunk) as caught:
        load(store, "orders", "2026-11-20", orders(4))
    assert caught.value.values == {"rows": 4, "previous": 10}
    for raw in (b"", orders(0)):
        with pytest.raises(SnapshotError):
            load(store, "orders", "2026-11-20", raw)
    assert stored_bytes(store) == before
    assert load(store, "orders", "2026-11-17", orders(4)).fresh  # what came before is no measure for an older file
    assert load(store, "orders", "2026-11-20", orders(5)).fresh


@pytest.mark.parametrize("source", ["", "  ", "x" * 501, "a\nb"])
def test_source_is_said(store: Store, source: str) -> None:
    with pytest.raises(BadRequest, match="where the file is from"):
        load(store, "orders", "2026-11-20", source=source)
    assert stored_bytes(store) == []


def test_day_that_has_not_come(store: Store) -> None:
    assert day_of(NOW) == "2026-11-21"
    assert load(store, "orders", "2026-11-21").fresh
    with pytest.raises(BadRequest, match="2026-11-22 has not come yet"):
        load(store, "orders", "2026-11-22")


def test_licensed_file_is_not_handed_on(store: Store) -> None:
    done = load(store, "rmi_conformant", "2026-11-20")
    with pytest.raises(Forbidden, match="forbids handing it on"):
        read_snapshot(store, done.stored.digest)
    with pytest.raises(NotFound):
        read_snapshot(store, "0" * 64)


def test_every_data_set_is_described_with_its_age(store: Store) -> None:
    load(store, "ofac_sdn", "2026-11-19")
    load(store, "ofac_sdn", "2026-11-20")
    found = {one["dataset"]: one for one in describe_datasets(store, now=NOW, newest=2)}
    assert list(found) == list(DATASETS)
    ofac = found["ofac_sdn"]
    assert (ofac["age"], ofac["stale"], ofac["count"]) == (1, False, 2)
    assert [one["published"] for one in ofac["snapshots"]] == ["2026-11-20", "2026-11-19"]
    assert (found["eiti"]["age"], found["eiti"]["stale"], found["eiti"]["snapshots"]) == (None, True, [])
    (later,) = describe_datasets(store, now=NOW + 86_400, dataset="ofac_sdn")
    assert (later["age"], later["stale"], len(later["snapshots"])) == (2, True, 1)
    with pytest.raises(SnapshotError, match="no data set"):
        describe_datasets(store, now=NOW, dataset="ofac")


def references(store: Store, cache: Cache) -> StoredReferences:
    with store.reading() as conn:
        found = current_references(conn, cache)
    assert isinstance(found, StoredReferences)
    return found


def test_rules_are_given_what_was_published_by_then(store: Store) -> None:
    load(store, "ofac_sdn", "2026-11-18")
    newer = load(store, "ofac_sdn", "2026-11-20", read("ofac_sdn") + b"<!-- later -->")
    found = references(store, Cache())
    snapshot = found.require("ofac_sdn", "2026-11-20T12:00:00Z")
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.digest, snapshot.source, len(snapshot.rows)) == (newer.stored.digest, "tests", 3)
    assert isinstance(found.require("ofac_sdn", "2026-11-17"), Missing)
    assert isinstance(found.require("ofac_sdn", "2026-11-22"), Stale)
    assert isinstance(found.require("eiti", "2026-11-20"), Missing)
    assert [one.published for one in found] == ["2026-11-18", "2026-11-20"]
    load(store, "ofac_sdn", "2026-11-21")
    assert found.at("ofac_sdn", "2026-11-21") == snapshot  # one moment for the whole verdict
    assert references(store, Cache()).at("ofac_sdn", "2026-11-21") != snapshot
    with pytest.raises(SnapshotError):
        found.at("ofac", "2026-11-21")


def test_each_file_is_parsed_once_per_process(store: Store) -> None:
    load(store, "orders", "2026-11-19")
    load(store, "orders", "2026-11-20")
    cache = Cache()
    first, second = references(store, cache)
    assert first.rows is second.rows
    assert (first.published, second.published) == ("2026-11-19", "2026-11-20")
    assert references(store, cache).at("orders", "2026-11-19") is first


def test_cache_forgets_what_was_not_used_for_long(store: Store) -> None:
    for dataset in ("orders", "eiti", "prices"):
        load(store, dataset, "2026-11-20")
    cache = Cache(remembered=2)

    def rows(dataset: str) -> Any:
        snapshot = references(store, cache).at(dataset, "2026-11-20")
        assert snapshot is not None
        return snapshot.rows

    orders_, eiti = rows("orders"), rows("eiti")
    assert rows("orders") is orders_
    prices = rows("prices")
    assert rows("orders") is orders_
    assert rows("prices") is prices
    assert rows("eiti") is not eiti


def test_file_that_vanished_is_our_fault(store: Store) -> None:
    done = load(store, "orders", "2026-11-20")
    found = references(store, Cache())
    with store.writing() as conn:
        execute(conn, "DELETE FROM reference_files WHERE digest = ?", (done.stored.digest,))
    with store.reading() as conn:
        assert read_file(conn, done.stored.digest) is None
        assert file_reader(conn)(done.stored.digest) is None
    with pytest.raises(AssertionError):
        found.at("orders", "2026-11-20")


def test_files_are_read_on_the_connection_that_asked(store: Store) -> None:
    load(store, "orders", "2026-11-20")
    with store.reading() as conn:
        found = current_references(conn, Cache())
        assert found.at("orders", "2026-11-20") is not None
        assert store.engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # of QueuePool
    later = references(store, Cache())
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert later.at("orders", "2026-11-20") is not None


def test_database_of_another_step(tmp_path: Path, store: Store) -> None:
    check_step(store)
    (tmp_path / "empty").mkdir()
    empty = Store(database_url(tmp_path / "empty"))
    with pytest.raises(Conflict, match="migration step none"):
        check_step(empty)
    empty.close()


def test_file_on_disk_is_read_no_further_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"12345")
    assert reference_file.read_reference_file(path) == b"12345"
    monkeypatch.setattr(reference_file, "MAX_BYTES", 4)
    with pytest.raises(TooLarge, match="bytes of the file; at most 4"):
        reference_file.read_reference_file(path)
    assert limits.MAX_BYTES == 128 * 1024 * 1024


def test_operator_loads_lists_and_looks(operator: Operator) -> None:
    operator.state.mkdir()
    assert "lodeline-server migrate" in operator.run("reference", "status", code=1)
    operator.init()
    file = str(FOLDER / "orders.csv")
    words = ("reference", "load", "orders", file, "--published", "2026-01-05", "--source", "gazette")
    done = operator.json(*words)
    assert (done["dataset"], done["published"], done["rows"], done["new"]) == ("orders", "2026-01-05", 3, True)
    assert operator.json(*words)["new"] is False
    assert "digest" in operator.run(*words)
    assert operator.json("reference", "list", "orders")["snapshots"] == [
        {name: value for name, value in done.items() if name != "new"}
    ]
    shown = operator.run("reference", "list")
    assert done["digest"] in shown
    assert "gazette" in shown
    found = {one["dataset"]: one for one in operator.json("reference", "status")["datasets"]}
    assert (found["orders"]["count"], found["orders"]["stale"], found["eiti"]["count"]) == (1, True, 0)
    lines = {line.split()[0]: line.split() for line in operator.run("reference", "status").splitlines()}
    assert lines["orders"][-4:] == ["31", "3", done["digest"][:12], "stale"]
    assert lines["eiti"][-1] == "missing"
    operator.run("reference", "status", "--strict", code=1)
    load_again = ("reference", "load", "orders", file, "--published", day_of(NOW)[:5], "--source", "gazette")
    assert "day of publication" in operator.run(*load_again, code=1)
    assert "no data set `nothing`" in operator.run("reference", "list", "nothing", code=1)


@pytest.mark.parametrize("command", ["load", "status", "list"])
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    shown = operator.run("reference", command, "--help")
    assert "Example" in shown
    assert "Exit codes" in shown
    assert "--force" not in shown


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "The file is empty"), (b"\x1f\x8b", "compressed (gzip)"), (b"a,b\n", "The column `kind` is missing")],
)
def test_operator_is_told_why_a_file_is_refused(operator: Operator, content: bytes, says: str) -> None:
    operator.init()
    file = operator.folder / "file.csv"
    file.write_bytes(content)
    words = ("reference", "load", "orders", str(file), "--published", "2026-01-05", "--source", "gazette")
    assert says in operator.run(*words, code=1)
    assert operator.json("reference", "list")["snapshots"] == []
