"""Scores of a forest that can be followed by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.plausibility import forest
from ledger.rules.plausibility.features import LOT, Features
from ledger.rules.plausibility.model import format_model, parse_model
from ledger.rules.plausibility.peers import Seen, compare, cut
from tests.ledger.rules.plausibility.models import MICRO, tiny

MODEL = parse_model(format_model(tiny())).kinds["lot"]


def strangeness(first: int, second: int) -> list[int]:
    return [first, second] + [0] * (len(LOT) - 2)


@pytest.mark.parametrize(
    ("first", "second", "lengths"),
    [
        (0, 0, (3_300_000, 3_538_095)),  # 1 + c(6), 1 + c(7)
        (2 * MICRO, MICRO, (3_300_000, 3_538_095)),  # at the threshold the way goes left
        (2 * MICRO + 1, MICRO, (2_000_000, 3_538_095)),  # 2 + c(1)
        (0, MICRO + 1, (3_300_000, 1_000_000)),
        (16 * MICRO, 16 * MICRO, (2_000_000, 1_000_000)),
    ],
)
def test_path_lengths_and_score(first: int, second: int, lengths: tuple[int, int]) -> None:
    seen = strangeness(first, second)
    assert tuple(forest.path_length(tree, seen, MODEL.path) for tree in MODEL.trees) == lengths
    expected = 2 ** -(sum(lengths) / 2 / MODEL.path[-1])
    assert forest.score(MODEL, seen) == round(expected * MICRO)


@given(st.integers(0, 10**14), st.integers(1, 10**12))
def test_powers_of_two_are_exact_to_the_twelfth_digit(numerator: int, denominator: int) -> None:
    found = Fraction(forest.exp2_negative(numerator, denominator), 10**18)
    assert abs(found - Fraction(math.exp2(-numerator / denominator))) < Fraction(1, 10**11)


def test_powers_of_two_at_the_corners() -> None:
    assert forest.exp2_negative(0, 7) == 10**18
    assert forest.exp2_negative(7, 7) == 10**18 // 2
    assert forest.exp2_negative(70_000, 7) == 0
    assert forest.exp2_negative(1, 2) == 707_106_781_186_547_524


def test_strangeness_by_direction_and_what_is_unknown() -> None:
    names = [feature.name for feature in LOT]
    segment = MODEL.segments["ore.mine"]
    values: dict[str, int | None] = dict.fromkeys(names)
    values |= {"output": MICRO - 148_260, "price": MICRO - 148_260, "silver": 5 * MICRO}
    seen = dict(zip(names, compare("lot", Features("ore.mine", values), segment), strict=True))
    assert seen["output"] == Seen(851_740, -MICRO, 0, MICRO)  # only high output is strange
    assert seen["price"] == Seen(851_740, -MICRO, MICRO, MICRO)  # a price is strange on both sides
    assert seen["silver"] is None  # these peers have none
    assert seen["speed"] is None  # not known
    assert compare("lot", Features("ore.mine", {}), segment) == [None] * len(LOT)
    assert compare("lot", Features("elsewhere", values), None) == [None] * len(LOT)


def test_low_is_strange_where_the_feature_says_so() -> None:
    segment = parse_model(format_model(tiny())).kinds["participant"].segments["ore.mine"]
    values: dict[str, int | None] = {"lowest_price": MICRO - 296_520}
    (seen,) = [one for one in compare("participant", Features("ore.mine", values), segment) if one is not None]
    assert (seen.z, seen.strangeness) == (-2 * MICRO, 2 * MICRO)
    values = {"lowest_price": MICRO + 296_520}
    (seen,) = [one for one in compare("participant", Features("ore.mine", values), segment) if one is not None]
    assert (seen.z, seen.strangeness) == (2 * MICRO, 0)


def test_forest_sees_quarters_of_the_limit() -> None:
    looks = [None, *(Seen(0, 0, strange * MICRO, 0) for strange in (0, 2, 5, 10, 1_000))]
    assert cut(looks, [8 * MICRO] * 6) == [0, 0, 0, 1_500_000, 4_000_000, 16_000_000]
