"""The connection is lost while a commit is on its way: nobody knows whether it was done, so the log is opened again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from service.bootstrap import Service, wire
from service.storage.engine import DatabaseError
from service.usecases.submit import Submission
from service.workers.sequencer import Sequencer
from tests.service.test_faults import check_everything, harvest
from tests.support.cut import Cut
from tests.support.server import candidates, new_service
from tests.support.world import World, honest_world

pytestmark = pytest.mark.usefixtures("postgres")


@pytest.fixture
def world() -> World:
    return honest_world()


@pytest.fixture
def owner(tmp_path: Path, world: World) -> Iterator[Service]:
    """A log with its register, reached directly."""
    service = new_service(tmp_path, world)
    service.open_log().submit([Submission(candidates(world, service))], world.now * 1000)
    yield service
    service.close()


@pytest.fixture
def cut(owner: Service) -> Iterator[Cut]:
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket must be short
        cut = Cut(make_url(owner.settings.database), Path(folder))
        yield cut
        cut.close()


@pytest.fixture
def service(owner: Service, cut: Cut) -> Iterator[Service]:
    """The same log, reached by a way that can be cut."""
    database = cut.url.render_as_string(hide_password=False)
    service = wire(replace(owner.settings, database=database), clock=owner.context.clock)
    yield service
    service.close()


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_the_sequencer_finds_out_and_answers(
    owner: Service, service: Service, cut: Cut, world: World, applied: bool
) -> None:
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    sequencer.start()
    items = harvest(world, service)
    cut.arm(applied=applied)
    done = sequencer.submit(items).result(20)
    assert cut.cuts == 1
    assert {one.status for one in done.outcomes} == {"existing" if applied else "created"}
    again = sequencer.submit(items).result(20)
    assert [(one.status, one.index, one.entry) for one in again.outcomes] == [
        ("existing", one.index, one.entry) for one in done.outcomes
    ]
    sequencer.stop()
    check_everything(owner, world, [done.checkpoint, again.checkpoint])


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_restart_finds_out(owner: Service, service: Service, cut: Cut, world: World, applied: bool) -> None:
    book, items = service.open_log(), harvest(world, service)
    cut.arm(applied=applied)
    with pytest.raises(DatabaseError):
        book.submit([Submission(items)], world.now * 1000)
    assert cut.cuts == 1
    (done,) = owner.open_log().submit([Submission(items)], world.now * 1000)
    assert {one.status for one in done.outcomes} == {"existing" if applied else "created"}
    check_everything(owner, world, [done.checkpoint])


def test_uncut_nothing_is_different(owner: Service, service: Service, cut: Cut, world: World) -> None:
    (done,) = service.open_log().submit([Submission(harvest(world, service))], world.now * 1000)
    assert {one.status for one in done.outcomes} == {"created"}
    assert cut.cuts == 0
    check_everything(owner, world, [done.checkpoint])
