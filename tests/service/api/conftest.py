"""One service per test module, with the honest chain in it; tests that change its settings start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.api.harness import Desk, run_chain, serving, settle_in


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The honest chain, extracted, blended and smelted over HTTP."""
    with serving(tmp_path_factory.mktemp("service")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk
