"""Everything upstream of a lot, read from the graph file into arrays.

Lots are numbered in the order of the log, so that a lot stands before all that it was made from in falling order,
and no search for an order is needed. `service.usecases.graph_shares` reckons with what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ledger.custody.lotgraph import Limits, Upstream
from ledger.custody.vocabulary import MODELS
from ledger.rules.chain import Custody
from service.storage.graph_file import Array, GraphView


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
        first = np.searchsorted(self.below, self.readers())
        past = first + self.rows["inputs"]
        above = self.above.tolist()
        inputs = [above[start:end] for start, end in zip(first.tolist(), past.tolist(), strict=True)]
        models = [MODELS[one] for one in self.rows["model"].tolist()]
        return Upstream(self.lots.tolist(), self.of.tolist(), sites, models, inputs, [])

    def readers(self) -> Array:
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
    found = _collect(view, lot, limits)
    if found is None or len(found[0]) == 1:
        return None
    lots, places = found
    rows = view.lots[lots]
    step = rows["step"]
    numbers, of = np.unique(step, return_inverse=True)
    if numbers[0] < 0:
        numbers, of = numbers[1:], of - 1
    steps = view.steps[numbers]
    inputs = np.where(of < 0, 0, steps["inputs"][of])
    edges = np.where(of < 0, 0, steps["edge"][of])
    below, slot = np.repeat(np.arange(len(lots)), inputs), _count_from(0, inputs)
    above = places[view.edges[_count_from(edges, inputs)]].astype(np.int64)
    layers = _layer(inputs, above, limits.depth)
    return None if layers is None else Climbed(lots, step, rows["site"], below, above, slot, layers, of, steps)


def _collect(view: GraphView, lot: int, limits: Limits) -> tuple[Array, Array] | None:
    """The lot and those upstream, falling, and by lot its place among them; None beyond a limit."""
    seen = np.zeros(lot + 1, np.int32)  # of which only the lots found are touched: one array, and small numbers
    frontier = _once(np.array([lot]), seen)
    found = [frontier]
    size = 1
    while len(frontier):
        step = view.lots["step"][frontier]
        rows = view.steps[step[step >= 0]]
        if rows["inputs"].max(initial=0) > limits.inputs:
            return None
        above = view.edges[_count_from(rows["edge"], rows["inputs"])]
        frontier = _once(above[seen[above] == 0], seen)
        size += len(frontier)
        if size > limits.lots:
            return None
        found.append(frontier)
    lots = np.sort(np.concatenate(found))[::-1]
    seen[lots] = np.arange(len(lots))
    return lots, seen


def _once(values: Array, mark: Array) -> Array:
    """The values, each once, without sorting them. mark: by value; gets a number above 0 for each of these."""
    numbers = np.arange(1, len(values) + 1)
    mark[values] = numbers  # of those that are the same, one number stays
    kept: Array = values[mark[values] == numbers]
    return kept


def _count_from(first: Array | int, counts: Array) -> Array:
    """first, first + 1, ... as far as each count says, one after the other."""
    ends = np.cumsum(counts)
    numbers: Array = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + counts, counts)
    return numbers


def _layer(inputs: Array, above: Array, depth: int) -> list[Array] | None:
    """Edges by the longest way to the lot that they begin at; None beyond `depth` of them. inputs: by place."""
    left = np.bincount(above, minlength=len(inputs))
    starts = np.cumsum(inputs) - inputs
    layers: list[Array] = []
    front = np.array([0])
    while True:
        edges = _count_from(starts[front], inputs[front])
        if not len(edges):
            return layers
        if len(layers) == depth:
            return None
        layers.append(edges)
        reached = above[edges]
        np.subtract.at(left, reached, 1)
        front = _once(reached[left[reached] == 0], left)


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
