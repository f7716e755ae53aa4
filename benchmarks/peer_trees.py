"""Merkle trees of other packages, in the environment of `benchmarks/bench.lock`: it knows nothing of the ledger.

python peer_trees.py LEAVES PROOFS ENTRY    rates as JSON on standard output; a text instead where a package is missing
"""

import json
import random
import sys
import time


def entries_of(leaves, size):
    """The same entries as `benchmarks.trees`."""
    return [(b"%08d" % n).ljust(size, b".") for n in range(leaves)]


def rate(prove, places):
    """Proofs per second."""
    prove(places[0])
    began = time.perf_counter()
    for place in places:
        prove(place)
    return len(places) / (time.perf_counter() - began)


def measure_pymerkle(leaves, places, entries):
    """Its tree in memory, one entry at a time: it has nothing faster in memory."""
    from pymerkle import InmemoryTree

    tree = InmemoryTree(algorithm="sha256")
    began = time.perf_counter()
    for entry in entries:
        tree.append_entry(entry)
    append = leaves / (time.perf_counter() - began)
    inclusion = rate(lambda place: tree.prove_inclusion(place + 1, leaves), places)  # it counts from one
    consistency = rate(lambda place: tree.prove_consistency(place, leaves), places)
    root = tree.get_root()
    return {"append": append, "inclusion": inclusion, "consistency": consistency, "root": root.hex()}


def measure_aics(leaves, places, entries):
    """Its tree in memory. Appending hashes leaves, the first question about a size the rest: both count here."""
    from aics_tlog import MerkleTree

    tree = MerkleTree()
    began = time.perf_counter()
    for entry in entries:
        tree.append(entry)
    root = tree.root()
    append = leaves / (time.perf_counter() - began)
    inclusion = rate(lambda place: tree.inclusion_proof(place, leaves), places)
    consistency = rate(lambda place: tree.consistency_proof(place, leaves), places)
    return {"append": append, "inclusion": inclusion, "consistency": consistency, "root": root.hex()}


def main():
    """Command line."""
    leaves, proofs, size = map(int, sys.argv[1:])
    chance = random.Random(leaves)  # reproducible, not secret
    places = [chance.randrange(1, leaves) for _ in range(proofs)]
    entries = entries_of(leaves, size)
    told = {}
    for name, measure in (("pymerkle", measure_pymerkle), ("aics-tlog", measure_aics)):
        try:
            told[name] = measure(leaves, places, entries)
        except ImportError as error:
            told[name] = f"not installed: {error}"
    print(json.dumps(told))


if __name__ == "__main__":
    main()
