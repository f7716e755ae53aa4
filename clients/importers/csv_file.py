"""CSV (RFC 4180, with `,` `;` or tab) to a Table. Torn rows are faults; after an unclosed quote nothing is believed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from clients.importers.encodings import decode_text
from clients.importers.faults import Fault, FileRefused
from clients.importers.table import Cell, Layout, Limits, Row, Table, add_row, check_header

DELIMITERS = (",", ";", "\t")


def read_csv(content: bytes, layout: Layout, limits: Limits) -> Table:
    """Raises FileRefused for an encoding, header or size that makes the whole file unusable."""
    text = decode_text(content, layout.encoding)
    table = Table(header_row=layout.header_row)
    delimiter = layout.delimiter or sniff_delimiter(text, layout.header_row)
    try:
        for number, fields in _records(text, delimiter, limits):
            _take(table, number, fields, limits)
    except _Torn as torn:
        table.faults.append(torn.fault)
    if not table.header:
        check_header(table, limits)
    return table


def _take(table: Table, number: int, fields: list[str], limits: Limits) -> None:
    if number < table.header_row:
        return
    if number == table.header_row:
        table.header = tuple(name.strip() for name in fields)
        _refuse_sep_line(number, table.header[0] if fields else "")
        check_header(table, limits)
        return
    add_row(table, Row(number, tuple(Cell(field.strip(" ")) for field in fields)), limits)


def _refuse_sep_line(number: int, first: str) -> None:
    """Excel reads a first line `sep=;` and hides it, so that its rows count from the next one."""
    if first.lower().startswith("sep="):
        message = f"The line {first!r} is for Excel alone: delete it, or set header_row = {number + 1} in the mapping."
        raise FileRefused(Fault(number, "sep-line", message, fatal=True))


def sniff_delimiter(text: str, header_row: int = 1) -> str:
    """The delimiter that occurs most often outside quotes in the header line; a comma when none does."""
    lines = text.split("\n", header_row)
    header = lines[min(header_row, len(lines)) - 1]
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


class _Torn(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def _records(text: str, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    previous = csv.field_size_limit(max(limits.cell * 4, 131_072))
    number = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for number, fields in enumerate(reader, start=1):
            yield number, fields
    except csv.Error as error:
        raise _Torn(_quote_fault(number + 1, str(error))) from error
    finally:
        csv.field_size_limit(previous)


def _quote_fault(row: int, reason: str) -> Fault:
    if "unexpected end" in reason:
        message = 'A quote is opened and never closed: the file is torn here, or a stray " must be doubled.'
        return Fault(row, "unclosed-quote", message, fatal=True)
    if "field larger" in reason:
        message = "A field never ends: a quote is opened and not closed."
        return Fault(row, "unclosed-quote", message, fatal=True)
    return Fault(row, "bad-quote", "A quoted field is followed by other text: double the quotes inside it.", fatal=True)
