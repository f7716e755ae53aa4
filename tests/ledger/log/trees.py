"""Small trees with known leaves, and a tree of RFC 6962 written straight from its recursive definition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

from ledger.log.merkle import Node


@cache
def leaf(index: int) -> bytes:
    """The hash of leaf `index`, whose entry is its ASCII decimal."""
    return sha256(b"\x00" + entry(index)).digest()


def entry(index: int) -> bytes:
    """The entry at `index`: its ASCII decimal, as in the vectors."""
    return b"%d" % index


@cache
def subtree(start: int, end: int) -> bytes:
    """MTH(D[start:end]) of RFC 6962 section 2.1, by its recursion."""
    if end == start:
        return sha256(b"").digest()
    if end - start == 1:
        return leaf(start)
    split = 1
    while split * 2 < end - start:
        split *= 2
    return sha256(b"\x01" + subtree(start, start + split) + subtree(start + split, end)).digest()


def root(size: int) -> bytes:
    """The root of the first `size` leaves."""
    return subtree(0, size)


def read(nodes: Sequence[Node]) -> list[bytes]:
    """Hashes of complete subtrees, as the `prove_` functions ask for them."""
    return [subtree(index << level, index + 1 << level) for level, index in nodes]


def path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(index, D[start:end]) of RFC 6962 section 2.1.1, by its recursion."""
    if end - start == 1:
        return []
    split = 1
    while split * 2 < end - start:
        split *= 2
    if index < split:
        return [*path(index, start, start + split), subtree(start + split, end)]
    return [*path(index - split, start + split, end), subtree(start, start + split)]


def subproof(old: int, start: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF(old, D[start:end], whole) of RFC 6962 section 2.1.2, by its recursion."""
    if old == end - start:
        return [] if whole else [subtree(start, end)]
    split = 1
    while split * 2 < end - start:
        split *= 2
    if old <= split:
        return [*subproof(old, start, start + split, whole), subtree(start + split, end)]
    return [*subproof(old - split, start + split, end, False), subtree(start, start + split)]


def bent_proofs(proof: Sequence[bytes]) -> list[list[bytes]]:
    """Every way to bend a proof a little: each hash flipped, dropped, doubled; one added; neighbours swapped."""
    whole = list(proof)
    bent = [[*whole, leaf(1000)], [leaf(1000), *whole]]
    for at, hash_ in enumerate(whole):
        bent.append([*whole[:at], bytes([hash_[0] ^ 1]) + hash_[1:], *whole[at + 1 :]])
        bent.append([*whole[:at], hash_[:-1] + bytes([hash_[-1] ^ 128]), *whole[at + 1 :]])
        bent.append([*whole[:at], *whole[at + 1 :]])
        bent.append([*whole[:at], hash_, *whole[at:]])
        if at:
            bent.append([*whole[: at - 1], hash_, whole[at - 1], *whole[at + 1 :]])
    return bent
