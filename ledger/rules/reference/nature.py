"""Protected areas (WDPA) and deforestation alerts (GFW), with their places.

WDPA renamed its fields (WDPAID to SITE_ID, WDPA_PID to SITE_PID); both are read. Many of its records
are points: they carry the reported area instead of a boundary. An answer of the alerts' API holds every
pixel at once, there are no further pages; it says nothing about places outside the area asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ledger.errors import SnapshotError
from ledger.rules.reference.countries import code_of_alpha3
from ledger.rules.reference.jsontext import (
    iterate_features,
    iterate_rows,
    parse_foreign_json,
    parse_position,
    read_text,
)
from ledger.rules.reference.parsed import Parsed, parse_day
from ledger.rules.reference.rows import ForestAlert, ProtectedArea

_FIELDS: Final = {
    "id": ("site_pid", "wdpa_pid", "site_id", "wdpaid"),
    "name": ("name_eng", "name", "orig_name"),
    "designation": ("desig_eng", "desig"),
    "iucn": ("iucn_cat",),
    "status": ("status",),
    "iso3": ("iso3",),
}
_AREAS: Final = ("rep_area", "gis_area")
_WORLD_HERITAGE: Final = "world heritage"
_LARGEST: Final = 20_000_000
"""km2 of an area, at most: larger than any country."""
ALERTS: Final = "gfw_integrated_alerts__"
CONFIDENCES: Final = ("nominal", "high", "highest")


def parse_wdpa(raw: bytes) -> Parsed:
    """Protected areas of a GeoJSON export. Raises SnapshotError for a missing field; without a place: left out."""
    areas, left_out = [], 0
    for row, properties, shape in iterate_features(parse_foreign_json(raw)):
        fields = {name.lower(): value for name, value in properties.items()}
        if not (shape.points or shape.polygons):
            left_out += 1
            continue
        values = {name: _field(fields, names, row) for name, names in _FIELDS.items()}
        if not values["id"]:
            raise SnapshotError(f"Row {row} has no id.", row=row, column="SITE_ID")
        codes = (code_of_alpha3(code.strip()) for code in values["iso3"].split(";"))
        areas.append(
            ProtectedArea(
                id=values["id"].removesuffix(".0"),
                name=values["name"],
                designation=values["designation"],
                iucn=values["iucn"],
                status=values["status"],
                countries=tuple(dict.fromkeys(filter(None, codes))),
                shape=shape,
                area=_area(fields, row),
                world_heritage=_WORLD_HERITAGE in values["designation"].lower(),
            )
        )
    return Parsed(tuple(areas), left_out=left_out)


def _field(fields: Mapping[str, Any], names: tuple[str, ...], row: int) -> str:
    """The first of these members that holds something; one of them must be there."""
    if not any(name in fields for name in names):
        wanted = " or ".join(name.upper() for name in names)
        raise SnapshotError(f"Row {row} has no member {wanted}.", row=row, column=names[0].upper())
    return next((text for text in (read_text(fields, name) for name in names) if text), "")


def _area(fields: Mapping[str, Any], row: int) -> int:
    """Reported area in m2, or the measured one; 0 when neither is stated."""
    for name in _AREAS:
        try:
            area = Decimal(read_text(fields, name) or "0")
            if not 0 <= area <= _LARGEST:
                raise InvalidOperation
        except InvalidOperation:
            raise SnapshotError(f"Row {row}: {name.upper()} is not an area in km2.", row=row, column=name) from None
        if area:
            return int((area * 10**6).to_integral_value())
    return 0


def parse_alerts(raw: bytes) -> Parsed:
    """The answer of the alerts' data API: `{"data": [...], "status": "success"}`, one object per pixel."""
    value = parse_foreign_json(raw)
    if not isinstance(value, dict) or value.get("status") != "success":
        raise SnapshotError("The file is no successful answer of the alerts' API.")
    alerts = []
    for row, item in iterate_rows(value.get("data"), "/data"):
        for name in ("latitude", "longitude", f"{ALERTS}date", f"{ALERTS}confidence"):
            if name not in item:
                raise SnapshotError(f"Row {row} has no member `{name}`.", row=row, column=name)
        confidence = read_text(item, f"{ALERTS}confidence")
        if confidence not in CONFIDENCES:
            raise SnapshotError(f"Row {row}: the confidence '{confidence[:40]}' is not known.", row=row)
        try:
            day = parse_day(read_text(item, f"{ALERTS}date"), "The date")
        except SnapshotError as error:
            raise SnapshotError(f"Row {row}: {error.message}", row=row, column=f"{ALERTS}date") from None
        alerts.append(ForestAlert(parse_position(item["longitude"], item["latitude"], row), day, confidence))
    return Parsed(tuple(alerts), max((alert.seen_on for alert in alerts), default=""))
