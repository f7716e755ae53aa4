"""Break the contracts in every small way, and see that the tests in a real EVM notice (`make mutate-contracts`).

A mutant is one change to one line of contracts/src: an operator, a constant, a condition, a statement left out. Each is
compiled as the artefacts are and given to tests/contracts; a mutant with which all of them pass survives. Survivors are
printed, and fail the run unless `ANSWERED` says why no caller can tell them from the original. A change that does not
compile, or gives the same code, is no mutant.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import contracts
from scripts.contracts import SHIPPED, artifact, compile_sources, compiler_input, read_sources
from scripts.toolchain import ROOT, Toolchain, install

FILES = ("src/LogAnchor.sol", "src/Rfc6962.sol", "src/Rfc6962Verifier.sol")
TESTS = ("anchor", "roles", "differential")
SWAPS = [  # what is looked for, what stands there instead
    (r" == ", " != "), (r" != ", " == "), (r" >= ", " > "), (r" > ", " >= "), (r" < ", " <= "), (r" < ", " > "),
    (r" && ", " || "), (r" \|\| ", " && "), (r" \+ ", " - "), (r" - ", " + "), (r" >> ", " << "), (r" & ", " | "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"!(?=[\w(])", ""), (r"\+\+", "--"),
    (r"\badd\(", "sub("), (r"\bsub\(", "add("), (r"\bxor\(", "or("), (r"\band\(", "or("), (r"\bor\(", "and("),
    (r"\beq\(", "lt("), (r"\bshr\(", "shl("), (r"\bshl\(", "shr("), (r"\bMode\.Strict\b", "Mode.Loose"),
    (r"\bMode\.Loose\b", "Mode.Strict"), (r"\bMode\.Unregistered\b", "Mode.Loose"), (r"\bmsg\.sender\b", "_owner"),
    (r"\bblock\.timestamp\b", "block.number"), (r"\bblock\.number\b", "block.timestamp"), (r"\bonlyOwner ", ""),
    (r"\b0x00\b", "0x01"), (r"(?<![\w.])(0|1|2|5|31|32|64|65|96)(?![\w.])", "+1"), (r"\b(fr|sr)\b", "other"),
    (r"\boldSize\b", "newSize"), (r"\bnewSize\b", "oldSize"), (r"\boldRoot\b", "newRoot"), (r"\bnewRoot\b", "oldRoot"),
    (r"\bindex\b", "size"), (r"\bfn\b", "sn"), (r"\bsn\b", "fn"), (r"\ba\b", "b"), (r"\bb\b", "a"),
    (r"\btreeSize\b", "size"), (r"\bleafHash\b", "root"), (r"\bwhole\b", "true"), (r"\bchain\b", "root"),
]  # fmt: skip
STATEMENT = re.compile(
    r"^\s+(?!(?:return|let|function|bytes32|uint|bool|Head|ILog)\b|[)}])(?:\S.*;|(?:mstore|pop|hashed|at|fn|sn|fr|sr)\b.*)\s*$"
)
_EQUAL = "if (oldSize == newSize) return oldSize != 0 && proof.length == 0 && oldRoot == newRoot;"
_ORDER = "if (oldSize == 0 || oldSize > newSize || proof.length == 0) return false;"
_HASH = "pop(staticcall(gas(), 2, add(a, 31), 65, add(a, 64), 32))"
ANSWERED = {
    # The sizes are equal where the line asks.
    (_EQUAL, _EQUAL.replace("return oldSize", "return newSize")),
    # Equal sizes were answered the line before.
    (_ORDER, _ORDER.replace(">", ">=")),
    # From a size of 0 no proof of any length is whole: what the condition says is said for the reader.
    (_ORDER, _ORDER.replace("oldSize == 0", "newSize == 0")),
    # One byte of nothing between the two nodes.
    ("let b := add(a, 96)", "let b := add(a, 97)"),
    # No node has a chain without the precompile: `testFuzz_a_chain_without_the_precompile` of forge notices this one.
    ("if (!hashed) revert HashFailed();", ""),
    # The precompile answers with 32 bytes, and no more are copied however many are asked for.
    *((_HASH.replace("a,", f"{node},"), _HASH.replace("a,", f"{node},").replace(", 32)", ", 33)")) for node in "ab"),
}


class Mutant(NamedTuple):
    """One change: file, line from 1, the line before and after."""

    file: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}\n  - {self.before.strip()}\n  + {self.after.strip()}"


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Every change to the code of a file, comments and what only declares left out."""
    seen = set()
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("//")[0]
        if not code.strip() or re.match(r"\s*(//|pragma|import|contract|library|mapping|function|error|\*|@)", code):
            continue
        for after in [*_swapped(code), *_left_out(code)]:
            if (number, after) not in seen and after != code:
                seen.add((number, after))
                yield Mutant(file, number, code, after)


