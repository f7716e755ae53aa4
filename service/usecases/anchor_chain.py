"""The sink `ethereum`: one step at a time from queued to final, decided from the chain's state alone.

queued -> sent -> mined -> final, and back to queued when a reorganisation takes the block away. One transaction is in
flight; every look asks for the receipts of all transactions of its nonce, because any of them may have won. A tick
with nothing to do asks three questions: which chain, which head, how much money.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from service.adapters.chain import AnchorSetupError, NodeDown, NodeRefused, Receipt
from service.storage import anchors as rows
from service.storage.anchors import Transaction
from service.usecases.anchor_link import Link
from service.usecases.anchor_sending import MOST_REVERTS, Sender
from service.usecases.anchor_watching import Watcher
from service.usecases.anchoring import SignedHead, Stop


class EthereumSink:
    """Anchors one log in one contract."""

    name = "ethereum"

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sender = Sender(link)
        self._watcher = Watcher(link)

    def submit(self, head: SignedHead, now: int) -> bool:
        """Queue a checkpoint."""
        return self._link.outbox.submit(head, now)

    def status(self) -> dict[str, Any]:
        """How it is doing, and how many anchors are in each state."""
        return self._link.outbox.status()

    def evidence(self, size: int) -> bytes | None:
        """The evidence of the anchor of a size, as far as there is any."""
        found = self._link.outbox.anchor(size)
        return found.evidence.encode() if found and found.evidence else None

    def tick(self, now: int) -> str:
        """Take the next step; what was done, or the condition that keeps it from that."""
        outbox = self._link.outbox
        if not outbox.lease(now):
            return "leased"
        try:
            done, detail = self._step(now)
        except Stop as stop:
            condition, detail = stop.condition, stop.detail
        except AnchorSetupError as error:
            condition, detail = "misconfigured", str(error)
        except (NodeDown, NodeRefused) as error:
            self._link.place_checked = False  # who knows what answers when it is back
            condition = "unreachable"
            detail = f"The node at LODELINE_ANCHOR_RPC does not answer as it should ({error}): anchors wait."
        else:
            outbox.settle("ok", detail, now)
            return done
        outbox.settle(condition, detail, now)
        return condition

    def _step(self, now: int) -> tuple[str, str]:
        link = self._link
        link.check_chain()
        unsettled: Stop | None = None
        watching = False
        try:
            watching = self._watcher.look(now)
        except Stop as stop:
            if stop.condition != "no_finality":
                raise
            unsettled = stop  # what is mined stays so; new anchors go out all the same
        done = self._advance(now)
        if unsettled is not None:
            raise unsettled
        if done is not None:
            return done, ""
        return ("watching", "") if watching else ("idle", self._sender.check_low())

    def _advance(self, now: int) -> str | None:
        """Follow what is in flight, or send what is queued; None when there is neither."""
        link = self._link
        if live := link.outbox.live():
            return self._follow(live, now)
        if link.outbox.idle():
            link.compare(link.head())
            return None
        head = link.head()
        link.compare(head)
        waiting = link.outbox.anchors("queued", "sent")
        return self._sender.send(waiting[-1], head, now) if waiting else "found"

    # ---- in flight ----------------------------------------------------------------------------

    def _follow(self, live: list[Transaction], now: int) -> str:
        """Look for the receipts of every transaction in flight, by nonce; the first that waits may be replaced."""
        link = self._link
        used = link.node.nonce(link.signer.address)  # before the receipts: what is mined in between has one
        done, blocked = "waiting", False
        for (sender, nonce), group in groupby(live, lambda one: (one.sender, one.nonce)):
            beside = list(group)
            found = self._receipt(beside)
            if found is not None:
                done = self._mined(beside, *found, now)
            elif sender != link.signer.address:  # an anchorer's key that was replaced
                self._settle(beside, None, "dropped")
                done = "dropped"
            elif used > nonce:
                done = self._foreign(beside)
            else:
                done = self._push(beside, now, replaceable=not blocked)
                blocked = True
        return done

    def _receipt(self, beside: list[Transaction]) -> tuple[Transaction, Receipt] | None:
        for one in reversed(beside):
            receipt = self._link.node.receipt(one.hash)
            if receipt is not None:
                return one, receipt
        return None

    def _mined(self, beside: list[Transaction], won: Transaction, receipt: Receipt, now: int) -> str:
        link = self._link
        if not receipt.ok:
            return self._reverted(beside, won)
        head = link.head()
        if head is None or head.size < won.size:
            return "waiting"  # the node has the receipt and not yet the state
        link.check_head(head)
        block = link.canonical(receipt.block)
        if block.hash != receipt.block_hash:
            return "waiting"
        if head.size != won.size or head.block == block.number:
            link.mark_mined(won.size, head, block, tx=won.hash)
        link.adopt(head)  # somebody else anchored the same before, or more since
        self._settle(beside, won, "mined")
        link.outbox.notice("mined")
        row = link.outbox.anchor(won.size)
        if row is not None and row.state == "mined":
            self._watcher.take(row, block, now)
        return "mined"

    def _reverted(self, beside: list[Transaction], won: Transaction) -> str:
        """It was mined and did nothing: the next look at the chain says why."""
        outbox = self._link.outbox
        self._settle(beside, won, "reverted")
        outbox.notice("reverted")
        if outbox.fates(won.size, "reverted") >= MOST_REVERTS:
            outbox.update(won.size, state="failed", problem="every transaction with it reverted")
            outbox.notice("failed")
        return "reverted"

    def _foreign(self, beside: list[Transaction]) -> str:
        """Another transaction took the nonce: the key is used elsewhere. Ours are void; sign anew."""
        self._settle(beside, None, "foreign")
        self._link.outbox.notice("foreign")
        return "foreign"

    def _settle(self, beside: list[Transaction], won: Transaction | None, fate: str) -> None:
        """The nonce is decided: `won` has its fate, the others are replaced, and what was not anchored is queued."""
        sizes = {one.size for one in beside}
        with self._link.outbox.writing() as conn:
            for one in beside:
                rows.mark_fate(conn, one.hash, fate if won is None or one.hash == won.hash else "replaced")
            for row in rows.anchors_in(conn, self.name, ("sent",)):
                if row.size in sizes:
                    rows.update_anchor(conn, self.name, row.size, state="queued")

    def _push(self, beside: list[Transaction], now: int, *, replaceable: bool) -> str:
        """See to it that the newest transaction of a nonce is in the pool, and pays enough."""
        link = self._link
        newest = beside[-1]
        known = link.node.knows(newest.hash)
        again = False
        if not known:
            self._sender.broadcast(newest, now)
            known = again = link.node.knows(newest.hash)
        if known:
            with link.outbox.writing() as conn:
                rows.mark_live(conn, self.name, newest.size)
        stuck = now - newest.created >= link.settings.stuck_seconds
        cheap = not known and link.node.fees().base > newest.max_fee
        if replaceable and (stuck or cheap):
            return self._replace(beside, now, known=known)
        if again:
            link.outbox.notice("resent")
            return "resent"
        return "waiting" if known else self._why_not(newest)

    def _why_not(self, newest: Transaction) -> str:
        """The node does not keep the transaction: for want of money, or for a reason of its own."""
        link = self._link
        balance = link.node.balance(link.signer.address)
        if balance < newest.gas * newest.max_fee:
            raise Stop("no_funds", f"The anchorer {link.signer.address} cannot pay what it signed: send it some.")
        return "refused"

    def _replace(self, beside: list[Transaction], now: int, *, known: bool) -> str:
        """The same nonce with more to pay, and the newest checkpoint along; the one replaced is then covered."""
        link = self._link
        head = link.head()
        link.compare(head)
        waiting = link.outbox.anchors("queued", "sent")
        if waiting:
            return self._sender.send(waiting[-1], head, now, floor=beside[-1])
        if known:
            return "waiting"  # somebody else anchored it: ours will change nothing when it is mined
        self._settle(beside, None, "dropped")
        return "dropped"
