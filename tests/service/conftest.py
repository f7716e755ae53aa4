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


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Address of an S3 server of this machine."""
    from moto.server import ThreadedMotoServer  # a second, which other tests need not wait for

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an operator would give them; the server believes any."""
    for name, value in (
        ("ACCESS_KEY_ID", "operator"),
        ("SECRET_ACCESS_KEY", "secret"),
        ("DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
