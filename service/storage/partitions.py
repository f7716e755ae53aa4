"""Room for entries: on PostgreSQL their table is cut into partitions by number, made ahead of need.

There is always an empty partition behind the one that is being filled. The database makes them itself, in a function
of migration step 0008 that runs as the owner of the tables: whoever appends has no right to
make any. On SQLite there is one table.
"""

from __future__ import annotations

import math

from sqlalchemy import Connection

from service.storage.sql import execute_raw


def make_room(conn: Connection, past: int) -> float:
    """Make room for entries up to `past` (excluded), in this transaction; returns how far nobody need ask again."""
    if conn.dialect.name == "sqlite":
        return math.inf
    return int(execute_raw(conn, "SELECT lodeline_extend_entries(?)", (past,)).fetchone()[0])
