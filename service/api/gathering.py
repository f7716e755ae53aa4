"""Single records that arrive together are checked and queued together.

What many clients send in the same turn of the event loop becomes one group: its signatures are checked at once, at a
part of the price of single checks, and it is one submission to the sequencer with one answer. Nothing waits for more
to come. If the group is refused as a whole, each of its records is tried alone: nobody suffers for another's record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ledger.errors import LedgerError
from service.api.deps import Backend
from service.errors import ServiceError
from service.usecases.submit import Item, Outcome

Promise = asyncio.Future[Outcome]


class Gathering:
    """Groups of single records, on one event loop."""

    def __init__(self, service: Backend) -> None:
        self._service = service
        self._waiting: list[tuple[bytes, Promise]] = []
        self._running: set[asyncio.Future[None]] = set()

    async def take(self, text: bytes) -> Outcome:
        """What became of one presentation. Raises Unavailable, or what else stops it without an outcome."""
        loop = asyncio.get_running_loop()
        promise: Promise = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._begin)
        self._waiting.append((text, promise))
        return await promise

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        texts, promises = zip(*waiting, strict=True)
        self._running.add(running := asyncio.ensure_future(self._settle(texts, promises)))
        running.add_done_callback(self._running.discard)

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
