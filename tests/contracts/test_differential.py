"""The deployed code against `ledger.log.merkle`: every size to 64 from every older size, every proof spoilt everywhere.

The contract climbs as RFC 9162 does, the ledger folds by bits of the sizes: two formulations that have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import pytest
from eth_hash.auto import keccak

from ledger.errors import ProofError
from ledger.log.merkle import EMPTY_ROOT, check_consistency, check_inclusion, node_hash
from scripts.devchain import Contract, Devchain, RpcError
from tests.contracts.world import HONEST, LOG_ID, corruptions, flipped, register

SIZES = range(65)
ROOTS = [HONEST.root(size) for size in SIZES]
YES, NO = "0x" + f"{1:064x}", "0x" + f"{0:064x}"


class Step(NamedTuple):
    """A claim that one tree begins with another."""

    old: int
    old_root: bytes
    new: int
    new_root: bytes
    proof: list[bytes]


class Place(NamedTuple):
    """A claim that a leaf is in a tree."""

    leaf: bytes
    at: int
    size: int
    proof: list[bytes]
    root: bytes


def holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProofError:
        return False
    return True


def is_consistent(step: Step) -> bool:
    return holds(lambda: check_consistency(step.old, step.new, step.proof, step.old_root, step.new_root))


def is_included(place: Place) -> bool:
    return holds(lambda: check_inclusion(place.leaf, place.at, place.size, place.proof, place.root))


def steps(new: int) -> Iterator[Step]:
    """From every older and every larger size, with the honest proof or none, and all that is near to it."""
    for old in SIZES:
        proof = HONEST.consistency(old, new) if 0 < old <= new else []
        yield Step(old, ROOTS[old], new, ROOTS[new], proof)
        yield Step(old, flipped(ROOTS[old]), new, ROOTS[new], proof)
        yield Step(old, ROOTS[old], new, flipped(ROOTS[new]), proof)
        yield Step(new, ROOTS[new], old, ROOTS[old], proof)
        yield Step(old + 1, ROOTS[old], new, ROOTS[new], proof)
        yield Step(old, ROOTS[old], new + 1, ROOTS[new], proof)
        yield Step(old, ROOTS[old], 4 * new + 4, ROOTS[new], proof)  # an inflated size
        yield from (Step(old, ROOTS[old], new, ROOTS[new], spoilt) for spoilt in corruptions(proof))


def places(size: int) -> Iterator[Place]:
    """Every leaf with its proof, and all that is near to it."""
    for index in range(size):
        leaf, proof = HONEST.leaves[index], HONEST.inclusion(index, size)
        yield Place(leaf, index, size, proof, ROOTS[size])
        yield Place(flipped(leaf), index, size, proof, ROOTS[size])
        yield Place(leaf, index, size, proof, flipped(ROOTS[size]))
        yield from (Place(leaf, other, size, proof, ROOTS[size]) for other in (index ^ 1, size - 1 - index, size))
        yield Place(leaf, index, 4 * size + 4, proof, ROOTS[size])
        yield from (Place(leaf, index, size, spoilt, ROOTS[size]) for spoilt in corruptions(proof))


def words(*values: bytes | int) -> str:
    return b"".join(one if isinstance(one, bytes) else one.to_bytes(32, "big") for one in values).hex()


def selector(contract: Contract, name: str) -> str:
    return "0x" + contract.interface.functions[name][0].hex()


def ask(contract: Contract, data: Sequence[str], **call: str) -> list[str]:
    """Answers of the contract; an error's first four bytes where it refused."""
    calls = [("eth_call", [{"to": contract.address, "data": one, **call}, "latest"]) for one in data]
    return [f"0x{one.data[:4].hex()}" if isinstance(one, RpcError) else one for one in contract.chain.batch(calls)]


@pytest.mark.parametrize("part", range(2))
def test_consistency_from_every_size_to_every_size(verifier: Contract, part: int) -> None:
    head = selector(verifier, "isConsistent")
    claims = [step for new in SIZES[part::2] for step in steps(new)]
    data = [head + words(s.old, s.old_root, s.new, s.new_root, 160, len(s.proof), *s.proof) for s in claims]
    expected = [YES if is_consistent(step) else NO for step in claims]
    assert ask(verifier, data) == expected
    assert 1000 < expected.count(YES) < len(expected) / 10


@pytest.mark.parametrize("part", range(2))
def test_inclusion_of_every_leaf_in_every_tree(verifier: Contract, part: int) -> None:
    head = selector(verifier, "isIncluded")
    claims = [place for size in SIZES[part::2] for place in places(size)]
    data = [head + words(p.leaf, p.at, p.size, 160, p.root, len(p.proof), *p.proof) for p in claims]
    expected = [YES if is_included(place) else NO for place in claims]
    assert ask(verifier, data) == expected
    assert 1000 <= expected.count(YES) < len(expected) / 10


