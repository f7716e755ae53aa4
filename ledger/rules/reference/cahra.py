"""The EU's indicative list of conflict-affected and high-risk areas, as its JSON API gives it.

The list names most countries subdivision by subdivision: all 26 provinces of the Democratic Republic
of the Congo are listed and the country is not. So an area is a row of its own, by ISO 3166-2, and a
row without subdivision stands for a whole country. Nothing follows from not being listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.errors import SnapshotError
from ledger.rules.reference.countries import code_of_alpha3
from ledger.rules.reference.jsontext import iterate_rows, parse_foreign_json, read_text
from ledger.rules.reference.parsed import Parsed
from ledger.rules.reference.rows import CahraArea

_SUBDIVISION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


def parse_cahra(raw: bytes) -> Parsed:
    """The areas of `/api/v1/cahras`. Raises SnapshotError for a code or a flag that is not one."""
    areas: dict[tuple[str, str], CahraArea] = {}
    for row, entry in iterate_rows(parse_foreign_json(raw), "the top"):
        country = code_of_alpha3(read_text(entry, "country_code"))
        if not country:
            raise SnapshotError(f"Row {row} has no ISO 3166-1 country_code.", row=row, column="country_code")
        for area in _areas(entry, country, row):
            key = (area.country, area.subdivision)
            known = areas.setdefault(key, area)
            areas[key] = known._replace(
                conflict_affected=known.conflict_affected or area.conflict_affected,
                high_risk=known.high_risk or area.high_risk,
            )
    return Parsed(tuple(areas[key] for key in sorted(areas)))


def _areas(entry: Mapping[str, Any], country: str, row: int) -> Iterable[CahraArea]:
    name = read_text(entry, "country_name")
    for _, report in iterate_rows(entry.get("reports"), f"/{row - 1}/reports"):
        regions = [region for _, region in iterate_rows(report.get("included_regions"), f"/{row - 1}/included_regions")]
        flags = [(_flag(region, "conflict_affected", row), _flag(region, "high_risk", row)) for region in regions]
        if _flag(report, "is_country_level", row):
            affected, risky = any(a for a, _ in flags), any(r for _, r in flags)
            yield CahraArea(country, "", name, affected, risky or not affected)
        for region, (affected, risky) in zip(regions, flags, strict=True):
            code = read_text(region, "code")
            if code != country and (_SUBDIVISION.fullmatch(code) is None or code[:2] != country):
                raise SnapshotError(f"Row {row}: '{code[:20]}' is no subdivision of {country}.", row=row, column="code")
            yield CahraArea(country, "" if code == country else code, read_text(region, "name"), affected, risky)


def _flag(owner: Mapping[str, Any], name: str, row: int) -> bool:
    value = owner.get(name)
    if not isinstance(value, bool):
        raise SnapshotError(f"Row {row}: `{name}` is not true or false.", row=row, column=name)
    return value


def find_areas(areas: Iterable[CahraArea], country: str, subdivision: str) -> tuple[CahraArea, ...]:
    """What the list says of a place: its subdivision, its whole country, or nothing.

    subdivision "" is an unknown one: then every listed area of the country is given, because none can
    be ruled out.
    """
    return tuple(
        area for area in areas if area.country == country and (not subdivision or area.subdivision in ("", subdivision))
    )
