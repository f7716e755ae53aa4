"""The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots, proofs and their checks.

Proofs are built from the hashes of complete subtrees, which a caller reads in one go: plan, read, fold. A node is
`(level, index)`: the subtree of 2**level leaves that starts at leaf index * 2**level. Where those hashes are kept
(tiles, rows, files) is left to others. The checks are the ones that auditors use; `ledger.log.rfc9162` holds a second
formulation of the same two checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from ledger.errors import ProofError

HASH_SIZE = 32
MAX_SIZE = 2**63 - 1  # sizes are signed 64-bit numbers in every implementation that we exchange proofs with
EMPTY_ROOT = sha256(b"").digest()  # RFC 6962 section 2.1: MTH({}) = SHA-256()

Node = tuple[int, int]
Read = Callable[[Sequence[Node]], Sequence[bytes]]
Path = tuple[list[Node], slice]
"""The nodes of a proof, and which of them are folded into the one hash of a subtree that is not complete."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), RFC 6962 section 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over all leaf hashes of a tree; `EMPTY_ROOT` when there are none. RFC 6962 section 2.1."""
    if not leaf_hashes:
        return EMPTY_ROOT
    row = list(leaf_hashes)
    while len(row) > 1:
        # Pairing from the left and carrying an odd last node up splits at the largest power of two below n.
        pairs = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = pairs + row[len(row) & ~1 :]
    return row[0]


# ---- proofs: plan, read, fold ---------------------------------------------------------------------------------------


def plan_root(size: int) -> list[Node]:
    """The complete subtrees, left to right, whose hashes give the root of a tree of `size` leaves."""
    _require_size(size)
    return _cover(0, size)


def plan_inclusion(index: int, size: int) -> list[Node]:
    """The nodes that `prove_inclusion(index, size, read)` will read. Raises ProofError unless 0 <= index < size."""
    return _inclusion_path(index, size)[0]


def plan_consistency(old_size: int, new_size: int) -> list[Node]:
    """The nodes that `prove_consistency` will read. Raises ProofError unless 0 < old_size <= new_size."""
    return _consistency_path(old_size, new_size)[0]


