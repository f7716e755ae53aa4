"""The origins of many lots that share ancestors: what `trace_origins` says of each, at a fraction of the cost.

One lot is folded from itself to the mines, a number per lot. Many are folded the other way, from
the mines downstream, a vector over mine sites and facilities per lot, made once for all that draw on
it. Both are exact over the same ratios, so the answers are equal, to the last digit. Where there are
more sites than lots asked for, folding one by one is the shorter way and is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import Final, NamedTuple

from ledger.custody.provenance import (
    EXACT_BITS,
    LIMITS,
    Limits,
    Lot,
    Ratio,
    Upstream,
    bound_error,
    climb,
    round_ratio,
    weigh,
)
from ledger.rules.origins import (
    LotGraph,
    Origins,
    OriginVector,
    follow_models,
    read_custody,
    reduce_vector,
    trace_origins,
)

_UNCOVERED: Final = -1


class _Shares(NamedTuple):
    """A lot's vector in parts of `unit`: mines, passed: number of a site -> part.

    longest, widest: of the rounded ratios upstream, for the error.
    """

    unit: int
    mines: dict[int, int]
    passed: dict[int, int]
    longest: int
    widest: int


def trace_many(
    lots: Iterable[Lot], graph: LotGraph[Lot], elements: Sequence[str | None] = (None,), *, limits: Limits = LIMITS
) -> dict[Lot, Origins[Lot]]:
    """`trace_origins` of each lot. Raises what that raises; `limits` are for all lots together."""
    targets = dict.fromkeys(lots)
    upstream = climb(targets, graph.made, limits)
    places = [place for place, lot in enumerate(upstream.lots) if lot in targets]
    if _count_sites(upstream, graph) >= len(places):
        return {lot: trace_origins(lot, graph, elements, limits=limits) for lot in targets}
    models = follow_models(upstream)
    custody = {place: read_custody(upstream, models, place) for place in places}
    vectors: dict[int, dict[str | None, OriginVector]] = {place: {} for place in places}
    for element in elements:
        for place, vector in _Columns(upstream, graph, element).vectors(places).items():
            vectors[place][element] = vector
    found = {upstream.lots[p]: Origins(upstream.lots[p], custody[p], vectors[p]) for p in places}
    return {lot: found[lot] for lot in targets}


def _count_sites(upstream: Upstream[Lot], graph: LotGraph[Lot]) -> int:
    mines = {graph.mined.get(lot) for lot, step in zip(upstream.lots, upstream.step, strict=True) if step < 0}
    return len(mines) + len({making.site for making in upstream.makings})


class _Columns:
    """The fold from the mines downstream, for one element; sites are columns, known by number."""

    def __init__(self, upstream: Upstream[Lot], graph: LotGraph[Lot], element: str | None) -> None:
        self.step, self.inputs, self.element = upstream.step, upstream.inputs, element
        self.exact = [weigh(making, element) for making in upstream.makings]
        numbers: dict[str, int] = {}

        def number(site: str) -> int:
            return numbers.setdefault(site, len(numbers))

        mined = (graph.mined.get(lot) for lot in upstream.lots)
        self.mine = [_UNCOVERED if site is None else number(site) for site in mined]
        self.facility = [number(making.site) for making in upstream.makings]
        self.sites = list(numbers)

    def vectors(self, places: Sequence[int]) -> dict[int, OriginVector]:
        """The vector of each of these places."""
        within = self._within_bits()
        found: dict[int, OriginVector] = {}
        for exact in (True, False):
            chosen = [place for place in places if within[place] is exact]
            if chosen:
                ratios = self.exact if exact else [round_ratio(ratio) for ratio in self.exact]
                for place, shares in self._fold(chosen, ratios, exact).items():
                    found[place] = self._present(shares, exact)
        return found

    def _within_bits(self) -> list[bool]:
        """By place, whether the totals of all transforms upstream fit into `EXACT_BITS`."""
        none: frozenset[int] = frozenset()
        blended: list[tuple[frozenset[int], int] | None] = [(none, 0)] * len(self.step)  # transforms, and their bits
        for place in range(len(self.step) - 1, -1, -1):
            step = self.step[place]
            if step >= 0:
                known = blended[self.inputs[step][0]] if len(self.inputs[step]) == 1 else self._unite(step, blended)
                blended[place] = known
        return [one is not None for one in blended]

    def _unite(self, step: int, blended: list[tuple[frozenset[int], int] | None]) -> tuple[frozenset[int], int] | None:
        above = [blended[one] for one in self.inputs[step]]
        known = [one for one in above if one is not None]
        if len(known) < len(above):
            return None
        union, bits = max(known, key=lambda one: len(one[0]))
        total = self.exact[step].total
        for more, _ in (*known, (frozenset((step,)) if total > 1 else frozenset(), 0)):
            fresh = more - union if more is not union else None
            if fresh:
                union |= fresh
                bits += sum([self.exact[one].total.bit_length() for one in fresh])
                if bits > EXACT_BITS:
                    return None
        return union, bits

    def _fold(self, places: Sequence[int], ratios: list[Ratio], exact: bool) -> dict[int, _Shares]:
        uses = self._count_uses(places)
        outputs = Counter(step for place, step in enumerate(self.step) if uses[place])
        done: dict[int, _Shares] = {}  # by transform, as long as it has outputs to come
        held: list[_Shares | None] = [None] * len(self.step)
        for place in range(len(self.step) - 1, -1, -1):
            step = self.step[place]
            if not uses[place]:
                continue
            if step < 0:
                held[place] = _Shares(1, {self.mine[place]: 1}, {}, 0, 0)
                continue
            if step not in done:
                done[step] = self._join(step, [held[one] for one in self.inputs[step]], ratios[step], exact)
            outputs[step] -= 1
            held[place] = done[step] if outputs[step] else done.pop(step)
            for above in self.inputs[step]:
                uses[above] -= 1
                if not uses[above]:
                    held[above] = None  # nobody needs it any more
        return {place: shares for place in places if (shares := held[place]) is not None}

    def _count_uses(self, places: Sequence[int]) -> list[int]:
        """By place, how many lots on the way to these need it; what is asked for is needed for ever."""
        uses = [0] * len(self.step)
        for place in places:
            uses[place] = 1
        for place, step in enumerate(self.step):
            if step >= 0 and uses[place]:
                for above in self.inputs[step]:
                    uses[above] += 1
        return uses

    def _join(self, step: int, inputs: list[_Shares | None], ratio: Ratio, exact: bool) -> _Shares:
        given = [one for one in inputs if one is not None]
        mixed = ratio.total > 1
        longest = max(one.longest for one in given) + mixed
        widest = max(*(one.widest for one in given), len(given) if mixed else 0)
        used = [(one, part) for one, part in zip(given, ratio.parts, strict=True) if part]
        if len(used) == 1:
            ((alone, _),) = used
            return _Shares(alone.unit, alone.mines, alone.passed | {self.facility[step]: alone.unit}, longest, widest)
        units = {one.unit for one, _ in used}
        common = lcm(*units) if exact else max(units)
        scaled = [(one, part * (common // one.unit)) for one, part in used]
        unit = common * ratio.total
        passed = _add((one.passed, scale) for one, scale in scaled)
        passed[self.facility[step]] = unit
        return _Shares(unit, _add((one.mines, scale) for one, scale in scaled), passed, longest, widest)

    def _present(self, shares: _Shares, exact: bool) -> OriginVector:
        mines = {self.sites[one]: part for one, part in shares.mines.items() if one != _UNCOVERED}
        passed = {self.sites[one]: part for one, part in shares.passed.items()}
        error = Fraction(0) if exact else bound_error(shares.longest, shares.widest)
        uncovered = shares.mines.get(_UNCOVERED, 0)
        return reduce_vector(OriginVector(self.element, shares.unit, mines, uncovered, passed, exact, error))


def _add(vectors: Iterable[tuple[dict[int, int], int]]) -> dict[int, int]:
    """The sum of vectors, each times its scale."""
    total: dict[int, int] = {}
    for vector, scale in vectors:
        if total:
            for column, part in vector.items():
                total[column] = total.get(column, 0) + part * scale
        else:
            total = {column: part * scale for column, part in vector.items()}
    return total
