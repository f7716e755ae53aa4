"""Compile contracts/src into contracts/artifacts (`make contracts`), or say that they no longer fit (--check).

The compiler is the one that contracts/package-lock.json pins. The compiler's input holds the sources, so that anybody
can give the committed input to that compiler and compare the committed code; neither paths of this machine nor
comments change it, because no metadata is appended. Artefacts are shipped as package data: nothing is compiled, and
nothing downloaded, where a ledger runs.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from scripts.toolchain import CONTRACTS, Toolchain, install

SOURCES = CONTRACTS / "src"
ARTIFACTS = CONTRACTS / "artifacts"
SHIPPED = ("LogAnchor", "Rfc6962Verifier")
OUTPUT = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers", "storageLayout"]
SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": True,
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "outputSelection": {"*": {"*": OUTPUT}},
}


def read_sources(folder: Path = SOURCES) -> dict[str, str]:
    """Every source file by the name that the compiler is given."""
    return {f"src/{file.name}": file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.sol"))}


def compiler_input(sources: dict[str, str]) -> dict[str, Any]:
    """Standard JSON for these sources."""
    texts = {name: {"content": text} for name, text in sorted(sources.items())}
    return {"language": "Solidity", "sources": texts, "settings": SETTINGS}


def compile_sources(tools: Toolchain, given: dict[str, Any], *, warnings: bool = False) -> dict[str, Any]:
    """Contracts by name. Raises SystemExit with what the compiler said: of warnings, too, unless they are allowed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as asked, tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        json.dump(given, asked)
        asked.seek(0)
        command = [str(tools.node), str(CONTRACTS / "solc.js"), "--standard-json"]
        subprocess.run(command, stdin=asked, stdout=out, env=tools.environment, check=True)  # noqa: S603  our own words
        out.seek(0)
        answer = json.load(out)
    said = [one["formattedMessage"] for one in answer.get("errors", []) if not warnings or one["severity"] == "error"]
    if said:
        raise SystemExit("\n".join(said))
    return {name: contract for file in answer["contracts"].values() for name, contract in file.items()}


def compiler_version(tools: Toolchain) -> str:
    """Full version of the compiler, with the commit that it was built from."""
    command = [str(tools.node), str(CONTRACTS / "solc.js"), "--version"]
    done = subprocess.run(command, env=tools.environment, capture_output=True, text=True, check=True)  # noqa: S603  our own words
    return done.stdout.split("Version: ")[1].strip()


def signature(item: dict[str, Any]) -> str:
    """`name(type,...)` of an entry of an ABI: what selectors are the hash of."""
    return f"{item['name']}({','.join(_type(one) for one in item['inputs'])})"


def _type(argument: dict[str, Any]) -> str:
    if not argument["type"].startswith("tuple"):
        return str(argument["type"])
    inner = ",".join(_type(one) for one in argument["components"])
    return f"({inner}){argument['type'].removeprefix('tuple')}"


def selectors(abi: list[dict[str, Any]], kind: str, size: int) -> dict[str, str]:
    """Signature -> first `size` bytes of its hash, as hex, for the functions, errors or events of an ABI."""
    signatures = sorted(signature(item) for item in abi if item["type"] == kind)
    return {text: f"0x{keccak(text.encode())[:size].hex()}" for text in signatures}


def artifact(name: str, compiled: dict[str, Any], *, compiler: str, input_sha256: str) -> dict[str, Any]:
    """What is committed of one contract: docs/formats/anchor.md."""
    creation, runtime = compiled["evm"]["bytecode"]["object"], compiled["evm"]["deployedBytecode"]["object"]
    abi = compiled["abi"]
    return {
        "contract": name,
        "compiler": f"solc {compiler}",
        "input_sha256": input_sha256,
        "creation_code": f"0x{creation}",
        "creation_keccak256": f"0x{keccak(bytes.fromhex(creation)).hex()}",
        "runtime_code": f"0x{runtime}",
        "runtime_keccak256": f"0x{keccak(bytes.fromhex(runtime)).hex()}",
        "functions": selectors(abi, "function", 4),
        "errors": selectors(abi, "error", 4),
        "events": selectors(abi, "event", 32),
        "abi": abi,
        "storage_layout": _slots(compiled["storageLayout"]),
    }


def _slots(layout: dict[str, Any]) -> dict[str, Any]:
    """The compiler's storage layout without the numbers of its syntax tree."""
    members = {
        kind["label"].removeprefix("struct "): [_slot(member) for member in kind["members"]]
        for kind in (layout["types"] or {}).values()
        if "members" in kind
    }
    return {"variables": [_slot(variable) for variable in layout["storage"]], "structs": members}


def _slot(variable: dict[str, Any]) -> dict[str, Any]:
    kind = variable["type"].partition("(")[0].removeprefix("t_")
    return {"name": variable["label"], "slot": int(variable["slot"]), "offset": variable["offset"], "type": kind}


def build(tools: Toolchain, sources: dict[str, str]) -> dict[str, str]:
    """File name -> text of everything in contracts/artifacts."""
    given = compiler_input(sources)
    text = json.dumps(given, indent=1, sort_keys=True) + "\n"
    compiled = compile_sources(tools, given)
    compiler, digest = compiler_version(tools), hashlib.sha256(text.encode()).hexdigest()
    made = {name: artifact(name, compiled[name], compiler=compiler, input_sha256=digest) for name in SHIPPED}
    return {"input.json": text} | {f"{name}.json": json.dumps(one, indent=1) + "\n" for name, one in made.items()}


def main() -> int:
    """Write, or with --check compare."""
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        raise SystemExit("usage: python -m scripts.contracts [--check]")
    made = build(install(), read_sources())
    stale = [name for name, text in made.items() if not _is(ARTIFACTS / name, text)]
    for name in stale:
        if check:
            print(f"contracts/artifacts/{name} does not come from contracts/src: run `make contracts`", file=sys.stderr)
        else:
            (ARTIFACTS / name).write_text(made[name], encoding="utf-8")
    return int(check and bool(stale))


def _is(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
