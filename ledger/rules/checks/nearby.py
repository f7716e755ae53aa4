"""Which rows of reference data lie near a place or a way: a box first, because lists are long, then the distance."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from ledger.rules.checks.places import metres, metres_from_line, place_of_row
from ledger.rules.plausibility.observations import Place

_UNITS: Final = 10**7  # of 1e-7 degrees
_PER_METRE: Final = 91  # units of latitude in a metre, a little more than there are
_STRETCH: Final = 6  # a metre of longitude is so many times as many units up to 80 degrees of latitude


class Reach(NamedTuple):
    """All within `limit` metres of a place, or of the straight line between two. box: west, south, east, north."""

    line: tuple[Place, ...]
    limit: int
    box: tuple[int, int, int, int]


def reach_of(line: tuple[Place, ...], limit: int) -> Reach:
    """The reach of a place (one point) or a way (two points); limit: metres."""
    lons = [int(Fraction(one.longitude) * _UNITS) for one in line]
    lats = [int(Fraction(one.latitude) * _UNITS) for one in line]
    high = limit * _PER_METRE
    wide = high * _STRETCH
    return Reach(line, limit, (min(lons) - wide, min(lats) - high, max(lons) + wide, max(lats) + high))


def is_within(reach: Reach, position: tuple[int, int]) -> bool:
    """Whether a position, (longitude, latitude) in 1e-7 degrees, lies within it."""
    west, south, east, north = reach.box
    if not (west <= position[0] <= east and south <= position[1] <= north):
        return False
    place = place_of_row(position)
    assert place is not None  # noqa: S101 - a position is a place
    if len(reach.line) == 1:
        return metres(reach.line[0], place) <= reach.limit
    return metres_from_line(place, reach.line) <= reach.limit
