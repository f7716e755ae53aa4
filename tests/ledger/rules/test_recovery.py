"""Reported production against ore, grade and recovery: a tin mine's published years."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ledger.rules.recovery import Closure, close_recovery, expect_metal


@pytest.mark.parametrize(
    ("ore", "grade", "recovery", "reported", "expected", "difference"),
    [
        ("436400", "3.82", "75", "12493", "12502.86", "-0.0789"),
        ("400691", "4.15", "75", "12568", "12471.5074", "0.7737"),
        ("229107", "2.9", "73.4", "4917", "4876.7716", "0.8249"),
    ],
)
def test_published_years_close(
    ore: str, grade: str, recovery: str, reported: str, expected: str, difference: str
) -> None:
    closure = close_recovery(ore, grade, recovery, reported)
    assert closure.to_json() == {"expected": expected, "reported": reported, "difference": difference}
    assert closure.level() == "usual"
    assert close_recovery(ore, grade, recovery, str(int(reported) * 2)).level() == "high"


def test_the_limits_are_exact() -> None:
    assert expect_metal("1000", "10", "50") == 50
    for reported, level in (("51", "usual"), ("51.000001", "unusual"), ("52.5", "unusual"), ("52.500001", "high")):
        assert close_recovery("1000", "10", "50", reported).level() == level
    assert close_recovery("1000", "10", "50", "47.499999").level() == "high"
    assert close_recovery("1000", "10", "50", "55").level(usual="1", high="10") == "unusual"


def test_metal_from_nothing() -> None:
    assert close_recovery("0", "10", "50", "0").difference == 0
    assert close_recovery("0", "10", "50", "1").level() == "high"
    assert Closure(Fraction(3), Fraction(3)).to_json()["difference"] == "0"
    assert Closure(Fraction(10**9), Fraction(10**9 - 1)).to_json()["difference"] == "0"
