"""The programs that the demo starts: the service, and a witness. Each is stopped by the demo, and only by it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

READY_SECONDS = 30.0
STOP_SECONDS = 20.0


class ProcessFailed(Exception):
    """A program did not start, or ended too early; the message has the end of its log."""


class PortTaken(Exception):
    """Somebody else listens on the port."""


class Running:
    """One program whose output goes to the file `log`."""

    def __init__(self, name: str, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as sink:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                words,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its programs in order
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Poll until `ready`; raises ProcessFailed when the program ends first or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            self.check_alive()
            if time.monotonic() > deadline:
                raise ProcessFailed(f"The {self.name} is not ready after {READY_SECONDS:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def check_alive(self) -> None:
        """Raise ProcessFailed when the program has ended."""
        if self._process.poll() is not None:
            raise ProcessFailed(f"The {self.name} ended with {self._process.returncode}:\n{self.tail()}")

    def find(self, pattern: str) -> str:
        """The first group of the pattern in what the program printed so far, "" if it is not there yet."""
        found = re.search(pattern, self.log.read_text(encoding="utf-8", errors="replace"))
        return found[1] if found else ""

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])

    def stop(self) -> int:
        """Ask the program to stop and wait; the exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()


def check_port(port: int) -> None:
    """Raise PortTaken unless the port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} of 127.0.0.1 can't be used ({error.strerror}): stop the program that uses it, "
                f"or choose another port, for example `make demo PORT={port + 10}`."
            ) from error


def is_ready(url: str) -> bool:
    """Whether the service says on /readyz that it takes records."""
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False
