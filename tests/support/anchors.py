"""Anchor evidence out of a made-up chain: a state trie with other accounts around the contract, and its header."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import rlp
from trie import HexaryTrie

from ledger.evidence.anchor import KNOWN_CODE, MODES, Anchor, Finality, Head, head_slots, log_id
from ledger.evidence.patricia import collect_nodes, keccak

CHAIN = 31337
CONTRACT = hashlib.sha256(b"contract").digest()[:20]
CODE = bytes.fromhex(sorted(KNOWN_CODE)[0])
NUMBER, TIME = 1_000, 1_790_000_000


def trie_of(pairs: dict[bytes, bytes]) -> HexaryTrie:
    """A secure trie: keys are hashed."""
    tree = HexaryTrie({})
    for key, value in pairs.items():
        tree[keccak(key)] = value
    return tree


def proof_of(tree: HexaryTrie, key: bytes) -> list[bytes]:
    """The nodes from the root down to a key."""
    return [rlp.encode(list(node)) for node in tree.get_proof(keccak(key))]


def pack(head: Head) -> tuple[int, int, int]:
    """The three storage slots of a head."""
    numbers = head.size | head.time << 64 | head.block << 128 | head.count << 192 | MODES.index(head.mode) << 224
    return numbers, int.from_bytes(head.root, "big"), int.from_bytes(head.chain, "big")


@dataclass
class Chain:
    """One block of a chain whose state holds the contract. accounts: others beside it; slots: of the contract."""

    slots: dict[int, int]
    contract: bytes = CONTRACT
    code: bytes = CODE
    accounts: int = 300
    number: int = NUMBER
    time: int = TIME
    storage: HexaryTrie = field(init=False)
    state: HexaryTrie = field(init=False)

    def __post_init__(self) -> None:
        written = {slot.to_bytes(32, "big"): rlp.encode(value) for slot, value in self.slots.items() if value}
        self.storage = trie_of(written)
        others = {hashlib.sha256(b"%d" % n).digest()[:20]: self.account(bytes(32)) for n in range(self.accounts)}
        self.state = trie_of(others | {self.contract: self.account(self.storage.root_hash)})

    def account(self, storage: bytes) -> bytes:
        """An account as the state trie holds it."""
        return rlp.encode([b"\x01", b"", storage, self.code])

    def header(self, *, extra: Sequence[bytes] = (b"\x07",)) -> bytes:
        """The header of the block."""
        numbers = (0, self.number, 30_000_000, 21_000, self.time)
        fields: list[Any] = [bytes(32), bytes(32), bytes(20), self.state.root_hash, bytes(32), bytes(32), bytes(256)]
        fields += [number.to_bytes(8, "big").lstrip(b"\0") for number in numbers]
        return rlp.encode([*fields, b"", bytes(32), bytes(8), *extra])

    def nodes(self, slots: Sequence[int]) -> tuple[bytes, ...]:
        """The nodes that show the contract and these slots of it."""
        proofs = [proof_of(self.storage, slot.to_bytes(32, "big")) for slot in slots]
        return collect_nodes([proof_of(self.state, self.contract), *proofs])


def head_of(size: int, root: bytes, **other: Any) -> Head:
    """A head as the contract would keep it."""
    told = {
        "time": TIME - 24,
        "block": NUMBER - 2,
        "count": 3,
        "mode": "strict",
        "chain": hashlib.sha256(root).digest(),
    }
    return Head(size=size, root=root, **{**told, **other})


def anchor_of(head: Head, origin: str, chain: Chain | None = None, **other: Any) -> Anchor:
    """The evidence for a head, honest unless the chain given says otherwise; the block is not before the head."""
    slots = head_slots(log_id(origin))
    chain = chain or Chain(dict(zip(slots, pack(head), strict=True)) | {2: 7, 3: 9}, time=max(TIME, head.time))
    told: dict[str, Any] = {
        "chain": CHAIN,
        "contract": chain.contract,
        "origin": origin,
        "head": head,
        "block": keccak(chain.header()),
        "header": chain.header(),
        "nodes": chain.nodes(slots),
        "transaction": bytes(31) + b"\x01",
        "finality": Finality("final", "finalized", 70, TIME + 900),
    }
    return Anchor(**{**told, **other})
