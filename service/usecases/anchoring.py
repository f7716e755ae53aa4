"""What every anchor sink shares: the log as it is anchored, when it is, the outbox, and what a sink has to do.

A sink is given checkpoints (`submit`) and looked after (`tick`) by a worker outside the path of requests. Whatever
happens to it is a state in the outbox, never an error for the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from ledger.log.merkle import compute_root, plan_consistency, plan_root, prove_consistency
from service.config import AnchorSettings
from service.logs import get_logger
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound, SinkFound, Transaction
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.tree import node_reader

log = get_logger("service.anchoring")

STATES: Final = ("queued", "sent", "mined", "final", "covered", "failed", "equivocation")
CONDITIONS: Final = (
    "ok", "unreachable", "misconfigured", "chain_ahead", "equivocation", "wrong_chain", "wrong_code", "no_funds",
    "role_revoked", "fee_cap", "no_finality", "not_final",
)  # fmt: skip
"""How a sink is doing; all but the first keep it from anchoring and want a person."""

LEASE_SECONDS: Final = 60


class SignedHead(NamedTuple):
    """A checkpoint of this log as it signed it."""

    size: int
    root: bytes
    note: str


class Stop(Exception):
    """A sink cannot go on for now: condition, and what a person should do."""

    def __init__(self, condition: str, detail: str) -> None:
        super().__init__(detail)
        self.condition = condition
        self.detail = detail


class LogReader:
    """The log's tree, as far as sinks ask for it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self) -> SignedHead | None:
        """The newest signed checkpoint; None for an empty log."""
        with self._store.reading() as conn:
            head = read_head(conn)
        return SignedHead(head.size, head.root, head.checkpoint) if head and head.size else None

    def root(self, size: int) -> bytes | None:
        """The root that the log had at a size; None for a size that it does not have."""
        with self._store.reading() as conn:
            head = read_head(conn)
            if head is None or not 0 < size <= head.size:
                return None
            return compute_root(size, node_reader(conn, plan_root(size), head.size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of `new` entries begins with that of `old`; empty where there is nothing to prove."""
        if not 0 < old < new:
            return []
        with self._store.reading() as conn:
            head = read_head(conn)
            size = head.size if head else 0
            return prove_consistency(old, new, node_reader(conn, plan_consistency(old, new), size))


def plan_anchor(settings: AnchorSettings, size: int, last: AnchorFound | None, now: int) -> bool:
    """Whether a log of `size` entries is to be anchored now, when `last` was the newest that a sink was given."""
    if not size or last is None:
        return size > 0
    grown, waited = size - last.size, now - last.queued
    if grown > 0 and waited >= settings.most_seconds:
        return True
    return grown >= max(1, settings.least_entries) and waited >= settings.least_seconds


class Sink(Protocol):
    """A place where checkpoints are anchored."""

    name: str

    def submit(self, head: SignedHead, now: int) -> bool:
        """Queue a checkpoint; False when it was queued before."""
        ...

    def tick(self, now: int) -> str:
        """Take the next step; what was done, in a word or two. Never raises for what the sink's far end does."""
        ...

    def status(self) -> dict[str, Any]:
        """How it is doing, and how many anchors are in each state."""
        ...

    def evidence(self, size: int) -> bytes | None:
        """The evidence of the anchor of a size, as far as there is any."""
        ...


@dataclass(slots=True)
class Outbox:
    """The rows of one sink. notice: told of every event worth counting; holder: who ticks."""

    store: Store
    sink: str
    holder: str
    notice: Callable[[str], None] = lambda _event: None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A short transaction; never held while a node is asked."""
        with self.store.writing() as conn:
            yield conn

    def submit(self, head: SignedHead, now: int) -> bool:
        """Queue a checkpoint."""
        with self.writing() as conn:
            return rows.enqueue(conn, self.sink, head.size, root=head.root, note=head.note, now=now)

    def lease(self, now: int) -> bool:
        """Become the only one who ticks this sink for a while."""
        with self.writing() as conn:
            return rows.take_lease(conn, self.sink, self.holder, now=now, seconds=LEASE_SECONDS)

    def release(self) -> None:
        """Let another one tick this sink at once."""
        with self.writing() as conn:
            rows.release_lease(conn, self.sink, self.holder)

    def found(self) -> SinkFound | None:
        """How the sink is doing."""
        with self.store.reading() as conn:
            return rows.find_sink(conn, self.sink)

    def newest(self) -> AnchorFound | None:
        """The largest checkpoint that was given to the sink and did not fail."""
        with self.store.reading() as conn:
            return rows.newest_anchor(conn, self.sink)

    def anchors(self, *states: str) -> list[AnchorFound]:
        """Anchors in these states, by size."""
        with self.store.reading() as conn:
            return rows.anchors_in(conn, self.sink, states)

    def anchor(self, size: int) -> AnchorFound | None:
        """The anchor of a size."""
        with self.store.reading() as conn:
            return rows.find_anchor(conn, self.sink, size)

    def finals_with_open_evidence(self) -> list[AnchorFound]:
        """Final anchors whose evidence was taken from a block that is not final yet."""
        with self.store.reading() as conn:
            return rows.finals_with_open_evidence(conn, self.sink)

    def finals_beyond(self, size: int) -> list[AnchorFound]:
        """Final anchors of more entries than this."""
        with self.store.reading() as conn:
            return rows.finals_beyond(conn, self.sink, size)

    def live(self) -> list[Transaction]:
        """The transactions that may still be mined, by nonce, oldest first."""
        with self.store.reading() as conn:
            return rows.live_transactions(conn, self.sink)

    def beside(self, tx: str) -> list[Transaction]:
        """A transaction and all others of its nonce."""
        with self.store.reading() as conn:
            return rows.transactions_beside(conn, self.sink, tx)

    def fates(self, size: int, fate: str) -> int:
        """How many transactions with the checkpoint of this size ended so."""
        with self.store.reading() as conn:
            return rows.count_fates(conn, self.sink, size, fate)

    def idle(self) -> bool:
        """Nothing waits to be sent."""
        with self.store.reading() as conn:
            return not rows.anchors_in(conn, self.sink, ("queued", "sent"))

    def update(self, size: int, **changed: Any) -> None:
        """Change columns of an anchor."""
        with self.writing() as conn:
            rows.update_anchor(conn, self.sink, size, **changed)

    def settle(self, condition: str, detail: str, now: int, **seen: Any) -> None:
        """Note how the sink is doing after a tick; what changed is logged once."""
        before = self.found()
        changed: dict[str, Any] = {"detail": detail, "ticked": now, **seen}
        if before is None or before.condition != condition:
            changed |= {"condition": condition, "since": now}
            told = log.info if condition == "ok" else log.error
            told("anchor sink", sink=self.sink, condition=condition, detail=detail)
            self.notice(f"condition_{condition}")
        with self.writing() as conn:
            rows.update_sink(conn, self.sink, **changed)

    def status(self) -> dict[str, Any]:
        """How the sink is doing, and how many anchors are in each state."""
        with self.store.reading() as conn:
            found = rows.find_sink(conn, self.sink)
            counts = rows.count_anchors(conn, self.sink)
        return {
            "sink": self.sink,
            "condition": found.condition if found else "ok",
            "detail": found.detail if found else "",
            "since": found.since if found else 0,
            "ticked": found.ticked if found else 0,
            "height": found.height if found else 0,
            "balance": found.balance if found else "",
            "anchors": {state: count for state, (count, _) in counts.items()},
            "anchored": max(counts[state][1] if state in counts else 0 for state in ("mined", "final")),
            "final": counts["final"][1] if "final" in counts else 0,
        }
