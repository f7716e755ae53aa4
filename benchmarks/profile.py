"""`make profile`: where the time of each hot path goes, by py-spy, and the stacks in build/profile/.

python -m benchmarks.profile                  all of them (some minutes)
python -m benchmarks.profile audit verdict    only these

A sample counts for the innermost function of the project on its stack: what a library does is the caller's. Threads
that wait are not counted; of servers only the one thread of a process that holds the interpreter lock is, since that is
what bounds them. The files hold one stack a line with its count, as tools for flame graphs read them.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import load, provenance, verdict
from benchmarks.bundle import BAGS
from benchmarks.environment import program
from benchmarks.generate import Generator, write_log
from benchmarks.server import serving

OUT = Path("build/profile")
RATE = 100
TOP = 14
_FRAME = re.compile(r"^(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)$")
_OURS = re.compile(r"(?:^|/)((?:ledger|service|clients)/[\w/]+\.py)$")

console = Console()


class Profile(NamedTuple):
    """samples: of all stacks; by: how many have a function of ours as the innermost one."""

    samples: int
    by: Counter[str]

    def top(self, count: int = TOP) -> list[tuple[str, float]]:
        """The functions with the most samples, and their shares in percent."""
        return [(name, 100 * number / self.samples) for name, number in self.by.most_common(count)]

    def files(self) -> Profile:
        """The same by file."""
        by: Counter[str] = Counter()
        for name, number in self.by.items():
            by[name.partition(":")[0]] += number
        return Profile(self.samples, by)


def read_stacks(lines: Iterable[str], *, within: str = "") -> Profile:
    """Count raw stacks (`frame;frame;... count`). within: only those that this text is in."""
    by: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        frames = stack.split(";")
        if count.isdecimal() and within in stack:
            by[next(filter(None, map(_own, reversed(frames))), "outside the project")] += int(count)
    return Profile(sum(by.values()), by)


def _own(frame: str) -> str:
    """`file: function` of a frame of ours; "" for another's."""
    found = _FRAME.match(frame)
    ours = found and _OURS.search(found["file"])
    return f"{ours[1]}: {found['function']}" if found and ours else ""


# ---- hot paths ------------------------------------------------------------------------------------------------------


@contextmanager
def attached(pid: int, out: Path) -> Iterator[None]:
    """Sample what holds the interpreter lock in a process and its children, until the block ends."""
    command = [str(program("py-spy")), "record", "--gil", "--pid", str(pid), *_options(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watcher:
        assert watcher.stdout
        told = watcher.stdout.readline()
        if "Sampling" not in told:
            raise RuntimeError(f"py-spy does not sample: {told + watcher.stdout.read()}")
        try:
            yield
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.communicate(timeout=60)


def _options(out: Path) -> list[str]:
    return ["--subprocesses", "--function", "--rate", str(RATE), "--format", "raw", "--output", str(out)]


def _run(command: list[str], out: Path) -> None:
    """Sample a command from its start to its end."""
    watched = [str(program("py-spy")), "record", *_options(out), "--", sys.executable, *command]
    subprocess.run(watched, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def profile_ingest(folder: Path, out: Path) -> None:
    """Batches over HTTP, checking processes and all."""
    sent = load.streams(60_000, 200)
    with serving(folder) as server:
        server.post_batch(sent.register)
        with attached(server.process.pid, out):
            load.send_all(server, sent.each, 10_000)


def profile_single(folder: Path, out: Path) -> None:
    """Single records at 64 connections."""
    register, records = load.single_records(20_000)
    with serving(folder) as server:
        server.post_batch(register)
        with attached(server.process.pid, out):
            load.send_singles(server, records)


def profile_audit(folder: Path, out: Path) -> None:
    """`lodeline audit` of a folder, with its worker processes."""
    write_log(folder, islice(Generator().records(), 60_000))
    policy = str(folder / "policy.txt")
    _run(["-m", "clients.cli.main", "audit", str(folder), "--trust", policy, "--forget", "--json"], out)


def profile_verdict(folder: Path, out: Path) -> None:
    """Verdicts by all packs on lots with 200 records; the lots are made in between."""
    with serving(folder) as server, attached(server.process.pid, out):
        verdict.judge_all(server, 60, BAGS)


def profile_provenance(folder: Path, out: Path) -> None:
    """Origins of lots with many lots upstream, from the arrays."""
    code = (
        f"from pathlib import Path; from benchmarks.provenance import repeat; repeat(Path({str(folder)!r}), *{GRAPH})"
    )
    _run(["-c", code], out)


GRAPH = (200_000, provenance.MANY, 100)
"""Records, lots upstream, rounds."""

HOT: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "ingest": (profile_ingest, ""),
    "single": (profile_single, ""),
    "audit": (profile_audit, ""),
    "verdict": (profile_verdict, "service/usecases/claims.py"),
    "provenance": (profile_provenance, "describe_origins ("),
}
"""By name: what runs it, and a text on the stacks that it is about."""


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *HOT], metavar="NAME", help=", ".join(HOT))
    OUT.mkdir(parents=True, exist_ok=True)
    for name in parser.parse_args().names or HOT:
        take, within = HOT[name]
        out = OUT / f"{name}.txt"
        with tempfile.TemporaryDirectory(prefix="lodeline-profile-") as folder:
            take(Path(folder), out)
        with out.open(encoding="utf-8") as lines:
            show(name, read_stacks(lines, within=within))
    return 0


def show(name: str, profile: Profile) -> None:
    """The table of one hot path."""
    table = Table(title=f"{name}: {profile.samples:,} samples, {RATE} a second of each thread that worked")
    for column in ("%", "innermost function of the project", "%", "by file"):
        table.add_column(column, justify="right" if column == "%" else "left", overflow="fold")
    for (function, share), (file, whole) in zip_longest(profile.top(), profile.files().top(), fillvalue=("", 0.0)):
        table.add_row(f"{share:.1f}", function, f"{whole:.1f}", file)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
