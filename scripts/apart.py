"""Environments of their own, for tools that must not decide which libraries the ledger runs on.

Each is made from a lock file with digests, once: under .tools, in a folder named for what the lock says.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from scripts.toolchain import ROOT, TOOLS


def environment(lock: Path) -> Path:
    """Folder with the programs of this lock, installed when they are not yet."""
    _, _, pins = lock.read_bytes().partition(b"\n")  # the first line changes with all of pyproject.toml
    folder = TOOLS / f"{lock.stem}-{hashlib.sha256(pins).hexdigest()[:16]}"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{lock.stem}.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # tests that run at the same time make it once
        if not (folder / "installed").exists():
            _install(lock, folder)
    return folder / "bin"


def _install(lock: Path, folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(folder / "bin" / "python")
    command = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  our own words
    command = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock)]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  our own words
    (folder / "installed").touch()
