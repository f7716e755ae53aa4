"""Positions and shapes: exact integers, (longitude, latitude) in 1e-7 degrees."""

from __future__ import annotations

from typing import Final, NamedTuple

Position = tuple[int, int]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]

DEGREE_PLACES: Final = 7
"""Decimals of a degree in a position: 1.1 cm on the equator."""


class Shape(NamedTuple):
    """Points, lines and polygons (outer ring first, then holes; rings closed) of one place."""

    points: tuple[Position, ...] = ()
    lines: tuple[tuple[Position, ...], ...] = ()
    polygons: tuple[Polygon, ...] = ()
