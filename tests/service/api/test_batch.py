"""Many records in one request: outcome per line, all or nothing, limits in the middle, streams both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ledger.envelope import SignedRecord
from ledger.log.proof import check_receipt
from service.api.batch import BatchIntake
from service.api.bodies import read_lines
from service.api.deps import Backend
from service.errors import BodyTooLarge, Unavailable
from service.usecases.submit import Item, Outcome, Sequenced
from tests.service.api.harness import NDJSON, Desk, serving, settle_in
from tests.support.world import MINER, ORIGIN, TRADER, World, dispatch_body, extract_body, new_lot

pytestmark = pytest.mark.usefixtures("engine")

SMALL = {"batch_records": 12, "commit_records": 4, "batch_bytes": 200_000, "request_seconds": 5.0}


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("batch"), workers=1, limits=SMALL) as desk:
        settle_in(desk)
        yield desk


def lot_records(desk: Desk, *names: str) -> list[SignedRecord]:
    return [desk.sign(MINER, "extract", extract_body(new_lot(f"lot:{name}"), time=desk.now)) for name in names]


def send(desk: Desk, texts: list[str], **params: str) -> tuple[int, list[dict[str, Any]]]:
    body = "\n".join(texts).encode()
    answer = desk.client.post("/v1/records/batch", content=body, headers=NDJSON, params=params)
    if answer.status_code != 200:
        return answer.status_code, [answer.json()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    return 200, [orjson.loads(line) for line in answer.text.splitlines()]


def log_size(desk: Desk) -> int:
    return int(desk.client.get("/log/checkpoint").text.split("\n")[1])


def test_good_lines_are_stored_and_bad_ones_named(desk: Desk) -> None:
    before = log_size(desk)
    first, second = lot_records(desk, "b1", "b2")
    desk.now += 1
    (third,) = lot_records(desk, "b2")
    status, lines = send(desk, [first.text, "", "junk", second.text, third.text, first.text])
    assert status == 200
    *outcomes, summary = lines
    assert [(one["line"], one["status"]) for one in outcomes] == [(1, 201), (3, 400), (4, 201), (5, 409), (6, 200)]
    assert outcomes[0].keys() == {"line", "status", "id", "index", "logged"}
    assert (outcomes[0]["id"], outcomes[0]["index"]) == (first.id, before)
    assert outcomes[1]["problem"]["type"] == "urn:lodeline:problem:envelope-error"
    assert outcomes[3]["problem"]["type"] == "urn:lodeline:problem:id-taken"
    assert (summary["accepted"], summary["existing"], summary["refused"]) == (2, 1, 2)
    assert summary["checkpoint"] == desk.client.get("/log/checkpoint").text
    assert log_size(desk) == before + 2


def test_later_lines_build_on_earlier_ones_across_commits(desk: Desk) -> None:
    """Nine lines, four to a commit: each dispatch names the record of the line before it."""
    mirror = World(desk.state, desk.log, desk.disclosures, desk.keys, desk.now)
    texts = []
    for n in range(4):
        for record in (
            mirror.sign(MINER, "extract", extract_body(new_lot(f"lot:chain{n}"), time=mirror.now)),
            None,
        ):
            signed = record or mirror.sign(
                MINER, "dispatch", dispatch_body(TRADER, f"lot:chain{n}", time=mirror.now), [f"lot:chain{n}"]
            )
            now = mirror.now
            mirror.submit(signed)
            mirror.now = now
            texts.append(signed.text)
    status, lines = send(desk, texts)
    assert (status, [one.get("status") for one in lines]) == (200, [201] * 8 + [None])


def test_receipts_come_when_they_are_asked_for(desk: Desk) -> None:
    signed = lot_records(desk, "r1", "r2")
    _, lines = send(desk, [one.text for one in signed] + [signed[0].text], receipts="true")
    for line, record in zip(lines[:-1], [*signed, signed[0]], strict=True):
        entry = f"{line['logged']} {record.jws}".encode()
        check_receipt(entry, line["receipt"], ORIGIN, [desk.service.signer.verifier])


def test_all_or_nothing(desk: Desk) -> None:
    before = log_size(desk)
    good = lot_records(desk, "x1", "x2", "x3")
    twin = lot_records(desk, "x1")[0]
    desk.now += 1
    other = lot_records(desk, "x1")[0]
    assert twin.id != other.id
    status, lines = send(desk, [good[0].text, good[1].text, other.text], atomic="true")
    assert status == 200
    assert [one.get("status") for one in lines] == [424, 424, 409, None]
    assert lines[0]["problem"]["type"] == "urn:lodeline:problem:batch-refused"
    assert (lines[3]["accepted"], lines[3]["refused"]) == (0, 3)
    assert log_size(desk) == before
    assert send(desk, [good[0].text, "junk"], atomic="true")[1][0]["status"] == 424
    assert log_size(desk) == before
    status, lines = send(desk, [one.text for one in good], atomic="true")
    assert [one.get("status") for one in lines] == [201, 201, 201, None]
    assert log_size(desk) == before + 3


def test_all_or_nothing_is_bounded_by_one_commit(desk: Desk) -> None:
    before = log_size(desk)
    texts = [one.text for one in lot_records(desk, "y1", "y2", "y3", "y4", "y5")]
    status, (problem,) = send(desk, texts, atomic="true")
    assert (status, problem["type"]) == (413, "urn:lodeline:problem:body-too-large")
    assert problem["values"] == {"limit": 4, "line": 5}
    assert log_size(desk) == before


def test_too_many_lines_are_refused_after_those_that_fit(desk: Desk) -> None:
    before = log_size(desk)
    texts = [one.text for one in lot_records(desk, *(f"z{n}" for n in range(14)))]
    status, lines = send(desk, texts)
    assert status == 200
    assert [one.get("status") for one in lines] == [201] * 12 + [413, None]
    assert lines[12]["line"] == 13
    assert log_size(desk) == before + 12


def test_a_line_that_is_too_long_ends_the_batch_there(desk: Desk) -> None:
    (good,) = lot_records(desk, "long")
    body = good.text.encode() + b"\n" + b"x" * 400_000
    answer = desk.client.post("/v1/records/batch", content=iter([body[:3000], body[3000:]]), headers=NDJSON)
    lines = [orjson.loads(line) for line in answer.text.splitlines()]
    assert [(one.get("line"), one.get("status")) for one in lines] == [(1, 201), (2, 413), (None, None)]
    assert send(desk, ["x" * 300_000])[0] == 413


@pytest.mark.parametrize(
    ("content", "headers", "params", "status"),
    [
        (b"", NDJSON, {}, 400),
        (b"\n\r\n\n", NDJSON, {}, 400),
        (b"x", {"content-type": "application/json"}, {}, 415),
        (b"x", NDJSON, {"atomic": "yes"}, 400),
        (b"x", NDJSON, {"atomic": ["true", "true"]}, 400),
        (b"x", NDJSON, {"sync": "true"}, 400),
        (b"x", NDJSON, {"atomic": ""}, 400),
    ],
)
def test_a_request_of_the_wrong_form(
    desk: Desk, content: bytes, headers: dict[str, str], params: dict[str, Any], status: int
) -> None:
    answer = desk.client.post("/v1/records/batch", content=content, headers=headers, params=params)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_the_query_itself_may_be_malformed(desk: Desk) -> None:
    for query in ("atomic", "%ff=%ff", "atomic=true&&"):
        assert desk.client.post(f"/v1/records/batch?{query}", content=b"x", headers=NDJSON).status_code == 400


def test_lines_are_the_same_however_they_arrive() -> None:
    """Cut anywhere, with a line that is too long in the middle, at the end, or a body that is."""

    async def read(*pieces: bytes, limit: int = 1000) -> tuple[list[tuple[int, bytes]], int]:
        client, found, line = Client(*pieces), [], 0
        try:
            async for lines in read_lines(client.receive, limit=limit, line_limit=10, seconds=5):
                found += lines
        except BodyTooLarge as error:
            line = error.values.get("line", -1)
        return found, line

    whole = b"one\n\ntwo\r\nthree"
    for at in range(len(whole) + 1):
        assert asyncio.run(read(whole[:at], whole[at:])) == ([(1, b"one"), (3, b"two"), (4, b"three")], 0)
    bad = b"one\n" + b"x" * 11 + b"\ntwo"
    for at in range(len(bad) + 1):
        assert asyncio.run(read(bad[:at], bad[at:])) == ([(1, b"one")], 2)
    for at in range(len(whole) + 1):
        assert asyncio.run(read(whole[:at], whole[at:], limit=6)) == ([(1, b"one")], -1)


def test_crlf_and_a_last_line_without_an_end(desk: Desk) -> None:
    one, two = lot_records(desk, "crlf1", "crlf2")
    answer = desk.client.post("/v1/records/batch", content=f"{one.text}\r\n\r\n{two.text}".encode(), headers=NDJSON)
    lines = [orjson.loads(line) for line in answer.text.splitlines()]
    assert [(line.get("line"), line.get("status")) for line in lines] == [(1, 201), (3, 201), (None, None)]


# ---- without a server: what a slow, broken or impatient client meets ------------------------------------------------


class Client:
    """An ASGI client by hand: gives pieces of a body, keeps what is sent."""

    def __init__(self, *pieces: bytes | None, stall: bool = False) -> None:
        self.pieces = list(pieces)
        self.stall = stall
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.pieces:
            piece = self.pieces.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or self.stall}
        await asyncio.Event().wait()
        raise AssertionError("waits for ever")

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        body = b"".join(one.get("body", b"") for one in self.sent)
        return [orjson.loads(line) for line in body.splitlines()]


class Queue:
    """A sequencer's queue by hand: answers each chunk, refuses when told to."""

    def __init__(self, *refusals: int) -> None:
        self.calls = 0
        self.refusals = refusals
        self.open: list[tuple[int, Future[Sequenced]]] = []
        self.answer_at_once = True

    def __call__(self, items: Any, *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        self.calls += 1
        if self.calls in self.refusals:
            for count, future in self.open:
                if not future.done():
                    future.set_result(_done(count))
            raise Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)
        future: Future[Sequenced] = Future()
        if self.answer_at_once:
            future.set_result(_done(len(items)))
        self.open.append((len(items), future))
        return future


