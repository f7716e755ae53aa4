"""Signed verdicts, and which records with disclosures each was made from.

Step 0004. Frozen: later changes are steps of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("claimant", sa.Text(), primary_key=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
    )
    op.create_index("verdicts_claimant", "verdicts", ["claimant", "created"])
    op.create_index("verdicts_created", "verdicts", ["created"])
    op.create_table(
        "verdict_records",
        sa.Column("record", sa.Text(), primary_key=True),
        sa.Column("verdict", sa.Text(), primary_key=True),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("verdict_records")
    op.drop_table("verdicts")
