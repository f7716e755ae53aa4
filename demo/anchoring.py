"""Anchors: checkpoints of the log in a contract on a chain, by the service's own worker, and a fork that it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.chain import ID, NAME, Chain
from demo.narrator import Narrator
from demo.shapes import Json
from demo.stage import Stage
from demo.together import run_together
from ledger.evidence.patricia import keccak

WAIT_SECONDS = 120.0
OWNER, ANCHORER = "owner", "anchorer"
ETHER = 10
MISSING = (
    "anvil, which is more like Ethereum, is not installed here; `make demo` installs it where npm has a registry.",
    "EthereumTester has no final blocks (here an anchor counts when it is two blocks deep) and gives no proofs of its",
    "state: the contract is the same and refuses the same, but bundles and audits get no evidence of anchors.",
)


@dataclass(slots=True)
class Anchors:
    """chain: where checkpoints go; contract: address of LogAnchor there, once the owner's key is made.

    told: the operator's commands with what they printed, in order.
    """

    folder: Path
    chain: Chain
    contract: str = ""
    anchorer: str = ""
    told: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of the service."""
        return {
            "LODELINE_ANCHOR_SINKS": "ethereum",
            "LODELINE_ANCHOR_CHAIN": NAME,
            "LODELINE_ANCHOR_RPC": self.chain.url,
            "LODELINE_ANCHOR_CONTRACT": self.contract,
            "LODELINE_ANCHOR_KEYSTORE": str(self.folder / f"{ANCHORER}.json"),
            "LODELINE_ANCHOR_PASSWORD": str(self.folder / f"{ANCHORER}.password"),
            "LODELINE_ANCHOR_FINALITY": self.chain.finality,
            "LODELINE_ANCHOR_LEAST_SECONDS": "3",
            "LODELINE_ANCHOR_TICK_SECONDS": "1",
        }

    @property
    def checksummed(self) -> str:
        """The contract's address as signers want it (EIP-55)."""
        from eth_utils.address import to_checksum_address

        return str(to_checksum_address(self.contract))

    @property
    def place(self) -> str:
        """The contract as readers name it: --contract."""
        return f"{ID}:{self.contract}"

    def operate(self, *commands: tuple[str, ...]) -> list[str]:
        """Run `lodeline-server` commands, to be told later; what they printed."""
        done = run_together(self.folder, commands, self.environment)
        self.told += zip(commands, done, strict=True)
        return done


def make_keys(anchors: Anchors) -> None:
    """The owner's key and the anchorer's, each with money of a chain that has no worth."""
    folder = anchors.folder
    anchors.operate(*(("anchor", "keygen", *_files(name)) for name in (OWNER, ANCHORER)))
    for name in (OWNER, ANCHORER):
        anchors.chain.fund(_address(folder, name), ETHER)
    anchors.anchorer = _address(folder, ANCHORER)
    anchors.contract = first_contract(_address(folder, OWNER))


def deploy(anchors: Anchors) -> None:
    """The contract, and this log in it. The owner's key is not needed afterwards."""
    owner = _files(OWNER, "--owner-keystore", "--owner-password")
    anchors.operate(
        ("anchor", "deploy", *owner),
        ("--state", "service", "anchor", "register", *owner, "--anchorer", anchors.anchorer),
    )
    anchors.chain.live()


def _files(name: str, keystore: str = "--keystore", password: str = "--password") -> tuple[str, ...]:  # noqa: S107
    return (keystore, f"{name}.json", password, f"{name}.password")


def _address(folder: Path, name: str) -> str:
    return "0x" + str(json.loads((folder / f"{name}.json").read_bytes())["address"]).removeprefix("0x")


def first_contract(owner: str) -> str:
    """The address of the first contract that an address makes: Keccak-256 of RLP of (owner, 0)."""
    return "0x" + keccak(b"\xd6\x94" + bytes.fromhex(owner[2:]) + b"\x80")[12:].hex()


class Preparation:
    """What the operator does for anchors, beside what it does for the log."""

    def __init__(self, folder: Path, chain: Chain, pool: ThreadPoolExecutor) -> None:
        self.anchors = Anchors(folder, chain)
        self._pool = pool
        self._keys: Future[None] = pool.submit(make_keys, self.anchors)

    def deploy(self) -> None:
        """Begin as soon as the log has its key."""

        def after() -> None:
            self._keys.result()
            deploy(self.anchors)

        self._deployed = self._pool.submit(after)

    def finish(self, narrator: Narrator) -> Anchors:
        """Wait for it, and tell it."""
        self._deployed.result()
        anchors = self.anchors
        narrator.say(
            "The operator makes a contract that takes a checkpoint of this log only if it extends the last one."
        )
        narrator.note(f"The chain is {anchors.chain.node} on this machine and stands in for Ethereum.")
        for line in () if anchors.chain.proofs else MISSING:
            narrator.note(line)
        for words, text in anchors.told:
            narrator.command(("lodeline-server", *words))
            narrator.output(text, lines=8)
        return anchors


# ---- the scene ----------------------------------------------------------------------------------------------------


def play(stage: Stage) -> None:
    """What was anchored meanwhile, and what the contract refuses."""
    from demo.fork import refuse_fork

    narrator, anchors = stage.narrator, anchors_of(stage)
    narrator.act(
        "Anchors: the log's checkpoints where the operator cannot change them",
        "All the while the service has put checkpoints into the contract: size and root, nothing of any record.",
    )
    newest, count = wait_for_anchor(stage, stage.size())
    narrator.note(f"{count} checkpoints anchored so far. The newest covers the log's first {newest['size']} entries:")
    narrator.output(
        f"root of their tree  {newest['root']}\n"
        f"in block            {newest['block']} of chain {ID}, {newest['time']}\n"
        f"transaction         {newest['transaction']}\n"
        f"contract            {anchors.contract}\n"
        f"state               {newest['state']}: {_why_final(anchors.chain)}"
    )
    narrator.good("from now on whatever the operator says of these entries and their times must agree with that block")
    refuse_fork(stage, anchors, newest)


def anchors_of(stage: Stage) -> Anchors:
    """The anchors of this run."""
    anchors: Anchors = stage.notes["anchors"]
    return anchors


def wait_for_anchor(stage: Stage, size: int) -> tuple[Json, int]:
    """The newest anchor when one of at least `size` entries is final, as the service tells; and how many are final."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        told: Any = stage.http.get(f"{stage.url}/v1/anchors", params={"state": "final", "limit": 100}).json()
        if told["items"] and told["items"][0]["size"] >= size:
            return told["items"][0], len(told["items"])
        stage.check(time.monotonic() < deadline, f"{size} entries should be anchored by now: {told['sinks']}")
        time.sleep(0.1)


def _why_final(chain: Chain) -> str:
    if chain.proofs:
        return "the chain does not go back on that block"
    return f"{chain.finality} blocks deep, for a chain without final blocks"
