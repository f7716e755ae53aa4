"""The lease and its fence: who may sequence, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.bootstrap import Service
from service.storage.appending import Appending
from service.storage.engine import Store
from service.storage.lease import (
    Claim,
    Fenced,
    Lease,
    free_writers,
    read_epoch,
    read_lease,
    release_lease,
    renew_lease,
    take_lease,
)
from service.storage.sql import execute
from service.usecases.submit import Submission
from tests.support.server import candidates, new_service
from tests.support.world import honest_world

pytestmark = pytest.mark.usefixtures("engine")

ONE = Claim("one", "127.0.0.1:1", "certificate one", "secret one")
TWO = Claim("two", "127.0.0.1:2", "certificate two", "secret two")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = new_service(tmp_path, honest_world())
    yield service
    service.close()


@pytest.fixture
def store(service: Service) -> Store:
    return service.store


def look(store: Store) -> Lease:
    with store.reading() as conn:
        return read_lease(conn)


def take(store: Store, claim: Claim) -> Lease:
    taken = take_lease(store, look(store), claim)
    assert taken is not None
    return taken


def test_nobody_has_it_at_first(store: Store) -> None:
    lease = look(store)
    assert lease[:8] == (0, "", "", "", "", 0, 0, 0)
    assert lease.now > 1_700_000_000_000
    with store.reading() as conn:
        assert read_epoch(conn) == 0


def test_only_one_of_two_takes_it(store: Store) -> None:
    seen = look(store)
    first = take_lease(store, seen, ONE)
    assert first is not None
    assert (first.epoch, first.silent) == (1, 0)
    assert first[1:5] == ONE
    assert take_lease(store, seen, TWO) is None, "it saw the lease before the other took it"
    second = take(store, TWO)
    assert (second.epoch, second.holder) == (2, "two")
    assert 0 <= second.silent == second.taken - first.renewed
    with store.reading() as conn:
        assert read_epoch(conn) == 2


def test_who_renews_in_between_keeps_it(store: Store) -> None:
    first = take(store, ONE)
    seen = look(store)
    with store.aside() as conn:  # the clock may stand still for a millisecond
        execute(conn, "UPDATE lease SET renewed = renewed - 1")
    assert renew_lease(store, first.epoch)
    assert look(store).renewed >= seen.renewed
    with store.aside() as conn:
        execute(conn, "UPDATE lease SET renewed = ?", (seen.renewed + 1,))
    assert take_lease(store, seen, TWO) is None
    assert look(store).epoch == 1


def test_what_is_over_is_not_renewed(store: Store) -> None:
    first = take(store, ONE)
    second = take(store, TWO)
    assert not renew_lease(store, first.epoch)
    release_lease(store, first.epoch)
    assert look(store).renewed == second.renewed, "letting go of what one has not"
    release_lease(store, second.epoch)
    assert look(store).renewed == 0
    assert not renew_lease(store, second.epoch), "what was let go stays so"
    third = take(store, ONE)
    assert (third.epoch, third.silent) == (3, 0)


def test_an_append_stands_on_its_epoch(service: Service) -> None:
    world, store = honest_world(), service.store
    items = candidates(world, service)
    first = take(store, ONE)
    service.appending = lambda store: Appending(store, first.epoch)
    book = service.open_log()
    (done,) = book.submit([Submission(items[:4])], world.now * 1000)
    assert [one.status for one in done.outcomes] == ["created"] * 4
    take(store, TWO)
    with pytest.raises(Fenced):
        book.submit([Submission(items[4:])], world.now * 1000)
    with store.reading() as conn:
        assert execute(conn, "SELECT size FROM head").scalar_one() == 5
        assert execute(conn, "SELECT count(*) FROM entries").scalar_one() == 5


def test_a_take_over_waits_for_nobody_who_stopped_in_the_middle(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that holds the writers' lock and does nothing is ended; on SQLite there is none but the process's."""
    assert free_writers(store) == 0
    if store.sqlite:
        return
    other = Store(store.url.render_as_string(hide_password=False))
    with other.writer() as conn:
        execute(conn, "SELECT 1")
        assert free_writers(store) == 0, "it may be busy"
        monkeypatch.setattr("service.storage.lease.STUCK_SECONDS", 0.0)
        assert take(store, ONE).epoch == 1
        with pytest.raises(Exception, match=r"terminat|closed"):
            execute(conn, "SELECT 1")
        conn.invalidate()
    other.close()
