"""One node for all tests of a process; each test gets contracts of its own and leaves no trace on the chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.devchain import Contract, Devchain
from scripts.toolchain import Toolchain, install
from tests.contracts.world import artifact_under_test


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    return install()


@pytest.fixture(scope="session")
def node(tools: Toolchain) -> Iterator[Devchain]:
    with Devchain(tools) as node:
        yield node


@pytest.fixture
def chain(node: Devchain) -> Iterator[Devchain]:
    before = node.rpc("evm_snapshot")
    yield node
    assert node.rpc("evm_revert", before) is True


@pytest.fixture
def anchors(chain: Devchain) -> Contract:
    """A LogAnchor that belongs to the first account."""
    return chain.deploy(artifact_under_test("LogAnchor"), ("address", chain.accounts[0]))


@pytest.fixture
def verifier(chain: Devchain) -> Contract:
    return chain.deploy(artifact_under_test("Rfc6962Verifier"))
