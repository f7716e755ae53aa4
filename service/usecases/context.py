"""What every use case is given: the store, whose log it is, the limits and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.log.note import Ed25519Signer
from service.config import Limits
from service.storage.engine import Store


@dataclass(frozen=True, slots=True)
class Context:
    """origin: of the log; vkey: its verifier key as text; clock: seconds since the epoch; signer: its key."""

    store: Store
    origin: str
    vkey: str
    limits: Limits
    clock: Callable[[], float]
    signer: Ed25519Signer = field(repr=False)

    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.clock())
