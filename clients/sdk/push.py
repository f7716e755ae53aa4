"""Uploading the offline queue: in order, in batches, resumable; a record counts as sent when its receipt is verified.

If the process dies between the service's commit and our mark, the record is simply sent again: the log answers with the
entry that it has. A record that only failed because one before it was refused is left queued; the queue shows it as
blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from clients.sdk.answers import BatchResult
from clients.sdk.client import BATCH_BYTES, BATCH_LINES
from clients.sdk.queue import OfflineQueue, QueuedRecord
from ledger.errors import LedgerError


class Submitter(Protocol):
    """What is needed of a client."""

    def submit_batch(self, texts: list[str]) -> BatchResult:
        """As `LodelineClient.submit_batch`."""
        ...


@dataclass(slots=True)
class PushReport:
    """What a push did. gaps: numbers of records before the last accepted one that the log does not
    have, and that were not dropped."""

    accepted: list[QueuedRecord] = field(default_factory=list)
    refused: list[QueuedRecord] = field(default_factory=list)
    blocked: list[QueuedRecord] = field(default_factory=list)
    waiting: list[QueuedRecord] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing was refused or blocked and nothing waits."""
        return not (self.refused or self.blocked or self.waiting)

    def to_json(self) -> dict[str, Any]:
        """Lists of records by outcome, and the gaps."""
        names = ("accepted", "refused", "blocked", "waiting")
        return {**{name: [one.to_json() for one in getattr(self, name)] for name in names}, "gaps": self.gaps}


def push_queue(
    client: Submitter,
    queue: OfflineQueue,
    *,
    limit: int | None = None,
    only: Collection[int] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> PushReport:
    """Upload what is queued and not blocked. limit: at most so many; only: these numbers and what they build on.

    Raises Unreachable (what was accepted so far is marked; push again later), or Misbehaviour and ProofError when an
    answer does not verify.
    """
    wanted = _wanted(queue, limit, only)
    handled: set[int] = set()
    total = len(wanted)
    while True:
        batch = _next_batch(
            [one for one in queue.records(pending=True) if one.seq in wanted and one.seq not in handled]
        )
        if not batch:
            break
        if not _send(client, queue, batch):
            break
        handled.update(one.seq for one in batch)
        progress(len(handled), total)
    return _report(queue, handled, wanted)


def _wanted(queue: OfflineQueue, limit: int | None, only: Collection[int] | None) -> set[int]:
    pending = [one for one in queue.records(pending=True) if one.state == "queued"]
    if only is None:
        return {one.seq for one in pending[: len(pending) if limit is None else limit]}
    needs = {one.seq: one.needs for one in pending}
    wanted: set[int] = set()
    left = list(only)
    while left:
        seq = left.pop()
        if seq in needs and seq not in wanted:
            wanted.add(seq)
            left += needs[seq]
    return wanted


def _next_batch(pending: list[QueuedRecord]) -> list[QueuedRecord]:
    batch: list[QueuedRecord] = []
    size = 0
    for one in pending:
        size += len(one.text) + 1
        if one.state != "queued":
            continue
        if batch and (size > BATCH_BYTES or len(batch) == BATCH_LINES):
            break
        batch.append(one)
    return batch


def _send(client: Submitter, queue: OfflineQueue, batch: list[QueuedRecord]) -> bool:
    """Send one batch and mark the outcomes; False when the service wants the rest later."""
    result = client.submit_batch([one.text for one in batch])
    done = [(batch[one.line - 1], one.accepted) for one in result.outcomes if one.accepted is not None]
    queue.mark_accepted([(record.seq, accepted.index, accepted.logged) for record, accepted in done])
    refused: set[int] = {one.seq for one in queue.records(pending=True) if one.state in ("refused", "blocked")}
    busy = not result.complete
    for outcome in result.outcomes:
        record = batch[outcome.line - 1]
        if outcome.accepted is not None:
            continue
        if outcome.again:
            busy = True
        elif refused.isdisjoint(record.needs):
            queue.mark_refused(record.seq, outcome.error or LedgerError("Refused without a reason."))
            refused.add(record.seq)
        else:
            refused.add(record.seq)  # it failed because of what it builds on
    return not busy


def _report(queue: OfflineQueue, handled: set[int], wanted: set[int]) -> PushReport:
    report = PushReport()
    last = 0
    for one in queue.records():
        if one.state == "accepted":
            last = one.seq
            if one.seq in wanted:
                report.accepted.append(one)
        elif one.state == "refused" and one.seq in handled:
            report.refused.append(one)
        elif one.state == "blocked":
            report.blocked.append(one)
        elif one.state == "queued":
            report.waiting.append(one)
    report.gaps = [
        one.seq for one in queue.records() if one.seq < last and one.state in ("queued", "blocked", "refused")
    ]
    return report
