"""Lot graphs made by hand or by chance, and the shares in them by a second, naive way of reckoning."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from ledger.custody.provenance import Making, Taken
from ledger.rules.origins import LotGraph, Place

PLACES = {
    "mine:a": Place("CD", "CD-NK", "mine"),
    "mine:b": Place("CD", "CD-SK", "mine"),
    "mine:c": Place("RW", "RW-02", "mine"),
    "depot:1": Place("RW", "RW-01", "depot"),
    "plant:1": Place("RW", "RW-01", "plant"),
    "smelter:1": Place("MY", "MY-07", "smelter"),
    "refinery:1": Place("BE", "BE-VAN", "refinery"),
}
MINES = ("mine:a", "mine:b", "mine:c")
WORKS = ("depot:1", "plant:1", "smelter:1", "refinery:1")


def made(site: str, *inputs: tuple[str, int], model: str = "segregated") -> Making[str]:
    """A transform of (lot, dry mass); all of it is of one grade."""
    return Making(site, model, tuple(Taken(lot, mass, {"Ta": 30}) for lot, mass in inputs))


@st.composite
def graphs(draw: st.DrawFn) -> LotGraph[str]:
    """Up to twelve lots, some of them outputs of one transform, some of unknown origin."""
    size = draw(st.integers(2, 12))
    makings: dict[str, Making[str]] = {}
    mined: dict[str, str] = {}
    for number in range(size):
        lot = f"lot:{number}"
        parents = sorted(draw(st.sets(st.integers(0, number - 1), max_size=4))) if number else []
        before = makings.get(f"lot:{number - 1}")
        if parents and before is not None and draw(st.booleans()):
            makings[lot] = before  # another output of the same transform
        elif parents:
            grade = st.integers(0, 10**6)
            taken = (Taken(f"lot:{one}", draw(st.integers(1, 10**6)), {"Ta": draw(grade)}) for one in parents)
            makings[lot] = Making(draw(st.sampled_from(WORKS)), draw(st.sampled_from(_MODELS)), tuple(taken))
        elif draw(st.integers(0, 9)):
            mined[lot] = draw(st.sampled_from(MINES))
    return LotGraph(makings, mined, PLACES)


_MODELS = ("identity_preserved", "segregated", "controlled_blending", "mass_balance", "book_and_claim")


def layered(levels: int, width: int, *, seed: int = 1, mines: int = 3) -> tuple[LotGraph[int], list[int]]:
    """A large graph of numbered lots, each from up to four of the level before; and the lots of the last level."""
    random = Random(seed)  # noqa: S311  # reproducible, not secret
    makings: dict[int, Making[int]] = {}
    mined: dict[int, str] = {}
    sites = {f"mine:{n}": Place("CD", f"CD-{n:02d}", "mine") for n in range(mines)}
    sites |= {f"plant:{n}": Place("CD", "CD-HK", "plant") for n in range(5)}
    before: list[int] = []
    for level in range(levels):
        now = list(range(level * width, (level + 1) * width))
        for place, lot in enumerate(now):
            if not before:
                mined[lot] = f"mine:{random.randrange(mines)}"
                continue
            near = {before[(place + random.randint(-9, 9)) % width] for _ in range(random.choice((1, 1, 2, 4)))}
            taken = (Taken(one, random.randrange(1, 10**15), {"Ta": random.randrange(1, 10**8)}) for one in near)
            makings[lot] = Making(f"plant:{level % 5}", "segregated", tuple(sorted(taken, key=lambda one: one.lot)))
        before = now
    return LotGraph(makings, mined, sites), before


def naive_shares(lot: str, graph: LotGraph[str], element: str | None) -> dict[str, Fraction]:
    """The share of every lot without parents, by recursion: an input's share times what its origins have in it."""
    making = graph.made.get(lot)
    if making is None:
        return {lot: Fraction(1)}
    masses = [one.dry * one.grades.get(element, 0) if element else one.dry for one in making.inputs]
    masses = masses if any(masses) else [one.dry for one in making.inputs]
    total: dict[str, Fraction] = {}
    for one, mass in zip(making.inputs, masses, strict=True):
        for origin, share in naive_shares(one.lot, graph, element).items():
            total[origin] = total.get(origin, Fraction(0)) + share * Fraction(mass, sum(masses))
    return {origin: share for origin, share in total.items() if share}


def naive_passage(lot: str, graph: LotGraph[str], element: str | None, site: str) -> Fraction:
    """The share of a lot that went through a site, by recursion."""
    making = graph.made.get(lot)
    if making is None:
        return Fraction(0)
    if making.site == site:
        return Fraction(1)
    masses = [one.dry * one.grades.get(element, 0) if element else one.dry for one in making.inputs]
    masses = masses if any(masses) else [one.dry for one in making.inputs]
    return sum(
        (
            naive_passage(one.lot, graph, element, site) * Fraction(mass, sum(masses))
            for one, mass in zip(making.inputs, masses, strict=True)
        ),
        Fraction(0),
    )


def renamed(graph: LotGraph[str], names: Mapping[str, str]) -> LotGraph[str]:
    """The same graph under other lot ids."""
    done: dict[int, Making[str]] = {}
    for making in graph.made.values():
        taken = tuple(one._replace(lot=names[one.lot]) for one in making.inputs)
        done.setdefault(id(making), making._replace(inputs=taken))
    makings = {names[lot]: done[id(making)] for lot, making in graph.made.items()}
    return LotGraph(makings, {names[lot]: site for lot, site in graph.mined.items()}, graph.sites)
