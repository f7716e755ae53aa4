"""The worker and the operator's commands: policy, metrics, alerts, and a whole life of an anchor by hand."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from eth_account import Account

from scripts.devchain import Devchain
from service import anchor_commands
from service.adapters.anchor_keys import KeystoreSigner, load_keystore
from service.adapters.chain import AnchorSetupError
from service.config import AnchorSettings
from service.manage import main
from service.metrics import Metrics
from service.usecases.anchor_owner import AnchorRefused, Owner
from service.usecases.anchor_setup import checksum, connect
from service.usecases.anchoring import CONDITIONS
from service.workers.anchorer import SETUP_SECONDS, Anchorer
from tests.architecture.source import ROOT
from tests.service.anchors.site import CHAIN, RICH, Log
from tests.service.api.harness import serving
from tests.support.server import SIGNER, Clock, database_url
from tests.support.world import ORIGIN

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def worker(log: Log, settings: AnchorSettings, clock: Clock, metrics: Metrics | None = None, **more: Any) -> Anchorer:
    store = log.service.store
    return Anchorer(store, settings, origin=ORIGIN, verifier=SIGNER.verifier, clock=clock, metrics=metrics, **more)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"lodeline_{name}", labels)


# ---- the worker ------------------------------------------------------------------------------------------------------


def test_no_sink_by_default(log: Log) -> None:
    anchorer = worker(log, AnchorSettings(), Clock(1e9))
    assert anchorer.tick() == {}
    assert anchorer.status() == []
    anchorer.start()
    assert threading.active_count() == len(threading.enumerate())
    assert "anchorer" not in {one.name for one in threading.enumerate()}
    anchorer.stop()


def test_policy_and_metrics(log: Log, folder: Path) -> None:
    clock, metrics = Clock(1_800_000_000), Metrics()
    settings = AnchorSettings(sinks="file", folder=folder, least_seconds=100, least_entries=3)
    anchorer = worker(log, settings, clock, metrics)
    assert anchorer.tick() == {"file": "final"}
    first = log.book.head.size
    log.grow(5)
    clock.now += 99
    assert anchorer.tick() == {"file": "idle"}, "too soon"
    assert value(metrics, "anchor_behind_entries", sink="file", state="final") == 5
    clock.now += 1
    assert anchorer.tick() == {"file": "final"}
    log.grow(2)
    clock.now += 100
    assert anchorer.tick() == {"file": "idle"}, "too few"
    clock.now += 86_400
    assert anchorer.tick() == {"file": "final"}
    assert len(list(folder.iterdir())) == 3
    assert value(metrics, "anchors", sink="file", state="final") == 3
    assert value(metrics, "anchor_condition", sink="file", condition="ok") == 1
    assert value(metrics, "anchor_condition", sink="file", condition="unreachable") == 0
    assert value(metrics, "anchor_behind_entries", sink="file", state="mined") == 0
    assert value(metrics, "anchor_ticked_seconds", sink="file") == clock.now
    assert value(metrics, "anchor_events_total", sink="file", event="final") == 3
    assert sorted(int(one.name[:20]) for one in folder.iterdir())[0] == first


def test_wrong_settings_are_a_condition_and_the_ledger_goes_on(log: Log) -> None:
    """A keystore is not opened at every look: that takes a second of a core."""
    clock, tried = Clock(1_800_000_000), []

    def make(_outbox: Any) -> Any:
        tried.append(clock.now)
        raise AnchorSetupError("Set LODELINE_ANCHOR_KEYSTORE to something else.")

    anchorer = worker(log, AnchorSettings(sinks="ethereum"), clock, make=make)
    for _ in range(3):
        assert anchorer.tick() == {"ethereum": "misconfigured"}
        log.grow()
        clock.now += SETUP_SECONDS // 2
    assert len(tried) == 2
    (told,) = anchorer.status()
    assert (told["condition"], told["detail"]) == ("misconfigured", "Set LODELINE_ANCHOR_KEYSTORE to something else.")
    with pytest.raises(AnchorSetupError, match="LODELINE_ANCHOR_SINKS"):
        worker(log, AnchorSettings(sinks="paper"), clock).tick()


class Surprising:
    """A sink whose first look raises what nobody foresaw; `done` is set after the second."""

    name = "file"

    def __init__(self) -> None:
        self.looks = 0
        self.done = threading.Event()

    def submit(self, head: Any, now: int) -> bool:
        return True

    def tick(self, now: int) -> str:
        self.looks += 1
        if self.looks == 1:
            raise ZeroDivisionError
        self.done.set()
        return "idle"


def test_a_surprise_does_not_end_the_worker(log: Log) -> None:
    sink = Surprising()
    settings = AnchorSettings(sinks="file", tick_seconds=0.001)
    anchorer = worker(log, settings, Clock(1_800_000_000), make=lambda _outbox: sink)
    anchorer.start()
    assert sink.done.wait(20)
    anchorer.stop()
    assert sink.looks >= 2


def test_a_service_that_does_not_anchor_itself_shows_what_another_process_does(log: Log, folder: Path) -> None:
    clock, metrics = Clock(1_800_000_000), Metrics()
    settings = AnchorSettings(sinks="file", folder=folder, tick_seconds=0)
    assert worker(log, settings, clock).tick() == {"file": "final"}
    shown = threading.Event()
    watching = worker(log, settings, clock, metrics)
    real = watching.show
    watching.show = lambda outbox: (real(outbox), shown.set())[0]  # type: ignore[method-assign]
    watching.start()
    assert shown.wait(20)
    watching.stop()
    assert value(metrics, "anchors", sink="file", state="final") == 1
    misnamed = worker(log, replace(settings, sinks="paper"), clock)
    misnamed.run()  # returns: nobody knows this sink


def test_the_service_anchors_while_it_serves(tmp_path: Path, folder: Path) -> None:
    settings = AnchorSettings(sinks="file", folder=folder, tick_seconds=0.01)
    with serving(tmp_path / "log", anchor=settings) as desk:
        for _ in range(400):
            text = desk.client.get("/metrics").text
            if 'lodeline_anchors{sink="file",state="final"} 1.0' in text:
                break
    assert 'lodeline_anchors{sink="file",state="final"} 1.0' in text
    assert [int(one.name[:20]) for one in folder.glob("*.checkpoint")] == [1]


def test_every_condition_has_an_alert() -> None:
    rules = yaml.safe_load((ROOT / "docker" / "alerts-anchors.yml").read_text())["groups"][0]["rules"]
    told = " ".join(rule["expr"] for rule in rules)
    for condition in CONDITIONS[1:]:
        assert f'condition="{condition}"' in told
    exported = Metrics().render().decode()
    for name in {word for rule in rules for word in rule["expr"].replace("(", " ").replace("{", " ").split()}:
        if name.startswith("lodeline_"):
            assert name.removesuffix("_total") in exported


# ---- by hand ---------------------------------------------------------------------------------------------------------


class Operator:
    """`lodeline-server anchor ...` against a real node, which makes a block whenever the command waits for one."""

    def __init__(self, chain: Devchain, log: Log, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chain, self.log, self.folder = chain, log, folder
        self.settings = {
            "LODELINE_ANCHOR_SINKS": "ethereum",
            "LODELINE_ANCHOR_CHAIN": "local",
            "LODELINE_ANCHOR_RPC": chain.url,
            "LODELINE_ANCHOR_FINALITY": "1",
            "LODELINE_ANCHOR_LOW_GWEI": "0",
            "LODELINE_ANCHOR_KEYSTORE": str(folder / "anchorer.json"),
            "LODELINE_ANCHOR_PASSWORD": str(folder / "anchorer.password"),
            "LODELINE_ANCHOR_LEAST_SECONDS": "0",
        }
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(anchor_commands, "pause", self.wait)

    def wait(self, _seconds: float) -> None:
        self.chain.rpc("anvil_mine", "0x1")

    def run(self, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
        for name, told in self.settings.items():
            self.monkeypatch.setenv(name, told)
        with pytest.raises(SystemExit) as caught:
            main(["--state", str(self.log.folder), "--database", database_url(self.log.folder), "anchor", *words])
        out, err = capsys.readouterr()
        assert caught.value.code == code, out + err
        assert "Traceback" not in err
        return orjson.loads(out) if out.startswith("{") else out + err


@pytest.fixture
def operator(chain: Devchain, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(chain, log, tmp_path, monkeypatch)


def quick_keystore(path: Path, key: bytes) -> str:
    """A keystore that opens at once: ten rounds are no protection and need none here."""
    for name, content in (
        (".json", json.dumps(Account.encrypt(key, "secret", kdf="pbkdf2", iterations=10))),
        (".password", "secret\n"),
    ):
        file = path.with_suffix(name)
        file.write_text(content)
        file.chmod(0o600)
    return str(Account.from_key(key).address)


def test_rotation_makes_the_new_key(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    folder = operator.folder
    quick_keystore(folder / "owner", b"o" * 32)
    words = ("--new-keystore", str(folder / "made.json"), "--new-password", str(folder / "made.password"))
    owner = ("--owner-keystore", str(folder / "owner.json"), "--owner-password", str(folder / "owner.password"))
    refused = operator.run(capsys, "rotate-key", *words, *owner, code=2)
    assert "LODELINE_ANCHOR_KEYSTORE" in refused, "the old one is named by the settings"
    assert (folder / "made.json").exists()


def test_deploy_register_run_status_rotate(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    folder, chain = operator.folder, operator.chain
    owner = ("--owner-keystore", str(folder / "owner.json"), "--owner-password", str(folder / "owner.password"))

    def run(*words: str, code: int = 0) -> Any:
        return operator.run(capsys, *words, "--json", code=code)

    made = {"address": quick_keystore(folder / "owner", b"o" * 32)}
    chain.rpc("anvil_setBalance", made["address"], hex(RICH))
    anchorer = {"address": quick_keystore(folder / "anchorer", b"a" * 32)}
    chain.rpc("anvil_setBalance", anchorer["address"], hex(RICH))
    quick_keystore(folder / "new", b"n" * 32)

    deployed = run("deploy", *owner, "--out", str(folder / "local.json"))
    assert (deployed["owner"], deployed["chain_id"]) == (made["address"], CHAIN)
    assert json.loads((folder / "local.json").read_text()) == deployed
    operator.settings["LODELINE_ANCHOR_CONTRACT"] = deployed["address"]
    run("run", "--once", code=1)
    assert run("status", code=1)["sinks"][0]["condition"] == "role_revoked"

    registered = run("register", *owner)
    assert (registered["anchorer"], registered["mode"]) == (anchorer["address"], "strict")
    assert run("register", *owner) == registered, "once more changes nothing"
    done = [run("run", "--once")["ethereum"]]
    for _ in range(3):
        chain.rpc("anvil_mine", "0x1")
        done.append(run("run", "--once")["ethereum"])
    assert done[:2] == ["sent", "mined"]
    (status,) = run("status")["sinks"]
    assert status["anchors"] == {"final": 1}
    assert "final" in operator.run(capsys, "status")

    rotated = run(
        "rotate-key", "--new-keystore", str(folder / "new.json"), "--new-password", str(folder / "new.password"), *owner
    )
    assert rotated["revoked"] == anchorer["address"]
    assert rotated["anchorer"] == load_keystore(folder / "new.json", folder / "new.password").address
    operator.log.grow()
    run("run", "--once", code=1)
    assert run("status", code=1)["sinks"][0]["condition"] == "role_revoked"
    chain.rpc("anvil_setBalance", rotated["anchorer"], hex(RICH))
    operator.settings["LODELINE_ANCHOR_KEYSTORE"] = str(folder / "new.json")
    operator.settings["LODELINE_ANCHOR_PASSWORD"] = str(folder / "new.password")
    assert run("run", "--once")["ethereum"] == "sent"


def test_what_the_chain_refuses_the_owner(operator: Operator, capsys: pytest.CaptureFixture[str], signer: Any) -> None:
    chain = operator.chain
    chain.rpc("anvil_setBalance", signer.address, hex(RICH))
    settings = AnchorSettings(chain="local", rpc=chain.url, contract="0x" + "00" * 20)
    node = connect(settings, settings.contract)
    owner = Owner(node, signer, settings, CHAIN, operator.wait)
    with pytest.raises(AnchorRefused, match="LODELINE_ANCHOR_CHAIN"):
        replace(owner, chain=1).deploy("local")
    with pytest.raises(AnchorRefused, match="no LogAnchor"):
        owner.register(ORIGIN, signer.address)
    with pytest.raises(AnchorRefused, match="FEE_CAP"):
        replace(owner, settings=replace(settings, fee_cap_gwei=0.0)).deploy("local")
    deployed = connect(settings, owner.deploy("local")["address"])
    deployed.address = checksum(deployed.address)
    mine = replace(owner, node=deployed)
    with pytest.raises(AnchorRefused, match="EmptyOrigin"):
        mine.register("", signer.address)
    other = KeystoreSigner(b"o" * 32)
    with pytest.raises(AnchorRefused, match="The owner of"):
        replace(mine, signer=other).register(ORIGIN, signer.address)
    with pytest.raises(AnchorRefused, match="may cost"):
        replace(owner, signer=other).deploy("local")
    assert mine.register("loose.example/log", signer.address, loose=True)["mode"] == "loose"
    with pytest.raises(AnchorRefused, match="not mined"):
        replace(mine, pause=lambda _seconds: None).register(ORIGIN, signer.address)
    assert "--owner-keystore" in operator.run(
        capsys, "register", "--owner-keystore", "none", "--owner-password", "none", "--anchorer", signer.address, code=2
    )
    operator.settings["LODELINE_ANCHOR_CHAIN"] = "sepolia"
    assert "LODELINE_ANCHOR_CONTRACT" in operator.run(
        capsys, "register", "--owner-keystore", "none", "--owner-password", "none", "--anchorer", signer.address, code=2
    )
    operator.settings["LODELINE_ANCHOR_SINKS"] = "none"
    assert "anchored nowhere" in operator.run(capsys, "status")
    assert operator.run(capsys, "run", "--once", "--json") == {"sinks": "none"}
    assert "No sink is set up: name one in LODELINE_ANCHOR_SINKS." in operator.run(capsys, "run", code=2)


def test_a_node_that_is_away_is_one_sentence(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    owner = ("--owner-keystore", str(operator.folder / "o.json"), "--owner-password", str(operator.folder / "o.pw"))
    operator.run(capsys, "keygen", "--keystore", owner[1], "--password", owner[3])
    operator.settings["LODELINE_ANCHOR_RPC"] = "http://127.0.0.1:1"
    assert "does not answer" in operator.run(capsys, "deploy", *owner, code=1)
