"""Origins of a lot from the graph file: the bookkeeping as arrays, the shares as exact integers.

Answers what `ledger.rules.origins.trace_origins` answers, to the last digit, or that it does not: None where the
shares are not rounded (few transforms mix: the rows are read as fast).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from ledger.custody.provenance import EXACT_BITS, RATIO_BITS, Ratio, bound_error, plan_rounded
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
    """One element. mixed: by transform, whether it mixes; part: by edge, of 2^64 where it is fine, else of 1; fine: by
    edge; level: by place, see `Ratios`; widest: inputs of a transform that mixes."""

    mixed: Array
    part: Array
    fine: Array
    level: Array
    widest: int

    def ratios(self, climbed: Climbed) -> list[Ratio]:
        """By transform, as the ledger's own folds want it."""
        parts: list[int] = self.part.tolist()
        for everything in np.flatnonzero(self.mixed[climbed.of[climbed.below]] & ~self.fine).tolist():
            parts[everything] <<= RATIO_BITS
        first = np.searchsorted(climbed.below, climbed.readers())
        past = (first + climbed.rows["inputs"]).tolist()
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
    level = np.zeros(len(climbed.lots), np.int64)
    steps = mixed[of].astype(np.int64)
    for edges in climbed.layers:
        np.maximum.at(level, climbed.above[edges], level[climbed.below[edges]] + steps[edges])
    return Weighed(mixed, part, stored, level, int(rows["inputs"][mixed].max()))


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
    longest = int(weighed.level.max())
    mines, entered = _fold(climbed, weighed, longest)
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


def _fold(climbed: Climbed, weighed: Weighed, longest: int) -> tuple[dict[int, int], dict[int, int]]:
    """By site, what was extracted there, and what its transforms took from lots that it had not made itself, in parts
    of 2^(64 x longest): see `ledger.custody.provenance.fold_shares`. Sites are places behind those of the lots."""
    (along, above), (entry, whole) = _find_ways(climbed, weighed), _find_entries(climbed)
    ends = np.flatnonzero(climbed.step < 0)
    sites, site = np.unique(climbed.site[np.concatenate((climbed.below[entry], whole))], return_inverse=True)
    mines, mine = np.unique(climbed.site[ends], return_inverse=True)
    edges, size = np.concatenate((along, entry)), len(climbed.lots)
    low = np.concatenate((climbed.below[edges], whole, ends))
    high = np.concatenate((above, size + site, size + len(sites) + mine))
    part = np.ones(len(low), np.uint64)
    part[: len(edges)] = weighed.part[edges]
    level = np.concatenate((weighed.level, np.full(len(sites) + len(mines), longest)))
    rise = level[high] - level[low]
    rise[: len(edges)] -= weighed.fine[edges]
    order = np.argsort(low, kind="stable")
    sums = _follow(low[order], high[order], part[order], RATIO_BITS * rise[order], len(level))
    entered, mined = sums[size : size + len(sites)], sums[size + len(sites) :]
    return dict(zip(mines.tolist(), mined, strict=True)), dict(zip(sites.tolist(), entered, strict=True))


def _follow(low: Array, high: Array, part: Array, bits: Array, size: int) -> list[int]:
    """Sums by place: of 1 at place 0, and along each edge of part x 2^bits of what is at its lower place, which is then
    complete, for edges stand in the order of these. What has been passed on is given up: all that is held at a time
    should stay in the processor's cache."""
    sums, at, share = [0] * size, 0, 1
    for start, end, times, rise in zip(low.tolist(), high.tolist(), part.tolist(), bits.tolist(), strict=True):
        if start != at:
            at, share, sums[start] = start, sums[start], 0
        taken = share * times
        sums[end] += taken << rise if rise else taken
    return sums


def _find_ways(climbed: Climbed, weighed: Weighed) -> tuple[Array, Array]:
    """The edges that carry something, and the place to which each leads: past lots that only hand on what they are
    given, to a lot of the same site. Nothing is reckoned for those."""
    used = weighed.part > 0
    alone = used & climbed.inside & ~weighed.mixed[climbed.of[climbed.below]] & (climbed.below > 0)
    reached = np.arange(len(climbed.lots))
    reached[climbed.below[alone]] = climbed.above[alone]
    while not np.array_equal(further := reached[reached], reached):
        reached = further  # twice as far each time
    along = np.flatnonzero(used & ~alone)
    return along, reached[climbed.above[along]]


def _find_entries(climbed: Climbed) -> tuple[Array, Array]:
    """How lots came to a site that had not made them: edges to lots of which it made other inputs itself, and the lots
    that are all made from such inputs."""
    own = np.bincount(climbed.below[climbed.inside], minlength=len(climbed.lots))
    edges = np.flatnonzero(~climbed.inside & (own[climbed.below] > 0))
    return edges, np.flatnonzero((own == 0) & (climbed.step >= 0))
