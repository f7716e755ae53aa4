"""What an Ethereum block says of a contract's storage, from its header and trie nodes alone (EIP-1186).

A block header is the RLP list of Yellow Paper section 4.3.3; its hash is the Keccak-256 of exactly these
bytes, and field 3 is the root of the state trie. There the contract's account stands under the hash of
its address: nonce, balance, root of its storage trie, hash of its code. A storage slot stands under the
hash of its number. `rlp` and `trie` (extra `anchor`) decode and walk; here is what they leave open: that
a header has one spelling, that nodes come in one order, and that none is there for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.errors import FalseAnchor

MAX_HEADER_BYTES: Final = 4_096
MAX_NODES: Final = 100
MAX_NODE_BYTES: Final = 600  # a branch of sixteen hashes has 532

_HASH = 32
_LENGTHS: Final = {0: 32, 1: 32, 2: 20, 3: 32, 4: 32, 5: 32, 6: 256, 13: 32, 14: 8}
_NUMBERS: Final = (7, 8, 9, 10, 11)  # difficulty, number, gas limit, gas used, time
_LEAST_FIELDS, _MOST_FIELDS = 15, 40  # later forks append fields; nothing before them has ever moved


@dataclass(frozen=True, slots=True)
class Header:
    """hash: Keccak-256 of the header; number, time: of the block, seconds since 1970; state_root: 32 bytes."""

    hash: bytes
    number: int
    time: int
    state_root: bytes


def keccak(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it, not SHA3-256."""
    from eth_hash.auto import keccak as compute

    return compute(data)


def parse_header(data: bytes) -> Header:
    """The header of an execution block. Raises FalseAnchor (`header`) for any other spelling."""
    import rlp

    try:
        fields = rlp.decode(data)
        canonical = rlp.encode(fields) == data
    except (rlp.exceptions.RLPException, IndexError, RecursionError):
        fields, canonical = [], False
    if not canonical or not _is_header(fields):
        raise FalseAnchor("This is not the canonical encoding of a block header.", reason="header")
    return Header(keccak(data), _number(fields[8]), _number(fields[11]), fields[3])


def _is_header(fields: Any) -> bool:
    if not isinstance(fields, list) or not _LEAST_FIELDS <= len(fields) <= _MOST_FIELDS:
        return False
    if not all(isinstance(one, bytes) for one in fields):
        return False
    if any(len(fields[at]) != length for at, length in _LENGTHS.items()):
        return False
    return all(len(fields[at]) <= _HASH and not fields[at].startswith(b"\0") for at in _NUMBERS)


def _is_hash(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == _HASH


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


@dataclass(slots=True)
class _Nodes:
    """Trie nodes by hash, as `trie` asks for them; used: in the order of first use."""

    known: dict[bytes, bytes]
    used: dict[bytes, None] = field(default_factory=dict)

    def __getitem__(self, key: bytes) -> bytes:
        value = self.known[key]
        self.used[key] = None
        return value


@dataclass(frozen=True, slots=True)
class Account:
    """What the state trie holds of a contract. code: Keccak-256 of its runtime code; slots: as asked for, in order."""

    code: bytes
    slots: tuple[int, ...]


def open_account(state_root: bytes, address: bytes, slots: Sequence[int], nodes: Sequence[bytes]) -> Account:
    """The account and these storage slots (0 for one never written) under a state root.

    nodes: the trie nodes on the way, account first, then each slot; each once, in the order of first use.

    Raises FalseAnchor (`account`, `storage`): a node is missing, foreign, malformed or more than is needed.
    """
    known = {keccak(one): one for one in nodes}
    found = _Nodes(known)
    leaf = _look_up(found, state_root, address, "account")
    if not leaf:
        raise FalseAnchor("There is no contract at this address in this block.", reason="account")
    fields = _decode(leaf, "account")
    if not isinstance(fields, list) or len(fields) != 4 or not all(_is_hash(one) for one in fields[2:]):
        raise FalseAnchor("The state trie holds no account at this address.", reason="account")
    values = [_slot(_look_up(found, fields[2], slot.to_bytes(_HASH, "big"), "storage")) for slot in slots]
    if list(found.used) != list(known) or len(known) != len(nodes):
        raise FalseAnchor("A trie node is not needed, stands twice or is out of order.", reason="storage")
    return Account(fields[3], tuple(values))


def _look_up(nodes: _Nodes, root: bytes, key: bytes, reason: str) -> bytes:
    """The value under the hash of `key`; empty when the nodes show that there is none."""
    from trie.hexary import HexaryTrie

    try:
        return bytes(HexaryTrie(nodes, root)[keccak(key)])
    except Exception:  # a node that hashes as it should and is malformed all the same ends in any of a dozen classes
        raise FalseAnchor("A trie node on the way is missing, or not what its parent names.", reason=reason) from None


def _slot(leaf: bytes) -> int:
    value = _decode(leaf, "storage") if leaf else b""
    if not isinstance(value, bytes) or len(value) > _HASH or value.startswith(b"\0"):
        raise FalseAnchor("The storage trie holds no number in this slot.", reason="storage")
    return _number(value)


def _decode(data: bytes, reason: str) -> Any:
    import rlp

    try:
        return rlp.decode(data)
    except (rlp.exceptions.RLPException, IndexError, RecursionError):
        raise FalseAnchor("A value in the trie is not RLP.", reason=reason) from None


def collect_nodes(proofs: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """The nodes of several proofs as `open_account` wants them: each once, in the order of first use."""
    return tuple(dict.fromkeys(node for proof in proofs for node in proof))
