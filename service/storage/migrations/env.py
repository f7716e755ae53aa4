"""Run by Alembic, with the connection that `service.storage.schema` hands over."""

from __future__ import annotations

from alembic import context

from service.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter a table in place
    transactional_ddl=False,  # the caller owns the transaction
)
context.run_migrations()
