"""The columns that each kind of list may have, under which header names they are recognised, and how a cell is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args
from zoneinfo import ZoneInfo

from clients.importers import values
from clients.importers.table import Cell
from ledger.custody.vocabulary import Method

KINDS = ("extracts", "dispatches", "receipts")
MODES = ("foot", "motorcycle", "truck", "rail", "barge", "vessel", "air")
METHODS: tuple[str, ...] = get_args(Method)

Parse = Callable[[Cell, ZoneInfo], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `shared`: must be the same in all rows of one group (they become one record)."""

    name: str
    parse: Parse
    required: bool = False
    shared: bool = True
    aliases: tuple[str, ...] = ()


def _plain(parse: Callable[[Cell], Any]) -> Parse:
    return lambda cell, _zone: parse(cell)


def _choice(allowed: tuple[str, ...]) -> Parse:
    return _plain(partial(values.parse_choice, allowed=allowed))


def _list(each: Callable[[Cell], str]) -> Parse:
    return _plain(partial(values.parse_list, each=each))


_id, _code, _name, _count = (
    _plain(p) for p in (values.parse_id, values.parse_code, values.parse_name, values.parse_count)
)
_moment: Parse = values.parse_moment
_last_moment: Parse = partial(values.parse_moment, end_of_day=True)
_mass = _plain(values.parse_decimal)
_moisture = _plain(partial(values.parse_decimal, places=4))

GROUP = Column("group", _name, aliases=("shipment", "consignment", "waybill", "batch", "reference"))
LOT = Column("lot", _id, True, False, ("lot id", "lot no", "bag", "bag no", "lot number"))
TIME = Column(
    "time", _moment, True, aliases=("date", "event time", "dispatched", "dispatch date", "received", "receipt date")
)
MASS = Column("mass", _mass, True, False, ("mass kg", "weight", "weight kg", "net weight", "net weight kg", "net mass"))
MOISTURE = Column("moisture", _moisture, True, False, ("moisture %", "h2o", "h2o %", "moisture pct"))
SEALS = Column("seals", _list(values.parse_code), aliases=("seal", "seal no", "seal numbers"))

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "extracts": (
        GROUP,
        Column("site", _id, True, aliases=("site id", "mine", "mine site")),
        Column("from", _moment, True, aliases=("period from", "start", "start date")),
        Column("to", _last_moment, True, aliases=("period to", "end", "end date")),
        Column("method", _choice(METHODS), True, aliases=("mining method",)),
        Column("workers", _count, True, aliases=("workers on shift", "diggers")),
        Column("team", _name, aliases=("crew",)),
        Column("pit", _code, aliases=("shaft",)),
        Column("price", _name, aliases=("price paid",)),
        LOT,
        Column("mineral", _code, True, False, ("ore", "material")),
        MASS,
        MOISTURE,
        Column("tag_scheme", _plain(values.parse_tag), False, False, ("scheme", "tag scheme")),
        Column("tags", _list(values.parse_tag), False, False, ("tag", "tag no", "tag number", "tag numbers")),
        Column("packages", _count, False, False, ("bags", "number of bags")),
        Column("time", _moment, False, aliases=("date", "event time")),
    ),
    "dispatches": (
        GROUP,
        LOT,
        Column("consignee", _id, True, aliases=("receiver", "buyer", "to party")),
        Column("from", _id, True, aliases=("from site", "origin site")),
        Column("to", _id, True, aliases=("to site", "destination", "destination site")),
        Column("mode", _choice(MODES), True, aliases=("transport", "transport mode")),
        TIME,
        Column("expected", _moment, True, aliases=("expected arrival", "eta")),
        Column("carrier", _name, aliases=("transporter",)),
        Column("vehicle", _code, aliases=("truck", "plate", "vehicle plate")),
        Column("driver", _name, aliases=("driver name",)),
        SEALS,
        Column("route", _plain(values.parse_route)),
        Column("document_kind", _code, aliases=("document", "document type")),
        Column("document_number", _code, aliases=("document no", "document number")),
        Column("price", _name),
    ),
    "receipts": (
        GROUP,
        LOT,
        Column("outcome", _choice(("accepted", "refused")), aliases=("result",)),
        Column("site", _id, True, aliases=("site id", "at site", "to site")),
        TIME,
        Column("mass", _mass, False, False, MASS.aliases),
        Column("moisture", _moisture, False, False, MOISTURE.aliases),
        SEALS,
        Column("note", _plain(values.parse_note), aliases=("remark", "remarks", "comment")),
    ),
}

ASSAYED = frozenset({"extracts", "receipts"})
_ASSAY_HEADER = re.compile(r"(?:assay|grade)[ _.:]+([A-Z][A-Za-z0-9().]*)|([A-Z][A-Za-z0-9().]*) ?(?:%|_pct| pct)")
read_percent: Parse = _mass


def match_assay(header: str) -> str | None:
    """The analyte of a header such as `assay Co`, `Ta2O5 %` or `Co_pct`; None when it is no such header."""
    match = _ASSAY_HEADER.fullmatch(header)
    return (match[1] or match[2]) if match else None


def normal(header: str) -> str:
    """Header text as compared: case, underscores, brackets and dots do not matter (`Net weight (kg)`)."""
    return " ".join(re.sub(r"[_().\[\]]", " ", header).casefold().split())


def known_headers(kind: str) -> dict[str, Column]:
    """Normalised header -> column, for names and aliases."""
    return {normal(text): column for column in COLUMNS[kind] for text in (column.name, *column.aliases)}
