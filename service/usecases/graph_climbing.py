"""Origins of a lot from the graph file: the climb and the bookkeeping as arrays, the shares as exact integers.

Answers what `ledger.rules.origins.trace_origins` answers, to the last digit, or that it does not: None for a
lot that the file does not reach yet, for one whose shares are not rounded (few transforms mix: the rows are read
as fast), and for a graph beyond a limit, which the rows then refuse. Lots are numbered in the order of the
log, so that a lot stands before all that it was made from in falling order, and no search for an order is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from ledger.custody.lotgraph import Limits, Upstream
from ledger.custody.provenance import EXACT_BITS, RATIO_BITS, Ratio, bound_error, plan_rounded, widen
from ledger.custody.vocabulary import MODELS
from ledger.rules.chain import Custody, trace_custody
from ledger.rules.origins import Origins, OriginVector, find_returns, reduce_vector, trace_upstream
from service.storage.graph_file import Array, GraphView

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


@dataclass(frozen=True)
class Climbed:
    """A lot and everything upstream. By place (0: the lot itself): lots, step (-1: extracted), site. By edge, in the
    order of the places below: below, above: places; slot: which input of its step. layers: edges from the lot to the
    mines, each after all that lead to where it begins. transforms: steps once each; of: by place, which, or -1; rows:
    of `GraphView.steps`, per transform."""

    lots: Array
    step: Array
    site: Array
    below: Array
    above: Array
    slot: Array
    layers: list[Array]
    of: Array
    rows: Array

    @cached_property
    def inside(self) -> Array:
        """By edge, whether the site that took the lot had made it."""
        same: Array = (self.step[self.above] >= 0) & (self.site[self.above] == self.site[self.below])
        return same

    def may_return(self) -> bool:
        """Whether material could have come back to a site that it had left: only if sites go round in a circle."""
        across = ~self.inside & (self.step[self.above] >= 0)
        sites, numbers = np.unique(self.site, return_inverse=True)
        pairs = np.unique(numbers[self.below[across]] * len(sites) + numbers[self.above[across]])
        ahead: dict[int, list[int]] = {}
        for pair in pairs.tolist():
            below, above = divmod(pair, len(sites))
            ahead.setdefault(below, []).append(above)
        return _has_circle(ahead)

    def custody(self) -> Custody[int] | None:
        """The chain of custody, where all of it was kept under one model; else None. See `trace_custody`."""
        kept = np.unique(self.rows["model"])
        if len(kept) != 1:
            return None
        place, step = 0, self.step
        strongest = int(kept[0]) == 0
        while True:
            first, past = np.searchsorted(self.below, (place, place + 1))
            above = self.above[first : first + 1 if strongest else past]
            made = above[step[above] >= 0]
            if not len(made):
                return Custody(MODELS[int(kept[0])], int(self.lots[place]), frozenset())
            place = int(made[0])

    def upstream(self, names: Mapping[int, str]) -> Upstream[int]:
        """The same as the ledger's own folds want it."""
        made = self.step >= 0
        sites = [names[site] if there else None for site, there in zip(self.site.tolist(), made.tolist(), strict=True)]
        first = np.searchsorted(self.below, self._readers())
        past = first + self.rows["inputs"]
        above = self.above.tolist()
        inputs = [above[start:end] for start, end in zip(first.tolist(), past.tolist(), strict=True)]
        models = [MODELS[one] for one in self.rows["model"].tolist()]
        return Upstream(self.lots.tolist(), self.of.tolist(), sites, models, inputs, [])

    def _readers(self) -> Array:
        """By transform, the place of one of its outputs."""
        readers = np.zeros(len(self.rows), np.int64)
        made = np.flatnonzero(self.step >= 0)
        readers[self.of[made]] = made
        return readers

    def mined(self, names: Mapping[int, str]) -> dict[int, str]:
        """Where lots were extracted."""
        ends = self.step < 0
        pairs = zip(self.lots[ends].tolist(), self.site[ends].tolist(), strict=True)
        return {lot: names[site] for lot, site in pairs}


def climb(view: GraphView, lot: int, limits: Limits) -> Climbed | None:
    """Everything upstream of a lot; None where the rows have to be asked."""
    if lot >= view.head.lots:
        return None
    lots = _collect(view, lot, limits)
    if lots is None or len(lots) == 1:
        return None
    rows = view.lots[lots]
    step = rows["step"]
    numbers, of = np.unique(step, return_inverse=True)
    if numbers[0] < 0:
        numbers, of = numbers[1:], of - 1
    steps = view.steps[numbers]
    made = np.flatnonzero(of >= 0)
    makings = steps[of[made]]
    counts = makings["inputs"].astype(np.int64)
    below, slot = np.repeat(made, counts), _count_up(counts)
    places = np.empty(lot + 1, np.int64)  # of which only the lots found are touched
    places[lots] = np.arange(len(lots))
    above = places[view.edges[np.repeat(makings["edge"], counts) + slot]]
    layers = _layer(len(lots), below, above, limits.depth)
    return None if layers is None else Climbed(lots, step, rows["site"], below, above, slot, layers, of, steps)


