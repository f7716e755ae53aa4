"""The chain of ownership: who owned a lot, sale by sale, apart from who held it and where it was.

A mined lot belongs to who extracted it; a lot made from others to the owner of those, whoever worked
them (a smelter may work for a fee). Each sale must be by the owner; whatever does not follow is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.rules.facts import Facts, LotFacts
from ledger.rules.items import Item


@dataclass(slots=True)
class Sales:
    """owner: of the lot at the end; gaps: sentences, in the order of the chain; evidence: ids of the sales."""

    owner: str = ""
    gaps: list[str] = field(default_factory=list)
    evidence: tuple[str, ...] = ()


def trace_sales(facts: Facts) -> Sales:
    """Follow ownership from the extractions to the lot that the facts are about, over all branches."""
    found = Sales()
    owned: dict[str, list[tuple[str, str]]] = {}
    used: dict[str, None] = {}
    for lot in facts.lots.values():  # each after its parents
        steps = [(lot.made_by.time, _first_owner(lot, owned, found))]
        for sale in _sales_of(facts, lot.id):
            seller, buyer = sale.statement["seller"], sale.statement["buyer"]
            used[sale.id] = None
            if seller != steps[-1][1]:
                found.gaps.append(f"'{lot.id}' is sold by {seller}, but it belongs to {steps[-1][1]}.")
            steps.append((sale.starts, buyer))
        owned[lot.id] = steps
    found.owner = owned[facts.subject][-1][1]
    found.evidence = tuple(used)
    return found


def _sales_of(facts: Facts, lot: str) -> list[Item]:
    """By the day from which each holds: a sale may be put on record later."""
    return sorted(facts.attestations("ownership", lot), key=lambda one: (one.starts, one.index))


def _first_owner(lot: LotFacts, owned: dict[str, list[tuple[str, str]]], found: Sales) -> str:
    """Who owns a lot when it is made."""
    if lot.is_mined:
        return lot.made_by.issuer
    made = lot.made_by.time
    owners = {
        [owner for time, owner in owned[edge.parent] if time <= made or time == owned[edge.parent][0][0]][-1]
        for edge in lot.edges
    }
    if len(owners) == 1:
        return owners.pop()
    found.gaps.append(f"'{lot.id}' was made from lots of {' and '.join(sorted(owners))}, without a sale between them.")
    return lot.made_by.issuer
