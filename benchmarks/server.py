"""A real server process on an empty ledger, with the generator's registrar, for the load figures."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate import ORIGIN, REGISTRAR, Generator
from benchmarks.processes import Memory, cpu_seconds, memory
from tests.support.postgres import Cluster, administer, create_database


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """One request on a connection of its own: status and content of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def start(command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A server, in a session of its own, so that its processes can be ended together."""
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True)


def end(process: subprocess.Popen[bytes], seconds: float = 0.0) -> None:
    """End a server in order; by force, with all its processes, when it has not ended by then."""
    process.terminate()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_answer(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Return when the server answers 200. Raises RuntimeError when it ends, TimeoutError after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode} before it was ready")
        try:
            if ask(port, "GET", path)[0] == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.05)
    end(process)
    raise TimeoutError("the server did not become ready within 60 s")


class Kind(NamedTuple):
    """How a ledger runs. postgres: on PostgreSQL instead of SQLite; workers: API processes."""

    postgres: bool = False
    workers: int = 1

    @property
    def suffix(self) -> str:
        """In names of figures: what differs from the usual."""
        return "_postgres" * self.postgres + f"_workers_{self.workers}" * (self.workers > 1)

    @property
    def text(self) -> str:
        """In words."""
        told = f"{'PostgreSQL' if self.postgres else 'SQLite'}, {self.workers} worker"
        return told + "s" * (self.workers > 1)


USUAL = Kind()
KINDS = (USUAL, Kind(workers=2), Kind(postgres=True), Kind(postgres=True, workers=2))

POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}
"""What an operator would set on a machine with 24 GB; everything is flushed as by default."""


@contextmanager
def serving(folder: Path, kind: Kind = USUAL, **environment: str) -> Iterator[Server]:
    """A server of this kind, on a database of its own. environment: variables of its own."""
    with postgres() if kind.postgres else nullcontext() as cluster, Server(folder, cluster, kind, **environment) as one:
        yield one


@contextmanager
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL of one's own. Raises NoPostgres."""
    cluster = Cluster.create(POSTGRES)
    try:
        yield cluster
    finally:
        cluster.remove()


@cache
def takes_workers() -> bool:
    """Whether `lodeline-server serve` can run several API processes."""
    command = [sys.executable, "-m", "service.manage", "serve", "--help"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return "--workers" in told.stdout


class Server:
    """`lodeline-server` on SQLite in `folder`, or in `cluster`: a context manager. environment: its variables."""

    def __init__(self, folder: Path, cluster: Cluster | None = None, kind: Kind = USUAL, **environment: str) -> None:
        self.folder = folder
        self.kind = kind
        self.cluster = cluster
        self.state = folder / "state"
        self.port = free_port()
        self.env = {**os.environ, "LODELINE_STATE": str(self.state), "LODELINE_PORT": str(self.port)}
        self.env |= {"LODELINE_LOG_LEVEL": "error", **environment}
        self.database = create_database(cluster.url, "bench") if cluster else None
        if self.database:
            self.env["LODELINE_DATABASE"] = self.database.render_as_string(hide_password=False)

    def _run(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "service.manage", *args]

    def init(self) -> None:
        """Start the log, without serving it."""
        key = self.folder / "registrar.jwk"
        key.write_text(json.dumps(Generator().registrar.key.to_jwk()))
        key.chmod(0o600)
        init = ("init", "--origin", ORIGIN, "--name", "Bench", "--registrar", REGISTRAR, "--registrar-key", str(key))
        subprocess.run(self._run(*init), env=self.env, check=True, stdout=subprocess.DEVNULL)

    def __enter__(self) -> Server:
        self.init()
        several = ("--workers", str(self.kind.workers)) if self.kind.workers > 1 else ()
        self.process = start(self._run("serve", *several), self.env)
        await_answer(self.process, self.port, "/readyz")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the service, in order; its database goes on."""
        end(self.process, seconds=60.0)

    @property
    def pids(self) -> tuple[int, ...]:
        """Its own processes' first, and that of its database."""
        if self.cluster is None:
            return (self.process.pid,)
        return self.process.pid, int((self.cluster.data / "postmaster.pid").read_text().split()[0])

    def cpu_seconds(self) -> float:
        """Processor time so far, with that of its database."""
        return cpu_seconds(*self.pids)

    def memory(self) -> Memory:
        """What the service holds now, without its database."""
        return memory(self.process.pid)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        return ask(self.port, method, path, body, **headers)

    def post_batch(self, records: list[bytes]) -> dict[str, object]:
        """Send records in one batch; the closing line of the answer."""
        status, content = self.request(
            "POST", "/v1/records/batch", b"\n".join(records) + b"\n", **{"Content-Type": "text/plain"}
        )
        closing = json.loads(content.splitlines()[-1])
        if status != 200 or closing.get("refused") or closing["accepted"] != len(records):
            raise RuntimeError(f"batch was not accepted whole: {status} {content[-400:]!r}")
        return dict(closing)

    def stored_bytes(self) -> int:
        """Everything that the service keeps on disk: its folder, and its database. SQLite: after it has stopped."""
        kept = sum(path.stat().st_size for path in self.state.rglob("*") if path.is_file())
        if self.cluster is None or self.database is None:
            return kept
        with administer(self.cluster.url) as conn:
            row = conn.execute("SELECT pg_database_size(%s)", (self.database.database,)).fetchone()
        return kept + (int(row[0]) if row else 0)
