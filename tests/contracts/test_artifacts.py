"""Committed artefacts come from the committed sources by the pinned compiler; locks and chains are what they say."""

from __future__ import annotations

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

import contracts
from ledger.evidence.anchor import HEADS_SLOT, KNOWN_CODE, MODES, head_slots, log_id
from ledger.log.merkle import MAX_SIZE
from scripts import toolchain
from scripts.contracts import ARTIFACTS, SOURCES, build, compile_sources, compiler_input, read_sources
from scripts.devchain import deploy_local
from scripts.toolchain import CONTRACTS, LOCK, Toolchain, lock_faults
from tests.contracts.world import LOG_ID, ORIGIN

NAMES = ("LogAnchor", "Rfc6962Verifier")


def test_the_sources_compile_to_the_committed_artefacts(tools: Toolchain) -> None:
    made = build(tools, read_sources())
    assert sorted(made) == sorted(file.name for file in ARTIFACTS.iterdir())
    for name, text in made.items():
        assert text == (ARTIFACTS / name).read_text(encoding="utf-8"), f"{name}: run `make contracts`"


def test_another_source_gives_another_code_and_a_comment_the_same(tools: Toolchain) -> None:
    sources = read_sources()
    name = "src/LogAnchor.sol"
    bent = sources[name].replace("treeSize < size", "treeSize <= size")
    assert bent != sources[name]
    code = {
        what: compile_sources(tools, compiler_input({**sources, name: text}))["LogAnchor"]["evm"]["bytecode"]["object"]
        for what, text in {"bent": bent, "commented": sources[name] + "// a comment\n"}.items()
    }
    committed = contracts.artifact()["creation_code"].removeprefix("0x")
    assert code["commented"] == committed
    assert code["bent"] != committed


def test_what_does_not_compile_is_reported_with_its_place(tools: Toolchain) -> None:
    with pytest.raises(SystemExit, match=r"ParserError.*\n.*src/Broken.sol:1"):
        compile_sources(tools, compiler_input({"src/Broken.sol": "contract {"}))


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_is_whole(name: str) -> None:
    made = contracts.artifact(name)
    creation, runtime = (bytes.fromhex(made[key][2:]) for key in ("creation_code", "runtime_code"))
    assert made["creation_keccak256"] == f"0x{keccak(creation).hex()}"
    assert made["runtime_keccak256"] == f"0x{keccak(runtime).hex()}"
    assert creation.endswith(runtime)  # no metadata, no immutable, no library: the code at an address is this one
    assert made["input_sha256"] == sha256((ARTIFACTS / "input.json").read_bytes()).hexdigest()
    manifest = json.loads((CONTRACTS / "package.json").read_bytes())
    assert re.fullmatch(
        rf"solc {re.escape(manifest['devDependencies']['solc'])}\+commit\.[0-9a-f]{{8}}.*", made["compiler"]
    )
    for kind in ("functions", "errors", "events"):
        for text, hashed in made[kind].items():
            assert hashed == f"0x{keccak(text.encode()).hex()}"[: len(hashed)]
    assert {one["name"] for one in made["abi"] if one["type"] == "error"} == {
        text.partition("(")[0] for text in made["errors"]
    }


def test_the_settings_are_those_of_the_decision() -> None:
    settings = json.loads((ARTIFACTS / "input.json").read_bytes())["settings"]
    assert settings["viaIR"] is True
    assert settings["evmVersion"] == "cancun"
    assert settings["optimizer"] == {"enabled": True, "runs": 200}
    assert settings["metadata"] == {"appendCBOR": False, "bytecodeHash": "none"}


def test_the_deployed_code_is_the_artefact_and_the_example_is_reproduced(tools: Toolchain) -> None:
    """The example deployment is a real one, on a chain that starts the same every time."""
    made = deploy_local(tools)
    assert made == contracts.deployment("local")
    assert made["runtime_keccak256"] == contracts.artifact()["runtime_keccak256"]
    assert contracts.deployment("mainnet") is None


def test_offline_evidence_reads_what_this_build_stores() -> None:
    """`ledger` knows the code and the storage by constants of its own: it does not import the artefacts."""
    made = contracts.artifact()
    assert made["runtime_keccak256"].removeprefix("0x") in KNOWN_CODE
    slots = {one["name"]: one["slot"] for one in made["storage_layout"]["variables"]}
    assert slots["_heads"] == HEADS_SLOT
    (enum,) = re.findall(r"enum Mode {([^}]*)}", (SOURCES / "ILogAnchor.sol").read_text(encoding="utf-8"))
    assert tuple(name.strip().lower() for name in enum.split(",")) == MODES
    base = int.from_bytes(keccak(LOG_ID + HEADS_SLOT.to_bytes(32, "big")), "big")
    assert head_slots(log_id(ORIGIN)) == (base, base + 1, base + 2)


