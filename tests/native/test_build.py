"""Building the extension: it works, it leaves nothing broken behind, and without it everything goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

BUILD = ROOT / "native" / "build.py"


def run_build(into: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), "--into", str(into), "--tools", str(into / "tools"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})


def what_is_there(into: Path) -> list[str]:
    return sorted(path.name for path in into.rglob("*") if path.is_file() and "tools" not in path.parts)


@pytest.fixture
def compiler(tmp_path: Path) -> str:
    """A folder with nothing but a program `cc`, which a test writes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return str(folder)


def write_compiler(folder: str, script: str) -> None:
    program = Path(folder) / "cc"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.usefixtures("own_compiler")
def test_what_is_built_is_found_and_counts(tmp_path: Path) -> None:
    into = tmp_path / "site"
    into.mkdir()
    done = run_build(into, "--required")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert what_is_there(into) == ["__init__.py", "_declarations.py", "edbatch.so"]
    program = "import lodeline_native as n; print(n.LIBRARY, n.check_batch([], [], b'', []))"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(into)}
    )
    assert told.stdout.split() == [str(into / "lodeline_native" / "edbatch.so"), "True"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no such register >&2; exit 1", "it does not compile: no such register"),
        ("exit 0", "what was built does not work"),  # nothing was written
        ('while [ "$1" != -o ]; do shift; done; echo junk > "$2"', "what was built does not work"),
    ],
)
def test_a_compiler_that_fails_leaves_the_single_checks(tmp_path: Path, compiler: str, script: str, why: str) -> None:
    into = tmp_path / "site"
    older = into / "lodeline_native"
    older.mkdir(parents=True)
    (older / "__init__.py").write_text("an older build", encoding="utf-8")
    write_compiler(compiler, script)
    environment = {"CC": "", "PATH": compiler + os.pathsep + os.environ["PATH"]}
    done = run_build(into, **environment)
    assert done.returncode == 0
    assert done.stderr.startswith("Signatures will be checked one by one, with the same results.")
    assert why in done.stderr
    assert what_is_there(into) == []
    assert run_build(into, "--required", **environment).returncode == 1


def test_wrong_arithmetic_is_noticed(tmp_path: Path, own_compiler: str) -> None:
    """A compiler that gets one constant wrong: the probe refuses what it made."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "native", source, ignore=shutil.ignore_patterns("__pycache__"))
    point = source / "point.h"
    text = point.read_text(encoding="utf-8")
    assert "0x34dca135978a3" in text
    point.write_text(text.replace("0x34dca135978a3", "0x34dca135978a4"), encoding="utf-8")
    into = tmp_path / "site"
    into.mkdir()
    done = subprocess.run(
        [sys.executable, str(source / "build.py"), "--into", str(into)],
        capture_output=True,
        text=True,
        env={**os.environ, "CC": own_compiler},
    )
    assert "what was built does not work" in done.stderr
    assert what_is_there(into) == []


def test_every_file_of_the_extension_is_shipped_to_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "!native" in ignored
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(wildcard native/*.* native/lodeline_native/*.py)" in makefile
