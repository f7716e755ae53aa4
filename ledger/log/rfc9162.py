"""The two proof checks as RFC 9162 writes them (fn/sn), for the audit.

Written apart from `ledger.log.merkle`, with other variables and another loop, so that a slip in one shows as a
difference from the other; a test holds the two against each other. Shares nothing with it but the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from ledger.errors import ProofError


def check_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2. Arguments as in `ledger.log.merkle.check_inclusion`; raises ProofError."""
    _require_form([index, size], [leaf_hash, root], proof)
    # 1. Compare leaf_index with tree_size.
    if index >= size:
        raise ProofError("The index is not below the tree size.")
    # 2. Set fn to leaf_index and sn to tree_size - 1.   3. Set r to hash.
    fn, sn, r = index, size - 1, leaf_hash
    # 4. For each value p in the inclusion_path array:
    for p in proof:
        # a. If sn is 0, then stop the iteration and fail.
        if sn == 0:
            raise ProofError("The inclusion proof is too long.")
        # b. If LSB(fn) is set, or if fn is equal to sn: r = H(0x01 || p || r), and skip to the next set bit of fn.
        if fn & 1 or fn == sn:
            r = _join(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = _join(r, p)
        # c. Finally, right-shift both fn and sn one time.
        fn, sn = fn >> 1, sn >> 1
    # 5. Compare sn to 0. Compare r against the root_hash.
    if sn != 0:
        raise ProofError("The inclusion proof is too short.")
    if r != root:
        raise ProofError("The inclusion proof leads to another root.")


def check_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 section 2.1.4.2. Arguments as in `ledger.log.merkle.check_consistency`; raises ProofError."""
    _require_form([old_size, new_size], [old_root, new_root], proof)
    if old_size == 0 or old_size > new_size:
        raise ProofError("There is no consistency proof between trees of these sizes.")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofError("The same size takes an empty proof and equal roots.")
        return
    # 1. An empty path fails.   2. If first is an exact power of 2, prepend first_hash to the path.
    if not proof:
        raise ProofError("The consistency proof is empty.")
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    # 3. Set fn to first - 1 and sn to second - 1.   4. Right-shift both equally until LSB(fn) is not set.
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5. Set both fr and sr to the first value.   6. For each subsequent value c:
    fr = sr = path[0]
    for c in path[1:]:
        # a. If sn is 0, then stop the iteration and fail.
        if sn == 0:
            raise ProofError("The consistency proof is too long.")
        # b. If LSB(fn) is set, or if fn is equal to sn: both roots take c on their left.
        if fn & 1 or fn == sn:
            fr, sr = _join(c, fr), _join(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _join(sr, c)
        # c. Finally, right-shift both fn and sn one time.
        fn, sn = fn >> 1, sn >> 1
    # 7. fr is the first hash, sr the second, and sn is 0.
    if sn != 0:
        raise ProofError("The consistency proof is too short.")
    if fr != old_root or sr != new_root:
        raise ProofError("The consistency proof leads to other roots.")


def _join(left: bytes, right: bytes) -> bytes:
    # HASH(0x01 || left || right), RFC 9162 section 2.1.1
    return sha256(b"".join((b"\x01", left, right))).digest()


def _require_form(numbers: list[Any], hashes: list[Any], proof: Any) -> None:
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise ProofError("An index or a size is not a whole number.")
    if not all(0 <= number < 1 << 63 for number in numbers):
        raise ProofError("An index or a size is out of range.")
    if not isinstance(proof, (list, tuple)):
        raise ProofError("The proof is not a list of hashes.")
    if not all(isinstance(value, bytes) and len(value) == 32 for value in (*hashes, *proof)):
        raise ProofError("A hash is not 32 bytes.")
