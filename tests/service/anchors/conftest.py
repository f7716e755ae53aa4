"""One anvil for all tests of a process; each test gets a contract and a log of its own, and leaves no trace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.devchain import Devchain
from scripts.toolchain import Toolchain, install
from service.adapters.anchor_keys import KeystoreSigner
from service.config import AnchorSettings
from tests.service.anchors.site import CHAIN, EPOCH, KEY, Log, Site, deploy


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    try:
        return install()
    except SystemExit as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"anvil is not to be had here: {missing}")


@pytest.fixture(scope="session")
def node(tools: Toolchain) -> Iterator[Devchain]:
    with Devchain(tools, "--slots-in-an-epoch", str(EPOCH)) as node:
        yield node


@pytest.fixture
def chain(node: Devchain) -> Iterator[Devchain]:
    before = node.rpc("evm_snapshot")
    yield node
    node.rpc("anvil_setChainId", CHAIN)
    node.rpc("anvil_dropAllTransactions")
    assert node.rpc("evm_revert", before) is True


@pytest.fixture(scope="session")
def signer() -> KeystoreSigner:
    return KeystoreSigner(KEY)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log")
    yield log
    log.service.close()


@pytest.fixture
def site(chain: Devchain, log: Log, signer: KeystoreSigner) -> Site:
    return Site(chain, log, deploy(chain, signer), signer, AnchorSettings(fee_cap_gwei=500.0, low_gwei=0.0))
