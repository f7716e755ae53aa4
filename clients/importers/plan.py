"""From a table to the bodies of records: nothing is signed or sent here.

Rows with the same `group` (shipment, waybill, batch) become one record with several lots; without that column each row
is a record of its own. Every fault carries its row and column; a plan with faults is not sent unless the caller says
that the good rows may go (`drop_bad`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients.importers.faults import CellFault, Fault, sort_faults
from clients.importers.fields import COLUMNS, read_percent
from clients.importers.mapping import ColumnMapping, Headers, match_headers
from clients.importers.shapes import SHAPES, TYPES
from clients.importers.table import Cell, Row, Table, read_table
from ledger.custody.bodies import MAX_LOTS
from ledger.custody.events import check_schema
from ledger.errors import LedgerError

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row whose cells were all read: value by column name, assay by analyte."""

    number: int
    values: Values
    assay: dict[str, str]
    whole: bool = True  # every cell was read; a row that is not holds its whole group back


@dataclass(frozen=True, slots=True)
class Draft:
    """One record to be: its type, body and time, the lots it is about and the rows it comes from."""

    type: str
    body: dict[str, Any]
    time: str
    lots: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(slots=True)
class ImportPlan:
    """What a file would become. `rows` counts the rows read, with and without fault."""

    kind: str
    drafts: list[Draft] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0

    @property
    def fatal(self) -> bool:
        """True when not even the good rows can be trusted (torn file, header)."""
        return any(fault.fatal for fault in self.faults)


def plan_import(path: Path, mapping: ColumnMapping) -> ImportPlan:
    """Read a file and draft its records. Raises FileRefused when the file is no table at all."""
    return plan_table(read_table(path, mapping.layout), mapping)


def plan_table(table: Table, mapping: ColumnMapping) -> ImportPlan:
    """Draft the records of a table; faults are sorted by row and column."""
    headers, faults = match_headers(table.header, mapping, table.header_row)
    read = {row.number for row in table.rows} | {one.row for one in table.faults if one.row > table.header_row}
    plan = ImportPlan(mapping.kind, rows=len(read))
    plan.faults = [*table.faults, *faults]
    if any(fault.row <= table.header_row for fault in plan.faults):
        plan.faults = sort_faults([_as_fatal(f) if f.row <= table.header_row else f for f in plan.faults])
        return plan
    rows = [_read_row(row, table, headers, mapping, plan.faults) for row in table.rows]
    _refuse_duplicates(rows, headers, table, plan.faults)
    bad = {fault.row for fault in plan.faults}
    for group in _groups(rows):
        _draft_group(group, bad, headers, table, mapping, plan)
    plan.faults = sort_faults(plan.faults)
    return plan


def _as_fatal(fault: Fault) -> Fault:
    return Fault(fault.row, fault.code, fault.message, fault.column, fault.index, True)


def _read_row(row: Row, table: Table, headers: Headers, mapping: ColumnMapping, faults: list[Fault]) -> ReadRow:
    before = len(faults)
    values: Values = {}
    for column in COLUMNS[mapping.kind]:
        index = headers.columns.get(column.name, -1)
        cell = row.cells[index] if index >= 0 else Cell("")
        cell = cell if cell.text else Cell(mapping.defaults.get(column.name, ""))
        if not cell.text:
            if column.required:
                message = f"The cell is empty, but {column.name!r} is needed in every row."
                faults.append(Fault(row.number, "empty-cell", message, table.header[index], index))
            continue
        try:
            values[column.name] = column.parse(cell, mapping.zone)
        except CellFault as fault:
            faults.append(Fault(row.number, fault.code, fault.message, _name(table, index, column.name), index))
    assay = _read_assay(row, table, headers, mapping, faults)
    return ReadRow(row.number, values, assay, len(faults) == before)


def _name(table: Table, index: int, name: str) -> str:
    return table.header[index] if index >= 0 else name


