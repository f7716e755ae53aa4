"""Learn what is usual, grow the isolation forests, set limits and thresholds; give the bytes of the model file.

Usual values come from all training worlds, a third of which hold some fraud that nobody marks.
Limits and thresholds come from the honest ones: so few honest subjects may be beyond them
(`FEATURE_ALARMS`, `SCORE_ALARMS`). Floats occur inside scikit-learn alone: it is shown integers
below 2^24, which its 32-bit floats hold exactly, and a threshold rounded down parts integers just as it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import IsolationForest

from ledger.rules.plausibility import forest
from ledger.rules.plausibility.exact import MICRO, divide, median, spread
from ledger.rules.plausibility.features import FEATURES, Feature, Features, measure
from ledger.rules.plausibility.model import FORMAT, VERSION, KindModel, Segment, format_model
from ledger.rules.plausibility.observations import Kind, kind_of
from ledger.rules.plausibility.peers import Seen, compare, cut
from plausibility.frauds import PATTERNS
from plausibility.observe import observe
from plausibility.simulator import simulate

SEED = "lodeline-1"
HONEST_WORLDS, BENT_WORLDS = 66, 33
TREES, SAMPLE = 80, 256
FEATURE_ALARMS = 3_000  # one honest subject in so many may lie beyond the limit of a feature
SCORE_ALARMS: dict[Kind, int] = {"lot": 3_000, "site": 1_000, "participant": 3_000}  # and reach the score's threshold
LEAST_LIMIT = 4 * MICRO  # the z above which the catalogue speaks of a jump
LEAST_SHARE = 20  # a segment has a feature when one in so many of its subjects does
LEAST_KNOWN: dict[Kind, int] = {"lot": 3, "site": 4, "participant": 4}


class Subject(NamedTuple):
    """A simulated subject as the pure part sees it; id: within its world."""

    id: str
    kind: Kind
    features: Features
    honest: bool


def subjects(seed: str, patterns: Sequence[str] = ()) -> Iterable[Subject]:
    """All subjects of one world; honest: of a world without fraud."""
    for name, observation in observe(simulate(seed, patterns)):
        yield Subject(name, kind_of(observation), measure(observation), not patterns)


def train(seed: str = SEED, *, honest: int = HONEST_WORLDS, bent: int = BENT_WORLDS) -> bytes:
    """The model file for a seed and so many worlds; the same bytes for the same seed and the same libraries."""
    seen = [one for n in range(honest) for one in subjects(f"{seed}/honest/{n}")]
    names = list(PATTERNS)
    for n in range(bent):
        seen += subjects(f"{seed}/bent/{n}", [names[n % len(names)]])
    kinds = {kind: learn(kind, [one for one in seen if one.kind == kind]) for kind in FEATURES}
    return format_model({"format": FORMAT, "version": VERSION, "seed": seed, "kinds": kinds})


def learn(kind: Kind, given: Sequence[Subject]) -> dict[str, Any]:
    """One kind's part of the model."""
    segments: dict[str, dict[str, list[int | None]]] = {}
    for name in sorted({one.features.segment for one in given}):
        peers = [one.features for one in given if one.features.segment == name]
        columns = [_usual(feature, peers) for feature in FEATURES[kind]]
        segments[name] = {"median": [column[0] for column in columns], "mad": [column[1] for column in columns]}
    looks = [compare(kind, one.features, Segment.model_validate(segments[one.features.segment])) for one in given]
    honest = [n for n, one in enumerate(given) if one.honest]
    limits = [_limit([looks[n][k] for n in honest]) for k in range(len(FEATURES[kind]))]
    matrix = [cut(look, limits) for look in looks]
    learnt: dict[str, Any] = {
        "features": [feature.name for feature in FEATURES[kind]],
        "segments": segments,
        "limit": limits,
        "least_known": LEAST_KNOWN[kind],
        "threshold": 1_000,
        "sample": SAMPLE,
        "path": path_lengths(SAMPLE),
        "trees": [tree_arrays(estimator.tree_) for estimator in grow(matrix).estimators_],
    }
    model = KindModel.model_validate(learnt)
    scores = sorted(divide(forest.score(model, matrix[n]), 1_000) for n in honest)
    return {**learnt, "threshold": scores[-1 - _allowed(len(scores), SCORE_ALARMS[kind])] + 1}


def grow(matrix: Sequence[Sequence[int]]) -> IsolationForest:
    """An isolation forest over strangeness, one column for each feature."""
    return IsolationForest(n_estimators=TREES, max_samples=SAMPLE, random_state=20_260_301).fit(
        np.array(matrix, dtype=np.float32)
    )


def tree_arrays(tree: Any) -> dict[str, list[int]]:
    """A tree of scikit-learn as the model writes it: inner nodes in pre-order, leaves as minus their samples."""
    inner = [node for node in range(tree.node_count) if tree.children_left[node] >= 0]
    place = {node: n for n, node in enumerate(inner)}

    def child(node: int) -> int:
        return place[node] if node in place else -int(tree.n_node_samples[node])

    return {
        "feature": [int(tree.feature[node]) for node in inner],
        "threshold": [floor(tree.threshold[node]) for node in inner],
        "left": [child(int(tree.children_left[node])) for node in inner],
        "right": [child(int(tree.children_right[node])) for node in inner],
    }


def path_lengths(sample: int) -> list[int]:
    """c(n) = 2 (ln(n - 1) + 0.5772...) - 2 (n - 1)/n in 1e-6 for n = 1 ... sample; c(1) = 0, c(2) = 1."""
    euler = float(np.euler_gamma)
    lengths = [2 * (float(np.log(n - 1)) + euler) - 2 * (n - 1) / n for n in range(3, sample + 1)]
    return [0, MICRO, *(round(length * MICRO) for length in lengths)]


def _usual(feature: Feature, peers: Sequence[Features]) -> tuple[int | None, int | None]:
    """Median and MAD of a feature among peers; None where hardly any of them has it."""
    values = [value for one in peers if (value := one.values[feature.name]) is not None]
    if len(values) * LEAST_SHARE < len(peers):
        return None, None
    centre = median(values)
    return centre, max(spread(values, centre), feature.least_spread)


def _limit(column: Sequence[Seen | None]) -> int:
    """A tenth above the strangeness that hardly any honest subject exceeds."""
    strange = sorted(0 if one is None else one.strangeness for one in column)
    return max(LEAST_LIMIT, strange[-1 - _allowed(len(strange), FEATURE_ALARMS)] * 11 // 10)


def _allowed(count: int, one_in: int) -> int:
    return count // one_in
