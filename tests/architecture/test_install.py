"""What an auditor installs is enough to verify: the core, without database, web server or spreadsheet reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from clients.cli.lazy import RULES
from ledger.log.note import Ed25519Signer, format_vkey
from tests.architecture.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Refuses to find some distributions' modules, as if they were not installed, then runs the rest of the command line.
BLOCKED = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
{program}
"""
COMMAND = """
from clients.cli.main import main
sys.argv = ["lodeline", *{words!r}]
sys.exit(main())
"""
VKEY = format_vkey(Ed25519Signer("ledger.example/log", bytes(32)).verifier)


def module_of(requirement: str) -> str:
    """The import name of a requirement: `prometheus-client>=0.26` -> `prometheus_client`."""
    return re.split(r"[\[<>=~!; ]", requirement)[0].lower().replace("-", "_")


def extras() -> set[str]:
    """Top-level modules that only the extras bring."""
    wanted = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    return {module_of(one) for one in wanted} - {"lodeline"} | {"sqlalchemy", "starlette"}


def run(program: str, absent: set[str]) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(absent=absent, program=program)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)


@pytest.mark.parametrize("command", ["verify", "audit", "witness"])
def test_core_alone_runs(command: str) -> None:
    absent = extras() | {"service"}
    assert {"fastapi", "sqlmodel", "openpyxl", "uvicorn", "psycopg", "structlog"} <= absent
    done = run(COMMAND.format(words=[command, "--help"]), absent)
    assert (done.returncode, done.stderr) == (0, "")
    assert command in done.stdout


def test_a_bundle_is_judged_with_the_core_alone_and_not_without_it(tmp_path: Path) -> None:
    bundle = tmp_path / "lot.bundle.json"
    bundle.write_bytes(b"{}")
    program = COMMAND.format(words=["verify", str(bundle), "--log-key", VKEY, "--json"])
    judged = run(program, extras() | {"service", "httpx"})
    assert (judged.returncode, json.loads(judged.stdout)["outcome"]) == (1, "refuted")
    crippled = run(program, {"nacl"})
    assert "No module named 'nacl" in crippled.stderr


def test_what_needs_the_extra_rules_says_so(tmp_path: Path) -> None:
    assert {module_of(one) for one in PROJECT["optional-dependencies"]["rules"]} == RULES
    bundle = tmp_path / "lot.bundle.json"
    bundle.write_bytes(b"{}")
    areas = ROOT / "tests" / "data" / "reference" / "wdpa.geojson"
    words = ["verify", str(bundle), "--log-key", VKEY, "--reference", f"wdpa:2026-11-20:{areas}"]
    done = run(COMMAND.format(words=words), set(RULES))
    assert (done.returncode, "pip install 'lodeline[rules]'" in done.stderr.replace("\n", " ")) == (2, True)
    assert "Traceback" not in done.stderr
    assert run(COMMAND.format(words=words), set()).returncode == 1, "it is read, and the bundle is none"


def test_ledger_imports_without_anything_of_the_clients_or_the_service() -> None:
    program = """
import pkgutil, ledger
for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
    __import__(module.name)
print("all of ledger")
"""
    absent = extras() | {"service", "clients", "httpx", "rich", "typer", "click"}
    done = run(program, absent)
    assert (done.stdout, done.stderr) == ("all of ledger\n", "")


def test_the_atomic_weights_are_pinned_exactly() -> None:
    pins = [one for one in PROJECT["dependencies"] if one.startswith("molmass")]
    assert [bool(re.fullmatch(r"molmass==[0-9.]+", pin)) for pin in pins] == [True]
