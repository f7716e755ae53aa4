"""`serve --workers N`: several server processes on one socket, and a parent that keeps them going.

The parent is uvicorn's: it opens the socket, starts the processes, asks each every moment whether it lives, ends one
that does not answer and starts another, and on SIGTERM has all of them finish. What is counted is shared between them
in files, so that `/metrics` says the same whichever process answers.
"""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from service.config import Settings, SettingsError
from service.logs import configure_logs
from service.protocol import JoinedHttp

if TYPE_CHECKING:  # a new process answers its parent before it reads all of the program
    from service.api.edge import App

SHARED_COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""What the Prometheus library calls the folder; it looks there when it is imported."""

SILENT_SECONDS: Final = 5
"""A process that has not answered its parent for so long is ended, and another one started."""


def server_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told, with one process or several."""
    return {
        "lifespan": "on",
        "http": JoinedHttp,
        "ws": "none",  # there are none here, whatever libraries are installed
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": int(settings.limits.request_seconds),
    }


def check_peer(settings: Settings) -> None:
    """Raise SettingsError when other processes could not reach this one where the settings say."""
    try:
        family, *_, place = socket.getaddrinfo(settings.peer_host, 0, type=socket.SOCK_STREAM)[0]
        socket.create_server(place, family=family).close()
    except OSError as error:
        raise SettingsError(
            f"LODELINE_PEER_HOST must be a name or address of this host, but {settings.peer_host!r} is none "
            f"({error.strerror})."
        ) from None


def serve_many(settings: Settings, *, host: str, port: int) -> None:
    """Run `settings.processes` servers until told to stop. Raises OSError when the address is taken."""
    make = partial(make_worker, replace(settings, workers=-(-settings.workers // settings.processes)))
    with tempfile.TemporaryDirectory(prefix="lodeline-counts-") as folder:
        os.environ[SHARED_COUNTS] = folder  # inherited; this process counts nothing itself
        config = uvicorn.Config(
            make,
            factory=True,
            host=host,
            port=port,
            workers=settings.processes,
            timeout_worker_healthcheck=SILENT_SECONDS,
            **server_options(settings),
        )
        configure_logs(settings.log_level)
        _Workers(config, sockets=[config.bind_socket()]).run()


class _Workers(Multiprocess):
    """Uvicorn's parent, which also waits for processes that are starting, and clears away the counts of dead ones."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._asked: set[int | None] = set()
        self._up: set[int | None] = set()

    def keep_subprocess_alive(self) -> None:
        """Replace those that died or hang."""
        from prometheus_client.multiprocess import mark_process_dead

        starting = [one for one in self.processes if self._is_starting(one)]
        self.processes = [one for one in self.processes if one not in starting]
        before = {one.pid for one in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {one.pid for one in self.processes}:
            mark_process_dead(pid, os.environ[SHARED_COUNTS])  # type: ignore[no-untyped-call]
        self.processes += starting

    def _is_starting(self, process: Process) -> bool:
        """Whether it lives and has never answered: however slow the machine is, it may take its time."""
        if process.pid in self._up or not process.process.is_alive():
            return False
        with suppress(OSError, EOFError):
            if process.pid not in self._asked:
                self._asked.add(process.pid)
                process.parent_conn.send(b"ping")
            if not process.parent_conn.poll(0):
                return True
            process.parent_conn.recv()
        self._up.add(process.pid)
        return False


def _end_with_parent() -> None:
    """Finish in order when the parent is gone: nobody else would end this process, or free the port."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def make_worker(settings: Settings) -> App:
    """The application of one of several processes; called in that process."""
    from service.app import create_app
    from service.bootstrap import tune_collector, wire

    configure_logs(settings.log_level)
    _end_with_parent()
    service = wire(settings)
    service.metrics.shared = os.environ[SHARED_COUNTS]
    tune_collector()
    return create_app(service)
