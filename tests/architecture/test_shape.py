"""Small files, small functions, documented names, nothing left half done."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, functions, length, modules, text_of, tree_of

LONGEST_FILE = 350
LONGEST_FUNCTION = 60
USUAL_FUNCTION = 45
LEFT_OVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|pytest\.mark\.skip\(|\btime\.sleep\(")


def undocumented(tree: ast.Module) -> Iterator[str]:
    """The module, public classes, and public functions of more than three lines, without a docstring."""
    if not ast.get_docstring(tree):
        yield "the module"
    owners: list[ast.Module | ast.ClassDef] = [tree]
    for owner in owners:  # grows while it is read; what stands inside a function is nobody's interface
        owners += [node for node in owner.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        for node in owner.body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
            if not public or ast.get_docstring(node):
                continue
            if isinstance(node, ast.ClassDef) or length(node) > 3:
                yield node.name


def left_overs(text: str) -> list[int]:
    """Line numbers with a mark of unfinished work, a skip or a sleep."""
    return [n for n, line in enumerate(text.splitlines(), 1) if LEFT_OVERS.search(line)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_long(package: str) -> None:
    sizes = {str(module): text_of(module).count("\n") for module in modules(package)}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_is_long_and_most_are_short(package: str) -> None:
    sizes = {
        f"{module}:{function.lineno} {function.name}": length(function)
        for module in modules(package)
        for function in functions(tree_of(module))
    }
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}
    usual = sum(size <= USUAL_FUNCTION for size in sizes.values())
    assert usual >= 0.9 * len(sizes), f"{len(sizes) - usual} of {len(sizes)} functions are over {USUAL_FUNCTION} lines"


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_documented(package: str) -> None:
    missing = [f"{module}: {name}" for module in modules(package) for name in undocumented(tree_of(module))]
    assert missing == []


def test_nothing_is_left_half_done() -> None:
    checker = Path(__file__).resolve().relative_to(ROOT)
    marks = [
        f"{module}:{n}"
        for module in modules(*PACKAGES, "tests", "scripts")
        if module != checker
        for n in left_overs(text_of(module))
    ]
    assert marks == []


def test_the_scans_see_what_they_look_for() -> None:
    bad = ast.parse(
        '"""Doc."""\nclass Lot:\n    """Doc."""\n    def mass(self):\n        a = 1\n        b = 2\n        return a\n'
    )
    assert list(undocumented(bad)) == ["mass"]
    assert list(undocumented(ast.parse(""))) == ["the module"]
    assert list(undocumented(ast.parse("class Lot:\n    pass\n"))) == ["the module", "Lot"]
    assert list(undocumented(ast.parse('"""Doc."""\ndef _own():\n    a = 1\n    b = 2\n    return a\n'))) == []
    assert left_overs("x = 1\n# TO" + "DO: later\nraise NotImplemented" + "Error\n") == [2, 3]
