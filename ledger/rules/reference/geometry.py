"""Places against places: a site in or near protected areas, alerts around it, a route past zones and roadblocks.

Built on shapely (GEOS). Every answer is an integer of metres or square metres; how they are measured,
and how exactly, stands in `projection.py`. Invalid polygons (crossing themselves) are repaired as GEOS's
`make_valid` does. Edges are straight in longitude and latitude. Shapes across the 180th meridian are
not joined: cut them there, as RFC 7946 section 3.1.9 asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from typing import Any, Final, NamedTuple

from ledger.rules.reference.jsontext import count_vertices, parse_shape
from ledger.rules.reference.limits import MAX_VERTICES, check_limit
from ledger.rules.reference.nature import CONFIDENCES
from ledger.rules.reference.projection import Project, box_of, centre_of, degrees, projection
from ledger.rules.reference.rows import ForestAlert, ProtectedArea
from ledger.rules.reference.shapes import Position, Shape
from ledger.rules.reference.snapshot import Snapshot

PIXEL_M2: Final = 100
"""Square metres of one pixel of the integrated alerts (10 m x 10 m)."""
_STEP: Final = 1 / 10
"""Degrees between the positions that are put into long edges, so that they stay straight when projected."""
_MARGIN_M: Final = 2_000
"""Around a search window, so that no clipped edge comes near what is measured."""


class Near(NamedTuple):
    """A place that was found. distance: m, 0 inside or touching; overlap: m2.

    exact: whether its boundary is known; a place known as a point and an area counts as a circle.
    """

    place: int
    distance: int
    overlap: int
    exact: bool


class Clearing(NamedTuple):
    """Alerts around a site: how many pixels, their area in m2, first and last day."""

    alerts: int
    area: int
    first: str
    last: str


def read_geometry(geometry: Mapping[str, Any]) -> Shape:
    """The shape of a record's geometry: GeoJSON with decimal strings. Raises SnapshotError, TooLarge."""
    return parse_shape(geometry, 0)


def positions_of(shape: Shape) -> Iterator[Position]:
    """Every position of a shape."""
    yield from shape.points
    for line in shape.lines:
        yield from line
    for polygon in shape.polygons:
        yield from polygon[0]  # holes lie within


def gap_m(a: Shape, b: Shape) -> int:
    """Metres between two shapes that are no more than some hundred km apart; 0 when they touch or overlap."""
    project = projection(centre_of(positions_of(a)))
    gap: int = round(_build(a, project).distance(_build(b, project)))
    return gap


def is_inside(position: Position, shape: Shape) -> bool:
    """Whether a position lies in a polygon of the shape or on its edge."""
    return gap_m(Shape(points=(position,)), Shape(polygons=shape.polygons)) == 0 if shape.polygons else False


class PlaceIndex:
    """Many shapes, prepared once to be searched by place. radii: m, of places that are known as points only."""

    def __init__(self, shapes: Sequence[Shape], radii: Sequence[int] | None = None) -> None:
        """Raises TooLarge for a shape of more positions than are read anywhere."""
        # Imported here: a reader of bundles without verdicts need not load GEOS.
        import shapely

        for shape in shapes:
            check_limit("positions of a shape", count_vertices(shape), MAX_VERTICES)
        self._shapes = tuple(shapes)
        self._radii = tuple(radii or (0,) * len(self._shapes))
        boxes = [box_of(positions_of(s), r) for s, r in zip(self._shapes, self._radii, strict=True)]
        self._tree = shapely.STRtree([shapely.box(*map(degrees, box)) for box in boxes])
        self._built: dict[int, Any] = {}

    def near(self, shape: Shape, within_m: int) -> tuple[Near, ...]:
        """The places that lie within so many metres of a shape, nearest first; sites and other small shapes."""
        window = box_of(positions_of(shape), within_m)
        centre = centre_of(positions_of(shape))
        clip = box_of(positions_of(shape), within_m + _MARGIN_M)
        return self._measure(shape, self._touched([window]), within_m, centre, clip)

    def along(self, route: Sequence[Position], within_m: int) -> tuple[Near, ...]:
        """The places within so many metres of a route of any length, in the order of their numbers."""
        found: dict[int, Near] = {}
        for leg in _legs(route):
            for near in self.near(Shape(lines=(leg,)), within_m):
                known = found.setdefault(near.place, near)
                if near.distance < known.distance:
                    found[near.place] = near
        return tuple(found[place] for place in sorted(found))

    def _touched(self, windows: Iterable[tuple[int, int, int, int]]) -> list[int]:
        import shapely

        found = (self._tree.query(shapely.box(*map(degrees, window))).tolist() for window in windows)
        return sorted({place for places in found for place in places})

    def _measure(
        self, shape: Shape, places: Iterable[int], within_m: int, centre: Position, clip: tuple[int, int, int, int]
    ) -> tuple[Near, ...]:
        project = projection(centre)
        asked = _build(shape, project)
        found = []
        for place in places:
            there = self._build_clipped(place, project, clip)
            distance = round(asked.distance(there)) if not there.is_empty else within_m + 1
            if distance <= within_m:
                overlap = round(asked.intersection(there).area)
                found.append(Near(place, distance, overlap, not self._radii[place]))
        return tuple(sorted(found, key=lambda near: (near.distance, near.place)))

    def _build_clipped(self, place: int, project: Project, clip: tuple[int, int, int, int]) -> Any:
        """A place in metres, as far as it lies in the box `clip`."""
        import shapely

        shape, radius = self._shapes[place], self._radii[place]
        if radius:
            return _build(Shape(points=shape.points), project).buffer(radius, quad_segs=32)
        if place not in self._built:
            self._built[place] = _build(shape, lambda position: (degrees(position[0]), degrees(position[1])))
        inside = shapely.intersection(self._built[place], shapely.box(*map(degrees, clip)))
        flat = shapely.segmentize(inside, _STEP)
        return _repaired(shapely.transform(flat, lambda rows: _project_rows(rows, project)))


