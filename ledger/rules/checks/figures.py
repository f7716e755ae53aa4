"""Numbers as packs write them and sentences show them: exact fractions, decimal strings, small tables.

Nothing here is a float: limits are decimal strings in packs, ratios are fractions, and what a
sentence shows is rounded half away from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Annotated, TypeVar

from pydantic import StringConstraints

from ledger.rules.case import Case

_T = TypeVar("_T")

Decimal = Annotated[str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?$")]
"""A number of a pack, as a decimal string."""
Entry = Annotated[str, StringConstraints(pattern=r"^[^=]{1,60}=[^=]{1,80}$")]
"""A line of a small table: `name=value`; the name `*` stands for all that are not listed."""
NumberEntry = Annotated[str, StringConstraints(pattern=r"^[^=]{1,60}=(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?$")]
"""A line of a table whose values are decimals."""


@lru_cache(maxsize=4096)
def number(text: str) -> Fraction:
    """A decimal string as an exact number."""
    return Fraction(text)


@lru_cache(maxsize=512)
def _table(entries: tuple[str, ...]) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in entries)


def look_up(entries: Iterable[str], *names: str) -> str | None:
    """The value of the first of these names that a table has, else of `*`, else None."""
    table = _table(tuple(entries))
    return next((table[name] for name in (*names, "*") if name in table), None)


def show(value: Fraction, places: int = 2) -> str:
    """A number with this many decimals, rounded half away from zero."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign = "-" if value < 0 and whole else ""
    digits = f"{whole:0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def total(values: Iterable[Fraction]) -> Fraction:
    """The exact sum, over one common denominator: for many fractions far sooner than one after the other."""
    parts = list(values)
    whole = lcm(*(one.denominator for one in parts))
    return Fraction(sum(one.numerator * (whole // one.denominator) for one in parts), whole)


def median(values: Iterable[Fraction]) -> Fraction:
    """The middle one, or the mean of the middle two; there is at least one."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def once(case: Case, name: str, build: Callable[[], _T]) -> _T:
    """A result that several rules of one claim need, computed the first time."""
    return case.back.once(name, build)
