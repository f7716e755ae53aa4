"""Origins of a lot from the graph file: the bookkeeping as arrays, the shares as exact integers.

Answers what `ledger.rules.origins.trace_origins` answers, to the last digit, or that it does not: None where the
shares are not rounded (few transforms mix: the rows are read as fast).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from ledger.custody.provenance import EXACT_BITS, RATIO_BITS, Ratio, bound_error, plan_rounded, widen
from ledger.rules.chain import trace_custody
from ledger.rules.origins import Origins, OriginVector, find_returns, reduce_vector, trace_upstream
from service.storage.graph_file import Array, GraphView
from service.usecases.graph_climbing import Climbed

_ALL: Final = 1 << RATIO_BITS


def trace(
    view: GraphView, lot: int, elements: Sequence[str | None], names: Mapping[int, str], climbed: Climbed
) -> Origins[int] | None:
    """The origins of a lot that was climbed. names: of the sites, by number."""
    weighed = {element: weigh_climbed(view, climbed, element) for element in elements}
    plans = {element: one for element, one in weighed.items() if one is not None}
    if len(plans) < len(weighed):
        return None
    if climbed.may_return():
        upstream = climbed.upstream(names)
        ratios = {element: plan_rounded(one.ratios(climbed), one.level.tolist()) for element, one in plans.items()}
        return trace_upstream(upstream, climbed.mined(names), ratios, find_returns(upstream))
    custody = climbed.custody() or trace_custody(climbed.upstream(names))
    return Origins(lot, custody, {one: _vector(climbed, weighed, one, names) for one, weighed in plans.items()})


class Weighed(NamedTuple):
    """One element. mixed, chosen: by transform, whether it mixes, and its row of weights; part: by edge, of 2^64 where
    the transform mixes, else of 1; full: by edge, whether the part is 2^64 itself; level: by place, see `Ratios`;
    widest: inputs of a transform that mixes."""

    mixed: Array
    part: Array
    full: Array
    level: Array
    widest: int

    def parts(self, edges: Array) -> list[int]:
        """The parts of these edges as integers."""
        found: list[int] = self.part[edges].tolist()
        for at in np.flatnonzero(self.full[edges]).tolist():
            found[at] = _ALL
        return found

    def ratios(self, climbed: Climbed) -> list[Ratio]:
        """By transform, as the ledger's own folds want it."""
        first = np.searchsorted(climbed.below, climbed.readers())
        past = (first + climbed.rows["inputs"]).tolist()
        parts = self.parts(np.arange(len(self.part)))
        each = zip(self.mixed.tolist(), first.tolist(), past, strict=True)
        return [Ratio(_ALL if mixed else 1, parts[start:end]) for mixed, start, end in each]


def weigh_climbed(view: GraphView, climbed: Climbed, element: str | None) -> Weighed | None:
    """The rounded ratios of all transforms; None if exact ones fit into `EXACT_BITS`."""
    rows = climbed.rows
    chosen = np.full(len(rows), -1)
    several = np.flatnonzero(rows["weights"])
    chosen[several] = _choose(view, rows[several], element)
    weights = view.weights[chosen[several]]
    if int(weights["bits"].sum(dtype=np.int64)) <= EXACT_BITS:
        return None
    mixed, first, whole = np.zeros(len(rows), bool), np.full(len(rows), -1), np.zeros(len(rows), np.int64)
    mixed[several], first[several], whole[several] = weights["bits"] > 0, weights["part"], weights["whole"]
    of = climbed.of[climbed.below]
    begins, slot = first[of], climbed.slot
    takes_all = (begins < 0) & (whole[of] == slot)
    part = takes_all.astype(np.uint64)
    stored = begins >= 0
    part[stored] = view.parts[begins[stored] + slot[stored]]
    full = takes_all & mixed[of]
    level = np.zeros(len(climbed.lots), np.int64)
    steps = mixed[of].astype(np.int64)
    for edges in climbed.layers:
        np.maximum.at(level, climbed.above[edges], level[climbed.below[edges]] + steps[edges])
    return Weighed(mixed, part, full, level, int(rows["inputs"][mixed].max()))