def _read_assay(
    row: Row, table: Table, headers: Headers, mapping: ColumnMapping, faults: list[Fault]
) -> dict[str, str]:
    assay = {}
    for analyte, index in headers.assay.items():
        if not row.cells[index].text:
            continue
        try:
            assay[analyte] = read_percent(row.cells[index], mapping.zone)
        except CellFault as fault:
            faults.append(Fault(row.number, fault.code, fault.message, table.header[index], index))
    return assay


def _refuse_duplicates(rows: list[ReadRow], headers: Headers, table: Table, faults: list[Fault]) -> None:
    """A lot or a tag may stand in one row of a file only; the fault names the row where it was first."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        scheme = row.values.get("tag_scheme", "")
        keys = [
            ("lot", row.values.get("lot", f"?{row.number}")),
            *(("tags", f"{scheme}:{tag}") for tag in row.values.get("tags", ())),
        ]
        for key in keys:
            first = seen.setdefault(key, row.number)
            if first != row.number:
                index = headers.columns.get(key[0], -1)
                what = "lot" if key[0] == "lot" else "tag"
                message = f"The {what} {key[1].lstrip(':')!r} stands in row {first} already."
                faults.append(Fault(row.number, f"duplicate-{what}", message, _name(table, index, key[0]), index))


def _groups(rows: list[ReadRow]) -> list[list[ReadRow]]:
    """Rows by group, in the order in which the groups begin."""
    groups: dict[Any, list[ReadRow]] = {}
    for row in rows:
        groups.setdefault(row.values.get("group", row.number), []).append(row)
    return list(groups.values())


def _draft_group(
    group: list[ReadRow], bad: set[int], headers: Headers, table: Table, mapping: ColumnMapping, plan: ImportPlan
) -> None:
    if any(row.number in bad or not row.whole for row in group):
        return
    before = len(plan.faults)
    _refuse_differences(group, headers, table, mapping, plan.faults)
    if len(group) > MAX_LOTS:
        message = f"The group has {len(group)} lots, at most {MAX_LOTS} go into one record: split it."
        plan.faults.append(Fault(group[0].number, "group-too-large", message))
    if len(plan.faults) > before:
        return
    kind = TYPES[mapping.kind]
    try:
        body, time = SHAPES[mapping.kind](group)
        check_schema({"type": kind, "body": body})
    except CellFault as fault:
        plan.faults.append(Fault(group[0].number, fault.code, fault.message))
    except LedgerError as error:
        plan.faults.append(_schema_fault(error, group, headers, table))
    else:
        lots, numbers = tuple(row.values["lot"] for row in group), tuple(row.number for row in group)
        plan.drafts.append(Draft(kind, body, time, lots, numbers))


def _refuse_differences(
    group: list[ReadRow], headers: Headers, table: Table, mapping: ColumnMapping, faults: list[Fault]
) -> None:
    first = group[0]
    for column in COLUMNS[mapping.kind]:
        if not column.shared:
            continue
        for row in group[1:]:
            if row.values.get(column.name) != first.values.get(column.name):
                index = headers.columns[column.name]
                message = f"The value differs from row {first.number} of the same group {first.values['group']!r}."
                faults.append(Fault(row.number, "group-differs", message, table.header[index], index))


_BY_MEMBER: Mapping[str, str] = {"id": "lot", "number": "tags", "scheme": "tag_scheme", "transport": "mode"}


def _schema_fault(error: LedgerError, group: list[ReadRow], headers: Headers, table: Table) -> Fault:
    """Lead a JSON Pointer such as /body/lots/3/quantity/mass back to row and column."""
    pointer = error.pointer
    match = re.match(r"/body/lots/([0-9]+)", pointer)
    row = group[int(match[1])] if match else group[0]
    tokens = [token for token in pointer.split("/") if token and not token.isdigit()]
    for token in reversed(tokens):
        name = _BY_MEMBER.get(token, token)
        index = headers.columns.get(name, headers.assay.get(token, -1))
        if index >= 0:
            return Fault(row.number, error.code, error.message, table.header[index], index)
    return Fault(row.number, error.code, error.message)
