"""A real log in a real database for tests: made from a `World`, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from ledger.envelope import SignedRecord, parse_record
from ledger.errors import LedgerError
from ledger.log.note import Ed25519Signer
from service.adapters.keystore import save_log_key
from service.bootstrap import Service, wire
from service.config import Settings
from service.storage.derived import iterate_rows
from service.storage.engine import Store
from service.storage.schema import SCRIPTS, migrate
from service.storage.sql import execute
from service.storage.tables import DERIVED
from service.usecases.check import Candidate, check_presentation
from service.usecases.create_log import create_log
from service.usecases.submit import Item
from tests.support.engines import database_url as database_url
from tests.support.world import ORIGIN, World

SIGNER = Ed25519Signer(ORIGIN, b"the log's key".ljust(32, b"."))


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def new_service(folder: Path, world: World, **parts: Any) -> Service:
    """A service whose log holds the world's genesis; parts: seams for `service.bootstrap.wire`."""
    settings = Settings(state=folder, database=database_url(folder), workers=0)
    save_log_key(settings.key_file, SIGNER)
    parts.setdefault("clock", Clock(world.now + 1000))
    service = wire(settings, **parts)
    migrate(service.store)
    genesis = SignedRecord(parse_record(world.log[0].split(b" ")[1]), ())
    create_log(service.store, service.file, service.signer, genesis, now=world.now * 1000)
    return service


def candidate(signed: SignedRecord | bytes, service: Service) -> Candidate:
    """A record (or a log entry) that passed the stateless checks."""
    text = signed.text if isinstance(signed, SignedRecord) else signed.split(b" ")[1]
    return check_presentation(text, service.keys.get)


def candidates(world: World, service: Service, first: int = 1, past: int | None = None) -> list[Item]:
    """The records of a world's log as candidates, by default all behind its genesis."""
    items: list[Item] = []
    for entry in world.log[first:past]:
        record_id = parse_record(entry.split(b" ")[1]).id
        text = "~".join((entry.split(b" ")[1].decode(), *world.disclosures.get(record_id, ()), ""))
        items.append(check_presentation(text, service.keys.get))
    return items


def checked(text: str | bytes, service: Service) -> Item:
    """A candidate, or the refusal in its place, as the API hands it on."""
    try:
        return check_presentation(text, service.keys.get)
    except LedgerError as error:
        return error


def dump(store: Store, tables: Sequence[str] = DERIVED) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of these tables in the order of their keys."""
    with store.reading() as conn:
        return {name: list(iterate_rows(conn, name)) for name in tables}


def downgrade(store: Store, step: str) -> None:
    """Take the database back to an earlier migration step."""
    _migrate(store, step, command.downgrade)


def upgrade(store: Store, step: str) -> None:
    """Bring the database to a migration step, not to the newest."""
    _migrate(store, step, command.upgrade)


def _migrate(store: Store, step: str, way: Callable[[Config, str], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with store.writing() as conn:
        config.attributes["connection"] = conn
        way(config, step)


def list_partitions(conn: Connection) -> list[str]:
    """The tables that hold the entries, in their order; none where there is but one table."""
    if conn.dialect.name == "sqlite":
        return []
    rows = execute(
        conn,
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'entries'::regclass ORDER BY c.relname",
    )
    return [str(row[0]) for row in rows]
