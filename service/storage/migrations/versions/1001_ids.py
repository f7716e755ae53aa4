"""The newest ids of records wait in tiles before they go into the index.

Step 1001, the first of a generation: a program of the one before looks for every id in the index. Frozen: later changes
are steps of their own.
"""

from __future__ import annotations

import struct

import sqlalchemy as sa
from alembic import op

revision = "1001"
down_revision = "0009"
branch_labels = None
depends_on = None

TILE, SPAN = 1024, 32 * 1024


def upgrade() -> None:
    """Ids of the entries behind the last multiple of 32,768 move into tiles."""
    op.create_table(
        "id_tiles",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
    )
    conn = op.get_bind()
    first = {
        "first": (conn.execute(sa.text("SELECT coalesce(max(seq) + 1, 0) FROM entries")).scalar_one()) // SPAN * SPAN
    }
    newest = (
        conn.execute(sa.text("SELECT prefix FROM record_ids WHERE seq >= :first ORDER BY seq"), first).scalars().all()
    )
    conn.execute(sa.text("DELETE FROM record_ids WHERE seq >= :first"), first)
    for at in range(0, len(newest), TILE):
        ids = struct.pack(f">{len(newest[at : at + TILE])}q", *newest[at : at + TILE])
        n = (first["first"] + at) // TILE
        conn.execute(sa.text("INSERT INTO id_tiles (n, ids) VALUES (:n, :ids)"), {"n": n, "ids": ids})


def downgrade() -> None:
    """All ids are in the index again."""
    conn = op.get_bind()
    for n, ids in conn.execute(sa.text("SELECT n, ids FROM id_tiles ORDER BY n")).all():
        for i, (prefix,) in enumerate(struct.iter_unpack(">q", bytes(ids))):
            row = {"prefix": prefix, "seq": n * TILE + i}
            conn.execute(sa.text("INSERT INTO record_ids (prefix, seq) VALUES (:prefix, :seq)"), row)
    op.drop_table("id_tiles")
