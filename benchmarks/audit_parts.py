"""Where the time and the memory of an audit go: the fold, the checkers, saves (and reading one), what is written out.

    python -m benchmarks.audit_parts FOLDER [--jobs N] [--held N] [--every SECONDS]

FOLDER is a log made by `python -m benchmarks.generate`. Processor time, not wall time: a busy machine gives the same.
Figures of `docs/scale.md` are from here.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clients.audit.driver import run_audit
from clients.audit.journal import Journal
from clients.audit.keeper import EVERY
from clients.audit.memory import Memory
from clients.audit.sources import FolderSource
from clients.audit.spill import HELD
from ledger.evidence.trust import parse_policy


class Weighed(Memory):
    """Tells how large the folder of saves was before it was dropped."""

    largest = 0

    def weigh(self, origin: str) -> None:
        """Look at it now."""
        folder = Journal(self.folder_of(origin)).folder
        if folder.is_dir():
            self.largest = max(self.largest, sum(one.stat().st_size for one in folder.iterdir()))


def measure(folder: Path, *, jobs: int, held: int, every: float) -> dict[str, Any]:
    """One audit. every: seconds between saves, below 0 for none."""
    policy = parse_policy((folder / "policy.txt").read_bytes())
    (log,) = policy.logs
    began = resource.getrusage(resource.RUSAGE_SELF)
    with tempfile.TemporaryDirectory() as kept:
        memory = Weighed(Path(kept)) if every >= 0 else None

        def look(done: int, size: int) -> None:
            if memory is not None and (done == size or done % 51_200 == 0):
                memory.weigh(log.verifier.name)

        report = run_audit(
            FolderSource(folder), policy, datetime.now(UTC), workers=jobs, memory=memory, progress=look,
            held=held, every=max(every, 0.0), keep=memory is not None,
        )  # fmt: skip
        began_again = resource.getrusage(resource.RUSAGE_SELF)
        if memory is not None:
            run_audit(FolderSource(folder), policy, datetime.now(UTC), workers=0, memory=memory, held=held, keep=True)
        again = resource.getrusage(resource.RUSAGE_SELF)
    if not report.verified:
        raise RuntimeError(f"the audit found: {report.findings[:3]}")
    fold, checkers = began_again, resource.getrusage(resource.RUSAGE_CHILDREN)
    count = report.details["records"]
    spent = fold.ru_utime + fold.ru_stime - began.ru_utime - began.ru_stime
    return {
        "records": count,
        "fold_us": round(spent / count * 1e6, 1),
        "checkers_us": round((checkers.ru_utime + checkers.ru_stime) / count * 1e6, 1),
        "fold_mb": round(fold.ru_maxrss / 1024),
        "checker_mb": round(checkers.ru_maxrss / 1024),
        "read_again_us": round((again.ru_utime + again.ru_stime - fold.ru_utime - fold.ru_stime) / count * 1e6, 1),
        "saved_bytes": round(memory.largest / count) if memory else 0,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--held", type=int, default=HELD, help="records, lots and tags kept in memory")
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between saves; -1: none")
    given = parser.parse_args()
    print(json.dumps(measure(given.folder, jobs=given.jobs, held=given.held, every=given.every)))


if __name__ == "__main__":
    main()
