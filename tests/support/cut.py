"""A way to PostgreSQL that can be cut at the one moment that matters: while a commit is on its way."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

_APPENDS: Final = b"UPDATE head"
_COMMIT: Final = b"COMMIT\x00"


class Cut:
    """A socket before that of a server, in `folder`. After `arm` the next commit of an append is cut once: before it
    reaches the server, or after the server has done it and before its answer arrives."""

    def __init__(self, server: URL, folder: Path) -> None:
        place = server.query["host"]
        self._server = f"{place}/.s.PGSQL.{server.port or 5432}"
        self.url = server.set(query={"host": str(folder)})
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._applied: bool | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, *, applied: bool) -> None:
        """Cut the next one; applied: after it was done."""
        self._applied = applied

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            done = threading.Event()
            threading.Thread(target=self._forth, args=(client, server, done), daemon=True).start()
            threading.Thread(target=self._back, args=(client, server, done), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, done: threading.Event) -> None:
        """What the client says, up to the cut."""
        appends = False
        while data := _read(client):
            appends = appends or _APPENDS in data
            if appends and _COMMIT in data and self._applied is not None:
                applied, self._applied = self._applied, None
                self.cuts += 1
                if applied:
                    done.set()  # its answer is awaited, and kept
                    server.sendall(data)
                    return
                break
            if _COMMIT in data:
                appends = False
            server.sendall(data)
        _end(client, server)

    def _back(self, client: socket.socket, server: socket.socket, done: threading.Event) -> None:
        """What the server says, up to the cut."""
        while data := _read(server):
            if done.is_set():
                break
            client.sendall(data)
        _end(client, server)


def _read(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 16)
    except OSError:
        return b""


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
