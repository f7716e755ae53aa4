"""build/bench.json: the figures by key, and about the run: the machine, and what failed or could not be taken."""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Chapter
from benchmarks.run import FAILED, FULL, Figures, Scale

ABOUT = "about"


@dataclass
class Results:
    """figures: what was taken; notes: by benchmark, why one failed or lacks figures; about: machine and scale."""

    figures: Figures
    notes: dict[str, list[str]]
    about: dict[str, Any]

    def put(self, chapter: Chapter, figures: Figures, failed: str, notes: list[str]) -> None:
        """What one benchmark found, in place of what was there of it."""
        for figure in chapter.figures:
            self.figures.pop(figure.key, None)
        self.figures |= {key: _shorten(value) for key, value in figures.items() if not math.isnan(value)}
        self.notes[chapter.name] = [failed] * bool(failed) + notes

    def has_failed(self, name: str) -> bool:
        """Whether a benchmark broke when it was run last."""
        return any(note.startswith(FAILED) for note in self.notes.get(name, ()))

    def headline(self) -> str:
        """The machine, in a line."""
        told = self.about
        return f"Lodeline on {told['cores']} cores of {told['processor']}, Python {told['python']}"

    def save(self, path: Path) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = {name: some for name, some in sorted(self.notes.items()) if some}
        told = {ABOUT: {**self.about, "notes": notes}, **dict(sorted(self.figures.items()))}
        path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _shorten(value: float) -> float:
    """Four digits that count; what was counted stays as it is."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def load_results(path: Path) -> Results:
    """What an earlier run left; also the file of a version that knew figures only."""
    told = json.loads(path.read_text(encoding="utf-8"))
    about = told.pop(ABOUT, None) or describe_machine(FULL)
    return Results(told, about.pop("notes", {}), about)


def describe_machine(scale: Scale) -> dict[str, Any]:
    """Of this run."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "scale": scale.name,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
