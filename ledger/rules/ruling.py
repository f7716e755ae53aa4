"""What a check says about one claim: outcome, a sentence, what it rests on, what is missing.

Checks make rulings with the five functions `passed`, `failed`, `flagged`, `lacking` and
`inapplicable`, and join those on several things (sites, hops, transforms) with `worst`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from ledger.rules.outcome import Outcome

_T = TypeVar("_T")
MAX_SENTENCES: Final = 3
"""Sentences of a joined ruling; more are counted."""

_ORDER: Final = (Outcome.FAIL, Outcome.RED_FLAG, Outcome.INSUFFICIENT, Outcome.PASS, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Missing:
    """What would settle the rule, and the roles of those who could supply it."""

    what: str
    who: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"what": self.what, "who": list(self.who)}


@dataclass(slots=True)
class Ruling:  # never changed; not frozen, because a verdict makes thousands and frozen ones take thrice as long
    """evidence: record ids; references: datasets looked at; since: date of what was flagged or found, of several

    the earliest, and `latest` the last of them: what closes them has to come after it;
    subjects: whom it is about (plans and discharges are looked for there); figures: what was
    computed, as strings and integers.
    """

    outcome: Outcome
    sentence: str
    evidence: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    subjects: tuple[str, ...] = ()
    since: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    latest: str = ""

    def about(self, *subjects: str) -> Ruling:
        """The same ruling about these subjects."""  # spelt out: `replace` takes five times as long
        return Ruling(
            self.outcome, self.sentence, self.evidence, self.references, self.missing, subjects, self.since,
            self.figures, self.latest,
        )  # fmt: skip


def passed(sentence: str, *evidence: str, references: Iterable[str] = (), **figures: Any) -> Ruling:
    """Applicable, shown by competent evidence, and true."""
    return Ruling(Outcome.PASS, sentence, evidence, tuple(references), figures=figures)


def failed(sentence: str, *evidence: str, since: str = "", references: Iterable[str] = (), **figures: Any) -> Ruling:
    """Applicable, evidence is there, and it says no."""
    return Ruling(Outcome.FAIL, sentence, evidence, tuple(references), since=since, figures=figures)


def flagged(sentence: str, *evidence: str, since: str, references: Iterable[str] = (), **figures: Any) -> Ruling:
    """A red flag dated `since`: enhanced due diligence after that date may discharge it."""
    return Ruling(Outcome.RED_FLAG, sentence, evidence, tuple(references), since=since, figures=figures)


def lacking(
    sentence: str, what: str, *who: str, evidence: Iterable[str] = (), references: Iterable[str] = (), **figures: Any
) -> Ruling:
    """Evidence is missing, too weak or too old: `what` would settle it, `who` (roles) could supply it."""
    return Ruling(
        Outcome.INSUFFICIENT, sentence, tuple(evidence), tuple(references), (Missing(what, who),), figures=figures
    )


def inapplicable(reason: str, **figures: Any) -> Ruling:
    """Out of scope, with the reason."""
    return Ruling(Outcome.NOT_APPLICABLE, reason, figures=figures)


def plain(ruling: Ruling) -> Ruling:
    """The same ruling in texts that JSON has a form for: NFC, and no half of a surrogate pair.

    Records are so already; lists of other publishers, whose names rulings repeat, may not be.
    """
    if ruling.sentence.isascii() and all(map(_is_ascii, ruling.figures.values())):
        return ruling
    missing = tuple(Missing(_plain(one.what), one.who) for one in ruling.missing)
    return replace(ruling, sentence=_plain(ruling.sentence), missing=missing, figures=_plain(ruling.figures))


def _is_ascii(value: Any) -> bool:
    return value.isascii() if isinstance(value, str) else isinstance(value, int)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", str(value).encode("utf-8", "replace").decode())
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def worst(rulings: Iterable[Ruling], *, nothing: Ruling | None = None) -> Ruling:
    """The joint ruling on several things: the worst outcome, its first sentences, and all evidence behind it.

    nothing: the ruling when there is nothing to rule on (default: not applicable). A pass keeps the
    evidence of all that passed.
    """
    by_outcome: dict[Outcome, list[Ruling]] = {}
    for one in rulings:
        by_outcome.setdefault(one.outcome, []).append(one)
    for outcome in _ORDER:
        if outcome in by_outcome:
            return _join(outcome, by_outcome[outcome])
    return nothing or inapplicable("There is nothing here that the rule could apply to.")


def _join(outcome: Outcome, same: list[Ruling]) -> Ruling:
    if len(same) == 1:
        return same[0]
    different = list({id(one): one for one in same}.values())  # the same ruling twice adds nothing
    sentences = list(dict.fromkeys(one.sentence for one in different))
    more = len(sentences) - MAX_SENTENCES
    text = " ".join(sentences[:MAX_SENTENCES]) + (f" And {more} more." if more > 0 else "")
    return Ruling(
        outcome,
        text,
        _unique(record for one in different for record in one.evidence),
        _unique(name for one in different for name in one.references),
        _unique(what for one in different for what in one.missing),
        _unique(subject for one in different for subject in one.subjects),
        min((one.since for one in different if one.since), default=""),
        same[0].figures,
        max(one.latest or one.since for one in different),
    )


def _unique(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
