"""Weights that nobody weighed: too many round ones, too many alike, last digits that do not fall by chance.

P(X >= k), X ~ Binomial(n, 1 in every step / resolution)      multiples of 5 kg, exact
chi-square = sum (observed - n/10)^2 / (n/10), 9 degrees of freedom      last digits
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Annotated

from pydantic import Field

from ledger.custody.quantity import MASS_PLACES, parse_decimal
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case
from ledger.rules.checks.figures import Decimal, number, show
from ledger.rules.checks.production import Month, mines_of, months_concerned, months_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.ruling import Ruling, flagged, inapplicable, passed, worst


class Weights(Members):
    """step: kg; chance: below which probability round weights stand out; alike: % of bags of one weight; chi: limit of

    the last-digit test; least, digits: bags needed for the first two and for the last.
    """

    step: Annotated[int, Field(ge=1, le=100)] = 5
    chance: Decimal = "0.001"
    alike: Percent = "50"
    chi: Decimal = "27.88"
    least: Annotated[int, Field(ge=8, le=10_000)]
    digits: Annotated[int, Field(ge=50, le=10_000)]


@check
def weights_natural(case: Case, members: Weights) -> Ruling:
    """The weights of a mine's bags look weighed, not invented."""
    found = (_weights(members, case, site) for site in mines_of(case))
    return worst(found, nothing=inapplicable("No extraction is on file here."))


def bags_of(months: list[Month]) -> list[str]:
    """Weights in kg of the lots of some months that are one bag each."""
    lots = (lot for month in months for one in month.extracts for lot in one.body["lots"])
    return [lot["quantity"]["mass"] for lot in lots if lot.get("packages", len(lot.get("tags", ()))) == 1]


def _weights(members: Weights, case: Case, site: str) -> Ruling:
    months = months_concerned(case, site)
    if len(bags_of(months)) < members.least:
        months = list(months_of(case, site).values())
    bags = bags_of(months)
    if len(bags) < members.least:
        return inapplicable(f"{site}: {len(bags)} bags are too few to tell.", bags=len(bags))
    records = tuple(dict.fromkeys(record for month in months for record in month.records))
    since = max(month.last_day for month in months)
    finest = max(len(bag.partition(".")[2]) for bag in bags)  # as written: 50.0 is weighed to 0.1 kg
    step = members.step * 10**finest
    units = [parse_decimal(bag, MASS_PLACES) // 10 ** (MASS_PLACES - finest) for bag in bags]
    round_ones = sum(one % step == 0 for one in units)
    chance = tail(len(bags), round_ones, step)
    _, alike = Counter(units).most_common(1)[0]
    figures = {"bags": len(bags), "round": round_ones, "alike": alike}
    text = f"{site}: {round_ones} of {len(bags)} bags weigh a multiple of {members.step} kg, {alike} weigh the same."
    if chance < number(members.chance) or alike * 100 > len(bags) * number(members.alike):
        return flagged(text, *records, since=since, **figures).about(site)
    if finest and len(bags) >= members.digits:
        chi = chi_square([one % 10 for one in units])
        if chi > number(members.chi):
            text = f"{site}: the last digits of {len(bags)} bags do not fall by chance (chi-square {show(chi)})."
            return flagged(text, *records, since=since, chi_square=show(chi), **figures).about(site)
    return passed(text, *records, **figures).about(site)


@lru_cache(maxsize=256)
def tail(count: int, least: int, step: int) -> Fraction:
    """The chance of `least` or more multiples of `step` among `count` weights drawn by chance."""
    below = sum(comb(count, k) * (step - 1) ** (count - k) for k in range(least))
    return 1 - Fraction(below, step**count)


def chi_square(digits: list[int]) -> Fraction:
    """Of ten digits that should be equally frequent; 9 degrees of freedom."""
    seen, count = Counter(digits), len(digits)
    return sum((Fraction((10 * seen[digit] - count) ** 2, 10 * count) for digit in range(10)), Fraction(0))
