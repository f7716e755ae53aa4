"""`python -m demo`: see `make demo`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo.runner import ROOT, run


def main(words: list[str] | None = None) -> int:
    """Read the options and play."""
    parser = argparse.ArgumentParser(prog="demo", description="Three supply chains from mine to refiner, and fraud.")
    parser.add_argument("--exit", action="store_true", help="stop the service at the end instead of leaving it running")
    parser.add_argument("--port", type=int, default=8000, help="port of the service on 127.0.0.1 (default: 8000)")
    parser.add_argument("--state", type=Path, default=ROOT / ".demo", help="folder of this run; wiped at the start")
    parser.add_argument("--without-node", action="store_true", help="anchor on a chain in Python, as without Node")
    given = parser.parse_args(words)
    return run(given.state.resolve(), given.port, leave=given.exit, node=not given.without_node)


if __name__ == "__main__":
    sys.exit(main())
