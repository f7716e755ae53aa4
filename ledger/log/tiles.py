"""C2SP tlog-tiles at height 8: paths, hash tiles, entry bundles, and node hashes read from tiles.

A tile is `(level, n)` with up to 256 hashes of 32 bytes; level -1 (`ENTRIES`) names the bundles of log entries. What a
proof needs is planned first (`plan_tiles`), fetched once by the caller and then read through `TileReader`.
Fetching, storing and caching are left to others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from ledger.errors import TileError, TooLarge
from ledger.log.merkle import HASH_SIZE, MAX_SIZE, Node

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_SIZE
ENTRIES = -1
MAX_ENTRY_BYTES = 2**16 - 1  # u16be length prefix
MAX_LEVEL = 63

TileId = tuple[int, int]

_PATH = re.compile(r"tile/(entries|[0-9]|[1-9][0-9])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


# ---- paths ----------------------------------------------------------------------------------------------------------


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`, below the log's prefix; level `ENTRIES` for `tile/entries/...`.

    N is in groups of three digits, all but the last with an x: 1234067 -> x001/x234/067.
    """
    if not (ENTRIES <= level <= MAX_LEVEL and 0 <= n <= MAX_SIZE and 1 <= width <= WIDTH):
        raise TileError("There is no tile of this level, number and width.", level=level, n=n, width=width)
    number = f"{n % 1000:03d}"
    while n := n // 1000:
        number = f"x{n % 1000:03d}/{number}"
    return f"tile/{'entries' if level == ENTRIES else level}/{number}" + ("" if width == WIDTH else f".p/{width}")


def parse_tile_path(path: str) -> tuple[int, int, int]:
    """(level, n, width) of a path in its one canonical spelling; raises TileError."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise TileError("This is not the path of a tile.")
    level = ENTRIES if match[1] == "entries" else int(match[1])
    n = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else WIDTH
    if (match[3] and width >= WIDTH) or tile_path(level, n, width) != path:
        raise TileError("This path of a tile is not in its canonical spelling.")
    return level, n, width


# ---- which tiles ----------------------------------------------------------------------------------------------------


def tile_width(level: int, n: int, size: int) -> int:
    """How many of its 256 hashes (or entries) tile (level, n) has in a tree of `size` leaves; 0: it is not there."""
    return max(0, min(WIDTH, (size >> HEIGHT * max(level, 0)) - n * WIDTH))


def plan_tiles(nodes: Iterable[Node]) -> list[TileId]:
    """The hash tiles that hold these nodes, each named once, in the order of first need."""
    return list(dict.fromkeys((level // HEIGHT, index >> HEIGHT - level % HEIGHT) for level, index in nodes))


def list_tiles(old_size: int, new_size: int) -> Iterator[tuple[int, int, int]]:
    """(level, n, width) of every tile and bundle that growing from `old_size` to `new_size` adds or changes."""
    for level in (ENTRIES, *range(-(-new_size.bit_length() // HEIGHT))):
        old, new = old_size >> HEIGHT * max(level, 0), new_size >> HEIGHT * max(level, 0)
        for n in range(old // WIDTH, -(-new // WIDTH)) if old != new else ():
            yield level, n, min(WIDTH, new - n * WIDTH)


# ---- hash tiles -----------------------------------------------------------------------------------------------------


def extend_rows(rows: Sequence[bytes], more: bytes) -> list[bytes]:
    """Nine rows over one or more neighbouring tiles: row k holds their complete subtrees of height k, joined.

    rows: eight rows that begin at a tile's start; more: hashes that follow in row 0. Row 8 has the roots of full tiles.
    """
    grown = [rows[0] + more]
    for k in range(1, HEIGHT + 1):
        below, known = grown[-1], rows[k] if k < HEIGHT else b""
        first = 2 * len(known)
        # SHA-256(0x01 || left || right): two neighbours lie side by side in the row below.
        pairs = [sha256(b"\x01" + below[i : i + 64]).digest() for i in range(first, len(below) - 63, 64)]
        grown.append(known + b"".join(pairs))
    return grown


EMPTY_ROWS: tuple[bytes, ...] = (b"",) * HEIGHT


def check_tile(tile: bytes, width: int) -> bytes:
    """The tile itself when it has exactly `width` hashes; raises TileError."""
    if len(tile) != width * HASH_SIZE:
        raise TileError(f"A tile of width {width} has {width * HASH_SIZE} bytes, this one {len(tile)}.")
    return tile


class TileReader:
    """Answers node hashes from tiles: pass it as `read` to the `prove_` functions of `ledger.log.merkle`.

    tiles: (level, n) -> concatenated hashes, at least those of `plan_tiles`. Inner rows are computed once per tile.
    A tile that is missing, has a broken length or is too narrow raises TileError. What it answers is only as good as
    the tiles: compare a computed root with a signed one.
    """

    __slots__ = ("_rows", "_tiles")

    def __init__(self, tiles: Mapping[TileId, bytes]) -> None:
        self._tiles = tiles
        self._rows: dict[TileId, Sequence[bytes]] = {}

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._node(level, index) for level, index in nodes]

    def _node(self, level: int, index: int) -> bytes:
        tile_level, up = divmod(level, HEIGHT)
        tile = tile_level, index >> HEIGHT - up
        at = (index & (1 << HEIGHT - up) - 1) * HASH_SIZE
        row = self._row(tile) if up == 0 else self._inner_rows(tile)[up]
        found = row[at : at + HASH_SIZE]
        if len(found) != HASH_SIZE:
            raise TileError("A tile is too narrow for the hash that is needed.", level=tile[0], n=tile[1])
        return found

    def _row(self, tile: TileId) -> bytes:
        row = self._tiles.get(tile)
        if row is None or not 0 < len(row) <= TILE_BYTES or len(row) % HASH_SIZE:
            raise TileError("A tile is missing or has a broken length.", level=tile[0], n=tile[1])
        return row

    def _inner_rows(self, tile: TileId) -> Sequence[bytes]:
        rows = self._rows.get(tile)
        if rows is None:
            rows = self._rows[tile] = extend_rows(EMPTY_ROWS, self._row(tile))
        return rows


# ---- entry bundles --------------------------------------------------------------------------------------------------


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """`u16be length || entry` for each of 1 to 256 entries; raises TooLarge for a longer entry, TileError."""
    if not 0 < len(entries) <= WIDTH:
        raise TileError(f"A bundle has 1 to {WIDTH} entries.", actual=len(entries))
    for entry in entries:
        check_entry(entry)
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_bundle(data: bytes, width: int | None = None) -> list[bytes]:
    """The entries of a bundle, exactly `width` of them when it is given; raises TileError."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise TileError("The bundle ends in the middle of an entry.")
        entries.append(data[start:at])
    if not 0 < len(entries) <= WIDTH or len(entries) != (width or len(entries)):
        raise TileError(f"The bundle has {len(entries)} entries.", actual=len(entries))
    return entries


def check_entry(entry: bytes) -> None:
    """Raise TooLarge when an entry is longer than a bundle can say."""
    if len(entry) > MAX_ENTRY_BYTES:
        raise TooLarge("A log entry has at most 65535 bytes.", limit=MAX_ENTRY_BYTES, actual=len(entry))
