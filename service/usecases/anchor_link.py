"""What the parts of the sink `ethereum` share: the node, the key, the place on the chain, the outbox and the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ledger.evidence.anchor import Head, head_slots, log_id
from service.adapters.chain import Block, Node, Signer
from service.config import AnchorSettings
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound
from service.usecases.anchoring import LogReader, Outbox, Stop

GWEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class Place:
    """Where `LogAnchor` stands. genesis: hash of block 0, "" when it is learnt at first contact; contract: address
    with its checksum; code: Keccak-256 of the code expected; confirmations: None where the chain has finalized blocks.
    """

    chain: int
    genesis: str
    contract: str
    code: bytes
    confirmations: int | None


@dataclass
class Link:
    """One sink's parts."""

    outbox: Outbox
    log: LogReader
    node: Node
    signer: Signer
    place: Place
    settings: AnchorSettings
    origin: str
    place_checked: bool = field(default=False)

    @cached_property
    def log_id(self) -> bytes:
        """What the contract calls this log."""
        return log_id(self.origin)

    @cached_property
    def slots(self) -> tuple[int, int, int]:
        """Where the contract keeps its head."""
        return head_slots(self.log_id)

    def head(self, at: int | str = "latest") -> Head | None:
        """The log's head on the chain."""
        return self.node.head(self.log_id, at)

    # ---- is it the place we think it is? -----------------------------------------------------

    def check_chain(self) -> None:
        """The chain id at every look, the rest when the node was away. Raises Stop."""
        found = self.node.chain_id()
        if found != self.place.chain:
            self.place_checked = False
            raise Stop(
                "wrong_chain",
                f"The node at LODELINE_ANCHOR_RPC follows chain {found}, and LODELINE_ANCHOR_CHAIN is "
                f"{self.place.chain}: set one of them right.",
            )
        if not self.place_checked:
            self.check_genesis()
            self.check_code()
            self.place_checked = True

    def check_genesis(self) -> None:
        """Two chains can share an id; they do not share their first block. Raises Stop."""
        block = self.node.block(0)
        known = self.outbox.found()
        expected = self.place.genesis or (known.genesis if known else "")
        if block is None or (expected and block.hash != expected):
            raise Stop(
                "wrong_chain",
                f"The first block at LODELINE_ANCHOR_RPC is {block.hash if block else 'missing'}, not {expected}: "
                "this is another chain with the same id.",
            )
        with self.outbox.writing() as conn:
            rows.update_sink(conn, self.outbox.sink, genesis=block.hash)

    def check_code(self) -> None:
        """The contract is a build of `LogAnchor` that we know. Raises Stop."""
        if self.node.code_hash() != self.place.code:
            self.place_checked = False
            raise Stop(
                "wrong_code",
                f"The contract at {self.place.contract} is not LogAnchor as this version knows it: set "
                "LODELINE_ANCHOR_CONTRACT to where it was deployed (`lodeline-server anchor deploy`).",
            )

    # ---- what the chain says of the log ------------------------------------------------------

    def compare(self, head: Head | None) -> None:
        """Take in what the contract holds: the log must have it, and what it covers need not be sent.

        Raises Stop: chain_ahead, equivocation, not_final.
        """
        self._check_finals(head)
        if head is not None:
            self.check_head(head)
            self.adopt(head)

    def check_head(self, head: Head) -> None:
        """The log has what the contract holds. Raises Stop: chain_ahead, equivocation."""
        ours = self.log.root(head.size)
        if ours is None:
            raise Stop(
                "chain_ahead",
                f"The contract holds {head.size} entries of this log, which has fewer: it was restored from an old "
                "backup. Do not go on with it; restore the newer one.",
            )
        if ours != head.root:
            self._contradicted(head)

    def adopt(self, head: Head) -> None:
        """What the contract holds is anchored, whoever sent it."""
        row = self.outbox.anchor(head.size)
        if row is None or row.state in ("queued", "sent", "failed"):
            self.mark_mined(head.size, head, self.canonical(head.block), tx="")
            self.outbox.notice("found")

    def mark_mined(self, size: int, head: Head, block: Block, *, tx: str) -> None:
        """The checkpoint of this size is in a block; smaller ones that wait are covered by it."""
        mined = {"state": "mined", "block": block.number, "block_hash": block.hash, "block_time": block.time}
        fresh = {"problem": "", "evidence": "", "evidence_block": None, "evidence_hash": "", "evidence_final": False}
        sink = self.outbox.sink
        with self.outbox.writing() as conn:
            root = head.root if head.size == size else b""
            rows.enqueue(conn, sink, size, root=root, note="", now=block.time)
            rows.update_anchor(conn, sink, size, tx=tx, **mined, **fresh)
            rows.cover_anchors(conn, sink, size)

    def canonical(self, number: int) -> Block:
        """The block of this number. Raises Stop when the node does not have it."""
        block = self.node.block(number)
        if block is None:
            raise Stop("unreachable", f"The node at LODELINE_ANCHOR_RPC does not have block {number}: it is behind.")
        return block

    def _contradicted(self, head: Head) -> None:
        waiting = self.outbox.anchors("queued", "sent")
        at = self.outbox.anchor(head.size) or (waiting[-1] if waiting else None)
        told = f"the contract holds root {head.root.hex()} for {head.size} entries"
        if at is not None:
            self.outbox.update(at.size, state="equivocation", problem=told)
        raise Stop(
            "equivocation",
            f"For {head.size} entries the contract {self.place.contract} holds another root than this log: the log has "
            "two histories. Stop it, keep both, and find out who signed the other one.",
        )

    def _check_finals(self, head: Head | None) -> None:
        """What was final must still be there; if a chain went back on it, it is queued again."""
        gone = self.outbox.finals_beyond(head.size if head else 0)
        if not gone:
            return
        newest = self.canonical(gone[-1].block or 0)
        if newest.hash == gone[-1].block_hash:
            raise Stop("unreachable", "The node at LODELINE_ANCHOR_RPC answers with an old state: it is behind.")
        for row in gone:
            self.requeue(row)
        raise Stop(
            "not_final",
            f"The chain went back on a block that was final: {len(gone)} anchors from {gone[0].size} entries on are "
            "sent again. Check LODELINE_ANCHOR_FINALITY, and which chain the node follows.",
        )

    def requeue(self, row: AnchorFound) -> None:
        """An anchor's block is gone: back to the queue, and its transactions may be mined again."""
        cleared = {"block": None, "block_hash": "", "block_time": None, "tx": "", "evidence": "", "evidence_hash": ""}
        sink = self.outbox.sink
        with self.outbox.writing() as conn:
            for one in rows.transactions_beside(conn, sink, row.tx):
                if one.fate in ("mined", "replaced"):
                    rows.mark_fate(conn, one.hash, "")
            rows.update_anchor(
                conn, sink, row.size, state="queued", evidence_block=None, evidence_final=False, **cleared
            )
        self.outbox.notice("reorganised")
