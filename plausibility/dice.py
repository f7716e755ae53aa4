"""Chance in integers, from a seed in words: the same numbers on every machine and every Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

PARTS = 1_000_000


class Dice:
    """A stream of chance of its own for each seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  a simulation, and it must repeat

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return self._random.randrange(low, high + 1)

    def normal(self) -> int:
        """Roughly normal with mean 0 and standard deviation 1, in 1e-6; cut at 3.5."""
        # 48 numbers spread evenly over 0..255 have, together, mean 6120 and standard deviation 512.
        return max(-3_500_000, min(3_500_000, (sum(self._random.randbytes(48)) - 6_120) * PARTS // 512))

    def about(self, mean: int, spread: int) -> int:
        """Normal around `mean`; spread: standard deviation as a share of the mean, in 1e-6."""
        return mean + mean * spread * self.normal() // (PARTS * PARTS)

    def offset(self, deviation: int) -> int:
        """Normal around 0."""
        return deviation * self.normal() // PARTS

    def chance(self, per_mille: int) -> bool:
        """True in so many of a thousand cases."""
        return self._random.randrange(1_000) < per_mille

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self._random.randrange(len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Several different ones, in the order in which they stand."""
        chosen = sorted(self._random.sample(range(len(choices)), min(count, len(choices))))
        return [choices[n] for n in chosen]
