"""A process's time as the one that sequences: what it stands on, and how it ends.

A term is one epoch of the lease. It is over for good when the lease is lost, when its time ran out by the process's
own clock (that goes on while the process is stopped), or when its sequencer stepped down; a process that leads again
does so in another term, with a sequencer, an open log and a file of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from service.bootstrap import Service
from service.storage.lease import Fenced, Lease
from service.usecases.open_log import open_log
from service.usecases.submit import Book
from service.workers.sequencer import Sequencer, Waiting

LEASE_SECONDS: Final = 3.0
"""How long a lease lasts that nobody renews. Take-over: this, a look of another process, and opening the log."""

RENEW_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.4
"""Between two looks of a process that follows."""


class Term:
    """lease: as it was taken at `asked` (of `clock`, seconds that never go back); ended: called from the sequencer's
    thread when that ends by itself, with what it could not commit."""

    def __init__(
        self,
        service: Service,
        lease: Lease,
        asked: float,
        ended: Callable[[Term, list[Waiting]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = service.settings.limits
        self.lease = lease
        self._service, self._clock, self._renewed = service, clock, asked
        self._file = type(service.file)(service.file.path, allow=self.require)
        self.sequencer = Sequencer(
            self._open_log,
            clock=service.context.clock,
            queue_records=limits.queue_records,
            commit_records=limits.commit_records,
            metrics=service.metrics,
            hand_back=lambda left: ended(self, left),
        )

    @property
    def lapsed(self) -> bool:
        """Whether another process may have taken over by now."""
        return self._clock() - self._renewed >= LEASE_SECONDS

    def renew(self, asked: float) -> None:
        """The lease was renewed; asked: when that was asked for. A term that lapsed stays so."""
        if not self.lapsed:
            self._renewed = asked

    def require(self) -> None:
        """Raises Fenced once the term may be over: nothing is filed, and nobody told, on its word any more."""
        if self.lapsed:
            raise Fenced

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _open_log(self) -> Book:
        service, epoch = self._service, self.lease.epoch
        return open_log(
            service.store,
            self._file,
            service.signer,
            service.keys,
            appending=lambda store: service.appending(store, epoch),
        )
