"""Protected areas with old and new field names, alerts as the API answers them, and GeoJSON that is malformed."""

from __future__ import annotations

import pytest

from ledger.errors import SnapshotError, TooLarge
from ledger.rules.reference import jsontext, limits
from ledger.rules.reference.jsontext import count_vertices, parse_foreign_json, parse_shape, read_text
from ledger.rules.reference.rows import ForestAlert, ProtectedArea, Shape
from tests.ledger.rules.reference.files import bent, load, read

SQUARE = ((280000000, -20000000), (281000000, -20000000), (281000000, -19000000), (280000000, -19000000))


def test_areas_with_new_and_old_names_of_fields() -> None:
    park, forest = load("wdpa").rows
    assert park == ProtectedArea(
        id="900001_A",
        name="Park of the Tests",
        designation="National Park",
        iucn="II",
        status="Designated",
        countries=("CD", "RW"),
        shape=Shape(polygons=(((*SQUARE, SQUARE[0]),),)),
        area=123_400_000,
        world_heritage=False,
    )
    assert forest == ProtectedArea(
        id="900002",
        name="Forest of the Tests",
        designation="World Heritage Site (natural or mixed)",
        iucn="Not Applicable",
        status="Inscribed",
        countries=("CD",),
        shape=Shape(points=((285000000, -25000000),)),
        area=3_140_000,
        world_heritage=True,
    )
    small = read("wdpa").replace(b'"SITE_ID"', b'"site_id"').replace(b'"WDPA_PID"', b'"wdpa_pid"')
    assert load("wdpa", small).rows == (park, forest)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"SITE_ID": 900001, "SITE_PID": "900001_A",', "", "Row 1 has no member SITE_PID or WDPA_PID or SITE_ID"),
        ('"SITE_ID": 900001, "SITE_PID": "900001_A"', '"SITE_ID": null', "Row 1 has no id."),
        ('"IUCN_CAT": "II", ', "", "Row 1 has no member IUCN_CAT."),
        ('"DESIG_ENG": "National Park"', '"D": 1', "Row 1 has no member DESIG_ENG or DESIG."),
        ('"REP_AREA": 123.4', '"REP_AREA": "large"', "Row 1: REP_AREA is not an area in km2."),
        ('"REP_AREA": 123.4', '"REP_AREA": -1', "Row 1: REP_AREA is not an area in km2."),
        ('"REP_AREA": 123.4', '"REP_AREA": 1e30', "Row 1: REP_AREA is not an area in km2."),
        ('"REP_AREA": 123.4', '"REP_AREA": "NaN"', "Row 1: REP_AREA is not an area in km2."),
        ("[28.1, -1.9]", "[28.1, -91.9]", "Row 1 has a coordinate that is not within 90 degrees."),
        ("[28.1, -1.9]", "[281, -1.9]", "Row 1 has a coordinate that is not within 180 degrees."),
        ("[28.1, -1.9]", "[28.1]", "Row 1 has a position that is not [longitude, latitude]."),
        ("[28.1, -1.9]", "[28.1, -1.9, 1, 2, 3]", "Row 1 has a position that is not"),
        ("[28.1, -1.9]", '["28.1", "x"]', "Row 1 has a coordinate that is not"),
        ("[28.1, -1.9]", '[28.1, "NaN"]', "Row 1 has a coordinate that is not"),
        ("[28.1, -1.9]", "[28.1, 1e999999]", "Row 1 has a coordinate that is not"),
        ("[28.1, -1.9]", "[28.1, null]", "Row 1 has a coordinate that is not"),
        ("[28.1, -1.9]", '{"x": 1}', "Row 1 has coordinates that are no array."),
        ("[28.0, -1.9], [28.0, -2.0]", "[28.0, -1.9]", "Row 1 has a ring that is not closed"),
        ("[28.1, -2.0], [28.1, -1.9], [28.0, -1.9], ", "", "Row 1 has a ring that is not closed or has fewer than 4"),
        ('"MultiPolygon"', '"Circle"', "Row 1 has a geometry of a kind that is not read: Circle."),
        ('"type": "Feature"', '"type": "Thing"', "Row 1 is not a GeoJSON feature."),
        ('"type": "FeatureCollection"', '"type": "Collection"', "not a GeoJSON FeatureCollection"),
        ('"features"', '"things"', "The file holds no array at /features."),
    ],
)
def test_area_that_is_malformed(old: str, new: str, says: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        load("wdpa", bent("wdpa", old, new))
    assert says in caught.value.message


def test_area_that_states_no_size_and_one_without_boundary_or_point() -> None:
    raw = bent("wdpa", '"GIS_AREA": "3.14", ', "")
    assert load("wdpa", raw).rows[1].area == 0
    line = bent("wdpa", '"MultiPoint", "coordinates": [[28.5, -2.5]]', '"LineString", "coordinates": [[1, 1], [2, 2]]')
    assert load("wdpa", line).left_out == 2


@pytest.mark.parametrize(
    ("kind", "coordinates", "shape"),
    [
        ("Point", [1, 2], Shape(points=((10000000, 20000000),))),
        ("MultiPoint", [[1, 2], ["3", "4.5"]], Shape(points=((10000000, 20000000), (30000000, 45000000)))),
        ("LineString", [[0, 0], [1, 0]], Shape(lines=(((0, 0), (10000000, 0)),))),
        ("MultiLineString", [[[0, 0], [1, 0, 850]]], Shape(lines=(((0, 0), (10000000, 0)),))),
    ],
)
def test_every_kind_of_shape(kind: str, coordinates: object, shape: Shape) -> None:
    assert parse_shape({"type": kind, "coordinates": coordinates}, 1) == shape


def test_line_of_one_position() -> None:
    with pytest.raises(SnapshotError, match="Row 7 has a line of one position"):
        parse_shape({"type": "LineString", "coordinates": [[0, 0]]}, 7)
    with pytest.raises(SnapshotError, match="not closed"):
        parse_shape({"type": "Polygon", "coordinates": []}, 7)


def test_limits_of_shapes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_ALL_VERTICES", 5)
    with pytest.raises(TooLarge, match="positions of the file; at most 5"):
        load("wdpa")
    for limit in (4, 2):  # rings add up, and an array is not walked beyond the limit
        monkeypatch.setattr(jsontext, "MAX_VERTICES", limit)
        with pytest.raises(TooLarge, match=f"positions of row 1; at most {limit}"):
            load("wdpa")
    lines = {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 0]], [[0, 0], [1, 0]]]}
    with pytest.raises(TooLarge):
        parse_shape(lines, 1)
    assert count_vertices(Shape(points=((0, 0),), lines=(((0, 0), (1, 0)),))) == 3


