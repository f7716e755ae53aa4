"""The tree of RFC 6962: sweeps over all small trees, foreign vectors, corruption, and two checks against each other."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofError
from ledger.log import merkle, rfc9162
from tests.ledger.log.trees import bent_proofs, leaf, path, read, root, subproof
from tests.support.vectors import load_vector

SIZES = range(65)
CHECKS = [merkle, rfc9162]
Check = Callable[..., None]


def b64(text: str) -> bytes:
    return base64.b64decode(text)


def refuses(check: Check, *arguments: Any, **named: Any) -> bool:
    """Whether the check raises ProofError; any other exception is a failure."""
    try:
        check(*arguments, **named)
    except ProofError:
        return True
    return False


# ---- sweep ----------------------------------------------------------------------------------------------------------


def test_hashes_are_those_of_rfc_6962() -> None:
    # The empty tree and a leaf of no bytes, as RFC 6962 implementations publish them.
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.leaf_hash(b"0") == leaf(0)
    assert merkle.node_hash(leaf(0), leaf(1)) == root(2)


@pytest.mark.parametrize("size", SIZES)
def test_root_of_every_small_tree(size: int) -> None:
    assert merkle.tree_root([leaf(i) for i in range(size)]) == root(size)
    assert merkle.compute_root(size, read) == root(size)
    assert sum(1 << level for level, _ in merkle.plan_root(size)) == size


@pytest.mark.parametrize("check", CHECKS)
def test_inclusion_of_every_leaf_of_every_small_tree(check: Any) -> None:
    for size in SIZES:
        for index in range(size):
            proof = merkle.prove_inclusion(index, size, read)
            assert proof == path(index, 0, size)
            check.check_inclusion(leaf(index), index, size, proof, root(size))
            for bent in bent_proofs(proof):
                assert refuses(check.check_inclusion, leaf(index), index, size, bent, root(size))
            for other in {index - 1, index + 1, size - 1 - index, size, index + 64} - {index}:
                assert refuses(check.check_inclusion, leaf(index), other, size, proof, root(size))
            assert refuses(check.check_inclusion, leaf(index + 1), index, size, proof, root(size))
            assert refuses(check.check_inclusion, leaf(index), index, size, proof, root(size + 1))


@pytest.mark.parametrize("check", CHECKS)
def test_consistency_of_every_pair_of_small_trees(check: Any) -> None:
    for new in SIZES:
        for old in range(1, new + 1):
            proof = merkle.prove_consistency(old, new, read)
            assert proof == subproof(old, 0, new, True)
            check.check_consistency(old, new, proof, root(old), root(new))
            for bent in bent_proofs(proof):
                assert refuses(check.check_consistency, old, new, bent, root(old), root(new))
            assert refuses(check.check_consistency, old, new, proof, root(old - 1), root(new))
            assert refuses(check.check_consistency, old, new, proof, root(old), root(new + 1))
            if old != new:
                assert refuses(check.check_consistency, new, old, proof, root(new), root(old))
                assert refuses(check.check_consistency, old, new, proof, root(new), root(old))
                assert refuses(check.check_consistency, old, old, proof, root(old), root(old))
            if old > 1:
                assert refuses(check.check_consistency, old - 1, new, proof, root(old), root(new))


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_consistent_with_the_empty_tree(check: Any) -> None:
    assert refuses(check.check_consistency, 0, 0, [], merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)
    assert refuses(check.check_consistency, 0, 5, [], merkle.EMPTY_ROOT, root(5))
    assert refuses(check.check_consistency, 3, 3, [], root(3), root(4))


def test_a_plan_names_what_is_read_and_reads_once() -> None:
    asked: list[list[merkle.Node]] = []

    def spy(nodes: Any) -> list[bytes]:
        asked.append(list(nodes))
        return read(nodes)

    merkle.prove_inclusion(5, 39, spy)
    merkle.prove_consistency(11, 39, spy)
    merkle.compute_root(39, spy)
    assert asked == [merkle.plan_inclusion(5, 39), merkle.plan_consistency(11, 39), merkle.plan_root(39)]
    assert merkle.plan_root(39) == [(5, 0), (2, 8), (1, 18), (0, 38)]
    assert merkle.plan_inclusion(5, 39) == [(0, 4), (1, 3), (2, 0), (3, 1), (4, 1), (2, 8), (1, 18), (0, 38)]


def test_a_reader_that_answers_too_few_hashes_is_our_own_bug() -> None:
    with pytest.raises(AssertionError, match="asked for 2 hashes and got 1"):
        merkle.prove_inclusion(0, 3, lambda nodes: [leaf(1)])


@pytest.mark.parametrize(
    "plan",
    [
        lambda: merkle.plan_root(-1),
        lambda: merkle.plan_root(2**63),
        lambda: merkle.plan_inclusion(0, 0),
        lambda: merkle.plan_inclusion(3, 3),
        lambda: merkle.plan_inclusion(-1, 3),
        lambda: merkle.plan_consistency(0, 3),
        lambda: merkle.plan_consistency(4, 3),
        lambda: merkle.plan_consistency(1, 2**64),
    ],
)
def test_no_plan_for_places_that_are_not_there(plan: Callable[[], Any]) -> None:
    with pytest.raises(ProofError):
        plan()


# ---- vectors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS)
def test_inclusion_vectors_of_transparency_dev(check: Any) -> None:
    cases = load_vector("merkle", "inclusion.json")["cases"]
    assert len(cases) == 98
    for case in cases:
        arguments = (
            b64(case["leafHash"] or ""),
            case["leafIdx"],
            case["treeSize"],
            [b64(hash_) for hash_ in case["proof"] or []],
            b64(case["root"] or ""),
        )
        assert refuses(check.check_inclusion, *arguments) == case["wantErr"], case["name"]


@pytest.mark.parametrize("check", CHECKS)
def test_proofs_of_a_log_of_70000(check: Any) -> None:
    vector = load_vector("log", "decimal-70000.json")
    assert vector["roots"]["257"] == root(257).hex()
    for case in vector["inclusion"]:
        proof = [b64(hash_) for hash_ in case["proof"]]
        assert proof == merkle.prove_inclusion(case["index"], case["size"], read)
        arguments = [b64(case["leafHash"]), case["index"], case["size"], proof, b64(case["root"])]
        check.check_inclusion(*arguments)
        for bent in bent_proofs(proof):
            assert refuses(check.check_inclusion, *arguments[:3], bent, arguments[4])
    for case in vector["consistency"]:
        proof = [b64(hash_) for hash_ in case["proof"]]
        assert proof == merkle.prove_consistency(case["size1"], case["size2"], read)
        sizes, roots = (case["size1"], case["size2"]), (b64(case["root1"]), b64(case["root2"]))
        check.check_consistency(*sizes, proof, *roots)
        for bent in bent_proofs(proof):
            assert refuses(check.check_consistency, *sizes, bent, *roots)


# ---- corruption of the arguments ------------------------------------------------------------------------------------

WRONG_NUMBERS: list[Any] = [-1, 2**63, 2**64 - 1, 2**200, 1.0, True, None, "3", b"3"]
WRONG_HASHES: list[Any] = [b"", bytes(31), bytes(33), bytearray(32), "x" * 32, None, 7, memoryview(bytes(32))]
WRONG_PROOFS: list[Any] = [
    None,
    7,
    b"",
    bytes(32),
    "",
    "x" * 32,
    bytearray(32),
    memoryview(bytes(32)),
    {1: 2},
    iter([]),
]


@pytest.mark.parametrize("check", CHECKS)
def test_arguments_of_the_wrong_kind_are_refused_not_raised(check: Any) -> None:
    included = {
        "leaf_hash": leaf(3),
        "index": 3,
        "size": 7,
        "proof": merkle.prove_inclusion(3, 7, read),
        "root": root(7),
    }
    step = {
        "old_size": 3,
        "new_size": 7,
        "proof": merkle.prove_consistency(3, 7, read),
        "old_root": root(3),
        "new_root": root(7),
    }
    check.check_inclusion(**included)
    check.check_consistency(**step)
    for right, call in ((included, check.check_inclusion), (step, check.check_consistency)):
        proof: Any = right["proof"]
        call(**{**right, "proof": tuple(proof)})
        wrong: list[tuple[str, Any]] = [("proof", value) for value in WRONG_PROOFS]
        wrong += [("proof", [*proof[:-1], value]) for value in WRONG_HASHES]
        wrong += [(name, value) for name in right if "size" in name or name == "index" for value in WRONG_NUMBERS]
        wrong += [(name, value) for name in right if "root" in name or "hash" in name for value in WRONG_HASHES]
        for name, value in wrong:
            assert refuses(call, **{**right, name: value}), (name, value)


def test_a_refusal_says_which_root_is_off() -> None:
    proof = merkle.prove_consistency(3, 7, read)
    with pytest.raises(ProofError, match="another old root"):
        merkle.check_consistency(3, 7, proof, root(4), root(7))
    with pytest.raises(ProofError, match="another new root"):
        merkle.check_consistency(3, 7, proof, root(3), root(8))
    with pytest.raises(ProofError, match="Two different roots"):
        merkle.check_consistency(7, 7, [], root(7), root(8))
    with pytest.raises(ProofError, match="not in that tree at that place"):
        merkle.check_inclusion(leaf(4), 3, 7, merkle.prove_inclusion(3, 7, read), root(7))


# ---- properties -----------------------------------------------------------------------------------------------------

hashes = st.sampled_from([leaf(i) for i in range(6)] + [root(i) for i in range(8)])
sizes = st.one_of(st.integers(0, 20), st.integers(0, 2**63 - 1))
proofs = st.lists(hashes, max_size=8)


@given(hashes, sizes, sizes, proofs, hashes)
def test_both_formulations_agree_on_any_inclusion(
    leaf_: bytes, index: int, size: int, proof: Any, root_: bytes
) -> None:
    arguments = leaf_, index, size, proof, root_
    assert refuses(merkle.check_inclusion, *arguments) == refuses(rfc9162.check_inclusion, *arguments)


@given(sizes, sizes, proofs, hashes, hashes)
def test_both_formulations_agree_on_any_consistency(
    old: int, new: int, proof: Any, first: bytes, second: bytes
) -> None:
    arguments = old, new, proof, first, second
    assert refuses(merkle.check_consistency, *arguments) == refuses(rfc9162.check_consistency, *arguments)


@given(st.integers(1, 2**63 - 1), st.data())
def test_both_formulations_agree_on_where_each_hash_goes(size: int, data: st.DataObject) -> None:
    """Trees too large to build: made-up siblings lead to one root in both, and to no other."""
    index = data.draw(st.integers(0, size - 1))
    groups = merkle.prove_inclusion(
        index, size, lambda nodes: [merkle.leaf_hash(repr(node).encode()) for node in nodes]
    )
    found = _root_of(leaf(0), index, size, groups)
    merkle.check_inclusion(leaf(0), index, size, groups, found)
    rfc9162.check_inclusion(leaf(0), index, size, groups, found)
    if size > 1:
        assert refuses(merkle.check_inclusion, leaf(0), index, size, groups[1:], found)
        assert refuses(rfc9162.check_inclusion, leaf(0), index, size, groups[1:], found)


def _root_of(hash_: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """RFC 6962 section 2.1.1 read backwards, by recursion on the tree from its root."""
    if size == 1:
        assert proof == []
        return hash_
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return merkle.node_hash(_root_of(hash_, index, split, proof[:-1]), proof[-1])
    return merkle.node_hash(proof[-1], _root_of(hash_, index - split, size - split, proof[:-1]))
