"""The offline queue: order, heads, crashes, partial upload, refusals that block only what builds on them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.sdk.client import LodelineClient
from clients.sdk.errors import LocalError, Unreachable
from clients.sdk.events import Event
from clients.sdk.push import push_queue
from clients.sdk.queue import OfflineQueue, QueuedRecord
from ledger.errors import IdTaken, SignerNotAllowed, UnknownSubject
from tests.clients.events import dig, send
from tests.clients.fake import FakeService, busy, lose
from tests.support.world import DEPOT, MINER, TRADER

Connect = Callable[..., LodelineClient]
Add = Callable[[Event], QueuedRecord]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[OfflineQueue]:
    made = OfflineQueue(tmp_path / "queue.db")
    yield made
    made.close()


@pytest.fixture
def miner(connect: Connect) -> LodelineClient:
    client = connect()
    client.check_log()  # the log is pinned while there is a network
    return client


@pytest.fixture
def add(queue: OfflineQueue, miner: LodelineClient) -> Add:
    return lambda event: queue.add(lambda find: miner.sign(event, find_head=find))


def states(queue: OfflineQueue) -> list[str]:
    return [one.state for one in queue.records()]


def test_later_records_build_on_earlier_ones_without_a_network(
    service: FakeService, queue: OfflineQueue, miner: LodelineClient, add: Add
) -> None:
    asked = len(service.requests)
    first = add(dig("lot:1", "lot:2"))
    second = add(send(TRADER, "lot:1"))
    assert second.needs == (first.seq,)
    assert queue.head("lot:1") == second.id
    assert queue.head("lot:2") == first.id
    assert queue.is_pending("lot:2")
    assert not queue.is_pending("lot:3")
    assert len(service.requests) == asked
    with pytest.raises(UnknownSubject):
        add(send(TRADER, "lot:3"))
    assert states(queue) == ["queued", "queued"]
    report = push_queue(miner, queue)
    assert [one.seq for one in report.accepted] == [1, 2]
    assert report.ok
    assert report.gaps == []
    assert [one.index for one in queue.records()] == [len(service.world.log) - 2, len(service.world.log) - 1]
    assert queue.head("lot:1") == service.world.state.subjects["lot:1"].head == second.id
    assert not queue.is_pending("lot:1")


def test_pushing_again_sends_nothing(
    service: FakeService, queue: OfflineQueue, miner: LodelineClient, add: Add
) -> None:
    add(dig("lot:1"))
    push_queue(miner, queue)
    before = len(service.requests), len(service.world.log)
    assert push_queue(miner, queue).accepted == []
    assert (len(service.requests), len(service.world.log)) == before


def test_a_refused_record_blocks_what_builds_on_it_and_nothing_else(
    service: FakeService, queue: OfflineQueue, miner: LodelineClient, add: Add
) -> None:
    add(dig("lot:1"))
    add(dig("lot:2"))
    add(send(TRADER, "lot:1"))
    add(send(TRADER, "lot:2"))
    add(dig("lot:3"))
    service.world.extract(
        {"id": "lot:1", "mineral": "coltan", "quantity": {"mass": "1", "moisture": "0", "assay": {}}}
    )  # somebody was faster
    report = push_queue(miner, queue)
    assert states(queue) == ["refused", "accepted", "blocked", "accepted", "accepted"]
    assert [one.seq for one in report.refused] == [1]
    assert [one.seq for one in report.blocked] == [3]
    assert report.gaps == [1, 3]
    assert not report.ok
    problem = queue.get(1).problem
    assert problem is not None
    assert problem["code"] == IdTaken("").code
    assert report.to_json()["refused"][0]["problem"] == problem
    assert queue.head("lot:1") is None  # neither the refused nor the blocked record is a head to build on
    queue.retry(1)
    assert states(queue)[:3] == ["queued", "accepted", "queued"]
    push_queue(miner, queue)
    queue.drop(1)
    assert states(queue)[:3] == ["dropped", "accepted", "blocked"]
    assert [one.seq for one in queue.records(pending=True)] == [3]
    with pytest.raises(LocalError):
        queue.drop(1)
    with pytest.raises(LocalError):
        queue.retry(2)


def test_a_lot_that_is_dug_again_after_a_refusal(queue: OfflineQueue, service: FakeService, add: Add) -> None:
    first = add(dig("lot:1"))
    queue.mark_refused(first.seq, SignerNotAllowed("no"))
    again = add(dig("lot:1", time=1_790_000_001))
    assert add(send(TRADER, "lot:1")).needs == (again.seq,)
    blocked = add(send(TRADER, "lot:1", seals=["S-2"]))
    assert blocked.state == "queued"


def test_evidence_about_a_queued_record_waits_for_it(queue: OfflineQueue, miner: LodelineClient, add: Add) -> None:
    from clients.sdk import events

    first = add(dig("lot:1"))
    about = [{"subject": "lot:1", "record": first.id}]
    report = add(events.incident("2026-09-21T00:00:00Z", about=about, category="A2.1", severity=1, status="open"))
    assert report.needs == (first.seq,)
    queue.mark_refused(first.seq, SignerNotAllowed("no"))
    assert queue.get(report.seq).state == "blocked"
    assert push_queue(miner, queue).accepted == []


def test_upload_in_part(queue: OfflineQueue, miner: LodelineClient, add: Add) -> None:
    for n in range(4):
        add(dig(f"lot:{n}"))
    add(send(TRADER, "lot:3"))
    steps: list[tuple[int, int]] = []
    assert [o.seq for o in push_queue(miner, queue, limit=2, progress=lambda *s: steps.append(s)).accepted] == [1, 2]
    assert steps == [(2, 2)]
    report = push_queue(miner, queue, only=[5])
    assert [one.seq for one in report.accepted] == [4, 5]
    assert report.gaps == [3]
    assert [one.seq for one in report.waiting] == [3]
    assert push_queue(miner, queue).ok


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("restart", [False, True])
def test_the_network_fails_before_or_after_the_effect(
    service: FakeService, connect: Connect, queue: OfflineQueue, add: Add, tmp_path: Path, applied: bool, restart: bool
) -> None:
    add(dig("lot:1"))
    add(send(TRADER, "lot:1"))
    before = len(service.world.log)
    (service.after if applied else service.before).extend([lose] * 3)
    with pytest.raises(Unreachable):
        push_queue(connect(), queue)
    assert states(queue) == ["queued", "queued"]
    assert len(service.world.log) == before + (2 if applied else 0)
    if restart:
        queue.close()
        queue.__init__(tmp_path / "queue.db")  # type: ignore[misc]
    report = push_queue(connect(), queue)
    assert [one.seq for one in report.accepted] == [1, 2]
    assert len(service.world.log) == before + 2  # never doubled


def test_a_service_that_is_busy_for_some_lines(
    service: FakeService, queue: OfflineQueue, miner: LodelineClient, add: Add
) -> None:
    import httpx

    add(dig("lot:1"))
    add(dig("lot:2"))

    def forge(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/batch"):
            return response
        lines = response.text.splitlines()
        lines[1] = '{"line": 2, "status": 503, "problem": {"type": "urn:lodeline:problem:unavailable"}}'
        return httpx.Response(200, text="\n".join(lines))

    service.forge = forge
    report = push_queue(miner, queue)
    assert [one.seq for one in report.accepted] == [1]
    assert [one.seq for one in report.waiting] == [2]
    service.forge = lambda _request, response: response
    assert push_queue(miner, queue).ok
    service.before = [busy, busy, busy]
    add(dig("lot:3"))
    with pytest.raises(Unreachable):
        push_queue(miner, queue)
    assert states(queue) == ["accepted", "accepted", "queued"]


def test_batches_are_bounded(
    service: FakeService, queue: OfflineQueue, miner: LodelineClient, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    import clients.sdk.push as push

    monkeypatch.setattr(push, "BATCH_LINES", 2)
    queue.add_all(
        [lambda find, n=n: miner.sign(dig(f"lot:{n}"), find_head=find) for n in range(5)]  # type: ignore[misc]
    )
    push_queue(miner, queue)
    sizes = [r.content.count(b"\n") for r in service.requests if r.url.path.endswith("/batch")]
    assert sizes == [2, 2, 1]
    monkeypatch.setattr(push, "BATCH_BYTES", 10)
    add(dig("lot:8"))
    add(dig("lot:9"))
    assert push_queue(miner, queue).ok


def test_add_all_is_all_or_nothing(queue: OfflineQueue, miner: LodelineClient) -> None:
    makes = [
        lambda find: miner.sign(dig("lot:1"), find_head=find),
        lambda find: miner.sign(send(TRADER, "lot:1"), find_head=find),
        lambda find: miner.sign(send(TRADER, "lot:none"), find_head=find),
    ]
    with pytest.raises(UnknownSubject):
        queue.add_all(makes)
    assert queue.records() == []
    assert queue.head("lot:1") is None
    assert [one.seq for one in queue.add_all(makes[:2])] == [1, 2]


def test_the_same_signed_record_is_queued_once(queue: OfflineQueue, miner: LodelineClient) -> None:
    signed = miner.sign(dig("lot:1"))
    assert queue.add(lambda _find: signed).seq == queue.add(lambda _find: signed).seq == 1
    assert queue.get(signed.id[:12]).id == signed.id
    for unknown in ("2", "zz", signed.id[:4], "9" * 20):
        with pytest.raises(LocalError):
            queue.get(unknown)


def test_the_file_is_private_and_survives_damage_reports(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "queue.db"
    OfflineQueue(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(LocalError):
        OfflineQueue(path)
    path.unlink()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(LocalError, match="newer"):
        OfflineQueue(path)
    with pytest.raises(LocalError):
        OfflineQueue(Path("/proc/no/queue.db"))


def test_a_queue_that_is_locked_says_so(queue: OfflineQueue, add: Add) -> None:
    queue._db.execute("PRAGMA query_only = ON")
    with pytest.raises(LocalError, match="nothing was queued"):
        queue.learn({"lot:1": "0" * 64})


KILLED = """
import os, sys
from pathlib import Path
from clients.sdk.queue import OfflineQueue
from tests.clients.events import dig
from clients.sdk.events import build_payload, sign_payload
from tests.support.world import MINER, ORIGIN, START, key_of
queue = OfflineQueue(Path(sys.argv[1]))
def make(n):
    payload = build_payload(dig(f"lot:{n}"), iss=MINER, aud=ORIGIN, iat=START, find_head=queue.head)
    return sign_payload(payload, key_of(MINER))
for n in range(10_000):
    queue.add(lambda find: make(n))
    os.write(1, b"%d\\n" % n)
"""


def test_kill_9_loses_no_record_that_was_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child:
        for _ in range(20):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        confirmed = 20 + child.stdout.read().count(b"\n")
    queue = OfflineQueue(path)
    found = [one.seq for one in queue.records()]
    assert found == list(range(1, len(found) + 1))
    assert confirmed <= len(found) <= confirmed + 1
    assert queue.head("lot:0") == queue.get(1).id
    queue.close()


def test_heads_that_were_learnt(queue: OfflineQueue, service: FakeService, miner: LodelineClient, add: Add) -> None:
    miner.submit(dig("lot:1"))
    queue.learn(miner.heads(["lot:1", DEPOT, MINER]))
    first = add(send(TRADER, "lot:1"))
    assert first.needs == ()
    assert queue.head(DEPOT) == service.world.state.subjects[DEPOT].head
    assert push_queue(miner, queue).ok
