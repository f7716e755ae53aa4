"""The project's own source, as text and as syntax trees."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ledger", "service", "clients", "contracts")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def modules(*packages: str) -> tuple[Path, ...]:
    """Python files of these packages, relative to the root; at least one each."""
    found: list[Path] = []
    for package in packages:
        files = sorted((ROOT / package).rglob("*.py"))
        assert files, f"no module in {package}/"
        found += [file.relative_to(ROOT) for file in files]
    return tuple(found)


@functools.cache
def text_of(module: Path) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


@functools.cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(text_of(module), filename=str(module))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of a tree, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: Function) -> int:
    """Lines from `def` to the last, decorators not counted."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of attributes on a name; its tail alone when the chain starts at something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else node.attr
    return ""
