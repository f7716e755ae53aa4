"""What a process and its children take: processor time and memory, as /proc tells it (Linux)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process, its children and theirs; those that are gone by now are left out."""
    found = [pid]
    for one in found:  # grows while it is read
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in _read(children).split()]
    return found


def cpu_seconds(*pids: int) -> float:
    """Processor time that these processes and their families have taken so far, with that of children that ended."""
    return sum(_ticks(one) for pid in pids for one in family(pid)) / _TICKS


def _ticks(pid: int) -> int:
    behind = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, behind[11:15])) if behind else 0  # utime, stime, cutime, cstime of proc(5)


class Memory(NamedTuple):
    """Megabytes (10^6 bytes). together: what is shared counted once (PSS); largest: of one process (RSS)."""

    together: float
    largest: float


def memory(*pids: int) -> Memory:
    """What these processes and their families hold now."""
    held = [_held(one) for pid in pids for one in family(pid)]
    return Memory(sum(pss for pss, _ in held), max((rss for _, rss in held), default=0.0))


def _held(pid: int) -> tuple[float, float]:
    told = dict.fromkeys(("Pss", "Rss"), 0.0)
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        name, _, rest = line.partition(":")
        if name in told:
            told[name] = int(rest.split()[0]) * 1024 / 1e6
    return told["Pss"], told["Rss"]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""  # it has ended


class Peak:
    """The most that processes held between entering and leaving, looked at every `seconds`."""

    def __init__(self, pids: Iterable[int], seconds: float = 0.1) -> None:
        self._pids, self._seconds = tuple(pids), seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most = Memory(0.0, 0.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.most = Memory(*map(max, self.most, memory(*self._pids)))
            if self._stop.wait(self._seconds):
                return
