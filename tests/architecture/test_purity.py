"""`ledger/` takes time, randomness and bytes as arguments: nothing in it reads a clock, draws a number or opens a file.

import-linter forbids the modules; here are the calls and names that need no import of their own, or
that hide in a module which is allowed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import dotted, modules, tree_of

# Calls by the last two names of the chain, or the only one.
FORBIDDEN_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.fromtimestamp",
    "Ed25519PrivateKey.generate", "SigningKey.generate", "ec.generate_private_key", "generate_private_key",
    "utils.random", "open", "print", "input", "eval", "exec", "__import__", "breakpoint",
}  # fmt: skip


def impurities(tree: ast.Module) -> Iterator[str]:
    """Forbidden calls and floating-point numbers of a module, as `line: what`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            chain = dotted(node.func)
            if chain in FORBIDDEN_CALLS or ".".join(chain.split(".")[-2:]) in FORBIDDEN_CALLS:
                yield f"{node.lineno}: {chain}()"
            if chain == "float":
                yield f"{node.lineno}: float()"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{node.lineno}: {node.value!r}"


def test_ledger_reads_no_clock_and_draws_no_number() -> None:
    found = [f"{module}:{what}" for module in modules("ledger") for what in impurities(tree_of(module))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("datetime.now(UTC)", "datetime.now()"),
        ("datetime.datetime.utcnow()", "datetime.datetime.utcnow()"),
        ("Ed25519PrivateKey.generate()", "Ed25519PrivateKey.generate()"),
        ("open('x')", "open()"),
        ("float('1')", "float()"),
        ("x = 0.5", "0.5"),
    ],
)
def test_the_scan_sees_a_clock_a_key_a_file_and_a_float(source: str, what: str) -> None:
    assert list(impurities(ast.parse(source))) == [f"1: {what}"]
    assert list(impurities(ast.parse("x = parse_time(text)"))) == []


# pydantic's validators speak ValueError; `check_schema` turns what comes of it into a SchemaError.
SCHEMAS = re.compile(
    r"ledger/custody/(vocabulary|register|bodies|attestations|diligence)\.py|ledger/rules/(claim|checks/(attested|national|union_imports))\.py"
)
FOREIGN = {"ValueError", "KeyError", "TypeError", "IndexError", "RuntimeError", "Exception", "OSError"}


def foreign_raises(tree: ast.Module) -> Iterator[str]:
    """`raise` of a class that is no LedgerError, as `line: class`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            if name in FOREIGN:
                yield f"{node.lineno}: {name}"


def test_ledger_raises_its_own_errors_only() -> None:
    found = [
        f"{module}:{what}"
        for module in modules("ledger")
        if not SCHEMAS.fullmatch(module.as_posix())
        for what in foreign_raises(tree_of(module))
    ]
    assert found == []
    assert list(foreign_raises(ast.parse("raise ValueError('no')"))) == ["1: ValueError"]
    assert list(foreign_raises(ast.parse("raise StaleHead('no')"))) == []
