"""What the owner of the contract does, by hand and seldom: deploy it, register a log, change who may anchor.

The owner's key signs here and is forgotten; it should not lie on the machine that runs the service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts import artifact, deployment_record
from ledger.evidence.anchor import log_id
from ledger.evidence.patricia import keccak
from service.adapters.chain import NodeRefused, Signer
from service.config import AnchorSettings
from service.usecases.anchor_link import GWEI
from service.usecases.anchor_sending import GAS_MARGIN

TRIES = 150
WAIT_SECONDS = 4.0
FIRST_WAIT = 0.25


class AnchorRefused(Exception):
    """The chain does not do what the owner asked; the message says why."""


@dataclass
class Owner:
    """node: an EthereumNode; signer: the owner's key; pause: waits so many seconds for the next block."""

    node: Any
    signer: Signer
    settings: AnchorSettings
    chain: int
    pause: Callable[[float], object]

    def deploy(self, chain: str) -> dict[str, Any]:
        """Make `LogAnchor`, owned by the signer; what `contracts/deployments` records of it."""
        self._check_chain()
        creation = bytes.fromhex(artifact()["creation_code"].removeprefix("0x"))
        receipt = self._send(None, self.node.encode_creation(creation, self.signer.address))
        genesis = self.node.block(0)
        return deployment_record(
            receipt, chain=chain, chain_id=self.chain, genesis_hash=genesis.hash, owner=self.signer.address
        )

    def register(self, origin: str, anchorer: str, *, loose: bool = False) -> dict[str, Any]:
        """Register a log with its first anchorer; or, when it is registered, allow one more."""
        self._check_chain()
        self._check_owner()
        if self.node.mode(log_id(origin)) == "unregistered":
            self._call("registerLooseLog" if loose else "registerLog", origin, anchorer)
        elif not self.node.is_anchorer(log_id(origin), anchorer):
            self._call("setAnchorer", log_id(origin), anchorer, True)
        mode = self.node.mode(log_id(origin))
        return {"origin": origin, "log": "0x" + log_id(origin).hex(), "anchorer": anchorer, "mode": mode}

    def rotate(self, origin: str, old: str, new: str) -> dict[str, Any]:
        """Allow the new anchorer, then take the right from the old one: there is always one that may."""
        done = self.register(origin, new)
        if old != new and self.node.is_anchorer(log_id(origin), old):
            self._call("setAnchorer", log_id(origin), old, False)
        return {**done, "revoked": old}

    def _check_chain(self) -> None:
        if (found := self.node.chain_id()) != self.chain:
            raise AnchorRefused(
                f"The node at LODELINE_ANCHOR_RPC follows chain {found}, and LODELINE_ANCHOR_CHAIN is {self.chain}: "
                "set one of them right."
            )

    def _check_owner(self) -> None:
        built = bytes.fromhex(artifact()["runtime_keccak256"][2:])
        if self.node.code_hash() != built:
            raise AnchorRefused(
                f"There is no LogAnchor at {self.node.address}: set LODELINE_ANCHOR_CONTRACT, or deploy one."
            )
        if (owner := self.node.owner()) != self.signer.address:
            raise AnchorRefused(f"The owner of {self.node.address} is {owner}, not {self.signer.address}.")

    def _call(self, name: str, *values: Any) -> dict[str, Any]:
        return self._send(self.node.address, self.node.encode(name, *values))

    def _send(self, to: str | None, data: bytes) -> dict[str, Any]:
        """Receipt of one transaction, waited for."""
        fees = self.node.fees()
        cap = int(self.settings.fee_cap_gwei * GWEI)
        if fees.base >= cap:
            raise AnchorRefused(f"Gas costs {fees.base // GWEI} gwei: raise LODELINE_ANCHOR_FEE_CAP_GWEI, or wait.")
        tip = max(fees.tip, int(self.settings.tip_gwei * GWEI))
        fee = min(2 * fees.base + tip, cap)
        try:
            gas = self.node.estimate(self.signer.address, data, to=to) * GAS_MARGIN[0] // GAS_MARGIN[1]
        except NodeRefused as refused:
            raise AnchorRefused(f"The chain refuses: {refused.error or refused}.") from None
        if (balance := self.node.balance(self.signer.address)) < gas * fee:
            raise AnchorRefused(
                f"The owner {self.signer.address} has {balance // GWEI} gwei, and this may cost {gas * fee // GWEI}."
            )
        told: dict[str, Any] = {"type": 2, "chainId": self.chain, "nonce": self.node.nonce(self.signer.address)}
        told |= {"value": 0, "gas": gas, "maxFeePerGas": fee, "maxPriorityFeePerGas": min(tip, fee), "data": data}
        raw = self.signer.sign(told if to is None else {**told, "to": to})
        self.node.broadcast(raw)
        return self._wait("0x" + keccak(raw).hex())

    def _wait(self, tx: str) -> dict[str, Any]:
        for n in range(TRIES):
            receipt: dict[str, Any] | None = self.node.full_receipt(tx)
            if receipt is not None:
                if int(receipt["status"], 16) != 1:
                    raise AnchorRefused(f"The transaction {tx} was mined and reverted.")
                return receipt
            self.pause(min(WAIT_SECONDS, FIRST_WAIT * 2 ** min(n, 8)))
        raise AnchorRefused(f"The transaction {tx} is not mined after {int(TRIES * WAIT_SECONDS)} s: look for it.")
