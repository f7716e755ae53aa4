"""A real server process under load, killed with SIGKILL again and again.

No acknowledged record may vanish or change its place, the log may not fork, all checkpoints that
anybody was shown are of one history, and the database stands up to fsck afterwards.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ledger.envelope import SignedRecord
from ledger.log.checkpoint import check_extends, open_checkpoint
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.note import format_vkey
from ledger.log.proof import check_receipt, parse_receipt
from ledger.log.tiles import TileReader, plan_tiles, tile_path, tile_width
from service.usecases.submit import Submission
from tests.support.server import SIGNER, candidates, database_url, new_service
from tests.support.world import (
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    REGISTRAR,
    ROLES,
    TRADER,
    World,
    empty_world,
    extract_body,
    genesis_body,
    new_lot,
)

pytestmark = pytest.mark.usefixtures("engine")

ROUNDS = 2
RECORDS = 400
ACKNOWLEDGED = 120  # records of a round that were answered when the server is killed
RECORD = {"content-type": "application/custody-record+sd-jwt"}


def recent_world() -> World:
    """An honest world of this morning: the server's clock is the real one."""
    world = empty_world()
    world.now = int(time.time()) - 50_000
    world.do(REGISTRAR, "genesis", genesis_body(world.keys[REGISTRAR]))
    for participant in (MINER, TRADER):
        world.enrol(participant, ROLES[participant])
    world.register(MINE, "mine", MINER)
    world.register(DEPOT, "depot", TRADER)
    return world


def program(state: Path, database: str = "") -> list[str]:
    """`lodeline-server` on a state folder and its database, or another one."""
    url = database or database_url(state)
    return [sys.executable, "-m", "service.manage", "--state", str(state), "--database", url]


