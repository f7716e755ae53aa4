"""The lot graph: which lots a lot was made from, and in which shares.

A transform draws on its inputs in the ratio of their contained metal on a dry basis (of dry mass
where no element is named, or where the inputs hold none of it); all its outputs, by-products too,
have the origin of the inputs. Shares are folded from the lot that is asked for back to the mines,
one integer per lot, every lot after all lots made from it: paths are never enumerated.

Exact, and bounded. The common denominator of exact shares is the product of the totals of all
transforms on the way, without end in a long chain of blends. Up to `EXACT_BITS` the shares are
those rationals. Beyond, the ratio of each transform is first rounded to 2^-64, finer than one
milligram in the heaviest lot that a record can state, what is left over going to its largest input;
the fold over these ratios is exact again, shares still sum to one, and each is off by no more
than `Ratios.error`. Which of the two is a property of the lot's own chain, never of who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import Final, NamedTuple

from ledger.custody.lotgraph import LIMITS as LIMITS  # the graph's words, for those who fold over it
from ledger.custody.lotgraph import Limits as Limits
from ledger.custody.lotgraph import Lot as Lot
from ledger.custody.lotgraph import Making as Making
from ledger.custody.lotgraph import Taken as Taken
from ledger.custody.lotgraph import Upstream as Upstream
from ledger.custody.lotgraph import climb as climb
from ledger.custody.quantity import dry_mass, read_grades
from ledger.custody.subjects import Edge

EXACT_BITS: Final = 4096
"""Most bits of the product of all transforms' totals for which shares stay unrounded."""
RATIO_BITS: Final = 64

Parents = Mapping[str, Sequence[Edge]]
"""Lot id -> the edges from its parents; absent or empty for a lot that no transform made."""


class Ratio(NamedTuple):
    """In which parts of `total` a transform draws on its inputs."""

    total: int
    parts: list[int]


_ALL: Final = Ratio(1, [1])


