"""Retries, limits and problems, against a transport that answers what the test says."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clients.sdk.answers import member
from clients.sdk.errors import (
    LocalError,
    Misbehaviour,
    NotAuthorised,
    NotFound,
    ServiceRefused,
    Unreachable,
    error_classes,
    parse_problem,
)
from clients.sdk.files import read_limited, write_atomic
from clients.sdk.transport import Answer, Retries, Transport, retry_after
from ledger.errors import Overspent, StaleHead
from tests.clients.fake import problem

NOW = 1_790_000_000.0


def transport(answer: Callable[[httpx.Request], httpx.Response], **more: object) -> Transport:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Transport("http://ledger.test/", http=http, retries=Retries(**more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 21 Sep 2026 14:13:30 GMT", 10.0),
        ("Mon, 21 Sep 2020 14:13:30 GMT", 0.0),
        ("soon", 0.0),
        ("-3", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_waits_grow_with_jitter_and_have_a_limit() -> None:
    waits: list[float] = []
    draw = random.Random(1).random  # noqa: S311 - no secret
    retries = Retries(attempts=9, first=1.0, longest=8.0, sleep=waits.append, jitter=draw)
    for attempt in range(8):
        retries.wait(attempt, 0.0)
    assert all(wait <= min(8.0, 2.0**n) for n, wait in enumerate(waits))
    assert max(waits) > 2
    retries.wait(0, 3600.0)
    assert waits[-1] == 8.0


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_come_back_later(status: int) -> None:
    calls: list[int] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return httpx.Response(status if len(calls) < 3 else 200, text="done")

    sender = transport(answer, attempts=3, sleep=lambda _s: None)
    assert sender.send("GET", "/x").text == "done"
    assert len(calls) == 3
    with pytest.raises(Unreachable):
        transport(lambda _r: httpx.Response(status), attempts=1).send("GET", "/x")


def test_what_is_refused_is_not_repeated() -> None:
    calls: list[int] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        calls.append(1)
        values = {"subject": "lot:1", "head": "ab", "message": "x", "note": "y"}
        return httpx.Response(409, json=problem(409, "stale-head", "moved on", pointer="/prev", values=values))

    with pytest.raises(StaleHead) as caught:
        transport(answer).send("POST", "/v1/records", content=b"x")
    assert len(calls) == 1
    assert (caught.value.message, caught.value.pointer) == ("moved on", "/prev")
    assert caught.value.values == {"subject": "lot:1", "head": "ab"}


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (401, problem(401, "not-authenticated", "log in"), NotAuthorised),
        (403, problem(403, "forbidden", "no"), NotAuthorised),
        (404, problem(404, "not-found", "no"), NotFound),
        (410, None, NotFound),
        (500, "oops", ServiceRefused),
        (422, {"type": "https://ledger.test/problems/overspent", "values": [1], "pointer": 5}, Overspent),
        (400, {"type": 7, "title": "T"}, ServiceRefused),
    ],
)
def test_problems_become_typed_errors(status: int, body: object, leaf: type[Exception]) -> None:
    error = parse_problem(status, body)
    assert type(error) is leaf
    assert error.message
    if isinstance(error, ServiceRefused):
        assert error.values["status"] == status
    with pytest.raises(leaf):
        transport(lambda _r: httpx.Response(status, json=body)).send("GET", "/")


def test_every_error_of_the_ledger_comes_back_as_itself() -> None:
    for code, leaf in error_classes().items():
        assert type(parse_problem(409, problem(409, code, "no"))) is leaf


def test_an_answer_of_a_proxy() -> None:
    with pytest.raises(ServiceRefused) as caught:
        transport(lambda _r: httpx.Response(500, text="<html>")).send("GET", "/")
    assert caught.value.values == {"status": 500, "code": "500"}


def test_an_answer_without_end() -> None:
    with pytest.raises(Misbehaviour):
        transport(lambda _r: httpx.Response(200, content=bytes(11))).send("GET", "/x", limit=10)
    assert transport(lambda _r: httpx.Response(200, content=bytes(10))).send("GET", "/x", limit=10).content == bytes(10)


def test_answers_that_are_no_text_or_json() -> None:
    with pytest.raises(Misbehaviour):
        Answer(200, {}, b"\xff").text  # noqa: B018
    with pytest.raises(Misbehaviour):
        Answer(200, {}, b"<html>").json()
    assert Answer(200, {}, b"[1]").json() == [1]
    with pytest.raises(Misbehaviour):
        member({"n": True}, "n", int)
    assert member({"n": 1}, "n", int) == 1


@pytest.mark.parametrize("url", ["ledger.example", "ftp://ledger.example", "http://", "http://host:port", ""])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(LocalError):
        Transport(url)
    Transport("https://ledger.example").close()


def test_redirects_are_not_followed() -> None:
    with pytest.raises(ServiceRefused):
        transport(lambda _r: httpx.Response(302, headers={"location": "http://evil.test"})).send("GET", "/")


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    write_atomic(path, b"1", replace=False)
    with pytest.raises(LocalError, match="exists"):
        write_atomic(path, b"2", replace=False)
    assert path.read_bytes() == b"1"
    write_atomic(path, b"22")
    assert [one.name for one in path.parent.iterdir()] == ["b"]
    assert read_limited(path, 2) == b"22"
    with pytest.raises(LocalError, match="larger"):
        read_limited(path, 1)
    with pytest.raises(LocalError, match="read"):
        read_limited(tmp_path / "none", 1)
    with pytest.raises(LocalError):
        write_atomic(path / "below", b"")
    with pytest.raises(LocalError):
        write_atomic(tmp_path / "a", b"")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
