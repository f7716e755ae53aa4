"""Audits on a cluster: real scheduler and worker processes, which are killed; the same report as without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster, Security

from benchmarks.generate import START, Generator, write_log
from clients.audit import cluster as clusters
from clients.audit.cluster import Cluster, check_shard
from clients.audit.driver import run_audit
from clients.audit.memory import Memory
from clients.audit.sources import FolderSource, Place, UrlSource, open_place
from clients.sdk.errors import ClusterError, LocalError, Unreachable
from ledger.errors import LedgerError
from ledger.evidence.report import Report
from ledger.evidence.trust import parse_policy
from tests.clients.test_audit_resume import flip, serving

NOW = datetime.fromtimestamp(START + 3600, UTC)
SIZE = 6_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest log, and one with a fault of every kind in it."""
    base = tmp_path_factory.mktemp("logs")
    made = list(islice(Generator(signers=300).records(), SIZE))
    for name in ("log", "bad"):
        (base / name).mkdir()
        write_log(base / name, iter(made))
        logged, jws = made[4_000]
        made[4_000] = (logged, jws[:-86] + b"A" * 86)
        made[5_000] = (made[5_000][0], b"junk")
    flip(base / "bad/tile/0/009", 70)
    (base / "bad/tile/entries/021").unlink()
    (base / "bad/tile/entries/022").write_bytes(b"short")
    return base