@pytest.mark.parametrize("part", range(2))
def test_a_strict_log_takes_exactly_the_consistent_checkpoints(anchors: Contract, part: int) -> None:
    """The head is put into the contract's storage, so that every step is a first one."""
    owner = anchors.chain.accounts[0]
    register(anchors, owner)
    refused = (
        "0x"
        + next(key for key, (name, _) in anchors.interface.errors.items() if name == "InconsistentCheckpoint").hex()
    )
    claims = [step for new in SIZES[part::2] for step in steps(new) if 0 < step.old < step.new]
    calls = [
        (_strict_head(step), anchors.data("anchor", LOG_ID, step.new, step.new_root, step.proof)) for step in claims
    ]
    asked = [
        (
            "eth_call",
            [{"from": owner, "to": anchors.address, "data": data}, "latest", {anchors.address: {"stateDiff": state}}],
        )
        for state, data in calls
    ]
    answers = [f"0x{one.data[:4].hex()}" if isinstance(one, RpcError) else one for one in anchors.chain.batch(asked)]
    expected = [YES if is_consistent(step) else refused for step in claims]
    assert answers == expected
    assert 900 < expected.count(YES) < len(expected) / 10


def _strict_head(step: Step) -> dict[str, str]:
    base = int.from_bytes(keccak(LOG_ID + bytes(32)), "big")
    packed = step.old | 1 << 192 | 1 << 224  # size, count 1, Mode.Strict: docs/formats/anchor.md
    return {f"0x{base:064x}": f"0x{packed:064x}", f"0x{base + 1:064x}": f"0x{step.old_root.hex()}"}


def test_a_tree_of_nothing_proves_nothing(verifier: Contract) -> None:
    """The empty tree is the beginning of every tree; a proof from it would hold for everybody's tree."""
    for new, root in ((0, EMPTY_ROOT), (1, ROOTS[1]), (7, ROOTS[7])):
        assert verifier.call("isConsistent", 0, EMPTY_ROOT, new, root, []) is False
        assert verifier.call("isConsistent", 0, bytes(32), new, root, []) is False
        assert verifier.call("isIncluded", HONEST.leaves[0], 0, 0, [], EMPTY_ROOT) is False


def test_no_proof_leads_from_a_larger_tree_to_a_smaller_one(verifier: Contract) -> None:
    """Roots and proof are made to fit: without a look at the sizes, the climb would end at both."""
    crafted = [_backwards(old, new) for old in SIZES for new in range(1, old)]
    data = [verifier.data("isConsistent", *step) for step in crafted]
    assert ask(verifier, data) == [NO] * len(crafted)


def _backwards(old: int, new: int) -> Step:
    hashes = [sha256(b"%d" % n).digest() for n in range(16)]
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    used = int(old & (old - 1) != 0)  # or else the seed is the old root
    while fn or sn:
        if fn & 1:
            fr, sr = node_hash(hashes[used], fr), node_hash(hashes[used], sr)
        elif fn != sn:
            sr = node_hash(sr, hashes[used])
        used += fn & 1 or fn != sn
        fn, sn = fn >> 1, sn >> 1
    return Step(old, fr, new, sr, hashes[:used])


def test_the_largest_sizes(verifier: Contract) -> None:
    """Sizes of 64 bits: a tree of equal leaves, in which every complete subtree of a level has one hash."""
    level = [HONEST.leaves[0]]
    for _ in range(64):
        level.append(sha256(b"\x01" + level[-1] * 2).digest())
    size = 2**63 - 1
    peaks = [level[k] for k in range(63)]  # of a tree of 2**63 - 1 leaves, the smallest last
    root = peaks[0]
    for peak in peaks[1:]:
        root = sha256(b"\x01" + peak + root).digest()
    proof = [level[k] for k in range(1, 63)]
    check_inclusion(level[0], size - 1, size, proof, root)
    assert verifier.call("isIncluded", level[0], size - 1, size, proof, root) is True
    assert verifier.call("isIncluded", level[0], size - 1, size, [*proof, level[63]], root) is False
    step = [level[0], *[level[k] for k in range(63)]]
    check_consistency(size, size, [], root, root)
    assert verifier.call("isConsistent", size, root, 2**63, level[63], step) is True
    assert verifier.call("isConsistent", size, root, 2**63, level[63], step[:-1]) is False
    assert verifier.call("isConsistent", size, root, 2**64 - 1, level[63], step) is False


def test_too_little_gas_is_never_a_wrong_answer(chain: Devchain, verifier: Contract) -> None:
    """Whatever gas is left for the hashes: the right answer, or none."""
    old, new = 63, 64
    proof = HONEST.consistency(old, new)
    honest = verifier.data("isConsistent", old, ROOTS[old], new, ROOTS[new], proof)
    # Were a hash left out, the last hash of the proof would stand where the new root is compared.
    forged = verifier.data("isConsistent", old, ROOTS[old], new, proof[-1], proof)
    for data, right in ((honest, YES), (forged, NO)):
        floor = int(chain.rpc("eth_estimateGas", {"to": verifier.address, "data": data}), 16)
        limits = range(floor - 12_000, floor + 200, 25)
        calls = [("eth_call", [{"to": verifier.address, "data": data, "gas": hex(gas)}, "latest"]) for gas in limits]
        answers = [None if isinstance(one, RpcError) else one for one in chain.batch(calls)]
        assert set(answers) == {None, right}
        assert answers[0] is None
        assert answers[-1] == right
