"""The sequencer has one group written while it judges the next: whatever becomes of that one, nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import Service
from service.storage import memory
from service.storage.appending import Appending
from service.storage.head import Head, HeadMoved
from service.storage.lease import Fenced
from service.usecases.fsck import check_database
from service.usecases.submit import Book, Fold, Item, Sequenced, Submission
from service.workers.sequencer import Sequencer, Waiting
from tests.service.test_replay import busy_world
from tests.support.server import Clock, candidate, candidates, new_service
from tests.support.world import MINER, World, extract_body, new_lot

pytestmark = pytest.mark.usefixtures("engine")

WAIT = 20.0


@pytest.fixture(scope="module")
def world() -> World:
    return busy_world()


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    yield service
    service.close()


class Held(Appending):
    """A transaction whose commit waits, and fails when it is told to."""

    entered = threading.Event()
    open = threading.Event()
    fault: BaseException | None = None
    late: BaseException | None = None
    threads: list[str]

    def read_head(self) -> Head | None:
        if isinstance(Held.fault, HeadMoved | Fenced):
            self._strike()
        return super().read_head()

    def commit(self) -> None:
        Held.threads.append(threading.current_thread().name)
        Held.entered.set()
        assert Held.open.wait(WAIT)
        self._strike()
        super().commit()
        if Held.late is not None:
            fault, Held.late = Held.late, None
            raise fault

    def _strike(self) -> None:
        Held.entered.set()
        assert Held.open.wait(WAIT)
        if Held.fault is not None:
            fault, Held.fault = Held.fault, None
            raise fault


@pytest.fixture
def held(service: Service, world: World) -> type[Held]:
    (done,) = service.open_log().submit([Submission(candidates(world, service))], world.now * 1000)
    assert {one.status for one in done.outcomes} == {"created"}
    Held.entered, Held.open, Held.fault, Held.late, Held.threads = threading.Event(), threading.Event(), None, None, []
    service.appending = Held
    return Held


class Watched:
    """Opens the book, and tells when a group was judged ahead; then: called whenever one was."""

    def __init__(self, service: Service, then: Callable[[], object] = lambda: None) -> None:
        self.service, self.then, self.judged, self.opened = service, then, threading.Semaphore(0), 0

    def __call__(self) -> Book:
        book = self.service.open_log()
        real = book.judge
        self.opened += 1

        def judge(submissions: Sequence[Submission], now: int) -> Fold:
            fold = real(submissions, now)
            self.judged.release()
            self.then()
            return fold

        book.judge = judge  # type: ignore[method-assign]  # the seam of this test
        return book


def extracts(world: World, service: Service, count: int) -> list[list[Item]]:
    return [
        [candidate(world.sign(MINER, "extract", extract_body(new_lot(f"lot:new:{n}"))), service)] for n in range(count)
    ]


def run(
    service: Service, items: list[list[Item]], **options: Any
) -> tuple[Sequencer, Watched, list[Future[Sequenced]]]:
    """A sequencer whose first group is being written, while the next is judged and others wait."""
    watched = Watched(service)
    sequencer = Sequencer(watched, clock=service.context.clock, commit_records=1, **options)
    sequencer.start()
    futures = queue(sequencer, items)
    assert Held.entered.wait(WAIT)
    for _ in range(2):
        assert watched.judged.acquire(timeout=WAIT)
    return sequencer, watched, futures


def queue(sequencer: Sequencer, items: list[list[Item]]) -> list[Future[Sequenced]]:
    """All of them wait when the first is taken."""
    futures = [Future[Sequenced]() for _ in items]
    with sequencer._wake:
        sequencer._waiting.extend(zip(map(Submission, items), futures, strict=True))
        sequencer._queued = len(items)
        sequencer._wake.notify_all()
    return futures


def test_a_group_is_judged_while_one_is_written(service: Service, world: World, held: type[Held]) -> None:
    sequencer, watched, futures = run(service, extracts(world, service, 4))
    assert not any(future.done() for future in futures)
    (writer,) = [one for one in threading.enumerate() if one.name == "sequencer-writer"]
    assert writer.daemon, "a process that ends does not wait for it"
    held.open.set()
    done = [future.result(WAIT) for future in futures]
    assert [one.outcomes[0].status for one in done] == ["created"] * 4
    first = len(world.log)
    assert [one.size for one in done] == [first + 1, first + 2, first + 3, first + 4]
    sequencer.stop()
    assert set(held.threads[:3]) == {"sequencer-writer"}
    assert held.threads[3:] == ["sequencer"], "the last one has nothing behind it"
    assert watched.opened == 1


class Panic(BaseException):
    """As a compiled library raises it: no Exception."""


@pytest.mark.parametrize("fault", [OSError, Panic])
@pytest.mark.parametrize("late", [False, True])
def test_a_write_that_fails_loses_nothing(
    service: Service, world: World, held: type[Held], late: bool, fault: type[BaseException]
) -> None:
    """Before the commit or after it: what was judged meanwhile is judged again."""
    sequencer, watched, futures = run(service, extracts(world, service, 4))
    held.fault, held.late = (None, fault("late")) if late else (fault("early"), None)
    held.open.set()
    done = [future.result(WAIT) for future in futures]
    assert [one.outcomes[0].status for one in done] == ["existing" if late else "created", *["created"] * 3]
    assert [one.outcomes[0].index for one in done] == list(range(len(world.log), len(world.log) + 4))
    sequencer.stop()
    assert watched.opened == 2
    assert check_database(service.store, service.file, service.signer, now=world.now + 5000).sound


def test_a_head_that_moved_is_read_again(service: Service, world: World, held: type[Held]) -> None:
    held.fault = HeadMoved()
    sequencer, watched, futures = run(service, extracts(world, service, 3))
    held.open.set()
    assert [future.result(WAIT).outcomes[0].status for future in futures] == ["created"] * 3
    sequencer.stop()
    assert watched.opened == 2


def test_who_is_fenced_off_hands_back_both(service: Service, world: World, held: type[Held]) -> None:
    held.fault = Fenced()
    back: list[Waiting] = []
    sequencer, _, futures = run(service, extracts(world, service, 4), hand_back=back.extend)
    held.open.set()
    sequencer._thread.join(WAIT)
    assert [future for _, future in back] == futures
    assert not any(future.done() for future in futures)
    assert sequencer.ended


def test_a_panic_while_judging_takes_nobody_with_it(service: Service, world: World, held: type[Held]) -> None:
    held.open.set()
    panics: list[BaseException] = [Panic("once")]

    def panic() -> None:
        if panics:
            raise panics.pop()

    sequencer = Sequencer(Watched(service, panic), clock=service.context.clock, commit_records=1)
    sequencer.start()
    futures = queue(sequencer, extracts(world, service, 3))
    assert [future.result(WAIT).outcomes[0].status for future in futures] == ["created"] * 3
    sequencer.stop()


@pytest.mark.parametrize("fault", [None, OSError("early"), HeadMoved()])
def test_nobody_waits_for_those_behind_who_have_gone(
    service: Service, world: World, held: type[Held], fault: Exception | None
) -> None:
    """A group is being written because others wait, and these give up before their turn."""
    held.fault = fault
    futures: list[Future[Sequenced]] = []
    sequencer = Sequencer(
        Watched(service, lambda: [future.cancel() for future in futures[1:]]),
        clock=service.context.clock,
        commit_records=1,
    )
    sequencer.start()
    with sequencer._wake:  # it begins when the futures are known
        futures += queue(sequencer, extracts(world, service, 3))
    held.open.set()
    assert futures[0].result(WAIT).size == len(world.log) + 1
    assert [future.cancelled() for future in futures] == [False, True, True]
    assert sequencer.submit(extracts(world, service, 4)[3]).result(WAIT).size == len(world.log) + 2
    sequencer.stop()


def test_a_clock_that_goes_back_meanwhile(service: Service, world: World, held: type[Held]) -> None:
    """What is being written is seen to first: it is handed back before what waits for the clock."""
    clock = Clock(world.now + 1000)
    back: list[Waiting] = []
    held.fault = Fenced()

    def go_back() -> None:
        clock.now, sequencer._stopping = world.now - 60, True

    sequencer = Sequencer(Watched(service, go_back), clock=clock, commit_records=1, hand_back=back.extend)
    sequencer.start()
    futures = queue(sequencer, extracts(world, service, 3))
    held.open.set()
    sequencer._thread.join(WAIT)
    assert [future for _, future in back] == futures
    assert sequencer.trouble == "Another process sequences now."


def test_readers_do_not_stand_in_the_way(service: Service, world: World, held: type[Held]) -> None:
    """All their connections are taken, for as long as it takes."""
    held.open.set()
    sequencer = Sequencer(service.open_log, clock=service.context.clock, commit_records=1)
    sequencer.start()
    with ExitStack() as stack:
        for _ in range(service.store.engine.pool.size()):  # type: ignore[attr-defined]  # a QueuePool
            stack.enter_context(service.store.reading())
        futures = queue(sequencer, extracts(world, service, 3))
        assert [future.result(WAIT).outcomes[0].status for future in futures] == ["created"] * 3
    assert "sequencer-writer" in held.threads
    sequencer.stop()


def test_abandoned_with_two_under_way(service: Service, world: World, held: type[Held]) -> None:
    sequencer, _, futures = run(service, extracts(world, service, 3))
    assert [future for _, future in sequencer.abandon()] == futures
    held.open.set()
    sequencer.stop()
    assert not any(future.done() for future in futures)


def test_with_a_full_memory_nothing_is_judged_ahead(
    service: Service, world: World, held: type[Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_REMEMBERED", 0)
    held.open.set()
    sequencer = Sequencer(service.open_log, clock=service.context.clock, commit_records=1)
    sequencer.start()
    first, *rest = extracts(world, service, 4)
    assert sequencer.submit(first).result(WAIT).size == len(world.log) + 1, "what it holds now is too much"
    futures = [sequencer.submit(one) for one in rest]
    assert [future.result(WAIT).outcomes[0].status for future in futures] == ["created"] * 3
    sequencer.stop()
    assert set(held.threads) == {"sequencer"}
