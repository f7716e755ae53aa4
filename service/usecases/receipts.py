"""Receipts: the proof that an entry is in the log, as one text (C2SP tlog-proof)."""

from __future__ import annotations

from ledger.errors import UnknownRecord
from ledger.log.merkle import plan_inclusion, prove_inclusion
from ledger.log.note import add_signatures, parse_signatures
from ledger.log.proof import format_receipt
from service.storage.engine import Connection, Store
from service.storage.head import read_head
from service.storage.sql import execute
from service.storage.tree import node_reader


def read_receipt(store: Store, index: int) -> str:
    """The receipt of entry `index` at the newest checkpoint, cosignatures included. Raises UnknownRecord."""
    with store.reading() as conn:
        return prove_entry(conn, index)


def prove_entry(conn: Connection, index: int) -> str:
    """The same, on a snapshot that the caller has."""
    head = read_head(conn)
    if head is None or not 0 <= index < head.size:
        raise UnknownRecord("The log has no entry with this number.", index=index)
    proof = prove_inclusion(index, head.size, node_reader(conn, plan_inclusion(index, head.size), head.size))
    return format_receipt(index, proof, cosigned_checkpoint(conn))


def cosigned_checkpoint(conn: Connection) -> str:
    """The newest checkpoint with the cosignatures that it has by now."""
    head = read_head(conn)
    if head is None:
        raise UnknownRecord("The log has no checkpoint yet.")
    rows = execute(conn, "SELECT line FROM cosignatures WHERE size = ? ORDER BY witness", (head.size,))
    lines = "".join(row[0] for row in rows)
    return add_signatures(head.checkpoint, parse_signatures(lines)) if lines else head.checkpoint
