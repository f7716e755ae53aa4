"""The outbox of anchors: reads and small writes, one statement each. What they mean is for `service.usecases`."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, text

from service.storage.tables import METADATA


class AnchorFound(NamedTuple):
    """A row of `anchors`: see `anchor_tables.AnchorRow`."""

    sink: str
    size: int
    root: bytes
    note: str
    state: str
    queued: int
    block: int | None
    block_hash: str
    block_time: int | None
    tx: str
    problem: str
    evidence: str
    evidence_block: int | None
    evidence_hash: str
    evidence_final: bool


class Transaction(NamedTuple):
    """A row of `anchor_transactions`: see `anchor_tables.AnchorTransactionRow`."""

    hash: str
    sink: str
    sender: str
    nonce: int
    size: int
    raw: bytes
    gas: int
    max_fee: int
    tip: int
    created: int
    sent: int | None
    fate: str


class SinkFound(NamedTuple):
    """A row of `anchor_sinks`: see `anchor_tables.AnchorSinkRow`."""

    sink: str
    condition: str
    detail: str
    since: int
    ticked: int
    height: int
    balance: str
    holder: str
    lease: int
    genesis: str


_ANCHOR_COLUMNS: Final = ", ".join(AnchorFound._fields)
_TX_COLUMNS: Final = ", ".join(Transaction._fields)
_SINK_COLUMNS: Final = ", ".join(SinkFound._fields)

# ---- anchors --------------------------------------------------------------------------------------------------------

_ENQUEUE: Final = text(
    "INSERT INTO anchors (sink, size, root, note, state, queued, block_hash, tx, problem, evidence, evidence_hash, "
    "evidence_final) VALUES (:sink, :size, :root, :note, 'queued', :now, '', '', '', '', '', :no) "
    "ON CONFLICT (sink, size) DO NOTHING"
)


def enqueue(conn: Connection, sink: str, size: int, *, root: bytes, note: str, now: int) -> bool:
    """Queue a checkpoint for a sink; False when it is there already, in whatever state."""
    values = {"sink": sink, "size": size, "root": root, "note": note, "now": now, "no": False}
    return conn.execute(_ENQUEUE, values).rowcount == 1


_IN_STATES: Final = text(
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND state IN :states ORDER BY size"  # noqa: S608
).bindparams(bindparam("states", expanding=True))


def anchors_in(conn: Connection, sink: str, states: Collection[str]) -> list[AnchorFound]:
    """The anchors of a sink in any of these states, by size."""
    return [_anchor(row) for row in conn.execute(_IN_STATES, {"sink": sink, "states": list(states)})]


_UNPROVED: Final = text(
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND state = 'final' "  # noqa: S608
    "AND evidence <> '' AND evidence_final = :no ORDER BY size"
)


def finals_with_open_evidence(conn: Connection, sink: str) -> list[AnchorFound]:
    """Final anchors whose evidence was taken from a block that is not final yet."""
    return [_anchor(row) for row in conn.execute(_UNPROVED, {"sink": sink, "no": False})]


_BEYOND: Final = text(
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND state = 'final' AND size > :size ORDER BY size"  # noqa: S608
)


def finals_beyond(conn: Connection, sink: str, size: int) -> list[AnchorFound]:
    """Final anchors of more entries than this, by size."""
    return [_anchor(row) for row in conn.execute(_BEYOND, {"sink": sink, "size": size})]


_BY_SIZE: Final = text(f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND size = :size")  # noqa: S608


def find_anchor(conn: Connection, sink: str, size: int) -> AnchorFound | None:
    """The anchor of the checkpoint of this size."""
    row = conn.execute(_BY_SIZE, {"sink": sink, "size": size}).first()
    return _anchor(row) if row else None


_NEWEST: Final = text(
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND state <> 'failed' ORDER BY size DESC LIMIT 1"  # noqa: S608
)


def newest_anchor(conn: Connection, sink: str) -> AnchorFound | None:
    """The largest checkpoint that was given to a sink and did not fail."""
    row = conn.execute(_NEWEST, {"sink": sink}).first()
    return _anchor(row) if row else None


_PAGE: Final = (
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE {{chosen}}size <= :size AND (size < :size OR sink > :after) "  # noqa: S608
    "ORDER BY size DESC, sink LIMIT :limit"
)


def list_anchors(conn: Connection, *, sink: str, state: str, size: int, after: str, limit: int) -> list[AnchorFound]:
    """Anchors, newest first, from a place on; "" for any sink or state."""
    given = {column: value for column, value in (("sink", sink), ("state", state)) if value}
    statement = text(_PAGE.format(chosen="".join(f"{column} = :{column} AND " for column in given)))
    return [_anchor(row) for row in conn.execute(statement, {**given, "size": size, "after": after, "limit": limit})]


_SHOWN: Final = text(
    "SELECT sink, state, evidence_final, CASE WHEN evidence_final THEN '' ELSE evidence_hash END AS open_hash, "
    "count(*), sum(size), sum(evidence_block) FROM anchors WHERE size <= :size AND (evidence <> '' OR state = 'final') "
    "GROUP BY sink, state, evidence_final, open_hash ORDER BY sink, state, evidence_final, open_hash"
)


def digest_shown(conn: Connection, size: int) -> str:
    """Changes with the evidence of the anchors of at most `size` entries, without reading it; "" when there is none."""
    rows = [[str(value) for value in row] for row in conn.execute(_SHOWN, {"size": size})]
    return sha256(repr(rows).encode()).hexdigest() if rows else ""


_WITH_EVIDENCE: Final = f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE evidence <> '' AND state IN ('mined', 'final') "  # noqa: S608
_COVERING: Final = text(
    _WITH_EVIDENCE
    + "AND size >= :least AND size <= :most ORDER BY CASE state WHEN 'final' THEN 0 ELSE 1 END, size LIMIT 1"
)
_LARGEST: Final = text(
    _WITH_EVIDENCE + "AND size <= :most ORDER BY CASE state WHEN 'final' THEN 0 ELSE 1 END, size DESC LIMIT 1"
)
_FIRST: Final = text(
    f"SELECT {_ANCHOR_COLUMNS} FROM anchors WHERE sink = :sink AND state IN ('mined', 'final') AND size >= :least "  # noqa: S608
    "ORDER BY CASE state WHEN 'final' THEN 0 ELSE 1 END, size LIMIT 1"
)


def covering_anchor(conn: Connection, least: int, most: int) -> AnchorFound | None:
    """The smallest anchor with evidence of at least `least` and at most `most` entries; a final one if there is any."""
    row = conn.execute(_COVERING, {"least": least, "most": most}).first()
    return _anchor(row) if row else None


def largest_anchor(conn: Connection, most: int) -> AnchorFound | None:
    """The largest anchor with evidence of at most `most` entries; a final one if there is any."""
    row = conn.execute(_LARGEST, {"most": most}).first()
    return _anchor(row) if row else None


def first_covering(conn: Connection, sink: str, least: int) -> AnchorFound | None:
    """The smallest mined or final anchor of a sink of at least so many entries; a final one if there is any."""
    row = conn.execute(_FIRST, {"sink": sink, "least": least}).first()
    return _anchor(row) if row else None


_COUNT: Final = text("SELECT state, count(*), max(size) FROM anchors WHERE sink = :sink GROUP BY state ORDER BY state")


def count_anchors(conn: Connection, sink: str) -> dict[str, tuple[int, int]]:
    """For each state that there is: how many anchors of a sink are in it, and the size of the largest."""
    return {state: (int(count), int(size)) for state, count, size in conn.execute(_COUNT, {"sink": sink})}


def update_anchor(conn: Connection, sink: str, size: int, **changed: Any) -> None:
    """Change columns of one anchor, by name."""
    table = METADATA.tables["anchors"]
    conn.execute(table.update().where(table.c.sink == sink, table.c.size == size).values(**changed))


_COVER: Final = text(
    "UPDATE anchors SET state = 'covered', problem = '' "
    "WHERE sink = :sink AND state IN ('queued', 'sent', 'failed') AND size < :size"
)


def cover_anchors(conn: Connection, sink: str, size: int) -> None:
    """What was waiting and is smaller than an anchored checkpoint is covered by it."""
    conn.execute(_COVER, {"sink": sink, "size": size})


_LIVE_AGAIN: Final = text("UPDATE anchors SET state = 'sent' WHERE sink = :sink AND size = :size AND state = 'queued'")


def mark_live(conn: Connection, sink: str, size: int) -> None:
    """A queued checkpoint is in a transaction that a node has."""
    conn.execute(_LIVE_AGAIN, {"sink": sink, "size": size})


# ---- transactions ---------------------------------------------------------------------------------------------------

_ADD_TX: Final = text(
    f"INSERT INTO anchor_transactions ({_TX_COLUMNS}) VALUES "  # noqa: S608
    f"({', '.join(':' + name for name in Transaction._fields)}) ON CONFLICT (hash) DO NOTHING"
)


def add_transaction(conn: Connection, transaction: Transaction) -> None:
    """Keep a signed transaction."""
    conn.execute(_ADD_TX, transaction._asdict())


_LIVE: Final = text(
    f"SELECT {_TX_COLUMNS} FROM anchor_transactions WHERE sink = :sink AND fate = '' "  # noqa: S608
    "ORDER BY sender, nonce, created, max_fee"
)


def live_transactions(conn: Connection, sink: str) -> list[Transaction]:
    """The transactions that may still be mined, by nonce, oldest first."""
    return [_transaction(row) for row in conn.execute(_LIVE, {"sink": sink})]


_OF_NONCE: Final = text(
    f"SELECT {_TX_COLUMNS} FROM anchor_transactions WHERE sink = :sink AND EXISTS "  # noqa: S608
    "(SELECT 1 FROM anchor_transactions t WHERE t.hash = :hash AND t.sender = anchor_transactions.sender "
    "AND t.nonce = anchor_transactions.nonce) ORDER BY created, max_fee"
)


def transactions_beside(conn: Connection, sink: str, tx: str) -> list[Transaction]:
    """This transaction and all others of its nonce, oldest first."""
    return [_transaction(row) for row in conn.execute(_OF_NONCE, {"sink": sink, "hash": tx})]


_FATES: Final = text("SELECT count(*) FROM anchor_transactions WHERE sink = :sink AND size = :size AND fate = :fate")


def count_fates(conn: Connection, sink: str, size: int, fate: str) -> int:
    """How many transactions with the checkpoint of this size ended so."""
    return int(conn.execute(_FATES, {"sink": sink, "size": size, "fate": fate}).scalar_one())


_SENT: Final = text("UPDATE anchor_transactions SET sent = :now WHERE hash = :hash")
_FATE: Final = text("UPDATE anchor_transactions SET fate = :fate WHERE hash = :hash")


def mark_sent(conn: Connection, tx: str, *, now: int) -> None:
    """A transaction was given to a node, whatever that answered."""
    conn.execute(_SENT, {"hash": tx, "now": now})


def mark_fate(conn: Connection, tx: str, fate: str) -> None:
    """A transaction's fate is known, or "" when it is open again."""
    conn.execute(_FATE, {"hash": tx, "fate": fate})


