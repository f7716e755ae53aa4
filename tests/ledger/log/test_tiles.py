"""Tiles of C2SP tlog-tiles: paths, widths, bundles, and node hashes read from tiles."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import TileError, TooLarge
from ledger.log import merkle, tiles
from ledger.log.sequence import Edge, plan_batch
from ledger.log.tiles import ENTRIES, TileReader, parse_tile_path, tile_path
from tests.ledger.log.trees import entry, leaf, read, root, subtree
from tests.support.vectors import load_vector


@pytest.fixture(scope="module")
def stored() -> dict[tuple[int, int], bytes]:
    """The hash tiles of the log of 70,000 entries whose entry i is the decimal of i."""
    return plan_batch(Edge.empty(), [entry(i) for i in range(70_000)]).tiles


# ---- vectors --------------------------------------------------------------------------------------------------------


def test_tiles_and_bundles_of_a_log_of_70000(stored: dict[tuple[int, int], bytes]) -> None:
    vector = load_vector("log", "decimal-70000.json")
    files: dict[str, str] = {}
    for level, n, width in tiles.list_tiles(0, 70_000):
        if level == ENTRIES:
            data = tiles.format_bundle([entry(n * 256 + i) for i in range(width)])
            assert tiles.parse_bundle(data, width)[-1] == entry(n * 256 + width - 1)
        else:
            data = tiles.check_tile(stored[level, n], width)
        assert tiles.tile_width(level, n, 70_000) == width
        files[tile_path(level, n, width)] = sha256(data).hexdigest()
    assert files == vector["tiles_sha256_of_file"] | vector["entry_bundles_sha256_of_file"]
    assert len(stored) == len(vector["tiles_sha256_of_file"])


# ---- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        ((0, 0, 256), "tile/0/000"),
        ((0, 1234067, 256), "tile/0/x001/x234/067"),
        ((ENTRIES, 273, 112), "tile/entries/273.p/112"),
        ((63, 999, 1), "tile/63/999.p/1"),
        ((1, 1000, 255), "tile/1/x001/000.p/255"),
        ((2, 2**63 - 1, 256), "tile/2/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_path(tile: tuple[int, int, int], path: str) -> None:
    assert tile_path(*tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/001/000", "tile/0/x001/x000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p/1000", "tile/0/000\n",
        "/tile/0/000", "tile/0/000/",
        "tile/entries/x/000", "tile/0/٠٠٠", "tile/data/000", "tile/0/../000", "tile/0/x1/000", "TILE/0/000",
        "tile/0/x009/x223/x372/x036/x854/x775/808", "tile/0/x001/x009/x223/x372/x036/x854/x775/807",
    ],
)  # fmt: skip
def test_path_in_another_spelling(path: str) -> None:
    with pytest.raises(TileError):
        parse_tile_path(path)


@pytest.mark.parametrize("tile", [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)])
def test_no_path_for_a_tile_that_cannot_be(tile: tuple[int, int, int]) -> None:
    with pytest.raises(TileError):
        tile_path(*tile)


@given(st.integers(ENTRIES, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_parse_is_the_inverse_of_format(level: int, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)


# ---- which tiles ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 70_000), st.integers(0, 600))
def test_growing_lists_exactly_the_tiles_that_change(old: int, more: int) -> None:
    before, after = set(tiles.list_tiles(0, old)), set(tiles.list_tiles(0, old + more))
    assert set(tiles.list_tiles(old, old + more)) == after - before
    assert list(tiles.list_tiles(old, old)) == []


def test_width_of_tiles_that_are_and_are_not_there() -> None:
    assert [tiles.tile_width(0, n, 600) for n in range(4)] == [256, 256, 88, 0]
    assert [tiles.tile_width(ENTRIES, n, 600) for n in range(4)] == [256, 256, 88, 0]
    assert [tiles.tile_width(level, 0, 256) for level in range(3)] == [256, 1, 0]


def test_a_plan_names_each_tile_once() -> None:
    assert tiles.plan_tiles(merkle.plan_inclusion(5, 70_000)) == [(0, 0), (1, 0), (1, 1), (0, 273)]
    assert tiles.plan_tiles([(8, 300), (16, 1), (7, 2), (0, 511), (9, 1)]) == [(1, 1), (2, 0), (0, 1), (1, 0)]


# ---- node hashes from tiles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 600, 65535, 65536, 65537, 70_000])
def test_proofs_from_the_planned_tiles(size: int, stored: dict[tuple[int, int], bytes]) -> None:
    def fetch(nodes: list[merkle.Node]) -> TileReader:
        return TileReader({tile: stored[tile] for tile in tiles.plan_tiles(nodes)})

    assert merkle.compute_root(size, fetch(merkle.plan_root(size))) == root(size)
    for index in {0, 1, size // 2, size - 1}:
        if index < size:
            proof = merkle.prove_inclusion(index, size, fetch(merkle.plan_inclusion(index, size)))
            assert proof == merkle.prove_inclusion(index, size, read)
    for old in {1, size // 3, size // 2, size - 1, size} - {0}:
        proof = merkle.prove_consistency(old, size, fetch(merkle.plan_consistency(old, size)))
        assert proof == merkle.prove_consistency(old, size, read)


@given(st.integers(0, 16), st.integers(0, 69_999))
def test_every_node_is_read_from_its_tile(level: int, leaf_index: int) -> None:
    built = plan_batch(Edge.empty(), [entry(i) for i in range(600)]).tiles
    node = level % 10, (leaf_index % 600) >> level % 10
    if (node[1] + 1) << node[0] <= 600:
        assert TileReader(built)([node]) == [subtree(node[1] << node[0], (node[1] + 1) << node[0])]
    else:
        with pytest.raises(TileError):
            TileReader(built)([node])


@pytest.mark.parametrize("tile", [None, b"", bytes(31), bytes(33), bytes(257 * 32), bytes(64)])
@pytest.mark.parametrize("node", [(0, 5), (1, 2), (7, 1)])
def test_a_tile_that_is_missing_broken_or_too_narrow(tile: bytes | None, node: merkle.Node) -> None:
    reader = TileReader({} if tile is None else {(0, 0): tile})
    with pytest.raises(TileError):
        reader([node])


def test_inner_rows_are_computed_once_per_tile(stored: dict[tuple[int, int], bytes]) -> None:
    fetched: list[Any] = []

    class Spy(dict[tuple[int, int], bytes]):
        def get(self, key: Any, default: Any = None) -> Any:
            fetched.append(key)
            return super().get(key, default)

    TileReader(Spy(stored))([(level, 0) for level in range(1, 8)] * 3)
    assert fetched == [(0, 0)]


# ---- bundles --------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_bundle_parse_is_the_inverse_of_format(entries: list[bytes]) -> None:
    data = tiles.format_bundle(entries)
    assert tiles.parse_bundle(data) == tiles.parse_bundle(data, len(entries)) == entries
    for wrong in (data + b"\x00", data[:-1], data + b"\x00\x01"):
        with pytest.raises(TileError):
            tiles.parse_bundle(wrong, len(entries))
    with pytest.raises(TileError):
        tiles.parse_bundle(data, len(entries) + 1)


def test_bundle_of_the_longest_entries() -> None:
    data = tiles.format_bundle([b"x" * 65535, b""])
    assert data[:2] == b"\xff\xff"
    assert tiles.parse_bundle(data) == [b"x" * 65535, b""]
    with pytest.raises(TooLarge) as refused:
        tiles.format_bundle([b"x" * 65536])
    assert refused.value.values == {"limit": 65535, "actual": 65536}


def test_bundles_have_1_to_256_entries() -> None:
    for entries in ([], [leaf(i) for i in range(257)]):
        with pytest.raises(TileError):
            tiles.format_bundle(entries)
        with pytest.raises(TileError):
            tiles.parse_bundle(b"".join(len(e).to_bytes(2, "big") + e for e in entries))
