"""Whether the metal that a mine reports closes with its ore: ore x head grade x recovery.

Produced, not sold: a backlog that is sold later is no gain. rules-catalogue section 6, F-CAPACITY (LSM); what
difference is unusual is a parameter.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, NamedTuple

from ledger.custody.quantity import format_decimal

_PLACES = 4


def expect_metal(ore: str, grade: str, recovery: str) -> Fraction:
    """The contained metal that `ore` gives, in its unit. ore: dry mass; grade, recovery: %; all decimal strings."""
    return Fraction(ore) * Fraction(grade) * Fraction(recovery) / 10_000


class Closure(NamedTuple):
    """Reported against expected metal, in one unit."""

    expected: Fraction
    reported: Fraction

    @property
    def difference(self) -> Fraction:
        """Of the reported from the expected metal, relative to the expected; all of it where none is expected."""
        if not self.expected:
            return Fraction(bool(self.reported))
        return (self.reported - self.expected) / self.expected

    def level(self, *, usual: str = "2", high: str = "5") -> Literal["usual", "unusual", "high"]:
        """How far they are apart; usual, high: limits in %."""
        percent = abs(self.difference) * 100
        return "usual" if percent <= Fraction(usual) else "unusual" if percent <= Fraction(high) else "high"

    def to_json(self) -> dict[str, Any]:
        """Both masses and the difference in %, with four decimals rounded half up."""
        return {
            "expected": _decimal(self.expected),
            "reported": _decimal(self.reported),
            "difference": _decimal(self.difference * 100),
        }


def close_recovery(ore: str, grade: str, recovery: str, reported: str) -> Closure:
    """The closure of one period; masses in one unit."""
    return Closure(expect_metal(ore, grade, recovery), Fraction(reported))


def _decimal(value: Fraction) -> str:
    rounded = int(abs(value) * 10**_PLACES + Fraction(1, 2))
    return ("-" if value < 0 and rounded else "") + format_decimal(rounded, _PLACES)
