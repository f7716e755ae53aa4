"""A subject beside its peers: robust z per feature, and how much of it is strange.

strangeness = z where high values are strange, -z where low ones are, |z| where both are; never below 0
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.rules.plausibility.exact import MICRO, divide, robust_z
from ledger.rules.plausibility.features import FEATURES, Direction, Features
from ledger.rules.plausibility.model import STRANGEST, Segment
from ledger.rules.plausibility.observations import Kind


class Seen(NamedTuple):
    """A feature that is known and that the peers have; usual: their median; all in 1e-6."""

    value: int
    z: int
    strangeness: int
    usual: int


def compare(kind: Kind, features: Features, segment: Segment | None) -> Sequence[Seen | None]:
    """Every feature of the kind, in order; None where it is not known or the segment never has it."""
    if segment is None:
        return [None] * len(FEATURES[kind])
    seen: list[Seen | None] = []
    for feature, median, mad in zip(FEATURES[kind], segment.median, segment.mad, strict=True):
        value = features.values.get(feature.name)
        if value is None or median is None or mad is None:
            seen.append(None)
        else:
            z = robust_z(value, median, mad)
            seen.append(Seen(value, z, _strangeness(z, feature.direction), median))
    return seen


def cut(seen: Sequence[Seen | None], limits: Sequence[int]) -> list[int]:
    """What the forest is shown of each feature: strangeness in quarters of its limit, less one, 0 to STRANGEST.

    So three stands for the limit everywhere, a feature in which honest peers differ widely does
    not drown the others, and what is within a quarter of its limit is as usual as what is not known.
    """
    return [
        0 if one is None else max(0, min(divide(one.strangeness * 4 * MICRO, limit) - MICRO, STRANGEST))
        for one, limit in zip(seen, limits, strict=True)
    ]


def _strangeness(z: int, direction: Direction) -> int:
    if direction == "both":
        return abs(z)
    return max(z if direction == "high" else -z, 0)
