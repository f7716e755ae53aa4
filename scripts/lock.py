"""Write requirements.lock and those of the folders, or say that they no longer fit pyproject.toml.

A lock here is what `pip` and `uv` read with --require-hashes: versions and digests, and no host, so
that any mirror can serve it (docs/decisions/0009). Its first line holds the digest of the tables of
pyproject.toml that it was resolved from: the check needs no network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = Path("requirements.lock")
SERVICE = Path("docker/service.lock")
BUILD = Path("docker/build.lock")
COMPILER = Path("native/compiler.lock")
SLITHER = Path("contracts/slither.lock")
BENCH = Path("benchmarks/bench.lock")
LOCKS = {  # every other lock but the last two, which are installed apart, takes its versions from the first
    EVERYTHING: ["pyproject.toml", "--all-extras", "--group", "dev"],
    SERVICE: ["pyproject.toml", "--extra", "service", "--constraints", str(EVERYTHING)],
    BUILD: ["--group", "build", "--constraints", str(EVERYTHING)],
    COMPILER: ["--group", "compiler", "--constraints", str(EVERYTHING)],
    SLITHER: ["--group", "slither"],
    BENCH: ["--group", "bench"],
}
FROM = "# resolved from pyproject.toml: sha256 "
PIN = re.compile(r"^[a-z0-9][a-z0-9.-]*==[^ ]+( ; .+)? \\$")


def source_digest(pyproject: dict[str, Any]) -> str:
    """Hex SHA-256 over the tables that decide what is installed."""
    project = pyproject["project"]
    told = {
        "build-system": pyproject["build-system"],
        "requires-python": project["requires-python"],
        "dependencies": project["dependencies"],
        "optional-dependencies": project["optional-dependencies"],
        "dependency-groups": pyproject["dependency-groups"],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def faults(text: str, digest: str) -> list[str]:
    """What is wrong with the text of a lock file, as sentences; empty when it may be used."""
    lines = text.splitlines()
    found = []
    if not lines or lines[0] != FROM + digest:
        found.append("it was resolved from another pyproject.toml: run `make lock`")
    if "://" in text or "--index" in text or "--find-links" in text:
        found.append("it names a host or a place: a lock must work with any mirror")
    pins = [n for n, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    for n in pins:
        if not PIN.match(lines[n]):
            found.append(f"line {n + 1} is not an exact version with digests: {lines[n]}")
        elif not lines[n + 1].startswith("    --hash=sha256:"):
            found.append(f"line {n + 1} has no digest: {lines[n]}")
    if not pins:
        found.append("it names no package")
    return found


def compile_lock(target: Path, arguments: list[str], digest: str, *, upgrade: bool) -> None:
    """Resolve into `target`, keeping the versions it has unless `upgrade`."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", *arguments, "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-annotate"]
    command += ["--output-file", str(target), *(["--upgrade"] if upgrade else [])]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  our own arguments
    path = ROOT / target
    path.write_text(f"{FROM}{digest}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a lock does not fit")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    options = parser.parse_args()
    digest = source_digest(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    if not options.check:
        for lock, arguments in LOCKS.items():
            compile_lock(lock, arguments, digest, upgrade=options.upgrade)
    failed = False
    for lock in LOCKS:
        for fault in faults((ROOT / lock).read_text(encoding="utf-8"), digest):
            print(f"{lock}: {fault}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
