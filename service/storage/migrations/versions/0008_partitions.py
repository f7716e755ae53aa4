"""On PostgreSQL the entries are cut into partitions by number, and the head only ever grows; on SQLite nothing changes.

Step 0008. Frozen: later changes are steps of their own. The table that was there becomes the first partition as it is:
no entry is copied, and statements of the program before this step go on working.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WIDTH = 1 << 23
"""Entries of a partition: 8,388,608, some 10 GB."""


def upgrade() -> None:
    """The entries, partitioned, with room for at least one partition more than there is."""
    conn = op.get_bind()
    if conn.dialect.name != "postgresql":
        return
    width = int(op.get_context().config.attributes.get("width", WIDTH))  # type: ignore[union-attr]  # always there
    size = conn.execute(sa.text("SELECT coalesce(max(seq) + 1, 0) FROM entries")).scalar_one()
    first_past = (size // width + 1) * width
    op.execute("ALTER TABLE entries RENAME TO entries_000000000000000")
    op.execute("ALTER INDEX entries_pkey RENAME TO entries_000000000000000_pkey")
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        postgresql_partition_by="RANGE (seq)",
    )
    op.execute(f"ALTER TABLE entries ATTACH PARTITION entries_000000000000000 FOR VALUES FROM (0) TO ({first_past})")
    schema = conn.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    op.execute(_EXTEND.format(width=width, schema=schema))
    op.execute("REVOKE EXECUTE ON FUNCTION lodeline_extend_entries(bigint) FROM PUBLIC")
    op.execute(_GUARD)
    op.execute(
        "CREATE TRIGGER head_only_grows BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION lodeline_guard_head()"
    )
    conn.execute(sa.text("SELECT lodeline_extend_entries(:size)"), {"size": size})


def downgrade() -> None:
    """One table again; the entries are copied."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP TRIGGER head_only_grows ON head")
    op.execute("DROP FUNCTION lodeline_guard_head()")
    op.execute("DROP FUNCTION lodeline_extend_entries(bigint)")
    op.execute("ALTER TABLE entries RENAME TO entries_partitioned")
    op.execute("ALTER INDEX entries_pkey RENAME TO entries_partitioned_pkey")
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
    )
    op.execute("INSERT INTO entries (seq, entry) SELECT seq, entry FROM entries_partitioned ORDER BY seq")
    op.execute("DROP TABLE entries_partitioned")


# Makes room for entries below `past` and for one partition more, and returns where it has to be asked again. It runs
# as the owner, so that who appends needs no right to make tables; how far it goes is bounded by what there is.
# A table is made first and attached then: attaching keeps neither readers nor writers of the others waiting.
_EXTEND = """
CREATE FUNCTION lodeline_extend_entries(past bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
  width CONSTANT bigint := {width};
  wanted CONSTANT bigint := least(past, (SELECT coalesce(max(seq), 0) FROM entries) + 100 * width) + width;
  bound bigint := (
    SELECT max((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''(\\d+)''\\)'))[1]::bigint)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'entries'::regclass
  );
  name text;
BEGIN
  WHILE bound < wanted LOOP
    name := 'entries_' || lpad(bound::text, 15, '0');
    EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, bound, bound + width);
    bound := bound + width;
  END LOOP;
  RETURN bound - width;
END $$
"""

# Whoever is not the owner of the tables cannot take the log back to an earlier head, nor to another of the same size.
_GUARD = """
CREATE FUNCTION lodeline_guard_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.size > OLD.size OR pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
    RETURN NEW;
  END IF;
  RAISE insufficient_privilege USING MESSAGE = 'the head of the log only grows';
END $$
"""
