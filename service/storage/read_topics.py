"""Reads of the records that statements of completeness and the bundles of sites and participants are made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, text

from service.storage.sql import CHUNK

_PRODUCED: Final = (
    "WITH wanted(site, month) AS (VALUES {pairs}) SELECT DISTINCT e.seq, e.entry FROM wanted w "
    "JOIN production p ON p.site = w.site AND p.month = w.month JOIN entries e ON e.seq = p.seq "
    "WHERE p.type <> 'transform' LIMIT {limit}"
)


def read_produced(conn: Connection, months: Collection[tuple[int, int]], *, limit: int) -> dict[int, bytes]:
    """Entries of the extracts at these (site by number, month since the year 0), and of their corrections."""
    wanted, found = sorted(set(months)), dict[int, bytes]()
    for at in range(0, len(wanted), CHUNK):
        pairs = ", ".join(f"({site:d}, {month:d})" for site, month in wanted[at : at + CHUNK])
        found |= _entries(conn.exec_driver_sql(_PRODUCED.format(pairs=pairs, limit=int(limit))))
    return found


_STATUSES: Final = text(
    "SELECT DISTINCT e.seq, e.entry FROM site_statuses t JOIN entries e ON e.seq = t.seq "
    "WHERE t.subdivision IN :subdivisions LIMIT :limit"
).bindparams(bindparam("subdivisions", expanding=True))


def read_site_statuses(conn: Connection, subdivisions: Collection[str], *, limit: int) -> dict[int, bytes]:
    """Entries of the statuses set for mines in these subdivisions, and of their corrections."""
    if not subdivisions:
        return {}
    return _entries(conn.execute(_STATUSES, {"subdivisions": sorted(subdivisions), "limit": limit}))


_MADE_AT: Final = text(
    "SELECT e.seq, e.entry FROM production p JOIN entries e ON e.seq = p.seq "
    "WHERE p.site = :subject AND p.type = :type AND p.month IN (SELECT DISTINCT month FROM production "
    "WHERE site = :subject AND type = :type ORDER BY month DESC LIMIT :months) LIMIT :limit"
)
_CAME_TO: Final = text(
    "SELECT e.seq, e.entry FROM entries e WHERE e.seq IN (SELECT seq FROM lot_parties "
    "WHERE participant = :subject AND month IN (SELECT DISTINCT month FROM lot_parties "
    "WHERE participant = :subject ORDER BY month DESC LIMIT :months)) LIMIT :limit"
)


def read_newest(conn: Connection, subject: int, *, months: int, limit: int) -> dict[int, bytes]:
    """Entries of the newest months that have any, as `closure.Reader.newest` says; subject: by number."""
    given = {"subject": subject, "months": months, "limit": limit}
    found = _entries(conn.execute(_CAME_TO, given))
    for kind in ("extract", "transform"):
        found |= _entries(conn.execute(_MADE_AT, {**given, "type": kind}))
    return found


def _entries(rows: Iterable[tuple[int, bytes]]) -> dict[int, bytes]:
    return {seq: bytes(entry) for seq, entry in rows}
