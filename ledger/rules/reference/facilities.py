"""Smelters and refiners of the RMI lists: the HTML table of the web site, or its Excel-XML export.

Two exports exist, of conformant and of active facilities; what a facility is there follows from which
export it stands in, so they are two data sets. A table of all facilities has a status column instead.
A facility may have one row per metal; conformance is for that metal only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ledger.errors import SnapshotError
from ledger.rules.reference.countries import country_code
from ledger.rules.reference.gridtext import Grid, parse_grid
from ledger.rules.reference.parsed import Parsed, optional_day
from ledger.rules.reference.rows import Facility

_CID: Final = re.compile(r"CID[0-9]{6}")
_HEADER_WITHIN: Final = 20
"""Rows before the header, at most: titles and terms of use."""
_COLUMNS: Final = {
    "cid": ("facilityid", "smelterid", "cid", "smelteridentification"),
    "metal": ("metal",),
    "name": ("standardfacilityname", "standardsmeltername", "standardsmelternames", "facilityname", "smeltername"),
    "country": ("countrylocation", "country", "smelterfacilitylocationcountry", "smeltercountry"),
    "status": ("duediligenceassessmentprogramstatus", "rmapstatus", "assessmentstatus", "status"),
    "audited_on": ("lastauditdate", "lastaudit"),
    "cycle": ("auditcycle",),
}
_NEEDED: Final = ("cid", "metal", "name", "country")
_METALS: Final = {
    "aluminum": "Al", "aluminium": "Al", "cobalt": "Co", "copper": "Cu", "gold": "Au", "graphite": "C", "lead": "Pb",
    "lithium": "Li", "mica": "mica", "natural mica": "mica", "nickel": "Ni", "silver": "Ag", "tantalum": "Ta",
    "tin": "Sn", "tungsten": "W", "zinc": "Zn",
}  # fmt: skip


def parse_facilities(raw: bytes) -> Parsed:
    """A table with a status column. Raises SnapshotError when it has none."""
    return _parse(raw, "")


def parse_conformant(raw: bytes) -> Parsed:
    """The export of conformant facilities."""
    return _parse(raw, "conformant")


def parse_active(raw: bytes) -> Parsed:
    """The export of active facilities."""
    return _parse(raw, "active")


def _parse(raw: bytes, status: str) -> Parsed:
    grid = parse_grid(raw)
    at, places = _find_header(grid)
    if not status and "status" not in places:
        raise SnapshotError(
            "The table has no status column: load the exports as `rmi_conformant` and `rmi_active`.", column="status"
        )
    found: dict[tuple[str, str], Facility] = {}
    for row, cells in enumerate(grid[at + 1 :], at + 2):
        facility = _facility(cells, places, status, row)
        key = facility.cid, facility.metal
        if found.setdefault(key, facility) != facility:
            raise SnapshotError(f"Row {row}: {facility.cid} stands twice for {facility.metal}.", row=row, column="cid")
    return Parsed(tuple(found.values()))


def _find_header(grid: Grid) -> tuple[int, dict[str, int]]:
    """Index of the header row, and the place of each column in it."""
    best: list[str] = list(_NEEDED)
    for at, cells in enumerate(grid[:_HEADER_WITHIN]):
        plain = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
        places = {
            name: next(plain.index(word) for word in words if word in plain)
            for name, words in _COLUMNS.items()
            if any(word in plain for word in words)
        }
        missing = [name for name in _NEEDED if name not in places]
        if not missing:
            return at, places
        best = min(best, missing, key=len)
    raise SnapshotError(f"The table has no column for: {', '.join(best)}.", column=best[0])


def _facility(cells: Sequence[str], places: Mapping[str, int], status: str, row: int) -> Facility:
    values = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
    cid = values["cid"].upper()
    if _CID.fullmatch(cid) is None:
        raise SnapshotError(f"Row {row}: '{cid[:20]}' is not a facility id (CID, six digits).", row=row, column="cid")
    metal = _METALS.get(values["metal"].lower())
    if metal is None:
        raise SnapshotError(f"Row {row}: the metal '{values['metal'][:40]}' is not known.", row=row, column="metal")
    if not values["name"]:
        raise SnapshotError(f"Row {row} has no name.", row=row, column="name")
    return Facility(
        cid,
        metal,
        values["name"],
        country_code(values["country"]),
        values["country"],
        status or _status(values.get("status", "")),
        _audited(values.get("audited_on", ""), row),
        _years(values.get("cycle", "")),
    )


def _status(text: str) -> str:
    """`active` is under way and not conformant; whatever else a list says is no conformance."""
    word = text.lower()
    if word.startswith(("conformant", "rmap conformant")):
        return "conformant"
    return "active" if word.startswith(("active", "rmap active")) else "other"


def _audited(text: str, row: int) -> str:
    try:
        return optional_day(text, "The date of the last audit")
    except SnapshotError as error:
        raise SnapshotError(f"Row {row}: {error.message}", row=row, column="audited_on") from None


def _years(text: str) -> int:
    """`1 year`, `3 Years`, `3`: the number; 0 when there is none."""
    found = re.match(r"([1-9])\b", text)
    return int(found[1]) if found else 0


def find_facilities(facilities: Iterable[Facility], cid: str) -> tuple[Facility, ...]:
    """The rows of one facility, one per metal; the id decides, never the name of a company."""
    return tuple(facility for facility in facilities if facility.cid == cid)