def _swapped(code: str) -> Iterator[str]:
    for pattern, instead in SWAPS:
        for found in re.finditer(pattern, code):
            new = instead
            if instead == "+1":
                new = str(int(found[0]) + 1)
            elif instead == "other":
                new = "sr" if found[0] == "fr" else "fr"
            yield code[: found.start()] + new + code[found.end() :]


def _left_out(code: str) -> Iterator[str]:
    """Without the statement."""
    if STATEMENT.match(code):
        yield ""


def compile_mutant(tools: Toolchain, sources: dict[str, str], mutant: Mutant) -> dict[str, dict[str, object]] | None:
    """Artefacts, or None when it does not compile or is the same code."""
    lines = sources[mutant.file].splitlines(keepends=True)
    lines[mutant.line - 1] = mutant.after + "\n"
    try:
        compiled = compile_sources(tools, compiler_input({**sources, mutant.file: "".join(lines)}), warnings=True)
    except SystemExit:
        return None
    made = {name: artifact(name, compiled[name], compiler="", input_sha256="") for name in SHIPPED}
    same = all(made[name]["creation_code"] == contracts.artifact(name)["creation_code"] for name in SHIPPED)
    return None if same else made


def is_noticed(made: dict[str, dict[str, object]]) -> bool:
    """Whether a test fails with these artefacts."""
    with tempfile.TemporaryDirectory() as folder:
        for name, one in made.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(one), encoding="utf-8")
        tests = [f"tests/contracts/test_{name}.py" for name in TESTS]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "CONTRACTS_UNDER_TEST": folder, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        try:
            done = subprocess.run(  # noqa: S603  our own words
                command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False
            )
        except subprocess.TimeoutExpired:
            return True
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    return done.returncode == 1


def main() -> int:
    """Every mutant, or those whose file or line has a word in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="mutants of files, or of lines, with this word")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    tools, sources = install(), read_sources()
    chosen = [one for file in FILES for one in mutants(file, sources[file]) if given.only in f"{one.file} {one.before}"]

    def judge(mutant: Mutant) -> str:
        made = compile_mutant(tools, sources, mutant)
        if made is None:
            return "no mutant"
        return "killed" if is_noticed(made) else "survived"

    counted = {"no mutant": 0, "killed": 0, "survived": 0, "answered": 0}
    with ThreadPoolExecutor(given.workers) as pool:
        for done, (mutant, fate) in enumerate(zip(chosen, pool.map(judge, chosen), strict=True), 1):
            answered = fate == "survived" and (mutant.before.strip(), mutant.after.strip()) in ANSWERED
            counted["answered" if answered else fate] += 1
            if fate == "survived" and not answered:
                print(f"survived: {mutant}", flush=True)
            if done % 50 == 0:
                print(f"{done} of {len(chosen)}: {counted}", flush=True)
    print(f"{len(chosen)} changes: {counted}")
    return int(counted["survived"] > 0)


if __name__ == "__main__":
    sys.exit(main())
