"""Run slither over contracts/src in an environment of its own (`make slither`).

It wants older libraries than the ledger does, and is installed with digests from contracts/slither.lock. Every finding
is fixed or answered: contracts/SLITHER.md names each that is left, and a run that finds another one, or no longer finds
one that is answered, fails.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.apart import environment
from scripts.contracts import SOURCES, compiler_input, read_sources
from scripts.toolchain import CONTRACTS, Toolchain, install

LOCK = CONTRACTS / "slither.lock"
ANSWERS = CONTRACTS / "SLITHER.md"
ANSWER = re.compile(r"^### `([\w-]+)` in `([\w.]+)`$", re.MULTILINE)

Finding = tuple[str, str]


def find(tools: Toolchain) -> dict[Finding, str]:
    """What slither finds: (detector, element) -> its description."""
    programs = environment(LOCK)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(SOURCES, folder / "src")
        given = compiler_input(read_sources())
        given["settings"]["outputSelection"] = {"*": {"*": ["*"], "": ["*"]}}
        (folder / "input.json").write_text(json.dumps(given), encoding="utf-8")
        command = [str(programs / "slither"), "input.json", "--compile-force-framework", "Solc-json"]
        command += ["--solc", str(CONTRACTS / "solc.js"), "--json", "found.json"]
        done = subprocess.run(  # noqa: S603  our own words
            command, cwd=folder, env=tools.environment, capture_output=True, text=True, check=False
        )
        if not (folder / "found.json").exists():
            raise SystemExit(done.stdout + done.stderr)
        told = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    if not told["success"]:
        raise SystemExit(told["error"])
    return {(one["check"], _element(one)): one["description"] for one in told["results"].get("detectors", [])}


def _element(finding: dict[str, object]) -> str:
    """`Contract.function` of the first element of a finding, or the file when it is of a whole one."""
    elements = finding["elements"]
    if not isinstance(elements, list) or not elements:
        return "all"
    first = elements[0]
    parent = first.get("type_specific_fields", {}).get("parent", {})
    owner = parent.get("name", "") if parent.get("type") in ("contract", "function") else ""
    return ".".join(part for part in (owner, first["name"].split()[0]) if part)


def main() -> int:
    """Compare what is found with what is answered."""
    found = find(install())
    answered = set(ANSWER.findall(ANSWERS.read_text(encoding="utf-8"))) if ANSWERS.exists() else set()
    for finding in sorted(set(found) - answered):
        print(f"not answered in contracts/SLITHER.md: {' in '.join(finding)}\n{found[finding]}")
    for finding in sorted(answered - set(found)):
        print(f"answered in contracts/SLITHER.md, and no longer found: {' in '.join(finding)}")
    print(f"slither: {len(found)} findings, {len(answered & set(found))} answered")
    return int(set(found) != answered)


if __name__ == "__main__":
    sys.exit(main())
