"""The evidence set of a claim: every record that the reader may see, indexed the way rules ask.

Made from the records of a bundle by `gather`, with two clocks: only what the log held by
`known_as_of` is known, and custody is followed up to `valid_as_of`. Everything here is a plain
index; what it means is said by the checks. Order is always log order, so that equal evidence
gives equal rulings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ledger.custody.replay import BalanceLine, Mined
from ledger.custody.subjects import Edge
from ledger.errors import LedgerError
from ledger.rules.items import Item


class Amount(NamedTuple):
    """A quantity of a lot: wet kg, moisture in %, assay in % of dry mass."""

    mass: str
    moisture: str
    assay: dict[str, str]


@dataclass(slots=True)
class LotFacts:
    """A lot of the chain.

    made_by: the extract or transform; amount: as made; now: as it last was; holders: custodians in
    order with the record that made them so; edges: from its parents; status as of the valid clock.
    """

    id: str
    mineral: str
    made_by: Item
    site: str
    model: str
    amount: Amount
    tags: tuple[str, ...]
    packages: int | None
    edges: tuple[Edge, ...]
    now: Amount
    status: str
    holders: list[tuple[str, str]] = field(default_factory=list)
    records: list[str] = field(default_factory=list)

    @property
    def is_mined(self) -> bool:
        """Extracted rather than made from other lots."""
        return self.made_by.type == "extract"


@dataclass(frozen=True, slots=True)
class Hop:
    """One handover: the dispatch and, once there is one, its answer. sent, got: by lot."""

    dispatch: Item
    receive: Item | None
    sent: Mapping[str, Amount]
    got: Mapping[str, Amount]

    @property
    def consignor(self) -> str:
        """Who signed the dispatch."""
        return self.dispatch.issuer

    @property
    def consignee(self) -> str:
        """Whom the dispatch names."""
        return str(self.dispatch.body["consignee"])

    @property
    def accepted(self) -> bool:
        """Received, and not refused."""
        return self.receive is not None and self.receive.body["outcome"] == "accepted"

    @property
    def evidence(self) -> tuple[str, ...]:
        """Record ids of both sides."""
        return (self.dispatch.id, self.receive.id) if self.receive else (self.dispatch.id,)


@dataclass(frozen=True, slots=True)
class Registered:
    """A site or participant of the chain: its newest record, and all of them oldest first.

    `body` is that record's body, with what the reader may see.
    """

    id: str
    item: Item
    history: tuple[Item, ...]

    @property
    def body(self) -> dict[str, Any]:
        """What the newest record says."""
        return self.item.body


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident and its follow-ups, oldest first; the newest says how it stands."""

    items: tuple[Item, ...]

    @property
    def first(self) -> Item:
        """The record that reported it."""
        return self.items[0]

    @property
    def category(self) -> str:
        """Risk category as first reported."""
        return str(self.first.body["category"])

    @property
    def status(self) -> str:
        """`open`, `mitigating` or `closed`."""
        return str(self.items[-1].body["status"])

    @property
    def verified(self) -> bool:
        """Whether any of its records says that it was verified."""
        return any(one.body.get("verified") for one in self.items)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Record ids."""
        return tuple(one.id for one in self.items)


class Refusal(NamedTuple):
    """A record that the custody rules do not accept."""

    item: Item
    error: LedgerError


@dataclass(frozen=True)
class Facts:
    """The evidence set. subject_kind: lot, site or participant.

    lots: upstream of the subject, each after its parents; sites, parties: all that are registered in
    the evidence; chain_sites, handlers: those that lots of the chain went through; hidden: records
    that are there by hash only.
    """

    subject: str
    subject_kind: str
    known_as_of: str
    valid_as_of: str
    items: Mapping[str, Item]
    lots: Mapping[str, LotFacts]
    hops: tuple[Hop, ...]
    transforms: tuple[Item, ...]
    balances: tuple[BalanceLine, ...]
    edges: tuple[Edge, ...]
    mined: Mapping[str, Mined]
    sites: Mapping[str, Registered]
    parties: Mapping[str, Registered]
    chain_sites: tuple[str, ...]
    handlers: tuple[str, ...]
    statements: Mapping[str, tuple[Item, ...]]
    incidents: tuple[Incident, ...]
    refusals: tuple[Refusal, ...]
    hidden: tuple[str, ...]
    policy: Mapping[str, Any]

    @property
    def lot(self) -> LotFacts | None:
        """The lot that the claim is about, if it is about one."""
        return self.lots.get(self.subject)

    @cached_property
    def subjects(self) -> frozenset[str]:
        """All lots, sites and participants of the chain, and the subject."""
        return frozenset((self.subject, *self.lots, *self.chain_sites, *self.handlers))

    def attestations(self, kind: str, *about: str) -> tuple[Item, ...]:
        """Attestations of a kind about any of these subjects (any at all without one), oldest first."""
        if not about:
            return self.statements.get(kind, ())
        filed = self._filed.get(kind)
        if filed is None:
            return ()
        if len(about) == 1:
            return tuple(filed.get(about[0], ()))
        found = {one.id: one for subject in dict.fromkeys(about) for one in filed.get(subject, ())}
        return tuple(sorted(found.values(), key=lambda one: one.index))

    def extracts(self, site: str = "") -> tuple[Item, ...]:
        """Extracts at a site (of all sites without one), whether or not their lots went into this chain."""
        extracts = self.of_type("extract")
        return tuple(one for one in extracts if one.body["site"] == site) if site else extracts

    def of_type(self, event: str) -> tuple[Item, ...]:
        """All records of a type, in log order."""
        return self._typed.get(event, ())

    def mines(self) -> tuple[str, ...]:
        """Sites at which lots of the chain were extracted, in the order of first extraction."""
        return self._mines

    @cached_property
    def _mines(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.made_by.body["site"] for one in self.lots.values() if one.is_mined))

    @cached_property
    def _typed(self) -> dict[str, tuple[Item, ...]]:
        found: dict[str, list[Item]] = {}
        for one in self.items.values():
            found.setdefault(one.type, []).append(one)
        return {event: tuple(items) for event, items in found.items()}

    @cached_property
    def _filed(self) -> dict[str, dict[str, list[Item]]]:
        """Kind -> subject -> attestations about it."""
        found: dict[str, dict[str, list[Item]]] = {}
        for kind, items in self.statements.items():
            by_subject = found.setdefault(kind, {})
            for one in items:
                for subject in dict.fromkeys(one.about):
                    by_subject.setdefault(subject, []).append(one)
        return found

    def sites_of(self, *kinds: str) -> Iterator[Registered]:
        """Sites of the chain that are of one of these kinds (all without one)."""
        for site in self.chain_sites:
            if site in self.sites and (not kinds or self.sites[site].body["kind"] in kinds):
                yield self.sites[site]

    def of(self, records: Iterable[str]) -> list[Item]:
        """The items with these record ids that are in the evidence."""
        return [self.items[one] for one in records if one in self.items]
