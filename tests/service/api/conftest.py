"""One service per test module, with the honest chain in it; tests that change its settings start their own."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.logs import configure_logs
from tests.service.api.harness import Desk, run_chain, serving, settle_in


@pytest.fixture(scope="session", autouse=True)
def log_lines() -> Iterator[io.BytesIO]:
    """Everything that services log during these tests."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    lines = io.BytesIO()
    configure_logs("info", lines)
    yield lines
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


@pytest.fixture(scope="module")
def chain(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The honest chain, extracted, blended and smelted over HTTP."""
    with serving(tmp_path_factory.mktemp("service")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk
