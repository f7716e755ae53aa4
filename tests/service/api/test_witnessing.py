"""Cosignatures collected from witnesses that decide by the protocol, and from some that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from ledger.errors import PolicyError
from ledger.evidence.trust import Group, TrustedLog, TrustedWitness, TrustPolicy
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import CosignatureSigner, MLDSA44Signer, format_vkey, parse_note
from ledger.log.proof import parse_receipt
from ledger.log.witness import parse_request, plan_answer
from service.workers.witnessing import Witnessing, load_policy
from tests.service.api.harness import LOG_KEY, Desk, run_chain, serving, settle_in
from tests.support.world import AUDITOR, MINER, ORIGIN, SMELTER, new_lot

pytestmark = pytest.mark.usefixtures("engine")

URL = "http://{}.example/add"


class Witnesses(httpx.AsyncBaseTransport):
    """The internet as the worker sees it: a host per witness, each with what it cosigned last."""

    def __init__(self, *names: str) -> None:
        self.signers: dict[str, tuple[CosignatureSigner | MLDSA44Signer, ...]] = {
            name: (CosignatureSigner(f"{name}.example", name.encode().ljust(32, b".")),) for name in names
        }
        self.stored: dict[str, Checkpoint | None] = dict.fromkeys(names)
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.asked: list[str] = []
        self.log: TrustedLog | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host.partition(".")[0]
        self.asked.append(name)
        body = await request.aread()
        assert request.url.path == "/add/add-checkpoint"
        if name in self.answers:
            return self.answers[name](request)
        assert self.log is not None
        answer = plan_answer(
            self.stored[name], parse_request(body), verifiers=[self.log.verifier], cosigners=self.signers[name], time=5
        )
        self.stored[name] = answer.stored or self.stored[name]
        return httpx.Response(answer.status, text=answer.body)

    def policy(self, threshold: int) -> TrustPolicy:
        """`threshold` of these witnesses."""
        witnesses = tuple(
            TrustedWitness(name, signers[0].verifier, URL.format(name)) for name, signers in self.signers.items()
        )
        group = Group("all", threshold, tuple(self.signers))
        return TrustPolicy(witnesses=witnesses, groups=(group,), quorum="all")


def worker(desk: Desk, internet: Witnesses, threshold: int = 1) -> Witnessing:
    internet.log = TrustedLog(desk.service.signer.verifier)
    return Witnessing(
        desk.service.context, internet.policy(threshold), metrics=desk.service.metrics, seconds=0.01, transport=internet
    )


def signers_of(note: str) -> list[str]:
    return [signature.name for signature in parse_note(note).unverified]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    with serving(tmp_path) as desk:
        settle_in(desk)
        yield desk  # type: ignore[misc]  # a fixture


def test_cosignatures_are_collected_and_served(desk: Desk) -> None:
    internet = Witnesses("north", "south")
    work = worker(desk, internet, threshold=2)
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN]
    assert desk.client.get("/log/witnessed-checkpoint").status_code == 404
    assert asyncio.run(work.round()) == 2
    served = desk.client.get("/log/checkpoint").text
    assert signers_of(served) == [ORIGIN, "north.example", "south.example"]
    assert internet.policy(2).is_quorum(["north", "south"])
    assert desk.client.get("/log/witnessed-checkpoint").text == served
    head = desk.state.subjects[MINER].head
    receipt = desk.client.get(f"/v1/records/{head}/receipt").text
    assert parse_receipt(receipt).checkpoint == served

    internet.asked.clear()
    assert asyncio.run(work.round()) == 0  # nothing is new
    assert internet.asked == []

    run_chain(desk)  # the log goes on, from what the witnesses have seen
    newest = desk.state.subjects["lot:5"].head
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN]
    assert desk.client.get("/log/witnessed-checkpoint").text == served
    old = desk.client.get(f"/v1/records/{head}/receipt", params={"witnessed": "true"}).text
    assert parse_receipt(old).checkpoint == served
    assert desk.client.get(f"/v1/records/{newest}/receipt", params={"witnessed": "true"}).status_code == 404
    standing = desk.get("/v1/lots/lot:5", AUDITOR).json()["standing"]
    assert (standing["witnessed"], standing["words"]) == (None, f"logged {standing['logged']}")
    assert asyncio.run(work.round()) == 2
    standing = desk.get("/v1/lots/lot:5", AUDITOR).json()["standing"]
    assert (standing["witnessed"], standing["words"]) == ("1970-01-01T00:00:05Z", "witnessed 1970-01-01T00:00:05Z")
    assert signers_of(desk.client.get("/log/witnessed-checkpoint").text) == [ORIGIN, "north.example", "south.example"]
    assert desk.client.get(f"/v1/records/{newest}/receipt", params={"witnessed": "true"}).status_code == 200
    text = desk.client.get("/metrics").text
    assert 'lodeline_cosignatures_total{outcome="cosigned",witness="north"} 2.0' in text


def test_below_the_quorum_no_checkpoint_counts_as_witnessed(desk: Desk) -> None:
    internet = Witnesses("north", "south")
    internet.answers["south"] = lambda _: httpx.Response(503)
    assert asyncio.run(worker(desk, internet, threshold=2).round()) == 1
    assert desk.client.get("/log/witnessed-checkpoint").status_code == 404
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN, "north.example"]
    del internet.answers["south"]
    assert asyncio.run(worker(desk, internet, threshold=2).round()) == 1
    assert desk.client.get("/log/witnessed-checkpoint").status_code == 200


def test_a_witness_that_remembers_more_than_we_do_is_asked_again(desk: Desk) -> None:
    internet = Witnesses("north")
    assert asyncio.run(worker(desk, internet).round()) == 1
    with desk.service.store.writing() as conn:
        conn.exec_driver_sql("DELETE FROM cosignatures")
    desk.extract(new_lot("lot:more"))
    internet.asked.clear()
    assert asyncio.run(worker(desk, internet).round()) == 1
    assert internet.asked == ["north", "north"]  # old 0: conflict, then from what it has


def lie(body: str, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, text=body)


def fail(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route")


STRANGE = CosignatureSigner("strange.example", bytes(32))
LIES = {
    "nonsense": lie("hello"),
    "empty": lie(""),
    "not_utf8": lambda _: httpx.Response(200, content=b"\xff\xfe"),
    "huge": lambda _: httpx.Response(200, content=b"x" * 1_100_000),
    "conflict_nonsense": lie("x\n", 409),
    "conflict_ahead": lie("999999\n", 409),
    "conflict_same": lie("0\n", 409),
    "forbidden": lie("no\n", 403),
    "down": fail,
}


@pytest.mark.parametrize("kind", LIES)
def test_a_witness_that_lies_or_fails_gives_no_cosignature_and_stops_no_other(desk: Desk, kind: str) -> None:
    internet = Witnesses("north", "south")
    internet.answers["south"] = LIES[kind]
    assert asyncio.run(worker(desk, internet).round()) == 1
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN, "north.example"]
    assert 'lodeline_cosignatures_total{outcome="failed",witness="south"} 1.0' in desk.client.get("/metrics").text


class Dripping(httpx.AsyncByteStream):
    """An answer whose next byte is always about to come."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.001)


