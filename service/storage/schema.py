"""Migrating the database, and telling whether it has to be.

The service never migrates by itself at start-up: `lodeline-server migrate` does, and `serve`
refuses to run on a database of another step.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from service.storage.engine import Store
from service.storage.roles import renew_rights

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(store: Store, *, width: int | None = None) -> tuple[str | None, str]:
    """Bring the database to the newest step, in one transaction; returns the steps before and after.

    A later step of the same generation is left as it is. The transaction keeps out writers and other migrations: of two
    that begin at once the second waits, and then finds nothing to do.
    width: entries in a partition, where another one is wanted than that of step 0008.
    """
    with store.writing(patient=True) as conn:
        before = current_step(conn)
        if before is not None and fits(before):
            return before, before
        config = _config()
        config.attributes["connection"] = conn
        if width is not None:
            config.attributes["width"] = width
        command.upgrade(config, "head")
        renew_rights(conn)
        return before, newest_step()


def current_step(conn: Connection) -> str | None:
    """The step that the database is at; None for an empty one."""
    return MigrationContext.configure(conn).get_current_revision()


def newest_step() -> str:
    """The newest step that this program knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def fits(step: str | None) -> bool:
    """Whether this program works on a database of that step: its own, or a later one of the same generation.

    The first digit of a step is its generation. Within one, steps only add: a program that knows nothing of them goes
    on working, so that replicas can be replaced one after the other. A step that takes away begins the next.
    """
    newest = newest_step()
    return step is not None and step >= newest and step[0] == newest[0]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config
