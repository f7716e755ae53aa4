"""docs/performance.md: its table between two marks, and its plot, from the results. The words are written by hand."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

from benchmarks.environment import program
from benchmarks.figures import Chapter, format_value, list_chapters
from benchmarks.results import Results
from benchmarks.run import FULL

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
DRAW = Path(__file__).with_name("draw.py")
BEGIN, END = "<!-- begin: python -m benchmarks --write -->", "<!-- end -->"
_TABLE = re.compile(f"{re.escape(BEGIN)}\n.*?\n{re.escape(END)}", re.DOTALL)


def write(results: Results) -> None:
    """Write the table and the plot. Raises ValueError for results of a smaller scale."""
    if results.about["scale"] != FULL.name:
        raise ValueError("only the results of a full run go onto the page: leave --scale out")
    PAGE.write_text(put_table(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    figures = ROOT / "build" / "plotted.json"
    results.save(figures)
    subprocess.run([program("python"), DRAW, figures, PLOT], check=True)


def put_table(text: str, results: Results) -> str:
    """The page with its table written anew. Raises ValueError when the marks are not there, once."""
    if len(_TABLE.findall(text)) != 1:
        raise ValueError(f"{PAGE.name} must have one table between {BEGIN} and {END}")
    return _TABLE.sub(lambda _: f"{BEGIN}\n{format_table(results)}\n{END}", text)


def format_table(results: Results) -> str:
    """All chapters as Markdown. A figure that was not taken has a dash."""
    about = results.about
    lines = [f"{about['cores']} virtual cores ({about['processor']}), Python {about['python']}.", ""]
    lines += ["| key in `build/bench.json` | meaning | goal | measured |", "|---|---|---|---:|"]
    for chapter in list_chapters():
        lines.append(f"| **{chapter.title}** | | | |")
        lines += _rows(chapter, results)
    notes = [f"- {note}" for chapter in list_chapters() for note in results.notes.get(chapter.name, ())]
    return "\n".join([*lines, *(["", "Not taken:", "", *notes] if notes else [])])


def _rows(chapter: Chapter, results: Results) -> list[str]:
    rows = []
    for figure in chapter.figures:
        value = results.figures.get(figure.key, math.nan)
        missed = "" if figure.is_met(value) or math.isnan(value) else " (missed)"
        rows.append(f"| `{figure.key}` | {figure.meaning} | {figure.goal} | {format_value(value)}{missed} |")
    return rows
