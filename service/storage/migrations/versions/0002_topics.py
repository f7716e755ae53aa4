"""What statements of completeness are made from: production by month, site statuses, since when a lot has a party.

Step 0002. Frozen: later changes are steps of their own. The new rows are computed from the entries, in one pass and
with nothing but this file, so that a log of any age arrives where `lodeline-server rebuild` would put it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from array import array
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHUNK = 1000
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, fill them, and give every party of a lot its month."""
    op.create_table(
        "production",
        sa.Column("site", _BIG, primary_key=True, autoincrement=False),
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "site_statuses",
        sa.Column("subdivision", sa.Text(), primary_key=True, autoincrement=False),
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("site_statuses_seq", "site_statuses", ["seq"])
    filing = _Filing(op.get_bind())
    filing.run()
    _replace_parties(filing.months)


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("production")
    op.drop_table("site_statuses")
    _replace_parties(None)


def _replace_parties(months: array[int] | None) -> None:
    """`lot_parties` anew, with the month of each row's entry or (None) without."""
    conn = op.get_bind()
    more = [] if months is None else [sa.Column("month", sa.Integer(), nullable=False)]
    old = conn.execute(sa.text("SELECT participant, lot, seq FROM lot_parties ORDER BY participant, lot")).fetchall()
    op.drop_table("lot_parties")
    table = op.create_table(
        "lot_parties",
        sa.Column("participant", _BIG, primary_key=True, autoincrement=False),
        sa.Column("lot", _BIG, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *more,
        sqlite_with_rowid=False,
    )
    for at in range(0, len(old), _CHUNK):
        rows = [{"participant": row[0], "lot": row[1], "seq": row[2]} for row in old[at : at + _CHUNK]]
        conn.execute(
            sa.insert(table), rows if months is None else [row | {"month": months[row["seq"]]} for row in rows]
        )
    op.create_index("lot_parties_lot", "lot_parties", ["lot", "participant"])


class _Filing:
    """One pass over the entries. months: of the time of every record, by entry."""

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self.months = array("i")
        self._numbers: dict[str, int] = {}
        self._mines: dict[str, str] = {}
        self._extracted: dict[bytes, tuple[int, int]] = {}
        self._statuses: dict[bytes, set[str]] = {}
        self._production: list[dict[str, Any]] = []
        self._site_statuses: list[dict[str, Any]] = []

    def run(self) -> None:
        rows = self.conn.execute(sa.text("SELECT num, id FROM subjects WHERE kind = 'site'"))
        self._numbers = {site: num for num, site in rows}
        for seq, jws in self._entries():
            payload = json.loads(base64.urlsafe_b64decode(jws.split(b".")[1] + b"=="))
            self.months.append(_month(payload["time"]))
            self._file(seq, hashlib.sha256(jws).digest(), payload["type"], payload["body"])
            if len(self._production) + len(self._site_statuses) >= _CHUNK:
                self._write()
        self._write()

    def _entries(self) -> Iterator[tuple[int, bytes]]:
        size = self.conn.execute(sa.text("SELECT coalesce(max(seq) + 1, 0) FROM entries")).scalar_one()
        chunk = sa.text("SELECT seq, entry FROM entries WHERE seq >= :first AND seq < :past ORDER BY seq")
        for first in range(0, size, _CHUNK):
            for seq, entry in self.conn.execute(chunk, {"first": first, "past": first + _CHUNK}).fetchall():
                yield seq, bytes(entry).partition(b" ")[2]

    def _file(self, seq: int, record: bytes, kind: str, body: dict[str, Any]) -> None:
        if kind == "site":
            self._mines.pop(body["id"], None)
            if body["kind"] == "mine":
                self._mines[body["id"]] = body["subdivision"]
        elif kind == "extract":
            self._extracted[record] = (self._numbers[body["site"]], _month(body["period"]["from"]))
            self._produce(*self._extracted[record], seq, kind)
        elif kind == "transform":
            self._produce(self._numbers[body["site"]], self.months[seq], seq, kind)
        elif kind == "attest" and body["kind"] == "site_status":
            about = (one["subject"] for one in body["about"])
            self._statuses[record] = {self._mines[one] for one in about if one in self._mines}
            self._set(self._statuses[record], seq)
        elif kind == "correct":
            self._correct(seq, bytes.fromhex(body["record"]), body["replace"])

    def _correct(self, seq: int, corrected: bytes, replace: dict[str, Any]) -> None:
        self._set(self._statuses.get(corrected, set()), seq)
        if corrected in self._extracted:
            site, month = self._extracted[corrected]
            moved = _month(replace["period"]["from"]) if "period" in replace else month
            for one in {month, moved}:
                self._produce(site, one, seq, "correct")

    def _produce(self, site: int, month: int, seq: int, kind: str) -> None:
        self._production.append({"site": site, "month": month, "seq": seq, "type": kind})

    def _set(self, subdivisions: set[str], seq: int) -> None:
        self._site_statuses += [{"subdivision": one, "seq": seq} for one in subdivisions]

    def _write(self) -> None:
        production = sa.text("INSERT INTO production (site, month, seq, type) VALUES (:site, :month, :seq, :type)")
        statuses = sa.text("INSERT INTO site_statuses (subdivision, seq) VALUES (:subdivision, :seq)")
        for statement, rows in ((production, self._production), (statuses, self._site_statuses)):
            if rows:
                self.conn.execute(statement, rows)
                rows.clear()


def _month(time: str) -> int:
    """Months since the year 0."""
    return int(time[:4]) * 12 + int(time[5:7]) - 1
