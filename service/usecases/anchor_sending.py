"""Sending an anchor: fees, funds, the transaction signed and stored, and only then given to a node.

Whether a node took it is not read from what it answered, but asked of the chain at the next tick.
"""

from __future__ import annotations

from ledger.evidence.anchor import Head
from ledger.evidence.patricia import keccak
from service.adapters.chain import NodeRefused
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound, Transaction
from service.usecases.anchor_link import GWEI, Link
from service.usecases.anchoring import Stop, log

BUMP = (5, 4)
"""A replacement pays this much more, both fees: nodes ask for a tenth, some for an eighth."""

GAS_MARGIN = (3, 2)
"""Of the estimate. Never a fixed limit: forks move what gas costs."""

LEAST_GAS = 60_000
MOST_REVERTS = 3


class Sender:
    """Makes and sends transactions for one link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def send(self, row: AnchorFound, head: Head | None, now: int, *, floor: Transaction | None = None) -> str:
        """Anchor a checkpoint, or the newest one that there is by now.

        floor: the newest transaction of the nonce to replace; None for a nonce of its own. Raises Stop.
        """
        link = self._link
        row = self._newest(row, now)
        link.check_code()
        self._check_role()
        data = link.node.encode_anchor(
            link.log_id, row.size, row.root, link.log.consistency(head.size if head else 0, row.size)
        )
        fee, tip = self._fees(floor)
        balance = link.node.balance(link.signer.address)
        self._check_funds(balance, LEAST_GAS, fee)
        try:
            gas = link.node.estimate(link.signer.address, data) * GAS_MARGIN[0] // GAS_MARGIN[1]
        except NodeRefused as refused:
            return self._refused(row, head, refused)
        self._check_funds(balance, gas, fee)
        nonce = link.node.nonce(link.signer.address) if floor is None else floor.nonce
        raw = link.signer.sign(
            {
                "type": 2,
                "chainId": link.place.chain,
                "nonce": nonce,
                "to": link.place.contract,
                "value": 0,
                "gas": gas,
                "maxFeePerGas": fee,
                "maxPriorityFeePerGas": tip,
                "data": data,
            }
        )
        name = "0x" + keccak(raw).hex()
        made = Transaction(
            name, link.outbox.sink, link.signer.address, nonce, row.size, raw, gas, fee, tip, now, None, ""
        )
        with link.outbox.writing() as conn:
            rows.add_transaction(conn, made)
            rows.update_anchor(conn, link.outbox.sink, row.size, state="sent", problem="")
        self.broadcast(made, now)
        link.outbox.notice("sent" if floor is None else "replaced")
        return "sent" if floor is None else "replaced"

    def broadcast(self, transaction: Transaction, now: int) -> None:
        """Give a stored transaction to the node. A refusal is only told: the chain decides at the next look."""
        link = self._link
        try:
            link.node.broadcast(transaction.raw)
        except NodeRefused as refused:
            log.warning("the node did not take a transaction", tx=transaction.hash, why=str(refused))
        with link.outbox.writing() as conn:
            rows.mark_sent(conn, transaction.hash, now=now)

    def check_low(self) -> str:
        """A warning when the balance is low, "" otherwise; the balance is noted."""
        link = self._link
        balance = link.node.balance(link.signer.address)
        with link.outbox.writing() as conn:
            rows.update_sink(conn, link.outbox.sink, balance=str(balance))
        if balance >= int(link.settings.low_gwei * GWEI):
            return ""
        return (
            f"The anchorer {link.signer.address} has {balance // GWEI} gwei left, less than LODELINE_ANCHOR_LOW_GWEI: "
            "send it some."
        )

    def _newest(self, row: AnchorFound, now: int) -> AnchorFound:
        """As gas is paid in any case, the newest checkpoint goes along."""
        link = self._link
        newest = link.log.newest()
        if newest is None or newest.size <= row.size:
            return row
        link.outbox.submit(newest, now)
        return link.outbox.anchor(newest.size) or row

    def _check_role(self) -> None:
        link = self._link
        if not link.node.is_anchorer(link.log_id, link.signer.address):
            raise Stop(
                "role_revoked",
                f"The address {link.signer.address} may not anchor the log '{link.origin}' in {link.place.contract}: "
                "the contract's owner allows it with `lodeline-server anchor register` or `rotate-key`.",
            )

    def _fees(self, floor: Transaction | None) -> tuple[int, int]:
        """Most per gas in all, and for the block's maker: twice the base fee survives six full blocks of growth."""
        link = self._link
        now = link.node.fees()
        cap = int(link.settings.fee_cap_gwei * GWEI)
        tip = max(now.tip, int(link.settings.tip_gwei * GWEI))
        fee = 2 * now.base + tip
        least = now.base + 1
        if floor is not None:
            tip, bumped = max(tip, _bump(floor.tip)), _bump(floor.max_fee)
            fee, least = max(fee, bumped), max(least, bumped)
        if least > cap:
            raise Stop(
                "fee_cap",
                f"Gas costs {now.base // GWEI} gwei, and an anchor now {least // GWEI}, more than "
                f"LODELINE_ANCHOR_FEE_CAP_GWEI ({cap // GWEI}): it waits until gas is cheaper, or the cap is raised.",
            )
        return min(fee, cap), min(tip, fee, cap)

    def _check_funds(self, balance: int, gas: int, fee: int) -> None:
        if balance < gas * fee:
            raise Stop(
                "no_funds",
                f"The anchorer {self._link.signer.address} has {balance // GWEI} gwei, and an anchor may cost "
                f"{gas * fee // GWEI}: send it some.",
            )

    def _refused(self, row: AnchorFound, before: Head | None, refused: NodeRefused) -> str:
        """The call would revert: asked of the chain why, because it may have changed since it was read."""
        link = self._link
        self._check_role()
        head = link.head()
        link.compare(head)
        if head != before:
            return "overtaken"  # somebody else anchored in between
        if not refused.error:
            raise Stop("unreachable", f"The node at LODELINE_ANCHOR_RPC cannot estimate an anchor: {refused}.")
        link.outbox.update(row.size, state="failed", problem=f"the contract refuses it: {refused.error}")
        link.outbox.notice("failed")
        return "failed"


def _bump(fee: int) -> int:
    return -(-fee * BUMP[0] // BUMP[1])
