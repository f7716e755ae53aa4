"""Judging many lots at once, with the findings that each would get by itself.

    judge_siblings(claim, siblings, packs, references)  yields, for each lot,  what `decide` finds for it alone

A rule is judged again only for lots that differ in something which it looked at (`watched`), or, when it
looked at which of the siblings is which, for every lot on its own evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from ledger.rules.case import Background
from ledger.rules.claim import Claim
from ledger.rules.engine import Due, Finding, Judgement, due_rules
from ledger.rules.outcome import Answer, Outcome, combine
from ledger.rules.pack import Pack
from ledger.rules.reference.snapshot import References
from ledger.rules.ruling import Missing
from ledger.rules.siblings import Siblings
from ledger.rules.veiled import values_of, watch_facts
from ledger.rules.watched import ID, MARK, MOST_KEPT, Watch, WatchedBackground

_PARTS: Final = ("sentence", "evidence", "subjects", "missing", "figures")
"""Of a ruling, where a lot can be named."""
SHOWN: Final = (Outcome.FAIL, Outcome.RED_FLAG, Outcome.INSUFFICIENT)
"""Outcomes that speak against a claim, or leave it open."""


@dataclass(frozen=True, slots=True)
class LotVerdict:
    """The answer for one lot and all that it follows from."""

    lot: str
    answer: Answer
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, judgement: Judgement) -> LotVerdict:
        """What a judgement says of its lot."""
        return cls(judgement.claim.subject, judgement.answer, judgement.findings)

    def counts(self) -> dict[str, int]:
        """How many findings have each outcome, as a verdict counts them."""
        found = Counter(one.ruling.outcome for one in self.findings)
        return {outcome.value: found[outcome] for outcome in Outcome}


def judge_siblings(
    claim: Claim,
    siblings: Siblings,
    packs: Mapping[str, Pack],
    references: References,
    *,
    go_on: Callable[[], None] | None = None,
) -> Iterator[LotVerdict]:
    """The verdicts on `siblings.lots`, in their order. claim: about any of them; go_on: called before each lot.

    Raises as `decide` does.
    """
    if not siblings.lots:
        return
    judging = _Judging(claim, siblings, packs, references)
    for lot in siblings.lots:
        if go_on is not None:
            go_on()
        findings = tuple(judging.judge(lot))
        yield LotVerdict(lot, combine(one.standing for one in findings), findings)


@dataclass(slots=True)
class _Known:
    """What is known of one rule: the values that were read, what was found, and which parts of that name the lot.

    apart: it looked too closely, and is judged on each lot's own evidence.
    """

    found: list[tuple[dict[str, Any], Finding, tuple[str, ...]]]
    apart: bool = False


class _Judging:
    """All siblings, one lot after the other."""

    def __init__(self, claim: Claim, siblings: Siblings, packs: Mapping[str, Pack], references: References) -> None:
        self._claim, self._siblings, self._references = claim, siblings, references
        self._due = due_rules(claim, "lot", packs)
        self._packs = self._due.names
        self._watch = Watch()
        facts = watch_facts(siblings, self._watch)
        watched = replace(claim, subject=ID)
        self._back = WatchedBackground(facts, watched, references, self._packs, watch=self._watch)
        self._values = values_of(siblings)
        self._known = [_Known([]) for _ in self._due.rules]

    def judge(self, lot: str) -> Iterator[Finding]:
        """The findings on one lot."""
        self._watch.look_at(lot, self._values[lot])
        alone: Background | None = None
        for due, known in zip(self._due.rules, self._known, strict=True):
            finding = None if known.apart else self._together(due, known, lot)
            if finding is None:
                alone = alone or self._alone(lot)
                finding = due.judge(alone)
            yield finding

    def _alone(self, lot: str) -> Background:
        claim = replace(self._claim, subject=lot)
        return Background(self._siblings.facts_of(lot), claim, self._references, self._packs)

    def _together(self, due: Due, known: _Known, lot: str) -> Finding | None:
        """What was found, or is found now, for all lots with these values; None when it has to be judged alone."""
        values = self._watch.values
        for reads, found, parts in known.found:
            if not reads or all(values[name] == value for name, value in reads.items()):
                return _with_texts(found, partial(_with_lot, lot), parts) if parts else found
        self._watch.notes = [{}]
        try:
            finding = _with_texts(due.judge(self._back), self._watch.unveil, _PARTS)
        except Exception:  # whatever it is, the lot's own evidence has the last word
            known.apart = True
            return None
        ruling, name = finding.ruling, partial(_with_lot, lot)
        parts = tuple(part for part in _PARTS if _changed(getattr(ruling, part), name) is not getattr(ruling, part))
        if len(known.found) < MOST_KEPT:
            known.found.append((self._watch.notes[0], finding, parts))
        return _with_texts(finding, name, parts)


def _with_lot(lot: str, text: str) -> str:
    return text.replace(MARK, lot)


def _with_texts(finding: Finding, change: Callable[[str], str], parts: Iterable[str]) -> Finding:
    """The finding with the texts of these parts of its ruling changed; the same one where nothing changes."""
    ruling = finding.ruling
    changed = {part: _changed(getattr(ruling, part), change) for part in parts}
    if all(value is getattr(ruling, part) for part, value in changed.items()):
        return finding
    return replace(finding, ruling=replace(ruling, **changed))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """A part of a ruling with its texts changed; the same object where nothing changes."""
    if isinstance(value, str):
        text = str.__str__(value)
        changed = change(text)
        return value if changed == text and type(value) is str else changed
    if isinstance(value, Missing):
        what = _changed(value.what, change)
        return value if what is value.what else Missing(what, value.who)
    if isinstance(value, dict):
        pairs = [(name, one, _changed(name, change), _changed(one, change)) for name, one in value.items()]
        return value if all(a is c and b is d for a, b, c, d in pairs) else {c: d for _, _, c, d in pairs}
    if isinstance(value, (list, tuple)):
        items = [_changed(one, change) for one in value]
        return value if all(a is b for a, b in zip(value, items, strict=True)) else type(value)(items)
    return value
