"""Places: areas and distances against values worked out by hand, and the shapes that would make GEOS stumble.

By hand: a degree of a great circle is pi x R / 180, 111,194.9 m; a cell between latitudes a and b has the area
R^2 x width x (sin b - sin a).
"""

from __future__ import annotations

import math

import pytest

from ledger.errors import SnapshotError, TooLarge
from ledger.rules.reference import geometry
from ledger.rules.reference.geometry import (
    Clearing,
    Near,
    PlaceIndex,
    alerts_near,
    gap_m,
    is_covered,
    is_inside,
    point_index,
    protected_index,
    read_geometry,
)
from ledger.rules.reference.projection import box_of, centre_of, projection
from ledger.rules.reference.rows import Shape
from tests.ledger.rules.reference.files import load

D = 10**7
R = 6_371_007.181


def square(west: float, south: float, east: float, north: float) -> Shape:
    """A rectangle in degrees."""
    w, s, e, n = (round(c * D) for c in (west, south, east, north))
    return Shape(polygons=((((w, s), (e, s), (e, n), (w, n), (w, s)),),))


def point(east: float, north: float) -> Shape:
    return Shape(points=((round(east * D), round(north * D)),))


def cell_m2(south: float, north: float, width: float) -> float:
    """Area of a cell of the sphere, exact."""
    return R**2 * math.radians(width) * (math.sin(math.radians(north)) - math.sin(math.radians(south)))


