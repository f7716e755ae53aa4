"""What the tests of rules share."""

from __future__ import annotations

import pytest

from tests.support.story import Story, coltan_story


@pytest.fixture(scope="module")
def base() -> Story:
    """The honest chain of coltan. Whoever bends it takes a copy."""
    return coltan_story()
