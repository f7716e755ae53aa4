"""Lots that share everything but themselves: made by one record, moved together ever since, spoken of together.

A portfolio is often the drums of a few blends. Their evidence is the same set of records, so it is
gathered once for all of them (`gather_siblings`), and the evidence set of each is that of all
without the others:

    facts_of(lot) == gather(lot, ...)        for every lot of `Siblings.lots`

This holds because the custody rules look at each lot by itself: what they accept for several lots
they accept for each. Where they do not (tags of one lot on another, a record that is refused), or
where lots differ in more than id, quantity, tags and state, they are left in `others`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from ledger.errors import TagInUse
from ledger.rules.facts import Amount, Facts, Hop
from ledger.rules.gather import ShownRecord, gather
from ledger.rules.items import Item

RESERVED: Final = ("\x00", "\x01")
"""Characters by which `watched` marks what stands for a lot: ASCII, as ids are, and in no text for people."""
SHARED: Final = ("_typed", "_filed", "_mines")
"""Indexes of `Facts` that say nothing of the lots that siblings do not share."""


@dataclass(frozen=True)
class Siblings:
    """lots: alike, in the order asked for; others: to be judged one by one; joint: evidence of all of them together."""

    lots: tuple[str, ...]
    others: tuple[str, ...]
    joint: Facts

    def facts_of(self, lot: str) -> Facts:
        """The evidence set of one of `lots`, as `gather` makes it."""
        without = {*self.lots, *self.others} - {lot}
        joint = self.joint
        facts = replace(
            joint,
            subject=lot,
            lots=_without(joint.lots, without),
            hops=tuple(_hop_without(hop, without) for hop in joint.hops),
            edges=tuple(edge for edge in joint.edges if edge.child not in without),
            mined=_without(joint.mined, without),
        )
        facts.__dict__.update((name, getattr(joint, name)) for name in SHARED)
        return facts


class Mentions:
    """Whether a text speaks of any of some lots: is the id of one, or has it somewhere inside."""

    def __init__(self, lots: Sequence[str]) -> None:
        self._lots = frozenset(lots)
        self._prefix, last = min(lots), max(lots)
        while not last.startswith(self._prefix):
            self._prefix = self._prefix[:-1]
        self._shortest = min(map(len, lots))

    def named_in(self, text: str) -> bool:
        """Also True for a text with the id of another lot that begins with one of these."""
        if text in self._lots:
            return True
        return len(text) > self._shortest and self._prefix in text and any(one in text for one in self._lots)

    def hide(self, text: str) -> bool:
        """Whether a text names any of them, or holds a character that stands for one (`watched`)."""
        return self.named_in(text) or any(one in text for one in RESERVED)

    def anywhere(self, value: Any) -> bool:
        """The same for any text of a JSON value."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return any(self.hide(name) or self.anywhere(one) for name, one in value.items())
        return isinstance(value, (list, tuple)) and any(self.anywhere(one) for one in value)

    def by(self, item: Item) -> bool:
        """The same for a record of the evidence."""
        return self.anywhere(item.about) or self.anywhere(item.body)


def gather_siblings(
    lots: Sequence[str],
    shown: Sequence[ShownRecord],
    *,
    hidden: Sequence[str] = (),
    known_as_of: str,
    valid_as_of: str,
) -> Siblings:
    """The evidence of lots that the same records move and speak of; these are the records that each one's bundle shows.

    Raises as `gather` does for the first of them.
    """
    first = lots[0]
    joint = gather(first, shown, hidden=hidden, also=lots, known_as_of=known_as_of, valid_as_of=valid_as_of)
    if not _is_sound(joint, lots):
        return Siblings((), tuple(lots), joint)
    alike = tuple(lot for lot in lots if _is_alike(joint, first, lot))
    return Siblings(alike, tuple(lot for lot in lots if lot not in set(alike)), joint)


def _is_sound(joint: Facts, lots: Sequence[str]) -> bool:
    """Whether what was accepted and refused for all together would be for each alone."""
    mentions = Mentions(lots)
    if any(isinstance(one.error, TagInUse) or mentions.by(one.item) for one in joint.refusals):
        return False
    tags = Counter(tag for lot in lots if lot in joint.lots for tag in joint.lots[lot].tags)
    answers = Counter(hop.receive.id for hop in joint.hops if hop.receive)
    among = frozenset(lots)
    return (
        all(count == 1 for count in chain(tags.values(), answers.values()))
        and among.isdisjoint(edge.parent for edge in joint.edges)
        and all(lot in joint.lots for lot in lots)
    )


def _is_alike(joint: Facts, first: str, lot: str) -> bool:
    """Whether two lots differ in nothing but id, mineral, quantity, tags, packages and state."""
    return _shared(joint, first) == _shared(joint, lot)


def _shared(joint: Facts, lot: str) -> tuple[Any, ...]:
    one = joint.lots[lot]
    edges = [edge._replace(child="") for edge in one.edges]
    hops = [(lot in hop.sent, lot in hop.got) for hop in joint.hops]
    return one.made_by.id, one.site, one.model, one.holders, one.records, edges, hops, joint.mined.get(lot)


def own_values(joint: Facts, lot: str) -> dict[str, Any]:
    """What a lot does not share with its siblings, by name; the names are the same for all of them."""
    facts = joint.lots[lot]
    values: dict[str, Any] = {name: getattr(facts, name) for name in ("mineral", "tags", "packages", "status")}
    amounts = {"amount": facts.amount, "now": facts.now}
    for number, hop in enumerate(joint.hops):
        for name, held in (("sent", hop.sent), ("got", hop.got)):
            if lot in held:
                amounts[f"{name}{number}"] = held[lot]
    for name, amount in amounts.items():
        values |= {f"{name}.{member}": getattr(amount, member) for member in Amount._fields}
    return values


def _without(held: Mapping[str, Any], lots: set[str]) -> dict[str, Any]:
    return {lot: value for lot, value in held.items() if lot not in lots}


def _hop_without(hop: Hop, lots: set[str]) -> Hop:
    if lots.isdisjoint(hop.sent):
        return hop
    return Hop(hop.dispatch, hop.receive, _without(hop.sent, lots), _without(hop.got, lots))
