"""Quantities of material: wet mass, dry mass, contained metal. Exact integers, no floats.

    dry mass        = mass x (1 - moisture/100)
    contained metal = dry mass x assay/100 x stoichiometric factor          records.md section 4

Units inside: mass in mg (1e-6 kg), moisture in 1e-6 of wet mass, assay in 1e-8 of dry mass,
factor in 1e-6. A contained mass is therefore an integer of `METAL_UNIT` kg. The factors are
computed from the atomic weights of `molmass`, pinned to one version and rounded to six
decimals, so that every verifier balances with the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from ledger.errors import SchemaError

MASS_PLACES: Final = 6
MOISTURE_PLACES: Final = 4
ASSAY_PLACES: Final = 6
FACTOR_PLACES: Final = 6
DRY_UNIT: Final = Fraction(1, 10 ** (MASS_PLACES + MOISTURE_PLACES + 2))
"""kg per unit of a dry mass."""
METAL_UNIT: Final = DRY_UNIT / 10 ** (ASSAY_PLACES + 2 + FACTOR_PLACES)
"""kg per unit of a contained mass."""

ANALYTE_PATTERN: Final = r"^[A-Z][A-Za-z0-9()]{0,39}(?:\.[A-Za-z0-9()]{1,20})?$"
"""An element symbol or a formula, with at most one adduct: `Co`, `Ta2O5`, `CoSO4.7H2O`."""

_FULL: Final = 10 ** (MOISTURE_PLACES + 2)
_SYMBOL: Final = re.compile(r"[A-Z][a-z]?")
_COMPANIONS: Final = frozenset(("H", "C", "N", "O", "F", "S", "Cl"))


@lru_cache(maxsize=65536)
def parse_decimal(text: str, places: int) -> int:
    """A decimal string as an integer of `10**-places`; the schema has checked its spelling."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(places, "0"))


def format_decimal(value: int, places: int) -> str:
    """The shortest decimal string of `value x 10**-places`, for example `(25500000, 6)` -> `25.5`."""
    whole, fraction = divmod(value, 10**places)
    digits = f"{fraction:0{places}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


class Analyte(NamedTuple):
    """What an assay states (`Ta2O5`) in terms of the metal that is balanced (`Ta`, 818967)."""

    element: str
    factor: int


@lru_cache(maxsize=1024)
def parse_analyte(formula: str) -> Analyte:
    """The balanced element of an element symbol or compound formula, and its mass share in 1e-6.

    The element is the only one besides H, C, N, O, F, S and Cl. Raises SchemaError when the
    formula isn't one, or has no single such element.
    """
    # Imported here: 40 ms that a reader of records without assays need not pay.
    from molmass import ELEMENTS, Formula, FormulaError

    symbols = dict.fromkeys(_SYMBOL.findall(formula))
    if re.search(ANALYTE_PATTERN, formula) is None or any(symbol not in ELEMENTS for symbol in symbols):
        raise SchemaError(f"'{formula}' is not an element or a compound of elements: write for example Co or Ta2O5.")
    balanced = [s for s in symbols if s not in _COMPANIONS] or list(symbols)
    if len(balanced) != 1:
        raise SchemaError(f"'{formula}' does not say which metal is meant: assay each metal on its own.")
    if formula == balanced[0]:
        return Analyte(formula, 10**FACTOR_PLACES)
    try:
        parsed = Formula(formula, parse_groups=False, parse_oligos=False, parse_fractions=False)
        share = parsed.composition()[balanced[0]].fraction
    except (FormulaError, ArithmeticError, ValueError, KeyError) as error:
        raise SchemaError(f"'{formula}' is not a chemical formula: write for example SnO2 or CoSO4.7H2O.") from error
    return Analyte(balanced[0], round(share * 10**FACTOR_PLACES))


@lru_cache(maxsize=65536)
def _dry_share(moisture: str) -> int:
    return _FULL - parse_decimal(moisture, MOISTURE_PLACES)


def dry_mass(mass: str, moisture: str) -> int:
    """Dry mass in `DRY_UNIT`s of a wet mass in kg with `moisture` % of water."""
    return parse_decimal(mass, MASS_PLACES) * _dry_share(moisture)


def contained_metal(mass: str, moisture: str, assay: Mapping[str, str]) -> dict[str, int]:
    """Contained mass per element, in `METAL_UNIT`s, of a lot as it was weighed and assayed.

    Raises SchemaError when an analyte is unknown.
    """
    dry = dry_mass(mass, moisture)
    return {element: dry * grade for element, grade in read_grades(assay).items()}


def read_grades(assay: Mapping[str, str]) -> dict[str, int]:
    """Contained mass per element in a unit of dry mass: `METAL_UNIT`s per `DRY_UNIT`.

    Raises SchemaError when an analyte is unknown.
    """
    grades = {}
    for analyte, share in assay.items():
        element, factor = parse_analyte(analyte)
        grades[element] = parse_decimal(share, ASSAY_PLACES) * factor
    return grades


def check_assay(assay: Mapping[str, str], pointer: str) -> None:
    """Raise SchemaError unless every analyte is known and no element is stated twice or beyond 100 %.

    That no grade alone is beyond 100 % was for the schema to check.
    """
    seen = set()
    for analyte in assay:
        try:
            element = parse_analyte(analyte).element
        except SchemaError as error:
            raise SchemaError(error.message, pointer=f"{pointer}/{analyte}") from error
        if element in seen:
            raise SchemaError(
                f"{element} is stated twice, as element and as compound: keep one.", pointer=f"{pointer}/{analyte}"
            )
        seen.add(element)
    if len(seen) > 1 and sum(parse_decimal(share, ASSAY_PLACES) for share in assay.values()) > 100 * 10**ASSAY_PLACES:
        raise SchemaError("The assay adds up to more than 100 % of the dry mass: correct the grades.", pointer=pointer)


def format_metal(units: int) -> str:
    """A contained mass in kg with six decimals, rounded half up, for people and reports."""
    milligrams = int(units * METAL_UNIT * 10**MASS_PLACES + Fraction(1, 2))
    whole, places = divmod(milligrams, 10**MASS_PLACES)
    return f"{whole}.{places:0{MASS_PLACES}d}"


def format_dry(units: int) -> str:
    """A dry mass in kg, exact."""
    return format_decimal(units, MASS_PLACES + MOISTURE_PLACES + 2)


def is_beyond(actual: int, expected: int, tolerance: str) -> bool:
    """Whether two amounts of one unit differ by more than `tolerance` % of the expected one."""
    return abs(actual - expected) * 10**8 > expected * parse_decimal(tolerance, ASSAY_PLACES)


def is_gain(outputs: int, inputs: int, tolerance: str) -> bool:
    """Whether the outputs exceed the inputs by more than `tolerance` %."""
    return outputs > inputs and is_beyond(outputs, inputs, tolerance)
