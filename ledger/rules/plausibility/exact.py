"""Statistics in integers: rounding, median, median absolute deviation, robust z. Unit of results: 1e-6.

    z = (x - median) / (1.4826 x MAD)

1.4826 makes the median absolute deviation estimate a standard deviation where values are normally
distributed. Nothing here is a float: two machines cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

MICRO: Final = 1_000_000
"""Units per one: 0.3 kg per day is 300000."""
LARGEST: Final = 10**12
"""No value or z leaves here beyond this, on either side: it stands for "off any scale" and still fits in JSON."""

_MAD_TO_SIGMA: Final = 14_826  # in 1e-4


def ratio(numerator: int, denominator: int) -> int:
    """`numerator / denominator` in 1e-6, halves to even, cut at LARGEST; the denominator is not zero."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    return clamp(divide(numerator * MICRO, denominator))


def divide(numerator: int, denominator: int) -> int:
    """The nearest integer to a quotient, halves to even; the denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))


def clamp(value: int) -> int:
    """The value, or what is `LARGEST` on its side."""
    return max(-LARGEST, min(LARGEST, value))


def median(values: Iterable[int]) -> int:
    """The middle one, or the mean of the middle two with halves to even; there is at least one."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return divide(ordered[middle - 1] + ordered[middle], 2)


def spread(values: Sequence[int], centre: int) -> int:
    """The median absolute deviation from `centre`."""
    return median(abs(value - centre) for value in values)


def robust_z(value: int, centre: int, mad: int) -> int:
    """How many robust standard deviations `value` lies from `centre`, in 1e-6; the mad is positive."""
    return clamp(divide((value - centre) * 10_000 * MICRO, _MAD_TO_SIGMA * mad))
