"""Settings, keys and the node's answers: what is wrong is named with its setting, and the ledger goes on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import artifact
from ledger.evidence.patricia import parse_header
from service.adapters.anchor_keys import KeystoreSigner, RemoteSigner, load_keystore, make_keystore
from service.adapters.chain import AnchorSetupError, NodeDown, NodeRefused
from service.adapters.ethereum import EthereumNode, encode_header
from service.config import AnchorSettings, Settings, SettingsError
from service.usecases import anchor_setup
from service.usecases.anchor_setup import connect, find_chain, find_place, make_signer, sink_names
from service.usecases.anchoring import plan_anchor
from tests.architecture.source import ROOT
from tests.service.anchors.site import KEY, Log

ADDRESS = anchor_setup.checksum("0x" + "5f" * 20)
GOOD = AnchorSettings(
    sinks="ethereum", chain="sepolia", rpc="http://127.0.0.1:1/", contract="0x" + "5f" * 20, timeout_seconds=1.0
)


def everything(settings: AnchorSettings) -> None:
    """Whatever is made of the settings."""
    sink_names(settings)
    connect(settings, find_place(settings).contract)
    make_signer(settings)


def test_variables() -> None:
    told = {
        "LODELINE_ANCHOR_SINKS": "file, ethereum",
        "LODELINE_ANCHOR_FOLDER": "/mnt/outside",
        "LODELINE_ANCHOR_CHAIN": "sepolia",
        "LODELINE_ANCHOR_KEYSTORE": "key.json",
        "LODELINE_ANCHOR_PASSWORD": "key.password",
        "LODELINE_ANCHOR_LEAST_ENTRIES": "5",
        "LODELINE_ANCHOR_FEE_CAP_GWEI": "12.5",
    }
    anchor = Settings.from_environment(told).anchor
    assert anchor == AnchorSettings(
        sinks="file, ethereum",
        folder=Path("/mnt/outside"),
        chain="sepolia",
        keystore=Path("key.json"),
        password=Path("key.password"),
        least_entries=5,
        fee_cap_gwei=12.5,
    )
    assert sink_names(anchor) == ["file", "ethereum"]
    assert Settings.from_environment({}).anchor == AnchorSettings()
    with pytest.raises(SettingsError, match="LODELINE_ANCHOR_LEAST_ENTRIES"):
        Settings.from_environment({"LODELINE_ANCHOR_LEAST_ENTRIES": "few"})


@pytest.mark.parametrize("sinks", ["", " ", "none", "none,"])
def test_no_sinks_is_the_default(sinks: str) -> None:
    assert sink_names(AnchorSettings(sinks=sinks)) == []


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"sinks": "ethereum,paper"}, "LODELINE_ANCHOR_SINKS"),
        ({"chain": "nowhere"}, "LODELINE_ANCHOR_CHAIN"),
        ({"contract": ""}, "LODELINE_ANCHOR_CONTRACT"),
        ({"contract": "0x12"}, "LODELINE_ANCHOR_CONTRACT"),
        ({"finality": "soon"}, "LODELINE_ANCHOR_FINALITY"),
        ({"finality": "-1"}, "LODELINE_ANCHOR_FINALITY"),
        ({"rpc": ""}, "LODELINE_ANCHOR_RPC"),
        ({"rpc": "ftp://node.example"}, "LODELINE_ANCHOR_RPC"),
        ({"rpc": "127.0.0.1:8545"}, "LODELINE_ANCHOR_RPC"),
        ({"signer": "http://signer.example", "address": "me"}, "LODELINE_ANCHOR_ADDRESS"),
        ({}, "LODELINE_ANCHOR_KEYSTORE"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], setting: str) -> None:
    settings = replace(GOOD, **change)
    with pytest.raises(AnchorSetupError, match=setting):
        everything(settings)


def test_the_file_sink_wants_a_folder(log: Log) -> None:
    from service.usecases.anchoring import Outbox
    from tests.support.server import SIGNER

    outbox = Outbox(log.service.store, "file", "one")
    with pytest.raises(AnchorSetupError, match="LODELINE_ANCHOR_FOLDER"):
        anchor_setup.make_sink(outbox, AnchorSettings(), origin="o", verifier=SIGNER.verifier)


def test_a_place_from_settings_and_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    place = find_place(GOOD)
    assert (place.chain, place.confirmations) == (11155111, None)
    assert place.contract == ADDRESS
    assert find_place(replace(GOOD, finality="12")).confirmations == 12
    assert find_place(replace(GOOD, chain="local")).confirmations == 0
    assert find_place(replace(GOOD, chain="local", finality="finalized")).confirmations is None
    retired = {"old": {"id": 5, "retired": True}}
    monkeypatch.setattr(anchor_setup, "chains", lambda: retired)
    with pytest.raises(AnchorSetupError, match="retired"):
        find_chain(replace(GOOD, chain="old"))


@pytest.mark.parametrize("module", ["service.adapters.ethereum", "eth_account", "eth_utils.address"])
def test_without_the_extra(module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "key").touch(mode=0o600)
    settings = replace(GOOD, keystore=tmp_path / "key", password=tmp_path / "key")
    with pytest.raises(AnchorSetupError, match=r"lodeline\[ethereum\]"):
        everything(settings)


def test_default_configuration_imports_nothing_of_web3() -> None:
    """Nor with the sink `file`: the service is made, and its anchor worker looks around."""
    program = (
        """
