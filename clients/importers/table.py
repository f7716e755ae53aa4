"""A table as read from a file: a header and rows of cells that know what they were (text, number, date, formula ...).

Reading knows no meaning: which columns there must be and what a value may look like stands in `fields` and `values`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clients.importers.faults import Fault, FileRefused
from clients.sdk.files import read_limited


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most: bytes of the file, bytes unpacked (xlsx), data rows, columns, characters in a cell."""

    file_bytes: int = 32 * 1024 * 1024
    unpacked_bytes: int = 256 * 1024 * 1024
    rows: int = 50_000
    columns: int = 100
    cell: int = 4_000


@dataclass(frozen=True, slots=True)
class Cell:
    """kind: text, number, date (text is ISO 8601 without zone), percent, boolean, formula, error."""

    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """number: as a spreadsheet program shows it, the first line being 1."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def empty(self) -> bool:
        """True when no cell holds anything."""
        return not any(cell.text for cell in self.cells)


@dataclass(slots=True)
class Table:
    """Header texts by position, the rows that have the right shape, and faults of those that have not."""

    header: tuple[str, ...] = ()
    header_row: int = 1
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read the file, from the mapping: encoding and delimiter (CSV), sheet (Excel), row of the header."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: int = 1


def read_table(path: Path, layout: Layout | None = None, limits: Limits | None = None) -> Table:
    """Read a .csv or .xlsx by its content, not its name; raises FileRefused when it is no table at all."""
    layout, limits = layout or Layout(), limits or Limits()
    content = read_limited(path, limits.file_bytes)
    return _reader(content)(content, layout, limits)


def _reader(content: bytes) -> Callable[[bytes, Layout, Limits], Table]:
    if content.startswith(b"PK\x03\x04"):
        from clients.importers.excel_file import read_excel

        return read_excel
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        message = (
            "This is an old or password-protected Excel file: save it as .xlsx without a password, or as CSV UTF-8."
        )
        raise FileRefused(Fault(0, "old-excel", message, fatal=True))
    from clients.importers.csv_file import read_csv

    return read_csv


def check_header(table: Table, limits: Limits) -> None:
    """Refuse a header that is missing, has an unnamed column between named ones, or names one twice."""
    row = table.header_row
    if not any(table.header):
        raise FileRefused(
            Fault(row, "no-header", "There is no header line: the first line must name the columns.", fatal=True)
        )
    if len(table.header) > limits.columns:
        message = f"There are more than {limits.columns} columns: is the delimiter right?"
        raise FileRefused(Fault(row, "too-many-columns", message, fatal=True))
    seen: dict[str, int] = {}
    for index, name in enumerate(table.header):
        if not name:
            table.faults.append(Fault(row, "unnamed-column", "A column has no name in the header.", "", index))
        elif name.casefold() in seen:
            table.faults.append(Fault(row, "duplicate-column", f"The column {name!r} is there twice.", name, index))
        seen.setdefault(name.casefold(), index)


def add_row(table: Table, row: Row, limits: Limits) -> None:
    """Take a row into the table, or a fault instead when its shape is wrong."""
    if row.empty:
        return
    if len(table.rows) >= limits.rows:
        message = f"There are more than {limits.rows} rows: split the file."
        raise FileRefused(Fault(row.number, "too-many-rows", message, fatal=True))
    if len(row.cells) != len(table.header):
        found, wanted = len(row.cells), len(table.header)
        message = f"The row has {found} fields, the header {wanted}: it is torn, or a delimiter stands in a value."
        table.faults.append(Fault(row.number, "field-count", message))
        return
    for index, cell in enumerate(row.cells):
        if len(cell.text) > limits.cell:
            message = f"The cell holds {len(cell.text)} characters, at most {limits.cell} are allowed."
            table.faults.append(Fault(row.number, "cell-too-long", message, table.header[index], index))
            return
    table.rows.append(row)
