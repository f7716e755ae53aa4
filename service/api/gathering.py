"""Single records that arrive together are checked and queued together.

What many clients send in the same turn of the event loop becomes one group: its signatures are checked at once, at a
part of the price of single checks, and it is one submission to the sequencer with one answer. Nothing waits when
nothing is under way. What arrives while a group is under way becomes the next one, which begins when that one is
answered, and with what those who were answered have sent by then: few large groups cost less than many small ones.
If a group is refused as a whole, each of its records is tried alone: nobody suffers for another's record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from ledger.errors import LedgerError
from service.api.deps import Backend
from service.errors import ServiceError
from service.usecases.submit import Item, Outcome

Promise = asyncio.Future[Outcome]

PATIENCE: Final = 0.05
"""Seconds, and no more: a commit may be long, or the log may stand still."""

_TURNS: Final = 3
"""Of the event loop after a group: its answers are written in the first, what comes upon them is read in the next."""


class Gathering:
    """Groups of single records, on one event loop.

    largest: records in a group, no more than one commit takes; patience: seconds that a group waits for the one before.
    """

    def __init__(self, service: Backend, *, largest: int, patience: float = PATIENCE) -> None:
        self._service = service
        self._largest = largest
        self._patience = patience
        self._waiting: list[tuple[bytes, Promise]] = []
        self._groups: set[asyncio.Future[None]] = set()
        self._running: asyncio.Future[None] | None = None

    async def take(self, text: bytes) -> Outcome:
        """What became of one presentation. Raises Unavailable, or what else stops it without an outcome."""
        promise: Promise = asyncio.get_running_loop().create_future()
        self._waiting.append((text, promise))
        if self._running is None:
            self._running = asyncio.ensure_future(self._run())
        return await promise

    async def _run(self) -> None:
        """Group after group, until nobody waits."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                texts, promises = zip(*waiting, strict=True)
                self._groups.add(group := asyncio.ensure_future(self._settle(texts, promises)))
                group.add_done_callback(self._groups.discard)
                await asyncio.wait((group,), timeout=self._patience)
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
        finally:
            self._running = None

    async def _settle(self, texts: Sequence[bytes], promises: Sequence[Promise]) -> None:
        try:
            await self._sequence(await self._service.check(texts), promises)
        except Exception as error:  # each of them says so to its client
            _refuse(promises, error)

    async def _sequence(self, items: Sequence[Item], promises: Sequence[Promise]) -> None:
        try:
            done = await asyncio.wrap_future(self._service.sequence(items, proofs=True))
        except (LedgerError, ServiceError) as error:
            if len(items) == 1:
                _refuse(promises, error)
                return
            alone = (self._sequence([item], [promise]) for item, promise in zip(items, promises, strict=True))
            await asyncio.gather(*alone)
            return
        for promise, outcome in zip(promises, done.outcomes, strict=True):
            if not promise.done():  # its client has gone
                promise.set_result(outcome)


def _refuse(promises: Sequence[Promise], error: Exception) -> None:
    for promise in promises:
        if not promise.done():
            promise.set_exception(error)