import sys, tempfile, pathlib
from service.app import create_app
from service.config import AnchorSettings
from tests.service.anchors.site import Log
""".replace("from tests.service.anchors.site import Log\n", "")
        + """
import service.manage, service.anchor_commands
from service.workers.anchorer import Anchorer
from service.usecases.anchor_setup import sink_names
assert sink_names(AnchorSettings()) == []
foreign = {name.partition(".")[0] for name in sys.modules}
assert not foreign & {"web3", "eth_account", "eth_abi", "eth_utils", "eth_hash", "rlp", "trie", "requests"}, foreign
print("none")
"""
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_only_one_module_imports_web3() -> None:
    imports = re.compile(r"^\s*(import|from) web3\b", re.MULTILINE)
    modules = [*(ROOT / "service").rglob("*.py"), *(ROOT / "ledger").rglob("*.py"), *(ROOT / "clients").rglob("*.py")]
    assert [one.name for one in modules if imports.search(one.read_text())] == ["ethereum.py"]


# ---- keys ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    folder = tmp_path_factory.mktemp("keys")
    keystore, password = folder / "key.json", folder / "key.password"
    return keystore, password, make_keystore(keystore, password)


def test_a_keystore_that_was_made_is_opened(keys: tuple[Path, Path, str]) -> None:
    keystore, password, address = keys
    assert load_keystore(keystore, password).address == address
    assert keystore.stat().st_mode & 0o777 == 0o600
    assert password.stat().st_mode & 0o777 == 0o600
    assert json.loads(keystore.read_text())["version"] == 3
    with pytest.raises(AnchorSetupError, match="never overwritten"):
        make_keystore(keystore, password)


def test_a_keystore_that_does_not_open(keys: tuple[Path, Path, str], tmp_path: Path) -> None:
    keystore, password, _ = keys

    def refused(key: Path | None, secret: Path | None) -> str:
        with pytest.raises(AnchorSetupError) as caught:
            load_keystore(key, secret)
        return str(caught.value)

    def file(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content)
        path.chmod(0o600)
        return path

    assert "LODELINE_ANCHOR_PASSWORD" in refused(keystore, file("wrong", "wrong\n"))
    assert "LODELINE_ANCHOR_KEYSTORE" in refused(tmp_path / "none", password)
    assert "LODELINE_ANCHOR_PASSWORD" in refused(keystore, tmp_path / "none")
    assert "LODELINE_ANCHOR_KEYSTORE" in refused(None, None)
    assert "not JSON" in refused(file("text", "hello"), password)
    assert "version 3" in refused(file("old", '{"version": 1}'), password)
    assert "version 3" in refused(file("list", "[]"), password)
    assert "damaged" in refused(file("torn", '{"version": 3, "crypto": {}}'), password)
    loose = file("loose", keystore.read_text())
    loose.chmod(0o644)
    assert "chmod 600" in refused(loose, password)
    with pytest.raises(AnchorSetupError, match="cannot be made"):
        make_keystore(tmp_path / "text" / "key.json", password)


TRANSACTION: dict[str, Any] = {
    "type": 2,
    "chainId": 31337,
    "nonce": 3,
    "to": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "value": 0,
    "gas": 100_000,
    "maxFeePerGas": 10**10,
    "maxPriorityFeePerGas": 10**9,
    "data": b"\x01\x02",
}


def remote(answer: Any) -> RemoteSigner:
    seen = KeystoreSigner(KEY).address

    def handle(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        assert asked["method"] == "eth_signTransaction"
        assert asked["params"][0]["from"] == seen
        assert asked["params"][0]["data"] == "0x0102"
        return httpx.Response(200, **{"content" if isinstance(answer, bytes) else "json": answer})

    return RemoteSigner("http://signer.example/", seen, timeout=1.0, transport=httpx.MockTransport(handle))


def test_a_remote_signer_is_believed_when_it_signed_what_was_asked() -> None:
    raw = KeystoreSigner(KEY).sign(TRANSACTION)
    assert remote({"result": "0x" + raw.hex()}).sign(TRANSACTION) == raw
    assert remote({"result": {"raw": "0x" + raw.hex(), "tx": {}}}).sign(TRANSACTION) == raw


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": 4},
        {"to": ADDRESS},
        {"data": b"\x01\x03"},
        {"value": 1},
        {"maxFeePerGas": 10**12},
        {"chainId": 1},
    ],
)
def test_a_remote_signer_that_signs_something_else(change: dict[str, Any]) -> None:
    raw = KeystoreSigner(KEY).sign({**TRANSACTION, **change})
    with pytest.raises(AnchorSetupError, match="something else"):
        remote({"result": "0x" + raw.hex()}).sign(TRANSACTION)


def test_a_remote_signer_with_another_key_or_no_answer() -> None:
    other = KeystoreSigner(bytes([7]) * 32).sign(TRANSACTION)
    with pytest.raises(AnchorSetupError, match="something else"):
        remote({"result": "0x" + other.hex()}).sign(TRANSACTION)
    for answer in (
        {"error": {"message": "no such key"}},
        {"result": "0x02"},
        {"result": None},
        {"result": "0x03aa"},
        b"<html>",
    ):
        with pytest.raises(AnchorSetupError, match="LODELINE_ANCHOR_SIGNER"):
            remote(answer).sign(TRANSACTION)
    down = RemoteSigner("http://127.0.0.1:1/", KeystoreSigner(KEY).address, timeout=1.0)
    with pytest.raises(AnchorSetupError, match="LODELINE_ANCHOR_SIGNER"):
        down.sign(TRANSACTION)


def test_a_signer_from_settings(keys: tuple[Path, Path, str]) -> None:
    keystore, password, address = keys
    assert make_signer(replace(GOOD, keystore=keystore, password=password)).address == address
    there = make_signer(replace(GOOD, signer="http://signer.example", address=address.lower()))
    assert (type(there), there.address) == (RemoteSigner, address)


# ---- the policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "last", "waited", "due"),
    [
        (0, None, 0, False),
        (1, None, 0, True),
        (10, 10, 10**6, False),
        (14, 10, 99, False),
        (14, 10, 100, False),
        (15, 10, 99, False),
        (15, 10, 100, True),
        (11, 10, 999, False),
        (11, 10, 1_000, True),
    ],
)
def test_when_a_checkpoint_is_due(size: int, last: int | None, waited: int, due: bool) -> None:
    settings = AnchorSettings(least_seconds=100, most_seconds=1_000, least_entries=5)
    given: Any = None if last is None else type("Given", (), {"size": last, "queued": 50})()
    assert plan_anchor(settings, size, given, 50 + waited) is due


# ---- the node ----------------------------------------------------------------------------------------------------


class Answers:
    """A node whose answers are made up."""

    def __init__(self, **told: Any) -> None:
        self.node = EthereumNode("http://127.0.0.1:1/", ADDRESS, artifact()["abi"], timeout=1.0)
        self.node._request = lambda method, _params: told.get(method, told.get("any"))  # type: ignore[assignment]


def test_a_node_that_is_not_there() -> None:
    with pytest.raises(NodeDown):
        EthereumNode("http://127.0.0.1:1/", ADDRESS, artifact()["abi"], timeout=1.0).chain_id()


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"jsonrpc": "2.0"}])
def test_a_server_that_is_no_node(answer: Any) -> None:
    with pytest.raises(NodeDown):
        Answers(any=answer).node.chain_id()


@pytest.mark.parametrize("result", [None, "xyz", "0xzz", {}, []])
def test_answers_of_another_shape_are_refusals(result: Any) -> None:
    node = Answers(any={"result": result}).node
    for ask in (
        node.chain_id,
        node.code_hash,
        lambda: node.head(bytes(32)),
        lambda: node.is_anchorer(bytes(32), ADDRESS),
        node.owner,
        lambda: node.nonce("0x"),
        lambda: node.prove([1], "latest"),
    ):
        with pytest.raises(NodeRefused):
            ask()


@pytest.mark.parametrize("words", [[], [1], [1, 2, 3, 4, 9, 6, 7]])
def test_a_contract_that_answers_something_else_is_refused(words: list[int]) -> None:
    node = Answers(any={"result": "0x" + b"".join(one.to_bytes(32, "big") for one in words).hex()}).node
    for ask in (lambda: node.head(bytes(32)), lambda: node.mode(bytes(32))):
        with pytest.raises(NodeRefused):
            ask()


def test_blocks_and_receipts_that_lack_something() -> None:
    for told in ({}, {"number": "0x1"}, {"number": None, "hash": "0x", "timestamp": "0x1"}):
        with pytest.raises(NodeRefused):
            Answers(any={"result": told}).node.block(1)
        with pytest.raises(NodeRefused):
            Answers(any={"result": told}).node.receipt("0x")
        with pytest.raises(NodeRefused):
            Answers(any={"result": told}).node.fees()
    assert Answers(any={"result": None}).node.block(1) is None
    assert Answers(any={"result": None}).node.receipt("0x") is None
    assert Answers(any={"result": None}).node.knows("0x") is False


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"message": "execution reverted", "data": "0x7a887bfc"}, "InconsistentCheckpoint"),
        ({"message": "reverted", "data": {"data": "0x7a887bfc00"}}, "InconsistentCheckpoint"),
        ({"message": "reverted", "data": "0x12345678"}, ""),
        ({"message": "reverted"}, ""),
        ("a text", ""),
    ],
)
def test_errors_of_the_contract_have_their_names(error: Any, name: str) -> None:
    with pytest.raises(NodeRefused) as caught:
        Answers(any={"error": error}).node.estimate("0x", b"")
    assert caught.value.error == name


def test_fees_without_rewards() -> None:
    told = {"baseFeePerGas": ["0x1", "0x5"]}
    assert Answers(any={"result": told}).node.fees() == (5, 0)
    assert Answers(any={"result": {**told, "reward": [["0x9"], ["0x2"], ["0x3"]]}}).node.fees() == (5, 3)


def test_a_header_of_a_fork_that_is_not_known_gives_no_evidence() -> None:
    """The hash would be another one: better no evidence than false evidence."""
    block: dict[str, str] = {"number": "0x1", "hash": "0x" + "11" * 32, "timestamp": "0x1"}
    block |= {name: "0x" + "00" * length for name, length in HASHES}
    block |= {"difficulty": "0x0", "gasLimit": "0x1", "gasUsed": "0x0", "extraData": "0x", "futureField": "0x1"}
    told = {"accountProof": [], "storageProof": []}
    node = Answers(eth_getBlockByNumber={"result": block}, eth_getProof={"result": told}).node
    with pytest.raises(NodeRefused, match="does not know"):
        node.prove([1], 1)
    assert parse_header(encode_header(block)).number == 1
    gone = Answers(eth_getBlockByNumber={"result": None}).node
    with pytest.raises(NodeRefused, match="any more"):
        gone.prove([1], 1)


HASHES = [
    ("parentHash", 32), ("sha3Uncles", 32), ("miner", 20), ("stateRoot", 32), ("transactionsRoot", 32),
    ("receiptsRoot", 32), ("logsBloom", 256), ("mixHash", 32), ("nonce", 8),
]  # fmt: skip
