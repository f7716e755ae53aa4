"""One process of a log that may have several: it sequences, or it hands its records to the one that does.

All of it runs in the event loop; what asks the database runs in one thread beside it. A submission is at one place at
a time: in the sequencer's queue here, or parked (`service.workers.parking`). A take-over costs those who wait some
seconds, and nobody an acknowledged record.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Literal

from service.adapters.certificate import make_certificate
from service.bootstrap import Service
from service.errors import Unavailable
from service.logs import get_logger
from service.storage.engine import DatabaseError
from service.storage.head import read_head
from service.storage.lease import Claim, Lease, read_lease, release_lease, renew_lease, take_lease
from service.usecases.open_log import RefuseToOpen
from service.usecases.submit import Item, Sequenced, Submission
from service.workers.forwarding import Link, Reception
from service.workers.parking import Parking, Promise
from service.workers.sequencer import Waiting, check_size
from service.workers.terms import LEASE_SECONDS, LOOK_SECONDS, RENEW_SECONDS, Term

WATCH_SECONDS: Final = 0.2
REST_SECONDS: Final = 10.0
"""After a log could not be opened: until this process stands again."""

LEADERLESS_SECONDS: Final = 10.0
"""Without anybody who sequences: until this process says that it is not ready."""

FOLLOW_SECONDS: Final = 10.0
"""Between two looks of a follower at the whole end of the log."""

log = get_logger("service.replica")


class Replica:
    """address, port: where other processes of this log reach this one, at the first free port from there (0: at any);
    patience: seconds that it lets others go first when the lease is free; clock: seconds that never go back."""

    def __init__(
        self,
        service: Service,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._clock = service, clock
        self._address, self._port, self._patience = address, port, patience
        self._certificate, context = make_certificate("lodeline")
        self._reception = Reception(context, self._take_in)
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._thread = ThreadPoolExecutor(1, "lease")
        self._parking = Parking(service, self._thread.submit)
        self._term: Term | None = None
        self._seen = (0, 0)
        self._unchanged_since = self._led_at = clock()
        self._rest_until = self._followed_at = -math.inf
        self._trouble = "The service has not started."
        self._closing = False
        self._nudge = asyncio.Event()
        self._tasks: list[asyncio.Future[None]] = []

    # ---- for callers --------------------------------------------------------------------------

    @property
    def leads(self) -> bool:
        """Whether this is the process that sequences, as far as it knows."""
        return self._term is not None and not self._term.lapsed

    @property
    def role(self) -> Literal["leader", "follower"]:
        """The same in a word."""
        return "leader" if self.leads else "follower"

    @property
    def trouble(self) -> str:
        """Why records are not taken right now, as a sentence; "" when they are, or will be in a moment."""
        if self._term is not None:
            return self._term.sequencer.trouble
        if self._trouble or self._parking.link is not None:
            return self._trouble
        if self._clock() - self._led_at < LEADERLESS_SECONDS:
            return ""
        return "No process that sequences can be reached."

    def submit(self, items: Sequence[Item], *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        """Queue records, here or with the process that leads; as `Sequencer.submit`, in the event loop.

        The future fails with Unavailable when nobody leads for as long as a request may take.
        """
        limits = self._service.settings.limits
        check_size(items, limits.commit_records)
        promise = Promise(self._clock() + limits.request_seconds, proofs=proofs)
        waiting = (Submission(items, atomic), promise)
        if self._term is not None:
            try:
                self._term.sequencer.enqueue(waiting, limit=limits.queue_records)
            except Unavailable:
                if not self._term.sequencer.ended:
                    raise
            else:
                return promise
        self._parking.add(waiting)
        return promise

    async def start(self) -> None:
        """Lead or follow. Raises RefuseToOpen when the log must not be opened."""
        self._trouble = ""
        self._port = await self._reception.listen(self._address, self._port)
        try:
            await self._off(self._follow)
            if not self._trouble:
                await self._step()
            if self._trouble:
                raise RefuseToOpen(self._trouble)
        except BaseException:
            await self.stop()
            raise
        self._tasks = [asyncio.ensure_future(self._stand()), asyncio.ensure_future(self._watch())]

    async def stop(self) -> None:
        """Finish what is queued, let another one lead, and end."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if (term := self._term) is not None:
            await asyncio.to_thread(term.sequencer.stop)
            await asyncio.sleep(0)  # answers on their way to followers
            await self._let_go(term)
        await self._off(self._forget)
        await self._reception.close()
        self._parking.unlink()
        self._parking.give_up(math.inf)
        self._thread.shutdown()

    # ---- who leads ----------------------------------------------------------------------------

    async def _stand(self) -> None:
        """Look after the lease for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS if self._term is not None else LOOK_SECONDS):
                    await self._nudge.wait()
                    await asyncio.sleep(WATCH_SECONDS / 4)  # a link that breaks again and again makes no busy loop
            self._nudge.clear()
            try:
                await self._step()
            except DatabaseError as error:
                log.warning("the lease cannot be read", cause=str(getattr(error, "orig", error)).strip())
            except Exception:
                log.exception("looking after the lease failed")

    async def _watch(self) -> None:
        """What needs no database: a term that ran out, requests that have waited long enough."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._term is not None and self._term.lapsed:
                self._lose(self._term, "the lease could not be renewed in time")
            self._parking.give_up(self._clock())

    async def _step(self) -> None:
        """Renew the lease, or look who has it and take it if nobody has. Raises DatabaseError."""
        if (term := self._term) is not None:
            asked = self._clock()
            if await self._off(renew_lease, self._service.store, term.lease.epoch):
                term.renew(asked)
            elif self._term is term:
                self._lose(term, "another process has taken over")
        if self._term is None:
            await self._look()

    async def _look(self) -> None:
        asked = self._clock()
        lease = await self._off(self._read_lease)
        self._note(lease)
        if self._may_take(lease):
            taken = await self._off(take_lease, self._service.store, lease, self._claim())
            if taken is not None:
                await self._lead(taken, asked)
            return
        if self._clock() - self._followed_at >= FOLLOW_SECONDS:
            await self._off(self._follow)
        await self._connect(lease)

    def _read_lease(self) -> Lease:
        with self._service.store.reading() as conn:
            lease, head = read_lease(conn), read_head(conn)
        if head is not None:
            self._service.metrics.log_size.set(head.size)
        return lease

    def _note(self, lease: Lease) -> None:
        """Remember since when nothing has changed, by our own clock: the database's may go back."""
        metrics = self._service.metrics
        metrics.epoch.set(lease.epoch)
        metrics.silent.set(lease.silent / 1000)
        if (lease.epoch, lease.renewed) != self._seen:
            self._seen, self._unchanged_since = (lease.epoch, lease.renewed), self._clock()

    def _may_take(self, lease: Lease) -> bool:
        now = self._clock()
        if now < self._rest_until or (self._closing and not len(self._parking)):
            return False
        if lease.holder == self._holder:
            return True
        unchanged = now - self._unchanged_since
        if lease.renewed == 0:
            return unchanged >= self._patience
        return max((lease.now - lease.renewed) / 1000, unchanged) >= LEASE_SECONDS + self._patience

    def _claim(self) -> Claim:
        return Claim(self._holder, f"{self._address}:{self._port}", self._certificate, secrets.token_urlsafe(32))

    async def _lead(self, lease: Lease, asked: float) -> None:
        """Begin a term, or rest when the log cannot be opened."""
        loop = asyncio.get_running_loop()

        def ended(term: Term, left: list[Waiting]) -> None:
            loop.call_soon_threadsafe(self._ended, term, left)

        term = Term(self._service, lease, asked, ended, clock=self._clock)
        try:
            await self._off(term.sequencer.start)
        except Exception as error:
            log.exception("the log could not be opened: another process may try")
            self._trouble = str(error) if isinstance(error, RefuseToOpen) else ""
            self._rest_until = self._clock() + REST_SECONDS
            await self._let_go(term)
            return
        self._trouble = ""
        self._term = term
        self._reception.welcome(lease)
        self._service.metrics.leads.set(1)
        self._service.metrics.take_overs.inc()
        self._note(lease)
        log.info("leading", epoch=lease.epoch, silent_ms=lease.silent)
        self._parking.move_to(term.sequencer)

    def _lose(self, term: Term, why: str) -> None:
        """The term is over at once, whatever its sequencer is doing."""
        self._end(term, why)
        self._parking.take_back(term.sequencer.abandon())

    def _ended(self, term: Term, left: list[Waiting]) -> None:
        """The sequencer of a term has ended: by itself, or after the term was lost; left: what it did not commit."""
        term.close()
        self._end(term, term.sequencer.trouble)
        self._parking.take_back(left)

    def _end(self, term: Term, why: str) -> None:
        if self._term is not term:
            return
        self._term = None
        self._led_at = self._clock()
        self._reception.welcome(None)
        self._service.metrics.leads.set(0)
        self._nudge.set()
        if not self._closing:
            log.warning("no longer leading", epoch=term.lease.epoch, why=why)

    async def _let_go(self, term: Term) -> None:
        """Nobody has to wait for a lease that is not used."""
        self._end(term, "it was let go")
        term.close()
        with suppress(DatabaseError):
            await self._off(release_lease, self._service.store, term.lease.epoch)

    def _follow(self) -> None:
        """Check the end of the log as whoever leads does, and note its newest checkpoint in this folder's file."""
        try:
            self._service.check_log()
            self._trouble = ""
        except RefuseToOpen as error:
            log.error("this log must not be followed", why=str(error))
            self._trouble = str(error)
            self._rest_until = self._clock() + REST_SECONDS
        self._followed_at = self._clock()

    # ---- the channel --------------------------------------------------------------------------

    def _take_in(self, waiting: Waiting) -> None:
        """A follower's submission. Raises Unavailable when this process does not lead."""
        if self._term is None:
            raise Unavailable("Another process sequences now.", retry_after=1)
        self._term.sequencer.enqueue(waiting)

    async def _connect(self, lease: Lease) -> None:
        """Link up with the holder of the lease, unless that is done."""
        link = self._parking.link
        if lease.holder == self._holder or lease.renewed == 0 or (link and link.lease.epoch == lease.epoch):
            return
        self._parking.unlink()
        link = Link(lease, self._parking.answered, self._unlinked)
        if await link.connect():
            self._led_at = self._clock()
            log.info("following", epoch=lease.epoch, address=lease.address)
            self._parking.use(link)

    def _unlinked(self, link: Link) -> None:
        """A link has ended by itself."""
        if self._parking.link in (link, None):
            self._led_at = self._clock()
            self._parking.unlink()
            self._nudge.set()

    def _forget(self) -> None:
        """Let go of a lease that was taken in the very moment of stopping."""
        with suppress(DatabaseError):
            if (lease := self._read_lease()).holder == self._holder and lease.renewed:
                release_lease(self._service.store, lease.epoch)

    async def _off(self, call: Callable[..., Any], *values: Any) -> Any:
        """In the thread that asks the database about the lease."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)
