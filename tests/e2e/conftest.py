"""End-to-end tests run on every engine: where a module asks for the fixture `engine`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engines import databases, engine, postgres
from tests.support.postgres import Cluster, NoPostgres, missing

__all__ = ["databases", "engine", "postgres"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of one module alone: its tests stop and start it."""
    try:
        cluster = Cluster.create()
    except NoPostgres as error:
        missing(error)
    yield cluster
    cluster.remove()