def weigh(making: Making[Lot], element: str | None) -> Ratio:
    """The exact ratio, in lowest terms."""
    if len(making.inputs) == 1:
        return _ALL
    masses = _masses(making, element)
    common = gcd(*masses)
    if common > 1:
        masses = [mass // common for mass in masses]
    return Ratio(sum(masses), masses)


def _masses(making: Making[Lot], element: str | None) -> list[int]:
    masses = [dry * grades.get(element, 0) for _, dry, grades in making.inputs] if element is not None else [0]
    if not any(masses):
        masses = [dry for _, dry, _ in making.inputs]
        if not any(masses):  # no log holds such a transform; here nobody has weighed anything
            masses = [1] * len(masses)
    return masses


def round_ratio(ratio: Ratio) -> Ratio:
    """The ratio in units of 2^-64, rounded down; what is left over goes to the largest input, the first of equals."""
    total, masses = ratio
    largest = max(masses)
    if largest == total:
        return Ratio(1, [1 if mass else 0 for mass in masses])
    parts = [(mass << RATIO_BITS) // total for mass in masses]
    parts[masses.index(largest)] += (1 << RATIO_BITS) - sum(parts)
    return Ratio(1 << RATIO_BITS, parts)


def weigh_rounded(making: Making[Lot], element: str | None) -> Ratio:
    """`round_ratio(weigh(making, element))`, without going through the lowest terms."""
    if len(making.inputs) == 1:
        return _ALL
    masses = _masses(making, element)
    return round_ratio(Ratio(sum(masses), masses))


class Ratios(NamedTuple):
    """The ratio of each transform; unit: into how many parts the lot divides; error: most that a sum of shares is off.

    level: by place, the rounded ratios on the longest way to it, 0 where they are exact: its share is a
    multiple of so many times 2^-64 multiplied. error: where a ratio is rounded, its inputs but one lose
    less than 2^-64 each, and what passes there is at most everything, once per transform of the longest way.
    """

    ratios: Sequence[Ratio]
    exact: bool
    unit: int
    error: Fraction
    level: list[int]

    @property
    def longest(self) -> int:
        """The highest level."""
        return (self.unit.bit_length() - 1) // RATIO_BITS if not self.exact else 0


def plan_ratios(upstream: Upstream[Lot], element: str | None) -> Ratios:
    """Weigh every transform upstream of one lot, and choose whether to round."""
    exact = _weigh_exactly(upstream, element)
    if exact is not None:
        unit = 1
        for ratio in exact:
            unit *= ratio.total
        return Ratios(exact, True, unit, Fraction(0), [0] * len(upstream.lots))
    ratios = [weigh_rounded(making, element) for making in upstream.makings]
    return plan_rounded(ratios, find_levels(upstream, ratios))


def find_levels(upstream: Upstream[Lot], ratios: Sequence[Ratio]) -> list[int]:
    """`Ratios.level` for ratios that are rounded."""
    mixed = [ratio[0] > 1 for ratio in ratios]
    level = [0] * len(upstream.lots)
    for place, step in enumerate(upstream.step):
        if step >= 0:
            below = level[place] + mixed[step]
            for above in upstream.inputs[step]:
                if level[above] < below:
                    level[above] = below
    return level


def plan_rounded(ratios: Sequence[Ratio], level: list[int]) -> Ratios:
    """The plan for rounded ratios, of which at least one mixes."""
    longest, widest = max(level), max(len(ratio.parts) for ratio in ratios if ratio.total > 1)
    return Ratios(ratios, False, 1 << RATIO_BITS * longest, bound_error(longest, widest), level)


def _weigh_exactly(upstream: Upstream[Lot], element: str | None) -> list[Ratio] | None:
    """The exact ratios of all transforms, None if their totals do not fit into `EXACT_BITS`."""
    ratios: list[Ratio] = []
    bits = 0
    for making in upstream.makings:
        ratio = weigh(making, element)
        ratios.append(ratio)
        if ratio.total > 1:
            bits += ratio.total.bit_length()
            if bits > EXACT_BITS:
                return None
    return ratios


def bound_error(longest: int, widest: int) -> Fraction:
    """See `Ratios`; longest: rounded ratios on one way; widest: inputs of one transform."""
    return Fraction(longest * (widest - 1), 1 << RATIO_BITS)


class Fold(NamedTuple):
    """shares: by place, what came from or through this lot, in parts of 2^(64 x `Ratios.level`) where ratios
    are rounded and of `Ratios.unit` where they are exact: `widen` makes them comparable.

    entered: by site, what its transforms took from lots that the site itself had not made, in parts of `unit`.
    """

    shares: list[int]
    entered: dict[str, int]

    def in_units(self, plan: Ratios) -> list[int]:
        """The shares in parts of the plan's unit."""
        longest = plan.longest
        return [widen(share, level, longest) for share, level in zip(self.shares, plan.level, strict=True)]


def widen(share: int, level: int, longest: int) -> int:
    """A share that stands at `level` in parts of the plan's unit."""
    return share << RATIO_BITS * (longest - level)


def fold_shares(upstream: Upstream[Lot], plan: Ratios, *, stop_at: str | None = None) -> Fold:
    """Follow the lot at place 0 back to the mines. stop_at: a site whose lots are not followed further."""
    steps, sites, inputs, ratios = upstream.step, upstream.site, upstream.inputs, plan.ratios
    exact, level, shares = plan.exact, plan.level, [0] * len(upstream.step)
    shares[0] = plan.unit if exact else 1
    entered: dict[tuple[str, int], int] = {}  # by site and level
    for place, share in enumerate(shares):  # the list changes ahead of where it is read
        site = sites[place]
        if not share or site is None or site == stop_at:
            continue
        step = steps[place]
        total, parts = ratios[step]
        if exact:
            each, below, whole = share // total, 0, share  # no remainder: `unit` holds the totals of all on the way
        elif total > 1:
            each, below, whole = share, level[place] + 1, share << RATIO_BITS
        else:
            each, below, whole = share, level[place], share
        for above, part in zip(inputs[step], parts, strict=True):
            taken = each * part
            gap = level[above] - below
            shares[above] += taken << RATIO_BITS * gap if gap else taken
            if sites[above] == site:
                whole -= taken
        if whole:
            entered[site, below] = entered.get((site, below), 0) + whole
    return Fold(shares, _sum_levels(entered.items(), plan.longest))


def _sum_levels(parts: Iterable[tuple[tuple[str, int], int]], longest: int) -> dict[str, int]:
    """Sums by name of shares that stand at different levels."""
    sums: dict[str, int] = {}
    for (name, level), part in parts:
        sums[name] = sums.get(name, 0) + widen(part, level, longest)
    return sums


# ---- by lot ids -----------------------------------------------------------------------------------------------------


def index_parents(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Edges by child."""
    parents: dict[str, list[Edge]] = {}
    for edge in edges:
        parents.setdefault(edge.child, []).append(edge)
    return parents


def take(lot: Lot, mass: str, moisture: str, assay: Mapping[str, str]) -> Taken[Lot]:
    """What was taken from a lot: wet kg, with the quality that the lot had then."""
    return Taken(lot, dry_mass(mass, moisture), read_grades(assay))


def share_origins(lot: str, parents: Parents, element: str | None = None) -> dict[str, Fraction]:
    """The share that each lot without parents has in `lot`; the shares sum to one.

    element: weigh by its contained mass. A transform whose inputs hold none of it, or `None`:
    weigh by dry mass. Raises TooLarge, LotCycle.
    """
    made = {
        child: Making("", "", tuple(take(edge.parent, edge.mass, edge.moisture, edge.assay) for edge in edges))
        for child, edges in parents.items()
        if edges
    }
    return share_lots(lot, made, element)


def share_lots(
    lot: Lot, made: Mapping[Lot, Making[Lot]], element: str | None, limits: Limits = LIMITS
) -> dict[Lot, Fraction]:
    """The same over makings."""
    upstream = climb((lot,), made, limits)
    plan = plan_ratios(upstream, element)
    shares = fold_shares(upstream, plan).in_units(plan)
    return {
        one: Fraction(share, plan.unit)
        for one, share, step in zip(upstream.lots, shares, upstream.step, strict=True)
        if step < 0 and share
    }
