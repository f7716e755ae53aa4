"""Which engine the databases of a test are on: the fixture `engine` runs it once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.engine import URL

from tests.support.postgres import (
    SERVER,
    NoPostgres,
    create_database,
    drop_database,
    empty_database,
    missing,
    shared_server,
)

ENGINES: Final = ("sqlite", "postgres")

_server: list[URL] = []
"""The server on which databases are made just now; empty for SQLite."""

_made: dict[Path, URL] = {}
"""Folders with a database on it."""

_free: list[URL] = []
"""Databases that were used and emptied."""

_count = itertools.count()


def database_url(folder: Path) -> str:
    """The database of a folder on the engine of the test: a file in it, or one of its own on the server."""
    if not _server:
        return f"sqlite:///{folder / 'lodeline.db'}"
    if folder not in _made:
        _made[folder] = _free.pop() if _free else create_database(_server[-1], f"test_{os.getpid()}_{next(_count)}")
    return _made[folder].render_as_string(hide_password=False)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the engine; `database_url` follows it. Without it tests run on SQLite."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with serving_databases(run_folder(tmp_path_factory)):
        yield "postgres"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """For what only PostgreSQL can do: `database_url` makes databases there; the administrator's URL."""
    with serving_databases(run_folder(tmp_path_factory)) as server:
        yield server


@pytest.fixture(autouse=True)
def databases() -> Iterator[None]:
    """Databases that a test made are free again when it ends."""
    with given_back():
        yield


@contextmanager
def serving_databases(run: Path) -> Iterator[URL]:
    """Databases are made on the server of this run; yields the administrator's URL."""
    try:
        _server.append(shared_server(run))
    except NoPostgres as error:
        missing(error)
    try:
        with given_back():
            yield _server[-1]
    finally:
        _server.pop()
        while _free and SERVER in os.environ:  # a server of our own goes with all of them
            drop_database(_free.pop())


@contextmanager
def given_back() -> Iterator[None]:
    """Databases made within are emptied, and used again."""
    before = set(_made)
    try:
        yield
    finally:
        for folder in _made.keys() - before:
            give_back(folder)


def give_back(folder: Path) -> None:
    """The database of a folder is needed no more: it is emptied, and used again."""
    if folder in _made:
        empty_database(_made[folder])
        _free.append(_made.pop(folder))


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of this run of pytest share."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base
