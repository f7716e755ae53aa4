"""Export: the log as plain files in the C2SP tlog-tiles layout, for any web server or bucket.

Incremental: a folder that holds an earlier export of this log gets the tiles and bundles that are
new, then the newer checkpoint: whoever reads meanwhile sees the old log whole. The index of its anchors comes last,
so that it names none of a larger log. Every file is written beside its place and renamed into it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.note import Verifier, format_vkey
from ledger.log.tiles import ENTRIES, WIDTH, format_bundle, list_tiles, tile_path
from service.storage import anchors as rows
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.tree import node_reader, select_entries, select_tiles
from service.usecases.anchors import shown_evidence
from service.usecases.receipts import cosigned_checkpoint
from service.usecases.replay import Progress

CHECKPOINT: Final = "checkpoint"
ABOUT: Final = "lodeline.json"
ANCHORS: Final = "anchors"
INDEX: Final = "index.json"
_PAGE: Final = 500


class ExportRefused(Exception):
    """The folder holds something else than an earlier export of this log."""


class Exported(NamedTuple):
    """What an export wrote: size of the log before (in the folder) and now, and how many files."""

    before: int
    size: int
    files: int


def export_log(
    store: Store,
    verifier: Verifier,
    folder: Path,
    *,
    entries: bool = True,
    progress: Progress = lambda done, total: None,
) -> Exported:
    """Write the log, or what is new of it, to a folder. entries: also the entry bundles. Raises ExportRefused."""
    with store.reading() as conn:
        head = read_head(conn)
        if head is None or head.size == 0:
            raise ExportRefused("The database holds no log yet: run `lodeline-server init`.")
        note = cosigned_checkpoint(conn)
        signed = open_checkpoint(note, verifier.name, [verifier])
        before = _size_before(conn, folder, signed, verifier)
        wanted = [tile for tile in list_tiles(before, head.size) if entries or tile[0] != ENTRIES]
        _write(folder / ABOUT, orjson.dumps({"origin": verifier.name, "vkey": format_vkey(verifier)}))
        for done, (level, n, width) in enumerate(wanted, 1):
            _write(folder / tile_path(level, n, width), _content(conn, level, n, width, head.size))
            progress(done, len(wanted))
        _write(folder / CHECKPOINT, note.encode())
        anchors = _write_anchors(conn, folder / ANCHORS, head.size)
    return Exported(before, head.size, len(wanted) + 2 + anchors)


def _write_anchors(conn: Connection, folder: Path, size: int) -> int:
    """The evidence of every anchor of at most `size` entries, and an index of it; how many files that took."""
    listed: list[dict[str, str | int]] = []
    written = 0
    at, after = size, ""  # largest first: those of one size by their sink
    while page := rows.list_anchors(conn, sink="", state="", size=at, after=after, limit=_PAGE):
        for one in page:
            if told := shown_evidence(one):
                suffix = "checkpoint" if one.sink == "file" else "anchor.json"
                listed.append({"sink": one.sink, "size": one.size, "state": one.state})
                written += _write_new(folder / one.sink / f"{one.size}.{suffix}", told.encode())
        at, after = page[-1].size, page[-1].sink
    if listed or (folder / INDEX).exists():
        written += _write_new(folder / INDEX, orjson.dumps({"anchors": listed}))
    return written


def _write_new(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    _write(path, content)
    return True


def _size_before(conn: Connection, folder: Path, signed: Checkpoint, verifier: Verifier) -> int:
    """The size of the export that is there, 0 for none; it must be one that this log extends."""
    try:
        note = (folder / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return 0
    try:
        old = open_checkpoint(note, verifier.name, [verifier])
        nodes = plan_consistency(old.size, signed.size) if old.size else []
        proof = prove_consistency(old.size, signed.size, node_reader(conn, nodes, signed.size)) if nodes else []
        check_extends(old, signed, proof)
    except LedgerError as error:
        raise ExportRefused(
            f"{folder} does not hold an earlier export of this log ({error.message}): choose an empty folder."
        ) from None
    return old.size


def _content(conn: Connection, level: int, n: int, width: int, size: int) -> bytes:
    if level == ENTRIES:
        return format_bundle(select_entries(conn, n * WIDTH, n * WIDTH + width))
    return select_tiles(conn, [(level, n)], size)[level, n]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