@pytest.fixture(scope="module")
def machines() -> Iterator[LocalCluster]:
    """Two worker processes, started anew by their nannies when they die."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as found:
        yield found


def audit(folder: Path, source: Any = None, **more: Any) -> Report:
    policy = parse_policy((folder / "policy.txt").read_bytes())
    return run_audit(source or FolderSource(folder), policy, NOW, **more)


def text(report: Report) -> str:
    return json.dumps(report.to_json())


def on(machines: LocalCluster, **more: Any) -> Any:
    return lambda source: Cluster(machines.scheduler_address, source, **more)


def pids(machines: LocalCluster) -> dict[str, int]:
    return {address: worker.pid for address, worker in machines.scheduler.workers.items() if worker.nanny}


@pytest.mark.parametrize("name", ["log", "bad"])
def test_the_same_report_by_any_number_of_processes(logs: Path, name: str) -> None:
    plain = audit(logs / name, workers=0)
    assert plain.verified is (name == "log")
    for workers in (1, 2):
        assert text(audit(logs / name, workers=workers)) == text(plain)


@pytest.mark.parametrize("name", ["log", "bad"])
def test_the_same_report_by_a_cluster(logs: Path, machines: LocalCluster, tmp_path: Path, name: str) -> None:
    folder = logs / name
    plain = audit(folder, workers=0)
    seen: list[int] = []
    assert text(audit(folder, checkers=on(machines), progress=lambda done, _: seen.append(done))) == text(plain)
    assert seen == [min(256 * n, SIZE) for n in range(1, 25)]
    memory = Memory(tmp_path)
    assert text(audit(folder, checkers=on(machines), memory=memory, every=0, held=500)) == text(plain)


def test_the_command_line_prints_one_document(logs: Path, machines: LocalCluster) -> None:
    command = [sys.executable, "-c", "from clients.cli.main import main; main()", "audit", str(logs / "bad")]
    command += ["--trust", str(logs / "bad/policy.txt"), "--forget", "--json", "--cluster", machines.scheduler_address]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (told.returncode, told.stderr) == (1, "")
    assert json.loads(told.stdout) == audit(logs / "bad", workers=0).to_json()


def test_workers_fetch_from_a_server_with_what_lets_in_now(logs: Path, machines: LocalCluster) -> None:
    with serving(logs / "log") as (url, handler):
        handler.released.set()
        source = UrlSource(url, headers=lambda: {"authorization": "Bearer now"})
        report = audit(logs / "log", source, checkers=on(machines))
        source.close()
    assert text(report) == text(audit(logs / "log", workers=0))


def test_a_worker_is_killed_in_the_middle(logs: Path, machines: LocalCluster) -> None:
    victims = pids(machines)
    assert len(victims) == 2

    def strike(done: int, _size: int) -> None:
        if done == 2_560:
            os.kill(next(iter(victims.values())), signal.SIGKILL)

    report = audit(logs / "bad", checkers=on(machines), progress=strike)
    assert text(report) == text(audit(logs / "bad", workers=0))


def test_a_scheduler_that_is_lost_and_the_audit_goes_on_later(logs: Path, tmp_path: Path) -> None:
    memory, told = Memory(tmp_path), list[str]()
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as machines:

        def strike(done: int, _size: int) -> None:
            if done == 2_560:
                machines.close()

        with pytest.raises(ClusterError, match="was lost"):
            audit(logs / "log", checkers=on(machines), progress=strike, memory=memory, notice=told.append, every=0)
    assert "run the same command again" in told[-1]
    report = audit(logs / "log", workers=0, memory=memory, notice=told.append)
    assert "Going on after" in told[-1]
    assert text(report) == text(audit(logs / "log", workers=0))


def test_a_cluster_without_workers_or_whose_last_one_left(logs: Path) -> None:
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as machines:
        with pytest.raises(ClusterError, match="has no workers: start `dask worker"):
            audit(logs / "log", checkers=on(machines))
        machines.scale(1)
        machines.wait_for_workers(1, timeout=30)

        def leave(done: int, _size: int) -> None:
            if done == 256:
                machines.scale(0)

        with pytest.raises(ClusterError, match="has no worker left"):
            audit(logs / "log", checkers=on(machines, patience=0.2), progress=leave)


def test_tls_as_dask_is_configured_for_it(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With certificates of the cluster's authority in Dask's own settings it works, without them it does not."""
    security = Security.temporary()
    files = {"ca-file": "tls_ca_file", "client.cert": "tls_client_cert", "client.key": "tls_client_key"}
    for name, member in files.items():
        (tmp_path / name).write_text(getattr(security, member), encoding="utf-8")
    settings = {f"distributed.comm.tls.{name}": str(tmp_path / name) for name in files}
    monkeypatch.setattr(clusters, "CONNECTING", 2.0)
    with LocalCluster(
        n_workers=1, processes=False, protocol="tls://", security=security, dashboard_address=":0", host="127.0.0.1",
        silence_logs=50,
    ) as machines:  # fmt: skip
        assert machines.scheduler_address.startswith("tls://")
        with pytest.raises(ClusterError, match="TLS settings"):
            audit(logs / "log", checkers=on(machines))
        with dask.config.set(settings):
            assert audit(logs / "log", checkers=on(machines)).verified


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:notaport"])
def test_an_address_where_nobody_answers(logs: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(clusters, "CONNECTING", 0.5)
    with pytest.raises(ClusterError, match="No Dask scheduler answers") as caught:
        audit(logs / "log", checkers=lambda source: Cluster(address, source))
    assert isinstance(caught.value, Unreachable)
    assert caught.value.values["reason"]


def test_without_the_extra(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"install `lodeline\[cluster\]`"):
        audit(logs / "log", checkers=lambda source: Cluster("127.0.0.1:1", source))


def test_workers_of_another_version(logs: Path, machines: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "code_digest", lambda: "another")
    with pytest.raises(ClusterError, match="another version") as caught:
        audit(logs / "log", checkers=on(machines))
    assert caught.value.values["differing"] == ["code"]
    with pytest.raises(ClusterError, match="A worker of the cluster runs another version"):
        check_shard(Place(str(logs / "log")), range(1), SIZE, [], "mine")


def test_workers_that_lack_the_package(logs: Path, machines: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ModuleNotFoundError("No module named 'clients'")

    monkeypatch.setattr(clusters, "tell_version", broken)
    with pytest.raises(ClusterError, match="cannot run this: install") as caught:
        audit(logs / "log", checkers=on(machines))
    assert "No module named" in caught.value.values["reason"]


def test_a_place_is_opened_as_it_was(logs: Path) -> None:
    folder = open_place(FolderSource(logs / "log").place())
    folder.admit({"authorization": "nothing"})
    assert folder.read("checkpoint", 10_000).startswith(b"log.lodeline.example/bench\n")
    url = UrlSource("https://ledger.example", headers=lambda: {"a": "b"}, prefix="/log")
    assert url.place() == Place("https://ledger.example", "/log", (("a", "b"),))
    again = open_place(url.place())
    assert again.place() == url.place()
    again.admit({"a": "c"})
    assert again.place().headers == (("a", "c"),)
    for one in (url, again):
        one.close()
    with pytest.raises(LedgerError):
        open_place(Place("/no/such/folder"))


def test_either_processes_or_a_cluster() -> None:
    from clients.cli.audits import _on_cluster

    assert _on_cluster("", 2) is None
    with pytest.raises(LocalError, match="not both"):
        _on_cluster("tcp://127.0.0.1:1", 2)
