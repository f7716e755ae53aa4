"""A group is judged while the one before it is being written: the log is the same, whatever becomes of that one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.log.proof import check_receipt
from service.bootstrap import Service
from service.storage.tables import DERIVED
from service.usecases.fsck import check_database
from service.usecases.submit import Book, ClockBehind, Fold, Item, Outcome, Sequenced, Submission
from tests.service.test_replay import busy_world
from tests.support.server import SIGNER, candidates, dump, new_service
from tests.support.world import MINER, ORIGIN, World, new_lot

pytestmark = pytest.mark.usefixtures("engine")

LOG = ("entries", "head", *DERIVED)


@pytest.fixture(scope="module")
def world() -> World:
    return tagged_world()


def tagged_world() -> World:
    """Everything that leaves a row, and a tag that goes from lot to lot."""
    world = busy_world()
    for lot in ("lot:7", "lot:8", "lot:9"):
        world.extract(new_lot(lot, tags=("T7",)))
        world.do(MINER, "close", {"lots": [lot], "reason": "lost"}, [lot])
    return world


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    yield service
    service.close()


def judge(book: Book, items: Sequence[Item], world: World) -> Fold:
    return book.judge([Submission(items)], world.now * 1000)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, world: World) -> dict[str, Any]:
    """The tables of a log whose records came one by one, on SQLite."""
    service = new_service(tmp_path_factory.mktemp("plain"), world)
    book = service.open_log()
    for item in candidates(world, service):
        (done,) = book.submit([Submission([item])], world.now * 1000)
        assert done.outcomes[0].status == "created"
    found = dump(service.store, LOG)
    service.close()
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_every_group_judged_ahead(service: Service, world: World, plain: dict[str, Any], size: int) -> None:
    """Each group holds the records of the one before it once more."""
    book, items = service.open_log(), candidates(world, service)
    groups = [items[at : at + size] for at in range(0, len(items), size)]
    fold, before, number = judge(book, groups[0], world), groups[0], 1
    for group in groups[1:]:
        following = judge(book, [*before, *group], world)
        check(book.write(fold), number, len(before))
        fold, before, number = following, group, number + len(before)
    check(book.write(fold), number, len(before))
    assert dump(service.store, LOG) == plain
    assert check_database(service.store, service.file, service.signer, now=world.now + 5000).sound


def check(written: list[Sequenced], number: int, new: int) -> None:
    """The last `new` outcomes are new records from entry `number` on, those before them exist; all have receipts."""
    (done,) = written
    outcomes = done.outcomes
    assert [one.index for one in outcomes] == list(range(number + new - len(outcomes), number + new))
    assert [one.status for one in outcomes] == ["existing"] * (len(outcomes) - new) + ["created"] * new
    assert done.size == number + new
    for outcome in outcomes:
        check_receipt(outcome.entry, outcome.receipt(), ORIGIN, [SIGNER.verifier])


@pytest.mark.parametrize("begin", [0, 1])
def test_nothing_is_remembered_but_the_group_before(
    service: Service, world: World, plain: dict[str, Any], begin: int
) -> None:
    """Two groups on an empty memory each time: what the first changes is not read from rows that it has not written."""
    items = candidates(world, service)
    service.open_log().submit([Submission(items[:begin])], world.now * 1000)
    for at in range(begin, len(items), 2):
        book = service.open_log()
        first, second = judge(book, items[at : at + 1], world), judge(book, items[at + 1 : at + 2], world)
        book.write(first)
        book.write(second)
    assert dump(service.store, LOG) == plain


def test_what_stood_on_a_lost_group_is_refused_by_the_head(service: Service, world: World) -> None:
    book, items = service.open_log(), candidates(world, service)
    lost, ahead = judge(book, items[:3], world), judge(book, items[3:6], world)
    assert (lost.first, ahead.first, ahead.past) == (1, 4, 7)
    before = dump(service.store, LOG)
    with pytest.raises(AssertionError, match="another group"):
        book.write(ahead)
    assert dump(service.store, LOG) == before


def test_the_clock_of_the_group_before_counts(service: Service, world: World) -> None:
    book, items = service.open_log(), candidates(world, service)
    judge(book, items[:1], world)
    with pytest.raises(ClockBehind):
        book.judge([Submission(items[1:2])], world.now * 1000 - 1)


def test_while_records_are_judged_nothing_is_read(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's write-ahead log is begun anew only in a moment without a reader."""
    taken: list[int] = []
    real = Fold.take

    def take(self: Fold, submission: Submission) -> list[Outcome]:
        taken.append(service.store._judge.pool.checkedout())  # type: ignore[attr-defined]  # a QueuePool
        outcomes = real(self, submission)
        taken.append(service.store._judge.pool.checkedout())  # type: ignore[attr-defined]
        return outcomes

    monkeypatch.setattr(Fold, "take", take)
    book, items = service.open_log(), candidates(world, service)
    book.write(judge(book, items[:3], world))
    again = judge(book, items[:3], world)
    assert [one.status for one in again.outcomes[0]] == ["existing"] * 3
    assert taken == [0, 0, 0, 0]
