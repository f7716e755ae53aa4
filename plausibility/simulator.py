"""One month of simulated supply chains, honest or with fraud in it, from a seed.

Stages follow each other as they do in the world; a fraud acts at its stage, and what comes later
carries its consequences: tags laundered at the mine are traded, blended and smelted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plausibility import honest, trade
from plausibility.dice import Dice
from plausibility.frauds import PATTERNS
from plausibility.world import World

Stage = Callable[[World, Dice], None]

STAGES: tuple[tuple[str, Stage], ...] = (
    ("people", honest.people),
    ("mine", lambda world, dice: honest.sites(world, dice, dice.between(80, 110))),
    ("histories", trade.histories),
    ("transit", trade.collect),
    ("blend", trade.blend),
    ("plant", trade.smelt),
    ("gold", trade.recycle),
    ("books", trade.books),
)


def simulate(seed: str, patterns: Sequence[str] = ()) -> World:
    """A world of the seed, with these frauds in it; the honest part is the same with and without them."""
    world = World(seed)
    for name, stage in STAGES:
        stage(world, Dice(f"{seed}/{name}"))
        for pattern in patterns:
            fraud = PATTERNS[pattern]
            if fraud.stage == name:
                fraud.commit(world, Dice(f"{seed}/{name}/{pattern}"))
    return world
