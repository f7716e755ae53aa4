"""The outbox of anchors.

Step 0006. Frozen: later changes are steps of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "anchors",
        sa.Column("sink", sa.Text(), primary_key=True),
        sa.Column("size", _BIG, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=True),
        sa.Column("tx", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("evidence_block", sa.BigInteger(), nullable=True),
        sa.Column("evidence_hash", sa.Text(), nullable=False),
        sa.Column("evidence_final", sa.Boolean(), nullable=False),
    )
    op.create_index("anchors_state", "anchors", ["sink", "state"])
    op.create_table(
        "anchor_transactions",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee", sa.BigInteger(), nullable=False),
        sa.Column("tip", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=False),
    )
    op.create_index("anchor_transactions_fate", "anchor_transactions", ["sink", "fate", "nonce"])
    op.create_table(
        "anchor_sinks",
        sa.Column("sink", sa.Text(), primary_key=True),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ticked", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("genesis", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("anchor_sinks")
    op.drop_table("anchor_transactions")
    op.drop_table("anchors")
