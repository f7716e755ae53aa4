"""An isolation forest, evaluated in integers (Liu, Ting and Zhou, 2008).

    h(x)  = edges to the leaf that x reaches + c(n) for the n training subjects in that leaf
    score = 2^(-mean h(x) / c(sample))

c(n) is the average path length of an unsuccessful search in a binary tree of n keys; the model
brings it as a table. A subject that is alone soon is strange: its score goes towards 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Final

from ledger.rules.plausibility.exact import MICRO, divide
from ledger.rules.plausibility.model import KindModel, Tree

_ONE: Final = 10**18
_BITS: Final = 40  # of the exponent's fraction: 2^-40 changes the score by less than 1e-12


def _roots() -> tuple[int, ...]:
    """2^(-1/2), 2^(-1/4), 2^(-1/8), ... in fixed point."""
    found = [isqrt(_ONE * _ONE // 2)]
    while len(found) < _BITS:
        found.append(isqrt(found[-1] * _ONE))
    return tuple(found)


_ROOTS: Final = _roots()


def path_length(tree: Tree, strangeness: Sequence[int], path: Sequence[int]) -> int:
    """h(x) of one tree in 1e-6; path: the model's table, c(1) first."""
    node, edges = 0, 0
    features, thresholds, left, right = tree.feature, tree.threshold, tree.left, tree.right
    while True:
        node = left[node] if strangeness[features[node]] <= thresholds[node] else right[node]
        edges += 1
        if node < 0:
            return edges * MICRO + path[-node - 1]


def score(model: KindModel, strangeness: Sequence[int]) -> int:
    """The score in 1e-6; strangeness: one integer in 1e-6 per feature, as `model` orders them."""
    return model.once("score", strangeness, lambda: _score(model, strangeness))


def _score(model: KindModel, strangeness: Sequence[int]) -> int:
    total = sum(path_length(tree, strangeness, model.path) for tree in model.trees)
    return divide(exp2_negative(total, len(model.trees) * model.path[-1]) * MICRO, _ONE)


def exp2_negative(numerator: int, denominator: int) -> int:
    """2^(-numerator/denominator) in 1e-18; the numerator is not negative, the denominator positive."""
    whole, rest = divmod(numerator, denominator)
    fraction = (rest << _BITS) // denominator
    found = _ONE >> whole
    for n, root in enumerate(_ROOTS, 1):
        if fraction >> (_BITS - n) & 1:
            found = found * root // _ONE
    return found
