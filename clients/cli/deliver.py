"""One event from the command line to the log: signed, queued on disk, sent, its receipt verified.

Every record goes through the queue, with or without a network, so that a crash or a lost answer can neither lose nor
double it. A record that the log refuses outright is dropped from the queue again and its error is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from clients.cli.home import Home
from clients.cli.output import show_json, show_table
from clients.sdk.answers import Accepted
from clients.sdk.client import LodelineClient
from clients.sdk.errors import LocalError, Misbehaviour, Unreachable
from clients.sdk.events import Event
from clients.sdk.push import push_queue
from clients.sdk.queue import OfflineQueue, QueuedRecord
from ledger.errors import LedgerError, ProofError


def deliver(event: Event, *, offline: bool, reveal: Iterable[str] = (), as_json: bool = False) -> None:
    """Sign and send (or queue) an event, and tell the result."""
    home = Home()
    with home.client() as client, home.queue() as queue:
        if not offline:
            learn_heads(client, queue, event.builds_on)
        record = queue.add(lambda find: client.sign(event, find_head=find, reveal=reveal))
        accepted = None if offline else send_now(client, queue, record)
    tell(record, accepted, as_json=as_json)


def learn_heads(client: LodelineClient, queue: OfflineQueue, subjects: Iterable[str]) -> None:
    """Ask the service for the heads of subjects, except those that queued records have moved already."""
    queue.learn(client.heads(one for one in subjects if not queue.is_pending(one)))


def send_now(client: LodelineClient, queue: OfflineQueue, record: QueuedRecord) -> Accepted:
    """Send one queued record, what it builds on first; a refusal drops it from the queue and is raised."""
    if record.needs:
        push_queue(client, queue, only=record.needs)
        left = [one for one in record.needs if queue.get(one).state != "accepted"]
        if left:
            raise LocalError(
                f"It builds on record {left[0]} of the queue, which is not in the log: see `lodeline queue list`.",
                queued=record.seq,
            )
    try:
        accepted = client.submit_record(record.text)
    except (Unreachable, Misbehaviour, ProofError) as error:
        error.values["queued"] = record.seq
        error.values["next"] = "the record is kept in the queue: `lodeline queue push` sends it"
        raise
    except LedgerError:
        queue.drop(record.seq)
        raise
    queue.mark_accepted([(record.seq, accepted.index, accepted.logged)])
    return accepted


def tell(record: QueuedRecord, accepted: Accepted | None, *, as_json: bool) -> None:
    """What became of the record."""
    result: dict[str, Any] = {"state": "accepted" if accepted else "queued", "id": record.id, "type": record.type}
    result |= {"index": accepted.index, "logged": accepted.logged} if accepted else {"queued": record.seq}
    if as_json:
        show_json(result)
    else:
        if accepted:
            moment = datetime.fromtimestamp(accepted.logged / 1000, UTC)
            result["logged"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        show_table("", list(result), [list(result.values())])
