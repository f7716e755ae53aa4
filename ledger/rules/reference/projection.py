"""From degrees to metres and back to integers: the sphere, a local equal-area projection, rounding.

Areas and short distances: Lambert azimuthal equal-area (Snyder 1987, section 24, spherical), centred on
the place in question, on the sphere of the Earth's area (6,371,007.181 m). Against the ellipsoid a length is off
by at most 0.6 %, an area by at most 0.7 %: tolerances of rules are wider. Projected positions are rounded to
millimetres and results to whole metres or square metres, so that another machine's last bit does not show.
Long distances are not measured here, but by `ledger.rules.plausibility.travel`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

from ledger.rules.reference.shapes import DEGREE_PLACES, Position

DEGREE: Final = 10**DEGREE_PLACES
_AUTHALIC: Final = 6_371_007_181 / 1000
_METRES_PER_DEGREE: Final = 110_000
"""Of latitude, at least: for search windows, which may be too wide but never too narrow."""

Project = Callable[[Position], tuple[Any, Any]]


def degrees(value: int) -> Any:
    """1e-7 degrees as degrees, for geometry libraries."""
    return value / DEGREE


def projection(centre: Position) -> Project:
    """A projection to metres east and north of `centre`; equal-area, rounded to millimetres."""
    east_0, north_0 = (math.radians(degrees(c)) for c in centre)
    sin_0, cos_0 = math.sin(north_0), math.cos(north_0)

    def project(place: Position) -> tuple[Any, Any]:
        east, north = math.radians(degrees(place[0])) - east_0, math.radians(degrees(place[1]))
        sin, cos = math.sin(north), math.cos(north)
        # k' = sqrt(2 / (1 + sin f1 sin f + cos f1 cos f cos dl)), Snyder (24-2); its antipode is nobody's neighbour
        scale = _AUTHALIC * math.sqrt(2 / max(1 + sin_0 * sin + cos_0 * cos * math.cos(east), 1 / DEGREE))
        x, y = scale * cos * math.sin(east), scale * (cos_0 * sin - sin_0 * cos * math.cos(east))
        return round(x * 1000) / 1000, round(y * 1000) / 1000

    return project


def centre_of(positions: Iterable[Position]) -> Position:
    """The middle of the box around positions."""
    west, south, east, north = box_of(positions)
    return (west + east) // 2, (south + north) // 2


def box_of(positions: Iterable[Position], margin_m: int = 0) -> tuple[int, int, int, int]:
    """West, south, east, north of positions in 1e-7 degrees, widened by at least `margin_m` metres."""
    places = list(positions)
    wests, norths = [place[0] for place in places], [place[1] for place in places]
    rise = -(-margin_m * DEGREE // _METRES_PER_DEGREE)
    south, north = max(min(norths) - rise, -90 * DEGREE), min(max(norths) + rise, 90 * DEGREE)
    shrink = max(math.cos(math.radians(degrees(max(abs(south), abs(north))))), 1 / 1000)
    run = math.ceil(rise / shrink)
    return max(min(wests) - run, -180 * DEGREE), south, min(max(wests) + run, 180 * DEGREE), north
