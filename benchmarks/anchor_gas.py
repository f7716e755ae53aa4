"""What an anchor costs: gas from the receipts of a real node on the rules of cancun, and what that is per record.

python -m benchmarks.anchor_gas

The dearest step to a tree of 2**20 entries is the one from a tree with one entry less: 21 hashes in the proof, 39 to
compute. The tree is one of equal leaves, so that every complete subtree of a level has one hash, and the leaf is chosen
such that no byte of any of them is zero: zero bytes are cheaper, so no other step to that size costs more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import count
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

import contracts
from ledger.log.merkle import Node, compute_root, leaf_hash, node_hash, prove_consistency
from scripts.devchain import Contract, Devchain
from scripts.toolchain import install

LEVELS = 20
SIZE = 2**LEVELS
ORIGIN = "log.lodeline.example/bench"
LOG_ID = sha256(ORIGIN.encode()).digest()
GWEI = 20
ANCHORS_A_DAY = 24
RECORDS_A_DAY = (10**3, 10**5, 10**7)
DOLLARS_AN_ETHER = 3000  # for orientation only


class Gas(NamedTuple):
    """Gas used, by receipts; `steps` by the size before, each to 2**20."""

    deploy: int
    deploy_verifier: int
    register: int
    first: int
    again: int
    steps: dict[int, int]
    worst: int


def dearest_levels() -> list[bytes]:
    """Hashes of complete subtrees of 1, 2, 4, ... 2**20 equal leaves, none with a zero byte."""
    for n in count():
        hashes = [leaf_hash(b"entry %d" % n)]
        for _ in range(LEVELS):
            hashes.append(node_hash(hashes[-1], hashes[-1]))
        if not any(0 in one for one in hashes):
            return hashes
    raise AssertionError("counts for ever")


class _Log:
    """A log on a chain, whose head can be put anywhere."""

    def __init__(self, chain: Devchain) -> None:
        self.hashes = dearest_levels()
        self.anchors: Contract = chain.deploy(contracts.artifact(), ("address", chain.accounts[0]))
        self.registered = self.anchors.send("registerLog", ORIGIN, chain.accounts[1])
        self.sender = chain.accounts[1]

    def _read(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self.hashes[level] for level, _ in nodes]

    def anchor(self, size: int) -> int:
        """Gas of the step from the head to this size."""
        old = self.anchors.call("head", LOG_ID)[0]
        proof = prove_consistency(old, size, self._read) if 0 < old < size else []
        root = compute_root(size, self._read)
        return _gas(self.anchors.send("anchor", LOG_ID, size, root, proof, sender=self.sender))


def _gas(receipt: dict[str, str]) -> int:
    return int(receipt["gasUsed"], 16)


def measure(olds: Iterable[int] = (SIZE // 2, SIZE - 2**14, SIZE - 1000, SIZE - 12345, SIZE - 2, SIZE - 1)) -> Gas:
    """Gas of everything, and of the steps from these sizes to 2**20. No clock: the figures are the same every time."""
    with Devchain(install()) as chain:
        log = _Log(chain)
        verifier = chain.deploy(contracts.artifact("Rfc6962Verifier"))
        steps, first, again = {}, 0, 0
        for old in olds:
            before = chain.rpc("evm_snapshot")
            first = max(first, log.anchor(old))
            steps[old] = log.anchor(SIZE)
            again = max(again, log.anchor(SIZE))
            chain.rpc("evm_revert", before)
        deploy, register = _gas(log.anchors.receipt), _gas(log.registered)
        return Gas(deploy, _gas(verifier.receipt), register, first, again, steps, max(steps.values()))


def cost_per_record(gas: int, records_a_day: int, *, gwei: int = GWEI, anchors_a_day: int = ANCHORS_A_DAY) -> float:
    """Gwei that each record bears when every day has so many anchors and records."""
    return gas * gwei * anchors_a_day / records_a_day


def show(gas: Gas, console: Console) -> None:
    """Both tables."""
    table = Table(title="Gas, from receipts on cancun rules")
    table.add_column("transaction")
    table.add_column("gas", justify="right")
    rows = {
        "deploy LogAnchor": gas.deploy,
        "deploy Rfc6962Verifier (optional)": gas.deploy_verifier,
        "register a log": gas.register,
        "first anchor": gas.first,
        "the same checkpoint again": gas.again,
        **{f"strict anchor, {old:,} -> {SIZE:,}": used for old, used in gas.steps.items()},
    }
    for what, used in rows.items():
        table.add_row(what, f"{used:,}")
    console.print(table)
    a_day = gas.worst * GWEI * ANCHORS_A_DAY / 10**9
    table = Table(title=f"Mainnet at {GWEI} gwei, an anchor an hour: {a_day:.4f} ETH a day")
    for column in ("records a day", "gwei per record", f"USD per record (ETH at {DOLLARS_AN_ETHER:,})"):
        table.add_column(column, justify="right")
    for records in RECORDS_A_DAY:
        each = cost_per_record(gas.worst, records)
        table.add_row(f"{records:,}", f"{each:,.2f}", f"{each * DOLLARS_AN_ETHER / 10**9:.8f}")
    console.print(table)


def figures(gas: Gas) -> dict[str, float]:
    """What goes into build/bench.json."""
    return {
        "anchor_gas_2_20": gas.worst,
        "anchor_gas_deploy": gas.deploy,
        "anchor_gas_first": gas.first,
        **{f"anchor_gwei_per_record_{records}": cost_per_record(gas.worst, records) for records in RECORDS_A_DAY},
    }


if __name__ == "__main__":
    show(measure(), Console())
