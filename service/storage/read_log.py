"""What witnesses said of the log: cosignatures, and the newest checkpoint that has them."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, text


class CosignatureFound(NamedTuple):
    """A witness's line on the checkpoint of `size`; time: seconds."""

    size: int
    witness: str
    time: int
    line: str


_COSIGNATURES: Final = text("SELECT size, witness, time, line FROM cosignatures WHERE size = :size ORDER BY witness")
_LATEST: Final = text("SELECT witness, MAX(size) AS size FROM cosignatures GROUP BY witness ORDER BY witness")


def cosignatures_of(conn: Connection, size: int) -> list[CosignatureFound]:
    """The cosignatures on the checkpoint of this size, by witness."""
    return [CosignatureFound(*row) for row in conn.execute(_COSIGNATURES, {"size": size})]


def newest_cosigned(conn: Connection) -> dict[str, int]:
    """For each witness the largest size that it cosigned."""
    return {row.witness: row.size for row in conn.execute(_LATEST)}


_ADD: Final = text(
    "INSERT INTO cosignatures (size, witness, time, line) VALUES (:size, :witness, :time, :line) "
    "ON CONFLICT (size, witness) DO NOTHING"
)
_PRUNE: Final = text("DELETE FROM cosignatures WHERE witness = :witness AND size < :size")


def add_cosignature(conn: Connection, found: CosignatureFound) -> None:
    """Keep a cosignature, in place of this witness's older ones."""
    conn.execute(_ADD, found._asdict())
    conn.execute(_PRUNE, {"witness": found.witness, "size": found.size})


_READ_WITNESSED: Final = text("SELECT value FROM meta WHERE name = 'witnessed'")
_WRITE_WITNESSED: Final = text(
    "INSERT INTO meta (name, value) VALUES ('witnessed', :note) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def read_witnessed(conn: Connection) -> str | None:
    """The newest checkpoint with its cosignatures, as a whole note; the head may be further."""
    found = conn.execute(_READ_WITNESSED).scalar()
    return None if found is None else str(found)


def write_witnessed(conn: Connection, note: str) -> None:
    """Keep a cosigned checkpoint in place of the one before it."""
    conn.execute(_WRITE_WITNESSED, {"note": note})