def test_a_witness_that_answers_without_end_holds_up_no_other(desk: Desk) -> None:
    internet = Witnesses("north", "south")
    internet.answers["south"] = lambda _: httpx.Response(200, stream=Dripping())
    context, metrics = desk.service.context, desk.service.metrics
    internet.log = TrustedLog(desk.service.signer.verifier)
    work = Witnessing(context, internet.policy(1), metrics=metrics, patience=2.0, transport=internet)
    assert asyncio.run(work.round()) == 1
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN, "north.example"]


def test_a_cosignature_by_another_key_is_not_kept(desk: Desk) -> None:
    internet = Witnesses("north")
    policy = internet.policy(1)
    internet.signers["north"] = (STRANGE,)
    internet.log = TrustedLog(desk.service.signer.verifier)
    work = Witnessing(desk.service.context, policy, metrics=desk.service.metrics, transport=internet)
    assert asyncio.run(work.round()) == 0
    assert signers_of(desk.client.get("/log/checkpoint").text) == [ORIGIN]


def test_the_worker_runs_beside_the_service(tmp_path: Path) -> None:
    """Configured by file; the log's own reads show when it has worked."""
    internet = Witnesses("north")
    folder = tmp_path / "state"
    folder.mkdir()
    file = tmp_path / "witnesses"
    key = internet.signers["north"][0].verifier
    file.write_text(f"witness north {format_vkey(key)} {URL.format('north')}\nquorum north\n")
    internet.log = TrustedLog(LOG_KEY.verifier)
    with serving(folder, witnesses=file, witness_seconds=0.01, transport=internet) as desk:
        assert desk.client.get("/.well-known/lodeline").json()["witnesses"] == ["north"]
        settle_in(desk)
        for _ in range(2000):
            if "north.example" in desk.client.get("/log/checkpoint").text:
                break
        else:
            raise AssertionError("no cosignature")
        assert desk.client.get("/log/witnessed-checkpoint").status_code == 200


def test_a_round_that_fails_is_followed_by_another(desk: Desk) -> None:
    """The store fails once, in the worker's first round."""
    internet = Witnesses("north")
    work = worker(desk, internet)
    honest, failures = work._read_state, iter([PolicyError("broken once")])

    def read_state() -> tuple[str, dict[str, int]]:
        for error in failures:
            raise error
        return honest()

    async def until_cosigned() -> None:
        task = asyncio.ensure_future(work.run())
        while "north" not in internet.asked:
            await asyncio.sleep(0)
        task.cancel()

    work._read_state = read_state  # type: ignore[method-assign]  # the fault, at the seam
    asyncio.run(asyncio.wait_for(until_cosigned(), 20))
    assert SMELTER in desk.state.subjects


def test_no_witnesses_no_worker(desk: Desk) -> None:
    work = Witnessing(desk.service.context, load_policy(None), metrics=desk.service.metrics)
    asyncio.run(asyncio.wait_for(work.run(), 5))
    assert work.witnesses == []
