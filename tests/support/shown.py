"""A record as a bundle shows it."""

from __future__ import annotations

from typing import NamedTuple

from ledger.envelope import Record


class Shown(NamedTuple):
    """index: in the log; logged: ms since the epoch."""

    index: int
    logged: int
    record: Record
    disclosures: tuple[str, ...]
