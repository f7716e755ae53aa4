"""From drafts to records: sign all of them, queue them in one transaction, upload, tell what became of each row.

Before anything is signed every lot that a row builds on must be known; all of it is queued or nothing.
A crash after that loses nothing: the records are in the queue and `lodeline queue push` sends the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.importers.faults import Fault
from clients.importers.plan import Draft
from clients.sdk.client import LodelineClient
from clients.sdk.events import Event, FindHead
from clients.sdk.push import push_queue
from clients.sdk.queue import OfflineQueue, QueuedRecord
from ledger.envelope import SignedRecord
from ledger.errors import LedgerError


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The record that rows became; state as in the queue."""

    rows: tuple[int, ...]
    lots: tuple[str, ...]
    record: QueuedRecord

    def to_json(self) -> dict[str, Any]:
        """rows, lots, record id, state, index in the log and, when refused, the problem."""
        one = self.record
        out = {"rows": list(self.rows), "lots": list(self.lots), "record": one.id, "type": one.type}
        return {**out, "state": one.state, "index": one.index, "problem": one.problem}


def draft_event(draft: Draft) -> Event:
    """The event of a draft; extracts build on nothing, the others on their lots."""
    return Event(draft.type, draft.body, draft.time, () if draft.type == "extract" else draft.lots)


def find_unknown(drafts: Iterable[Draft], find_head: FindHead) -> list[Fault]:
    """A fault for each row whose lot is not known, so that the whole file is judged before anything is signed."""
    faults = []
    for draft in drafts:
        for row, lot in zip(draft.rows, draft_event(draft).builds_on, strict=False):
            if find_head(lot) is None:
                message = f"The lot {lot!r} is not known, or not yours to see: check the id, or fetch its head first."
                faults.append(Fault(row, "unknown-lot", message))
    return faults


def learn_lots(client: LodelineClient, queue: OfflineQueue, drafts: Sequence[Draft]) -> None:
    """Ask the service for the heads of all lots that the drafts build on, in few requests."""
    lots = (lot for draft in drafts for lot in draft_event(draft).builds_on)
    queue.learn(client.heads(lot for lot in lots if not queue.is_pending(lot)))


def queue_drafts(
    client: LodelineClient, queue: OfflineQueue, drafts: Sequence[Draft], *, reveal: Iterable[str] = ()
) -> list[QueuedRecord]:
    """Sign all drafts and queue them, all or none. Raises the first error, with the rows it belongs to in `values`."""
    shown = tuple(reveal)

    def make(draft: Draft) -> Callable[[FindHead], SignedRecord]:
        def sign(find_head: FindHead) -> SignedRecord:
            try:
                return client.sign(draft_event(draft), find_head=find_head, reveal=shown)
            except LedgerError as error:
                error.values["rows"] = list(draft.rows)
                raise

        return sign

    return queue.add_all([make(draft) for draft in drafts])


def send_drafts(
    client: LodelineClient,
    queue: OfflineQueue,
    drafts: Sequence[Draft],
    *,
    reveal: Iterable[str] = (),
    offline: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[RowOutcome]:
    """Sign, queue and (unless offline) upload; one outcome per record, in the order of the file."""
    queued = queue_drafts(client, queue, drafts, reveal=reveal)
    if not offline:
        push_queue(client, queue, only=[one.seq for one in queued], progress=progress)
    now = {one.seq: one for one in queue.records()}
    return [RowOutcome(d.rows, d.lots, now[one.seq]) for d, one in zip(drafts, queued, strict=True)]
