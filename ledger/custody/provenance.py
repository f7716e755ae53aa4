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

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final, Generic, NamedTuple, TypeVar

from ledger.custody.quantity import dry_mass, read_grades
from ledger.custody.subjects import Edge
from ledger.errors import LotCycle, TooLarge

EXACT_BITS: Final = 4096
"""Most bits of the product of all transforms' totals for which shares stay unrounded."""
RATIO_BITS: Final = 64

Lot = TypeVar("Lot", bound=Hashable)
Parents = Mapping[str, Sequence[Edge]]
"""Lot id -> the edges from its parents; absent or empty for a lot that no transform made."""


class Limits(NamedTuple):
    """What one graph may hold: lots, transforms one after the other, inputs of one transform."""

    lots: int = 200_000
    depth: int = 512
    inputs: int = 10_000


LIMITS: Final = Limits()


class Taken(NamedTuple, Generic[Lot]):
    """What a transform took from a lot: dry mass, and the grade per element, in units that all inputs share."""

    lot: Lot
    dry: int
    grades: Mapping[str, int]


class Making(NamedTuple, Generic[Lot]):
    """A transform as its outputs see it: at which site, under which model, from what.

    One object for all outputs of a transform; inputs in the order in which the log made these lots.
    """

    site: str
    model: str
    inputs: tuple[Taken[Lot], ...]


@dataclass(frozen=True, slots=True)
class Upstream(Generic[Lot]):
    """Some lots and all that they were made from, as numbers.

    lots: each after every lot made from it; step: by lot, the number of the transform that made it
    or -1; site: where that was, or None; makings, inputs: by transform, itself and the places in
    `lots` of what it took.
    """

    lots: list[Lot]
    step: list[int]
    site: list[str | None]
    makings: list[Making[Lot]]
    inputs: list[list[int]]


def climb(targets: Iterable[Lot], made: Mapping[Lot, Making[Lot]], limits: Limits = LIMITS) -> Upstream[Lot]:
    """Everything upstream of the targets. made: lot -> how, for lots that a transform made.

    Raises TooLarge (values: what, limit, actual), LotCycle.
    """
    targets = list(dict.fromkeys(targets))
    uses = _count_uses(targets, made, limits)
    lots: list[Lot] = []
    layer = [lot for lot in targets if not uses[lot]]
    depth = -1
    while layer:  # a lot stands in the layer of its longest way from a target
        depth += 1
        if depth > limits.depth:
            raise _too_large("depth", limits.depth, depth)
        lots += layer
        above: list[Lot] = []
        for lot in layer:
            making = made.get(lot)
            if making is not None:
                for taken in making.inputs:
                    one = taken[0]
                    uses[one] -= 1
                    if not uses[one]:
                        above.append(one)
        layer = above
    if len(lots) < len(uses):
        lot = next(one for one, left in uses.items() if left)
        raise LotCycle(f"Lot '{lot}' was made, over some steps, from itself: no log accepts such records.", lot=lot)
    return _number(lots, made)


def _count_uses(targets: list[Lot], made: Mapping[Lot, Making[Lot]], limits: Limits) -> dict[Lot, int]:
    """Every lot upstream and how many inputs name it."""
    uses = dict.fromkeys(targets, 0)
    todo = list(targets)
    while todo:
        making = made.get(todo.pop())
        if making is None:
            continue
        if len(making.inputs) > limits.inputs:
            raise _too_large("inputs", limits.inputs, len(making.inputs))
        for taken in making.inputs:
            lot = taken[0]
            if lot in uses:
                uses[lot] += 1
            else:
                uses[lot] = 1
                todo.append(lot)
        if len(uses) > limits.lots:
            raise _too_large("lots", limits.lots, len(uses))
    return uses


def _too_large(what: str, limit: int, actual: int) -> TooLarge:
    return TooLarge(
        f"The lots upstream exceed the limit of {limit} ({what}): ask for a lot nearer to the mines.",
        what=what,
        limit=limit,
        actual=actual,
    )


