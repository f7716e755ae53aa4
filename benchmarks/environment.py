"""What only the benchmarks use: packages of others to compare with, the plot, the profiler. In .tools, by digest."""

from __future__ import annotations

from pathlib import Path

from scripts.apart import environment

LOCK = Path(__file__).with_name("bench.lock")


def program(name: str) -> Path:
    """A program of that environment (`python`, `py-spy`), which is made when it is not there yet."""
    return environment(LOCK) / name
