"""What one run of the benchmarks shares: its sizes, the yardstick, and the records, which are made once."""

from __future__ import annotations

import math
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from rich.console import Console

from benchmarks.generate import Generator, Made
from benchmarks.yardstick import Signed, Yardstick, signed_parts

Figures = dict[str, float]
"""By their keys in build/bench.json; a figure that cannot be taken here is nan."""


FAILED = "failed: "
"""How notes begin that tell of a failure."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is. sizes: of logs, for growth; ingest, singles, commits, reads, parts: numbers of records;
    batch: records in one request; bags, verdicts, blends, drums, lots: of what verdicts are about; signers: in the
    log; graphs, vast: records in the graphs of provenance; leaves: of the trees that are compared."""

    name: str
    sizes: tuple[int, int, int] = (10_000, 100_000, 1_000_000)
    ingest: int = 100_000
    singles: int = 25_000
    commits: int = 3_000
    reads: int = 4_000
    parts: int = 8_000
    batch: int = 10_000
    rounds: int = 3
    bags: int = 196
    verdicts: int = 40
    blends: int = 5
    drums: int = 200
    signers: int = 200
    graphs: tuple[int, int] = (100_000, 1_000_000)
    vast: int = 10_000_000
    leaves: int = 1 << 17
    whole: bool = True
    """With every variant: other databases, more workers, without the extension."""


FULL = Scale("full")
QUICK = Scale(
    "quick",
    sizes=(2_000, 10_000, 50_000),
    batch=2_000,
    ingest=30_000,
    singles=6_000,
    blends=1,
    graphs=(10_000, 50_000),
    vast=200_000,
)
TINY = Scale(
    "tiny", sizes=(900, 1_500, 2_400), ingest=400, singles=100, commits=20, reads=20, parts=60, batch=300, rounds=1,
    bags=4, verdicts=2, blends=1, drums=4, signers=10, graphs=(2_500, 5_000), vast=7_500, leaves=300, whole=False,
)  # fmt: skip
SCALES = {scale.name: scale for scale in (FULL, QUICK, TINY)}


@dataclass
class Run:
    """One run. folder: for the records and everything that is measured, a temporary one on a real disk."""

    scale: Scale
    folder: Path
    console: Console = field(default_factory=Console)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def yardstick(self) -> Yardstick:
        """Raw signature checks, measured again whenever it is asked."""
        return Yardstick(signed_sample(self.scale.parts))

    @cached_property
    def corpus(self) -> Corpus:
        """The records of the log that everything is measured on."""
        return Corpus(self.folder / "records", lambda: Generator(signers=self.scale.signers))

    def say(self, what: str) -> None:
        """Say what is being measured: a plain line, because a moving one would be a thread of its own."""
        self.console.print(what, style="dim")

    def lack(self, why: str, *keys: str) -> Figures:
        """Figures that cannot be taken here, and why."""
        self.notes.append(f"{', '.join(keys)}: {why}")
        return dict.fromkeys(keys, math.nan)

    def attempt(self, keys: Sequence[str], measure: Callable[[], Figures]) -> Figures:
        """A part of a benchmark. When it fails that is noted, and the other parts can still be taken."""
        try:
            return measure()
        except Exception as error:  # whatever it is
            traceback.print_exc(file=sys.stderr)
            self.notes.append(f"{FAILED}{', '.join(keys)}: {type(error).__name__}: {error}")
            return dict.fromkeys(keys, math.nan)

    def take_notes(self) -> list[str]:
        """What was said about figures that are missing, since this was asked last."""
        taken, self.notes = self.notes, []
        return taken

    def temporary(self) -> tempfile.TemporaryDirectory[str]:
        """A folder for one measurement, on the disk of the run."""
        return tempfile.TemporaryDirectory(dir=self.folder)


class Corpus:
    """The records of one log, with its genesis first; made when they are first asked for, and kept in a file."""

    def __init__(self, path: Path, generator: Callable[[], Generator]) -> None:
        self._path = path
        self._making = generator().records()
        self._made = 0
        path.touch()

    def records(self, count: int) -> Iterator[Made]:
        """The first `count`: time of logging in ms, and JWS."""
        with self._path.open("ab") as file:
            for logged, jws in islice(self._making, max(0, count - self._made)):
                file.write(b"%d %s\n" % (logged, jws))
        self._made = max(self._made, count)
        return self._read(count)

    def _read(self, count: int) -> Iterator[Made]:
        with self._path.open("rb") as file:
            for line in islice(file, count):
                logged, _, jws = line.rstrip(b"\n").partition(b" ")
                yield int(logged), jws

    def submissions(self, count: int) -> Iterator[bytes]:
        """The first `count` records behind the genesis, for a log that has one of its own."""
        return (jws for _, jws in islice(self.records(count + 1), 1, None))


def signed_sample(count: int) -> list[Signed]:
    """Signatures of so many records by 200 signers."""
    generator = Generator()
    owners = [generator.registrar, *generator.miners, *generator.traders, *generator.smelters]
    headers = {one.header: one.key.public for one in owners}
    records = (jws for _, jws in islice(generator.records(), count))
    return [signed_parts(jws, headers[jws[: jws.index(b".") + 1]]) for jws in records]
