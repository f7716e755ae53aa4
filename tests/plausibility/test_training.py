"""The shipped model is what training gives, and its integers say what scikit-learn says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ledger.rules.plausibility import forest
from ledger.rules.plausibility.features import LOT
from ledger.rules.plausibility.model import STRANGEST, KindModel, format_model, parse_model
from ledger.rules.plausibility.shipped import read_model
from plausibility.__main__ import MODEL
from plausibility.train import SAMPLE, grow, path_lengths, train, tree_arrays
from tests.plausibility.commands import unmeasured


def test_training_anew_gives_the_shipped_bytes() -> None:
    done = unmeasured("train", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_seed_gives_another_model() -> None:
    other = parse_model(train("other-seed", honest=9, bent=4))
    assert other.kinds["site"].trees != read_model().kinds["site"].trees
    assert other.digest != read_model().digest


def test_shipped_file_is_written_by_the_one_format() -> None:
    value = json.loads(MODEL.read_bytes())
    del value["digest"]
    assert format_model(value) == MODEL.read_bytes()
    assert len(MODEL.read_bytes()) < 300_000


@pytest.fixture(scope="module")
def matrix() -> list[list[int]]:
    """Strangeness as training sees it: mostly none, some far out."""
    chance = np.random.default_rng(7)
    rows = chance.exponential(1_000_000, (1_500, len(LOT))) * (chance.random((1_500, len(LOT))) < 0.4)
    rows[:30] *= 12
    return [[min(STRANGEST, int(value)) for value in row] for row in rows]


def test_integers_and_scikit_learn_agree_on_score_and_order(matrix: list[list[int]]) -> None:
    grown = grow(matrix)
    learnt = read_model().kinds["lot"].model_dump()
    learnt |= {
        "path": path_lengths(SAMPLE),
        "sample": SAMPLE,
        "trees": [tree_arrays(estimator.tree_) for estimator in grown.estimators_],
    }
    model = KindModel.model_validate(learnt)
    ours = np.array([forest.score(model, row) for row in matrix]) / 1_000_000
    theirs = -grown.score_samples(np.array(matrix, dtype=np.float32))
    assert np.abs(ours - theirs).max() < 2e-6
    assert ours.max() > 0.6
    assert ours.min() < 0.45
    apart = np.abs(theirs[:, None] - theirs[None, :]) > 4e-6
    assert ((np.sign(ours[:, None] - ours[None, :]) == np.sign(theirs[:, None] - theirs[None, :])) | ~apart).all()
    # Another threshold somewhere, and they part.
    bent = model.model_dump()
    for tree in bent["trees"]:
        tree["threshold"] = [0] * len(tree["threshold"])
    bent = KindModel.model_validate(bent)
    assert np.abs(np.array([forest.score(bent, row) for row in matrix]) / 1_000_000 - theirs).max() > 1e-2


def test_path_lengths_are_those_of_the_paper() -> None:
    assert path_lengths(5) == [0, 1_000_000, 1_207_392, 1_851_656, 2_327_020]
    assert path_lengths(256)[-1] == 10_244_771  # c(256) = 10.2448


def test_limits_leave_hardly_any_honest_subject_beyond() -> None:
    for kind in read_model().kinds.values():
        assert min(kind.limit) == 4_000_000
        assert 500 < kind.threshold < 800
        assert (len(kind.trees), kind.sample, len(kind.path)) == (80, SAMPLE, SAMPLE)
