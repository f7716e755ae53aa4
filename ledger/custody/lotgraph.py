"""The graph of lots above a lot: who was made from what, climbed once and numbered.

A lot stands after every lot made from it, so that whatever is folded along the edges goes over the
numbers once; paths are never enumerated. Weighing and folding is `ledger.custody.provenance`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from ledger.errors import LotCycle, TooLarge

Lot = TypeVar("Lot", bound=Hashable)


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
    or -1; site: where that was, or None; models, inputs: by transform, the model of custody and the
    places in `lots` of what it took; makings: itself, where somebody still has to weigh it.
    """

    lots: list[Lot]
    step: list[int]
    site: list[str | None]
    models: list[str]
    inputs: list[list[int]]
    makings: list[Making[Lot]]


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
    found: Upstream[Lot] = Upstream(lots, [], [], [], [], [])
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
            found.models.append(making.model)
            found.inputs.append([places[taken[0]] for taken in making.inputs])
        found.step.append(number)
        found.site.append(making.site)
    return found
