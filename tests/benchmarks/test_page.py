"""docs/performance.md says what build/bench.json does: the same keys, and a plot that anybody can draw again."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page
from benchmarks.environment import program
from benchmarks.figures import keys, list_chapters
from benchmarks.results import Results, describe_machine
from benchmarks.run import FULL, TINY


def results(**figures: float) -> Results:
    return Results(figures, {}, {"cores": 2, "processor": "P", "python": "3.11.7", "scale": "full"})


def listed_keys(text: str) -> list[str]:
    """The keys of the figures on the page, in its order."""
    return re.findall(r"^\| `([a-z0-9_]+)` \|", text, re.MULTILINE)


def test_page_lists_every_figure_of_the_benchmarks_and_no_other() -> None:
    assert listed_keys(page.PAGE.read_text(encoding="utf-8")) == keys(list_chapters())


def test_page_links_its_plot() -> None:
    assert f"({page.PLOT.name})" in page.PAGE.read_text(encoding="utf-8")
    assert page.PLOT.stat().st_size < 100_000


def test_table_takes_the_place_of_the_one_before() -> None:
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    once = page.put_table(text, results(audit_ratio=0.91349, batch_ingest_ratio=0.3))
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    assert "records, everything checked, to raw checks on all cores | ≥ 0.85 | 0.913 |\n" in once
    assert "| `batch_ingest_ratio` | the same to raw checks on all cores | ≥ 0.6 | 0.3 (missed) |\n" in once
    assert "| `single_commit_ratio` | the same to the yardstick, SQLite | ≥ 0.7 | – |\n" in once
    assert page.put_table(once, results(audit_ratio=0.91349, batch_ingest_ratio=0.3)) == once
    assert listed_keys(once) == keys(list_chapters())


def test_what_was_not_taken_is_told() -> None:
    some = results()
    some.notes["trees"] = ["peer_aics_append_per_s: aics-tlog is not installed"]
    assert page.format_table(some).endswith("\n\nNot taken:\n\n- peer_aics_append_per_s: aics-tlog is not installed")


@pytest.mark.parametrize("text", ["no table", f"{page.BEGIN}\nx\n", f"{page.BEGIN}\nx\n{page.END}\n" * 2])
def test_page_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have one table between"):
        page.put_table(text, results())


def test_results_of_a_smaller_run_do_not_go_onto_the_page() -> None:
    before = page.PAGE.read_bytes()
    with pytest.raises(ValueError, match="only the results of a full run"):
        page.write(Results({}, {}, describe_machine(TINY)))
    assert page.PAGE.read_bytes() == before


def test_plot_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    figures = dict.fromkeys(keys(list_chapters(FULL)), 0.5)
    first, second = draw(tmp_path, figures), draw(tmp_path, figures)
    assert first == second
    assert draw(tmp_path, {**figures, "audit_ratio": 0.51}) != first
    assert len(first) < 100_000
    assert set(re.findall(r"https?://([\w.]+)", first.decode())) == {"www.w3.org"}
    assert b"<metadata" not in first


def test_plot_of_a_run_that_lacks_figures_is_drawn_all_the_same(tmp_path: Path) -> None:
    assert draw(tmp_path, {}).rstrip().endswith(b"</svg>")


def draw(folder: Path, figures: dict[str, Any]) -> bytes:
    source, target = folder / "bench.json", folder / "plot.svg"
    source.write_text(json.dumps({"about": {}, **figures}))
    subprocess.run([program("python"), page.DRAW, source, target], check=True)
    return target.read_bytes()
