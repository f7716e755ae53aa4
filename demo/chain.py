"""A chain of the demo's own, on loopback: `anvil`, or EthereumTester where that is not installed. Nothing leaves it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from demo.processes import Running
from demo.stage import DemoFailed
from scripts.toolchain import Toolchain, installed

LISTENING = r"Listening on 127\.0\.0\.1:(\d+)"
ID = 31337
NAME = "local"
"""Its name in contracts/chains.toml."""


@dataclass(frozen=True, slots=True)
class Chain:
    """running: the node; url: where it answers; proofs: whether it has final blocks and gives proofs of its state."""

    running: Running
    url: str
    proofs: bool

    @property
    def node(self) -> str:
        """What it is."""
        return "anvil" if self.proofs else "EthereumTester"

    @property
    def finality(self) -> str:
        """The setting LODELINE_ANCHOR_FINALITY that fits."""
        return "finalized" if self.proofs else "2"

    def rpc(self, method: str, *params: Any) -> Any:
        """One answer of the node. DemoFailed for an error."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        told = httpx.post(self.url, json=asked, timeout=10.0, trust_env=False).json()
        if "error" in told:
            raise DemoFailed(f"The chain refuses {method}: {told['error']}")
        return told["result"]

    def fund(self, address: str, ether: int) -> None:
        """Give an address what only a chain for tests gives."""
        self.rpc("anvil_setBalance", address, hex(ether * 10**18))

    def live(self) -> None:
        """From now on a block a second, as chains make them; until now one for each transaction."""
        if self.proofs:
            self.rpc("evm_setAutomine", False)
            self.rpc("evm_setIntervalMining", 1)

    def stop(self) -> None:
        """End it; the chain is gone."""
        self.running.stop()


def start_chain(folder: Path, *, node: bool = True) -> Chain:
    """A fresh chain. node: False does as if there were no Node."""
    tools = installed() if node else None
    command, environment = _anvil(tools) if tools is not None else ([sys.executable, "-m", "demo.tester_node"], {})
    proofs = tools is not None
    running = Running("chain", command, folder, {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), **environment})
    try:
        running.wait_until(lambda: bool(running.find(LISTENING)))
    except BaseException:
        running.stop()
        raise
    return Chain(running, f"http://127.0.0.1:{running.find(LISTENING)}", proofs)


def _anvil(tools: Toolchain) -> tuple[list[str], dict[str, str]]:
    """One slot in an epoch: a block is final two blocks later, which takes Ethereum a quarter of an hour."""
    words = [
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--hardfork",
        "cancun",
        "--slots-in-an-epoch",
        "1",
        "--accounts",
        "1",
    ]
    return [str(tools.binary("anvil")), *words], tools.environment
