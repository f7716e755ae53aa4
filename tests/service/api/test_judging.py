"""Judgements are made a few at a time, and a line that is too long sends callers away."""

from __future__ import annotations

import asyncio
import threading

import pytest

from service.api.judging import Judges
from service.errors import Unavailable


def test_a_few_at_once_some_wait_and_the_rest_comes_again() -> None:
    async def scene() -> list[int]:
        judges, gate, inside = Judges(at_once=1, waiting=1), threading.Event(), threading.Semaphore(0)

        def judge(number: int) -> int:
            inside.release()
            gate.wait()
            return number

        first = asyncio.create_task(judges.run(judge, 1))
        await asyncio.to_thread(inside.acquire)
        second = asyncio.create_task(judges.run(judge, 2))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as caught:
            await judges.run(judge, 3)
        assert caught.value.retry_after == 5
        gate.set()
        done = [await first, await second]
        return [*done, await judges.run(judge, 4)]

    assert asyncio.run(scene()) == [1, 2, 4]


def test_who_leaves_the_line_makes_room() -> None:
    async def scene() -> str:
        judges, gate, inside = Judges(at_once=1, waiting=1), threading.Event(), threading.Event()

        def judge() -> str:
            inside.set()
            gate.wait()
            return "judged"

        first = asyncio.create_task(judges.run(judge))
        await asyncio.to_thread(inside.wait)
        gone = asyncio.create_task(judges.run(judge))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        next_one = asyncio.create_task(judges.run(judge))
        await asyncio.sleep(0)
        gate.set()
        return f"{await first} {await next_one}"

    assert asyncio.run(scene()) == "judged judged"


def test_a_judgement_that_fails_frees_its_place() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def scene() -> None:
        judges = Judges(at_once=1, waiting=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await judges.run(fail)

    asyncio.run(scene())
