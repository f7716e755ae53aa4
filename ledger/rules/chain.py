"""How a chain was kept: the model of custody of its weakest hop (ISO 22095), and whether models only fell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, NamedTuple

from ledger.custody.provenance import Lot, Upstream
from ledger.custody.vocabulary import MODELS

ACCOUNT_MODELS: Final = frozenset(("mass_balance", "book_and_claim"))


class Custody(NamedTuple, Generic[Lot]):
    """How the chain was kept. model: of the weakest hop; weakest: the lot made there, the first on the way to
    fall so low, None for a mined lot; upgrades: lots made under a stronger model than their inputs had."""

    model: str
    weakest: Lot | None
    upgrades: frozenset[Lot]

    @property
    def supports_origin(self) -> bool:
        """Whether shares of the material itself are known, not only those of an account."""
        return self.model not in ACCOUNT_MODELS


@dataclass(frozen=True, slots=True)
class Models:
    """The chain-of-custody models of a graph, by place. level: of the chain, as its number in `MODELS`;
    weakest: where it fell so low, -1 for a mined lot; upgraded: made under a stronger model than its
    inputs had; flawed: so, or with such a lot upstream."""

    level: list[int]
    weakest: list[int]
    upgraded: list[bool]
    flawed: list[bool]


def follow_models(upstream: Upstream[Lot]) -> Models:
    """Fold the models from the mines downstream: a lot is kept as the weakest of its inputs, or weaker."""
    size, own = len(upstream.lots), [MODELS.index(model) for model in upstream.models]
    models = Models([0] * size, [-1] * size, [False] * size, [False] * size)
    level, weakest, flawed = models.level, models.weakest, models.flawed
    some = False  # of the lots so far is flawed
    for place in range(size - 1, -1, -1):
        step = upstream.step[place]
        if step < 0:
            continue
        above, new = upstream.inputs[step], own[step]
        worst = above[0] if len(above) == 1 else max(above, key=level.__getitem__)  # the first of equals
        inherited = level[worst]
        level[place], weakest[place] = inherited, weakest[worst]
        if new > inherited or weakest[worst] < 0:
            level[place], weakest[place] = new, place
        if new < inherited:
            models.upgraded[place] = flawed[place] = some = True
        elif some:
            flawed[place] = any(flawed[one] for one in above)
    return models


def trace_custody(upstream: Upstream[Lot]) -> Custody[Lot]:
    """The chain of custody of the first lot of the graph."""
    kept = set(upstream.models)
    if len(kept) > 1:
        return read_custody(upstream, follow_models(upstream), 0)
    place, steps, inputs = 0, upstream.step, upstream.inputs
    if steps[place] < 0:
        return Custody(MODELS[0], None, frozenset())
    # All hops are kept alike: it fell at the first of them on the way that goes by the first made input each time,
    # or, under the strongest model, where nothing falls, by the first input.
    (model,) = kept
    while True:
        above = inputs[steps[place]]
        made = above[:1] if model == MODELS[0] else above
        following = next((one for one in made if steps[one] >= 0), -1)
        if following < 0:
            return Custody(model, upstream.lots[place], frozenset())
        place = following


def read_custody(upstream: Upstream[Lot], models: Models, place: int) -> Custody[Lot]:
    """The chain of custody of one lot of the graph."""
    weakest = models.weakest[place]
    upgrades: list[Lot] = []
    todo = [place] if models.flawed[place] else []
    seen = set(todo)
    for one in todo:  # grows while it is read
        if models.upgraded[one]:
            upgrades.append(upstream.lots[one])
        above = {other for other in upstream.inputs[upstream.step[one]] if models.flawed[other]} - seen
        seen |= above
        todo += above
    lot = upstream.lots[weakest] if weakest >= 0 else None
    return Custody(MODELS[models.level[place]], lot, frozenset(upgrades))
