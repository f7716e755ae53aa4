"""How sure a blend and a share are: relative standard uncertainties of mass and assay, propagated.

Of a blend:   sum(m_i g_i) = m_o g_o +- k sigma,   sigma^2 = sum (m_i g_i)^2 (u_m^2 + u_g^2)
Of a share:   sigma^2 = sum over inputs e of (x_e (v_e - v))^2 (u_m^2 + u_g^2)

where x_e is the part of the lot's metal that came through input e, v_e the share that the origin in
question has in that input, and v its share in what the transform made of it (first order, errors of
different weighings independent). Variances are fractions, squares are compared with squares: no
floating point, no root until a number is printed, and then rounded outwards. rules-catalogue section 6, F-BLEND.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any, Final, NamedTuple

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
from ledger.custody.quantity import MASS_PLACES, METAL_UNIT, format_decimal, format_metal, parse_analyte
from ledger.rules.origins import SHARE_PLACES, Intervals, LotGraph, OriginVector

COVERAGE: Final = 3
"""k: how many standard uncertainties an interval has on either side."""
MAX_WORK: Final = 400_000
"""Inputs times origins for which intervals are worked out: those of countries first, of sites last."""
_ONE: Final = 1 << RATIO_BITS
_PER_CENT: Final = 100 * 10**SHARE_PLACES
_FINER: Final = 10**6


class Spread(NamedTuple):
    """Relative standard uncertainty of a mass and of an assay (0.005 is half a per cent)."""

    mass: Fraction
    assay: Fraction

    def variance(self, element: str | None) -> Fraction:
        """Of a contained mass, relative; of a dry mass where no element is named."""
        return self.mass**2 + (self.assay**2 if element is not None else 0)


USUAL: Final = Spread(Fraction(5, 1000), Fraction(15, 1000))
"""Where nobody stated an uncertainty: parameters of this ledger, not of a standard."""


def read_spread(statements: Iterable[tuple[str, Mapping[str, Any]]], element: str | None) -> Spread:
    """The uncertainty that `weighing` and `assay` statements about a lot give, the last one of each; else `USUAL`.

    statements: (kind, statement), oldest first.
    """
    mass, assay = USUAL
    for kind, statement in statements:
        if kind == "weighing" and statement.get("uncertainty") is not None:
            mass = Fraction(statement["uncertainty"]) / Fraction(statement["net"])
        elif kind == "assay":
            for analyte, grade in statement["grades"].items():
                stated = grade.get("uncertainty")
                if stated is not None and parse_analyte(analyte).element == element and Fraction(grade["value"]):
                    assay = Fraction(stated) / Fraction(grade["value"])
    return Spread(mass, assay)


class Blend(NamedTuple):
    """One transform and one element. inputs, outputs: contained mass in `METAL_UNIT`s; variance: of the inputs."""

    inputs: int
    outputs: int
    variance: Fraction
    coverage: int = COVERAGE

    @property
    def is_gain(self) -> bool:
        """More metal came out than uncertainty explains."""
        return self.outputs > self.inputs and self._is_beyond()

    @property
    def is_loss(self) -> bool:
        """Less came out than uncertainty explains: usual where ore is upgraded, not where lots are only blended."""
        return self.outputs < self.inputs and self._is_beyond()

    def _is_beyond(self) -> bool:
        return (self.outputs - self.inputs) ** 2 > self.coverage**2 * self.variance

    def to_json(self) -> dict[str, Any]:
        """In kg: what went in, what came out, and the difference that uncertainty allows, rounded up."""
        allowed = self.coverage**2 * self.variance * (METAL_UNIT * 10**MASS_PLACES) ** 2
        return {
            "inputs": format_metal(self.inputs),
            "outputs": format_metal(self.outputs),
            "allowed": format_decimal(_root_up(allowed), MASS_PLACES),
        }


def weigh_blend(inputs: Sequence[tuple[int, Spread]], outputs: int, *, coverage: int = COVERAGE) -> Blend:
    """The blend of these inputs: contained mass in `METAL_UNIT`s and spread of each."""
    variance = sum((mass**2 * (spread.mass**2 + spread.assay**2) for mass, spread in inputs), Fraction(0))
    return Blend(sum(mass for mass, _ in inputs), outputs, variance, coverage)


def bound_vector(
    lot: Lot,
    graph: LotGraph[Lot],
    vector: OriginVector,
    *,
    spread_of: Callable[[Lot], Spread] = lambda _: USUAL,
    coverage: int = COVERAGE,
    limits: Limits = LIMITS,
    max_work: int = MAX_WORK,
) -> Intervals:
    """The interval of every share of `vector`, by country, subdivision and site, as far as `max_work` goes.

    spread_of: of what a transform took from a lot. Raises TooLarge, LotCycle.
    """
    bounds = _Bounds(lot, graph, vector.element, spread_of, limits)
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
            found[kind, name] = format_interval(share, bounds.variance(members), coverage=coverage)
    return found


def format_interval(share: Fraction, variance: Fraction, *, coverage: int = COVERAGE) -> tuple[str, str]:
    """`share` -+ k sigma in %, within 0 and 100, rounded outwards to six decimals."""
    reach = Fraction(_root_up(coverage**2 * variance * (_PER_CENT * _FINER) ** 2), _FINER)
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

    def __init__(
        self,
        lot: Lot,
        graph: LotGraph[Lot],
        element: str | None,
        spread_of: Callable[[Lot], Spread],
        limits: Limits,
    ) -> None:
        upstream: Upstream[Lot] = climb((lot,), graph.made, limits)
        plan: Ratios = plan_ratios(upstream, element)
        self.step, self.inputs, self.ratios = upstream.step, upstream.inputs, plan.ratios
        self.mined = [graph.mined.get(one) for one in upstream.lots]
        self.through = [0] * len(upstream.makings)  # in units of 2^-64 of the lot
        for share, step in zip(fold_shares(upstream, plan).in_units(plan), upstream.step, strict=True):
            if step >= 0:
                self.through[step] += share * _ONE // plan.unit
        self.variances = [
            [spread_of(taken.lot).variance(element) for taken in making.inputs] for making in upstream.makings
        ]
        self.size = sum(len(inputs) for inputs in upstream.inputs)

    def variance(self, members: Collection[str]) -> Fraction:
        """Of the share that was extracted at these sites."""
        shares = [_ONE if site in members else 0 for site in self.mined]
        done: set[int] = set()
        squares: dict[Fraction, int] = {}
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
            for share, part, variance in zip(above, parts, self.variances[step], strict=True):
                change = self.through[step] * part // total * (share - mean)
                squares[variance] = squares.get(variance, 0) + change**2
        return sum((Fraction(square, _ONE**4) * variance for variance, square in squares.items()), Fraction(0))
