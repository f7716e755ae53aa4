"""Figures for people, computed exactly from quantities as the log holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from ledger.custody.quantity import DRY_UNIT, METAL_UNIT, contained_metal, dry_mass

Lot = Mapping[str, Any]


def metal_kg(lots: Lot | Sequence[Lot], element: str) -> Fraction:
    """Contained kg of an element in one lot or several."""
    found = [lots] if isinstance(lots, Mapping) else lots
    return sum(
        (contained_metal(lot["mass"], lot["moisture"], lot["assay"]).get(element, 0) * METAL_UNIT for lot in found),
        Fraction(0),
    )


def dry_kg(lot: Lot) -> Fraction:
    """Dry kg of a lot."""
    return dry_mass(lot["mass"], lot["moisture"]) * DRY_UNIT


def kilograms(lots: Sequence[Lot]) -> str:
    """The sum of wet masses."""
    return str(sum(Decimal(lot["mass"]) for lot in lots))


def fixed(value: Fraction | Decimal, places: int) -> str:
    """With thousands separators, rounded half up."""
    exact = Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else value
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def tonnes(mass: str, places: int = 1) -> str:
    """kg as tonnes."""
    return fixed(Decimal(mass) / 1000, places)


def contained(lots: Lot | Sequence[Lot], element: str) -> str:
    """Contained tonnes of an element."""
    return fixed(metal_kg(lots, element) / 1000, 2)


def percent(part: Lot | Sequence[Lot], whole: Lot | Sequence[Lot], element: str) -> str:
    """Share of an element, in %."""
    return f"{fixed(metal_kg(part, element) / metal_kg(whole, element) * 100, 1)} %"
