"""Merkle trees: appending and proving with `ledger.log`, against bare hashing and against packages of others."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ledger.log.merkle import check_inclusion, leaf_hash, prove_consistency, prove_inclusion
from ledger.log.sequence import Edge, plan_batch
from ledger.log.tiles import TileId, TileReader

BLOCK = 1_024
PROOFS = 300
ENTRY = 900
PEERS = Path(__file__).with_name("peer_trees.py")


class Tree(NamedTuple):
    """Appends, inclusion proofs and consistency proofs per second, and the root."""

    append: float
    inclusion: float
    consistency: float
    root: str


def entries_of(leaves: int) -> list[bytes]:
    """So many entries, as long as records are; `peer_trees.py` makes the same."""
    return [(b"%08d" % n).ljust(ENTRY, b".") for n in range(leaves)]


def measure_ledger(leaves: int) -> Tree:
    """Entries in batches of 1,024, with the tiles that would be stored; proofs from these tiles."""
    entries = entries_of(leaves)
    edge, tiles = Edge.empty(), dict[TileId, bytes]()
    began = time.perf_counter()
    for start in range(0, leaves, BLOCK):
        batch = plan_batch(edge, entries[start : start + BLOCK])
        tiles |= batch.tiles
        edge = batch.edge
    append = leaves / (time.perf_counter() - began)
    chance = random.Random(leaves)  # reproducible, not secret
    places = [chance.randrange(1, leaves) for _ in range(PROOFS)]
    reader = TileReader(tiles)
    inclusion = rate(lambda place: prove_inclusion(place, leaves, reader), places)
    consistency = rate(lambda place: prove_consistency(place, leaves, reader), places)
    check_inclusion(
        leaf_hash(entries[places[0]]), places[0], leaves, prove_inclusion(places[0], leaves, reader), edge.root
    )
    return Tree(append, inclusion, consistency, edge.root.hex())


def measure_hashing(leaves: int) -> float:
    """The yardstick: one leaf and one node hashed per entry, per second, and nothing else."""
    entries = entries_of(leaves)
    began = time.perf_counter()
    for entry in entries:
        sha256(b"\x01" + sha256(b"\x00" + entry).digest() * 2).digest()
    return leaves / (time.perf_counter() - began)


def rate(prove: Callable[[int], object], places: Sequence[int]) -> float:
    """Proofs per second."""
    prove(places[0])
    began = time.perf_counter()
    for place in places:
        prove(place)
    return len(places) / (time.perf_counter() - began)


def measure_peers(python: Path, leaves: int) -> dict[str, Tree | str]:
    """What packages of others do with the same entries, in their own environment; a text says why one does not."""
    command = [str(python), str(PEERS), str(leaves), str(PROOFS), str(ENTRY)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {name: one if isinstance(one, str) else Tree(**one) for name, one in told.items()}
