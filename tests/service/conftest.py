"""Tests of the service run on every engine: where a module's mark asks for the fixture `engine`, or a fixture does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage.engine import Store
from service.storage.schema import migrate
from tests.support.engines import databases, engine, postgres
from tests.support.server import database_url

__all__ = ["databases", "engine", "postgres"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database at the newest step."""
    store = Store(database_url(tmp_path))
    migrate(store)
    yield store
    store.close()
