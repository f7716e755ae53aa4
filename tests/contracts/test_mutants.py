"""`make mutate-contracts` breaks what it says it breaks, and one of its mutants meets the tests here."""

from __future__ import annotations

from scripts.contracts import read_sources
from scripts.mutate import ANSWERED, FILES, Mutant, compile_mutant, is_noticed, mutants
from scripts.toolchain import Toolchain

SOURCE = """
contract C { // a comment with 1 + 1
    /// @notice true && false
    function f(uint256 a) external onlyOwner returns (bool) {
        if (a < 2) revert Small();
        return a != 5;
    }
"""


def test_every_line_of_code_is_broken_and_no_comment() -> None:
    made = [(one.line, one.after.strip()) for one in mutants("C.sol", SOURCE)]
    assert set(made) == {
        (5, "if (a <= 2) revert Small();"), (5, "if (a > 2) revert Small();"), (5, "if (a < 3) revert Small();"),
        (5, "if (b < 2) revert Small();"), (5, ""),
        (6, "return a == 5;"), (6, "return a != 6;"), (6, "return b != 5;"),
    }  # fmt: skip
    assert len(made) == len(set(made))


def test_every_answer_is_about_a_line_that_is_still_there() -> None:
    sources = read_sources()
    made = {(one.before.strip(), one.after.strip()) for file in FILES for one in mutants(file, sources[file])}
    assert made > ANSWERED
    assert len(made) > 250


def test_a_mutant_without_the_proof_is_noticed_and_a_comment_is_none(tools: Toolchain) -> None:
    sources = read_sources()
    file = "src/LogAnchor.sol"
    lines = sources[file].splitlines()
    at = next(n for n, line in enumerate(lines) if "revert InconsistentCheckpoint" in line)
    made = compile_mutant(tools, sources, Mutant(file, at + 1, lines[at], ""))
    assert made is not None
    assert is_noticed(made)
    assert compile_mutant(tools, sources, Mutant(file, at + 1, lines[at], lines[at] + " // the same")) is None
    assert compile_mutant(tools, sources, Mutant(file, at + 1, lines[at], "revert;;")) is None
