"""Fuzz tests and invariants in Solidity, run by the real forge with the compiler of the artefacts."""

from __future__ import annotations

import json
import re
import subprocess

from scripts.contracts import SETTINGS
from scripts.toolchain import CONTRACTS, Toolchain

TEST = re.compile(r"^    function ((?:test|invariant_)\w*)\(", re.MULTILINE)


def test_every_fuzz_test_and_invariant_passes(tools: Toolchain) -> None:
    files = sorted((CONTRACTS / "test").glob("*.t.sol"))
    expected = {name for file in files for name in TEST.findall(file.read_text(encoding="utf-8"))}
    assert len(expected) > 15
    done = subprocess.run(
        [str(tools.binary("forge")), "test", "--json"],
        cwd=CONTRACTS, env=tools.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    ran = {
        name.partition("(")[0]: result
        for suite in json.loads(done.stdout).values()
        for name, result in suite["test_results"].items()
    }
    failed = {
        name: result["reason"] or result["counterexample"]
        for name, result in ran.items()
        if result["status"] != "Success"
    }
    assert failed == {}
    assert set(ran) == expected
    assert done.returncode == 0
    for name, result in ran.items():
        (kind,) = result["kind"]
        assert kind == ("Invariant" if name.startswith("invariant_") else "Fuzz")
        assert result["kind"][kind]["runs"] >= (32 if kind == "Invariant" else 256)


def test_forge_compiles_as_the_artefacts_are_compiled(tools: Toolchain) -> None:
    done = subprocess.run(
        [str(tools.binary("forge")), "config", "--json"],
        cwd=CONTRACTS, env=tools.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    config = json.loads(done.stdout)
    assert config["evm_version"] == SETTINGS["evmVersion"]
    assert config["via_ir"] is SETTINGS["viaIR"] is True
    assert {"enabled": config["optimizer"], "runs": config["optimizer_runs"]} == SETTINGS["optimizer"]
    assert config["offline"] is True
    assert config["ffi"] is False
