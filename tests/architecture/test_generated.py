"""What is generated and committed fits what it is generated from, and the checks notice when it does not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts import lock, pages
from tests.architecture.source import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DIGEST = lock.source_digest(PYPROJECT)
GOOD = f"{lock.FROM}{DIGEST}\nclick==8.5.1 \\\n    --hash=sha256:{'a' * 64}\n"


@pytest.mark.parametrize("name", lock.LOCKS, ids=str)
def test_lock_fits_pyproject(name: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert lock.faults(text, DIGEST) == []
    assert lock.faults(text, "0" * 64) == ["it was resolved from another pyproject.toml: run `make lock`"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("==8.5.1", ">=8.5.1", "line 2 is not an exact version with digests: click>=8.5.1 \\"),
        (" \\\n    --hash=sha256:" + "a" * 64, "", "line 2 is not an exact version with digests: click==8.5.1"),
        ("    --hash=sha256:", "    # sha256:", "line 2 has no digest: click==8.5.1 \\"),
        ("click==8.5.1", "click @ https://mirror.example/click.whl", "it names a host or a place"),
        ("\n    --hash", "\n--index-url mirror\n    --hash", "it names a host or a place"),
    ],
)
def test_lock_that_names_a_host_or_leaves_something_open(old: str, new: str, fault: str) -> None:
    assert lock.faults(GOOD, DIGEST) == []
    assert old in GOOD
    assert any(found.startswith(fault) for found in lock.faults(GOOD.replace(old, new), DIGEST))
    assert lock.faults(GOOD.splitlines()[0], DIGEST) == ["it names no package"]


def test_every_dependency_that_is_asked_for_is_locked() -> None:
    text = (ROOT / lock.EVERYTHING).read_text(encoding="utf-8")
    locked = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
    project = PYPROJECT["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {one.partition("[")[0].split("=")[0].rstrip("<>~! ").lower() for one in asked} - {"lodeline"}
    assert names <= locked


@pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: path.name)
def test_page_fits_the_code(path: Path) -> None:
    assert pages.PAGES[path]() == path.read_text(encoding="utf-8")


def test_every_type_kind_and_code_has_its_row() -> None:
    from ledger.custody.events import ATTESTATION_KINDS, EVENT_TYPES
    from service.api.problems import codes

    events, errors, *_ = (path.read_text(encoding="utf-8") for path in pages.PAGES)
    assert [name for name in (*EVENT_TYPES, *ATTESTATION_KINDS) if f"### `{name}`" not in events] == []
    roots = {"ledger-error", "service-error"}
    assert [code for code in codes() if f"`{code}` |" not in errors and code not in roots] == []
