"""The model file is read strictly: every bent member is refused at its place."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import EncodingError, LedgerError, ModelError, TooLarge
from ledger.rules.plausibility.model import MAX_DEPTH, MAX_MODEL_BYTES, format_model, parse_model
from ledger.rules.plausibility.shipped import read_model
from tests.ledger.rules.plausibility.models import MICRO, bent, tiny

GOOD = format_model(tiny())


def test_model_is_read_as_it_was_written() -> None:
    model = parse_model(GOOD)
    assert model.seed == "by-hand"
    assert model.kinds["lot"].trees[0].right == [1, -1]
    assert model.digest in GOOD.decode()
    assert format_model(tiny()) == GOOD


LOT = "kinds/lot"
TREE = f"{LOT}/trees/0"
DEEP = {
    "feature": [0] * (MAX_DEPTH + 1),
    "threshold": [MICRO] * (MAX_DEPTH + 1),
    "left": [*range(1, MAX_DEPTH + 1), -1],
    "right": [-1] * (MAX_DEPTH + 1),
}


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("format", "another", "/format"),
        ("version", 2, "/version"),
        ("version", True, "/version"),
        ("seed", "No Spaces", "/seed"),
        ("more", 1, "/more"),
        ("kinds/truck", {}, "/kinds/truck/[key]"),
        ("kinds/site", ..., "/kinds/site"),
        (f"{LOT}/threshold", 0, "/kinds/lot/threshold"),
        (f"{LOT}/threshold", 1_001, "/kinds/lot/threshold"),
        (f"{LOT}/threshold", "600", "/kinds/lot/threshold"),
        (f"{LOT}/sample", 1, "/kinds/lot/sample"),
        (f"{LOT}/trees", [], "/kinds/lot/trees"),
        (f"{LOT}/trees", [tiny()["kinds"]["lot"]["trees"][0]] * 257, "/kinds/lot/trees"),
        (f"{LOT}/segments", {}, "/kinds/lot/segments"),
        (f"{LOT}/limit/0", MICRO - 1, "/kinds/lot/limit/0"),
        (f"{LOT}/segments/ore.mine/mad/0", 0, "/kinds/lot/segments/ore.mine/mad/0"),
        (f"{LOT}/features/0", "weather", "/kinds/lot/features"),
        (f"{LOT}/limit", [5 * MICRO], "/kinds/lot/limit"),
        (f"{LOT}/path", [0, MICRO], "/kinds/lot/path"),
        (f"{LOT}/path/7", 0, "/kinds/lot/path"),
        (f"{LOT}/segments/ore.mine/median", [], "/kinds/lot/segments/ore.mine/median"),
        (f"{LOT}/segments/ore.mine/mad", [], "/kinds/lot/segments/ore.mine/mad"),
        (f"{LOT}/segments/ore.mine/median/0", None, "/kinds/lot/segments/ore.mine"),
        (f"{TREE}/feature", [0], "/kinds/lot/trees/0"),
        (f"{TREE}/feature/1", 60, "/kinds/lot/trees/0"),
        (f"{TREE}/threshold/0", 17 * MICRO, "/kinds/lot/trees/0/threshold/0"),
        (f"{TREE}/left/0", 1, "/kinds/lot/trees/0"),
        (f"{TREE}/right/0", 0, "/kinds/lot/trees/0"),
        (f"{TREE}/right/0", 2, "/kinds/lot/trees/0"),
        (f"{TREE}/right/0", -1, "/kinds/lot/trees/0"),
        (f"{TREE}/left/0", -5, "/kinds/lot/trees/0"),
        (f"{LOT}/trees/0", DEEP, "/kinds/lot/trees/0"),
    ],
)
def test_bent_member_is_refused_at_its_place(path: str, value: Any, pointer: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_model(format_model(bent(path, value)))
    assert caught.value.pointer == pointer
    assert caught.value.code == "model-error"


def test_what_was_computed_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.rules.plausibility.model.MAX_REMEMBERED", 1)
    learnt = parse_model(GOOD).kinds["lot"]
    made: list[int] = []

    def build() -> int:
        made.append(1)
        return len(made)

    threshold = learnt.trees[0].threshold[0]
    below, same, above = (
        [value] + [0] * (len(learnt.features) - 1) for value in (threshold - 1, threshold, threshold + 1)
    )
    assert [learnt.once("n", one, build) for one in (below, same, above, above, below)] == [1, 1, 2, 2, 3]


def test_deepest_tree_that_is_allowed() -> None:
    edge = {name: array[1:] for name, array in DEEP.items()}
    edge["left"] = [*range(1, MAX_DEPTH), -1]
    value = bent(f"{LOT}/trees/0", edge)
    value["kinds"]["lot"]["sample"] = MAX_DEPTH + 1
    value["kinds"]["lot"]["path"] = [n * MICRO for n in range(MAX_DEPTH + 1)]
    value["kinds"]["lot"]["trees"] = [edge]
    assert len(parse_model(format_model(value)).kinds["lot"].trees[0].feature) == MAX_DEPTH


def test_digest_must_name_the_content() -> None:
    with pytest.raises(ModelError) as caught:
        parse_model(GOOD.replace(b'"threshold":600', b'"threshold":601', 1))
    assert caught.value.pointer == "/digest"


def test_file_must_be_canonical_and_of_bearable_size() -> None:
    for data in (GOOD[:-1], GOOD + b"\n", b" " + GOOD, b"", b"\n", b"[]x\n"):
        with pytest.raises(EncodingError):
            parse_model(data)
    with pytest.raises(TooLarge) as caught:
        parse_model(b" " * (MAX_MODEL_BYTES + 1))
    assert caught.value.values == {"limit": MAX_MODEL_BYTES, "actual": MAX_MODEL_BYTES + 1}
    for text in (b"[]\n", b"null\n", b"1\n", b'{"a":1}\n'):
        with pytest.raises(ModelError):
            parse_model(text)


def test_no_flipped_byte_is_accepted_or_breaks_the_reader() -> None:
    for n in range(0, len(GOOD), 7):
        flipped = bytearray(GOOD)
        flipped[n] ^= 1
        with pytest.raises(LedgerError):
            parse_model(bytes(flipped))


def test_shipped_model_is_sound_and_small() -> None:
    model = read_model()
    assert model is read_model()
    assert set(model.kinds) == {"lot", "site", "participant"}
    assert "coltan.mine" in model.kinds["lot"].segments
    assert len(model.model_dump_json()) < MAX_MODEL_BYTES
