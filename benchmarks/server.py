"""A real server process on an empty ledger, with the generator's registrar, for the load figures."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.generate import ORIGIN, REGISTRAR, Generator


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`lodeline-server` on SQLite in `folder`; a context manager. environment: variables of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        self.env = {**os.environ, "LODELINE_STATE": str(self.state), "LODELINE_PORT": str(self.port)}
        self.env |= {"LODELINE_LOG_LEVEL": "error", **environment}

    def _run(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "service.manage", *args]

    def __enter__(self) -> Server:
        key = self.folder / "registrar.jwk"
        key.write_text(json.dumps(Generator().registrar.key.to_jwk()))
        key.chmod(0o600)
        init = ("init", "--origin", ORIGIN, "--name", "Bench", "--registrar", REGISTRAR, "--registrar-key", str(key))
        subprocess.run(self._run(*init), env=self.env, check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(self._run("serve"), env=self.env, stdout=subprocess.DEVNULL)
        self._await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass  # it does not listen yet
            time.sleep(0.05)
        raise TimeoutError("the server did not become ready within 30 s")

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

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
        """Everything that the server keeps on disk; after it has stopped."""
        return sum(path.stat().st_size for path in self.state.rglob("*") if path.is_file())
