"""What shares of contained metal are reckoned from: the quality of each input then, and where each lot came into being.

Step 0005. Frozen: later changes are steps of their own. The rows are computed from the entries, in one pass and with
nothing but this file, so that a log of any age arrives where `lodeline-server rebuild` would put it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CHUNK = 1000
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_COMPANIONS = frozenset(("H", "C", "N", "O", "F", "S", "Cl"))


def upgrade() -> None:
    """Make `lot_origins`, and `edges` anew."""
    op.drop_table("edges")
    _create_edges(sa.Column("moisture", sa.Text(), nullable=False), sa.Column("assay", sa.Text(), nullable=False))
    op.create_table(
        "lot_origins",
        sa.Column("lot", _BIG, primary_key=True, autoincrement=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sqlite_with_rowid=False,
    )
    _Filing(op.get_bind()).run()
    op.create_index("edges_down", "edges", ["parent", "child"])


def downgrade() -> None:
    """Without them again."""
    conn = op.get_bind()
    op.drop_table("lot_origins")
    old = conn.execute(sa.text("SELECT child, parent, mass, seq FROM edges ORDER BY child, parent")).fetchall()
    op.drop_table("edges")
    table = _create_edges()
    for at in range(0, len(old), _CHUNK):
        conn.execute(sa.insert(table), [row._asdict() for row in old[at : at + _CHUNK]])
    op.create_index("edges_down", "edges", ["parent", "child"])


def _create_edges(*more: sa.Column[Any]) -> sa.Table:
    return op.create_table(
        "edges",
        sa.Column("child", _BIG, primary_key=True, autoincrement=False),
        sa.Column("parent", _BIG, primary_key=True, autoincrement=False),
        sa.Column("mass", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *more,
        sqlite_with_rowid=False,
    )


class _Lot(NamedTuple):
    """A lot's number and its quality so far."""

    num: int
    moisture: str
    assay: str


class _Filing:
    """One pass over the entries."""

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self._numbers = {one: num for num, one in conn.execute(sa.text("SELECT num, id FROM subjects"))}
        self._lots: dict[str, _Lot] = {}
        self._edges: list[dict[str, Any]] = []
        self._origins: list[dict[str, Any]] = []

    def run(self) -> None:
        for seq, payload in self._payloads():
            kind, body = payload["type"], payload["body"]
            if kind == "extract":
                self._make(body["lots"], body["site"], None)
            elif kind == "receive":
                self._measure(body["lots"])
            elif kind == "transform":
                self._transform(seq, body)
            if len(self._edges) + len(self._origins) >= _CHUNK:
                self._write()
        self._write()

    def _payloads(self) -> Iterator[tuple[int, dict[str, Any]]]:
        size = self.conn.execute(sa.text("SELECT coalesce(max(seq) + 1, 0) FROM entries")).scalar_one()
        chunk = sa.text("SELECT seq, entry FROM entries WHERE seq >= :first AND seq < :past ORDER BY seq")
        for first in range(0, size, _CHUNK):
            for seq, entry in self.conn.execute(chunk, {"first": first, "past": first + _CHUNK}).fetchall():
                payload = bytes(entry).partition(b" ")[2].split(b".")[1]
                yield seq, json.loads(base64.urlsafe_b64decode(payload + b"=="))

    def _make(self, lots: list[dict[str, Any]], site: str, model: str | None) -> None:
        for one in lots:
            num, quantity = self._numbers[one["id"]], one["quantity"]
            self._lots[one["id"]] = _Lot(num, quantity["moisture"], _format(quantity["assay"]))
            self._origins.append({"lot": num, "site": self._numbers[site], "model": model})

    def _measure(self, lots: list[dict[str, Any]]) -> None:
        """What was measured on receipt holds from then on; other elements keep the grade that they had."""
        for one in lots:
            lot, measured = self._lots[one["id"]], one.get("quantity")
            if measured is not None:
                moisture, assay = measured.get("moisture") or lot.moisture, lot.assay
                if measured.get("assay"):
                    fresh = {_element(analyte) for analyte in measured["assay"]}
                    kept = {a: share for a, share in json.loads(assay).items() if _element(a) not in fresh}
                    assay = _format({**kept, **measured["assay"]})
                self._lots[one["id"]] = _Lot(lot.num, moisture, assay)

    def _transform(self, seq: int, body: dict[str, Any]) -> None:
        inputs = [(self._lots[one["lot"]], one["mass"]) for one in body["inputs"]]
        self._make(body["outputs"], body["site"], body["model"])
        for output in body["outputs"]:
            child = self._numbers[output["id"]]
            for lot, mass in inputs:
                edge = {"child": child, "parent": lot.num, "mass": mass, "seq": seq}
                self._edges.append({**edge, "moisture": lot.moisture, "assay": lot.assay})

    def _write(self) -> None:
        edges = sa.text(
            "INSERT INTO edges (child, parent, mass, seq, moisture, assay) "
            "VALUES (:child, :parent, :mass, :seq, :moisture, :assay)"
        )
        origins = sa.text("INSERT INTO lot_origins (lot, site, model) VALUES (:lot, :site, :model)")
        for statement, rows in ((edges, self._edges), (origins, self._origins)):
            if rows:
                self.conn.execute(statement, rows)
                rows.clear()


def _format(assay: dict[str, str]) -> str:
    return json.dumps(assay, sort_keys=True, separators=(",", ":"))


def _element(analyte: str) -> str:
    """The element of a formula that the log has accepted: the only one that is no companion, or the only one."""
    symbols: list[str] = _SYMBOL.findall(analyte)
    return next((one for one in symbols if one not in _COMPANIONS), symbols[0])
