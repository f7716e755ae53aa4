"""The sequencer's loop: grouping, limits, waiting for the clock, failures, the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from ledger.errors import TooLarge
from service.bootstrap import Service
from service.errors import Unavailable
from service.storage.appending import Appending
from service.storage.engine import Store
from service.storage.head import HeadMoved
from service.storage.lease import Fenced
from service.usecases.open_log import RefuseToOpen
from service.usecases.submit import Book, Item, Sequenced, Submission
from service.workers.sequencer import Sequencer, Waiting
from tests.support.server import Clock, candidate, candidates, new_service
from tests.support.world import MINER, World, extract_body, honest_world, new_lot

pytestmark = pytest.mark.usefixtures("engine")

WAIT = 20.0


class Gate:
    """Opens the real book, and lets a test hold back or spoil what it is asked to commit."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.groups: list[int] = []
        self.faults: list[BaseException] = []
        self.broken: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.opened = 0

    def __call__(self) -> Book:
        if self.broken is not None:
            raise self.broken
        self.opened += 1
        book = self.service.open_log()
        real = book.submit

        def submit(submissions: Sequence[Submission], now: int) -> list[Sequenced]:
            self.entered.set()
            assert self.open.wait(WAIT)
            if self.faults:
                raise self.faults.pop(0)
            done = real(submissions, now)
            self.groups.append(len(submissions))
            return done

        book.submit = submit  # type: ignore[method-assign]  # the seam of this test
        return book


@pytest.fixture
def world() -> World:
    return honest_world()


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    (done,) = service.open_log().submit([Submission(candidates(world, service))], world.now * 1000)
    assert all(one.status == "created" for one in done.outcomes)
    yield service
    service.close()


@pytest.fixture
def gate(service: Service) -> Gate:
    return Gate(service)


@pytest.fixture
def sequencer(service: Service, gate: Gate) -> Iterator[Sequencer]:
    sequencer = Sequencer(gate, clock=service.context.clock, queue_records=6, commit_records=3)
    sequencer.start()
    yield sequencer
    gate.open.set()
    sequencer.stop()


def extract(world: World, service: Service, lot: str) -> list[Item]:
    return [candidate(world.sign(MINER, "extract", extract_body(new_lot(lot))), service)]


def status(future: Future[Sequenced]) -> str:
    return future.result(WAIT).outcomes[0].status


def test_what_waits_is_committed_together(sequencer: Sequencer, gate: Gate, service: Service, world: World) -> None:
    gate.open.clear()
    first = sequencer.submit(extract(world, service, "lot:0"))
    assert gate.entered.wait(WAIT)
    rest = [sequencer.submit(extract(world, service, f"lot:{n}")) for n in range(1, 6)]
    gate.open.set()
    assert [status(one) for one in (first, *rest)] == ["created"] * 6
    assert gate.groups == [1, 3, 2], "at most three records per commit, and never a wait for more"
    sizes = [one.result().size for one in (first, *rest)]
    assert sizes == [11, 14, 14, 14, 16, 16]


def test_full_queue_is_refused(sequencer: Sequencer, gate: Gate, service: Service, world: World) -> None:
    gate.open.clear()
    waiting = [sequencer.submit(extract(world, service, "lot:0"))]
    assert gate.entered.wait(WAIT)
    waiting += [sequencer.submit(extract(world, service, f"lot:{n}")) for n in range(1, 7)]
    with pytest.raises(Unavailable) as caught:
        sequencer.submit(extract(world, service, "lot:7"))
    assert caught.value.retry_after == 1
    gate.open.set()
    assert {status(one) for one in waiting} == {"created"}


def test_more_than_one_commit_holds_is_refused(sequencer: Sequencer, service: Service, world: World) -> None:
    items = [extract(world, service, f"lot:{n}")[0] for n in range(4)]
    with pytest.raises(TooLarge) as caught:
        sequencer.submit(items)
    assert caught.value.values == {"limit": 3, "actual": 4}
    assert [one.status for one in sequencer.submit(items[:3]).result(WAIT).outcomes] == ["created"] * 3


def test_cancelled_submission_is_dropped(sequencer: Sequencer, gate: Gate, service: Service, world: World) -> None:
    gate.open.clear()
    first = sequencer.submit(extract(world, service, "lot:0"))
    assert gate.entered.wait(WAIT)
    dropped, kept = (sequencer.submit(extract(world, service, f"lot:{n}")) for n in (1, 2))
    assert dropped.cancel()
    gate.open.set()
    assert (status(first), status(kept)) == ("created", "created")
    assert kept.result().size == 12


def test_stop_finishes_what_is_queued(sequencer: Sequencer, gate: Gate, service: Service, world: World) -> None:
    gate.open.clear()
    futures = [sequencer.submit(extract(world, service, f"lot:{n}")) for n in range(5)]
    gate.open.set()
    sequencer.stop()
    assert [status(one) for one in futures] == ["created"] * 5
    with pytest.raises(Unavailable, match="shutting down"):
        sequencer.submit(extract(world, service, "lot:6"))


def test_not_started_takes_nothing(service: Service, gate: Gate, world: World) -> None:
    sequencer = Sequencer(gate)
    with pytest.raises(Unavailable, match="not started"):
        sequencer.submit(extract(world, service, "lot:1"))
    sequencer.stop()


class Panic(BaseException):
    """As a compiled library raises it: no Exception."""


@pytest.mark.parametrize("fault", [OSError, Panic])
def test_commit_that_fails_once_is_tried_again_from_the_store(
    sequencer: Sequencer, gate: Gate, service: Service, world: World, fault: type[BaseException]
) -> None:
    gate.faults = [fault("the disk hiccuped")]
    assert status(sequencer.submit(extract(world, service, "lot:1"))) == "created"
    assert gate.opened == 2
    assert sequencer.trouble == ""


