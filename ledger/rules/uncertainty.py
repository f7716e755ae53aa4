"""How sure a share is: relative standard uncertainties of mass and assay, u_m and u_g, propagated.

    sigma^2 = sum over inputs e of (x_e (v_e - v))^2 (u_m^2 + u_g^2)

where x_e is the part of the lot's metal that came through input e, v_e the share that the origin in
question has in that input, and v its share in what the transform made of it (first order, errors of
different weighings independent). Variances are fractions, squares are compared with squares: no
floating point, no root until a number is printed, and then rounded outwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from math import isqrt
from typing import Final

from ledger.custody.provenance import (
    LIMITS,
    RATIO_BITS,
    Limits,
    Lot,
    Ratios,
    Upstream,
    climb,
    fold_shares,
    plan_ratios,
)
from ledger.custody.quantity import format_decimal
from ledger.rules.origins import SHARE_PLACES, Intervals, LotGraph, OriginVector

COVERAGE: Final = 3
"""k: how many standard uncertainties an interval has on either side."""
MASS_VARIANCE: Final = Fraction(5, 1000) ** 2
ASSAY_VARIANCE: Final = Fraction(15, 1000) ** 2
"""u_m^2 and u_g^2, relative: half a per cent and one and a half, parameters of this ledger, not of a standard."""
MAX_WORK: Final = 400_000
"""Inputs times origins for which intervals are worked out: those of countries first, of sites last."""
_ONE: Final = 1 << RATIO_BITS
_PER_CENT: Final = 100 * 10**SHARE_PLACES
_FINER: Final = 10**6


def bound_vector(
    lot: Lot,
    graph: LotGraph[Lot],
    vector: OriginVector,
    *,
    limits: Limits = LIMITS,
    max_work: int = MAX_WORK,
) -> Intervals:
    """The interval of every share of `vector`, by country, subdivision and site, as far as `max_work` goes.

    Of dry mass only weighing counts. Raises TooLarge, LotCycle.
    """
    bounds = _Bounds(lot, graph, vector.element, limits)
    sites = graph.sites
    shares: dict[str, tuple[dict[str, Fraction], Callable[[str], str]]] = {
        "country": (vector.by_country(sites), lambda site: sites[site].country),
        "subdivision": (vector.by_subdivision(sites), lambda site: sites[site].subdivision),
        "site": (vector.by_site(), lambda site: site),
    }
    found: dict[tuple[str, str], tuple[str, str]] = {}
    work = 0
    for kind, (group, name_of) in shares.items():
        work += len(group) * bounds.size
        if work > max_work:
            break
        for name, share in group.items():
            members = {site for site in vector.mines if name_of(site) == name}
            found[kind, name] = format_interval(share, bounds.variance(members))
    return found


def format_interval(share: Fraction, variance: Fraction) -> tuple[str, str]:
    """`share` -+ k sigma in %, within 0 and 100, rounded outwards to six decimals."""
    reach = Fraction(_root_up(COVERAGE**2 * variance * (_PER_CENT * _FINER) ** 2), _FINER)
    middle = share * _PER_CENT
    low = max(0, (middle - reach) // 1)
    high = min(_PER_CENT, -((-middle - reach) // 1))
    return format_decimal(low, SHARE_PLACES), format_decimal(high, SHARE_PLACES)


def _root_up(square: Fraction) -> int:
    """The least integer whose square is not below."""
    root = isqrt(square.numerator // square.denominator)
    return root if root**2 >= square else root + 1


class _Bounds:
    """What all shares of one lot have in common: its graph, ratios, and what came through each transform."""

    def __init__(self, lot: Lot, graph: LotGraph[Lot], element: str | None, limits: Limits) -> None:
        upstream: Upstream[Lot] = climb((lot,), graph.made, limits)
        plan: Ratios = plan_ratios(upstream, element)
        self.step, self.inputs, self.ratios = upstream.step, upstream.inputs, plan.ratios
        self.mined = [graph.mined.get(one) for one in upstream.lots]
        self.through = [0] * len(upstream.makings)  # in units of 2^-64 of the lot
        for share, step in zip(fold_shares(upstream, plan).in_units(plan), upstream.step, strict=True):
            if step >= 0:
                self.through[step] += share * _ONE // plan.unit
        self.of_input = MASS_VARIANCE + (ASSAY_VARIANCE if element is not None else 0)
        self.size = sum(len(inputs) for inputs in upstream.inputs)

    def variance(self, members: Collection[str]) -> Fraction:
        """Of the share that was extracted at these sites."""
        shares = [_ONE if site in members else 0 for site in self.mined]
        done: set[int] = set()
        squares = 0
        for place in range(len(shares) - 1, -1, -1):
            step = self.step[place]
            if step < 0:
                continue
            total, parts = self.ratios[step]
            above = [shares[one] for one in self.inputs[step]]
            mean = shares[place] = sum(share * part for share, part in zip(above, parts, strict=True)) // total
            if step in done or total == 1:
                continue
            done.add(step)
            for share, part in zip(above, parts, strict=True):
                squares += (self.through[step] * part // total * (share - mean)) ** 2
        return Fraction(squares, _ONE**4) * self.of_input
