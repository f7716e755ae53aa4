"""Submissions that this process cannot commit itself: sent to the one that sequences, and kept until it has answered.

Nothing is parked in the process that leads. What is parked is sent in order, over one link at a time, and sent again
over the next one when that is lost: a record that was stored after all is answered with its place in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import orjson

from ledger.errors import LedgerError
from service.bootstrap import Service
from service.errors import ServiceError, Unavailable
from service.storage.engine import DatabaseError
from service.storage.read_access import find_jwks
from service.usecases.check import Candidate
from service.usecases.receipts import read_receipt
from service.usecases.submit import Item, Sequenced
from service.workers.forwarding import WINDOW, Forwarded, Link
from service.workers.sequencer import Sequencer, Waiting
from service.workers.wire import format_submission, parse_answer, parse_failure


class Promise(Future[Sequenced]):
    """Of a submission that was made in this process. due: until when somebody waits for it; proofs: with receipts."""

    def __init__(self, due: float, *, proofs: bool) -> None:
        super().__init__()
        self.due, self.proofs = due, proofs


@dataclass(slots=True)
class _Parked:
    waiting: Waiting
    promise: Promise
    sent: bool = False

    @property
    def records(self) -> int:
        return len(self.waiting[0].items)


class Parking:
    """All of it in the event loop. beside: runs a call in a thread."""

    def __init__(self, service: Service, beside: Callable[..., object]) -> None:
        self._service, self._beside = service, beside
        self._limit = service.settings.limits.queue_records
        self._parked: dict[int, _Parked] = {}
        self._records = self._under_way = self._number = 0
        self._link: Link | None = None

    def __len__(self) -> int:
        """Submissions that wait here."""
        return len(self._parked)

    @property
    def link(self) -> Link | None:
        """The link to the process that leads, while it is up."""
        return self._link if self._link is not None and self._link.up else None

    def add(self, waiting: Waiting) -> None:
        """Park a new submission, and send it if it can be sent. Raises Unavailable when too many wait."""
        if self._records + len(waiting[0].items) > self._limit:
            raise Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)
        self._park(waiting)
        self._pump()

    def take_back(self, left: Sequence[Waiting]) -> None:
        """Park what a sequencer of this process did not commit, in front; what came from others they send again."""
        ours = [one for one in left if not isinstance(one[1], Forwarded)]
        later, self._parked, self._records = self._parked, {}, 0
        for one in [*ours, *(parked.waiting for parked in later.values())]:
            self._park(one)
        self._pump()

    def move_to(self, sequencer: Sequencer) -> None:
        """This process leads now: everything goes into its own queue. What it does not take stays."""
        self.unlink()
        for number in list(self._parked):
            try:
                sequencer.enqueue(self._parked[number].waiting)
            except Unavailable:
                return
            self._drop(number)

    def give_up(self, now: float) -> None:
        """Answer those that have waited long enough; now: of the clock of their promises."""
        for number, parked in list(self._parked.items()):
            if now >= parked.promise.due:
                self._settle(number, Unavailable("Nobody could store this for now: send it again.", retry_after=1))

    # ---- the link -----------------------------------------------------------------------------

    def use(self, link: Link) -> None:
        """Send what is parked over this link, from now on."""
        self.unlink()
        self._link = link
        self._pump()

    def unlink(self) -> None:
        """Give the link up; what was sent over it has to be sent again."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        for parked in self._parked.values():
            if parked.sent:
                parked.sent = False
                self._service.metrics.forwarded.labels("again").inc(parked.records)
        self._under_way = 0

    def answered(self, message: Any) -> None:
        """What the leader says of one of our submissions. Raises PeerError."""
        number = message.get("n") if isinstance(message, dict) else None
        parked = self._parked.get(number) if isinstance(number, int) else None
        if parked is None or not isinstance(number, int):
            return  # nobody waits for it any more
        items = parked.waiting[0].items
        done = parse_failure(message) or parse_answer(message, items, self._prove)
        self._service.metrics.forwarded.labels("answered").inc(len(items))
        self._settle(number, done)
        if isinstance(done, Sequenced):
            self._learn(items, done)
        self._pump()

    def _pump(self) -> None:
        """Send what is parked, as far as the window of the link is open."""
        if (link := self.link) is None:
            return
        for number, parked in self._parked.items():
            if parked.sent:
                continue
            if self._under_way and self._under_way + parked.records > WINDOW:
                return
            link.send(format_submission(number, parked.waiting[0], proofs=parked.promise.proofs))
            parked.sent = True
            self._under_way += parked.records

    def _prove(self, index: int) -> str:
        return read_receipt(self._service.store, index)

    # ---- what is parked -----------------------------------------------------------------------

    def _park(self, waiting: Waiting) -> None:
        promise = waiting[1]
        if not isinstance(promise, Promise):
            raise AssertionError("only what was submitted in this process is parked")
        self._number += 1
        self._parked[self._number] = _Parked(waiting, promise)
        self._count(len(waiting[0].items))

    def _drop(self, number: int) -> _Parked | None:
        parked = self._parked.pop(number, None)
        if parked is not None:
            self._under_way -= parked.records if parked.sent else 0
            self._count(-parked.records)
        return parked

    def _count(self, records: int) -> None:
        self._records += records
        self._service.metrics.parked.set(self._records)

    def _settle(self, number: int, done: Sequenced | LedgerError | ServiceError) -> None:
        """Answer what is parked under this number, if somebody still waits."""
        parked = self._drop(number)
        if parked is None or not (parked.promise.running() or parked.promise.set_running_or_notify_cancel()):
            return
        if isinstance(done, Sequenced):
            parked.promise.set_result(done)
        else:
            parked.promise.set_exception(done)

    def _learn(self, items: Sequence[Item], done: Sequenced) -> None:
        """Keys that were enrolled since: their next signature is checked here, not where the log is written."""
        kids = {
            item.kid
            for item, outcome in zip(items, done.outcomes, strict=True)
            if isinstance(item, Candidate) and not item.verified and outcome.error is None
        }
        if kids:
            self._beside(self._read_keys, kids)

    def _read_keys(self, kids: set[str]) -> None:
        try:
            with self._service.store.reading() as conn:
                found = find_jwks(conn, kids)
        except DatabaseError:
            return  # they are asked for again when they sign again
        for kid, jwk in found:
            self._service.keys.add(kid, orjson.loads(jwk))
