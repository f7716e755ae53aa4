"""The log over HTTP: C2SP paths, widths, caching, and the client's own verification of all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import compute_root, leaf_hash, plan_root, tree_root
from ledger.log.tiles import TileReader, parse_bundle, plan_tiles, tile_path
from tests.service.api.harness import NDJSON, Desk, serving, settle_in
from tests.support.world import AUDITOR, MINER, ORIGIN, POLICY, extract_body, new_lot

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def long(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A public log of 300 entries: one full tile, one partial."""
    with serving(tmp_path_factory.mktemp("log"), policy=POLICY | {"entries": "public"}) as desk:
        settle_in(desk)
        signed = [
            desk.sign(MINER, "extract", extract_body(new_lot(f"lot:{n}"), time=desk.now))
            for n in range(300 - len(desk.log))
        ]
        body = "\n".join(one.text for one in signed).encode()
        answer = desk.client.post("/v1/records/batch", content=body, headers=NDJSON)
        assert answer.text.count('"status":201') == len(signed)
        desk.log += [f"{desk.now * 1000} {one.jws}".encode() for one in signed]
        yield desk


def test_everything_recomputed_from_what_is_served(long: Desk) -> None:
    note = long.client.get("/log/checkpoint").text
    checkpoint = open_checkpoint(note, ORIGIN, [long.service.signer.verifier])
    assert checkpoint.size == 300
    entries: list[bytes] = []
    for n, width in ((0, 256), (1, 44)):
        entries += parse_bundle(long.client.get(f"/log/{tile_path(-1, n, width)}").content, width)
    assert entries == long.log
    assert tree_root([leaf_hash(entry) for entry in entries]) == checkpoint.root
    widths = {(0, 0): 256, (0, 1): 44, (1, 0): 1}
    tiles = {
        tile: long.client.get(f"/log/{tile_path(*tile, widths[tile])}").content for tile in plan_tiles(plan_root(300))
    }
    assert compute_root(300, TileReader(tiles)) == checkpoint.root


def test_every_narrower_width_stays_available(long: Desk) -> None:
    full = long.client.get("/log/tile/0/000").content
    assert len(full) == 8192
    for width in (1, 7, 255):
        assert long.client.get(f"/log/tile/0/000.p/{width}").content == full[: 32 * width]
        assert len(parse_bundle(long.client.get(f"/log/tile/entries/000.p/{width}").content)) == width


@pytest.mark.parametrize(
    "path", ["0/001", "0/001.p/45", "0/002.p/1", "1/000", "1/000.p/2", "2/000.p/1", "63/000", "0/x001/000"]
)
def test_tiles_that_are_not_there_yet(long: Desk, path: str) -> None:
    answer = long.client.get(f"/log/tile/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:lodeline:problem:not-found")


@pytest.mark.parametrize("n", ["001", "002.p/1", "001.p/45"])
def test_entries_that_are_not_there_yet(long: Desk, n: str) -> None:
    assert long.client.get(f"/log/tile/entries/{n}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "0/0",
        "0/00",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/x000/000",
        "00/000",
        "64/000",
        "x/000",
        "0/000/",
        "entries/1",
        "entries/000.p/256",
        "-1/000",
        "0/%2e%2e/000",
    ],
)
def test_paths_in_another_spelling(long: Desk, path: str) -> None:
    assert long.client.get(f"/log/tile/{path}").status_code in (400, 404)
    assert long.client.get(f"/log/tile/{path}").json()["status"] in (400, 404)


def test_caching(long: Desk) -> None:
    full, partial = long.client.get("/log/tile/0/000"), long.client.get("/log/tile/0/001.p/44")
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert partial.headers["cache-control"] == "public, max-age=86400, immutable"
    bundle = long.client.get("/log/tile/entries/000")
    assert bundle.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert bundle.headers["vary"] == "Accept-Encoding"
    assert "vary" not in full.headers
    checkpoint = long.client.get("/log/checkpoint")
    assert checkpoint.headers["cache-control"] == "public, max-age=1"
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    for answer, path in ((full, "tile/0/000"), (checkpoint, "checkpoint")):
        tag = answer.headers["etag"]
        for asked in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = long.client.get(f"/log/{path}", headers={"if-none-match": asked})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert again.headers["cache-control"] == answer.headers["cache-control"]
        changed = long.client.get(f"/log/{path}", headers={"if-none-match": '"other"'})
        assert (changed.status_code, changed.content) == (200, answer.content)


def test_there_is_no_witnessed_checkpoint_without_witnesses(long: Desk) -> None:
    assert long.client.get("/log/witnessed-checkpoint").status_code == 404


def test_a_hash_tile_is_no_way_to_entries(chain: Desk) -> None:
    """On a log for members the level must be a number; `entries` asks who one is."""
    assert chain.client.get(f"/log/tile/0/000.p/{len(chain.log)}").status_code == 200
    assert chain.client.get(f"/log/tile/entries/000.p/{len(chain.log)}").status_code == 401
    assert chain.client.get(f"/log/tile/%65ntries/000.p/{len(chain.log)}").status_code == 401
    assert chain.get("/log/tile/entries/999", AUDITOR).status_code == 404
