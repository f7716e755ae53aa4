"""Reads of the lot graph: which lots came from which, and whose they were on the way.

Closures are recursive CTEs with UNION (a node once), never UNION ALL (a row per path): a graph of
a few thousand lots has hundreds of thousands of paths. Arithmetic along the edges is left to
`ledger.custody.provenance`; here is only all that it needs, read in one statement.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, text

from service.storage.read_subjects import numbers
from service.storage.sql import execute

Direction = Literal["up", "down"]


class EdgeFound(NamedTuple):
    """`mass` kg of lot `parent` went into lot `child` by entry `seq`; both lots by number."""

    child: int
    parent: int
    mass: str
    seq: int


_UP: Final = text(
    "WITH RECURSIVE near(num) AS (SELECT num FROM subjects WHERE num = :lot UNION "
    "SELECT e.parent FROM near n JOIN edges e ON e.child = n.num) "
    "SELECT e.child, e.parent, e.mass, e.seq FROM near n JOIN edges e ON e.child = n.num LIMIT :limit"
)
_DOWN: Final = text(
    "WITH RECURSIVE near(num) AS (SELECT num FROM subjects WHERE num = :lot UNION "
    "SELECT e.child FROM near n JOIN edges e ON e.parent = n.num) "
    "SELECT e.child, e.parent, e.mass, e.seq FROM near n JOIN edges e ON e.parent = n.num LIMIT :limit"
)


def read_edges(conn: Connection, lot: int, direction: Direction, *, limit: int) -> list[EdgeFound]:
    """Edges above or below a lot, nearest first as the engines walk it, at most `limit`."""
    rows = conn.execute(_UP if direction == "up" else _DOWN, {"lot": lot, "limit": limit})
    return [EdgeFound(*row) for row in rows]


ChainRow = tuple[int, int | None, str, str, str, int, int, str | None]
"""A lot; one of those that it was made from (None: extracted), the mass taken, its quality then (% of water, assay as
canonical JSON), by which entry; the site where the lot came into being, and under which model (None: extracted)."""

_CHAIN: Final = text(
    "WITH RECURSIVE near(num) AS (SELECT num FROM subjects WHERE num IN :lots UNION "
    "SELECT e.parent FROM near n JOIN edges e ON e.child = n.num) "
    "SELECT n.num, e.parent, e.mass, e.moisture, e.assay, e.seq, o.site, o.model "
    "FROM (SELECT num FROM near LIMIT :many) n JOIN lot_origins o ON o.lot = n.num "
    "LEFT JOIN edges e ON e.child = n.num LIMIT :rows"
).bindparams(numbers("lots"))

ROWS_PER_LOT: Final = 8
"""A chain has at most so many rows per lot that it may have: a row for each input."""


def read_chain(conn: Connection, lots: Collection[int], *, limit: int) -> list[ChainRow] | None:
    """Everything upstream of these lots and they themselves, a row per input, in no order.

    None when there are more than `limit` lots, or too many inputs.
    """
    most = limit * ROWS_PER_LOT
    result: Any = conn.execute(_CHAIN, {"lots": list(lots), "many": limit + 1, "rows": most + 1})
    found: list[ChainRow] = result.cursor.fetchall()  # the driver's own tuples: there may be many
    return None if len(found) > most or len({row[0] for row in found}) > limit else found


_BELOW: Final = (
    "WITH RECURSIVE below(num) AS (SELECT num FROM subjects WHERE num IN :lots UNION "
    "SELECT e.child FROM below b JOIN edges e ON e.parent = b.num) "
)
_LINKED: Final = text(
    f"{_BELOW}SELECT 1 FROM below b JOIN lot_parties p ON p.lot = b.num AND p.participant = :party LIMIT 1"  # noqa: S608
).bindparams(numbers("lots"))
_REACHED: Final = text(f"{_BELOW}SELECT num FROM below WHERE num IN :among").bindparams(  # noqa: S608  # constants
    numbers("lots"), numbers("among")
)


def is_linked(conn: Connection, lots: Collection[int], party: int) -> bool:
    """Whether the participant is a party of one of these lots, or of any lot made from them."""
    return bool(lots) and conn.execute(_LINKED, {"lots": list(lots), "party": party}).first() is not None


def reached_from(conn: Connection, lots: Collection[int], among: Collection[int]) -> set[int]:
    """Those of `among` that are one of `lots` or were made from them."""
    if not lots or not among:
        return set()
    return set(conn.execute(_REACHED, {"lots": list(lots), "among": list(among)}).scalars())


_PARTY: Final = text("SELECT lot FROM lot_parties WHERE participant = :party AND lot IN :lots").bindparams(
    numbers("lots")
)


def lots_of_party(conn: Connection, party: int, lots: Collection[int]) -> set[int]:
    """Those of `lots` that the participant itself holds, held, sent or awaits."""
    return set(conn.execute(_PARTY, {"party": party, "lots": list(lots)}).scalars()) if lots else set()


OriginRow = tuple[int, int, str | None, int | None, str, str, str, int]
"""A lot, the site where it came into being, the model (None: extracted); a lot that it was made from (None: extracted),
the mass taken, its moisture and assay then, by which entry."""

_ORIGINS: Final = (
    "SELECT o.lot, o.site, o.model, e.parent, e.mass, e.moisture, e.assay, e.seq "
    "FROM lot_origins o LEFT JOIN edges e ON e.child = o.lot WHERE o.lot > ? AND o.lot <= ? ORDER BY o.lot, e.parent"
)


def list_origins(conn: Connection, after: int, upto: int) -> list[OriginRow]:
    """How the lots with numbers above `after`, up to `upto`, came into being, a row per input, in order."""
    found: list[OriginRow] = execute(conn, _ORIGINS, (after, upto)).cursor.fetchall()
    return found
