"""Publishing the log as files: hash tiles, bundles of entries, the checkpoint that needs them, and the log's anchors.

The service does it all the time where `LODELINE_PUBLISH` says, `lodeline-server export` once, to a folder. What is
there is never wrong, only late: files go up in that order, evidence of anchors before the index that names it, and so
whoever reads finds all that is spoken of. After a crash it goes on from `published.json`, which says how far it is;
what was under way then is written again, with the same bytes. Nothing here writes to the database or is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import compute_root, plan_consistency, plan_root, prove_consistency
from ledger.log.note import Verifier, format_vkey
from ledger.log.tiles import ENTRIES, HEIGHT, WIDTH, format_bundle, list_tiles, tile_path, tile_width
from service.adapters.shelves import Shelf
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.tree import node_reader, select_entries, select_tiles
from service.usecases.access import entries_are_public
from service.usecases.anchors import shown_evidence
from service.usecases.receipts import cosigned_checkpoint
from service.usecases.replay import Progress

CHECKPOINT: Final = "checkpoint"
ABOUT: Final = "lodeline.json"
MARKER: Final = "published.json"
INDEX: Final = "anchors/index.json"
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
    """There is no log yet, or the place holds another one, or more of this one; the message says what to do."""


class Published(NamedTuple):
    """Size of the log that the place held before, and now; files: written this time, markers not counted."""

    before: int
    size: int
    files: int


class _Reached(NamedTuple):
    """How far it is: sizes of the log up to which full hash tiles and full bundles are up; digest of the anchors."""

    tiles: int
    entries: int
    anchors: str


class _File(NamedTuple):
    path: str
    content: bytes
    media: str
    cache: str


def publish(
    store: Store,
    verifier: Verifier,
    shelf: Shelf,
    *,
    entries: bool | None = None,
    progress: Progress = lambda done, total: None,
    step: int = STEP,
) -> Published:
    """Bring the place up to the newest checkpoint and its anchors.

    entries: with the bundles of entries; None: as the log's policy says. progress: in hashes and entries.
    Raises ShelfError and PublishRefused.
    """
    there = shelf.read(CHECKPOINT)
    with store.reading() as conn:
        head = read_head(conn)
        if head is None or not head.size:
            raise PublishRefused("The database holds no log yet: run `lodeline-server init`.")
        note = cosigned_checkpoint(conn).encode()
        signed = open_checkpoint(note, verifier.name, [verifier])
        before = _size_there(conn, there, signed, verifier, shelf.name)
        public = entries_are_public(conn, verifier.name) if entries is None else entries
        reached = _read_marker(conn, shelf, verifier.name, signed.size) or _without_marker(shelf, before)
        anchors = rows.digest_shown(conn, signed.size)
    work = _Work(store, verifier.name, shelf, signed, reached)
    work.put_log(step, progress, entries=public)
    if before < signed.size:
        about = orjson.dumps({"origin": verifier.name, "vkey": format_vkey(verifier)})
        work.write([_File(ABOUT, about, JSON, A_DAY)])
    if there != note:
        work.write([_File(CHECKPOINT, note, TEXT, BRIEFLY)])
    if anchors != reached.anchors:
        work.put_anchors(anchors)
    return Published(before, signed.size, work.files)


def _size_there(conn: Connection, note: bytes | None, signed: Checkpoint, verifier: Verifier, place: str) -> int:
    """The size of the published checkpoint, 0 without one. Raises PublishRefused unless the log extends it."""
    if note is None:
        return 0
    try:
        old = open_checkpoint(note, verifier.name, [verifier])
        if old.size > signed.size:
            raise PublishRefused(
                f"{place} has {old.size} entries of this log, and the database {signed.size}: restore the newer "
                "database, or choose another place."
            )
        nodes = plan_consistency(old.size, signed.size) if old.size else []
        proof = prove_consistency(old.size, signed.size, node_reader(conn, nodes, signed.size)) if nodes else []
        check_extends(old, signed, proof)
    except LedgerError as error:
        raise PublishRefused(
            f"{place} holds something else than an earlier state of this log ({error.message}): choose another place."
        ) from None
    return old.size


def _read_marker(conn: Connection, shelf: Shelf, origin: str, size: int) -> _Reached | None:
    """How far an earlier run came; None if it did not say, or that was another log."""
    found = shelf.read(MARKER)
    try:
        told: dict[str, Any] = orjson.loads(found or b"{}")
        tiles, entries, root = int(told["size"]), int(told["entries"]), told["root"]
    except (ValueError, KeyError, TypeError):
        return None
    if told.get("origin") != origin or not 0 < tiles <= size:
        return None
    own = compute_root(tiles, node_reader(conn, plan_root(tiles), size))
    return _Reached(tiles, min(entries, tiles), told.get("anchors", "")) if own.hex() == root else None


def _without_marker(shelf: Shelf, size: int) -> _Reached:
    """A copy by other means, or by a version that left no marker: a checkpoint of `size` speaks for its hash tiles.

    For bundles the first and the last one speak: they may have been left out.
    """
    ends = {tile_path(ENTRIES, n, tile_width(ENTRIES, n, size)) for n in (0, (size - 1) // WIDTH)} if size else set()
    return _Reached(size, size if all(shelf.read(path) is not None for path in ends) else 0, "")


class _Work:
    """One run: up to the checkpoint that was newest when it began."""

    def __init__(self, store: Store, origin: str, shelf: Shelf, signed: Checkpoint, reached: _Reached) -> None:
        self._store, self._origin, self._shelf, self._size = store, origin, shelf, signed.size
        self._reached = reached
        self.files = 0

    def write(self, files: Sequence[_File]) -> None:
        """In no order, several at a time; all are there when it returns."""
        with ThreadPoolExecutor(self._shelf.parallel) as pool:
            for _ in pool.map(self._write, files):  # raises what one of them raised
                self.files += 1

    def _write(self, file: _File) -> None:
        self._shelf.write(file.path, file.content, media=file.media, cache=file.cache)

    def _mark(self, reached: _Reached) -> None:
        with self._store.reading() as conn:
            root = compute_root(reached.tiles, node_reader(conn, plan_root(reached.tiles), self._size)).hex()
        told = {"origin": self._origin, "size": reached.tiles, "root": root, "entries": reached.entries}
        content = orjson.dumps(told | {"anchors": reached.anchors})
        self._shelf.write(MARKER, content, media=JSON, cache="no-store")
        self._reached = reached

    # ---- the log --------------------------------------------------------------------------------

    def put_log(self, step: int, progress: Progress, *, entries: bool) -> None:
        """Hash tiles, then bundles, in stretches; after each it is noted how far it is."""
        tiles, bundles, _ = self._reached
        total = self._size - tiles + (self._size - bundles if entries else 0)
        for first, past in self._stretches(tiles, step):
            self._put(first, past, entries=False)
            self._mark(self._reached._replace(tiles=past))
            progress(past - tiles, total)
        for first, past in self._stretches(bundles, step) if entries else ():
            self._put(first, past, entries=True)
            self._mark(self._reached._replace(entries=past))
            progress(self._size - tiles + past - bundles, total)

    def _stretches(self, first: int, step: int) -> Iterator[tuple[int, int]]:
        """Sizes of the log between which to note how far it is; the last is the checkpoint's."""
        for past in range((first // step + 1) * step, self._size, step):
            yield first, past
            first = past
        if first < self._size:
            yield first, self._size

    def _put(self, first: int, past: int, *, entries: bool) -> None:
        """What growing from `first` to `past` adds: full tiles, and the partial ones of the checkpoint's own size."""
        wanted = [one for one in list_tiles(first, past) if (one[0] == ENTRIES) is entries and one[2] == WIDTH]
        if past == self._size:
            wanted += [one for one in _partial_tiles(past) if (one[0] == ENTRIES) is entries]
        for at in range(0, len(wanted), PAGE):
            page = wanted[at : at + PAGE]
            with self._store.reading() as conn:
                contents = _read_entries(conn, page) if entries else _read_tiles(conn, page, self._size)
            ages = (FOR_EVER if width == WIDTH else A_DAY for _, _, width in page)
            found = zip(page, contents, ages, strict=True)
            self.write([_File(tile_path(*tile), content, BYTES, age) for tile, content, age in found])

    # ---- anchors --------------------------------------------------------------------------------

    def put_anchors(self, as_of: str) -> None:
        """Evidence that the index there does not have, then the index, then a note of what they are as of."""
        there = self._shelf.read(INDEX)
        known = _read_index(there)
        listed: list[dict[str, str | int]] = []
        for page in self._pages():
            fresh: list[_File] = []
            for one in page:
                if content := shown_evidence(one).encode():
                    digest = sha256(content).hexdigest()
                    listed.append({"sink": one.sink, "size": one.size, "state": one.state, "sha256": digest})
                    if (one.sink, one.size, digest) not in known:
                        fresh.append(_evidence_file(one, content))
            self.write(fresh)
        index = orjson.dumps({"anchors": listed})
        if index != there and (listed or there is not None):
            self.write([_File(INDEX, index, JSON, BRIEFLY)])
        self._mark(self._reached._replace(anchors=as_of))

    def _pages(self) -> Iterator[list[AnchorFound]]:
        """Anchors of this checkpoint and smaller ones, largest first; those of one size by their sink."""
        size, sink = self._size, ""
        while True:
            with self._store.reading() as conn:
                page = rows.list_anchors(conn, sink="", state="", size=size, after=sink, limit=PAGE)
            if not page:
                return
            yield page
            size, sink = page[-1].size, page[-1].sink


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


def _read_index(content: bytes | None) -> set[tuple[str, int, str]]:
    """(sink, size, digest) of the evidence that is there; none of an index that names no digests, or is broken."""
    try:
        return {(one["sink"], one["size"], one["sha256"]) for one in orjson.loads(content or b"")["anchors"]}
    except (ValueError, KeyError, TypeError):
        return set()


def _evidence_file(anchor: AnchorFound, content: bytes) -> _File:
    """Under the name that auditors look for. What may still be replaced by better evidence is not kept for long."""
    settled = anchor.sink == "file" or anchor.evidence_final
    suffix, media = ("checkpoint", TEXT) if anchor.sink == "file" else ("anchor.json", JSON)
    return _File(f"anchors/{anchor.sink}/{anchor.size}.{suffix}", content, media, A_DAY if settled else BRIEFLY)
