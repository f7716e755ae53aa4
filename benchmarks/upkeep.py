"""What an operator does with a whole ledger: export, fsck, rebuild, a backup; processor time and bytes per record.

    python -m benchmarks.upkeep [--records N]

Processor time of all processes of a command, not wall time: a busy machine gives about the same. `start_s` is what it
takes until a command can begin (an export that has nothing to write), and not in the times per record. Figures of
`docs/scale.md` are from here.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.load import send_all, streams
from benchmarks.server import Server, serving

BATCH = 5_000


def spent() -> float:
    """Seconds of processor time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(server: Server, *command: str) -> float:
    """Processor time of a command of `lodeline-server` on the ledger of a server that has stopped."""
    began = spent()
    arguments = [sys.executable, "-m", "service.manage", *command]
    subprocess.run(arguments, env=server.env, check=True, stdout=subprocess.DEVNULL)
    return spent() - began


def measure(folder: Path, count: int) -> dict[str, float]:
    """Microseconds and bytes per record of a ledger on SQLite with about so many records."""
    sent = streams(count, 200)
    with serving(folder) as server:
        server.post_batch(sent.register)
        send_all(server, sent.each, BATCH)
        server.stop()
        total = len(sent.register) + sum(map(len, sent.each)) + 1
        export = folder / "export"
        times = {name: run(server, *command) for name, command in _commands(export).items()}
        start = times.pop("nothing")
        return {
            "records": total,
            "database_bytes": round(server.stored_bytes() / total),
            "export_bytes": round(sum(one.stat().st_size for one in export.rglob("*") if one.is_file()) / total),
            "entry_bytes": round(sent.entry_bytes / total),
            "start_s": round(start, 1),
            **{f"{name}_us": round((seconds - start) / total * 1e6, 1) for name, seconds in times.items()},
        }


def _commands(export: Path) -> dict[str, tuple[str, ...]]:
    return {
        "export": ("export", str(export)),
        "nothing": ("export", str(export)),
        "fsck": ("fsck",),
        "rebuild": ("rebuild",),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), given.records)))


if __name__ == "__main__":
    main()
