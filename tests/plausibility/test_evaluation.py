"""The figures of docs/plausibility.md are those of the shipped model, and they are counted rightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.rules.plausibility.model import format_model, parse_model
from ledger.rules.plausibility.shipped import read_model
from plausibility.__main__ import MODEL, ROOT, main
from plausibility.evaluate import Row, Tally, format_table, judge, tally
from plausibility.frauds import PATTERNS
from plausibility.page import BEGIN, END, PAGE, insert_table, read_table
from plausibility.simulator import simulate
from plausibility.train import SEED
from tests.plausibility.commands import unmeasured

PUBLISHED = (ROOT / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Any]]:
    """By fraud, of the whole evaluation; it fails when the published table has others."""
    done = unmeasured("evaluate", "--json", "--check")
    assert (done.returncode, done.stderr) == (0, "")
    return {row["fraud"]: row for row in json.loads(done.stdout)}


def test_published_table_has_marks_and_a_row_for_each_fraud() -> None:
    table = read_table(PUBLISHED)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:-2]] == [one.title for one in PATTERNS.values()]
    assert insert_table(PUBLISHED, table) == PUBLISHED
    assert read_table(insert_table(PUBLISHED, "other\n")) == "other\n"
    assert (PUBLISHED.count(BEGIN), PUBLISHED.count(END)) == (1, 1)


def test_nine_flags_in_ten_are_right_and_most_frauds_show(figures: dict[str, dict[str, Any]]) -> None:
    assert set(figures) == {*PATTERNS, "overall", "honest"}
    overall, honest = figures["overall"], figures["honest"]
    assert overall["precision_per_mille"] >= 900
    assert overall["recall_per_mille"] >= 700
    assert overall["false_alarms_per_10000"] <= 30
    assert (honest["recall_per_mille"], honest["precision_per_mille"], honest["bent"]) == (None, None, 0)
    assert honest["false_alarms_per_10000"] <= 30
    assert all(figures[name]["found"] for name in PATTERNS)


def test_flags_name_what_the_fraud_bent(figures: dict[str, dict[str, Any]]) -> None:
    top = {name: {driver for driver, times in row["drivers"].items() if times > 2} for name, row in figures.items()}
    assert top["over_export"] == {"mirror", "outflow"}
    assert top["impossible_transit"] == {"speed"}
    assert top["tag_burst"] == {"tag_burst"}
    assert top["backfilled_records"] == {"backfill"}
    assert top["tainted_discount"] == {"price", "lowest_price"}
    assert top["fabricated_weights"] == {"round_weights", "repeated_weights", "last_digits"}
    assert top["yield_manipulation"] >= {"recovery_shift"}
    assert top["recycled_laundering"] >= {"silver"}
    assert top["origin_substitution"] >= {"blend_gap"}
    assert top["tag_laundering"] >= {"output", "tags"}
    assert top["spillover"] >= {"output", "tags"}


def test_evaluation_never_sees_a_training_world() -> None:
    from plausibility import evaluate as module

    assert module.SEED != SEED


def test_counting_against_the_truth() -> None:
    world = simulate("count", ["over_export"])
    verdicts = judge(world, read_model())
    found = tally(world, verdicts, "over_export", everybody=False)
    assert (found.bent, found.honest, found.cases) == (2, 12, 2)
    everybody = tally(world, verdicts, "over_export", everybody=True)
    assert everybody.bent == 2
    assert everybody.honest == len(verdicts) - 2
    world.involved = set(verdicts) - world.bent["over_export"]
    assert tally(world, verdicts, "over_export", everybody=True).honest == 0


def test_figures_of_a_row() -> None:
    row = Row(
        "x", "X", Tally(bent=8, found=6, by_score=1, honest=1_000, alarms=2, cases=3, cases_found=2), (("speed", 6),)
    )
    assert (row.precision, row.recall, row.case_recall, row.alarm_rate) == (750, 750, 667, 20)
    assert format_table([row]).splitlines()[2] == "| X | 8 | 75.0 % | 75.0 % | 66.7 % | 20 | `speed` |"
    assert Row("x", "X", Tally(bent=8), ()).precision is None
    assert Row("x", "X", Tally(), ()).alarm_rate == 0


def test_command_gives_figures_as_json_and_as_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = ["evaluate", "--worlds", "1", "--seed", "other", "--fraud", "impossible_transit"]
    assert main([*one, "--json"]) == 0
    assert [row["fraud"] for row in json.loads(capsys.readouterr().out)] == ["impossible_transit", "overall", "honest"]
    blind = json.loads(MODEL.read_bytes())
    del blind["digest"]
    for kind in blind["kinds"].values():
        kind["limit"], kind["threshold"] = [10**12] * len(kind["limit"]), 1_000
    file = tmp_path / "blind.json"
    file.write_bytes(format_model(blind))
    assert parse_model(file.read_bytes()).digest != read_model().digest
    assert main([*one, "--model", str(file), "--check"]) == 1
    shown = capsys.readouterr()
    assert "| Impossible transit times | 7 |  | 0.0 % | 0.0 % | 0 |  |" in shown.out.splitlines()
    assert shown.err == "docs/plausibility.md has other figures: run `make plausibility`\n"
    assert (ROOT / PAGE).read_text(encoding="utf-8") == PUBLISHED