def _choose(view: GraphView, rows: Array, element: str | None) -> Array:
    """The row of weights of each of these steps: by the element, or by dry mass where no input holds it."""
    chosen: Array = rows["weight"].copy()  # dry mass comes first
    if element is None or element not in view.head.elements:
        return chosen
    number = view.head.elements.index(element)
    for place in range(1, int(rows["weights"].max(initial=0))):
        at = np.flatnonzero(rows["weights"] > place)
        weight = rows["weight"][at] + place
        same = view.weights["element"][weight] == number
        chosen[at[same]] = weight[same]
    return chosen


def _vector(climbed: Climbed, weighed: Weighed, element: str | None, names: Mapping[int, str]) -> OriginVector:
    level, longest = weighed.level, int(weighed.level.max())
    shares = _fold(climbed, weighed)
    ends = np.flatnonzero(climbed.step < 0)
    mines = _sum(climbed.site[ends], level[ends], [shares[one] for one in ends.tolist()], longest)
    entered = _enter(climbed, weighed, shares, longest)
    return reduce_vector(
        OriginVector(
            element,
            1 << RATIO_BITS * longest,
            {names[site]: share for site, share in mines.items() if share},
            0,
            {names[site]: share for site, share in entered.items() if share},
            False,
            bound_error(longest, weighed.widest),
        )
    )


def _fold(climbed: Climbed, weighed: Weighed) -> list[int]:
    """By place, its share in parts of 2^(64 x level): see `ledger.custody.provenance.fold_shares`.

    Lots that draw on a single one of the same site are left out, with a share of 0: what would go to them goes to it.
    """
    used = (weighed.part > 0) | weighed.full
    handed = used & climbed.inside & ~weighed.mixed[climbed.of[climbed.below]] & (climbed.below > 0)
    edges = np.flatnonzero(used & ~handed)
    below, above = climbed.below[edges], _follow(climbed, handed)[climbed.above[edges]]
    gaps = RATIO_BITS * (weighed.level[above] - weighed.level[below] - weighed.mixed[climbed.of[below]])
    shares = [0] * len(climbed.lots)
    shares[0] = 1
    for low, high, part, gap in zip(below.tolist(), above.tolist(), weighed.parts(edges), gaps.tolist(), strict=True):
        taken = shares[low] * part
        shares[high] += taken << gap if gap else taken
    return shares


def _follow(climbed: Climbed, handed: Array) -> Array:
    """By place, the one that is reached from it along edges that hand on everything."""
    reached = np.arange(len(climbed.lots))
    reached[climbed.below[handed]] = climbed.above[handed]
    while True:
        further = reached[reached]  # twice as far each time
        if np.array_equal(further, reached):
            return reached
        reached = further


def _enter(climbed: Climbed, weighed: Weighed, shares: list[int], longest: int) -> dict[int, int]:
    """By site, what its transforms took from lots that it had not made itself: all that a lot was made from, or,
    where some of it was the site's own, the rest edge by edge."""
    own = np.bincount(climbed.below[climbed.inside], minlength=len(climbed.lots))
    whole = np.flatnonzero((own == 0) & (climbed.step >= 0))
    edges = np.flatnonzero(~climbed.inside & (own[climbed.below] > 0))
    below = climbed.below[edges]
    taken = [shares[one] for one in whole.tolist()]
    taken += [shares[low] * part for low, part in zip(below.tolist(), weighed.parts(edges), strict=True)]
    level = np.concatenate((weighed.level[whole], weighed.level[below] + weighed.mixed[climbed.of[below]]))
    return _sum(climbed.site[np.concatenate((whole, below))], level, taken, longest)


def _sum(site: Array, level: Array, shares: Sequence[int], longest: int) -> dict[int, int]:
    """Sums by site of shares that stand at different levels, in parts of 2^(64 x longest)."""
    sums: dict[int, int] = {}
    order = np.lexsort((level, site))
    sites, levels = site[order], level[order]
    bounds = np.flatnonzero(np.diff(sites, prepend=-1) | np.diff(levels, prepend=-1))
    places = order.tolist()
    for first, past in zip(bounds.tolist(), [*bounds.tolist()[1:], len(places)], strict=True):
        part = sum([shares[one] for one in places[first:past]])
        at = int(sites[first])
        sums[at] = sums.get(at, 0) + widen(part, int(levels[first]), longest)
    return sums
