"""Anchors for readers: lists, evidence, what a bundle carries, and how far a record is out of the operator's hands.

Everything here is public: sizes, roots and blocks say nothing of records.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from contracts import chains
from ledger.encoding import MAX_INT, format_b64url, format_time, parse_json
from ledger.entry import parse_entry
from ledger.evidence.bundle import BundleAnchor
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.note import cosignature_time, parse_note
from ledger.log.treehead import parse_checkpoint
from service.errors import BadCursor, NotFound
from service.storage import anchors as rows
from service.storage.anchors import AnchorFound
from service.storage.engine import Connection
from service.storage.head import Head
from service.storage.read_log import read_witnessed
from service.storage.tree import node_reader, select_entries_at
from service.usecases.context import Context
from service.usecases.paging import format_cursor, parse_text

_PLACE: Final = re.compile(r"([0-9]{1,16}) ([a-z]{1,20})")


def list_anchors(
    context: Context, *, sink: str | None, state: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page of anchors, largest first."""
    size, after = _parse_place(cursor)
    with context.store.reading() as conn:
        found = rows.list_anchors(conn, sink=sink or "", state=state or "", size=size, after=after, limit=limit + 1)
        heights = {one.sink: one.height for one in rows.list_sinks(conn)}
    page, last = found[:limit], found[limit - 1 : limit]
    following = format_cursor(f"{last[0].size} {last[0].sink}") if len(found) > limit else None
    return {"items": [_present(one, heights.get(one.sink, 0)) for one in page], "next": following}


def get_evidence(context: Context, sink: str, size: int) -> bytes:
    """The evidence of an anchor: `lodeline-anchor/1`, or of the sink `file` the signed checkpoint. Raises NotFound."""
    with context.store.reading() as conn:
        found = rows.find_anchor(conn, sink, size)
    told = "" if found is None else shown_evidence(found)
    if not told:
        raise NotFound("There is no evidence of such an anchor, or not yet.")
    return told.encode()


def shown_evidence(anchor: AnchorFound) -> str:
    """What shows an anchor to others: the proof of a chain, the signed checkpoint of a folder; "" for none yet."""
    return anchor.note if anchor.sink == "file" and anchor.state == "final" else anchor.evidence


def describe_sinks(context: Context) -> list[dict[str, Any]]:
    """How every sink is doing, for anybody: no balances, no settings."""
    with context.store.reading() as conn:
        return [
            {"sink": one.sink, "condition": one.condition, "since": one.since, "ticked": one.ticked}
            for one in rows.list_sinks(conn)
        ]


def carry_anchors(conn: Connection, head: Head, indexes: Collection[int]) -> tuple[BundleAnchor, ...]:
    """What a bundle of these entries carries: the first anchor that covers them all, else the largest there is."""
    last = max(indexes, default=0)
    found = rows.covering_anchor(conn, last + 1, head.size) or rows.largest_anchor(conn, head.size)
    if found is None:
        return ()
    nodes = plan_consistency(found.size, head.size)
    proof = prove_consistency(found.size, head.size, node_reader(conn, nodes, head.size))
    return (BundleAnchor(parse_json(found.evidence.encode()), tuple(proof)),)


def describe_standing(conn: Connection, index: int) -> dict[str, Any]:
    """How far the entry is out of the operator's hands: logged, witnessed, anchored, each with its time.

    logged: the log's own claim. witnessed: the newest cosigned checkpoint covers it. anchored: for each sink the
    first anchor that covers it, final before mined.
    """
    logged, _ = parse_entry(select_entries_at(conn, [index])[index])
    heights = {one.sink: one.height for one in rows.list_sinks(conn)}
    anchored = [
        _present(found, heights[sink])
        for sink in sorted(heights)
        if (found := rows.first_covering(conn, sink, index + 1)) is not None
    ]
    return {
        "logged": format_time(logged // 1000),
        "witnessed": _witnessed(conn, index),
        "anchored": [{name: one[name] for name in _STANDING} for one in anchored],
        "words": _words(logged, _witnessed(conn, index), anchored),
    }


_STANDING: Final = ("sink", "chain", "size", "state", "confirmations", "time", "lasting")


def _words(logged: int, witnessed: str | None, anchored: list[dict[str, Any]]) -> str:
    """The strongest of them, as a page shows it."""
    for one in sorted(anchored, key=lambda one: one["state"] != "final"):
        told = "final" if one["state"] == "final" else f"mined, {one['confirmations']} confirmations"
        return f"anchored ({told}) {one['time']}"
    return f"witnessed {witnessed}" if witnessed else f"logged {format_time(logged // 1000)}"


def _witnessed(conn: Connection, index: int) -> str | None:
    """By when a witness had cosigned a checkpoint that covers the entry; None when none has."""
    note_text = read_witnessed(conn)
    if note_text is None:
        return None
    note = parse_note(note_text)  # our own: each line was verified when it came
    head = parse_checkpoint(note.text)
    times = [cosignature_time(one.value) for one in note.unverified if one.name != head.origin]
    return format_time(max(times)) if index < head.size and times else None


def _present(row: AnchorFound, height: int) -> dict[str, Any]:
    """A row as readers see it. lasting: whether the place is made to last, not a testnet."""
    mined = row.block is not None
    chain = int(parse_json(row.evidence.encode())["chain"]) if row.evidence else None
    return {
        "sink": row.sink,
        "size": row.size,
        "root": format_b64url(row.root),
        "state": row.state,
        "problem": row.problem,
        "queued": format_time(row.queued),
        "time": format_time(row.block_time) if row.block_time is not None else None,
        "chain": chain,
        "block": row.block,
        "block_hash": row.block_hash,
        "transaction": row.tx,
        "confirmations": max(height - (row.block or 0) + 1, 1) if mined else 0,
        "evidence": bool(shown_evidence(row)),
        "lasting": row.sink == "file" or chain in _lasting(),
    }


def _lasting() -> set[int]:
    return {one["id"] for one in chains().values() if not one["testnet"] and not one["retired"]}


def _parse_place(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return MAX_INT, ""
    found = _PLACE.fullmatch(parse_text(cursor))
    if found is None or int(found[1]) > MAX_INT:
        raise BadCursor("Use a cursor as the service gave it out, or none to begin at the start.", pointer="/cursor")
    return int(found[1]), found[2]