def test_chains_are_data_of_one_shape() -> None:
    chains = contracts.chains()
    assert list(chains) == ["mainnet", "sepolia", "hoodi", "local"]
    assert {name: one["id"] for name, one in chains.items()} == {
        "mainnet": 1, "sepolia": 11155111, "hoodi": 560048, "local": 31337,
    }  # fmt: skip
    assert [name for name, one in chains.items() if not one["testnet"]] == ["mainnet"]
    for name, one in chains.items():
        assert list(one)[:5] == ["id", "name", "genesis_hash", "explorer", "finality"]
        assert type(one["id"]) is int
        assert 0 < one["id"] <= MAX_SIZE  # kept in 64-bit columns
        assert one["finality"] in ("finalized", "confirmations")
        assert ("confirmations" in one) is (one["finality"] == "confirmations")
        if name != "local":
            assert re.fullmatch(r"0x[0-9a-f]{64}", one["genesis_hash"])
    assert len({one["genesis_hash"] for one in chains.values()}) == len(chains)


@pytest.mark.parametrize("file", sorted((CONTRACTS / "deployments").glob("*.json")), ids=lambda file: file.stem)
def test_deployments_are_of_one_shape_and_of_a_known_chain(file: Path) -> None:
    made = json.loads(file.read_bytes())
    chain = contracts.chains()[file.stem]
    shape = contracts.deployment_record(
        {"contractAddress": "", "transactionHash": "", "blockNumber": "0x0", "blockHash": ""},
        chain="", chain_id=0, genesis_hash="", owner="",
    )  # fmt: skip
    assert list(made) == list(shape)
    assert (made["chain"], made["chain_id"]) == (file.stem, chain["id"])
    assert chain["genesis_hash"] in ("", made["genesis_hash"])
    for name, length in (("address", 40), ("owner", 40), ("transaction_hash", 64), ("block_hash", 64)):
        assert re.fullmatch(rf"0x[0-9a-f]{{{length}}}", made[name])


def bent(change: str) -> str:
    lock: dict[str, Any] = json.loads(LOCK.read_bytes())
    package = lock["packages"]["node_modules/solc"]
    if change == "host":
        package["resolved"] = "https://registry.example/solc.tgz"
    elif change == "digest":
        del package["integrity"]
    elif change == "weak digest":
        package["integrity"] = "sha1-AAAA"
    else:
        lock["packages"][""]["devDependencies"]["solc"] = "0.8.36"
    return json.dumps(lock)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("host", "it names a host"),
        ("digest", "node_modules/solc has no digest"),
        ("weak digest", "node_modules/solc has no digest"),
        ("version", "its devDependencies are not those of package.json"),
    ],
)
def test_the_lock_of_the_tools_names_digests_and_no_host(change: str, fault: str) -> None:
    assert lock_faults(LOCK.read_text(encoding="utf-8")) == []
    (found,) = lock_faults(bent(change))
    assert found.startswith(fault)


def test_a_package_with_other_bytes_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm refuses it, and what is half done is not taken for an installation."""
    lock = json.loads(LOCK.read_bytes())
    good = lock["packages"]["node_modules/memorystream"]["integrity"]
    lock["packages"]["node_modules/memorystream"]["integrity"] = "sha512-" + "A" * (len(good) - 9) + "=="
    changed = tmp_path / "package-lock.json"
    changed.write_text(json.dumps(lock), encoding="utf-8")
    monkeypatch.setattr(toolchain, "LOCK", changed)
    with pytest.raises(SystemExit, match="EINTEGRITY"):
        toolchain.install(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []


def test_an_installation_is_made_once(tools: Toolchain) -> None:
    assert toolchain.install() == tools
    assert tools.modules.is_relative_to(toolchain.TOOLS)


def test_what_is_not_installed_is_not_found(tools: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toolchain.installed() == tools
    assert toolchain.installed(tmp_path) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert toolchain.installed() is None, "no Node"


def test_the_compiler_answers_more_than_a_pipe_holds(tools: Toolchain) -> None:
    """The package's own command line cuts its answer at 64 KiB; forge and slither read ours through a pipe."""
    whole = compiler_input(read_sources())
    whole["settings"] = {**whole["settings"], "outputSelection": {"*": {"*": ["irOptimized"]}}}
    given = json.dumps(whole)
    command = [str(tools.node), str(CONTRACTS / "solc.js"), "--standard-json"]
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=tools.environment, check=True)
    assert len(done.stdout) > 2**16
    assert sorted(json.loads(done.stdout)["contracts"]) == sorted(f"src/{file.name}" for file in SOURCES.glob("*.sol"))
    wrong = subprocess.run([*command[:2], "--help"], capture_output=True, text=True, env=tools.environment, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("usage: solc.js")
