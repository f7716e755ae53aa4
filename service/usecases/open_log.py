"""Opening the log: at start, and again after anything that left its state in doubt.

Nothing is believed that can be checked: 1. the database is of this program's step and of this key's
log; 2. the entries are as many as the head says; 3. the right edge of the tree, read from the tiles,
has the head's root, its last leaves are the hashes of the last entries, and the ids of the newest
records are filed, without which one could be taken twice; 4. the head's checkpoint is signed by this
log's key and says the same; 5. the newest checkpoint in the file beside the database is not ahead of
it, and the log has only grown since. A checkpoint that was committed but not yet filed when the
process died is filed now: nobody had been told of it.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from ledger.errors import LedgerError, TileError
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import leaf_hash, plan_consistency, prove_consistency
from ledger.log.note import Ed25519Signer
from ledger.log.sequence import Edge, plan_edge
from ledger.log.tiles import WIDTH
from service.storage.appending import Appending
from service.storage.checkpoints import CheckpointFile, CheckpointFileError
from service.storage.engine import Connection, Store
from service.storage.head import Head, read_head, read_meta
from service.storage.id_index import is_filed
from service.storage.schema import current_step, fits, newest_step
from service.storage.sql import execute
from service.storage.tree import count_entries, node_reader, select_entries, select_tiles
from service.usecases.check import KeyRing
from service.usecases.submit import Book


class RefuseToOpen(Exception):
    """The log must not be written to; the message says why and how to recover."""


def open_log(
    store: Store,
    file: CheckpointFile,
    signer: Ed25519Signer,
    keys: KeyRing,
    *,
    appending: Callable[[Store], Appending] = Appending,
) -> Book:
    """The log, ready to be appended to. Raises RefuseToOpen."""
    with store.reading() as conn:
        head = _read_head(conn, signer)
        edge = _check_edge(conn, head)
        signed = _check_signed(head, signer)
        _check_file(conn, file, signed, signer)
        for kid, jwk in execute(conn, "SELECT kid, jwk FROM keys"):
            keys.add(kid, orjson.loads(jwk))
    if file.newest != head.checkpoint:
        file.append(head.checkpoint)
    return Book(store, file, signer, keys, head=head, edge=edge, appending=appending)


def _read_head(conn: Connection, signer: Ed25519Signer) -> Head:
    step = current_step(conn)
    if not fits(step):
        raise RefuseToOpen(
            f"The database is at migration step {step or 'none'}, this program needs {newest_step()}: "
            "run `lodeline-server migrate` (or `init` for a new log)."
        )
    head, meta = read_head(conn), read_meta(conn)
    if head is None or "origin" not in meta:
        raise RefuseToOpen("The database holds no log yet: run `lodeline-server init`.")
    if meta["origin"] != signer.name:
        raise RefuseToOpen(
            f"The database holds the log '{meta['origin']}', the key file that of '{signer.name}': "
            "set LODELINE_KEY and LODELINE_DATABASE to what belongs together."
        )
    return head


def _check_edge(conn: Connection, head: Head) -> Edge:
    """The right edge as the tiles have it, checked against the head and the last entries."""
    if count_entries(conn) != head.size:
        raise _damaged(f"it holds {count_entries(conn)} entries where its head says {head.size}")
    try:
        edge = Edge.restore(head.size, select_tiles(conn, plan_edge(head.size), head.size))
    except TileError:
        raise _damaged("a tile at its right edge is missing or cut short") from None
    if edge.root != head.root:
        raise _damaged("its right edge gives another root than its head")
    first = head.size - head.size % WIDTH
    leaves = b"".join(map(leaf_hash, select_entries(conn, first, head.size)))
    if leaves and leaves != edge.rows[0][0]:
        raise _damaged("its last entries are not the ones that its tree was made from")
    if not is_filed(conn, head.size):
        raise _damaged(
            "the ids of its newest records are not filed (was a process of an older version still writing to it "
            "when it was migrated?)"
        )
    return edge


def _check_signed(head: Head, signer: Ed25519Signer) -> Checkpoint:
    try:
        signed = open_checkpoint(head.checkpoint, signer.name, [signer.verifier])
    except LedgerError as error:
        raise _damaged(f"its checkpoint does not verify under this log's key ({error.message})") from None
    if (signed.size, signed.root) != (head.size, head.root):
        raise _damaged("its checkpoint is not that of its head")
    return signed


def _check_file(conn: Connection, file: CheckpointFile, signed: Checkpoint, signer: Ed25519Signer) -> None:
    """The log as the database has it must extend the newest checkpoint that was ever filed."""
    try:
        file.open()
        if file.newest is None or file.last is None:
            return
        filed = open_checkpoint(file.newest, signer.name, [signer.verifier])
        last = open_checkpoint(file.last, signer.name, [signer.verifier])
    except CheckpointFileError as error:
        raise RefuseToOpen(str(error)) from None
    except LedgerError as error:
        raise RefuseToOpen(
            f"The newest line of {file.path} is not a checkpoint of this log ({error.message}): "
            "set LODELINE_STATE to the folder that belongs to this database."
        ) from None
    if filed.size > signed.size:
        raise RefuseToOpen(
            f"The database ends at entry {signed.size}, but this log has signed a checkpoint of {filed.size} entries "
            f"({file.path}): this is an old backup, and going on would fork the log. Restore the newer database, or "
            "its missing entries from an export or a mirror (`lodeline-server restore FOLDER`). "
            "If they are lost for good, this log must end: start one with a new origin."
        )
    for one in {filed, last}:
        _check_extends(conn, file, one, signed)


def _check_extends(conn: Connection, file: CheckpointFile, filed: Checkpoint, signed: Checkpoint) -> None:
    try:
        nodes = plan_consistency(filed.size, signed.size) if filed.size else []
        proof = prove_consistency(filed.size, signed.size, node_reader(conn, nodes, signed.size)) if nodes else []
        check_extends(filed, signed, proof)
    except LedgerError as error:
        raise RefuseToOpen(
            f"The database does not extend the checkpoint of {filed.size} entries that this log has signed "
            f"({file.path}): {error.message} It is another database, or a damaged one: restore the right one, "
            "then run `lodeline-server fsck`."
        ) from None


def _damaged(how: str) -> RefuseToOpen:
    return RefuseToOpen(
        f"The database is damaged: {how}. Run `lodeline-server fsck` to see what else is; "
        "if the entries are whole, `lodeline-server rebuild` makes the rest anew, otherwise restore a backup."
    )
