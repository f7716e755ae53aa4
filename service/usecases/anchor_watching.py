"""Watching what was mined until it is final, and taking the evidence while nodes still have the state.

A block counts as long as its hash is that of the canonical block of its number. Final means that the chain (or the
number of confirmations that was set) says so, that the hash is still the same, and that the contract's head as of the
final block agrees with the log.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import LedgerError
from ledger.evidence.anchor import (
    Anchor,
    Finality,
    check_anchor,
    format_anchor,
    parse_anchor,
    read_head,
)
from ledger.evidence.patricia import open_account
from service.adapters.chain import Block, NodeRefused, Proof
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound
from service.usecases.anchor_link import Link
from service.usecases.anchoring import Stop, log


class Watcher:
    """Follows mined anchors of one link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def look(self, now: int) -> bool:
        """Bring every mined anchor, and evidence that is not final, up to date; whether there was any. Raises Stop."""
        link = self._link
        watched = [*link.outbox.anchors("mined"), *link.outbox.finals_with_open_evidence()]
        if not watched:
            return False
        latest = link.node.block("latest")
        if latest is None:
            raise Stop("unreachable", "The node at LODELINE_ANCHOR_RPC has no newest block.")
        with link.outbox.writing() as conn:
            rows.update_sink(conn, link.outbox.sink, height=latest.number)
        final = self._final_number(latest)
        for row in watched:
            if row.state != "mined" or self._look_at(row, final):
                self._look_at_evidence(row.size, latest, final, now)
        if final is None:
            raise Stop(
                "no_finality",
                "The node at LODELINE_ANCHOR_RPC knows no finalized block, so no anchor becomes final: set "
                "LODELINE_ANCHOR_FINALITY to a number of confirmations.",
            )
        return True

    def _final_number(self, latest: Block) -> int | None:
        """Number of the newest final block; None where the chain has no such thing."""
        confirmations = self._link.place.confirmations
        if confirmations is not None:
            return latest.number - max(confirmations, 1) + 1
        try:
            block = self._link.node.block("finalized")
        except NodeRefused:
            return None
        return block.number if block else None

    def _look_at(self, row: AnchorFound, final: int | None) -> bool:
        """Whether a mined anchor is still where it was."""
        link = self._link
        number = row.block or 0
        if link.canonical(number).hash != row.block_hash:
            self._moved(row)
            return False
        if final is not None and number <= final and self._agrees(row, final):
            link.outbox.update(row.size, state="final")
            link.outbox.notice("final")
        return True

    def _agrees(self, row: AnchorFound, final: int) -> bool:
        """The contract's head as of the final block holds this anchor. Raises Stop when it contradicts the log."""
        head = self._link.head(final)
        if head is None or head.size < row.size:
            self._link.requeue(row)
            return False
        if self._link.log.root(head.size) != head.root:
            self._link.compare(head)
        return True

    def _moved(self, row: AnchorFound) -> None:
        """The block is gone: the anchor stands in another one by now, or has to be sent again."""
        link = self._link
        head = link.head()
        if head is not None and head.size == row.size and head.root == row.root:
            link.mark_mined(row.size, head, link.canonical(head.block), tx=row.tx)
            link.outbox.notice("moved")
            return
        for one in link.outbox.beside(row.tx):
            receipt = link.node.receipt(one.hash)
            if receipt is not None and receipt.ok and one.size == row.size and head is not None:
                link.mark_mined(row.size, head, link.canonical(receipt.block), tx=one.hash)
                link.outbox.notice("moved")
                return
        link.requeue(row)

    # ---- evidence -----------------------------------------------------------------------------

    def _look_at_evidence(self, size: int, latest: Block, final: int | None, now: int) -> None:
        row = self._link.outbox.anchor(size)
        if row is None or row.state not in ("mined", "final"):
            return
        if not row.evidence:
            self.take(row, latest, now)
        elif final is not None and (row.evidence_block or 0) <= final and row.state == "final":
            if self._link.canonical(row.evidence_block or 0).hash == row.evidence_hash:
                self._close(row, latest, now)
            else:
                self.take(row, latest, now)

    def take(self, row: AnchorFound, latest: Block, now: int) -> None:
        """Keep the proof of the head as of the anchor's block, or of the newest one where the node has no older state.

        What does not verify is not kept. A node that gives no proofs costs the evidence, not the anchor.
        """
        for at in (row.block or 0, "latest"):
            try:
                proof = self._link.node.prove(self._link.slots, at)
                evidence = self._assemble(row, proof, latest, now)
            except (NodeRefused, LedgerError) as error:
                log.warning("no evidence of an anchor", size=row.size, at=at, why=str(error))
                continue
            told = {"evidence_block": proof.block.number, "evidence_hash": proof.block.hash, "evidence_final": False}
            self._link.outbox.update(row.size, evidence=evidence.decode(), **told)
            return

    def _assemble(self, row: AnchorFound, proof: Proof, latest: Block, now: int) -> bytes:
        link = self._link
        contract = bytes.fromhex(link.place.contract[2:])
        root = bytes.fromhex(str(proof.block.told["stateRoot"])[2:])
        head = read_head(open_account(root, contract, link.slots, proof.nodes).slots)
        anchor = Anchor(
            chain=link.place.chain,
            contract=contract,
            origin=link.origin,
            head=head,
            block=bytes.fromhex(proof.block.hash[2:]),
            header=proof.header,
            nodes=proof.nodes,
            transaction=bytes.fromhex(row.tx[2:]),
            finality=self._finality("mined", head.block, latest, now),
        )
        check_anchor(anchor, link.origin)
        return format_anchor(anchor)

    def _finality(self, state: str, block: int, latest: Block, now: int) -> Finality:
        rule = "finalized" if self._link.place.confirmations is None else "confirmations"
        return Finality(state, rule, max(latest.number - block + 1, 1), now)

    def _close(self, row: AnchorFound, latest: Block, now: int) -> None:
        """The block of the evidence is final, and the evidence says so."""
        anchor = parse_anchor(row.evidence.encode())
        done = replace(anchor, finality=self._finality("final", anchor.head.block, latest, now))
        self._link.outbox.update(row.size, evidence=format_anchor(done).decode(), evidence_final=True)
