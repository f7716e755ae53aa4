"""One participant: a folder with its key, a client that signs with it, and the same home for the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.home import Config, Home
from clients.sdk import events
from clients.sdk.answers import Accepted
from clients.sdk.client import LodelineClient
from clients.sdk.store import PinnedLog, Store
from demo.cast import Role
from demo.narrator import SHOWN_LINES
from ledger.envelope import SignedRecord
from ledger.keys import PrivateKey

if TYPE_CHECKING:
    from demo.stage import Stage

OUT_OF_REACH = "http://127.0.0.1:9"  # the discard port: nobody answers there
COMMAND_SECONDS = 60


class CommandFailed(Exception):
    """A command ended with another exit code than the scene expects."""


@dataclass
class Actor:
    """role: who it is; folder: its working folder, with the home folder of `lodeline` inside."""

    stage: Stage
    role: Role
    folder: Path
    client: LodelineClient

    @classmethod
    def join(cls, stage: Stage, role: Role, folder: Path, pin: PinnedLog, key: PrivateKey | None = None) -> Actor:
        """Set up a home folder that trusts the log `pin`, with a new key of its own unless one is given."""
        home = Home(folder / "home")
        if key is None:
            key = home.keys.new()
        else:
            home.keys.add(key)
        home.save(Config(stage.url, role.id, key.public.kid))
        Store(home.folder).write_pin(pin)
        return cls.open(stage, role, folder)

    @classmethod
    def open(cls, stage: Stage, role: Role, folder: Path) -> Actor:
        """A participant whose home folder is set up already."""
        home = Home(folder / "home")
        client = LodelineClient(
            stage.url, key=home.private_key(), participant=role.id, store=home.folder, http=stage.http
        )
        return cls(stage, role, folder, client)

    @property
    def id(self) -> str:
        """Participant id."""
        return self.role.id

    # ---- over the SDK -----------------------------------------------------------------------------------------------

    def do(self, event: events.Event, what: str, *, reveal: Iterable[str] = ("*",)) -> Accepted:
        """Sign, submit, verify the receipt, and tell it in one line. reveal: as `LodelineClient.sign`."""
        signed = self.client.sign(event, find_head=self.head, reveal=reveal)
        return self.submit(signed, what)

    def head(self, subject: str) -> str | None:
        """The head as this run has seen it, else as the service says."""
        return self.stage.heads.get(subject) or self.client.head(subject)

    def submit(self, signed: SignedRecord, what: str) -> Accepted:
        """Submit a signed record and remember the heads that it moved."""
        accepted = self.client.submit_record(signed.text)
        payload = signed.record.payload
        self.stage.heads.update(dict.fromkeys(events.moved(payload), accepted.id))
        kind = payload["type"] + (f" {payload['body']['kind']}" if payload["type"] == "attest" else "")
        self.stage.narrator.record(accepted.index, accepted.id, kind, self.role.name, what)
        return accepted

    def attest(
        self,
        time: str,
        kind: str,
        about: Iterable[str],
        what: str,
        /,  # a statement may have members of these names
        *,
        reveal: Iterable[str] = ("*",),
        more: dict[str, Any] | None = None,
        **statement: Any,
    ) -> Accepted:
        """Give evidence of one kind. more: members of the body beside the statement."""
        names = {"start": "from", "end": "to"}
        filled = {names.get(name, name): value for name, value in statement.items()}
        body = {"kind": kind, "about": self.stage.about(*about), "statement": filled, **(more or {})}
        return self.do(events.attest(time, **body), what, reveal=reveal)

    # ---- over the command line --------------------------------------------------------------------------------------

    def run(self, *words: str, code: int = 0, lines: int = SHOWN_LINES) -> str:
        """Run `lodeline` as this participant would, show command and output, return the output."""
        self.stage.narrator.command(("lodeline", *words))
        done = run_lodeline(self.folder, words, self.stage.narrator.inner_width)
        text = done.stdout + done.stderr
        self.stage.narrator.output(text, lines=lines)
        if done.returncode != code:
            raise CommandFailed(f"`lodeline {words[0]}` ended with {done.returncode} instead of {code}:\n{text}")
        return text

    @contextmanager
    def no_network(self) -> Iterator[None]:
        """Within this block the command line of this participant cannot reach the service."""
        home = Home(self.folder / "home")
        config = home.config()
        home.save(Config(OUT_OF_REACH, config.participant, config.key))
        try:
            yield
        finally:
            home.save(config)


def run_lodeline(folder: Path, words: Sequence[str], width: int) -> subprocess.CompletedProcess[str]:
    """Run `lodeline` in a participant's folder; its home folder is `home` in there. width: of its tables."""
    shown = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": str(width)}
    environment = {**os.environ, **shown, "LODELINE_HOME": str(folder / "home")}
    return subprocess.run(  # noqa: S603 - our own program, words from the scenes
        [*lodeline(), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def lodeline(name: str = "lodeline") -> list[str]:
    """The command of this installation."""
    program = Path(sys.executable).with_name(name)
    module = {"lodeline": "clients.cli.main", "lodeline-server": "service.manage"}[name]
    return [str(program)] if program.exists() else [sys.executable, "-m", module]
