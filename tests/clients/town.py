"""A running service and the command line of its participants, each with a home folder of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from clients.cli.main import app
from ledger.encoding import format_time
from service.app import create_app
from tests.service.api.harness import Desk, listening, make_service
from tests.support.world import REGISTRAR, empty_world

MINE, TRADER, BUYER, AUDITOR = (f"did:web:{name}.example" for name in ("mine", "trader", "buyer", "auditor"))
ROLES = {MINE: "producer", TRADER: "trader", BUYER: "buyer", AUDITOR: "auditor"}


class Town:
    """Commands are run by `run`; times are the real clock's."""

    def __init__(self, desk: Desk, url: str, folder: Path) -> None:
        self.desk = desk
        self.url = url
        self.folder = folder
        self._runner = CliRunner()

    @property
    def vkey(self) -> str:
        return self.desk.service.context.vkey

    def home(self, who: str) -> Path:
        return self.folder / who.rpartition(":")[2]

    def run(self, who: str, *words: str, code: int = 0, text: str | None = None, **env: str) -> Result:
        """Run a command as somebody; the exit code must be `code`."""
        self.desk.now = int(time.time())
        result = self._runner.invoke(
            app, list(words), input=text, env={"LODELINE_HOME": str(self.home(who)), "COLUMNS": "200", **env}
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, who: str, *words: str, code: int = 0) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.run(who, *words, "--json", code=code).stdout)

    def extract(self, lot: str, *more: str, code: int = 0, mass: str = "40") -> Any:
        """The mine digs a lot."""
        words = ["extract", lot, "--site", "site:pit", "--mineral", "coltan", "--mass", mass, "--moisture", "2"]
        words += ["--assay", "Ta2O5=28.5", "--from", "2026-01-01", "--to", "2026-01-31", "--method", "artisanal"]
        return self.json(MINE, *words, "--workers", "12", *more, code=code)

    def dispatch(self, lot: str, *more: str, code: int = 0) -> Any:
        """The mine sends a lot to the trader."""
        words = ["dispatch", lot, "-c", TRADER, "--from", "site:pit", "--to", "site:depot", "--expected", "2100-01-01"]
        return self.json(MINE, *words, *more, code=code)

    def receive(self, lot: str, mass: str = "40", *more: str, code: int = 0) -> Any:
        """The trader receives it."""
        return self.json(TRADER, "receive", lot, "--site", "site:depot", "--mass", mass, *more, code=code)


@contextmanager
def open_town(folder: Path) -> Iterator[Town]:
    """A service with everybody enrolled and two sites, all by the command line."""
    desk = Desk(keys=dict(empty_world().keys), now=int(time.time()))
    desk.service = make_service(folder / "service", desk)
    with capture_logs(), listening(create_app(desk.service)) as client:  # its log lines are not ours to print
        town = Town(desk, str(client.base_url).rstrip("/"), folder)
        _settle(town)
        yield town


def _settle(town: Town) -> None:
    made = town.folder / "registrar.json"
    made.write_text(json.dumps(town.desk.keys[REGISTRAR].to_jwk()))
    town.run(REGISTRAR, "init", town.url, "-p", REGISTRAR)
    town.run(REGISTRAR, "key", "import", str(made))
    for who, role in ROLES.items():
        town.run(who, "init", town.url, "-p", who, "--log-key", town.vkey)
        town.run(who, "key", "new")
        jwk = town.home(who) / "mine.jwk"
        town.run(who, "key", "export", "-o", str(jwk))
        name = who.partition("web:")[2]
        words = ["participant", "enrol", who, "--country", "CD", "--role", role, "--key", str(jwk), "--name", name]
        assert town.json(REGISTRAR, *words)["state"] == "accepted"
    for who, site, kind in ((MINE, "site:pit", "mine"), (TRADER, "site:depot", "depot")):
        words = ["site", "add", site, "--kind", kind, "--country", "CD", "--subdivision", "CD-NK"]
        words += ["--mineral", "coltan", "--point", "29.0619,-1.9641", "--workers", "120", "--kg-per-month", "792"]
        assert town.json(who, *words)["state"] == "accepted"


def now() -> str:
    """The time that commands take when none is given."""
    return format_time(int(time.time()))