def _done(count: int) -> Sequenced:
    return Sequenced(tuple(Outcome("created", "0" * 64, n, 5, b"5 x") for n in range(count)), count, "")


def run_batch(desk: Desk, client: Client, queue: Queue, *, query: bytes = b"", closing: bool = False) -> None:
    async def check(texts: Any) -> list[Item]:
        return list(texts)

    backend = Backend(desk.service.context, desk.service.metrics, check, queue, lambda: "", closing=closing)
    scope = {
        "type": "http", "method": "POST", "path": "/v1/records/batch", "query_string": query, "request_id": "test",
        "headers": [(b"content-type", b"text/plain")],
    }  # fmt: skip
    asyncio.run(BatchIntake(backend)(scope, client.receive, client.send))


def test_a_full_queue_is_503_with_retry_after_when_nothing_was_taken(desk: Desk) -> None:
    client = Client(b"a\nb\n")
    run_batch(desk, client, Queue(1))
    assert client.status == 503
    assert (b"retry-after", b"1") in client.sent[0]["headers"]


def test_a_queue_that_fills_up_refuses_every_line_from_there_on(desk: Desk) -> None:
    """Later lines may build on the refused ones, so none of them is tried."""
    queue = Queue(2)
    client = Client(b"a\nb\nc\nd\n", b"e\nf\ng\nh\n", b"i\n")
    run_batch(desk, client, queue)
    assert queue.calls == 4  # the second chunk waited for the first to leave the queue, and was tried once more
    assert [one.get("status") for one in client.lines] == [201] * 9 + [None]
    queue = Queue(2, 3)
    client = Client(b"a\nb\nc\nd\n", b"e\nf\ng\nh\n", b"i\n")
    run_batch(desk, client, queue)
    assert queue.calls == 3
    assert [one.get("status") for one in client.lines] == [201] * 4 + [503] * 5 + [None]


