"""The operator tries to anchor another history of the log: with the right key, the right proof of the wrong tree."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_abi.abi import decode

from clients.audit.sources import UrlSource, read_tile
from contracts import artifact
from demo.setting import ORIGIN
from demo.shapes import Json
from demo.stage import DemoFailed, Stage
from ledger.encoding import parse_b64url
from ledger.evidence.anchor import log_id
from ledger.log.merkle import HASH_SIZE, leaf_hash, prove_consistency, tree_root
from ledger.log.tiles import WIDTH
from service.adapters.chain import NodeRefused

if TYPE_CHECKING:
    from demo.anchoring import Anchors
    from service.adapters.ethereum import EthereumNode

WAIT_SECONDS = 120.0
GAS = 300_000
WAYS = {
    "SizeNotIncreasing": ("anchored", "offered"),
    "Equivocation": ("entries", "anchored", "offered"),
    "InconsistentCheckpoint": ("anchored", "offered"),
}
"""Errors of the contract, with what their values say."""


class Attempt(NamedTuple):
    """A checkpoint that the contract must refuse, with this error."""

    what: str
    leaves: list[bytes]
    proof: list[bytes]
    error: str

    @property
    def size(self) -> int:
        """Entries."""
        return len(self.leaves)


def refuse_fork(stage: Stage, anchors: Anchors, newest: Json) -> None:
    """Three ways to another history; each is refused with its reason, and a transaction does not help."""
    from service.adapters.anchor_keys import load_keystore
    from service.adapters.ethereum import EthereumNode

    narrator = stage.narrator
    narrator.say("The operator is made to rewrite the log: the dispatch to the refiner shall never have been.")
    node = EthereumNode(anchors.chain.url, anchors.contract, artifact()["abi"], timeout=10)
    log = log_id(ORIGIN)
    before = node.head(log)
    held = before is not None and before.root == parse_b64url(newest["root"])
    stage.check(held, "the contract should hold the newest anchor")
    forged: bytes = b""
    for attempt in plan_attempts(stage, newest["size"]):
        forged = node.encode_anchor(log, attempt.size, tree_root(attempt.leaves), attempt.proof)
        narrator.reverted(attempt.what, _refusal(stage, node, anchors.anchorer, forged, attempt.error))
    narrator.say("It sends the last one all the same, signed with the anchorer's key:")
    key = load_keystore(anchors.folder / "anchorer.json", anchors.folder / "anchorer.password")
    fees = node.fees()
    raw = key.sign(
        {"type": 2, "chainId": node.chain_id(), "nonce": node.nonce(key.address), "value": 0, "gas": GAS,
         "maxFeePerGas": 2 * fees.base + 10**9, "maxPriorityFeePerGas": 10**9, "data": forged,
         "to": anchors.checksummed}
    )  # fmt: skip
    narrator.note(_outcome(stage, node, raw))
    stage.check(node.head(log) == before, "the contract must hold what it held")
    narrator.good(f"refused: the contract still holds the {newest['size']} entries that it held, and nothing else")


def plan_attempts(stage: Stage, size: int) -> list[Attempt]:
    """A shorter log, another one of the same size, and a longer one with a proof that is right for its own tree."""
    leaves = read_leaves(stage, size)
    place = stage["exporter"].client.record(stage.notes["dispatch"])["index"]
    other = [*leaves[:place], leaf_hash(b"nothing happened here"), *leaves[place + 1 :]]
    longer = [*other, leaf_hash(b"and the log goes on")]
    proof = prove_consistency(
        size, size + 1, lambda nodes: [tree_root(longer[n << k : (n + 1) << k]) for k, n in nodes]
    )
    return [
        Attempt("cut the log off before it", leaves[:place], [], "SizeNotIncreasing"),
        Attempt("put another entry in its place", other, [], "Equivocation"),
        Attempt("the same, and let the log grow by one entry", longer, proof, "InconsistentCheckpoint"),
    ]


def read_leaves(stage: Stage, size: int) -> list[bytes]:
    """The leaf hashes of the log, as anybody reads them from its tiles."""
    source = UrlSource(stage.url, http=stage.http)
    source.read("checkpoint", 1_000_000)  # finds out where the log is
    found: list[bytes] = []
    for n in range(-(-size // WIDTH)):
        tile = read_tile(source, 0, n, min(WIDTH, size - n * WIDTH))
        found += [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]
    return found


def _refusal(stage: Stage, node: EthereumNode, sender: str, data: bytes, error: str) -> str:
    """The contract's error with its values; DemoFailed unless it is this one."""
    try:
        node.estimate(sender, data)
    except NodeRefused as refused:
        stage.check(refused.error == error, f"{error} was expected of the contract, not {refused.error or refused}")
        (item,) = (one for one in artifact()["abi"] if one["type"] == "error" and one["name"] == error)
        values = decode([one["type"] for one in item["inputs"]], refused.data[4:])
        said = (f"{name} {_short(value)}" for name, value in zip(WAYS[error], values, strict=True))
        return f"{error}({', '.join(said)})"
    raise DemoFailed("the contract took a fork of the log")


def _short(value: Any) -> str:
    return f"0x{value.hex()[:8]}…" if isinstance(value, bytes) else str(value)


def _outcome(stage: Stage, node: EthereumNode, raw: bytes) -> str:
    """What became of a signed transaction; it must have been mined and reverted."""
    from ledger.evidence.patricia import keccak

    try:
        node.broadcast(raw)
    except NodeRefused as refused:  # a chain that tries before it mines
        return f"the node does not even take it: {refused.error or refused}"
    tx, deadline = "0x" + keccak(raw).hex(), time.monotonic() + WAIT_SECONDS
    while (receipt := node.receipt(tx)) is None:
        stage.check(time.monotonic() < deadline, f"the transaction {tx} should be mined by now")
        time.sleep(0.1)
    stage.check(not receipt.ok, "the contract took a fork of the log")
    return f"transaction {tx[:10]}… is mined in block {receipt.block}, reverted, and paid for"
