"""Two processes' worth of replicas in one event loop, on one database: who leads, what is handed over, what is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.tokens import sign_jwt
from ledger.errors import BadSignature, TooLarge, UnknownSubject
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.proof import check_receipt
from service.api.auth import parse_bearer
from service.bootstrap import Service, wire
from service.errors import BatchRefused, NotAuthenticated, Unavailable
from service.storage.checkpoints import FollowedFile, size_of
from service.storage.lease import read_lease
from service.storage.sql import execute
from service.usecases.access import authenticate
from service.usecases.check import Candidate
from service.usecases.open_log import RefuseToOpen
from service.usecases.submit import Item, Outcome, Submission
from service.workers.replica import Replica
from service.workers.terms import LEASE_SECONDS
from tests.support.server import SIGNER, candidates, checked, new_service
from tests.support.world import MINER, ORIGIN, ROLES, TRADER, World, dispatch_body, extract_body, honest_world, new_lot

pytestmark = pytest.mark.usefixtures("engine")

WAIT = 20.0


class Hand:
    """A clock that never goes back, moved by hand as well."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Pair:
    """Two services on one database, as two processes on one folder have them, and a replica in each."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world = world
        self.first = new_service(folder, world)
        (done,) = self.first.open_log().submit([Submission(candidates(world, self.first))], world.now * 1000)
        assert all(one.status == "created" for one in done.outcomes)
        self.first.file.close()
        self.second = wire(self.first.settings, clock=self.first.context.clock)
        self.hands = {id(self.first): Hand(), id(self.second): Hand()}

    @asynccontextmanager
    async def running(self, service: Service, **parts: Any) -> AsyncIterator[Replica]:
        replica = Replica(service, clock=self.hands[id(service)], **parts)
        await replica.start()
        try:
            yield replica
        finally:
            await replica.stop()

    @asynccontextmanager
    async def both(self) -> AsyncIterator[tuple[Replica, Replica]]:
        """The first of them leads, the other has its link."""
        async with self.running(self.first) as one, self.running(self.second) as two:
            assert (one.leads, two.leads) == (True, False)
            yield one, two

    def extract(self, lot: str) -> Item:
        return checked(self.world.sign(MINER, "extract", extract_body(new_lot(lot))).text, self.second)

    def epoch(self) -> int:
        with self.first.store.reading() as conn:
            return read_lease(conn).epoch

    def size(self) -> int:
        with self.first.store.reading() as conn:
            return int(execute(conn, "SELECT size FROM head").scalar_one())

    def close(self) -> None:
        self.first.close()
        self.second.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path, honest_world())
    yield pair
    pair.close()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 3 * WAIT))


async def outcomes(replica: Replica, *items: Item, atomic: bool = False, proofs: bool = False) -> tuple[Outcome, ...]:
    done = await asyncio.wait_for(asyncio.wrap_future(replica.submit(items, atomic=atomic, proofs=proofs)), WAIT)
    return done.outcomes


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.01)


def test_who_follows_answers_as_who_leads(pair: Pair) -> None:
    async def test() -> None:
        async with pair.both() as (one, two):
            assert (one.trouble, two.trouble) == ("", "")
            record = pair.extract("lot:1")
            (here,) = await outcomes(one, pair.extract("lot:0"))
            (there,) = await outcomes(two, record, proofs=True)
            assert (here.status, here.index) == ("created", 10)
            assert (there.status, there.index, there.logged) == ("created", 11, here.logged)
            check_receipt(there.entry, there.receipt(), ORIGIN, [SIGNER.verifier])
            (again,) = await outcomes(two, record)
            assert again[:5] == there._replace(status="existing")[:5]
            check_receipt(again.entry, again.receipt(), ORIGIN, [SIGNER.verifier])
            (late,) = await outcomes(two, pair.extract("lot:2"))
            assert late.status == "created"
            check_receipt(late.entry, late.receipt(), ORIGIN, [SIGNER.verifier])
        metrics = pair.second.metrics.render().decode()
        assert 'lodeline_forwarded_records_total{outcome="answered"} 3.0' in metrics
        assert "lodeline_parked_records 0.0" in metrics
        assert "lodeline_take_overs_total 0.0" in metrics
        assert "lodeline_take_overs_total 1.0" in pair.first.metrics.render().decode()

    run(test)


def test_refusals_travel_whole(pair: Pair) -> None:
    async def test() -> None:
        async with pair.both() as (_, two):
            good = pair.extract("lot:1")
            forged = BadSignature("The signature does not verify.")
            body = dispatch_body(TRADER, "lot:none", time=pair.world.now)
            stale = checked(pair.world.sign(MINER, "dispatch", body, prev={"lot:none": "0" * 64}).text, pair.second)
            refused = await outcomes(two, good, forged, stale, atomic=True)
            assert [type(one.error) for one in refused] == [BatchRefused, BadSignature, UnknownSubject]
            assert refused[1].error is forged
            taken = await outcomes(two, good, forged, stale)
            assert [one.status for one in taken] == ["created", "refused", "refused"]
            assert taken[2].error is not None
            assert taken[2].error.to_json() == refused[2].error.to_json()  # type: ignore[union-attr]
            assert taken[2].error.to_json()["values"]
            with pytest.raises(TooLarge):
                two.submit([good] * (pair.second.settings.limits.commit_records + 1))
        assert pair.size() == 11

    run(test)


def test_a_leader_that_ends_hands_over(pair: Pair) -> None:
    async def test() -> None:
        async with pair.running(pair.second, patience=1.0) as two:
            assert not two.leads, "it lets others go first"
            async with pair.running(pair.first) as one:
                assert one.leads
                await until(lambda: two._parking.link is not None)
                waits = [asyncio.ensure_future(outcomes(two, pair.extract(f"lot:{n}"))) for n in range(30)]
            assert [(await one)[0].status for one in waits] == ["created"] * 30
            await until(lambda: two.leads)
            (last,) = await outcomes(two, pair.extract("lot:last"))
            assert last.index == 40
            with pair.first.store.reading() as conn:
                assert read_lease(conn).silent == 0, "it was let go: nobody had to wait"
        assert pair.epoch() == 2

    run(test)


def test_a_leader_whose_time_ran_out_writes_nothing_more(pair: Pair) -> None:
    """As after SIGSTOP and SIGCONT: by its own clock the lease is over, and by the database's another has it."""

    async def test() -> None:
        async with pair.both() as (one, two):
            await outcomes(one, pair.extract("lot:0"))
            term = one._term
            assert term is not None
            one._tasks[0].cancel()  # it is not renewed any more
            one._tasks[1].cancel()
            pair.hands[id(pair.first)].ahead += LEASE_SECONDS
            pair.hands[id(pair.second)].ahead += LEASE_SECONDS
            await until(lambda: two.leads)
            assert not one.leads
            size = pair.size()
            stale = one.submit([pair.extract("lot:1")])  # it does not know yet: its own sequencer takes it
            await until(lambda: term.sequencer.ended)
            assert pair.size() == size, "fenced"
            assert "Another process" in term.sequencer.trouble
            await one._step()  # now it looks
            assert not one.leads
            (kept,) = (await asyncio.wait_for(asyncio.wrap_future(stale), WAIT)).outcomes
            assert (kept.status, kept.index) == ("created", size)
        assert pair.epoch() == 2

    run(test)