def arc_m(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Along a great circle, by the haversine."""
    (east_a, north_a), (east_b, north_b) = ((math.radians(c / D) for c in place) for place in (a, b))
    across = math.cos(north_a) * math.cos(north_b) * math.sin((east_b - east_a) / 2) ** 2
    return 2 * R * math.asin(math.sqrt(math.sin((north_b - north_a) / 2) ** 2 + across))


def overlap_m2(a: Shape, b: Shape) -> int:
    return sum(near.overlap for near in PlaceIndex([b]).near(a, 0))


def area_m2(shape: Shape) -> int:
    return overlap_m2(shape, shape)


@pytest.mark.parametrize("south", [0, -2, 45, 60])
def test_area_is_that_of_the_sphere(south: float) -> None:
    cell = square(28, south, 28.01, south + 0.01)
    assert area_m2(cell) == pytest.approx(cell_m2(south, south + 0.01, 0.01), rel=1e-5)
    assert area_m2(point(28, south)) == 0


def test_area_with_a_hole_and_in_two_parts() -> None:
    outer, hole = square(0, 0, 0.02, 0.02).polygons[0][0], square(0.005, 0.005, 0.015, 0.015).polygons[0][0]
    ring = Shape(polygons=((outer, hole),))
    assert area_m2(ring) == pytest.approx(0.75 * 4 * cell_m2(0, 0.01, 0.01), rel=1e-5)
    two = Shape(polygons=(square(0, 0, 0.01, 0.01).polygons[0], square(0.02, 0, 0.03, 0.01).polygons[0]))
    assert area_m2(two) == pytest.approx(2 * cell_m2(0, 0.01, 0.01), rel=1e-5)
    assert not is_inside((100_000, 100_000), ring)
    assert is_inside((20_000, 20_000), ring)


def test_overlap_of_half_a_cell() -> None:
    """0.5 ha is the usual threshold: a cell of 123.6 ha and one half a cell to its east share 61.8 ha."""
    site, park = square(0, 0, 0.01, 0.01), square(0.005, 0, 0.02, 0.01)
    assert overlap_m2(site, park) == overlap_m2(park, site) == 618216
    assert overlap_m2(site, square(0.01, 0, 0.02, 0.01)) == 0
    assert overlap_m2(site, square(1, 1, 2, 2)) == 0


def test_gap_between_shapes() -> None:
    site = square(0, 0, 0.01, 0.01)
    assert gap_m(site, square(0.02, 0, 0.03, 0.01)) == 1112
    assert gap_m(site, square(0.01, 0, 0.03, 0.01)) == gap_m(site, point(0.005, 0.005)) == 0
    assert gap_m(point(0, 0), point(0, 0.01)) == 1112


def test_polygon_that_crosses_itself_is_repaired() -> None:
    bow = Shape(polygons=((((0, 0), (100_000, 100_000), (100_000, 0), (0, 100_000), (0, 0)),),))
    assert area_m2(bow) == pytest.approx(cell_m2(0, 0.01, 0.01) / 2, rel=1e-5)
    index = PlaceIndex([bow])
    assert index.near(square(0, 0, 0.01, 0.01), 10)[0].overlap == area_m2(bow)


def test_geometry_of_a_record() -> None:
    polygon = {"type": "Polygon", "coordinates": [[["0", "0"], ["0.01", "0"], ["0.01", "0.01"], ["0", "0"]]]}
    assert area_m2(read_geometry(polygon)) == pytest.approx(cell_m2(0, 0.01, 0.01) / 2, rel=1e-4)
    assert read_geometry({"type": "Point", "coordinates": ["-28.1234567", "1"]}) == Shape(points=((-281234567, D),))
    with pytest.raises(SnapshotError):
        read_geometry({"type": "Point", "coordinates": ["x", "1"]})


PLACES = (square(0.005, 0, 0.02, 0.01), square(0.03, 0, 0.04, 0.01), point(0.05, 0), square(5, 5, 6, 6))


def test_places_near_a_site() -> None:
    index = PlaceIndex(PLACES, [0, 0, 1000, 0])
    site = square(0, 0, 0.01, 0.01)
    assert index.near(site, 3000) == (Near(0, 0, 618216, True), Near(1, 2224, 0, True))
    assert index.near(site, 2223) == (Near(0, 0, 618216, True),)
    assert index.near(site, 4000)[-1] == Near(2, 3448, 0, False)  # a circle of 1,000 m around a point 4,448 m away
    assert index.near(point(0.05, 0.001), 0) == (Near(2, 0, 0, False),)
    assert index.near(point(-90, 45), 1000) == ()
    assert PlaceIndex([]).near(site, 10**6) == ()


def test_window_that_touches_only_the_box_of_a_place() -> None:
    """An L-shaped park whose box holds the site, while the park itself is far."""
    corner = Shape(polygons=((((0, 0), (D, 0), (D, D // 100), (D // 100, D // 100), (D // 100, D), (0, D), (0, 0)),),))
    assert PlaceIndex([corner]).near(point(0.9, 0.9), 1000) == ()
    assert PlaceIndex([corner]).near(point(0.9, 0.015), 1000) == (Near(0, 556, 0, True),)


def test_place_of_many_positions_is_measured_where_it_matters() -> None:
    ring = [(round(D * math.cos(n * math.pi / 5000)), round(D * math.sin(n * math.pi / 5000))) for n in range(10_000)]
    index = PlaceIndex([Shape(polygons=(((*ring, ring[0]),),))])
    assert index.near(square(0.1, 0.1, 0.11, 0.11), 100)[0].overlap == area_m2(square(0.1, 0.1, 0.11, 0.11))
    assert index.near(point(1.01, 0), 2000) == (Near(0, 1112, 0, True),)


def test_route_past_places() -> None:
    index = PlaceIndex(PLACES, [0, 0, 1000, 0])
    through = [(-10 * D, 50_000), (10 * D, 50_000)]
    assert [(near.place, near.distance) for near in index.along(through, 2000)] == [(0, 0), (1, 0), (2, 0)]
    north = [(-D, 150_000), (D, 150_000)]
    assert [(near.place, near.distance) for near in index.along(north, 600)] == [(0, 556), (1, 556)]
    assert index.along([], 1000) == ()


def test_route_of_one_position_is_a_point() -> None:
    index = PlaceIndex(PLACES)
    assert index.along([(250_000, 50_000)], 600) == (Near(0, 556, 0, True), Near(1, 556, 0, True))


def test_long_route_is_straight_in_longitude_and_latitude() -> None:
    zone = PlaceIndex([square(14.99, 44.99, 15.01, 45.01)])
    assert zone.along([(0, 45 * D), (30 * D, 45 * D)], 100) == (Near(0, 0, 0, True),)


def test_alerts_outside_of_the_licence() -> None:
    snapshot = load("forest_alerts")
    site = square(27.9995, -2.0005, 28.00005, -1.9999)

    def cleared(**changes: object) -> Clearing:
        asked: dict[str, object] = {"within_m": 1000, "since": "2026-01-01", "until": "2026-12-31"}
        return alerts_near(snapshot, site, **{**asked, **changes})  # type: ignore[arg-type]  # by name

    assert cleared() == Clearing(2, 200, "2026-05-01", "2026-06-01")
    assert cleared(confidence="nominal") == Clearing(3, 300, "2026-05-01", "2026-07-01")
    assert cleared(confidence="highest") == Clearing(1, 100, "2026-06-01", "2026-06-01")
    assert cleared(since="2026-05-02") == Clearing(1, 100, "2026-06-01", "2026-06-01")
    assert cleared(until="2026-05-31") == Clearing(1, 100, "2026-05-01", "2026-05-01")
    assert cleared(permitted=square(27.9, -2.1, 28.1, -1.9)) == Clearing(0, 0, "", "")
    assert cleared(permitted=square(27.9, -2.1, 28.1, -2.00015)) == Clearing(1, 100, "2026-05-01", "2026-05-01")
    assert cleared(permitted=point(28.0001, -2.0001)) == cleared()
    assert cleared(within_m=1) == Clearing(0, 0, "", "")
    assert cleared(within_m=20_000).alerts == 3
    assert point_index(snapshot) is point_index(load("forest_alerts"))


def test_answer_for_another_region_says_nothing() -> None:
    snapshot = load("forest_alerts")
    assert is_covered(snapshot, square(28.001, -2.09, 28.09, -2.01))
    assert not is_covered(snapshot, square(28.001, -2.09, 28.11, -2.01))
    assert not is_covered(snapshot, point(28.05, -1.9))


def test_protected_areas_of_a_real_format() -> None:
    snapshot = load("wdpa")
    index = protected_index(snapshot)
    (park,) = index.near(square(28.09, -1.95, 28.11, -1.94), 1000)
    assert snapshot.rows[park.place].name == "Park of the Tests"
    assert (park.overlap, park.exact) == (overlap_m2(square(28.09, -1.95, 28.11, -1.94), snapshot.rows[0].shape), True)
    (forest,) = index.near(point(28.5, -2.51), 1000)
    assert (snapshot.rows[forest.place].name, forest.distance, forest.exact) == ("Forest of the Tests", 113, False)
    assert protected_index(load("wdpa")) is index


def test_absurd_numbers_of_positions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "MAX_VERTICES", 4)
    for ask in (lambda: gap_m(*PLACES[:2]), lambda: PlaceIndex(PLACES)):
        with pytest.raises(TooLarge, match="positions of a shape; at most 4"):
            ask()
    with pytest.raises(TooLarge, match="pieces of a route; at most 4"):
        PlaceIndex([]).along([(0, 0), (D, 0)], 1)


@pytest.mark.parametrize("north", [0, -12, 48, 71])
def test_projection_keeps_distances_and_the_centre(north: float) -> None:
    centre = (round(28 * D), round(north * D))
    project = projection(centre)
    assert project(centre) == (0, 0)
    for east, up in ((0.1, 0), (0, 0.1), (-0.07, 0.07)):
        place = (centre[0] + round(east * D), centre[1] + round(up * D))
        assert math.hypot(*project(place)) == pytest.approx(arc_m(centre, place), rel=1e-4)


def test_boxes_are_never_too_narrow() -> None:
    assert box_of([(0, 0)]) == (0, 0, 0, 0)
    west, south, east, north = box_of([(0, 60 * D)], 1000)
    assert arc_m((west, 60 * D), (0, 60 * D)) >= 1000 <= arc_m((0, south), (0, 60 * D))
    assert box_of([(0, 90 * D)], 1000)[3] == 90 * D
    assert box_of([(180 * D, 0), (-180 * D, 0)], 1000)[::2] == (-180 * D, 180 * D)
    assert centre_of([(0, 0), (10, 20), (4, -20)]) == (5, 0)
    assert (east, north) > (0, 60 * D)