def _collect(view: GraphView, lot: int, limits: Limits) -> Array | None:
    """The lot and those upstream, falling; None beyond a limit."""
    seen = np.zeros(lot + 1, bool)
    seen[lot] = True
    frontier = np.array([lot])
    found = [frontier]
    size = 1
    while len(frontier):
        step = view.lots["step"][frontier]
        rows = view.steps[step[step >= 0]]
        counts = rows["inputs"].astype(np.int64)
        if counts.max(initial=0) > limits.inputs:
            return None
        above = view.edges[np.repeat(rows["edge"], counts) + _count_up(counts)]
        frontier = np.unique(above[~seen[above]])
        seen[frontier] = True
        size += len(frontier)
        if size > limits.lots:
            return None
        found.append(frontier)
    lots: Array = np.sort(np.concatenate(found))[::-1]
    return lots


def _count_up(counts: Array) -> Array:
    """0, 1, ... for each count, one after the other."""
    ends = np.cumsum(counts)
    slots: Array = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return slots


def _layer(size: int, below: Array, above: Array, depth: int) -> list[Array] | None:
    """Edges by the longest way to the lot that they begin at; None beyond `depth` of them."""
    left = np.bincount(above, minlength=size)
    starts = np.searchsorted(below, np.arange(size + 1))
    layers: list[Array] = []
    front = np.array([0])
    while True:
        counts = starts[front + 1] - starts[front]
        edges = np.repeat(starts[front], counts) + _count_up(counts)
        if not len(edges):
            return layers
        if len(layers) == depth:
            return None
        layers.append(edges)
        reached = above[edges]
        np.subtract.at(left, reached, 1)
        front = np.unique(reached[left[reached] == 0])


def _has_circle(ahead: Mapping[int, Sequence[int]]) -> bool:
    """Whether a way leads back to where it began: what remains when those that nothing leads to are taken away."""
    uses = dict.fromkeys(ahead, 0)
    for following in ahead.values():
        for one in following:
            uses[one] = uses.get(one, 0) + 1
    free = [one for one, count in uses.items() if not count]
    for one in free:  # grows while it is read
        for other in ahead.get(one, ()):
            uses[other] -= 1
            if not uses[other]:
                free.append(other)
    return len(free) < len(uses)


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
        first = np.searchsorted(climbed.below, climbed._readers())
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
    """By place, its share in parts of 2^(64 x level): see `ledger.custody.provenance.fold_shares`."""
    used = np.flatnonzero((weighed.part > 0) | weighed.full)
    below, above = climbed.below[used], climbed.above[used]
    parts = weighed.parts(used)
    gaps = weighed.level[above] - weighed.level[below] - weighed.mixed[climbed.of[below]]
    for at in np.flatnonzero(gaps).tolist():
        parts[at] <<= RATIO_BITS * int(gaps[at])
    shares = [0] * len(climbed.lots)
    shares[0] = 1
    for low, high, part in zip(below.tolist(), above.tolist(), parts, strict=True):
        shares[high] += shares[low] * part
    return shares


def _enter(climbed: Climbed, weighed: Weighed, shares: list[int], longest: int) -> dict[int, int]:
    """By site, what its transforms took from lots that it had not made itself."""
    outside = np.flatnonzero(~climbed.inside)
    inside = np.flatnonzero(climbed.inside)
    if len(outside) <= len(inside):
        return _sum_edges(climbed, weighed, shares, outside, longest)
    sums: dict[int, int] = {}
    level = weighed.level
    made = np.flatnonzero(climbed.step >= 0)
    sums = _sum(climbed.site[made], level[made], [shares[one] for one in made.tolist()], longest)
    for site, part in _sum_edges(climbed, weighed, shares, inside, longest).items():
        sums[site] -= part
    return sums


def _sum_edges(climbed: Climbed, weighed: Weighed, shares: list[int], edges: Array, longest: int) -> dict[int, int]:
    """By site, what its transforms took along these edges."""
    below = climbed.below[edges]
    level = weighed.level[below] + weighed.mixed[climbed.of[below]]
    taken = [shares[low] * part for low, part in zip(below.tolist(), weighed.parts(edges), strict=True)]
    return _sum(climbed.site[below], level, taken, longest)


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
