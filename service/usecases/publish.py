"""Publishing the log as files: hash tiles, entry bundles where they are public, then the checkpoint that needs them.

What is there is never wrong, only late: files go up in that order, so that whoever reads the checkpoint finds all
that it speaks of. After a crash it goes on from `published.json`, which says how far full tiles are up; what was
under way then is written again, with the same bytes. Nothing here writes to the database or is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import orjson

from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import compute_root, plan_consistency, plan_root, prove_consistency
from ledger.log.note import Verifier, format_vkey
from ledger.log.tiles import ENTRIES, HEIGHT, WIDTH, format_bundle, list_tiles, tile_path
from service.adapters.shelves import Shelf
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.tree import node_reader, select_entries, select_tiles
from service.usecases.access import entries_are_public
from service.usecases.receipts import cosigned_checkpoint

CHECKPOINT: Final = "checkpoint"
ABOUT: Final = "lodeline.json"
MARKER: Final = "published.json"
STEP: Final = 65_536
"""Entries between two notes of how far it is: some 500 files."""
PAGE: Final = 64
"""Files read from the database at a time."""

TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
BRIEFLY: Final = "public, max-age=1"
A_DAY: Final = "public, max-age=86400, immutable"
FOR_EVER: Final = "public, max-age=31536000, immutable"


class PublishRefused(Exception):
    """The place holds another log, or another history of this one; the message says what to do."""


class Published(NamedTuple):
    """size: of the published checkpoint; behind: entries that it lacks; files: written this time."""

    size: int
    behind: int
    files: int


class _Reached(NamedTuple):
    """Sizes of the log up to which full hash tiles and full entry bundles are up."""

    tiles: int
    entries: int


def publish(store: Store, verifier: Verifier, shelf: Shelf, *, step: int = STEP) -> Published:
    """Bring the place up to the newest checkpoint. Raises ShelfError and PublishRefused."""
    there = shelf.read(CHECKPOINT)
    with store.reading() as conn:
        head = read_head(conn)
        if head is None or not head.size:
            return Published(0, 0, 0)
        note = cosigned_checkpoint(conn).encode()
        signed = open_checkpoint(note, verifier.name, [verifier])
        ahead = _size_there(conn, there, signed, verifier, shelf.name)
        public = entries_are_public(conn, verifier.name)
        reached = _read_marker(conn, shelf, verifier.name, signed.size)
    if ahead > signed.size:  # another process of this service was faster
        return Published(ahead, 0, 0)
    if there == note and reached.tiles == signed.size and (reached.entries == signed.size or not public):
        return Published(signed.size, 0, 0)
    work = _Work(store, verifier, shelf, signed, step)
    work.put_stretch(reached, public=public)
    shelf.write(ABOUT, orjson.dumps({"origin": verifier.name, "vkey": format_vkey(verifier)}), media=JSON, cache=A_DAY)
    shelf.write(CHECKPOINT, note, media=TEXT, cache=BRIEFLY)
    return Published(signed.size, 0, work.files + 1)


def _size_there(conn: Connection, note: bytes | None, signed: Checkpoint, verifier: Verifier, place: str) -> int:
    """The size of the published checkpoint, 0 without one. Raises PublishRefused unless one extends the other."""
    if note is None:
        return 0
    try:
        old = open_checkpoint(note, verifier.name, [verifier])
        if old.size > signed.size:
            return old.size
        nodes = plan_consistency(old.size, signed.size) if old.size else []
        proof = prove_consistency(old.size, signed.size, node_reader(conn, nodes, signed.size)) if nodes else []
        check_extends(old, signed, proof)
    except LedgerError as error:
        raise PublishRefused(
            f"{place} holds something else than an earlier state of this log ({error.message}): choose another place."
        ) from None
    return old.size


def _read_marker(conn: Connection, shelf: Shelf, origin: str, size: int) -> _Reached:
    """How far an earlier run came; nothing if that was another log."""
    found = shelf.read(MARKER)
    try:
        told: dict[str, Any] = orjson.loads(found or b"{}")
        tiles, entries, root = told["size"], told["entries"], told["root"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return _Reached(0, 0)
    if told.get("origin") != origin or not 0 < tiles <= size:
        return _Reached(0, 0)
    own = compute_root(tiles, node_reader(conn, plan_root(tiles), size))
    return _Reached(tiles, min(entries, tiles)) if own.hex() == root else _Reached(0, 0)


class _Work:
    """One run: up to the checkpoint that was newest when it began."""

    def __init__(self, store: Store, verifier: Verifier, shelf: Shelf, signed: Checkpoint, step: int) -> None:
        self._store, self._shelf, self._signed, self._step = store, shelf, signed, step
        self._origin = verifier.name
        self.files = 0

    def put_stretch(self, reached: _Reached, *, public: bool) -> None:
        """Hash tiles, then bundles, in stretches; after each it is noted how far it is."""
        tiles, entries = reached
        for past in self._stretches(tiles):
            self._put(tiles, past, entries=False)
            tiles = past
            self._mark(tiles, entries)
        if public:
            for past in self._stretches(entries):
                self._put(entries, past, entries=True)
                entries = past
                self._mark(tiles, entries)

    def _stretches(self, first: int) -> Iterator[int]:
        """Sizes of the log at which to note how far it is; the last is the checkpoint's."""
        size = self._signed.size
        yield from range((first // self._step + 1) * self._step, size, self._step)
        if first < size:
            yield size

    def _put(self, first: int, past: int, *, entries: bool) -> None:
        """What growing from `first` to `past` adds: full tiles, and the partial ones of the checkpoint's own size."""
        size = self._signed.size
        wanted = [one for one in list_tiles(first, past) if (one[0] == ENTRIES) is entries and one[2] == WIDTH]
        if past == size:
            wanted += [one for one in _partial_tiles(size) if (one[0] == ENTRIES) is entries]
        with ThreadPoolExecutor(self._shelf.parallel) as pool:
            for at in range(0, len(wanted), PAGE):
                page = wanted[at : at + PAGE]
                with self._store.reading() as conn:
                    contents = _read_entries(conn, page) if entries else _read_tiles(conn, page, size)
                self.files += len(list(pool.map(self._write, page, contents)))  # raises what one of them raised

    def _write(self, tile: tuple[int, int, int], content: bytes) -> None:
        cache = FOR_EVER if tile[2] == WIDTH else A_DAY
        self._shelf.write(tile_path(*tile), content, media=BYTES, cache=cache)

    def _mark(self, tiles: int, entries: int) -> None:
        size = self._signed.size
        with self._store.reading() as conn:
            root = compute_root(tiles, node_reader(conn, plan_root(tiles), size)).hex()
        told = {"origin": self._origin, "size": tiles, "root": root, "entries": entries}
        self._shelf.write(MARKER, orjson.dumps(told), media=JSON, cache="no-store")


def _partial_tiles(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, n, width) of the last tile of each level and of the last bundle, where they are not full."""
    for level in (ENTRIES, *range(-(-size.bit_length() // HEIGHT))):
        n, width = divmod(size >> HEIGHT * max(level, 0), WIDTH)
        if width:
            yield level, n, width


def _read_tiles(conn: Connection, page: list[tuple[int, int, int]], size: int) -> list[bytes]:
    found = select_tiles(conn, [(level, n) for level, n, _ in page], size)
    return [found[level, n] for level, n, _ in page]


def _read_entries(conn: Connection, page: list[tuple[int, int, int]]) -> list[bytes]:
    first = page[0][1] * WIDTH  # bundles of one stretch lie side by side
    entries = select_entries(conn, first, page[-1][1] * WIDTH + page[-1][2])
    starts = ((n * WIDTH - first, width) for _, n, width in page)
    return [format_bundle(entries[start : start + width]) for start, width in starts]
