"""Whose files the service's files are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.keystore import save_jwk
from service.storage.engine import DatabaseError, Store
from service.storage.graph_file import GraphFile
from service.storage.schema import migrate
from tests.support.world import key_of


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """The process lets everybody do everything, if nobody says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'log.db'}")
    assert list(tmp_path.iterdir()) == []  # nothing is made before it is needed
    migrate(store)
    with store.writing():
        assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
            "log.db": 0o600,
            "log.db-wal": 0o600,
            "log.db-shm": 0o600,
        }
    store.close()


def test_rights_that_somebody_gave_stay(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.touch(0o640)
    store = Store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    assert mode(path) == 0o640


def test_a_database_that_is_named_by_a_uri_or_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("sqlite:///file:log.db?uri=true")
    migrate(store)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]
    store = Store(f"sqlite:///{tmp_path / 'nowhere' / 'log.db'}")
    with pytest.raises(DatabaseError, match="unable to open"), store.reading():
        pass


def test_folders_that_are_made_on_the_way(tmp_path: Path) -> None:
    save_jwk(tmp_path / "keys" / "registrar.json", key_of("somebody"))
    graph = GraphFile(tmp_path / "graph")
    with graph.lock():
        assert {path.name: mode(path) for path in tmp_path.iterdir()} == {"keys": 0o700, "graph": 0o700}
