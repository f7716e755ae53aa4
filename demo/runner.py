"""The whole demo in order: fresh folder, log, witness, service, three chains, fraud, verification, and the end."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import httpx

from demo import (
    anchoring,
    d1_coltan,
    d2_tin,
    d3_cobalt,
    fraud,
    reference,
    setting,
    twin_cobalt,
    twin_coltan,
    twin_gold,
    verdicts,
    verdicts_later,
    verification,
)
from demo.actor import CommandFailed
from demo.chain import start_chain
from demo.days import Days
from demo.narrator import Narrator
from demo.processes import PortTaken, ProcessFailed, Running, check_port
from demo.stage import DemoFailed, Stage
from ledger.errors import LedgerError

MARKER = "this-folder-is-wiped-by-make-demo"
SCENES = (
    d1_coltan.play,
    d2_tin.play,
    d3_cobalt.play,
    fraud.play,
    verdicts.play,
    twin_coltan.play,
    twin_cobalt.play,
    twin_gold.play,
    verdicts_later.play,
    anchoring.play,
    verification.play,
)
ROOT = Path(__file__).resolve().parents[1]


Scene = Callable[[Stage], None]


def run(folder: Path, port: int, *, leave: bool, node: bool = True, scenes: Sequence[Scene] = SCENES) -> int:
    """Play everything; the exit code.

    leave: end after the last scene instead of serving on; node: False does as if there were no Node on this machine.
    """
    narrator = Narrator()
    try:
        with _sigterm_like_ctrl_c():
            check_port(port)
            clear(folder)
            _play(narrator, folder, port, scenes, leave=leave, node=node)
    except (PortTaken, ProcessFailed, CommandFailed, DemoFailed, LedgerError) as error:
        narrator.failed(str(error))
        return 2 if isinstance(error, PortTaken) else 1
    except KeyboardInterrupt:
        narrator.note("stopped")
        return 130
    return 0


def _play(narrator: Narrator, folder: Path, port: int, scenes: Sequence[Scene], *, leave: bool, node: bool) -> None:
    began = time.monotonic()
    with _programs(narrator, folder, port, node=node) as (stage, service):
        for scene in scenes:
            scene(stage)
            _check_alive(stage, service)
        _sum_up(stage, time.monotonic() - began)
        if not leave:
            _serve_on(stage, service)


def clear(folder: Path) -> None:
    """An empty folder; one that holds anything but an earlier demo is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise DemoFailed(f"{folder} holds something that this demo did not make: name another folder with --state.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


@contextlib.contextmanager
def _programs(narrator: Narrator, folder: Path, port: int, *, node: bool) -> Iterator[tuple[Stage, Running]]:
    """Chain, log, witness and service, participants enrolled; stopped in order at the end, whatever happens."""
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        chain = start_chain(folder, node=node)
        stack.callback(chain.stop)
        aside = anchoring.Preparation(folder, chain, stack.enter_context(ThreadPoolExecutor(1)))
        log = setting.make_log(narrator, folder)
        aside.deploy()
        lists = reference.load(narrator, folder)
        anchors = aside.finish(narrator)
        witness, trust = setting.start_witness(narrator, folder, log)
        stack.callback(witness.stop)
        service = setting.start_service(narrator, folder, port, trust, anchors.environment)
        stack.callback(service.stop)
        http = stack.enter_context(httpx.Client(timeout=30.0))
        stage = Stage(narrator, Days(int(time.time())), folder, url, http)
        stage.notes |= {"trust": trust, "witness": setting.WITNESS, "references": lists, "anchors": anchors}
        setting.gather(stage, log)
        yield stage, service


def _sum_up(stage: Stage, seconds: float) -> None:
    narrator, size = stage.narrator, stage.size()
    narrator.act("The end", f"{size} records in the log, in {seconds:.0f} s. Everything lies in {stage.folder}.")
    narrator.note(f"The trust policy is {stage.folder / 'trust.policy'}; the bundle that the buyer verified is")
    narrator.note(f"{stage.folder / 'people' / 'buyer' / verification.BUNDLE}")


def _serve_on(stage: Stage, service: Running) -> None:
    """Keep the service up until Ctrl-C, or until it ends by itself."""
    narrator, url = stage.narrator, stage.url
    chain = anchoring.anchors_of(stage).chain
    narrator.say("The service goes on running, and the chain that it anchors on. Ctrl-C stops both.")
    for path, what in (
        ("/openapi.json", "the HTTP API"),
        ("/.well-known/lodeline", "origin and key of the log"),
        ("/log/checkpoint", "the signed checkpoint"),
        ("/v1/participants", "the register"),
        ("/v1/anchors", f"the anchors; the chain itself ({chain.node}) answers at {chain.url}"),
        ("/metrics", "figures for Prometheus"),
    ):
        narrator.note(f"{url + path:<50} {what}")
    home = stage["buyer"].folder / "home"
    narrator.note(f"As the buyer: LODELINE_HOME={home} .venv/bin/lodeline lot provenance {d1_coltan.REFINED}")
    try:
        while True:
            _check_alive(stage, service)
            time.sleep(0.5)
    except KeyboardInterrupt:
        narrator.say("Stopping the service and the chain.")


def _check_alive(stage: Stage, service: Running) -> None:
    service.check_alive()
    anchoring.anchors_of(stage).chain.running.check_alive()


@contextlib.contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Whoever ends the demo ends the programs that it started too."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
