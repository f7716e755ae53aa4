"""Judgements and bundles take the processor: a few at once, some more that wait, the rest is told to come again.

Without this a caller with many questions would hold up the records of everybody else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from service.errors import Unavailable

MAX_WAITING: Final = 64

_T = TypeVar("_T")


def busy() -> Unavailable:
    """What those get who find no place in the line."""
    return Unavailable("Many verdicts and bundles are being made: ask again in a few seconds.", retry_after=5)


class Judges:
    """at_once: of them at the same time, by default one per core; waiting: how many may stand in line."""

    def __init__(self, at_once: int | None = None, waiting: int = MAX_WAITING) -> None:
        self._free = asyncio.Semaphore(at_once or os.cpu_count() or 1)
        self._room = waiting

    async def run(self, function: Callable[..., _T], *arguments: object) -> _T:
        """What the function returns, from a thread of its own. Raises Unavailable when too many are in line."""
        if self._free.locked() and self._room <= 0:
            raise busy()
        self._room -= 1
        try:
            await self._free.acquire()
        finally:
            self._room += 1
        try:
            return await run_in_threadpool(function, *arguments)
        finally:
            self._free.release()


def get_judges(request: Request) -> Judges:
    """Those of this application."""
    judges: Judges = request.app.state.judges
    return judges


JudgesDep = Annotated[Judges, Depends(get_judges)]
