"""Reference data: files by digest, and which of them a data set had on which day.

Step 0003. Frozen: later changes are steps of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables, empty."""
    op.create_table(
        "reference_files",
        sa.Column("digest", sa.Text(), primary_key=True, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "reference_snapshots",
        sa.Column("dataset", sa.Text(), primary_key=True, nullable=False),
        sa.Column("published", sa.Text(), primary_key=True, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("loaded", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Drop them again, with everything that was loaded."""
    op.drop_table("reference_snapshots")
    op.drop_table("reference_files")
