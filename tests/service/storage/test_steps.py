"""Migration steps of one generation only add, so that the program before them goes on working beside the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from service.bootstrap import Service
from service.errors import Conflict
from service.storage.engine import Store
from service.storage.schema import SCRIPTS, fits, migrate, newest_step
from service.storage.sql import execute
from service.usecases.fsck import check_database
from service.usecases.open_log import RefuseToOpen
from service.usecases.reference import check_step
from service.usecases.replay import ReplayFailed, rebuild
from service.usecases.submit import Submission
from tests.support.server import SIGNER, candidates, database_url, list_partitions, new_service, upgrade
from tests.support.world import honest_world

pytestmark = pytest.mark.usefixtures("engine")

RULE_SINCE = "0006"
"""Steps up to this one were made before the rule."""


def steps() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


PAIRS = [(old, new) for old, new in zip(steps(), steps()[1:], strict=False) if old >= RULE_SINCE and old[0] == new[0]]


class Column(NamedTuple):
    kind: str
    nullable: bool
    filled: bool


class Table(NamedTuple):
    columns: dict[str, Column]
    demands: set[str]


def tables(conn: Connection) -> dict[str, Table]:
    """What statements rely on: columns, keys, and what a row must obey."""
    found, seen = {}, inspect(conn)
    for name in set(seen.get_table_names()) - set(list_partitions(conn)) - {"alembic_version"}:
        columns = {
            one["name"]: Column(str(one["type"]), bool(one["nullable"]), one.get("default") is not None)
            for one in seen.get_columns(name)
        }
        unique = [("unique", sorted(one["column_names"])) for one in seen.get_unique_constraints(name)]
        unique += [
            ("unique", sorted(filter(None, one["column_names"]))) for one in seen.get_indexes(name) if one["unique"]
        ]
        checks = [("check", one["sqltext"]) for one in seen.get_check_constraints(name)]
        key = ("key", seen.get_pk_constraint(name)["constrained_columns"])
        foreign = [("foreign", one["constrained_columns"]) for one in seen.get_foreign_keys(name)]
        found[name] = Table(columns, {repr(one) for one in (key, *unique, *checks, *foreign)})
    return found


def broken(old: dict[str, Table], new: dict[str, Table]) -> list[str]:
    """What the program of the old step would miss or trip over."""
    found = [f"{name} is gone" for name in old.keys() - new.keys()]
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        found += [
            f"{name}.{one} is gone or another"
            for one in before.columns
            if after.columns.get(one) != before.columns[one]
        ]
        fresh = after.columns.keys() - before.columns.keys()
        found += [
            f"{name}.{one} has to be filled" for one in fresh if not after.columns[one][1] and not after.columns[one][2]
        ]
        found += [f"{name} demands {one}" for one in before.demands ^ after.demands]
    return sorted(found)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(database_url(tmp_path))
    yield store
    store.close()


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_step_only_adds(store: Store, old: str, new: str) -> None:
    upgrade(store, old)
    with store.reading() as conn:
        before = tables(conn)
    upgrade(store, new)
    with store.reading() as conn:
        assert broken(before, tables(conn)) == []


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("ALTER TABLE cosignatures DROP COLUMN line", "cosignatures.line is gone or another"),
        ("ALTER TABLE cosignatures RENAME COLUMN line TO note", "cosignatures.line is gone or another"),
        ("DROP TABLE cosignatures", "cosignatures is gone"),
        ("CREATE UNIQUE INDEX one ON cosignatures (time)", "cosignatures demands ('unique', ['time'])"),
        ("ALTER TABLE cosignatures ADD COLUMN more TEXT NOT NULL DEFAULT ''", ""),
        ("ALTER TABLE cosignatures ADD COLUMN more TEXT", ""),
        ("CREATE INDEX one ON cosignatures (time)", ""),
    ],
)
def test_what_would_break_the_program_before_is_seen(store: Store, statement: str, why: str) -> None:
    migrate(store)
    with store.reading() as conn:
        before = tables(conn)
    with store.writing() as conn:
        conn.exec_driver_sql(statement)
    with store.reading() as conn:
        after = tables(conn)
    found = broken(before, after)
    assert (why in found) if why else found == []


def set_step(store: Store, step: str) -> None:
    with store.writing() as conn:
        execute(conn, "UPDATE alembic_version SET version_num = ?", (step,))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = new_service(tmp_path, honest_world())
    yield service
    service.close()


def submit(service: Service) -> Any:
    world = honest_world()
    (done,) = service.open_log().submit([Submission(candidates(world, service))], world.now * 1000)
    return {one.status for one in done.outcomes}


def test_the_program_before_works_on_later_steps_of_its_generation(service: Service) -> None:
    set_step(service.store, "1999")
    assert submit(service) == {"created"}
    check_step(service.store)
    assert migrate(service.store) == ("1999", "1999"), "left as it is"
    with pytest.raises(ReplayFailed, match="at migration step 1999"):
        rebuild(service.store, SIGNER.verifier)


@pytest.mark.parametrize("step", ["2000", "0009", "0999"])
def test_it_refuses_older_steps_and_the_next_generation(service: Service, step: str) -> None:
    set_step(service.store, step)
    with pytest.raises(RefuseToOpen, match=f"at migration step {step}, this program needs {newest_step()}"):
        submit(service)
    with pytest.raises(Conflict, match=f"at migration step {step}, this program needs {newest_step()}"):
        check_database(service.store, service.file, service.signer, now=0)


def test_generations() -> None:
    assert fits(newest_step())
    assert not fits(None)
    assert all(not fits(one) for one in steps()[:-1])
    assert all(len(one) == 4 and one.isdigit() for one in steps())
