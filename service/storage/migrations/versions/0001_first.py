"""The first tables: the log, what is derived from it, and what is kept beside it.

Step 0001. Frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _kept()
    _subjects()
    _about_lots()
    _about_records()


def downgrade() -> None:
    """There is no way back from the first step but an empty database."""
    raise RuntimeError("The first step has no way back: restore a backup instead.")


def _key(name: str, kind: Any = None) -> sa.Column[Any]:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind or big, primary_key=True, autoincrement=False, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _kept() -> None:
    op.create_table("meta", _key("name", sa.Text()), _text("value"))
    op.create_table(
        "head",
        _key("id", sa.SmallInteger()),
        _number("size"),
        _bytes("root"),
        _number("logged"),
        _number("subjects"),
        _text("checkpoint"),
        sa.CheckConstraint("id = 1", name="one_head"),
    )
    op.create_table("entries", _key("seq"), _bytes("entry"))
    op.create_table("disclosures", _key("seq"), _key("digest", sa.Text()), _text("text", nullable=True))
    op.create_table(
        "grants",
        _key("jti", sa.Text()),
        _text("lot"),
        _text("issuer"),
        _text("grantee"),
        _flag("disclosures"),
        _number("issued"),
        _number("expires"),
        _number("revoked", nullable=True),
        _text("jws"),
    )
    op.create_index("grants_grantee", "grants", ["grantee"])
    op.create_index("grants_lot_grantee", "grants", ["lot", "grantee"])
    op.create_table("nonces", _key("issuer", sa.Text()), _key("jti", sa.Text()), _number("expires"))
    op.create_index("nonces_expires", "nonces", ["expires"])
    op.create_table("cosignatures", _key("size"), _key("witness", sa.Text()), _number("time"), _text("line"))


def _subjects() -> None:
    op.create_table(
        "subjects",
        _key("num"),
        _text("id"),
        _text("kind"),
        _text("status"),
        _number("seq"),
        _number("holder", nullable=True),
        _number("consignee", nullable=True),
        _text("mineral", nullable=True),
        _text("country", nullable=True),
        _text("data"),
        sa.UniqueConstraint("id", name="subjects_id"),
    )
    few = sa.text("kind <> 'lot'")
    op.create_index("subjects_few", "subjects", ["kind", "num"], sqlite_where=few, postgresql_where=few)
    op.create_table(
        "keys",
        _key("kid", sa.Text()),
        _number("participant"),
        _text("jwk"),
        _text("valid_from"),
        _flag("revoked"),
        _number("seq"),
    )
    op.create_index("keys_participant", "keys", ["participant"])


def _about_lots() -> None:
    op.create_table("tags", _key("tag", sa.Text()), _number("lot"), sqlite_with_rowid=False)
    op.create_table("edges", _key("child"), _key("parent"), _text("mass"), _number("seq"), sqlite_with_rowid=False)
    op.create_index("edges_down", "edges", ["parent", "child"])
    op.create_table("lot_parties", _key("participant"), _key("lot"), _number("seq"), sqlite_with_rowid=False)
    op.create_index("lot_parties_lot", "lot_parties", ["lot", "participant"])


def _about_records() -> None:
    op.create_table("tiles", _key("level", sa.SmallInteger()), _key("n"), _bytes("hashes"))
    op.create_table("record_ids", _key("prefix"), _key("seq"), sqlite_with_rowid=False)
    op.create_table("subject_records", _key("subject"), _key("seq"), _flag("moved"), sqlite_with_rowid=False)
    op.create_index("subject_records_seq", "subject_records", ["seq", "subject"])
    op.create_table(
        "statements", _key("seq"), _text("type"), _text("kind"), _text("status", nullable=True), _number("issuer")
    )
    op.create_index("statements_kind", "statements", ["type", "kind", "seq"])
