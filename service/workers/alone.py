"""The one process of a log that has no others: what `service.workers.replica` is to a process of several."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal, Protocol

from service.bootstrap import Service
from service.usecases.submit import Item, Sequenced
from service.workers.replica import Replica
from service.workers.sequencer import Sequencer

Role = Literal["single", "leader", "follower"]


class Submit(Protocol):
    """How records are queued; as `Sequencer.submit`."""

    def __call__(self, items: Sequence[Item], *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        """Raises TooLarge, Unavailable."""
        ...


class Alone:
    """A sequencer, and nothing else; its `submit` is handed out as it is."""

    def __init__(self, service: Service) -> None:
        limits = service.settings.limits
        self._sequencer = Sequencer(
            service.open_log,
            clock=service.context.clock,
            queue_records=limits.queue_records,
            commit_records=limits.commit_records,
            metrics=service.metrics,
        )
        self.submit: Submit = self._sequencer.submit
        self.role: Role = "single"
        self._leads = service.metrics.leads

    @property
    def trouble(self) -> str:
        """As `Sequencer.trouble`."""
        return self._sequencer.trouble

    async def start(self) -> None:
        """Open the log and begin. Raises RefuseToOpen."""
        self._sequencer.start()
        self._leads.set(1)

    async def stop(self) -> None:
        """Finish what is queued."""
        await asyncio.to_thread(self._sequencer.stop)
        self._leads.set(0)


def make_writer(service: Service) -> Alone | Replica:
    """Of a log that other processes may write to as well, one of several: on PostgreSQL always."""
    if not service.replicated:
        return Alone(service)
    settings = service.settings
    return Replica(service, address=settings.peer_host, port=settings.peer_port)
