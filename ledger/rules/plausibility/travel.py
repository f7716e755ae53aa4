"""Straight-line distance and speed between two places, in integers.

    h = sin^2((b - a)/2) + cos a cos b sin^2((d - c)/2)      haversine; a, b latitudes, c, d longitudes
    distance = 2 R asin(sqrt h)

The series are summed in fixed point, so the last digit is the same everywhere; `math.sin` promises
no such thing. On a sphere of the mean radius a distance is within 0.6 % of that on the ellipsoid.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import Final

from ledger.encoding import parse_time
from ledger.rules.plausibility.exact import LARGEST, MICRO, ratio
from ledger.rules.plausibility.observations import Hop, Place

EARTH_RADIUS_MM: Final = 6_371_008_800  # mean radius R1 of IUGG
SHORTEST_HOP_MM: Final = 1_000_000  # below a kilometre, a wrong minute makes any speed

_ONE: Final = 10**18
_PI: Final = 3_141592653589793238
_PLACES: Final = 12  # of a degree


@lru_cache(maxsize=4096)
def distance_mm(start: Place, end: Place) -> int:
    """Great-circle distance in mm."""
    latitude, longitude = _radians(start.latitude), _radians(start.longitude)
    to_latitude, to_longitude = _radians(end.latitude), _radians(end.longitude)
    haversine = _half_sine_squared(to_latitude - latitude)
    cosines = _sine(_PI // 2 - abs(latitude)) * _sine(_PI // 2 - abs(to_latitude)) // _ONE
    haversine += cosines * _half_sine_squared(to_longitude - longitude) // _ONE
    return 2 * EARTH_RADIUS_MM * _arcsine(isqrt(min(haversine, _ONE) * _ONE)) // _ONE


def speed(hop: Hop) -> int | None:
    """km/h in 1e-6, straight line; LARGEST when it arrived before it left; None for a hop under a kilometre."""
    distance = distance_mm(hop.start, hop.end)
    if distance < SHORTEST_HOP_MM:
        return None
    seconds = parse_time(hop.arrived) - parse_time(hop.departed)
    return LARGEST if seconds <= 0 else ratio(distance * 3600, seconds * MICRO)


def _radians(degrees: str) -> int:
    whole, _, fraction = degrees.removeprefix("-").partition(".")
    size = int(whole + fraction[:_PLACES].ljust(_PLACES, "0")) * _PI // (180 * 10**_PLACES)
    return -size if degrees.startswith("-") else size


def _half_sine_squared(angle: int) -> int:
    half = abs(angle) // 2
    return _sine(min(half, _PI - half)) ** 2 // _ONE


def _sine(angle: int) -> int:
    """x - x^3/3! + x^5/5! - ..., for 0 <= x <= pi/2."""
    square = angle * angle // _ONE
    term, total, n = angle, angle, 1
    while term:
        term = term * square // _ONE // ((n + 1) * (n + 2))
        n += 2
        total += -term if n % 4 == 3 else term
    return total


def _arcsine(sine: int) -> int:
    """x + (1/2) x^3/3 + (1/2)(3/4) x^5/5 + ..., after halving the angle twice so that it ends soon."""
    for _ in range(2):  # sin(a/2) = sin a / sqrt(2 (1 + cos a))
        cosine = isqrt(_ONE * _ONE - sine * sine)
        sine = sine * _ONE // isqrt(2 * (_ONE + cosine) * _ONE)
    square = sine * sine // _ONE
    power, total, n = sine, sine, 1
    while power:
        power = power * square // _ONE * n // (n + 1)
        n += 2
        total += power // n
    return 4 * total
