"""What the tests of this folder share: the machine's own compiler."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def own_compiler() -> str:
    """One that `native/build.py` looks for; where there is none, it installs one for itself."""
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found is None:
        pytest.skip("no C compiler on this machine; the other tests of this folder take the extension as it was built")
    return found
