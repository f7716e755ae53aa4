"""The joint evidence of siblings with one watched lot in the place of all of them (`ledger.rules.watched`).

Every text of the shared records that names a sibling is replaced by a mark of the watch, so that a
rule cannot look into it unnoticed; everything else is the joint evidence as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ledger.rules.facts import Amount, Facts, Hop, Incident, LotFacts, Registered
from ledger.rules.items import Item
from ledger.rules.siblings import Mentions, Siblings, own_values
from ledger.rules.watched import ID, OwnLot, Watch, own_amount


def watch_facts(siblings: Siblings, watch: Watch) -> Facts:
    """The evidence set of any of `siblings.lots`: of the one whose values `watch` has at the moment."""
    joint, first = siblings.joint, siblings.lots[0]
    among = frozenset((*siblings.lots, *siblings.others))
    veil = _Veil(watch, Mentions([*siblings.lots, *siblings.others]), joint.items)
    lots: dict[str, LotFacts] = {}
    for name, lot in joint.lots.items():
        if name == first:
            lots[ID] = _own_lot(watch, lot, veil)
        elif name not in among:
            lots[name] = replace(lot, made_by=veil.item(lot.made_by))
    hops = tuple(_watch_hop(watch, veil, hop, number, first, among) for number, hop in enumerate(joint.hops))
    facts = replace(
        joint,
        subject=ID,
        items=veil.items,
        lots=lots,
        hops=hops,
        transforms=veil.all(joint.transforms),
        edges=tuple(
            edge._replace(child=ID) if edge.child == first else edge
            for edge in joint.edges
            if edge.child == first or edge.child not in among
        ),
        mined={ID if one == first else one: at for one, at in joint.mined.items() if one == first or one not in among},
        sites={name: veil.registered(one) for name, one in joint.sites.items()},
        parties={name: veil.registered(one) for name, one in joint.parties.items()},
        statements={kind: veil.all(items) for kind, items in joint.statements.items()},
        incidents=tuple(Incident(veil.all(one.items)) for one in joint.incidents),
    )
    facts.__dict__["_filed"] = {
        kind: {
            ID if one == first else one: list(veil.all(items))
            for one, items in filed.items()
            if one == first or one not in among
        }
        for kind, filed in joint._filed.items()
    }  # the items don't say any more whom they are about
    return facts


def _own_lot(watch: Watch, lot: LotFacts, veil: _Veil) -> LotFacts:
    shared = {
        "id": ID, "made_by": veil.item(lot.made_by), "site": lot.site, "model": lot.model,
        "edges": tuple(edge._replace(child=ID) for edge in lot.edges), "holders": lot.holders, "records": lot.records,
        "amount": own_amount(watch, "amount"), "now": own_amount(watch, "now"),
    }  # fmt: skip
    return OwnLot(watch, shared)


def _watch_hop(watch: Watch, veil: _Veil, hop: Hop, number: int, first: str, among: frozenset[str]) -> Hop:
    def own(name: str, held: Mapping[str, Amount]) -> dict[str, Amount]:
        amount = own_amount(watch, f"{name}{number}")
        return {
            ID if lot == first else lot: amount if lot == first else one
            for lot, one in held.items()
            if lot == first or lot not in among
        }

    receive = None if hop.receive is None else veil.item(hop.receive)
    return Hop(veil.item(hop.dispatch), receive, own("sent", hop.sent), own("got", hop.got))


class _Veil:
    """Items with a mark for every text that names a sibling."""

    def __init__(self, watch: Watch, mentions: Mentions, items: Mapping[str, Item]) -> None:
        self._watch = watch
        self._mentions = mentions
        self._marks: dict[str, str] = {}
        self.items = {name: self._hide(item) for name, item in items.items()}

    def item(self, item: Item) -> Item:
        """One item of the evidence."""
        return self.items[item.id]

    def all(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Several of them."""
        return tuple(self.items[one.id] for one in items)

    def registered(self, known: Registered) -> Registered:
        """A site or participant."""
        return Registered(known.id, self.item(known.item), self.all(known.history))

    def _hide(self, item: Item) -> Item:
        if not self._mentions.by(item):
            return item
        return replace(item, body=self._veiled(item.body), about=tuple(self._veiled(one) for one in item.about))

    def _veiled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._mark(value) if self._mentions.hide(value) else value
        if isinstance(value, list):
            return [self._veiled(one) for one in value]
        if isinstance(value, dict):
            return {self._veiled(name): self._veiled(one) for name, one in value.items()}
        return value

    def _mark(self, text: str) -> str:
        if text not in self._marks:
            self._marks[text] = self._watch.hide(text)
        return self._marks[text]


def values_of(siblings: Siblings) -> dict[str, dict[str, Any]]:
    """What is its own of each of `siblings.lots`."""
    return {lot: own_values(siblings.joint, lot) for lot in siblings.lots}