def compute_root(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves, from the hashes of complete subtrees."""
    nodes = plan_root(size)
    return _fold(read(nodes)) if nodes else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, the leaf's sibling first.

    `read` is called once with the nodes of `plan_inclusion` and answers their hashes in that order.
    """
    return _prove(_inclusion_path(index, size), read)


def prove_consistency(old_size: int, new_size: int, read: Read) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 6962 section 2.1.2; `read` as in `prove_inclusion`."""
    return _prove(_consistency_path(old_size, new_size), read)


def _inclusion_path(index: int, size: int) -> Path:
    _require_place(index, size)
    return _path(index, size, 0)


def _consistency_path(old_size: int, new_size: int) -> Path:
    _require_step(old_size, new_size)
    if old_size == new_size:
        return [], slice(0, 0)
    shift = _trailing_zeros(old_size)
    # The last complete subtree of the old tree is known to the verifier only when it is the whole old tree.
    seed = [] if old_size == 1 << shift else [(shift, (old_size >> shift) - 1)]
    nodes, last = _path(old_size - 1, new_size, shift)
    return seed + nodes, slice(last.start + len(seed), last.stop + len(seed))


def _path(index: int, size: int, base: int) -> Path:
    """The way from the node at level `base` above leaf `index` to the root."""
    inner = (index ^ (size - 1)).bit_length()  # below here, siblings on both sides; above, only on the left
    nodes = [(k, (index >> k) ^ 1) for k in range(base, inner - 1)]
    first = len(nodes)
    if inner > base:
        # The sibling that holds the tree's last leaf: the only one that may be incomplete.
        nodes += _cover(((index >> (inner - 1)) ^ 1) << (inner - 1), size)
    last = slice(first, len(nodes))
    nodes += [(k, (index >> k) - 1) for k in range(inner, index.bit_length()) if index >> k & 1]
    return nodes, last


def _cover(start: int, end: int) -> list[Node]:
    """Complete subtrees that cover the leaves from `start` to `end`, left to right; `start` is aligned to them."""
    nodes: list[Node] = []
    for k in range((end - start).bit_length() - 1, -1, -1):
        if (end - start) >> k & 1:
            nodes.append((k, start >> k))
            start += 1 << k
    return nodes


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring subtrees given largest first."""
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = sha256(b"\x01" + left + folded).digest()
    return folded


def _prove(path: Path, read: Read) -> list[bytes]:
    nodes, last = path
    hashes = list(read(nodes)) if nodes else []
    if len(hashes) != len(nodes):
        raise AssertionError(f"asked for {len(nodes)} hashes and got {len(hashes)}")
    if last.stop - last.start > 1:
        hashes[last] = [_fold(hashes[last])]
    return hashes


# ---- checks ---------------------------------------------------------------------------------------------------------


def check_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf at `index` of the tree (size, root) has this hash. RFC 6962 section 2.1.1.

    leaf_hash and root: 32 bytes; proof: 32-byte hashes, the leaf's sibling first. Raises ProofError for whatever does
    not verify, wrong types and lengths included.
    """
    _require_place(index, size)
    _require_hash(leaf_hash, "leaf hash")
    _require_hash(root, "root")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    computed = leaf_hash
    for k, sibling in enumerate(_require_proof(proof, inner + border)):
        if k < inner and not index >> k & 1:
            computed = sha256(b"\x01" + computed + sibling).digest()
        else:
            computed = sha256(b"\x01" + sibling + computed).digest()
    if computed != root:
        raise ProofError("The inclusion proof leads to another root: this entry is not in that tree at that place.")


def check_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree (new_size, new_root) begins with the tree (old_size, old_root). RFC 6962 section 2.1.2.

    0 < old_size <= new_size: a proof from nothing proves nothing. Raises ProofError for whatever does not verify,
    wrong types and lengths included.
    """
    _require_step(old_size, new_size)
    _require_hash(old_root, "old root")
    _require_hash(new_root, "new root")
    if old_size == new_size:
        _require_proof(proof, 0)
        if old_root != new_root:
            raise ProofError("Two different roots are claimed for the same tree size.", size=new_size)
        return
    shift = _trailing_zeros(old_size)
    inner = ((old_size - 1) ^ (new_size - 1)).bit_length() - shift
    index = (old_size - 1) >> shift
    border = (index >> inner).bit_count()
    whole = old_size == 1 << shift  # the old tree is one complete subtree: its root is the seed
    hashes = _require_proof(proof, inner + border + (not whole))
    seed, path = (old_root, hashes) if whole else (hashes[0], hashes[1:])
    old_computed, new_computed = seed, seed
    for k, sibling in enumerate(path):
        if k < inner and not index >> k & 1:
            new_computed = sha256(b"\x01" + new_computed + sibling).digest()
        else:
            old_computed = sha256(b"\x01" + sibling + old_computed).digest()
            new_computed = sha256(b"\x01" + sibling + new_computed).digest()
    if old_computed != old_root:
        raise ProofError("The consistency proof leads to another old root.", old_size=old_size)
    if new_computed != new_root:
        raise ProofError("The consistency proof leads to another new root.", new_size=new_size)


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def _require_size(size: Any) -> None:
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise ProofError("A tree size is a whole number from 0 to 2**63 - 1.")


def _require_place(index: Any, size: Any) -> None:
    _require_size(size)
    if type(index) is not int or not 0 <= index < size:
        raise ProofError("The index is not that of a leaf of a tree of this size.")


def _require_step(old_size: Any, new_size: Any) -> None:
    _require_size(old_size)
    _require_size(new_size)
    if not 0 < old_size <= new_size:
        raise ProofError("Consistency is shown from a tree with at least one leaf to one that is not smaller.")


def _require_hash(value: Any, what: str) -> None:
    if not isinstance(value, bytes) or len(value) != HASH_SIZE:
        raise ProofError(f"The {what} is not {HASH_SIZE} bytes.")


def _require_proof(proof: Any, length: int) -> Sequence[bytes]:
    if not isinstance(proof, Sequence) or isinstance(proof, (bytes, bytearray, str, memoryview)):
        raise ProofError("A proof is a list of hashes.")
    if len(proof) != length:
        raise ProofError(f"The proof has {len(proof)} hashes where {length} are needed.", limit=length)
    for hash_ in proof:
        _require_hash(hash_, "proof's hash")
    return proof