def test_limits_of_json_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(TooLarge, match=f"inside one another; at most {limits.MAX_DEPTH}"):
        parse_foreign_json(deep)
    assert (
        parse_foreign_json(b'{"text": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "quote\\"[": 1}')["text"][0]
        == "["
    )
    monkeypatch.setattr(jsontext, "MAX_ROWS", 1)
    with pytest.raises(TooLarge, match="rows; at most 1"):
        load("forest_alerts")
    with pytest.raises(TooLarge, match="characters of one value"):
        read_text({"a": "x" * (limits.MAX_TEXT + 1)}, "a")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"a": 1, "a": 2}', "A name stands twice in one object."),
        (b'{"a": NaN}', "holds NaN, which is no JSON number"),
        (b'{"a": -Infinity}', "holds -Infinity"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "a number that is too long"),
        (b'{"a": 1e' + b"9" * 30 + b"}", "a number that is too long"),
        (b'{"a": tru}', r"not whole JSON: .* \(line 1\)"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"{}{}", "not whole JSON"),
    ],
)
def test_json_that_two_readers_would_read_differently(raw: bytes, says: str) -> None:
    with pytest.raises(SnapshotError, match=says):
        parse_foreign_json(raw)


def test_text_of_members() -> None:
    members = {"a": " x \n y ", "b": 1, "c": None, "d": {}, "e": [1], "f": parse_foreign_json(b"1.50")}
    assert [read_text(members, name) for name in "abcdefg"] == ["x y", "1", "", "", "", "1.50", ""]
    assert parse_foreign_json(b"\xef\xbb\xbf[1]") == [1]


def test_alerts() -> None:
    found = load("forest_alerts")
    assert found.rows[1] == ForestAlert((280001000, -20002000), "2026-06-01", "highest")
    assert [alert.confidence for alert in found.rows] == ["high", "highest", "nominal", "high"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"success"', '"failed"', "no successful answer"),
        ('"data"', '"dat"', "no array at /data"),
        ('"gfw_integrated_alerts__date"', '"date"', "Row 1 has no member `gfw_integrated_alerts__date`"),
        ('"high"', '"certain"', "Row 1: the confidence 'certain' is not known"),
        ("2026-05-01", "2026-13-01", "Row 1: The date is not a date"),
        ('"latitude": -2.0001', '"latitude": "south"', "Row 1 has a coordinate"),
    ],
)
def test_alert_that_is_malformed(old: str, new: str, says: str) -> None:
    with pytest.raises(SnapshotError, match=says):
        load("forest_alerts", bent("forest_alerts", old, new))
