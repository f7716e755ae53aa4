"""Indexes by which lists that are narrowed find their rows.

Step 0009. Frozen: later changes are steps of their own.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEXES = {
    "statements_type": ("statements", ["type", "seq"]),
    "statements_issuer": ("statements", ["issuer", "type", "seq"]),
    "grants_issuer": ("grants", ["issuer"]),
    "verdicts_subject": ("verdicts", ["subject", "created"]),
    "anchors_size": ("anchors", ["size"]),
}


def upgrade() -> None:
    """Create the indexes."""
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Lists are found as before."""
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