def _number(lots: list[Lot], made: Mapping[Lot, Making[Lot]]) -> Upstream[Lot]:
    places = {lot: place for place, lot in enumerate(lots)}
    numbers: dict[int, int] = {}
    found: Upstream[Lot] = Upstream(lots, [], [], [], [])
    for lot in lots:
        making = made.get(lot)
        if making is None or not making.inputs:
            found.step.append(-1)
            found.site.append(None)
            continue
        number = numbers.get(id(making), -1)
        if number < 0:
            number = numbers[id(making)] = len(numbers)
            found.makings.append(making)
            found.inputs.append([places[taken[0]] for taken in making.inputs])
        found.step.append(number)
        found.site.append(making.site)
    return found


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

    error: where a ratio is rounded, its inputs but one lose less than 2^-64 each, and what passes
    there is at most everything, once per transform of the longest way.
    """

    ratios: list[Ratio]
    exact: bool
    unit: int
    error: Fraction


def plan_ratios(upstream: Upstream[Lot], element: str | None) -> Ratios:
    """Weigh every transform upstream of one lot, and choose whether to round."""
    exact = _weigh_exactly(upstream, element)
    if exact is not None:
        unit = 1
        for ratio in exact:
            unit *= ratio.total
        return Ratios(exact, True, unit, Fraction(0))
    ratios = [weigh_rounded(making, element) for making in upstream.makings]
    mixed = [ratio[0] > 1 for ratio in ratios]
    level = [0] * len(upstream.lots)
    for place, step in enumerate(upstream.step):
        if step >= 0:
            below = level[place] + mixed[step]
            for above in upstream.inputs[step]:
                if level[above] < below:
                    level[above] = below
    longest, widest = max(level), max(len(ratio.parts) for ratio in ratios if ratio.total > 1)
    return Ratios(ratios, False, 1 << RATIO_BITS * longest, bound_error(longest, widest))


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
    """shares: by place, the part of `Ratios.unit` that came from or through this lot.

    entered: by site, what its transforms took from lots that the site itself had not made.
    """

    shares: list[int]
    entered: dict[str, int]


def fold_shares(upstream: Upstream[Lot], plan: Ratios, *, stop_at: str | None = None) -> Fold:
    """Follow the lot at place 0 back to the mines. stop_at: a site whose lots are not followed further."""
    steps, sites, inputs, ratios = upstream.step, upstream.site, upstream.inputs, plan.ratios
    shares = [0] * len(steps)
    shares[0] = plan.unit
    entered: dict[str, int] = {}
    for place, share in enumerate(shares):  # the list changes ahead of where it is read
        site = sites[place]
        if not share or site is None or site == stop_at:
            continue
        step = steps[place]
        total, parts = ratios[step]
        each = share
        if total > 1:  # no remainder: `unit` holds the total of every transform on the way
            each = share // total if plan.exact else share >> RATIO_BITS
        before = 0
        for above, part in zip(inputs[step], parts, strict=True):
            taken = each * part
            shares[above] += taken
            if sites[above] != site:
                before += taken
        if before:
            entered[site] = entered.get(site, 0) + before
    return Fold(shares, entered)


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


def read_making(edges: Iterable[Edge], site: str = "", model: str = "") -> Making[str]:
    """The transform of which these are the edges to one of its outputs."""
    return Making(site, model, tuple(take(edge.parent, edge.mass, edge.moisture, edge.assay) for edge in edges))


def share_origins(lot: str, parents: Parents, element: str | None = None) -> dict[str, Fraction]:
    """The share that each lot without parents has in `lot`; the shares sum to one.

    element: weigh by its contained mass. A transform whose inputs hold none of it, or `None`:
    weigh by dry mass. Raises TooLarge, LotCycle.
    """
    return share_lots(lot, {child: read_making(edges) for child, edges in parents.items() if edges}, element)


def share_lots(
    lot: Lot, made: Mapping[Lot, Making[Lot]], element: str | None, limits: Limits = LIMITS
) -> dict[Lot, Fraction]:
    """The same over makings."""
    upstream = climb((lot,), made, limits)
    plan = plan_ratios(upstream, element)
    shares = fold_shares(upstream, plan).shares
    return {
        one: Fraction(share, plan.unit)
        for one, share, step in zip(upstream.lots, shares, upstream.step, strict=True)
        if step < 0 and share
    }
