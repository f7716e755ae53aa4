"""The stage: who is there, what moved each subject last, and how a refusal is shown to have stored nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from clients.sdk.client import LodelineClient
from demo.actor import Actor
from demo.days import Days
from demo.narrator import Narrator
from ledger.errors import LedgerError

WITNESS_SECONDS = 30.0


class DemoFailed(Exception):
    """The demo did not go as it must: a check that should hold does not."""


@dataclass
class Stage:
    """url: of the service; folder: where everything of this run lies; http: connections that all share."""

    narrator: Narrator
    days: Days
    folder: Path
    url: str
    http: httpx.Client
    actors: dict[str, Actor] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._public = LodelineClient(self.url, http=self.http)  # without a key: checkpoints are public

    def __getitem__(self, name: str) -> Actor:
        return self.actors[name]

    def about(self, *subjects: str) -> list[dict[str, str]]:
        """Subjects with the newest record that moved each, for evidence about them."""
        return [{"subject": one, "record": self.heads[one]} for one in subjects]

    def learn(self, actor: Actor, *subjects: str) -> None:
        """Ask, as `actor`, for heads that records sent by the command line have moved."""
        for one in subjects:
            head = actor.client.head(one)
            self.check(head is not None, f"the log should know {one}")
            self.heads[one] = str(head)

    def size(self) -> int:
        """Entries in the log now; its checkpoint is verified to extend the last one seen."""
        return self._public.check_log().size

    def wait_for_witness(self) -> None:
        """Wait until the newest checkpoint bears the witness's cosignature."""
        deadline = time.monotonic() + WITNESS_SECONDS
        while self.notes["witness"] not in self._newest_note():
            self.check(time.monotonic() < deadline, "the witness should have cosigned the newest checkpoint")
            time.sleep(0.1)

    def _newest_note(self) -> str:
        return self.http.get(f"{self.url}/log/checkpoint").text

    def check(self, holds: bool, what: str) -> None:
        """Raise DemoFailed unless it holds."""
        if not holds:
            raise DemoFailed(what)

    def refused(self, expected: type[LedgerError], attempt: Callable[[], object]) -> None:
        """The attempt must be refused with exactly this error, and the log must not grow."""
        before = self.size()
        try:
            attempt()
        except LedgerError as error:
            if type(error) is not expected:
                raise
            after = self.size()
            self.check(before == after, f"a refused record was stored: {before} entries became {after}")
            self.narrator.refused(error, after)
            return
        raise DemoFailed(f"{expected.__name__} was expected, but the log took the record")
