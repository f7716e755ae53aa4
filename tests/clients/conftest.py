"""A fresh honest service for each test, and clients of its participants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.client import LodelineClient
from clients.sdk.transport import Retries
from tests.clients.fake import URL, FakeService
from tests.support.world import MINER, honest_world


@pytest.fixture
def service() -> FakeService:
    return FakeService(honest_world())


@pytest.fixture
def waits() -> list[float]:
    """The seconds that clients wanted to wait."""
    return []


@pytest.fixture
def connect(service: FakeService, waits: list[float], tmp_path: Path) -> Iterator[Callable[..., LodelineClient]]:
    """Make a client of a participant; it remembers in a folder of its own unless told otherwise."""
    made: list[LodelineClient] = []

    def make(participant: str = MINER, **more: Any) -> LodelineClient:
        settings: dict[str, Any] = {
            "key": service.world.keys.get(participant),
            "participant": participant,
            "store": tmp_path / participant.replace(":", "_"),
            "http": service.http(),
            "retries": Retries(attempts=3, sleep=waits.append, jitter=lambda: 1.0),
            "clock": lambda: service.world.now,
        }
        made.append(LodelineClient(URL, **{**settings, **more}))
        return made[-1]

    yield make
    for client in made:
        client.close()
        client._transport._http.close()
