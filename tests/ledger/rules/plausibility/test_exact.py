"""Rounding, medians and robust z are exact; journeys are measured as a textbook does, to the millimetre."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.plausibility.exact import LARGEST, MICRO, clamp, divide, median, ratio, robust_z, spread
from ledger.rules.plausibility.observations import Hop, Place
from ledger.rules.plausibility.travel import distance_mm, speed

WHOLE = st.integers(-(10**15), 10**15)


@given(WHOLE, st.integers(1, 10**9))
def test_division_rounds_as_python_rounds_fractions(numerator: int, denominator: int) -> None:
    assert divide(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(
    ("numerator", "denominator", "micro"),
    [
        (1, 3, 333_333),
        (2, 3, 666_667),
        (-1, 3, -333_333),
        (1, -4, -250_000),
        (10**9, 1, LARGEST),
        (-(10**9), 1, -LARGEST),
    ],
)
def test_ratio_is_in_millionths_and_has_an_end(numerator: int, denominator: int, micro: int) -> None:
    assert ratio(numerator, denominator) == micro


def test_clamp_keeps_what_is_within() -> None:
    values = (-LARGEST - 1, -LARGEST, -5, 0, LARGEST, LARGEST + 1)
    assert [clamp(value) for value in values] == [-LARGEST, -LARGEST, -5, 0, LARGEST, LARGEST]


@given(st.lists(WHOLE, min_size=1, max_size=9))
def test_median_is_the_middle(values: list[int]) -> None:
    ordered = sorted(values)
    middle = Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)
    assert median(values) == round(middle)
    assert median(reversed(values)) == median(values)


def test_robust_z_of_the_catalogue() -> None:
    # median 3, deviations 2 1 0 1 97: MAD 1; (100 - 3) / 1.4826 = 65.425604...
    values = [1, 2, 3, 4, 100]
    centre = median(values)
    assert (centre, spread(values, centre)) == (3, 1)
    assert robust_z(100, centre, 1) == 65_425_604
    assert robust_z(3, centre, 1) == 0
    assert robust_z(2, centre, 1) == -674_491
    assert robust_z(10**30, centre, 1) == LARGEST


@given(*[st.integers(-89_999_999, 89_999_999), st.integers(-179_999_999, 179_999_999)] * 2)
def test_distance_agrees_with_the_haversine_in_floats(north: int, east: int, to_north: int, to_east: int) -> None:
    places = [Place(*(f"{'-' if one < 0 else ''}{abs(one) // MICRO}.{abs(one) % MICRO:06d}" for one in pair))
              for pair in ((north, east), (to_north, to_east))]  # fmt: skip
    a, b, c, d = (math.radians(one / MICRO) for one in (north, east, to_north, to_east))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    expected = 2 * 6_371_008.8 * math.asin(math.sqrt(min(1.0, h)))
    # Near the antipode a float of h loses half of its digits; the integers do not.
    allowed = 2 if h < 0.999 else 200_000
    assert abs(distance_mm(*places) - expected * 1_000) <= allowed
    assert distance_mm(*places) == distance_mm(*reversed(places))


def test_known_distances() -> None:
    pole, equator = Place("90", "0"), Place("0", "0")
    assert distance_mm(equator, equator) == 0
    assert distance_mm(equator, pole) == 10_007_557_221  # a quarter of the great circle, R = 6371.0088 km
    assert distance_mm(Place("0", "179.9"), Place("0", "-179.9")) == distance_mm(Place("0", "-0.1"), Place("0", "0.1"))


RUBAYA, GOMA = Place("-1.5500", "28.8700"), Place("-1.6800", "29.2200")


def hop(departed: str, arrived: str, end: Place = GOMA) -> Hop:
    return Hop(RUBAYA, f"2026-03-01T{departed}Z", end, f"2026-03-01T{arrived}Z")


def test_speed_along_the_straight_line() -> None:
    millimetres = distance_mm(RUBAYA, GOMA)
    assert millimetres == 41_501_639
    assert speed(hop("06:00:00", "08:00:00")) == 20_750_820  # 20.8 km/h
    assert speed(hop("06:00:00", "06:20:00")) == 124_504_917
    assert speed(hop("06:00:00", "06:00:00")) == LARGEST
    assert speed(hop("06:00:00", "05:00:00")) == LARGEST
    assert speed(hop("06:00:00", "06:00:01", Place("-1.5501", "28.8701"))) is None
