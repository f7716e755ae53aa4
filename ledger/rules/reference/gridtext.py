"""Tables inside foreign markup: Excel's XML of 2003 (SpreadsheetML) and HTML tables, as rows of cells.

Only text is taken. Scripts, styles and formulas are never run or followed.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from ledger.errors import SnapshotError
from ledger.rules.reference.limits import MAX_CELLS, MAX_ROWS, MAX_TEXT, check_file, check_limit
from ledger.rules.reference.xmltext import Node, read_xml

Grid = list[list[str]]


def parse_grid(raw: bytes) -> Grid:
    """The rows of the tables of a file, without empty ones. Raises SnapshotError, TooLarge."""
    check_file(raw)
    start = raw[:4096].lower()
    if b"<workbook" in start or b":workbook" in start:
        return _parse_workbook(raw)
    if b"<html" in start or b"<table" in start or b"<!doctype html" in start:
        return _parse_html(raw)
    raise SnapshotError("The file is neither an HTML table nor Excel XML (SpreadsheetML 2003).")


def _parse_workbook(raw: bytes) -> Grid:
    grid: Grid = []

    def take(node: Node) -> None:
        check_limit("rows", len(grid) + 1, MAX_ROWS)
        cells: list[str] = []
        for cell in node.all("Cell"):
            place = _cell_number(cell, len(cells) + 1)
            cells += [""] * (place - 1 - len(cells))
            cells.append(cell.first("Data"))
        if any(cells):
            grid.append(cells)

    read_xml(raw, "Workbook", frozenset(("Row",)), take)
    return grid


def _cell_number(cell: Node, following: int) -> int:
    """The column of a cell: the following one, unless `ss:Index` skips some."""
    text = cell.attributes.get("Index", str(following))
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    check_limit("columns", place, MAX_CELLS)
    if place < following:
        raise SnapshotError(f"A cell says that it stands in column '{text[:20]}', which is taken or none.")
    return place


class _Tables(HTMLParser):
    """Collects the cells of every table row."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.grid: Grid = []
        self.row: list[str] | None = None
        self.cell: list[str] | None = None
        self.length = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """A row or a cell begins. Raises TooLarge."""
        if tag == "tr":
            self._end_row()
            self.row = []
        elif tag in ("td", "th") and self.row is not None:
            self._end_cell()
            check_limit("columns", len(self.row) + 1, MAX_CELLS)
            self.cell, self.length = [], 0
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """A cell, a row or the table ends."""
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self._end_row()

    def handle_data(self, data: str) -> None:
        """A piece of a cell's text. Raises TooLarge."""
        if self.cell is not None:
            self.length += len(data)
            check_limit("characters of one value", self.length, MAX_TEXT)
            self.cell.append(data)

    def _end_cell(self) -> None:
        if self.cell is not None and self.row is not None:
            self.row.append(" ".join("".join(self.cell).split()))
        self.cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self.row is not None and any(self.row):
            check_limit("rows", len(self.grid) + 1, MAX_ROWS)
            self.grid.append(self.row)
        self.row = None


def _parse_html(raw: bytes) -> Grid:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SnapshotError("The file is not UTF-8 text: save the page as UTF-8.") from None
    if "</table" not in text.lower():
        raise SnapshotError("The table of the page has no end: the file was cut short.")
    tables: Final = _Tables()
    tables.feed(text)
    tables.close()
    return tables.grid
