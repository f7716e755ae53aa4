"""Reads of subjects: one by id, pages of one kind, names of numbers.

Pages go by number (`num > after ORDER BY num`), which is the order in which the log made the
subjects: a page never shifts under a reader, and new subjects come at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Row, bindparam, text

_COLUMNS: Final = "s.num, s.id, s.kind, s.status, s.seq, s.data"


class SubjectFound(NamedTuple):
    """A subject's number, id, kind, status, entry of its head, and canonical JSON."""

    num: int
    id: str
    kind: str
    status: str
    seq: int
    data: str


class LotFilter(NamedTuple):
    """What a list of lots is narrowed to; None leaves a member open."""

    status: str | None = None
    mineral: str | None = None
    custodian: int | None = None


def numbers(name: str) -> Any:
    """A parameter that stands for a list of numbers, written into the statement as literals."""
    return bindparam(name, type_=BigInteger(), expanding=True, literal_execute=True)


def find_subject(conn: Connection, subject: str) -> SubjectFound | None:
    """The subject with this id, of whatever kind."""
    row = conn.execute(_FIND, {"id": subject}).first()
    return _found(row) if row else None


_FIND: Final = text(f"SELECT {_COLUMNS} FROM subjects s WHERE s.id = :id")  # noqa: S608  # constant columns


def find_subjects(conn: Connection, subjects: Collection[str]) -> dict[str, SubjectFound]:
    """The subjects with these ids, as far as there are any."""
    statement = _FIND_MANY
    rows = conn.execute(statement, {"ids": list(subjects)}) if subjects else ()
    return {row.id: _found(row) for row in rows}


_FIND_MANY: Final = text(f"SELECT {_COLUMNS} FROM subjects s WHERE s.id IN :ids").bindparams(  # noqa: S608  # constant
    bindparam("ids", expanding=True)
)


def find_numbers(conn: Connection, subjects: Collection[str]) -> frozenset[int]:
    """The numbers of the subjects with these ids."""
    return frozenset(conn.execute(_NUMBERS, {"ids": list(subjects)}).scalars()) if subjects else frozenset()


_NUMBERS: Final = text("SELECT s.num FROM subjects s WHERE s.id IN :ids").bindparams(bindparam("ids", expanding=True))


def load_subjects(conn: Connection, nums: Collection[int]) -> dict[int, SubjectFound]:
    """The subjects with these numbers."""
    rows = conn.execute(_LOAD, {"nums": list(nums)}) if nums else ()
    return {row.num: _found(row) for row in rows}


_LOAD: Final = text(f"SELECT {_COLUMNS} FROM subjects s WHERE s.num IN :nums").bindparams(numbers("nums"))  # noqa: S608


def list_subjects(
    conn: Connection, kind: str, *, after: int, limit: int, filters: Mapping[str, str | int | None]
) -> list[SubjectFound]:
    """A page of participants or sites; filters: column (status, country, holder) -> value."""
    where, values = _where(filters)
    statement = text(
        f"SELECT {_COLUMNS} FROM subjects s WHERE s.kind = :kind AND s.kind <> 'lot' AND s.num > :after{where} "  # noqa: S608
        "ORDER BY s.num LIMIT :limit"  # `kind <> 'lot'` repeats the condition of the partial index
    )
    rows = conn.execute(statement, {"kind": kind, "after": after, "limit": limit, **values})
    return [_found(row) for row in rows]


class LotPage(NamedTuple):
    """lots: found; looked: the number up to which was looked, None when that was the end of the list."""

    lots: list[SubjectFound]
    looked: int | None


def list_lots(conn: Connection, chosen: LotFilter, *, after: int, limit: int, most: int) -> LotPage:
    """A page of all lots, for readers who may see every one. most: lots to look at, however few of them are chosen."""
    source = _ALL_LOTS
    if chosen.custodian is not None:  # always a party of the lot: that index is short
        source = _PARTY_LOTS.format(party="holder")
    return _page_lots(conn, source, chosen, {"after": after, "limit": limit, "most": most})


def list_lots_of(
    conn: Connection, chosen: LotFilter, *, party: int, granted: Collection[int], after: int, limit: int, most: int
) -> LotPage:
    """A page of the lots that participant `party` holds, held, sent or awaits, and of those granted."""
    values = {"party": party, "granted": list(granted) or [-1], "after": after, "limit": limit, "most": most}
    return _page_lots(conn, _OWN_LOTS, chosen, values)


_ALL_LOTS: Final = "SELECT num FROM subjects WHERE kind = 'lot' AND num > :after ORDER BY num LIMIT :most"
_PARTY_LOTS: Final = (
    "SELECT lot AS num FROM lot_parties WHERE participant = :{party} AND lot > :after ORDER BY lot LIMIT :most"
)
_OWN_LOTS: Final = (
    f"SELECT num FROM (SELECT num FROM ({_PARTY_LOTS.format(party='party')}) p UNION "  # noqa: S608  # constants
    "SELECT num FROM subjects WHERE num IN :granted AND num > :after) o ORDER BY num LIMIT :most"
)


def _page_lots(conn: Connection, source: str, chosen: LotFilter, values: dict[str, Any]) -> LotPage:
    """source: numbers to look at, rising, `most` of them."""
    where, filters = _where({"status": chosen.status, "mineral": chosen.mineral, "holder": chosen.custodian})
    statement = text(
        f"SELECT {_COLUMNS} FROM ({source}) c JOIN subjects s ON s.num = c.num WHERE s.kind = 'lot'{where} "  # noqa: S608
        "ORDER BY c.num LIMIT :limit"
    )
    looking = text(f"SELECT count(*), max(num) FROM ({source}) c")  # noqa: S608  # constants
    if "granted" in values:
        statement, looking = (one.bindparams(numbers("granted")) for one in (statement, looking))
    lots = [_found(row) for row in conn.execute(statement, values | filters)]
    if len(lots) == values["limit"]:
        return LotPage(lots, lots[-1].num)
    count, last = conn.execute(looking, values | filters).one()
    return LotPage(lots, last if count == values["most"] else None)


def _where(filters: Mapping[str, str | int | None]) -> tuple[str, dict[str, str | int]]:
    """`AND s.column = :column` for each filter that is set; columns are names in this module's callers."""
    chosen = {column: value for column, value in filters.items() if value is not None}
    return "".join(f" AND s.{column} = :{column}" for column in chosen), chosen


def _found(row: Row[Any]) -> SubjectFound:
    return SubjectFound(row.num, row.id, row.kind, row.status, row.seq, row.data)
