"""Where sites lie and how far apart: points and polygons of records, distances in metres, all in integers.

A position that the reader may not see is unknown, never zero. Coordinates are taken from the
location that was registered, never from the spelling of an id: in `RW-1.9641+30.0619-00001` a
separator and a minus sign look the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Any, Final, NamedTuple

from ledger.rules.facts import Facts, Hop
from ledger.rules.items import Item
from ledger.rules.plausibility.observations import Place
from ledger.rules.plausibility.travel import distance_mm

ROAD: Final = ("foot", "motorcycle", "truck")
_PLACES: Final = 7  # decimals of a degree
_UNIT_MM: Final = Fraction(6_371_008_800 * 355, 113 * 180 * 10**_PLACES)  # mm per unit along a meridian
_STRETCH: Final = 100_000  # units of longitude by which its length is measured


class Stop(NamedTuple):
    """A place passed at a time, and the record that says so; seals as found there."""

    place: Place
    time: str
    record: str
    seals: tuple[str, ...] = ()


def place_of(location: Any) -> Place | None:
    """The point of a GeoJSON location, or the middle of its polygon's box; None for none."""
    if not location:
        return None
    if location["type"] == "Point":
        longitude, latitude = location["coordinates"]
        return Place(latitude, longitude)
    ring = location["coordinates"][0]
    west, east = (choose(_units(one[0]) for one in ring) for choose in (min, max))
    south, north = (choose(_units(one[1]) for one in ring) for choose in (min, max))
    return Place(_degrees((south + north) // 2), _degrees((west + east) // 2))


def place_of_row(position: tuple[int, int] | None) -> Place | None:
    """The place of a row of reference data: (longitude, latitude) in 1e-7 degrees."""
    return Place(_degrees(position[1]), _degrees(position[0])) if position else None


def site_place(facts: Facts, site: str) -> Place | None:
    """Where a site lies, None when it is not known to this reader."""
    known = facts.sites.get(site)
    return place_of(known.body.get("location")) if known else None


def metres(start: Place, end: Place) -> int:
    """Straight-line distance, rounded to the metre."""
    return (distance_mm(start, end) + 500) // 1000


def metres_outside(place: Place, location: Any) -> int:
    """How far outside of a GeoJSON polygon (or from a point) a place lies, in metres; 0 inside."""
    if location["type"] == "Point":
        here = place_of(location)
        assert here is not None  # noqa: S101 - a point is a place
        return metres(place, here)
    ring = _flatten(place, [Place(one[1], one[0]) for one in location["coordinates"][0]])
    return 0 if _encloses(ring) else min(_to_segment(*pair) for pair in pairwise(ring))


def metres_from_line(place: Place, line: Sequence[Place]) -> int:
    """How far a place lies from a line of straight legs, in metres."""
    flat = _flatten(place, line)
    return min(_to_segment(*pair) for pair in pairwise(flat))


def checkpoints(facts: Facts, hop: Hop) -> list[Item]:
    """What was attested on the way, by time."""
    start, end = hop.dispatch.time, hop.receive.time if hop.receive else facts.valid_as_of
    found = [one for one in facts.attestations("checkpoint", *hop.sent) if start <= one.statement["at"] <= end]
    return sorted(found, key=lambda one: (one.statement["at"], one.index))


def stops_of(facts: Facts, hop: Hop) -> list[Stop] | None:
    """The places of an accepted hop, from departure to arrival; None when an end is not known."""
    start = site_place(facts, hop.dispatch.body["from"])
    receive = hop.receive
    end = site_place(facts, receive.body["site"]) if receive else None
    if start is None or end is None or receive is None:
        return None
    seals = tuple(hop.dispatch.body["transport"].get("seals", ()))
    stops = [Stop(start, hop.dispatch.time, hop.dispatch.id, seals)]
    for one in checkpoints(facts, hop):
        place = place_of(one.statement.get("location"))
        if place is not None:
            stops.append(Stop(place, one.statement["at"], one.id, tuple(one.statement.get("seals", ()))))
    return [*stops, Stop(end, receive.time, receive.id, tuple(receive.body.get("seals", ())))]


def _units(degrees: str) -> int:
    whole, _, fraction = degrees.removeprefix("-").partition(".")
    size = int(whole + fraction[:_PLACES].ljust(_PLACES, "0"))
    return -size if degrees.startswith("-") else size


def _degrees(units: int) -> str:
    whole, fraction = divmod(abs(units), 10**_PLACES)
    return f"{'-' if units < 0 else ''}{whole}.{fraction:0{_PLACES}d}"


def _flatten(centre: Place, places: Iterable[Place]) -> list[tuple[int, int]]:
    """The places in mm east and north of a centre, on a plane: for tens of kilometres."""
    latitude, longitude = _units(centre.latitude), _units(centre.longitude)
    aside = longitude + _STRETCH if longitude < 0 else longitude - _STRETCH
    width = distance_mm(centre, Place(centre.latitude, _degrees(aside)))
    return [
        (
            (_units(one.longitude) - longitude) * width // _STRETCH,
            int((_units(one.latitude) - latitude) * _UNIT_MM),
        )
        for one in places
    ]


def _encloses(ring: Sequence[tuple[int, int]]) -> bool:
    """Whether the origin lies inside a closed ring: a ray to the east crosses it an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > 0) != (y2 > 0):
            cross = x1 * (y2 - y1) - y1 * (x2 - x1)
            inside ^= (cross > 0) == (y2 > y1)
    return inside


def _to_segment(start: tuple[int, int], end: tuple[int, int]) -> int:
    """Metres from the origin to a segment."""
    (x1, y1), (x2, y2) = start, end
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = min(max(-(x1 * dx + y1 * dy), 0), length)
    x, y = (x1 * length + along * dx, y1 * length + along * dy) if length else (x1, y1)
    return (isqrt(x * x + y * y) // (length or 1) + 500) // 1000
