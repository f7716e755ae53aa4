"""Anchor evidence: its size, and the time to check it from the file, on a chain made up for it.

The depth of the state trie decides both. `accounts` in it: 4,096 give the three levels of a young chain; the main
network has some 300 million, six more levels of 532 bytes each, which no made-up trie can hold here.
"""

from __future__ import annotations

import hashlib
import time
from statistics import median
from typing import NamedTuple

from ledger.evidence.anchor import check_anchor, format_anchor, parse_anchor
from tests.support.anchors import Chain, anchor_of, head_of, head_slots, log_id, pack

ORIGIN = "bench.example/log"


class Evidence(NamedTuple):
    """bytes: of the file; verify_ms: median of parsing and checking it."""

    bytes: int
    verify_ms: float


def measure(accounts: int = 4_096, rounds: int = 200) -> Evidence:
    """Evidence of a head in a contract among so many accounts."""
    head = head_of(1 << 20, hashlib.sha256(b"root").digest())
    slots = dict(zip(head_slots(log_id(ORIGIN)), pack(head), strict=True)) | {2: 7, 3: 9}
    data = format_anchor(anchor_of(head, ORIGIN, Chain(slots, accounts=accounts)))
    taken = [_check(data) for _ in range(rounds)]
    return Evidence(len(data), median(taken) * 1000)


def _check(data: bytes) -> float:
    started = time.perf_counter()
    check_anchor(parse_anchor(data), ORIGIN)
    return time.perf_counter() - started