def test_a_commit_that_ended_too_late_is_answered_by_the_next(pair: Pair) -> None:
    """Stopped between the commit and the line in the file: stored, not acknowledged, and found by who leads next."""

    async def test() -> None:
        async with pair.running(pair.first) as one:
            term = one._term
            assert term is not None
            real = term.require

            def stopped() -> None:
                pair.hands[id(pair.first)].ahead += LEASE_SECONDS
                real()

            term._file._allow = stopped
            (kept,) = await outcomes(one, pair.extract("lot:1"))
            assert (kept.status, kept.index) == ("existing", 10)
            assert one._term is not term
        assert pair.epoch() == 2

    run(test)


def test_submissions_wait_for_somebody_who_leads(pair: Pair) -> None:
    async def test() -> None:
        pair.second.settings = replace(
            pair.second.settings, limits=replace(pair.second.settings.limits, request_seconds=0.3, queue_records=2)
        )
        async with pair.both() as (one, two):
            one._reception.welcome(None)  # nobody is let in any more
            waits = [two.submit([pair.extract(f"lot:{n}")]) for n in range(2)]
            with pytest.raises(Unavailable, match="Too many"):
                two.submit([pair.extract("lot:3")])
            for late in waits:
                with pytest.raises(Unavailable, match="Nobody could store this"):
                    await asyncio.wait_for(asyncio.wrap_future(late), WAIT)
            assert two.trouble == "", "for a moment"
            pair.hands[id(pair.second)].ahead += 11
            assert two.trouble == "No process that sequences can be reached."

    run(test)


