"""The lot graph: which lots a lot was made from, and in which shares.

A transform takes mass from its inputs; each `Edge` holds what was taken and its quality then. A
lot without parents was extracted. Shares are exact fractions of contained metal on a dry basis
(of dry mass where no element is named), summing to one, folded once over the graph in topological
order: paths are never enumerated. Records make a lot only from lots that exist, so there is no cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from ledger.custody.quantity import contained_metal, dry_mass
from ledger.custody.subjects import Edge

Parents = Mapping[str, Sequence[Edge]]
"""Lot id -> the edges from its parents; absent or empty for an extracted lot."""


def index_parents(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Edges by child."""
    parents: dict[str, list[Edge]] = {}
    for edge in edges:
        parents.setdefault(edge.child, []).append(edge)
    return parents


def index_children(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Edges by parent."""
    children: dict[str, list[Edge]] = {}
    for edge in edges:
        children.setdefault(edge.parent, []).append(edge)
    return children


def trace_upstream(lot: str, parents: Parents) -> list[str]:
    """The lot and all lots that it was made from, each after all of its parents."""
    return _trace(lot, lambda one: [edge.parent for edge in parents.get(one, ())])


def trace_downstream(lot: str, children: Mapping[str, Sequence[Edge]]) -> list[str]:
    """The lot and all lots made from it, each after all of its children: a recall list."""
    return _trace(lot, lambda one: [edge.child for edge in children.get(one, ())])


def _trace(lot: str, neighbours: Callable[[str], list[str]]) -> list[str]:
    order: dict[str, None] = {}
    entered: set[str] = set()
    stack = [lot]
    while stack:
        one = stack.pop()
        if one in order:
            continue
        if one in entered:  # everything below it is in order now
            order[one] = None
            continue
        entered.add(one)
        stack.append(one)
        stack.extend(other for other in neighbours(one) if other not in entered)
    return list(order)


def share_origins(lot: str, parents: Parents, element: str | None = None) -> dict[str, Fraction]:
    """The exact share that each extracted lot has in `lot`; the shares sum to one.

    element: weigh by its contained mass. A transform whose inputs hold none of it, or `None`:
    weigh by dry mass.
    """
    shares: dict[str, dict[str, Fraction]] = {}
    for one in trace_upstream(lot, parents):
        edges = parents.get(one, ())
        if not edges:
            shares[one] = {one: Fraction(1)}
            continue
        total: dict[str, Fraction] = {}
        for edge, weight in zip(edges, _weights(edges, element), strict=True):
            for origin, share in shares[edge.parent].items():
                total[origin] = total.get(origin, Fraction(0)) + share * weight
        shares[one] = total
    return {origin: share for origin, share in shares[lot].items() if share}


def _weights(edges: Sequence[Edge], element: str | None) -> list[Fraction]:
    masses = [0]
    if element is not None:
        masses = [contained_metal(e.mass, e.moisture, e.assay).get(element, 0) for e in edges]
    if not any(masses):
        masses = [dry_mass(e.mass, e.moisture) for e in edges]
    total = sum(masses)
    return [Fraction(mass, total) for mass in masses]