def test_a_sequencer_that_fails_answers_its_chunk_and_goes_on(desk: Desk) -> None:
    queue = Queue()
    queue.answer_at_once = False
    client = Client(b"a\nb\nc\nd\n", b"e\n")

    async def fail_first() -> None:
        while len(queue.open) < 2:
            await asyncio.sleep(0)
        queue.open[0][1].set_exception(Unavailable("This could not be stored for now.", retry_after=1))
        queue.open[1][1].set_result(_done(1))

    async def both() -> None:
        async def check(texts: Any) -> list[Item]:
            return list(texts)

        backend = Backend(desk.service.context, desk.service.metrics, check, queue, lambda: "")
        scope = {"query_string": b"", "request_id": "t", "headers": [(b"content-type", b"text/plain")]}
        await asyncio.gather(BatchIntake(backend)(scope, client.receive, client.send), fail_first())

    asyncio.run(both())
    assert [one.get("status") for one in client.lines] == [503] * 4 + [201, None]


def test_a_client_that_stalls_is_told_and_keeps_what_was_stored(tmp_path: Path) -> None:
    with serving(tmp_path, limits=SMALL | {"request_seconds": 0.05}) as desk:
        client = Client(b"a\nb\nc\nd\n", stall=True)
        run_batch(desk, client, Queue())
        assert [(one.get("line"), one.get("status")) for one in client.lines[-2:]] == [(5, 408), (None, None)]
        client = Client(b"a", stall=True)
        run_batch(desk, client, Queue())
        assert client.status == 408


def test_a_client_that_goes_away_is_not_answered(desk: Desk) -> None:
    for pieces in ((b"a\nb\nc\nd\ne", None), (None,)):
        client = Client(*pieces)
        run_batch(desk, client, Queue())
        assert not any(one.get("more_body") is False for one in client.sent)


def test_a_service_that_shuts_down_takes_nothing_new(desk: Desk) -> None:
    client = Client(b"a\n")
    queue = Queue()
    run_batch(desk, client, queue, closing=True)
    assert (client.status, queue.calls) == (503, 0)


def test_sending_everything_before_reading_does_not_stall(desk: Desk) -> None:
    """The body is fed line by line by a generator; no byte of the answer is read before it ends."""
    signed = lot_records(desk, *(f"feed{n}" for n in range(10)))
    with desk.client.stream(
        "POST", "/v1/records/batch", content=((one.text + "\n").encode() for one in signed), headers=NDJSON
    ) as answer:
        assert isinstance(answer, httpx.Response)
        lines = [orjson.loads(line) for line in answer.iter_lines()]
    assert [one.get("status") for one in lines] == [201] * 10 + [None]
