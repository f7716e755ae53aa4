"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from plausibility.__main__ import ROOT


def unmeasured(*words: str) -> subprocess.CompletedProcess[str]:
    """`python -m plausibility`, without the measuring of coverage that would make a long computation much longer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "plausibility", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
