"""Hypothesis strategies for anything that fits a schema: what a hostile but well-formed signer may write.

`fitting(model)` makes JSON values for a pydantic model of the custody schemas, `bent(value)` bends one place of any
JSON value into something of another type or size.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import StringConstraints

from ledger.custody.vocabulary import (
    Amount,
    Analyte,
    Code,
    Country,
    Date,
    Geometry,
    Id,
    Moisture,
    Name,
    Note,
    Number,
    Part,
    Percent,
    PositiveMass,
    Time,
)

_DAYS: Final = ("1000-01-01", "2025-12-31", "2026-03-02", "2026-03-31", "2026-04-01", "2026-05-20", "2999-12-31")
_NAMES: Final = ("A", "\u0130\u0307", "\u202egnp.exe", "<script>alert(1)</script>", "$x$ #eval(1)", "\u009b31m", "none")
_USUAL: Final[dict[Any, Sequence[str]]] = {
    Date: _DAYS,
    Time: tuple(f"{day}T23:59:59Z" for day in _DAYS),
    Country: ("CD", "RW", "MY", "ZZ"),
    Name: _NAMES,
    Note: (*_NAMES, "two\nlines"),
    Amount: ("0", "0.000001", "999999999999.999999", "40"),
    Number: ("0", "-999999999999.999999999999", "1.5"),
    Moisture: ("0", "99.9999", "2"),
    PositiveMass: ("0.000001", "40", "999999999999.999999"),
    Analyte: ("Ta2O5", "Sn", "Au", "Co", "H2O", "Hg"),
    Percent: ("0", "100", "0.000001", "28.5"),
    Code: ("itsci", "icglr", "A2.1", "A2.5.security", "RMAP", "OECD-RF.LOC1", "coltan", "0"),
}
_POINTS: Final = ("0", "-0", "180", "-180", "28.88", "90", "-90", "0.0000001")


def fitting(model: type[Part], ids: Sequence[str] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """JSON values that the model takes; ids: of subjects, which members that hold ids mostly name."""
    return _fitting(model, tuple(ids))


@cache
def _fitting(model: type[Part], ids: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    if model is Geometry:
        return _geometries()
    needed: dict[str, st.SearchStrategy[Any]] = {}
    may: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        if field.alias != "_sd":
            (needed if field.is_required() else may)[field.alias or name] = _values(
                field.annotation, tuple(field.metadata), ids
            )
    return st.fixed_dictionaries(needed, optional=may)


def _values(kind: Any, limits: tuple[Any, ...], ids: tuple[str, ...]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        found = _usual(kind, ids)
        return found if found is not None else _values(arguments[0], (*arguments[1:], *limits), ids)
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if one is type(None) else _values(one, limits, ids) for one in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(_values(arguments[0], (), ids), min_size=_limit(limits, MinLen, 0), max_size=3)
    if origin is dict:
        names = _values(arguments[0], (), ids)
        return st.dictionaries(names, _values(arguments[1], (), ids), min_size=_limit(limits, MinLen, 0), max_size=3)
    if isinstance(kind, type) and issubclass(kind, Part):
        return _fitting(kind, ids)
    if kind is bool:
        return st.booleans()
    if kind is int:
        least, most = _limit(limits, Ge, 0), _limit(limits, Le, 10)
        return st.sampled_from([least, min(least + 1, most), most])
    return _texts(kind, limits, ids)


def _usual(kind: Any, ids: tuple[str, ...]) -> st.SearchStrategy[str] | None:
    """Values that rules meet, and values at the edge of what a schema takes."""
    if kind == Id and ids:
        return st.sampled_from(ids)
    return next((st.sampled_from(values) for one, values in _USUAL.items() if kind == one), None)


def _texts(kind: Any, limits: tuple[Any, ...], ids: tuple[str, ...]) -> st.SearchStrategy[str]:
    """kind: str; what pydantic has taken apart into type and limits is put together again first."""
    usual = _usual(Annotated[kind, *limits], ids) if limits else None
    if usual is not None:
        return usual
    pattern = next((one.pattern for one in limits if isinstance(one, StringConstraints) and one.pattern), None)
    if pattern is None:
        pattern = next((one.pattern for one in limits if getattr(one, "pattern", None)), None)
    if pattern is None:
        return st.sampled_from(_NAMES)
    most = _limit(limits, MaxLen, 200)
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= most and not text.endswith("\n"))


def _limit(limits: tuple[Any, ...], kind: Any, default: int) -> int:
    names = {MinLen: "min_length", MaxLen: "max_length", Ge: "ge", Le: "le"}
    found = (getattr(one, names[kind], None) for one in limits)
    return next((one for one in found if one is not None), default)


def _geometries() -> st.SearchStrategy[dict[str, Any]]:
    position = st.tuples(st.sampled_from(_POINTS), st.sampled_from(_POINTS[:1] + _POINTS[4:])).map(list)
    rings = st.lists(position, min_size=3, max_size=6).map(lambda ring: [*ring, ring[0]])
    return st.one_of(
        st.builds(lambda place: {"type": "Point", "coordinates": place}, position),
        st.builds(lambda found: {"type": "Polygon", "coordinates": found}, st.lists(rings, max_size=3)),
    )


HOSTILE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 2**53 - 1, -(2**53 - 1), 2**53, 2**63, "", "$", "$x", "\x00", "9" * 400, "\u202e",
    "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "NaN", "-0", [], {}, [[]], [None], {"": {}}, ["a"] * 300,
    {"a": {"a": {"a": []}}}, "x" * 10_000,
)  # fmt: skip
"""Values that no place of a well-formed document should choke on."""


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all members and elements of a JSON value, itself first."""
    below: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    return [at, *(place for name, one in below for place in places(one, (*at, name)))]


def bend(value: Any, at: tuple[Any, ...], by: Any) -> Any:
    """The JSON value with another value in one place; `...` takes the place out."""
    if not at:
        return None if by is ... else by
    name, *rest = at
    if isinstance(value, dict):
        out = {one: bend(held, tuple(rest), by) if one == name else held for one, held in value.items()}
        if by is ... and not rest:
            del out[name]
        return out
    held = [bend(one, tuple(rest), by) if n == name else one for n, one in enumerate(value)]
    return held[:name] + held[name + 1 :] if by is ... and not rest else held


@st.composite
def bent(draw: st.DrawFn, value: Any, times: int = 2) -> Any:
    """The JSON value, bent in one or more places."""
    for _ in range(draw(st.integers(1, times))):
        found = places(value)
        value = bend(value, draw(st.sampled_from(found)), draw(st.sampled_from((*HOSTILE, ...))))
    return value
