"""Real roles on a real PostgreSQL: the service works as a role that can change or delete nothing of the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from service.app import create_app
from service.bootstrap import Service, wire
from service.storage.engine import DatabaseError, Store
from service.storage.head import read_head
from service.storage.read_log import CosignatureFound, add_cosignature, write_witnessed
from service.storage.roles import API_RIGHTS, PRIVATE, Roles, create_roles, grant_rights
from service.storage.schema import migrate, newest_step
from service.storage.sql import execute
from service.storage.tables import METADATA
from service.usecases.fsck import check_database
from service.usecases.replay import rebuild
from tests.service.api.harness import (
    LOG_KEY,
    Desk,
    listening,
    make_service,
    run_chain,
    send_concealed,
    settle_in,
)
from tests.service.test_manage import Operator, operator
from tests.support.postgres import administer
from tests.support.server import downgrade
from tests.support.world import AUDITOR, BUYER, MINER, SMELTER, empty_world, new_lot

__all__ = ["operator"]  # a fixture of the operator's commands

ROLES = Roles(f"lodeline_api_{os.getpid()}", f"lodeline reader's {os.getpid()}")
EVERY = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")


@pytest.fixture(scope="module")
def engine(postgres: object) -> str:
    return "postgres"


@pytest.fixture
def desk(tmp_path: Path, engine: str) -> Iterator[Desk]:
    """A log made by the owner, with rights for both roles; nobody serves it yet."""
    desk = Desk(keys=dict(empty_world().keys))
    owner = desk.service = make_service(tmp_path, desk)
    with owner.store.writing() as conn:
        assert create_roles(conn, ROLES) == list(ROLES)
        assert create_roles(conn, ROLES) == []
        grant_rights(conn, ROLES)
    yield desk
    drop_roles(owner.store)
    owner.close()


def drop_roles(store: Store) -> None:
    with administer(store.url, store.url.database) as conn:
        for name in ROLES:
            quoted = '"' + name + '"'
            conn.execute(f"DROP OWNED BY {quoted}")  # type: ignore[arg-type]  # our own name
            conn.execute(f"DROP ROLE {quoted}")  # type: ignore[arg-type]


def as_role(service: Service, role: str) -> str:
    return service.store.url.set(username=role).render_as_string(hide_password=False)


@pytest.fixture
def api(desk: Desk) -> Iterator[Store]:
    store = Store(as_role(desk.service, ROLES.api))
    yield store
    store.close()


def test_the_whole_service_works_as_the_api_role(desk: Desk) -> None:
    owner = desk.service
    settings = replace(owner.settings, database=as_role(owner, ROLES.api))
    desk.service = wire(settings, clock=owner.context.clock)
    with listening(create_app(desk.service)) as desk.client:
        settle_in(desk)
        run_chain(desk)
        desk.extract(new_lot("lot:c"))
        signed = send_concealed(desk, "lot:c")
        assert desk.delete(f"/v1/records/{signed.id}/disclosures", MINER).status_code == 200
        grant = desk.give(desk.grant(SMELTER, BUYER, "lot:5"))
        assert grant.status_code == 201, grant.text
        assert desk.delete(f"/v1/grants/{grant.json()['jti']}", SMELTER).status_code in (200, 204)
        assert desk.get("/v1/lots/lot:5/provenance", AUDITOR).status_code == 200
        assert desk.get("/readyz").status_code == 200
        with desk.service.store.writing() as conn:
            add_cosignature(conn, CosignatureFound(1, "w", 1, "line"))
            add_cosignature(conn, CosignatureFound(2, "w", 2, "line"))
            write_witnessed(conn, "one")
            write_witnessed(conn, "two")
    desk.service = owner
    with owner.store.writing() as conn:
        execute(conn, "DELETE FROM cosignatures")  # they were no real ones
    assert check_database(owner.store, owner.file, LOG_KEY, now=desk.now + 10).sound
    with owner.store.reading() as conn:
        head = read_head(conn)
    assert head is not None
    assert head.size == len(desk.log)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET entry = ''",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "DROP TABLE entries",
        "ALTER TABLE entries ADD COLUMN more int",
        "UPDATE entries_000000000000000 SET entry = ''",
        "SELECT * FROM entries_000000000000000",
        "INSERT INTO entries VALUES (0, '') ON CONFLICT (seq) DO UPDATE SET entry = ''",
        "DELETE FROM head",
        "TRUNCATE head",
        "UPDATE head SET size = size - 1",
        "UPDATE head SET checkpoint = 'another'",
        "ALTER TABLE head DISABLE TRIGGER head_only_grows",
        "DROP FUNCTION lodeline_guard_head() CASCADE",
        "CREATE TABLE entries_of_mine (seq int)",
        "UPDATE meta SET name = 'other'",
        "UPDATE disclosures SET digest = ''",
        "DELETE FROM disclosures",
        "DELETE FROM tiles",
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE reference_files SET data = ''",
        "SET ROLE postgres",
        "SET session_replication_role = 'replica'",
    ],
)
def test_what_the_api_role_cannot_do(desk: Desk, api: Store, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner|only grows"), api.writing() as conn:
        conn.exec_driver_sql(statement)


def test_the_head_grows_for_it(desk: Desk, api: Store) -> None:
    with api.writing() as conn:
        assert conn.exec_driver_sql("UPDATE head SET size = size + 1").rowcount == 1
        conn.rollback()
    with desk.service.store.writing() as conn:  # the owner may do everything
        assert conn.exec_driver_sql("UPDATE head SET checkpoint = checkpoint").rowcount == 1


def rights(store: Store, role: str) -> dict[str, set[str]]:
    """Rights on whole tables, in fact."""
    with store.reading() as conn:
        return {
            table: {
                right
                for right in EVERY
                if execute(conn, "SELECT has_table_privilege(?, ?, ?)", (role, table, right)).scalar_one()
            }
            for table in API_RIGHTS
        }


def check_rights(store: Store) -> None:
    whole = {table: {one for one in given if "(" not in one} for table, given in API_RIGHTS.items()}
    assert rights(store, ROLES.api) == whole
    assert rights(store, ROLES.reader) == {table: set() if table in PRIVATE else {"SELECT"} for table in API_RIGHTS}


def test_every_table_has_its_rights_and_no_more(desk: Desk) -> None:
    assert set(API_RIGHTS) == set(METADATA.tables) | {"alembic_version"}
    assert set(API_RIGHTS) >= PRIVATE
    store = desk.service.store
    check_rights(store)
    with store.writing() as conn:
        for role in ROLES:
            conn.exec_driver_sql(f'GRANT DELETE, TRUNCATE ON entries, head TO "{role}"')
    with pytest.raises(AssertionError):
        check_rights(store)
    with store.writing() as conn:
        grant_rights(conn, ROLES)
    check_rights(store)


def test_rights_outlive_a_rebuild_and_a_migration(desk: Desk) -> None:
    store = desk.service.store
    rebuild(store, LOG_KEY.verifier)
    check_rights(store)
    with store.writing() as conn:
        conn.exec_driver_sql(f'REVOKE ALL ON lease FROM "{ROLES.api}"')
    migrate(store)
    with pytest.raises(AssertionError):
        check_rights(store)  # there was nothing to migrate
    downgrade(store, "0008")
    assert migrate(store) == ("0008", newest_step())
    check_rights(store)


def test_the_reader_reads_what_is_not_private(desk: Desk) -> None:
    store = Store(as_role(desk.service, ROLES.reader))
    with store.reading() as conn:
        assert execute(conn, "SELECT count(*) FROM entries").scalar_one() == 1
    for statement in ("SELECT * FROM disclosures", "SELECT * FROM lease", "SELECT lodeline_extend_entries(1)"):
        with pytest.raises(DatabaseError, match="permission denied"), store.aside() as conn:
            conn.exec_driver_sql(statement)
    with pytest.raises(DatabaseError, match="permission denied"), store.aside() as conn:
        execute(conn, "INSERT INTO entries VALUES (?, ?)", (1, b""))
    store.close()


def test_the_command(operator: Operator, engine: str) -> None:
    assert "lodeline-server migrate" in operator.run("roles", "--api", ROLES.api, code=1)
    operator.init()
    done = orjson.loads(operator.run("roles", "--api", ROLES.api, "--reader", ROLES.reader, "--create", "--json"))
    assert done == {"api": ROLES.api, "reader": ROLES.reader, "created": ", ".join(ROLES)}
    store = Store(operator.database)
    check_rights(store)
    assert operator.json("roles", "--api", ROLES.api)["created"] == ""
    assert "--api" in operator.run("roles", code=2)
    assert "--api" in operator.run("roles", "--api", "x", "--reader", "x", code=2)
    assert "nobody_of_this_name" in operator.run("roles", "--api", "nobody_of_this_name", code=1)
    drop_roles(store)
    store.close()
    operator.database = ""
    assert "Roles are for PostgreSQL" in operator.run("roles", "--api", ROLES.api, code=2)
