"""A log and its checkpoints to be anchored; hashes, roots and proofs are those of `ledger.log.merkle`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import contracts
from ledger.log.merkle import Node, compute_root, leaf_hash, node_hash, prove_consistency, prove_inclusion
from scripts.devchain import Contract

ORIGIN = "log.lodeline.example/one"
LOG_ID = sha256(ORIGIN.encode()).digest()
ENTRIES = [f"{n:064x}".encode() for n in range(66)]


def artifact_under_test(name: str) -> dict[str, Any]:
    """The shipped artefact, or that of a mutant: scripts/mutate.py names the folder."""
    folder = os.environ.get("CONTRACTS_UNDER_TEST")
    return json.loads((Path(folder) / f"{name}.json").read_bytes()) if folder else contracts.artifact(name)


class Tree:
    """A log of some entries, with every root and proof."""

    def __init__(self, entries: Sequence[bytes] = ENTRIES) -> None:
        self.leaves = [leaf_hash(entry) for entry in entries]

    def _read(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._node(level, index) for level, index in nodes]

    def _node(self, level: int, index: int) -> bytes:
        if not level:
            return self.leaves[index]
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))

    def root(self, size: int) -> bytes:
        return compute_root(size, self._read)

    def consistency(self, old: int, new: int) -> list[bytes]:
        return prove_consistency(old, new, self._read)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return prove_inclusion(index, size, self._read)


HONEST = Tree()
FORKED = Tree([*ENTRIES[:3], b"another entry", *ENTRIES[4:]])


def register(anchors: Contract, anchorer: str, origin: str = ORIGIN) -> None:
    anchors.send("registerLog", origin, anchorer)


def anchor(anchors: Contract, size: int, tree: Tree = HONEST, *, sender: str, since: int = 0) -> dict[str, Any]:
    """Receipt of anchoring a checkpoint of a tree, with its proof from the head `since`."""
    proof = tree.consistency(since, size) if since else []
    return anchors.send("anchor", LOG_ID, size, tree.root(size), proof, sender=sender)


def flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def corruptions(proof: list[bytes]) -> list[list[bytes]]:
    """Each hash flipped, each dropped, one added at either end or in the middle, neighbours swapped."""
    places = range(len(proof))
    spoilt = [[*proof[:n], flipped(proof[n]), *proof[n + 1 :]] for n in places]
    spoilt += [[*proof[:n], *proof[n + 1 :]] for n in places]
    spoilt += [[*proof[:n], sha256(b"added").digest(), *proof[n:]] for n in {0, len(proof) // 2, len(proof)}]
    spoilt += [[*proof[:n], proof[n + 1], proof[n], *proof[n + 2 :]] for n in places[:-1]]
    return spoilt
