"""A running service publishes its log and keeps the arrays up by itself, and goes on after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.log.checkpoint import open_checkpoint
from service.app import create_app
from service.bootstrap import wire
from tests.service.api.harness import Desk, listening, run_chain, serving, settle_in
from tests.support.world import MINER, ORIGIN, POLICY, SMELTER, new_lot

pytestmark = pytest.mark.usefixtures("engine")

WAIT: Final = 30.0


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("followers")
    followers = {"publish": str(folder / "www"), "publish_seconds": 0.02, "graph_seconds": 0.02}
    with serving(folder / "state", policy=POLICY | {"entries": "public"}, **followers) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


def until(condition: Callable[[], bool]) -> None:
    end, turn = time.monotonic() + WAIT, threading.Event()
    while not condition():
        assert time.monotonic() < end
        turn.wait(0.01)


def published(desk: Desk) -> int:
    try:
        note = (www(desk) / "checkpoint").read_bytes()
    except FileNotFoundError:
        return 0
    return open_checkpoint(note, ORIGIN, [desk.service.signer.verifier]).size


def www(desk: Desk) -> Path:
    return Path(desk.service.settings.publish)


def metric(desk: Desk, name: str) -> float:
    lines = desk.client.get("/metrics").text.splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"lodeline_{name} ")))


def test_what_is_accepted_is_published_soon(desk: Desk) -> None:
    until(lambda: published(desk) == len(desk.log))
    trust = TrustPolicy(logs=(TrustedLog(desk.service.signer.verifier),))
    report = run_audit(FolderSource(www(desk)), trust, now=datetime.fromtimestamp(desk.now, UTC), workers=0)
    assert report.verified
    assert report.checkpoint is not None
    assert report.checkpoint.size == len(desk.log)
    until(lambda: metric(desk, "publish_behind_entries") == 0)
    assert metric(desk, "publish_failures_total") == 0


def test_the_arrays_follow(desk: Desk) -> None:
    until(lambda: metric(desk, "graph_behind_subjects") == 0 and desk.service.context.graph is not None)
    with_arrays = desk.get("/v1/lots/lot:5/provenance", SMELTER, direction="up").json()
    shares = with_arrays["origins"]["elements"][0]["sites"]
    assert [(one["share"], one["fraction"]) for one in shares] == [("100", "1/1")]


def test_a_restart_goes_on(tmp_path: Path) -> None:
    followers = {"publish": str(tmp_path / "www"), "publish_seconds": 0.02, "graph_seconds": 0.02}
    with serving(tmp_path / "state", **followers) as desk:
        settle_in(desk)
        until(lambda: published(desk) == len(desk.log))
    again = wire(desk.service.settings, clock=lambda: float(desk.now))
    with listening(create_app(again)) as client:
        desk.client = client
        desk.extract(new_lot("late"))
        until(lambda: published(desk) == len(desk.log))
        until(lambda: metric(desk, "graph_behind_subjects") == 0)
        assert desk.get("/v1/lots/late", MINER).status_code == 200
    assert not (tmp_path / "www" / "tile" / "entries").exists()  # for members
