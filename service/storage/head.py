"""The head row: where the log stands, moved only by compare-and-swap."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from service.storage.sql import execute, execute_raw


class Head(NamedTuple):
    """size, root: of the tree; logged: ms of the newest entry; subjects: numbers given away; checkpoint: its note."""

    size: int
    root: bytes
    logged: int
    subjects: int
    checkpoint: str


class HeadMoved(Exception):
    """Another writer has moved the head since it was read; nothing was written."""


def read_head(conn: Connection) -> Head | None:
    """The head; None before `lodeline-server init`."""
    row = execute_raw(conn, "SELECT size, root, logged, subjects, checkpoint FROM head WHERE id = 1").fetchone()
    return Head(row[0], bytes(row[1]), row[2], row[3], row[4]) if row else None


def insert_head(conn: Connection, head: Head) -> None:
    """The first head of a new log."""
    execute(conn, "INSERT INTO head (id, size, root, logged, subjects, checkpoint) VALUES (1, ?, ?, ?, ?, ?)", head)


def swap_head(conn: Connection, old: Head, new: Head) -> None:
    """Replace `old` by `new`; raises HeadMoved when the head is no longer `old`."""
    moved = execute_raw(
        conn,
        "UPDATE head SET size = ?, root = ?, logged = ?, subjects = ?, checkpoint = ? "
        "WHERE id = 1 AND size = ? AND root = ?",
        (*new, old.size, old.root),
    )
    if moved.rowcount != 1:
        raise HeadMoved


def read_meta(conn: Connection) -> dict[str, str]:
    """The facts of this installation."""
    return {row.name: row.value for row in execute(conn, "SELECT name, value FROM meta")}


def insert_meta(conn: Connection, name: str, value: str) -> None:
    """State a fact of this installation, once."""
    execute(conn, "INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))
