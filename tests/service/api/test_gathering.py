"""Single records that arrive together: one check, one submission, each its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from service.api.gathering import Gathering
from service.errors import Unavailable
from service.usecases.submit import Outcome, Sequenced

FULL = Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)


class Service:
    """Checks that let everything pass, and a sequencer that refuses what `refused` says, and answers at once unless
    `slow`: then when it is told to."""

    def __init__(self, refused: Callable[[Sequence[Any]], bool] = lambda items: False, *, slow: bool = False) -> None:
        self.refused = refused
        self.slow = slow
        self.open: list[tuple[Sequence[Any], Future[Sequenced]]] = []
        self.checked: list[int] = []
        self.queued: list[list[Any]] = []

    async def check(self, texts: Sequence[bytes]) -> list[Any]:
        self.checked.append(len(texts))
        if b"broken" in texts:
            raise ZeroDivisionError("a fault of ours")
        return list(texts)

    def sequence(self, items: Sequence[Any], *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        assert proofs
        assert not atomic
        self.queued.append(list(items))
        future: Future[Sequenced] = Future()
        self.open.append((items, future))
        if not self.slow:
            self.answer()
        return future

    def answer(self) -> None:
        """Answer the oldest submission."""
        items, future = self.open.pop(0)
        if self.refused(items):
            future.set_exception(FULL)
        else:
            future.set_result(Sequenced(tuple(Outcome("created", one.decode()) for one in items), 9, ""))


def take(service: Service, *texts: bytes, gone: int | None = None) -> list[Any]:
    """Ids, or the errors that stand in their place; the client of number `gone` does not wait."""

    async def run() -> list[Any]:
        gathered = Gathering(service, largest=9)  # type: ignore[arg-type]  # all that it looks at
        taken = [asyncio.ensure_future(gathered.take(text)) for text in texts]
        if gone is not None:
            await asyncio.sleep(0)
            taken[gone].cancel()
        return await asyncio.gather(*taken, return_exceptions=True)

    return [one.id if isinstance(one, Outcome) else one for one in asyncio.run(run())]


def test_what_arrives_together_is_one_group() -> None:
    service = Service()
    assert take(service, b"a", b"b", b"c") == ["a", "b", "c"]
    assert (service.checked, service.queued) == ([3], [[b"a", b"b", b"c"]])


def test_no_group_is_larger_than_a_commit() -> None:
    service = Service()
    texts = [b"%d" % number for number in range(20)]
    assert take(service, *texts) == [one.decode() for one in texts]
    assert service.queued == [texts[:9], texts[9:18], texts[18:]]


def test_a_group_that_is_refused_is_tried_one_by_one() -> None:
    service = Service(refused=lambda items: b"b" in items)
    assert take(service, b"a", b"b", b"c") == ["a", FULL, "c"]
    assert service.queued == [[b"a", b"b", b"c"], [b"a"], [b"b"], [b"c"]]


def test_a_fault_is_told_to_all() -> None:
    first, second = take(Service(), b"a", b"broken")
    assert type(first) is type(second) is ZeroDivisionError


@pytest.mark.parametrize("refused", [False, True])
def test_a_client_that_has_gone_holds_nobody_up(refused: bool) -> None:
    first, second = take(Service(refused=lambda items: refused), b"a", b"b", gone=0)
    assert isinstance(first, asyncio.CancelledError)
    assert second == (FULL if refused else "b")


def run_slow(
    scenario: Callable[[Service, Gathering], Coroutine[Any, Any, None]], *, patience: float = 30.0
) -> list[list[bytes]]:
    """The groups that reached a sequencer which answers when the scenario says so."""
    service = Service(slow=True)

    async def run() -> None:
        async with asyncio.timeout(30):
            await scenario(service, Gathering(service, largest=9, patience=patience))  # type: ignore[arg-type]  # all that it looks at

    asyncio.run(run())
    assert service.open == []
    return service.queued


async def wait_for_groups(service: Service, count: int) -> None:
    """Return when so many groups have reached the sequencer."""
    while len(service.queued) < count:
        await asyncio.sleep(0)


def test_what_comes_while_a_group_is_under_way_is_one_group_with_what_its_answers_bring() -> None:
    async def client(gathering: Gathering, *texts: bytes) -> None:
        for text in texts:
            assert (await gathering.take(text)).id == text.decode()

    async def scenario(service: Service, gathering: Gathering) -> None:
        async with asyncio.TaskGroup() as clients:
            clients.create_task(client(gathering, b"a1", b"a2"))
            await wait_for_groups(service, 1)
            clients.create_task(client(gathering, b"b"))
            clients.create_task(client(gathering, b"c"))
            for _ in range(20):
                await asyncio.sleep(0)
            assert service.queued == [[b"a1"]]
            service.answer()
            await wait_for_groups(service, 2)
            service.answer()
        alone = asyncio.ensure_future(client(gathering, b"alone"))
        await wait_for_groups(service, 3)
        service.answer()
        await alone

    assert run_slow(scenario) == [[b"a1"], [b"b", b"c", b"a2"], [b"alone"]]


def test_nobody_waits_long_for_the_group_before() -> None:
    async def scenario(service: Service, gathering: Gathering) -> None:
        first = asyncio.ensure_future(gathering.take(b"a"))
        await wait_for_groups(service, 1)
        second = asyncio.ensure_future(gathering.take(b"b"))
        await wait_for_groups(service, 2)  # although nobody has answered the first
        assert not first.done()
        service.answer()
        service.answer()
        assert [(await one).id for one in (first, second)] == ["a", "b"]

    assert run_slow(scenario, patience=0.01) == [[b"a"], [b"b"]]


def test_an_event_loop_that_ended_in_the_middle_leaves_nothing_behind() -> None:
    gathering = Gathering(Service(), largest=9)  # type: ignore[arg-type]  # all that it looks at
    for text in (b"a", b"b"):
        assert asyncio.run(gathering.take(text)).id == text.decode()