def test_a_log_that_must_not_be_opened_is_not_led(pair: Pair) -> None:
    async def test() -> None:
        with pair.first.store.writing() as conn:
            execute(conn, "UPDATE head SET size = size - 1")
        with pytest.raises(RefuseToOpen, match="damaged"):
            async with pair.running(pair.first):
                raise AssertionError("it started")
        assert pair.epoch() == 0

    run(test)


def test_who_follows_learns_keys_that_were_enrolled_since(pair: Pair) -> None:
    async def test() -> None:
        async with pair.both() as (_, two):
            world, newcomer = pair.world, "did:web:newcomer.example"
            world.enrol(newcomer, ROLES[TRADER])
            world.register("site:newcomer", "depot", newcomer)
            enrolment, registration = candidates(world, pair.second, -2)
            kid = world.keys[newcomer].public.kid
            assert (await outcomes(two, enrolment))[0].status == "created"
            assert pair.second.keys.get(kid) is None
            assert isinstance(registration, Candidate)
            assert not registration.verified, "that is left to who sequences"
            assert (await outcomes(two, registration))[0].status == "created"
            await until(lambda: pair.second.keys.get(kid) is not None)
            (again,) = candidates(world, pair.second, -1)
            assert isinstance(again, Candidate)
            assert again.verified

    run(test)


def test_a_login_is_good_for_one_request_of_all_processes(pair: Pair) -> None:
    now = pair.first.context.now()
    claims = {"iss": MINER, "sub": MINER, "aud": ORIGIN, "iat": now, "exp": now + 60, "jti": "a-jti-of-twenty-signs"}
    token = parse_bearer(f"Bearer {sign_jwt(claims, pair.world.keys[MINER], typ='JWT')}", origin=ORIGIN, now=now)
    assert authenticate(pair.first.context, token).participant == MINER
    with pytest.raises(NotAuthenticated, match="used before"):
        authenticate(pair.second.context, token)


def test_a_database_that_was_rolled_back_is_not_followed(pair: Pair) -> None:
    """Every host's file knows what was signed, also that of one that never led."""

    async def test() -> None:
        async with pair.both() as (one, two):
            await outcomes(one, pair.extract("lot:1"))
            two._follow()
            assert two.trouble == ""
            note = FollowedFile(pair.second.file.path)
            note.open()
            note.close()
            assert note.newest is not None
            pair.second.file.path.write_text(json.dumps(forged(int(size_of(note.newest)) + 5)) + "\n")
            two._follow()
            assert "old backup" in two.trouble
            assert not two._may_take(two._read_lease()._replace(renewed=0)), "nor led"

    run(test)


def forged(size: int) -> str:
    """A checkpoint of this log that is larger than it."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), [SIGNER])
