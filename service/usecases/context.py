"""What every use case is given: the store, whose log it is, the limits and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.config import Limits
from service.storage.engine import Store


@dataclass(frozen=True, slots=True)
class Context:
    """origin: of the log; vkey: its verifier key as text; clock: seconds since the epoch."""

    store: Store
    origin: str
    vkey: str
    limits: Limits
    clock: Callable[[], float]

    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.clock())