def _legs(route: Sequence[Position]) -> Iterator[tuple[Position, ...]]:
    """A route in pieces of at most a tenth of a degree, so that each is measured around its own middle."""
    if len(route) == 1:
        yield (route[0], route[0])
    for a, b in pairwise(route):
        steps = max(1, -(-max(abs(b[0] - a[0]), abs(b[1] - a[1])) // 1_000_000))
        check_limit("pieces of a route", steps, MAX_VERTICES)
        cuts = [(a[0] + (b[0] - a[0]) * n // steps, a[1] + (b[1] - a[1]) * n // steps) for n in range(steps + 1)]
        yield from pairwise(cuts)


def _build(shape: Shape, project: Project) -> Any:
    """A shapely geometry of all parts of a shape, repaired where it crosses itself."""
    import shapely

    check_limit("positions of a shape", count_vertices(shape), MAX_VERTICES)
    parts: list[Any] = [shapely.Point(project(point)) for point in shape.points]
    parts += [shapely.LineString([project(place) for place in line]) for line in shape.lines]
    for outer, *holes in shape.polygons:
        rings = [[project(place) for place in ring] for ring in (outer, *holes)]
        parts.append(_repaired(shapely.Polygon(rings[0], rings[1:])))
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _repaired(geometry: Any) -> Any:
    import shapely

    return geometry if geometry.is_valid else shapely.make_valid(geometry)


def _project_rows(rows: Any, project: Project) -> Any:
    """Rows of degrees, as shapely hands them over, into metres."""
    import numpy as np

    scaled = np.rint(rows * 10**7).astype(np.int64).tolist()
    return np.array([project((east, north)) for east, north in scaled]).reshape(-1, 2)


@lru_cache(maxsize=8)
def protected_index(snapshot: Snapshot) -> PlaceIndex:
    """The index of a snapshot of protected areas; `Near.place` is the number of the row."""
    areas: tuple[ProtectedArea, ...] = snapshot.rows
    radii = [0 if area.shape.polygons else isqrt(area.area * 7 // 22) for area in areas]  # area = pi r^2, pi = 22/7
    return PlaceIndex([area.shape for area in areas], radii)


@lru_cache(maxsize=8)
def point_index(snapshot: Snapshot) -> PlaceIndex:
    """The index of a snapshot whose rows have a `position`; `Near.place` is the number of the row."""
    return PlaceIndex([Shape(points=(row.position,)) for row in snapshot.rows])


def alerts_near(
    snapshot: Snapshot,
    site: Shape,
    *,
    within_m: int,
    since: str,
    until: str,
    confidence: str = "high",
    permitted: Shape | None = None,
) -> Clearing:
    """Alerts of some days within so many metres of a site, but outside of the permitted shape.

    since, until: days, both included; confidence: the least that counts; permitted: what may be cleared
    (licence or site polygon).
    """
    least = CONFIDENCES.index(confidence)
    found: list[ForestAlert] = []
    for near in point_index(snapshot).near(site, within_m):
        alert: ForestAlert = snapshot.rows[near.place]
        counts = since <= alert.seen_on <= until and CONFIDENCES.index(alert.confidence) >= least
        if counts and not (permitted is not None and is_inside(alert.position, permitted)):
            found.append(alert)
    days = sorted(alert.seen_on for alert in found) or [""]
    return Clearing(len(found), len(found) * PIXEL_M2, days[0], days[-1])


def is_covered(snapshot: Snapshot, site: Shape) -> bool:
    """Whether a site lies within the box around all rows with a `position`.

    An answer that was asked for another region says nothing about this site.
    """
    west, south, east, north = box_of(row.position for row in snapshot.rows)
    return all(west <= place[0] <= east and south <= place[1] <= north for place in positions_of(site))
