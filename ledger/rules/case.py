"""What a check is given: the evidence, the claim, reference data, the clocks, and the rule it serves.

The helpers answer the questions that most rules share: is there competent evidence of this kind in
force at that date, which snapshot do we judge by, how old is this. Competent means at least the
rule's grade; what is on file but too weak is not evidence, and the ruling says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

from ledger.rules.claim import Claim
from ledger.rules.facts import Facts
from ledger.rules.items import Item
from ledger.rules.minerals import materials_of
from ledger.rules.outcome import Grade
from ledger.rules.reference.snapshot import Missing, References, Snapshot, Stale
from ledger.rules.ruling import Ruling, lacking

_T = TypeVar("_T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Background:
    """What all rules of one claim share, with what is computed once for them.

    packs: ids of the packs that the claim is judged by. memo: results that several checks need, by a
    name of their own; they depend on nothing but the other members. used: the snapshots looked at.
    """

    facts: Facts
    claim: Claim
    references: References
    packs: tuple[str, ...] = ()
    memo: dict[str, Any] = field(default_factory=dict)
    used: dict[str, Snapshot] = field(default_factory=dict)

    def once(self, name: str, build: Callable[[], _T]) -> _T:
        """A result that several rules of one claim need, computed the first time.

        name: says everything that `build` takes besides evidence, claim and references.
        """
        memo = self.memo
        if name not in memo:
            memo[name] = build()
        found: _T = memo[name]
        return found

    def derive(self, name: str, build: Callable[[], _T]) -> _T:
        """The same for a small value that follows from a larger one and is all that matters of it."""
        return self.once(name, build)

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials of the subject: of a lot, those of the lot; else of all lots of the evidence."""
        return self.once("background.materials", self._materials)

    def _materials(self) -> tuple[str, ...]:
        facts = self.facts
        lots = [facts.lot] if facts.lot else list(facts.lots.values())
        found = {one for lot in lots for one in materials_of(lot.mineral, lot.now.assay)}
        return tuple(sorted(found))

    @property
    def methods(self) -> tuple[str, ...]:
        """How the lots of the chain were mined."""
        return self.once("background.methods", self._methods)

    def _methods(self) -> tuple[str, ...]:
        lots = (lot for lot in self.facts.lots.values() if lot.is_mined)
        return tuple(sorted({lot.made_by.body["method"] for lot in lots}))

    @property
    def origins(self) -> tuple[str, ...]:
        """Countries of the mines of the chain."""
        return self.once("background.origins", self._origins)

    def _origins(self) -> tuple[str, ...]:
        facts = self.facts
        return tuple(sorted({facts.sites[one].body["country"] for one in facts.mines() if one in facts.sites}))


@dataclass(frozen=True)
class Case:
    """One rule's question. rule: its id; minimum: the grade its evidence must have; supplier: who could supply it."""

    back: Background
    rule: str
    minimum: Grade
    supplier: tuple[str, ...]

    @property
    def facts(self) -> Facts:
        """The evidence set."""
        return self.back.facts

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.back.claim

    @property
    def today(self) -> str:
        """The day of the valid clock, `YYYY-MM-DD`: what is judged stands at this day."""
        return self.facts.valid_as_of[:10]

    def competent(self, items: Iterable[Item]) -> list[Item]:
        """Those of the items that have at least the rule's grade, and do not tell of days to come."""
        return [one for one in items if one.grade >= self.minimum and not (one.type == "attest" and one.is_ahead)]

    def attested(self, kind: str, *about: str, at: str = "") -> list[Item]:
        """Competent attestations of a kind about any of these subjects, in force at a day or time if given."""
        found = self.competent(self.facts.attestations(kind, *about))
        return [one for one in found if one.holds_at(at)] if at else found

    def lacking_attestation(self, kind: str, *about: str, at: str = "", of: str = "") -> Ruling:
        """Nothing competent of this kind is on file: says whether there is none, one too weak, or one not in force."""
        words, whom = kind.replace("_", " "), f" about {of}" if of else ""
        weak = [one for one in self.facts.attestations(kind, *about) if not at or one.holds_at(at)]
        if weak:
            best = max(one.grade for one in weak)
            text = f"A {words}{whom} is on file, but only {best.label}: the rule asks for {self.minimum.label}."
        elif at and self.facts.attestations(kind, *about):
            text = f"The {words} on file{whom} was not in force on {at[:10]}."
        else:
            text = f"No {words}{whom} is on file."
        return self.lacking(text, f"{words}{whom}", evidence=[one.id for one in weak])

    def lacking(self, sentence: str, what: str, *, evidence: Iterable[str] = (), **figures: Any) -> Ruling:
        """Insufficient evidence, to be supplied by those whom the rule names."""
        return lacking(sentence, what, *self.supplier, evidence=evidence, **figures)

    def concealed(self, item: Item, member: str, of: str = "") -> Ruling:
        """A member that is not there: never given, or concealed from this reader."""
        what = f"{member}{f' of {of}' if of else ''}"
        if item.concealed:
            return self.lacking(
                f"The {what} is concealed from this reader.", f"leave to see the {what}", evidence=[item.id]
            )
        return self.lacking(f"The {what} is not given.", what, evidence=[item.id])

    def reference(self, dataset: str, *, at: str = "", stale_after: int | None = None) -> Snapshot | Ruling:
        """The snapshot to judge by, or the ruling that says why there is none.

        at: a day, for lists as they stood then; without it as of the known clock.
        """
        found = self.back.references.require(dataset, at or self.facts.known_as_of, stale_after=stale_after)
        if not isinstance(found, Missing):
            snapshot = found.snapshot if isinstance(found, Stale) else found
            self.back.used[f"{dataset} {snapshot.published}"] = snapshot
        if isinstance(found, (Missing, Stale)):
            return lacking(found.reason, f"a current snapshot of {dataset}", "registrar", references=(dataset,))
        return found


def days_between(earlier: str, later: str) -> int:
    """Whole days from one day or time to another, by their days."""
    return _day(later[:10]) - _day(earlier[:10])


def add_days(day: str, days: int) -> str:
    """The day so many days after that of a day or time; before it, when negative."""
    return (date.fromisoformat(day[:10]) + timedelta(days)).isoformat()


def seconds_between(earlier: str, later: str) -> int:
    """Seconds from one RFC 3339 time to another."""
    return _second(later) - _second(earlier)


@lru_cache(maxsize=8192)
def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@lru_cache(maxsize=16384)
def _second(text: str) -> int:
    """Since the epoch; many rules ask for the same times."""
    since = datetime.fromisoformat(text) - _EPOCH
    return since.days * 86_400 + since.seconds


def covers(item: Item, wanted: Mapping[str, Any]) -> bool:
    """Whether the statement of an attestation has all these values; a list stands for any of its values."""
    for name, value in wanted.items():
        held = item.statement.get(name)
        if not (held in value if isinstance(value, list) else held == value):
            return False
    return True
