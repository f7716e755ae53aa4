"""`make bench`: every figure of docs/performance.md, as a table and in build/bench.json.

python -m benchmarks                  all of it (a quarter of an hour)
python -m benchmarks audit ingest     only these; the file keeps what it has of the others
python -m benchmarks --list           the names
python -m benchmarks --scale quick    smaller logs, for a look while working, in build/bench-quick.json
python -m benchmarks --write          write the table and the plot of docs/performance.md from build/bench.json

A benchmark that fails is reported, and the rest goes on; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import page
from benchmarks.figures import Chapter, format_value, list_chapters
from benchmarks.results import Results, describe_machine, load_results
from benchmarks.run import FAILED, FULL, SCALES, Figures, Run, Scale
from benchmarks.suite import BENCHMARKS, Benchmark

console = Console()


def main() -> int:
    """Command line; the exit code."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended on the way out
    scale = SCALES[given.scale]
    out = given.out or Path("build") / ("bench.json" if scale is FULL else f"bench-{scale.name}.json")
    chapters = list_chapters(scale)
    if given.list:
        for chapter in chapters:
            apart = "" if chapter.usual else ", only when it is asked for"
            console.print(f"{chapter.name:16} {chapter.title}: {len(chapter.figures)} figures{apart}")
        return 0
    if given.write:
        page.write(load_results(out))
        return 0
    return run_all(given.names or [chapter.name for chapter in chapters if chapter.usual], scale, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="list the names and stop")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plot from the file")
    parser.add_argument("--scale", choices=list(SCALES), default=FULL.name)
    parser.add_argument("--out", type=Path, help="file of results, build/bench.json by default")
    return parser


def run_all(names: Sequence[str], scale: Scale, out: Path, *, benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Run these benchmarks and keep the results after each; 1 when one failed, else 0."""
    results = load_results(out) if out.exists() else Results({}, {}, {})
    results.about = describe_machine(scale)
    chapters = {chapter.name: chapter for chapter in list_chapters(scale)}
    ran, seconds = [], {}
    with tempfile.TemporaryDirectory(prefix="lodeline-bench-") as folder:
        run = Run(scale, Path(folder), console)
        for name in sorted(names, key=list(benchmarks).index):
            began = time.perf_counter()
            figures, failed = measure(benchmarks[name], run, chapters[name])
            results.put(chapters[name], figures, failed, run.take_notes())
            results.save(out)
            seconds[name] = time.perf_counter() - began
            ran.append(chapters[name])
    show(ran, results)
    console.print("seconds: " + ", ".join(f"{name} {taken:.0f}" for name, taken in seconds.items()), style="dim")
    for chapter in ran:
        for note in results.notes.get(chapter.name, ()):
            console.print(f"{chapter.name}: {note}", markup=False)
    return int(any(results.has_failed(chapter.name) for chapter in ran))


def measure(benchmark: Benchmark, run: Run, chapter: Chapter) -> tuple[Figures, str]:
    """The figures of one benchmark, all nan when it failed, and what went wrong."""
    wanted = [figure.key for figure in chapter.figures]
    try:
        figures = benchmark(run)
        if set(figures) != set(wanted):
            raise AssertionError(f"other figures than were promised: {set(figures) ^ set(wanted)}")
    except Exception as error:  # whatever it is, the other benchmarks can still be run
        traceback.print_exc(file=sys.stderr)
        return dict.fromkeys(wanted, math.nan), f"{FAILED}{type(error).__name__}: {error}"
    return {key: figures[key] for key in wanted}, ""


def show(chapters: Iterable[Chapter], results: Results) -> None:
    """The table."""
    table = Table(title=results.headline())
    for column in ("figure", "value", "goal", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for chapter in chapters:
        table.add_section()
        table.add_row(f"[bold]{chapter.title}[/bold]", "", "", "")
        for figure in chapter.figures:
            value = results.figures.get(figure.key, math.nan)
            mark = "" if not figure.goal else "met" if figure.is_met(value) else "[red]missed[/red]"
            table.add_row(figure.key, format_value(value), figure.goal, mark)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
