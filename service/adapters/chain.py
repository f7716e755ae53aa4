"""What an anchor sink is told by a node, and how it learns that there was no answer: shapes, no library."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ledger.evidence.anchor import Head


class AnchorSetupError(Exception):
    """A setting of an anchor sink is missing or wrong; the message names the variable and says what to do."""


class NodeDown(Exception):
    """The node did not answer: not there, too slow, or not a node."""


class NodeRefused(Exception):
    """The node answered with an error. data: what the contract reverted with, b"" for none; error: its name there.

    The text is for people. No decision rests on it: texts differ from one client to the next.
    """

    def __init__(self, message: str, *, data: bytes = b"", error: str = "") -> None:
        super().__init__(message)
        self.data = data
        self.error = error


class Block(NamedTuple):
    """A block of the canonical chain. hash: 0x and hex; time: seconds; told: the answer of the node."""

    number: int
    hash: str
    time: int
    told: Mapping[str, Any]


class Receipt(NamedTuple):
    """Where a transaction was mined, and whether it did what it should."""

    block: int
    block_hash: str
    ok: bool


class Fees(NamedTuple):
    """Wei a gas. base: of the next block; tip: what half of the recent transactions paid less than."""

    base: int
    tip: int


class Proof(NamedTuple):
    """The head's slots, provable against `block`; nodes: in the order of first use; header: RLP."""

    block: Block
    header: bytes
    nodes: tuple[bytes, ...]


class Node(Protocol):
    """A node with one `LogAnchor` on it. Every method asks it once; all raise NodeDown and NodeRefused."""

    def chain_id(self) -> int:
        """Which chain it follows."""
        ...

    def block(self, which: int | str) -> Block | None:
        """A canonical block by number or tag (`latest`, `finalized`); None where there is none."""
        ...

    def code_hash(self) -> bytes:
        """Keccak-256 of the code at the contract's address."""
        ...

    def head(self, log: bytes, at: int | str = "latest") -> Head | None:
        """The head of a log as of a block; None while nothing is anchored."""
        ...

    def is_anchorer(self, log: bytes, address: str) -> bool:
        """Whether an address may anchor."""
        ...

    def nonce(self, address: str) -> int:
        """How many transactions of an address are mined."""
        ...

    def balance(self, address: str) -> int:
        """What an address has, in wei."""
        ...

    def receipt(self, tx: str) -> Receipt | None:
        """Where a transaction was mined; None while it is not."""
        ...

    def knows(self, tx: str) -> bool:
        """Whether the node has a transaction, mined or waiting."""
        ...

    def fees(self) -> Fees:
        """What gas costs now."""
        ...

    def estimate(self, sender: str, data: bytes) -> int:
        """Gas that a call of the contract needs; NodeRefused when it would revert."""
        ...

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to the network."""
        ...

    def prove(self, slots: Collection[int], at: int | str) -> Proof:
        """Header and trie nodes for storage slots of the contract."""
        ...

    def encode_anchor(self, log: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bytes:
        """Call data of `anchor`; asks nobody."""
        ...


class Signer(Protocol):
    """Who signs transactions: a keystore or a remote signer."""

    address: str

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The signed transaction, ready to be sent. Raises AnchorSetupError when the signer refuses."""
        ...