# ---- sinks ----------------------------------------------------------------------------------------------------------

_MEET: Final = text(
    f"INSERT INTO anchor_sinks ({_SINK_COLUMNS}) VALUES (:sink, 'ok', '', :now, 0, 0, '', '', 0, '') "  # noqa: S608
    "ON CONFLICT (sink) DO NOTHING"
)
_SINK: Final = text(f"SELECT {_SINK_COLUMNS} FROM anchor_sinks WHERE sink = :sink")  # noqa: S608
_SINKS: Final = text(f"SELECT {_SINK_COLUMNS} FROM anchor_sinks ORDER BY sink")  # noqa: S608
_LEASE: Final = text(
    "UPDATE anchor_sinks SET holder = :holder, lease = :until "
    "WHERE sink = :sink AND (holder = :holder OR lease <= :now OR lease > :far)"
)


def take_lease(conn: Connection, sink: str, holder: str, *, now: int, seconds: int) -> bool:
    """Become, or stay, the only one who ticks this sink for so many seconds; False when another one is."""
    conn.execute(_MEET, {"sink": sink, "now": now})
    values = {"sink": sink, "holder": holder, "now": now, "until": now + seconds, "far": now + 10 * seconds}
    return conn.execute(_LEASE, values).rowcount == 1


_RELEASE: Final = text("UPDATE anchor_sinks SET lease = 0 WHERE sink = :sink AND holder = :holder")


def release_lease(conn: Connection, sink: str, holder: str) -> None:
    """Let the next one tick at once."""
    conn.execute(_RELEASE, {"sink": sink, "holder": holder})


def find_sink(conn: Connection, sink: str) -> SinkFound | None:
    """How a sink is doing; None before its first tick."""
    row = conn.execute(_SINK, {"sink": sink}).first()
    return SinkFound(**row._mapping) if row else None


def list_sinks(conn: Connection) -> list[SinkFound]:
    """All sinks that were ever ticked."""
    return [SinkFound(**row._mapping) for row in conn.execute(_SINKS)]


def update_sink(conn: Connection, sink: str, **changed: Any) -> None:
    """Change columns of one sink, by name."""
    table = METADATA.tables["anchor_sinks"]
    conn.execute(table.update().where(table.c.sink == sink).values(**changed))


def _anchor(row: Any) -> AnchorFound:
    found = AnchorFound(**row._mapping)
    return found._replace(root=bytes(found.root), evidence_final=bool(found.evidence_final))


def _transaction(row: Any) -> Transaction:
    found = Transaction(**row._mapping)
    return found._replace(raw=bytes(found.raw))
