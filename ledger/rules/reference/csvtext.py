"""CSV tables of our own definition: every column has a name, a spelling and a meaning, and nothing else is let in.

UTF-8 (a byte order mark is allowed), commas, the header in the first line with the columns in any order,
RFC 4180 quoting. `docs/formats/reference.md` is generated from these tables.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ledger.custody.quantity import parse_decimal
from ledger.errors import SnapshotError
from ledger.rules.reference.limits import MAX_CELLS, MAX_ROWS, MAX_TEXT, check_file, check_limit
from ledger.rules.reference.parsed import Parsed, parse_day
from ledger.rules.reference.rows import Row
from ledger.rules.reference.shapes import DEGREE_PLACES

Read = Callable[[str], Any]


class Spelling(NamedTuple):
    """How a cell is written: words for the documentation, what reads it (raising SnapshotError), what nothing means."""

    words: str
    read: Read
    empty: Any = ""


class Column(NamedTuple):
    """A column: name in the header and of the row's member; required: the cell may not be empty."""

    name: str
    spelling: Spelling
    about: str
    required: bool = True


class Table(NamedTuple):
    """A CSV format. build: makes a row of the cells by name; foreign: other columns are ignored, not refused."""

    columns: tuple[Column, ...]
    build: Callable[..., Row]
    foreign: bool = False


def _pattern(words: str, pattern: str, make: Read = str, empty: Any = "") -> Spelling:
    compiled = re.compile(pattern)

    def read(text: str) -> Any:
        if compiled.fullmatch(text) is None:
            raise SnapshotError(f"'{text[:40]}' is not {words}.")
        return make(text)

    return Spelling(words, read, empty)


def _places(places: int) -> Read:
    def make(text: str) -> int:
        sign = -1 if text.startswith("-") else 1
        return sign * parse_decimal(text.removeprefix("-"), places)

    return make


def _strict_day(text: str) -> str:
    day = parse_day(text, "The cell")
    if day != text:
        raise SnapshotError(f"'{text[:40]}' is not a day YYYY-MM-DD.")
    return day


TEXT: Final = _pattern("text without control characters, at most 500", r"[^\x00-\x1f\x7f]{1,500}")
CODE: Final = _pattern("a code, at most 80 characters", r"[A-Za-z0-9][A-Za-z0-9 ._:/#@+()&',-]{0,79}")
COUNTRY: Final = _pattern("an ISO 3166-1 alpha-2 code", r"[A-Z]{2}")
SUBDIVISION: Final = _pattern("an ISO 3166-2 code", r"[A-Z]{2}-[A-Z0-9]{1,3}")
ANALYTE: Final = _pattern("an element symbol or a compound", r"[A-Z][A-Za-z0-9().]{0,39}")
DAY: Final = Spelling("a day `YYYY-MM-DD`", _strict_day)
MONTH: Final = _pattern("a month `YYYY-MM`", r"[12][0-9]{3}-(?:0[1-9]|1[0-2])")
PERIOD: Final = _pattern("a year `YYYY` or a month `YYYY-MM`", r"[12][0-9]{3}(?:-(?:0[1-9]|1[0-2]))?")
MASS: Final = _pattern("kg with at most 6 decimals", r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?", _places(6), None)
RATE: Final = _pattern("% with at most 6 decimals", r"(?:100|[1-9]?[0-9])(?:\.[0-9]{1,6})?", _places(6))
PRICE: Final = _pattern("USD per kg with at most 6 decimals", r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?", _places(6))
COUNT: Final = _pattern("a whole number", r"0|[1-9][0-9]{0,8}", int, None)
HS: Final = _pattern("an HS code of 4 to 8 digits", r"[0-9]{4,8}")
LONGITUDE: Final = _pattern(
    "degrees with at most 7 decimals, within 180",
    r"-?(?:180(?:\.0{1,7})?|(?:1[0-7][0-9]|[1-9]?[0-9])(?:\.[0-9]{1,7})?)",
    _places(DEGREE_PLACES),
    None,
)
LATITUDE: Final = _pattern(
    "degrees with at most 7 decimals, within 90",
    r"-?(?:90(?:\.0{1,7})?|[1-8]?[0-9](?:\.[0-9]{1,7})?)",
    _places(DEGREE_PLACES),
    None,
)


def choice(*words: str) -> Spelling:
    """One of these words."""

    def read(text: str) -> str:
        if text not in words:
            raise SnapshotError(f"'{text[:40]}' is not one of {', '.join(words)}.")
        return text

    return Spelling("one of " + ", ".join(f"`{word}`" for word in words), read)


def several(one: Spelling) -> Spelling:
    """A list of such cells with `;` between them."""

    def read(text: str) -> tuple[Any, ...]:
        return tuple(one.read(part.strip()) for part in text.split(";"))

    return Spelling(f"`;`-separated: {one.words}", read, ())


def parse_table(raw: bytes, table: Table) -> Parsed:
    """The rows of a CSV file. Raises SnapshotError (values: row, column; the header is row 1) and TooLarge."""
    check_file(raw)
    try:
        lines = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        header = _check_header(next(lines, []), table)
        rows = []
        for row, cells in enumerate(filter(None, lines), 2):
            check_limit("rows", row - 1, MAX_ROWS)
            if len(cells) != len(header):
                raise SnapshotError(f"Row {row} has {len(cells)} cells, the header {len(header)}.", row=row)
            rows.append(_read_row(dict(zip(header, cells, strict=True)), table, row))
    except UnicodeDecodeError:
        raise SnapshotError("The file is not UTF-8 text.") from None
    except csv.Error as error:
        raise SnapshotError(f"This is not whole CSV: {error}.") from None
    return Parsed(tuple(rows))


def _check_header(header: list[str], table: Table) -> list[str]:
    check_limit("columns", len(header), MAX_CELLS)
    names = [cell.strip() for cell in header]
    known = [column.name for column in table.columns]
    for name in (name for name in known if name not in names):
        raise SnapshotError(f"The column `{name}` is missing from the header.", row=1, column=name)
    for name in names:
        if names.count(name) > 1:
            raise SnapshotError(f"The column `{name[:60]}` stands twice in the header.", row=1, column=name[:60])
        if name not in known and not table.foreign:
            raise SnapshotError(f"There is no column `{name[:60]}` in this format.", row=1, column=name[:60])
    return names


def _read_row(cells: Mapping[str, str], table: Table, row: int) -> Row:
    values: dict[str, Any] = {}
    for column in table.columns:
        text = cells[column.name].strip()
        check_limit(f"characters in row {row}, column `{column.name}`", len(text), MAX_TEXT)
        try:
            if not text and column.required:
                raise SnapshotError("it is empty")
            values[column.name] = column.spelling.read(text) if text else column.spelling.empty
        except SnapshotError as error:
            reason = error.message.rstrip(".")
            raise SnapshotError(f"Row {row}, column `{column.name}`: {reason}.", row=row, column=column.name) from None
    if values.get("end") and values["end"] < values.get("start", ""):
        raise SnapshotError(f"Row {row} ends on {values['end']}, before it starts.", row=row, column="end")
    try:
        return table.build(**values)
    except SnapshotError as error:
        raise SnapshotError(f"Row {row}: {error.message}", row=row, **error.values) from None
