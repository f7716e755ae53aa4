"""Who may do what with the tables on PostgreSQL: rights of the role that serves, and of one that only reads.

The owner of the tables migrates, rebuilds and restores. The service needs far less: it appends, and nothing of what it
has appended can it change or delete. Rights are given table by table, and again after whatever makes a table anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from service.storage.sql import execute

_READ: Final = ("SELECT",)
_APPEND: Final = ("SELECT", "INSERT")
_CHANGE: Final = ("SELECT", "INSERT", "UPDATE")
_ALL: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")

API_RIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    # The log. The head moves, and a trigger lets it only grow (migration step 0008).
    "entries": _APPEND,
    "head": ("SELECT", "UPDATE"),
    "tiles": _CHANGE,
    "meta": ("SELECT", "INSERT", "UPDATE (value)"),
    "cosignatures": ("SELECT", "INSERT", "DELETE"),
    "alembic_version": _READ,
    # Beside it.
    "disclosures": ("SELECT", "INSERT", "UPDATE (text)"),
    "grants": ("SELECT", "INSERT", "UPDATE (revoked)"),
    "nonces": ("SELECT", "INSERT", "DELETE"),
    "verdicts": ("SELECT", "INSERT", "DELETE"),
    "verdict_records": ("SELECT", "INSERT", "DELETE"),
    "reference_files": _READ,
    "reference_snapshots": _READ,
    "anchors": _CHANGE,
    "anchor_transactions": _CHANGE,
    "anchor_sinks": _CHANGE,
    "lease": _CHANGE,
    # The index.
    "record_ids": _APPEND,
    "id_tiles": _ALL,
    "subjects": _CHANGE,
    "subject_records": _APPEND,
    "keys": _CHANGE,
    "tags": _ALL,
    "edges": _APPEND,
    "lot_origins": _APPEND,
    "lot_parties": _APPEND,
    "production": _APPEND,
    "site_statuses": _APPEND,
    "statements": _APPEND,
}
"""What the service does with each table."""

PRIVATE: Final = frozenset({"disclosures", "grants", "nonces", "verdicts", "verdict_records", "lease"})
"""Tables that a reader does not see: what was concealed, who may read it, and what processes say to each other."""


class Roles(NamedTuple):
    """Names of roles in the database; "" for none."""

    api: str = ""
    reader: str = ""


def create_roles(conn: Connection, roles: Roles) -> list[str]:
    """Make those that are not there, able to log in once they have a password; their names."""
    made = []
    for name in filter(None, roles):
        if execute(conn, "SELECT 1 FROM pg_roles WHERE rolname = ?", (name,)).first() is None:
            conn.exec_driver_sql(f"CREATE ROLE {_quote(conn, name)} LOGIN")
            made.append(name)
    return made


def grant_rights(conn: Connection, roles: Roles) -> None:
    """Give each role its rights on every table, and take from it whatever else it had there."""
    schema = execute(conn, "SELECT quote_ident(current_schema())").scalar_one()
    for name, rights in ((roles.api, API_RIGHTS), (roles.reader, _reader_rights())):
        if name:
            for statement in _grants(schema, _quote(conn, name), rights):
                conn.exec_driver_sql(statement)
    if roles.api:
        api = _quote(conn, roles.api)
        conn.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION lodeline_extend_entries(bigint) TO {api}")


def renew_rights(conn: Connection) -> None:
    """Give rights again to all who have any on the entries: tables were made since. Nothing on SQLite."""
    if conn.dialect.name == "sqlite":
        return
    for name, appends in execute(conn, _GRANTEES).fetchall():
        grant_rights(conn, Roles(api=name) if appends else Roles(reader=name))


def _grants(schema: str, role: str, rights: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    for table in API_RIGHTS:
        yield f"REVOKE ALL ON {table} FROM {role}"
        if rights.get(table):
            yield f"GRANT {', '.join(rights[table])} ON {table} TO {role}"


def _reader_rights() -> dict[str, tuple[str, ...]]:
    return {table: _READ for table in API_RIGHTS if table not in PRIVATE}


def _quote(conn: Connection, name: str) -> str:
    return conn.dialect.identifier_preparer.quote_identifier(name).replace("%", "%%")


_GRANTEES: Final = (
    "SELECT r.rolname, bool_or(x.privilege_type = 'INSERT') FROM pg_class c, aclexplode(c.relacl) x, pg_roles r "
    "WHERE c.oid = 'entries'::regclass AND r.oid = x.grantee AND x.grantee <> c.relowner GROUP BY r.rolname"
)
