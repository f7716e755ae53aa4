"""Reads that the client has already, and reads that are compressed: never what a login opens."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ledger.log.tiles import parse_bundle
from service.api.reads import CompressedReads, ConditionalReads, has_tag, make_tag
from tests.service.api.harness import NDJSON, Desk, serving, settle_in
from tests.support.world import AUDITOR, MINER, POLICY, TRADER, extract_body, new_lot

LOTS = 60


@pytest.fixture(scope="module", params=["public", "members"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A log with some lots, whose entries are for everybody or for members."""
    policy = POLICY | {"entries": request.param}
    with serving(tmp_path_factory.mktemp("reads"), policy=policy) as desk:
        settle_in(desk)
        desk.extract(new_lot("own"))
        signed = [desk.sign(MINER, "extract", extract_body(new_lot(f"lot:{n}"), time=desk.now)) for n in range(LOTS)]
        body = "\n".join(one.text for one in signed).encode()
        answer = desk.client.post("/v1/records/batch", content=body, headers=NDJSON)
        assert answer.text.count('"status":201') == LOTS
        desk.log += [f"{desk.now * 1000} {one.jws}".encode() for one in signed]
        yield desk


def ask(desk: Desk, path: str, participant: str = "", encoding: str = "gzip", **headers: str) -> httpx.Response:
    """GET; the content is what came over the wire, not what it unpacks to."""
    wanted = {**desk.as_(participant), "accept-encoding": encoding, **headers}
    with desk.client.stream("GET", path, headers=wanted) as answer:
        raw = b"".join(answer.iter_raw())
    return httpx.Response(answer.status_code, headers=answer.headers, content=b"", extensions={"raw": raw})


def raw(answer: httpx.Response) -> bytes:
    found: bytes = answer.extensions["raw"]
    return found


PUBLIC = ("/v1/rule-packs", "/.well-known/lodeline", "/openapi.json", "/v1/anchors")


def test_public_reads_may_be_kept_and_are_asked_for_again(desk: Desk) -> None:
    for path in PUBLIC:
        first = ask(desk, path, encoding="identity")
        assert first.status_code == 200
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["etag"] == make_tag(raw(first))
        assert "Authorization" in first.headers["vary"]
        for tag in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
            again = ask(desk, path, encoding="identity", **{"if-none-match": tag})
            assert (again.status_code, raw(again)) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
            assert "content-type" not in again.headers
        other = ask(desk, path, encoding="identity", **{"if-none-match": '"other"'})
        assert (other.status_code, raw(other)) == (200, raw(first))


def test_reads_of_a_login_are_not_stored_but_spared_when_known(desk: Desk) -> None:
    path = "/v1/lots/own"
    first = ask(desk, path, MINER)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
    tag = first.headers["etag"]
    assert ask(desk, path, MINER, **{"if-none-match": tag}).status_code == 304
    desk.dispatch(MINER, TRADER, "own")
    changed = ask(desk, path, MINER, **{"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] not in (tag, "")
    for known in ("*", changed.headers["etag"]):  # a tag opens nothing
        assert ask(desk, path, **{"if-none-match": known}).status_code == (304 if _is_public(desk) else 401)


def _is_public(desk: Desk) -> bool:
    return desk.client.get(f"/log/tile/entries/000.p/{LOTS}").status_code == 200


def test_refusals_have_no_tag(desk: Desk) -> None:
    for path in ("/v1/lots/nobody", "/v1/sites/none", "/nowhere"):
        answer = ask(desk, path, AUDITOR, **{"if-none-match": "*"})
        assert answer.status_code == 404
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_head_tells_what_get_would(desk: Desk) -> None:
    for path in (*PUBLIC, "/log/checkpoint", "/log/tile/0/000.p/3"):
        plain = {"accept-encoding": "identity"}
        head, get = desk.client.head(path, headers=plain), desk.client.get(path, headers=plain)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("etag", "content-length", "cache-control", "content-type"):
            assert head.headers[name] == get.headers[name]
        known = desk.client.head(path, headers=plain | {"if-none-match": get.headers["etag"]})
        assert known.status_code == 304


def test_what_anybody_may_read_is_compressed(desk: Desk) -> None:
    for path in ("/v1/rule-packs", "/openapi.json"):
        plain, packed = ask(desk, path, encoding="identity"), ask(desk, path)
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(raw(packed)) == raw(plain)
        assert len(raw(packed)) < len(raw(plain)) / 2
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"  # other bytes: RFC 9110 section 8.8.1
        for answer in (plain, packed):
            assert "Accept-Encoding" in answer.headers["vary"]
        assert ask(desk, path, **{"if-none-match": packed.headers["etag"]}).status_code == 304


def test_what_a_login_opens_is_not_compressed(desk: Desk) -> None:
    for path in ("/v1/lots?limit=50", "/v1/lots/lot:2/bundle", "/v1/lots/lot:2/history", "/openapi.json"):
        answer = ask(desk, path, AUDITOR)
        assert answer.status_code == 200
        assert len(raw(answer)) > 1_024
        assert "content-encoding" not in answer.headers


def test_entry_bundles_are_compressed_and_hash_tiles_are_not(desk: Desk) -> None:
    size = LOTS
    bundle = ask(desk, f"/log/tile/entries/000.p/{size}", AUDITOR)
    assert bundle.headers["content-encoding"] == "gzip"
    assert parse_bundle(gzip.decompress(raw(bundle)), size)
    assert bundle.headers["content-type"] == "application/octet-stream"
    public = "public" if _is_public(desk) else "private"
    assert bundle.headers["cache-control"] == f"{public}, max-age=86400, immutable"
    hashes = ask(desk, f"/log/tile/0/000.p/{size}")
    assert len(raw(hashes)) == 32 * size
    assert "content-encoding" not in hashes.headers
    assert not hashes.headers["etag"].startswith("W/")
    assert "vary" not in hashes.headers


def test_tags() -> None:
    tag = make_tag(b"some bytes")
    assert make_tag(b"other bytes") != tag
    for asked in (tag, f"W/{tag}", f'"a", {tag}', "*", " * "):
        assert has_tag(asked, tag)
    for asked in ("", '"a"', tag[:-2] + '"', tag.strip('"')):
        assert not has_tag(asked, tag)


async def _answer(app: Any, *messages: dict[str, Any], path: str, **headers: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    await app(inner)({"type": "http", "method": "GET", "path": path, "headers": fields}, None, send)
    return sent


def test_a_stream_has_no_tag_and_is_passed_on_piece_by_piece() -> None:
    import asyncio

    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}
    pieces = [
        {"type": "http.response.body", "body": b"1", "more_body": True},
        {"type": "http.response.body", "body": b"2", "more_body": False},
    ]
    assert asyncio.run(_answer(ConditionalReads, start, *pieces, path="/v1/x")) == [start, *pieces]
    tagged = {**start, "headers": [(b"etag", b'"own"')]}
    whole = {"type": "http.response.body", "body": b"12"}
    assert asyncio.run(_answer(ConditionalReads, tagged, whole, path="/v1/x")) == [tagged, whole]
    assert asyncio.run(_answer(CompressedReads, start, whole, path="/v1/x", authorization="x")) == [start, whole]
