"""Reading foreign JSON: bounded, without duplicate names, and without floating-point numbers.

Fractions arrive as `Decimal`, so a coordinate is exactly what the file says until it is rounded to
1e-7 degrees. GeoJSON follows RFC 7946; altitudes are dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from ledger.errors import SnapshotError
from ledger.rules.reference.limits import (
    MAX_ALL_VERTICES,
    MAX_DEPTH,
    MAX_ROWS,
    MAX_TEXT,
    MAX_VERTICES,
    check_file,
    check_limit,
)
from ledger.rules.reference.shapes import DEGREE_PLACES, Position, Shape

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_EXACT: Final = Context(prec=60)
_DEGREE: Final = Decimal(10) ** DEGREE_PLACES


def parse_foreign_json(raw: bytes) -> Any:
    """The value of a JSON file. Raises SnapshotError (not UTF-8, not JSON, a name twice, NaN) and TooLarge."""
    check_file(raw)
    check_limit("arrays and objects inside one another", _depth(raw), MAX_DEPTH)
    try:
        return json.loads(
            raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_members
        )
    except UnicodeDecodeError:
        raise SnapshotError("The file is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise SnapshotError(f"This is not whole JSON: {error.msg} (line {error.lineno}).", line=error.lineno) from None
    except (ValueError, InvalidOperation):  # thousands of digits, or an exponent that no decimal has
        raise SnapshotError("The file holds a number that is too long.") from None


def _depth(raw: bytes) -> int:
    """How deep brackets nest outside of strings."""
    deepest = depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise SnapshotError(f"The file holds {name}, which is no JSON number.")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise SnapshotError("A name stands twice in one object.")
    return members


def iterate_rows(value: Any, where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of an array, numbered from 1. Raises SnapshotError when it is none, TooLarge."""
    if not isinstance(value, list):
        raise SnapshotError(f"The file holds no array at {where}.", pointer=where)
    check_limit("rows", len(value), MAX_ROWS)
    for row, item in enumerate(value, 1):
        if not isinstance(item, dict):
            raise SnapshotError(f"Row {row} is not an object.", row=row, pointer=f"{where}/{row - 1}")
        yield row, item


def iterate_features(value: Any) -> Iterator[tuple[int, Mapping[str, Any], Shape]]:
    """Number, properties and shape of every feature of a GeoJSON FeatureCollection.

    A feature without geometry has an empty shape. Raises SnapshotError, TooLarge.
    """
    if not isinstance(value, dict) or value.get("type") != "FeatureCollection":
        raise SnapshotError("The file is not a GeoJSON FeatureCollection.")
    total = 0
    for row, feature in iterate_rows(value.get("features"), "/features"):
        properties = feature.get("properties")
        if feature.get("type") != "Feature" or not isinstance(properties, dict):
            raise SnapshotError(f"Row {row} is not a GeoJSON feature.", row=row)
        shape = parse_shape(feature.get("geometry"), row)
        total += count_vertices(shape)
        check_limit("positions of the file", total, MAX_ALL_VERTICES)
        yield row, properties, shape


def parse_shape(geometry: Any, row: int) -> Shape:
    """The shape of a GeoJSON geometry (RFC 7946), empty for null. Raises SnapshotError, TooLarge."""
    if geometry is None:
        return Shape()
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    levels = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
    if kind not in levels:
        raise SnapshotError(f"Row {row} has a geometry of a kind that is not read: {str(kind)[:40]}.", row=row)
    read = _nested(geometry.get("coordinates"), levels[kind], row)
    shape = {
        "Point": lambda: Shape(points=(read,)),
        "MultiPoint": lambda: Shape(points=read),
        "LineString": lambda: Shape(lines=(read,)),
        "MultiLineString": lambda: Shape(lines=read),
        "Polygon": lambda: Shape(polygons=(read,)),
        "MultiPolygon": lambda: Shape(polygons=read),
    }[kind]()
    check_limit(f"positions of row {row}", count_vertices(shape), MAX_VERTICES)
    if any(len(line) < 2 for line in shape.lines):
        raise SnapshotError(f"Row {row} has a line of one position.", row=row)
    for polygon in shape.polygons:
        if not polygon or any(len(ring) < 4 or ring[0] != ring[-1] for ring in polygon):
            raise SnapshotError(f"Row {row} has a ring that is not closed or has fewer than 4 positions.", row=row)
    return shape


def count_vertices(shape: Shape) -> int:
    """How many positions a shape has."""
    rings = sum(len(ring) for polygon in shape.polygons for ring in polygon)
    return len(shape.points) + sum(map(len, shape.lines)) + rings


def _nested(value: Any, level: int, row: int) -> Any:
    if not isinstance(value, list):
        raise SnapshotError(f"Row {row} has coordinates that are no array.", row=row)
    if level == 0:
        if not 2 <= len(value) <= 4:
            raise SnapshotError(f"Row {row} has a position that is not [longitude, latitude].", row=row)
        return parse_position(value[0], value[1], row)
    check_limit(f"positions of row {row}", len(value), MAX_VERTICES)
    return tuple(_nested(item, level - 1, row) for item in value)


def parse_position(longitude: Any, latitude: Any, row: int) -> Position:
    """A position in 1e-7 degrees from numbers or decimal text. Raises SnapshotError (at `row`)."""
    return _degrees(longitude, 180, row), _degrees(latitude, 90, row)


def _degrees(value: Any, limit: int, row: int) -> int:
    try:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise InvalidOperation
        number = Decimal(value)
        if not number.is_finite() or not -limit <= number <= limit:
            raise InvalidOperation
    except InvalidOperation:
        raise SnapshotError(f"Row {row} has a coordinate that is not within {limit} degrees.", row=row) from None
    return int(_EXACT.to_integral_value(_EXACT.multiply(number, _DEGREE)))


def read_text(properties: Mapping[str, Any], name: str) -> str:
    """A member as text with white space collapsed: "" for null or absent; numbers as they are written."""
    value = properties.get(name)
    if value is None or (isinstance(value, Mapping | Sequence) and not isinstance(value, str)):
        return ""
    check_limit("characters of one value", len(str(value)), MAX_TEXT)
    return " ".join(str(value).split())
