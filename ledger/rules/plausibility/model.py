"""The model file: what is usual per segment, limits per feature, and an isolation forest per kind.

    {"format": "lodeline-anomaly-model", "version": 1, "digest": "<hex>", "seed": "...", "kinds": {...}}

Canonical JSON (RFC 8785) and a line end. `digest` is the hex SHA-256 of the same JSON without that
member. Trees are arrays in pre-order over their inner nodes: feature, threshold (strangeness in 1e-6;
at or below it the way goes left), left, right. A child >= 0 is an inner node, -n a leaf that n
samples of the training reached. Everything is checked on reading: sizes, names and order of the
features, that each tree is one and holds the whole sample. Spec: docs/plausibility.md.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ledger.encoding import first_fault, format_json, parse_json
from ledger.errors import EncodingError, ModelError, TooLarge
from ledger.rules.plausibility.exact import LARGEST, MICRO
from ledger.rules.plausibility.features import FEATURES
from ledger.rules.plausibility.observations import Kind

FORMAT: Final = "lodeline-anomaly-model"
VERSION: Final = 1
MAX_MODEL_BYTES: Final = 300_000
MAX_TREES: Final = 256
MAX_DEPTH: Final = 16
MAX_SAMPLE: Final = 1_024
MAX_SEGMENTS: Final = 64
MAX_REMEMBERED: Final = 20_000
STRANGEST: Final = 16 * MICRO
"""Strangeness is cut here: below 2^24, so that 32-bit floats, with which the forest is trained, hold it exactly."""

_T = TypeVar("_T")
Value = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Spread = Annotated[int, Field(ge=1, le=LARGEST)]
Child = Annotated[int, Field(ge=-MAX_SAMPLE, le=MAX_SAMPLE)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,39}$")]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Tree(_Form):
    """Four arrays of one length, a position for each inner node; the first is the root."""

    feature: Annotated[list[Annotated[int, Field(ge=0, le=99)]], Field(min_length=1, max_length=MAX_SAMPLE)]
    threshold: list[Annotated[int, Field(ge=0, le=STRANGEST)]]
    left: list[Child]
    right: list[Child]


class Segment(_Form):
    """Median and median absolute deviation of each feature among these peers, null where they never have it."""

    median: list[Value | None]
    mad: list[Spread | None]


class KindModel(_Form):
    """What was learnt about one kind of subject.

    features: names in order; limit: strangeness from which one feature alone makes a flag;
    least_known: how many features must be known for the score to mean anything; threshold: score
    (per mille) of a flag; sample: training subjects per tree; path: average path length, 1e-6,
    of an unsuccessful search among 1, 2, ... sample subjects.
    """

    features: list[Name]
    segments: Annotated[dict[Name, Segment], Field(min_length=1, max_length=MAX_SEGMENTS)]
    limit: list[Annotated[int, Field(ge=MICRO, le=LARGEST)]]
    least_known: Annotated[int, Field(ge=1, le=99)]
    threshold: Annotated[int, Field(ge=1, le=1000)]
    sample: Annotated[int, Field(ge=2, le=MAX_SAMPLE)]
    path: list[Annotated[int, Field(ge=0, le=LARGEST)]]
    trees: Annotated[list[Tree], Field(min_length=1, max_length=MAX_TREES)]

    @cached_property
    def _kept(self) -> dict[tuple[str, tuple[tuple[int, int], ...]], Any]:
        return {}

    @cached_property
    def _thresholds(self) -> list[list[int]]:
        """Of each feature, every threshold that any tree holds it against, ascending."""
        found: list[set[int]] = [set() for _ in self.features]
        for tree in self.trees:
            for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
                found[feature].add(threshold)
        return [sorted(one) for one in found]

    def once(self, what: str, strangeness: Sequence[int], build: Callable[[], _T]) -> _T:
        """What follows from these values, computed the first time: most lots of a chain are as usual as one another.

        Trees only ask on which side of a threshold a value lies, so values between the same two are the same to them.
        """
        thresholds = self._thresholds
        places = tuple((n, bisect_left(thresholds[n], value)) for n, value in enumerate(strangeness) if value)
        kept, key = self._kept, (what, places)
        if key not in kept:
            if len(kept) >= MAX_REMEMBERED:
                kept.clear()
            kept[key] = build()
        found: _T = kept[key]
        return found


class Model(_Form):
    """The whole file. digest names it in verdicts."""

    format: Literal["lodeline-anomaly-model"]
    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    seed: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    kinds: dict[Kind, KindModel]


def parse_model(data: bytes) -> Model:
    """The model that a file holds.

    Raises TooLarge, EncodingError (not canonical JSON) and ModelError with a pointer: another format,
    a member missing or out of range, features of another release, a broken tree, a wrong digest.
    """
    if len(data) > MAX_MODEL_BYTES:
        raise TooLarge(
            f"An anomaly model has at most {MAX_MODEL_BYTES} bytes.", limit=MAX_MODEL_BYTES, actual=len(data)
        )
    if not data.endswith(b"\n"):
        raise EncodingError("An anomaly model ends with a line end.")
    value = parse_json(data[:-1])
    try:
        model = Model.model_validate(value)
    except ValidationError as error:
        said, pointer = first_fault(error)
        raise ModelError(f"The anomaly model is not well formed: {said}.", pointer=pointer) from error
    _check_digest(value)
    for kind, features in FEATURES.items():
        pointer = f"/kinds/{kind}"
        if kind not in model.kinds:
            raise ModelError(f"The anomaly model says nothing of a {kind}.", pointer=pointer)
        _check_kind(model.kinds[kind], [feature.name for feature in features], pointer)
    return model


def format_model(value: dict[str, Any]) -> bytes:
    """The file of a model given without its digest."""
    return format_json({**value, "digest": _digest(value)}) + b"\n"


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(format_json(value)).hexdigest()


def _check_digest(value: dict[str, Any]) -> None:
    rest = {name: member for name, member in value.items() if name != "digest"}
    if _digest(rest) != value["digest"]:
        raise ModelError("The anomaly model is not the one that its digest names.", pointer="/digest")


def _check_kind(model: KindModel, names: Sequence[str], pointer: str) -> None:
    if model.features != names:
        raise ModelError(
            "The anomaly model was trained on other features: train it anew.", pointer=f"{pointer}/features"
        )
    arrays: list[tuple[str, Sequence[Any], int]] = [("limit", model.limit, len(names))]
    arrays.append(("path", model.path, model.sample))
    for name, segment in model.segments.items():
        arrays += [(f"segments/{name}/{part}", getattr(segment, part), len(names)) for part in ("median", "mad")]
    for place, array, length in arrays:
        if len(array) != length:
            raise ModelError(f"This array must have {length} numbers.", pointer=f"{pointer}/{place}")
    for name, segment in model.segments.items():
        if any((one is None) != (other is None) for one, other in zip(segment.median, segment.mad, strict=True)):
            raise ModelError("A median and its deviation are known together.", pointer=f"{pointer}/segments/{name}")
    if model.path[-1] == 0:
        raise ModelError("The last average path length is zero.", pointer=f"{pointer}/path")
    for n, tree in enumerate(model.trees):
        fault = _tree_fault(tree, len(names), model.sample)
        if fault:
            raise ModelError(f"This tree {fault}.", pointer=f"{pointer}/trees/{n}")


def _tree_fault(tree: Tree, features: int, sample: int) -> str:
    """What is wrong with a tree; "" when nothing is."""
    size = len(tree.feature)
    if not size == len(tree.threshold) == len(tree.left) == len(tree.right):
        return "has arrays of different lengths"
    if max(tree.feature) >= features:
        return "asks for a feature that there is not"
    depths, leaves = [0] + [-1] * (size - 1), 0
    for node, children in enumerate(zip(tree.left, tree.right, strict=True)):
        for child in children:
            if child < 0:
                leaves -= child
            elif not node < child < size or depths[child] >= 0:
                return "does not grow from its root, each node once and after its parent"
            else:
                depths[child] = depths[node] + 1
    if -1 in depths:
        return "has a node that no way leads to"
    if max(depths) >= MAX_DEPTH:
        return f"is deeper than {MAX_DEPTH}"
    return "" if leaves == sample else "does not hold its whole sample"
