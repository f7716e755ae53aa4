"""How columns are spelt, for every table."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer

# SQLite makes only an INTEGER key the row's own address; PostgreSQL wants the width spelt out.
BIG: Final = BigInteger().with_variant(Integer, "sqlite")

# Small rows found by their whole key live in the key's own tree on SQLite: half the pages.
BY_KEY: Final = {"sqlite_with_rowid": False}


def key(kind: Any) -> Column[Any]:
    """A column of the primary key, never chosen by the database."""
    return Column(kind, primary_key=True, autoincrement=False)


def column(kind: Any, *, nullable: bool = False) -> Column[Any]:
    """Any other column."""
    return Column(kind, nullable=nullable)
