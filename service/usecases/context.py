"""What every use case is given: the store, whose log it is, the limits and the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ledger.keys import PrivateKey
from ledger.log.note import Ed25519Signer
from ledger.rules.pack import Pack
from service.config import Limits
from service.storage.engine import Store
from service.storage.graph_file import GraphFile


@dataclass(frozen=True, slots=True)
class Verifier:
    """The verification service: the key that signs verdicts, the log's certificate of it, and rule packs by id."""

    key: PrivateKey
    certificate: str
    packs: Mapping[str, Pack]


@dataclass(frozen=True, slots=True)
class Context:
    """origin: of the log; vkey: its verifier key as text; clock: seconds since the epoch; signer: its key; graph: the
    lot graph as arrays, where it is kept."""

    store: Store
    origin: str
    vkey: str
    limits: Limits
    clock: Callable[[], float]
    signer: Ed25519Signer = field(repr=False)
    verifier: Verifier = field(repr=False)
    graph: GraphFile | None = None

    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.clock())
