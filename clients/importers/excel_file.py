"""Excel (.xlsx) to a Table: values only, read row by row, never calculated.

A formula's cached result may be stale or forged, so formulas are refused; so are error cells. The file is a ZIP of XML:
its size unpacked is limited before anything is parsed, and document type declarations (entity bombs) are refused.
"""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from decimal import Decimal
from typing import Any

from clients.importers.faults import Fault, FileRefused
from clients.importers.table import Cell, Layout, Limits, Row, Table, add_row, check_header
from clients.sdk.errors import LocalError

MAX_MEMBERS = 2_000
MAX_RATIO = 250  # real sheets compress 5 to 30 times, a bomb a thousand
_ZEROS = re.compile("0+")
_TIME_OF_DAY = re.compile("[hHsS]")
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')  # what a number format shows as it is, and its colour and locale
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?\bref="(([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7}))"')
_HIDDEN = re.compile(rb'<(?:\w+:)?row\s(?=[^<>]*\bhidden="(?:1|true)")[^<>]*?\br="([0-9]{1,7})"')


def read_excel(content: bytes, layout: Layout, limits: Limits) -> Table:
    """Raises FileRefused for what is no workbook, a bomb, or leaves open which sheet is meant."""
    check_archive(content, limits)
    sheet = _open_sheet(content, layout.sheet)
    table = Table(header_row=layout.header_row)
    rows = sheet.iter_rows(
        min_row=layout.header_row, max_row=layout.header_row + limits.rows + 1, max_col=limits.columns + 1
    )
    width = 0
    for number, cells in enumerate(_guarded(rows), start=layout.header_row):
        read = tuple(read_cell(cell) for cell in cells)
        if number == layout.header_row:
            table.header = tuple(cell.text for cell in _trimmed(read))
            width = len(table.header)
            check_header(table, limits)
            continue
        add_row(table, Row(number, _fitted(read, width)), limits)
    if not table.header:
        check_header(table, limits)
    part = zipfile.ZipFile(io.BytesIO(content)).read(sheet._worksheet_path)
    table.faults += [*_merged_cells(part, table), *_hidden_rows(part, table)]
    return table


def _hidden_rows(part: bytes, table: Table) -> list[Fault]:
    """Rows that a filter, or somebody, has hidden: whoever looks at the sheet would not know that they are signed."""
    written = {row.number for row in table.rows} | {one.row for one in table.faults}
    hidden = sorted({int(one[1]) for one in _HIDDEN.finditer(part)} & written)
    if not hidden:
        return []
    which = f"This row and {len(hidden) - 1} more are" if len(hidden) > 1 else "This row is"
    return [Fault(hidden[0], "hidden-rows", f"{which} hidden in the sheet: show all rows, or delete them.", fatal=True)]


def _merged_cells(part: bytes, table: Table) -> list[Fault]:
    """Of merged cells the file holds the first alone: what the others mean is not written anywhere."""
    from openpyxl.utils import column_index_from_string

    faults = []
    for one in _MERGED.finditer(part):
        area, letters = one[1].decode(), one[2].decode()
        left, top, bottom = column_index_from_string(letters) - 1, int(one[3]), int(one[4])
        if bottom >= table.header_row and left < len(table.header):
            message = f"The cells {area} are merged: unmerge them and write the value in each."
            row = max(top, table.header_row)
            faults.append(Fault(row, "merged-cells", message, table.header[left], left, fatal=True))
    return faults


def _trimmed(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    while cells and not cells[-1].text:
        cells = cells[:-1]
    return cells


def _fitted(cells: tuple[Cell, ...], width: int) -> tuple[Cell, ...]:
    """Exactly `width` cells unless something stands beyond the header (then the row is at fault)."""
    cells = _trimmed(cells)
    return cells + (Cell(""),) * (width - len(cells))


def read_cell(cell: Any) -> Cell:
    """The cell's value as text with its kind, as a spreadsheet shows it: numbers in the shortest decimal form or with
    the leading zeros of their format, and a day without its midnight where the format has no time."""
    value, shown = cell.value, cell.number_format or ""
    if value is None:
        return Cell("")
    if cell.data_type == "f":
        return Cell(str(value), "formula")
    if cell.data_type == "e":
        return Cell(str(value), "error")
    if isinstance(value, bool):
        return Cell(str(value).upper(), "boolean")
    if isinstance(value, (int, float)):
        text = _format_number(value)
        padded = text.zfill(len(shown)) if text.isdigit() and _ZEROS.fullmatch(shown) else text
        return Cell(padded, "percent" if "%" in shown else "number")
    if isinstance(value, datetime.datetime):
        day = value.time() == datetime.time() and not _TIME_OF_DAY.search(_LITERAL.sub("", shown))
        return Cell((value.date() if day else value.replace(microsecond=0)).isoformat(), "date")
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return Cell(str(value), "date")
    return Cell(str(value).strip(" "))


def _format_number(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def check_archive(content: bytes, limits: Limits) -> None:
    """Refuse what is no .xlsx or unpacks to too much, before any XML is parsed."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except Exception as error:  # zipfile raises half a dozen kinds, also from zlib and struct
        raise _refused("torn-file", "The Excel file is torn: download or export it again.") from error
    size = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or size > limits.unpacked_bytes or size > MAX_RATIO * max(len(content), 4096):
        raise _refused(
            "zip-bomb", f"The Excel file unpacks to {size} bytes, far more than a sheet needs: it is refused."
        )
    if "[Content_Types].xml" not in archive.namelist():
        raise _refused("not-excel", "This is a ZIP file but no Excel workbook: give an .xlsx or .csv file.")
    try:
        for member in members:
            if member.filename.endswith((".xml", ".rels")):
                _check_xml(archive.read(member))
    except FileRefused:
        raise
    except Exception as error:
        raise _refused("torn-file", "The Excel file is torn or encrypted: save it again without a password.") from error


def _check_xml(part: bytes) -> None:
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part or part[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refused(
            "xml-entities", "The Excel file holds XML declarations that no spreadsheet program writes: refused."
        )


def _open_sheet(content: bytes, name: str) -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise LocalError(
            "Excel files need the extra: pip install 'lodeline[sdk]', or save the sheet as CSV UTF-8."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions that it leaves out
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except Exception as error:  # openpyxl raises whatever its parser stumbled over
        raise _refused("torn-file", "The Excel file cannot be read: save it again, or as CSV UTF-8.") from error
    names = [sheet.title for sheet in book.worksheets]
    if name and name not in names:
        raise _refused("no-such-sheet", f"There is no sheet {name!r}; there is: {', '.join(names)}.")
    if not name and len(names) != 1:
        raise _refused("which-sheet", f"The workbook has the sheets {', '.join(names)}: say which with --sheet.")
    sheet = book[name or names[0]]
    sheet.reset_dimensions()  # the file's own claim of its size is not believed
    return sheet


def _guarded(rows: Any) -> Any:
    try:
        yield from rows
    except FileRefused:
        raise
    except Exception as error:
        raise _refused(
            "torn-file", "The Excel file cannot be read to its end: save it again, or as CSV UTF-8."
        ) from error


def _refused(code: str, message: str) -> FileRefused:
    return FileRefused(Fault(0, code, message, fatal=True))