def test_record_that_always_fails_takes_no_other_with_it(
    sequencer: Sequencer, gate: Gate, service: Service, world: World
) -> None:
    gate.open.clear()
    first = sequencer.submit(extract(world, service, "lot:0"))
    assert gate.entered.wait(WAIT)
    bad, good = (sequencer.submit(extract(world, service, f"lot:{n}")) for n in (1, 2))
    gate.faults = [KeyError("together"), KeyError("the first of all, alone")]
    gate.open.set()
    # The faults meet `first` twice, so `bad` and `good` go through: what failed is told to send it again.
    with pytest.raises(Unavailable, match="send the same bytes again"):
        first.result(WAIT)
    assert (status(bad), status(good)) == ("created", "created")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (RefuseToOpen("The database is an old backup."), "has to look: The database is an old backup."),
        (RuntimeError("s3cret of the database"), "has to look: why stands in the service's own lines."),
    ],
)
def test_log_that_cannot_be_opened_again_stops_the_sequencer(
    sequencer: Sequencer, gate: Gate, service: Service, world: World, broken: Exception, told: str
) -> None:
    """Everybody is told what trouble there is, but nobody what a library says of it."""
    gate.open.clear()
    first = sequencer.submit(extract(world, service, "lot:0"))
    assert gate.entered.wait(WAIT)
    second = sequencer.submit(extract(world, service, "lot:1"))
    gate.faults, gate.broken = [OSError("gone")], broken
    gate.open.set()
    for future in (first, second):
        with pytest.raises(Unavailable, match=told):
            future.result(WAIT)
    assert sequencer.trouble.endswith(told)
    with pytest.raises(Unavailable, match=told):
        sequencer.submit(extract(world, service, "lot:2"))


def test_moved_head_is_read_again(sequencer: Sequencer, gate: Gate, service: Service, world: World) -> None:
    gate.faults = [HeadMoved(), HeadMoved()]
    assert status(sequencer.submit(extract(world, service, "lot:1"))) == "created"
    assert gate.opened == 3


def test_sequencing_waits_while_the_clock_is_behind(service: Service, world: World) -> None:
    clock = Clock(world.now - 5)  # the newest entry was logged at `world.now`
    troubles: list[str] = []

    def pause(seconds: float) -> None:
        assert 0 < seconds <= 1
        troubles.append(sequencer.trouble)
        clock.now += seconds

    sequencer = Sequencer(service.open_log, clock=clock, pause=pause)
    sequencer.start()
    outcome = sequencer.submit(extract(world, service, "lot:1")).result(WAIT).outcomes[0]
    assert (outcome.status, outcome.logged) == ("created", world.now * 1000)
    assert len(troubles) == 5
    assert all("behind its log" in one for one in troubles)
    assert sequencer.trouble == ""
    sequencer.stop()


def test_stop_while_the_clock_is_behind(service: Service, world: World) -> None:
    waits = threading.Event()
    sequencer = Sequencer(service.open_log, clock=Clock(world.now - 3600), pause=lambda _: waits.set())
    sequencer.start()
    future = sequencer.submit(extract(world, service, "lot:1"))
    assert waits.wait(WAIT)
    sequencer.stop()
    with pytest.raises(Unavailable, match="behind its log"):
        future.result(WAIT)


def test_every_step_runs_on_one_thread(service: Service, world: World) -> None:
    seen: set[str] = set()

    class Watched(Appending):
        def __init__(self, store: Store) -> None:
            seen.add(threading.current_thread().name)
            super().__init__(store)

    service.appending = Watched
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    sequencer.start()
    assert status(sequencer.submit(extract(world, service, "lot:1"))) == "created"
    sequencer.stop()
    assert seen == {"sequencer"}


def test_what_is_abandoned_comes_back_whole(service: Service, world: World) -> None:
    """Also when a group is tried one by one: who was answered is not among them, all the others are."""
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    pairs: list[Waiting] = [
        (Submission(extract(world, service, f"lot:{number}")), Future[Sequenced]()) for number in range(4)
    ]
    sequencer._under_way = pairs[:3]
    sequencer._waiting.append(pairs[3])
    sequencer._acknowledge(pairs[:1], [Sequenced((), 11, "note")])
    assert pairs[0][1].result(WAIT).size == 11
    assert sequencer.abandon() == pairs[1:]
    sequencer._acknowledge(pairs[1:2], [Sequenced((), 12, "note")])
    sequencer._leave(pairs[2:3], "too late")
    assert not any(future.done() for _, future in pairs[1:]), "nobody is answered any more"
    assert sequencer.abandon() == []


def test_who_steps_down_hands_back_in_order(service: Service, world: World, gate: Gate) -> None:
    back: list[Waiting] = []
    sequencer = Sequencer(gate, clock=service.context.clock, commit_records=1, hand_back=back.extend)
    sequencer.start()
    gate.open.clear()
    first = sequencer.submit(extract(world, service, "lot:0"))
    assert gate.entered.wait(WAIT)
    rest = [sequencer.submit(extract(world, service, f"lot:{number}")) for number in (1, 2)]
    gate.faults = [Fenced()]
    gate.open.set()
    sequencer._thread.join(WAIT)
    assert [future for _, future in back] == [first, *rest]
    assert sequencer.ended
    assert "Another process" in sequencer.trouble
    with pytest.raises(Unavailable, match="Another process"):
        sequencer.submit(extract(world, service, "lot:3"))
    again = Sequencer(gate, clock=service.context.clock)
    again.start()
    for pair in back:
        again.enqueue(pair)
    assert [status(future) for future in (first, *rest)] == ["created"] * 3
    again.stop()
