"""A driver as a sentence that a compliance officer can check against the records."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ledger.rules.plausibility.exact import LARGEST, divide
from ledger.rules.plausibility.features import Feature, Unit
from ledger.rules.plausibility.peers import Seen

# Decimals shown, units of 1e-6 per shown unit, and what follows the number.
_SHOWN: Final[dict[Unit, tuple[int, int, str]]] = {
    "kg": (3, 1_000_000, " kg"),
    "tags": (3, 1_000_000, " tags"),
    "percent": (1, 10_000, " %"),
    "ratio": (2, 1_000_000, ""),
    "km/h": (1, 1_000_000, " km/h"),
    "hours": (1, 1_000_000, " hours"),
    "spreads": (1, 1_000_000, " usual spreads"),
}


def explain(feature: Feature, seen: Seen, segment: str) -> str:
    """What was found, what is usual, and how far apart they are."""
    usual = format_value(seen.usual, feature.unit)
    side = "above" if seen.z > 0 else "below"
    far = format_value(abs(seen.z), "spreads")
    found = format_value(seen.value, feature.unit)
    return f"{feature.label} is {found}; the median of {segment} is {usual}, and this lies {far} {side} it."


@lru_cache(maxsize=8192)
def format_value(value: int, unit: Unit) -> str:
    """A value in 1e-6 as people read it: `(285000, "percent")` -> `28.5 %`."""
    if abs(value) >= LARGEST:
        return "off any scale"
    places, per_unit, name = _SHOWN[unit]
    scaled = divide(abs(value) * 10**places, per_unit)
    sign = "-" if value < 0 and scaled else ""
    whole, rest = divmod(scaled, 10**places)
    return f"{sign}{whole}.{rest:0{places}d}{name}"
