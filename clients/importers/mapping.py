"""The mapping file (TOML): which header stands for which column, defaults for columns that are not there, how to read.

kind = "dispatches"                  # extracts, dispatches or receipts
encoding = "cp1252"                  # CSV; utf-8 if left out
delimiter = ";"                      # CSV; found from the header if left out
sheet = "Transfers"                  # Excel; needed when there are several
header_row = 3
timezone = "Africa/Lubumbashi"       # of times without a zone; UTC if left out
ignore = ["Remarks"]
[columns]
lot = "Bag no."
[assay]
Ta2O5 = "Grade"
[defaults]
mode = "truck"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clients.importers.faults import Fault
from clients.importers.fields import ASSAYED, COLUMNS, KINDS, Column, known_headers, match_assay, normal
from clients.importers.table import Layout
from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited

_MEMBERS = {
    "kind": str,
    "encoding": str,
    "delimiter": str,
    "sheet": str,
    "header_row": int,
    "timezone": str,
    "ignore": list,
    "columns": dict,
    "assay": dict,
    "defaults": dict,
}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping, checked against the columns of its kind."""

    kind: str
    layout: Layout = field(default_factory=Layout)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    columns: Mapping[str, str] = field(default_factory=dict)
    assay: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Headers:
    """Where each column stands: index by column name, and index by analyte."""

    columns: Mapping[str, int]
    assay: Mapping[str, int]


def read_mapping(path: Path) -> dict[str, Any]:
    """The members of a mapping file; raises LocalError naming the line or member at fault."""
    try:
        return tomllib.loads(read_limited(path, 1_000_000).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"The mapping {path} is not TOML: {error}.") from error


def parse_mapping(members: Mapping[str, Any], kind: str = "", sheet: str = "") -> ColumnMapping:
    """Check a mapping strictly. kind and sheet, when given, come from the command line: the kinds may not differ."""
    for name, value in members.items():
        if name not in _MEMBERS:
            raise LocalError(f"The mapping has the unknown member {name!r}: allowed are {', '.join(_MEMBERS)}.")
        if not isinstance(value, _MEMBERS[name]) or isinstance(value, bool):
            raise LocalError(f"The mapping's {name!r} must be of type {_MEMBERS[name].__name__}.")
    if kind and members.get("kind", kind) != kind:
        raise LocalError(f"The mapping is for {members['kind']}, not for {kind}: give the one that fits.")
    kind = kind or members.get("kind", "")
    if kind not in KINDS:
        raise LocalError(f"Say what the rows are: kind is one of {', '.join(KINDS)}.")
    layout = Layout(
        encoding=members.get("encoding", ""),
        delimiter=members.get("delimiter", ""),
        sheet=sheet or members.get("sheet", ""),
        header_row=members.get("header_row", 1),
    )
    _check_layout(layout)
    return ColumnMapping(
        kind=kind,
        layout=layout,
        zone=_zone(members.get("timezone", "UTC")),
        columns=_texts(members, "columns", {column.name for column in COLUMNS[kind]}),
        assay=_texts(members, "assay", None if kind in ASSAYED else set()),
        defaults=_texts(members, "defaults", {column.name for column in COLUMNS[kind]}),
        ignore=frozenset(normal(str(name)) for name in members.get("ignore", ())),
    )


def _check_layout(layout: Layout) -> None:
    if layout.delimiter and (len(layout.delimiter) != 1 or layout.delimiter in '"\r\n'):
        raise LocalError('The mapping\'s delimiter must be one character, for example ";".')
    if not 1 <= layout.header_row <= 1000:
        raise LocalError("The mapping's header_row must be from 1 to 1000.")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise LocalError(
            f"The mapping's timezone {name!r} is unknown: write a name such as Africa/Lubumbashi."
        ) from error


def _texts(members: Mapping[str, Any], name: str, allowed: set[str] | None) -> dict[str, str]:
    out = {}
    for key, value in members.get(name, {}).items():
        if allowed is not None and key not in allowed:
            raise LocalError(
                f"The mapping's [{name}] has {key!r}, which is none of: {', '.join(sorted(allowed)) or 'nothing'}."
            )
        if not isinstance(value, str):
            raise LocalError(f"The mapping's [{name}] {key} must be text.")
        out[key] = value
    return out


def match_headers(header: tuple[str, ...], mapping: ColumnMapping, row: int) -> tuple[Headers, list[Fault]]:
    """Find each column in the header. Faults: required ones missing, unknown ones, mapped ones that are not there."""
    places = {normal(name): index for index, name in enumerate(header)}
    faults: list[Fault] = []
    columns = _mapped(mapping.columns, places, row, faults)
    assay = _mapped(mapping.assay, places, row, faults)
    taken = {*columns.values(), *assay.values()}
    known = known_headers(mapping.kind)
    for index, name in enumerate(header):
        if index in taken or not name or normal(name) in mapping.ignore:
            continue
        column, analyte = known.get(normal(name)), match_assay(name)
        if column is not None and column.name not in mapping.columns:
            _put(columns, column.name, index, name, row, faults)
        elif analyte is not None and mapping.kind in ASSAYED:
            _put(assay, analyte, index, name, row, faults)
        else:
            message = (
                f"The column {name!r} is unknown: map it under [columns], or list it under ignore, in the mapping file."
            )
            faults.append(Fault(row, "unknown-column", message, name, index))
    faults += [_missing(column, row) for column in COLUMNS[mapping.kind] if _is_missing(column, columns, mapping)]
    return Headers(columns, assay), faults


def _mapped(wanted: Mapping[str, str], places: Mapping[str, int], row: int, faults: list[Fault]) -> dict[str, int]:
    found = {}
    for name, header in wanted.items():
        if normal(header) in places:
            found[name] = places[normal(header)]
        else:
            faults.append(
                Fault(row, "no-such-column", f"The mapping names the column {header!r}, which is not in the file.")
            )
    return found


def _put(found: dict[str, int], name: str, index: int, header: str, row: int, faults: list[Fault]) -> None:
    if name in found:
        message = f"Two columns stand for {name!r}: say which in the mapping file, and list the other under ignore."
        faults.append(Fault(row, "duplicate-column", message, header, index))
    found.setdefault(name, index)


def _is_missing(column: Column, found: Mapping[str, int], mapping: ColumnMapping) -> bool:
    return column.required and column.name not in found and not mapping.defaults.get(column.name)


def _missing(column: Column, row: int) -> Fault:
    names = ", ".join((column.name, *column.aliases))
    message = f"The column {column.name!r} is missing (recognised names: {names}): add it, map it, or give a default."
    return Fault(row, "missing-column", message)
