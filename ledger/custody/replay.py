"""Replaying the custody rules over the records of some lots, and keeping what readers of them need.

The rules are `ledger.custody.state`'s; here is only the fold: plan, apply, and remember origins,
edges and balances on the way; and which lots a set of records is about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.custody.balance import Balance, Portion, sum_balance
from ledger.custody.state import State, Step, plan_step
from ledger.custody.subjects import Edge
from ledger.envelope import Record
from ledger.errors import LedgerError, UnknownKey, UnknownRecord, UnknownSubject


class Mined(NamedTuple):
    """Where a lot was extracted: site id and the record that says so."""

    site: str
    record: str


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """The sums of one transform."""

    index: int
    record: str
    process: str
    site: str
    balance: Balance

    def to_json(self) -> dict[str, Any]:
        """The line as a JSON object."""
        head = {"index": self.index, "record": self.record, "process": self.process, "site": self.site}
        return {**head, **self.balance.to_json()}


@dataclass(slots=True)
class Replay:
    """scope: the lots to follow."""

    scope: frozenset[str]
    state: State = field(init=False)
    mined: dict[str, Mined] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    balances: list[BalanceLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State(scope=self.scope)

    def take(self, index: int, logged: int, record: Record) -> None:
        """Let the rules take one record; raises what `plan_step` raises, and then nothing has changed."""
        step = plan_step(self.state, record, logged)
        self.state.apply(step)
        if record.type == "extract":
            site = record.body["site"]
            self.mined.update((lot, Mined(site, record.id)) for lot in step.facts.subjects)
        elif step.edges:
            self.edges += step.edges
            self.balances.append(_balance(index, record, step))

    def lacks(self, record: Record, error: LedgerError) -> bool:
        """Whether the record was refused for naming somebody or something that no record so far has made."""
        if isinstance(error, UnknownKey):
            return record.kid not in self.state.keys
        return isinstance(error, (UnknownSubject, UnknownRecord))


def _balance(index: int, record: Record, step: Step) -> BalanceLine:
    body = record.body
    inputs = {edge.parent: Portion(edge.mass, edge.moisture, edge.assay) for edge in step.edges}
    outputs = [Portion(**output["quantity"]) for output in body["outputs"]]
    additions = [addition["mass"] for addition in body.get("additions", ())]
    balance = sum_balance(inputs.values(), outputs, additions)
    return BalanceLine(index, record.id, body["process"], body["site"], balance)


def parents_of(records: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """Lot id -> the lots it was made from (none for one that was mined), as the records say.

    The first record that makes a lot counts: a second one is what the replay refuses.
    """
    parents: dict[str, tuple[str, ...]] = {}
    for record in records:
        if record.type == "extract":
            for one in record.body["lots"]:
                parents.setdefault(one["id"], ())
        elif record.type == "transform":
            inputs = tuple(one["lot"] for one in record.body["inputs"])
            for one in record.body["outputs"]:
                parents.setdefault(one["id"], inputs)
    return parents


def upstream(lot: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """`lot` and every lot it was made from, at any distance; a lot that nothing made is an end."""
    return upstream_of({lot}, parents)


def upstream_of(lots: Collection[str], parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """These lots and every lot that any of them was made from."""
    seen = set(lots)
    todo = list(lots)
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return frozenset(seen)
