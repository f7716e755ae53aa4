"""The log as a log: checkpoint, hash tiles, entry bundles, receipts. Everything but the bundles is public.

A tile of any width up to what it has now is served: partial tiles of every published size stay
available. Cosignatures join the checkpoint once witnesses have answered; `witnessed` is the newest
checkpoint that has them, for readers whose trust policy wants a quorum.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.log.merkle import HASH_SIZE, plan_inclusion, prove_inclusion
from ledger.log.note import parse_note
from ledger.log.proof import format_receipt
from ledger.log.tiles import ENTRIES, WIDTH, format_bundle, parse_tile_path, tile_width
from ledger.log.treehead import parse_checkpoint
from service.errors import Forbidden, NotAuthenticated, NotFound, Unavailable
from service.storage.engine import Connection
from service.storage.head import Head, read_head
from service.storage.read_log import read_witnessed
from service.storage.read_records import find_records
from service.storage.tree import node_reader, select_entries, select_tiles
from service.usecases import policy
from service.usecases.access import open_view
from service.usecases.context import Context
from service.usecases.policy import Reader
from service.usecases.receipts import cosigned_checkpoint
from service.usecases.records import check_record_id


class Tile(NamedTuple):
    """The bytes of a tile or bundle. full: it will never change; public: for anybody."""

    data: bytes
    full: bool
    public: bool


def get_checkpoint(context: Context) -> str:
    """The newest signed checkpoint, with the cosignatures on it."""
    with context.store.reading() as conn:
        require_head(conn)
        return cosigned_checkpoint(conn)


def get_witnessed(context: Context) -> str:
    """The newest checkpoint that the witnesses asked for have cosigned. Raises NotFound without one."""
    with context.store.reading() as conn:
        return _witnessed(conn)


def get_tile(context: Context, path: str) -> Tile:
    """A hash tile by its C2SP path `tile/<L>/<N>[.p/<W>]`. Raises TileError and NotFound."""
    level, n, width = parse_tile_path(path)
    with context.store.reading() as conn:
        size = require_head(conn).size
        if level == ENTRIES or width > tile_width(level, n, size):
            raise NotFound("The log has no such tile yet.")
        row = select_tiles(conn, [(level, n)], size)[level, n]
    return Tile(row[: width * HASH_SIZE], full=width == WIDTH, public=True)


def get_entries(context: Context, reader: Reader, path: str) -> Tile:
    """An entry bundle by its C2SP path `tile/entries/<N>[.p/<W>]`. Raises TileError, NotFound and,
    for who may not read the whole log, NotAuthenticated or Forbidden: the log's size is public."""
    level, n, width = parse_tile_path(path)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        if not policy.may_read_entries(reader, public=view.public):
            if reader.is_member:
                raise Forbidden("Entries of this log are for auditors, authorities and the registrar.")
            raise NotAuthenticated("Entries of this log are not public: log in as an auditor or authority.")
        if level != ENTRIES or width > tile_width(ENTRIES, n, require_head(conn).size):
            raise NotFound("The log has no such entry bundle yet.")
        entries = select_entries(conn, n * WIDTH, n * WIDTH + width)
    return Tile(format_bundle(entries), full=width == WIDTH, public=view.public)


def get_receipt(context: Context, record_id: str, *, witnessed: bool = False) -> str:
    """A fresh receipt of a record, public because a proof betrays nothing.

    witnessed: against the newest witnessed checkpoint. Raises BadRequest and NotFound.
    """
    check_record_id(record_id)
    with context.store.reading() as conn:
        found = find_records(conn, [record_id]).get(record_id)
        if found is None:
            raise NotFound("The log has no such record.")
        head = require_head(conn)
        note, size = cosigned_checkpoint(conn), head.size
        if witnessed:
            note = _witnessed(conn)
            size = parse_checkpoint(parse_note(note).text).size
            if found.seq >= size:
                raise NotFound("This record is newer than the newest witnessed checkpoint: ask again later.")
        return format_receipt(found.seq, prove(conn, [found.seq], size)[found.seq], note)


def prove(conn: Connection, indexes: list[int], size: int) -> dict[int, list[bytes]]:
    """Inclusion proofs of these entries in the tree of `size`, the tiles read once for all."""
    read = node_reader(conn, [node for index in indexes for node in plan_inclusion(index, size)], size)
    return {index: prove_inclusion(index, size, read) for index in indexes}


def require_head(conn: Connection) -> Head:
    """The head of the log. Raises Unavailable before the log has one."""
    head = read_head(conn)
    if head is None:
        raise Unavailable("The log has not been started yet.", retry_after=5)
    return head


def _witnessed(conn: Connection) -> str:
    note = read_witnessed(conn)
    if note is None:
        raise NotFound("No witness has cosigned a checkpoint of this log yet.")
    return note