class Server:
    """`lodeline-server serve` on a state folder, in a process group of its own."""

    def __init__(self, state: Path, *options: str, database: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        words = [*program(state, database), "serve", "--port", str(self.port), *options]
        # Small commits: one is under way whenever it dies.
        environment = {**os.environ, "LODELINE_WORKERS": "1", "LODELINE_LIMIT_COMMIT_RECORDS": "25"}
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, env=environment, start_new_session=True)
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[bytes] = []
        up = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(up,))
        self.reader.start()
        assert up.wait(60), b"".join(self.lines).decode()

    def _read(self, up: threading.Event) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if b"Uvicorn running" in line:
                up.set()
        up.set()

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.reader.join(60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@dataclass
class Seen:
    """What clients were told before the server died."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    checkpoints: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def take(self, answer: dict[str, Any]) -> None:
        self.answers[answer["id"]] = answer
        if len(self.answers) >= ACKNOWLEDGED:
            self.enough.set()


def post_each(url: str, records: Iterator[SignedRecord], seen: Seen) -> None:
    """One client: record after record until the server is gone."""
    with httpx.Client(base_url=url, timeout=30) as client:
        for record in records:
            try:
                answer = client.post("/v1/records", content=record.text.encode(), headers=RECORD)
            except httpx.HTTPError:
                return
            assert answer.status_code == 201, answer.text
            seen.take(answer.json())


def post_batches(url: str, records: Iterator[SignedRecord], seen: Seen) -> None:
    """The same with batches of 25; lines that arrived before the end count."""
    with httpx.Client(base_url=url, timeout=30) as client:
        while batch := list(itertools.islice(records, 25)):
            body = "\n".join(one.text for one in batch).encode()
            try:
                headers = {"content-type": "text/plain"}
                with client.stream("POST", "/v1/records/batch?receipts=true", content=body, headers=headers) as answer:
                    for line in answer.iter_lines():
                        take_line(line, batch, seen)
            except httpx.HTTPError:
                return


def take_line(text: str, batch: list[SignedRecord], seen: Seen) -> None:
    line = orjson.loads(text)
    if "line" in line:
        assert line["status"] == 201, line
        seen.take({**line, "entry": f"{line['logged']} {batch[line['line'] - 1].jws}"})
    else:
        seen.checkpoints.append(line["checkpoint"])


class Shared:
    """An iterator that several threads may draw from."""

    def __init__(self, values: list[SignedRecord]) -> None:
        self._values, self._lock = iter(values), threading.Lock()

    def __iter__(self) -> Iterator[SignedRecord]:
        return self

    def __next__(self) -> SignedRecord:
        with self._lock:
            return next(self._values)


def load_and_kill(server: Server, records: list[SignedRecord]) -> Seen:
    seen, work = Seen(), Shared(records)
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(post_each, server.url, work, seen) for _ in range(3)]
        clients.append(pool.submit(post_batches, server.url, work, seen))
        assert seen.enough.wait(60), "the load never got going"
        code = server.end(signal.SIGKILL)
        for client in clients:
            client.result(60)
    assert code == -signal.SIGKILL
    return seen


def check_kept(client: httpx.Client, seen: Seen, records: dict[str, SignedRecord]) -> None:
    """Every acknowledged record is where it was; one that was not acknowledged may be there or not."""
    for record_id, told in seen.answers.items():
        again = client.post("/v1/records", content=records[record_id].text.encode(), headers=RECORD)
        assert again.status_code == 200, again.text
        now = again.json()
        assert {name: now[name] for name in ("id", "index", "logged", "entry")} == {
            name: told[name] for name in ("id", "index", "logged", "entry")
        }
        for receipt in (told["receipt"], now["receipt"]):
            check_receipt(told["entry"].encode(), receipt, ORIGIN, [SIGNER.verifier])


def check_one_history(client: httpx.Client, notes: set[str]) -> None:
    """Every checkpoint that anybody was shown against the newest one, and each against the next."""
    newest = client.get("/log/checkpoint").text
    signed = {open_checkpoint(note, ORIGIN, [SIGNER.verifier]) for note in (*notes, newest)}
    ordered = sorted(signed, key=lambda one: one.size)
    size = ordered[-1].size
    assert len({one.size for one in ordered}) == len(ordered), "two roots of one size"

    def read(nodes: Any) -> list[bytes]:
        tiles = {}
        for level, n in plan_tiles(nodes):
            tiles[level, n] = client.get(f"/log/{tile_path(level, n, tile_width(level, n, size))}").content
        return TileReader(tiles)(nodes)

    for old, new in itertools.pairwise(ordered):
        proof = prove_consistency(old.size, new.size, read) if plan_consistency(old.size, new.size) else []
        check_extends(old, new, proof)


def test_no_acknowledged_record_vanishes(tmp_path: Path) -> None:
    state, world = tmp_path, recent_world()
    service = new_service(state, world)
    service.open_log().submit([Submission(candidates(world, service))], (world.now + 1) * 1000)
    service.close()
    told = Seen()
    records: dict[str, SignedRecord] = {}
    for number in range(ROUNDS):
        signed = [
            world.sign(MINER, "extract", extract_body(new_lot(f"lot:{number}-{n}"), time=world.now))
            for n in range(RECORDS)
        ]
        records |= {one.id: one for one in signed}
        seen = load_and_kill(Server(state), signed)
        assert len(seen.answers) >= ACKNOWLEDGED
        told.answers |= seen.answers
        told.checkpoints += seen.checkpoints
    server = Server(state)
    with httpx.Client(base_url=server.url, timeout=30) as client:
        about = client.get("/.well-known/lodeline").json()
        assert about["vkey"] == format_vkey(SIGNER.verifier)
        check_kept(client, told, records)
        receipts = [parse_receipt(one["receipt"]).checkpoint for one in told.answers.values()]
        check_one_history(client, {*told.checkpoints, *receipts})
    server.end(signal.SIGTERM)
    assert any(b'"stopped"' in line for line in server.lines), "a server that is told to stop does so in order"
    checked = subprocess.run([*program(state), "fsck", "--json"], capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert orjson.loads(checked.stdout)["sound"]
