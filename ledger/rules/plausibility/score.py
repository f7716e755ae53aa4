"""The score of one subject and the reasons for it.

A subject is flagged when its score in the isolation forest reaches the model's threshold for its
kind, or when one of its features lies beyond its own limit. A flag asks a person to look; there
is no value of `Finding` that fails a claim, and none that clears it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ledger.rules.plausibility import forest
from ledger.rules.plausibility.exact import divide
from ledger.rules.plausibility.features import FEATURES, Features, measure
from ledger.rules.plausibility.model import KindModel, Model
from ledger.rules.plausibility.observations import Kind, Observation, kind_of
from ledger.rules.plausibility.peers import Seen, compare, cut
from ledger.rules.plausibility.sentences import explain

MAX_DRIVERS: Final = 5

Finding = Literal["red_flag", "unremarkable", "insufficient_evidence"]
"""All that statistics can say: look closer, nothing stands out, or too little is known."""


class Driver(NamedTuple):
    """A feature that speaks for the flag.

    value, z: in 1e-6; weight: how many per mille the score would fall were this value usual;
    sentence: the same for a person.
    """

    feature: str
    value: int
    z: int
    weight: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """score, threshold: per mille, higher is stranger; drivers: strongest first; known, unknown: names of features.

    assessed: enough features were known for the score to mean something; when they were not, only a
    feature beyond its own limit makes a flag. drivers is empty when nothing is flagged.
    """

    kind: Kind
    segment: str
    score: int
    threshold: int
    assessed: bool
    flagged: bool
    drivers: tuple[Driver, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    model: str

    @property
    def finding(self) -> Finding:
        """What a rule may make of it."""
        if self.flagged:
            return "red_flag"
        return "unremarkable" if self.assessed else "insufficient_evidence"


def assess(observation: Observation, model: Model) -> Anomaly:
    """Measure and score in one step. Raises EncodingError when a time of the observation is not one."""
    return score_subject(kind_of(observation), measure(observation), model)


def score_subject(kind: Kind, features: Features, model: Model) -> Anomaly:
    """How strange a subject is beside the peers of its segment.

    What is not known counts as usual and is named in `unknown`; in a segment that the model does
    not know, that is everything.
    """
    learnt = model.kinds[kind]
    segment = learnt.segments.get(features.segment)
    seen = compare(kind, features, segment)
    shown = cut(seen, learnt.limit)
    score = _per_mille(learnt, shown)
    held = [(name, one, limit) for name, one, limit in zip(learnt.features, seen, learnt.limit, strict=True) if one]
    beyond = any(one.strangeness >= limit for _, one, limit in held)
    known = tuple(name for name, _, _ in held)
    assessed = len(known) >= learnt.least_known
    flagged = beyond or (assessed and score >= learnt.threshold)
    return Anomaly(
        kind=kind,
        segment=features.segment,
        score=score,
        threshold=learnt.threshold,
        assessed=assessed,
        flagged=flagged,
        drivers=_drivers(kind, features.segment, learnt, seen, shown) if flagged else (),
        known=known,
        unknown=_others(tuple(learnt.features), known),
        model=model.digest,
    )


@lru_cache(maxsize=1024)
def _others(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in known)


def _per_mille(learnt: KindModel, shown: Sequence[int]) -> int:
    return divide(forest.score(learnt, shown), 1_000)


def _weights(learnt: KindModel, shown: Sequence[int]) -> tuple[int, ...]:
    """How much lower the score would be without each feature."""
    score = _per_mille(learnt, shown)
    return tuple(
        score - _per_mille(learnt, [*shown[:n], 0, *shown[n + 1 :]]) if one else 0 for n, one in enumerate(shown)
    )


def _drivers(
    kind: Kind, segment: str, learnt: KindModel, seen: Sequence[Seen | None], shown: Sequence[int]
) -> tuple[Driver, ...]:
    """The features without which there would be less of a flag, those furthest past their own limit first."""
    weights = learnt.once("weights", shown, lambda: _weights(learnt, shown))
    found = []
    for n, (feature, one, limit, weight) in enumerate(zip(FEATURES[kind], seen, learnt.limit, weights, strict=True)):
        if one is None or one.strangeness == 0:
            continue
        if one.strangeness >= limit or weight > 0:
            sentence = explain(feature, one, segment)
            found.append(
                (Fraction(one.strangeness, limit), weight, -n, Driver(feature.name, one.value, one.z, weight, sentence))
            )
    return tuple(one[-1] for one in sorted(found, key=lambda one: one[:3], reverse=True)[:MAX_DRIVERS])
