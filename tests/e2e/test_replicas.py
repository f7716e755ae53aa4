"""Several server processes on one real PostgreSQL, under load: killed, stopped and cut off, and the database with them.

Whatever happens, no acknowledged record may vanish or change its place, the log may not fork, and a process that was
stopped while it led must not write when it goes on. That a take-over was fast enough is for the lease to tell (printed
with -s); the tests wait for what must happen, not for a time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg

from ledger.envelope import SignedRecord, parse_record
from ledger.log.proof import parse_receipt
from service.adapters.keystore import save_log_key
from service.bootstrap import wire
from service.config import Settings
from service.storage.checkpoints import size_of
from service.storage.engine import Store
from service.storage.lease import read_lease
from service.storage.schema import migrate
from service.usecases.create_log import create_log
from service.usecases.submit import Submission
from service.workers.terms import LEASE_SECONDS
from tests.e2e.test_kill import RECORD, Seen, Server, Shared, check_kept, check_one_history, program, recent_world
from tests.support.postgres import Cluster
from tests.support.server import SIGNER, candidates
from tests.support.world import MINER, World, extract_body, new_lot

WAIT = 60.0
MORE = 20  # records that must be acknowledged after each blow
CLIENTS = 2
PATIENCE = 1.0  # seconds until a client tries another server: one that was stopped never answers


def make_log(folder: Path, url: str, world: World) -> None:
    """The log of this world, as the operator's folder and a database."""
    folder.mkdir()
    settings = Settings(state=folder, database=url, workers=0)
    save_log_key(settings.key_file, SIGNER)
    service = wire(settings, clock=lambda: world.now + 1)
    migrate(service.store)
    genesis = SignedRecord(parse_record(world.log[0].split(b" ")[1]), ())
    create_log(service.store, service.file, service.signer, genesis, now=world.now * 1000)
    service.open_log().submit([Submission(candidates(world, service))], (world.now + 1) * 1000)
    service.close()


