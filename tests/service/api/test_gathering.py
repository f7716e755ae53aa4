"""Single records that arrive together: one check, one submission, each its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from service.api.gathering import Gathering
from service.errors import Unavailable
from service.usecases.submit import Outcome, Sequenced

FULL = Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)


class Service:
    """Checks that let everything pass, and a sequencer that refuses what `refused` says."""

    def __init__(self, refused: Callable[[Sequence[Any]], bool] = lambda items: False) -> None:
        self.refused = refused
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
        if self.refused(items):
            future.set_exception(FULL)
        else:
            future.set_result(Sequenced(tuple(Outcome("created", one.decode()) for one in items), 9, ""))
        return future


def take(service: Service, *texts: bytes, gone: int | None = None) -> list[Any]:
    """Ids, or the errors that stand in their place; the client of number `gone` does not wait."""

    async def run() -> list[Any]:
        gathering = Gathering(service)  # type: ignore[arg-type]  # all that it looks at
        taken = [asyncio.ensure_future(gathering.take(text)) for text in texts]
        if gone is not None:
            await asyncio.sleep(0)
            taken[gone].cancel()
        return await asyncio.gather(*taken, return_exceptions=True)

    return [one.id if isinstance(one, Outcome) else one for one in asyncio.run(run())]


def test_what_arrives_together_is_one_group() -> None:
    service = Service()
    assert take(service, b"a", b"b", b"c") == ["a", "b", "c"]
    assert (service.checked, service.queued) == ([3], [[b"a", b"b", b"c"]])


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