class Site:
    """Hosts with a folder and a process each, on one database; what clients were told; and what the lease said."""

    def __init__(self, folder: Path, url: str, world: World) -> None:
        self.folder, self.url, self.world = folder, url, world
        self.states = [folder / f"host{n}" for n in range(3)]
        make_log(self.states[0], url, world)
        for state in self.states[1:]:
            shutil.copytree(self.states[0], state, ignore=shutil.ignore_patterns("lot-graph"))
        self.servers: list[Server] = []
        self.seen = Seen()
        self.records: dict[str, SignedRecord] = {}
        self.terms: dict[int, tuple[str, int]] = {}  # epoch -> holder, ms of silence before it
        self.done = threading.Event()

    def start(self, number: int) -> Server:
        return Server(self.states[number], database=self.url)

    def sign(self, count: int) -> list[SignedRecord]:
        first = len(self.records)
        signed = [
            self.world.sign(MINER, "extract", extract_body(new_lot(f"lot:{first + n}"), time=self.world.now))
            for n in range(count)
        ]
        self.records |= {one.id: one for one in signed}
        return signed

    def post(self, records: Iterator[SignedRecord], at: int) -> None:
        """One client: each record to one server after the other until it is acknowledged."""
        with httpx.Client(timeout=httpx.Timeout(WAIT, read=PATIENCE)) as client:
            for record in records:
                while not self.done.is_set():
                    at += 1
                    url = self.servers[at % len(self.servers)].url
                    with suppress(httpx.HTTPError):
                        answer = client.post(f"{url}/v1/records", content=record.text.encode(), headers=RECORD)
                        if answer.status_code in (200, 201):
                            self.seen.take(answer.json())
                            self.done.wait(0.04)
                            break
                        assert answer.status_code == 503, answer.text
                        assert answer.headers["retry-after"]
                    self.done.wait(0.05)  # as a client does that was told to try again

    @contextmanager
    def load(self) -> Iterator[None]:
        """Clients post while the block runs."""
        work = Shared(self.sign(1_500))
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            watching = pool.submit(self.watch)
            clients = [pool.submit(self.post, work, n) for n in range(CLIENTS)]
            try:
                yield
            finally:
                self.done.set()
                for one in (*clients, watching):
                    one.result(WAIT)

    def watch(self) -> None:
        """Note every term, as the lease tells of it."""
        while not self.done.wait(0.05):
            with suppress(psycopg.Error), self.connect() as conn:
                while not self.done.wait(0.05):
                    for epoch, holder, silent in conn.execute("SELECT epoch, holder, silent FROM lease").fetchall():
                        self.terms[epoch] = holder, silent

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    def acknowledge(self, more: int = MORE) -> None:
        """Wait until so many more records are acknowledged."""
        enough = len(self.seen.answers) + more
        until(lambda: len(self.seen.answers) >= enough)

    def role(self, server: Server) -> str:
        with suppress(httpx.HTTPError):
            return str(httpx.get(f"{server.url}/readyz", timeout=5).json()["role"])
        return "gone"

    def lease(self) -> tuple[int, int]:
        """The epoch, and the process that holds it."""
        with self.connect() as conn:
            row = conn.execute("SELECT epoch, holder FROM lease").fetchone()
            assert row is not None
            return row[0], int(row[1].split(":")[1])

    def leader(self) -> tuple[int, Server]:
        """The epoch, and the server that leads."""
        epoch, pid = self.lease()
        return epoch, next(one for one in self.servers if one.process.pid == pid)

    def lose_leader(self, blow: Callable[[Server], None]) -> Server:
        """Strike the one that leads, and wait until another does and records are acknowledged; who it was."""
        epoch, server = self.leader()
        blow(server)
        until(lambda: self.lease()[0] > epoch)
        self.acknowledge()
        return server

    def end(self) -> None:
        """Stop every server in order, one that was stopped in the other way too."""
        for server in self.servers:
            server.process.send_signal(signal.SIGCONT)
            server.end(signal.SIGTERM)

    def check(self, server: Server) -> None:
        """Every acknowledged record is there, in one history, and the database is sound."""
        with httpx.Client(base_url=server.url, timeout=WAIT) as client:
            check_kept(client, self.seen, self.records)
            notes = {parse_receipt(one["receipt"]).checkpoint for one in self.seen.answers.values()}
            for state in self.states:
                filed = (state / "signed-checkpoints").read_bytes().splitlines()
                notes |= {orjson.loads(line) for line in filed}
            notes = {note for note in notes if size_of(note)}
            check_one_history(client, notes)
        checked = subprocess.run([*program(self.states[0], self.url), "fsck", "--json"], capture_output=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert orjson.loads(checked.stdout)["sound"]
        taken = {one: told for one, told in self.terms.items() if 0 < told[1] < 1000 * LEASE_SECONDS}
        assert {
            one for one, (holder, _) in taken.items() if self.terms.get(one - 1, (holder,))[0] != holder
        } == set(), "nobody takes a lease over that another one renews"
        print("epochs, and ms without renewal before each:", {one: told[1] for one, told in self.terms.items()})


def until(condition: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + WAIT, threading.Event()
    while True:
        with suppress(psycopg.Error, httpx.HTTPError):
            if condition():
                return
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.02)


def kill(server: Server) -> None:
    assert server.end(signal.SIGKILL) == -signal.SIGKILL


def stop(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGSTOP)


def test_three_hosts_through_everything(tmp_path: Path, cluster: Cluster) -> None:
    site = Site(tmp_path, cluster.url.render_as_string(hide_password=False), recent_world())
    with ThreadPoolExecutor(3) as pool:
        site.servers = list(pool.map(site.start, range(3)))
    try:
        with site.load():
            site.acknowledge()

            site.servers.remove(site.lose_leader(kill))

            stopped = site.lose_leader(stop)
            epoch, leader = site.leader()
            assert leader is not stopped
            os.kill(stopped.process.pid, signal.SIGCONT)
            until(lambda: site.role(stopped) == "follower")
            until(lambda: any(b"no longer leading" in line for line in stopped.lines))
            assert site.leader() == (epoch, leader), "the old one has not come back"

            with site.connect() as conn:  # every connection of every server
                conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            site.acknowledge()

            cluster.stop("immediate")
            cluster.start()
            site.acknowledge()
        site.check(site.servers[0])
    finally:
        site.end()
    assert all(any(b'"stopped"' in line for line in server.lines) for server in site.servers)
    with site.connect() as conn:
        assert conn.execute("SELECT renewed FROM lease").fetchone() == (0,), "the last one let go"


def test_workers_of_one_host(tmp_path: Path) -> None:
    """On one port, and on SQLite: the one that leads is killed, another goes on, the parent replaces it."""
    state, world = tmp_path / "log", recent_world()
    url = f"sqlite:///{state / 'lodeline.db'}"
    make_log(state, url, world)
    records = [world.sign(MINER, "extract", extract_body(new_lot(f"lot:{n}"), time=world.now)) for n in range(4)]
    server, store, seen = Server(state, "--workers", "2", database=url), Store(url), Seen()

    def holder() -> int:
        with store.reading() as conn:
            return int(read_lease(conn).holder.split(":")[1])

    def said(word: bytes) -> int:
        return len([line for line in server.lines if word in line])

    try:
        until(lambda: said(b'"serving"') == 2)
        pid = holder()
        for number, record in enumerate(records):
            if number == 2:
                os.kill(pid, signal.SIGKILL)
            post_until_taken(server, record, seen)
        until(lambda: said(b'"serving"') == 3)
        assert holder() != pid
        counted = httpx.get(f"{server.url}/metrics", timeout=WAIT).text
        assert "\nlodeline_leads 1.0\n" in counted, "one that was killed does not count"
        assert "\nlodeline_lease_epoch 2.0\n" in counted
        with httpx.Client(base_url=server.url, timeout=WAIT) as client:
            check_kept(client, seen, {one.id: one for one in records})
    finally:
        store.close()
        code = server.end(signal.SIGTERM)
    assert (code, said(b'"stopped"'), said(b"died")) == (0, 2, 1)


def post_until_taken(server: Server, record: SignedRecord, seen: Seen) -> None:
    """What a client does whose connection breaks, or that is told to try again."""

    def taken() -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.post(f"{server.url}/v1/records", content=record.text.encode(), headers=RECORD, timeout=WAIT)
            assert answer.status_code in (200, 201, 503), answer.text
            if answer.status_code != 503:
                seen.take(answer.json())
        return record.id in seen.answers

    until(taken)
