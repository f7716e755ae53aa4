"""What a buyer waits for: signed verdicts by all rule packs, over HTTP, on one lot and on a portfolio of a thousand."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bundle import BAGS, log_in
from benchmarks.generate import Generator, Signer
from benchmarks.server import Server

WARM_UP = 3
SAMPLE = 25
"""Every how many lots of a portfolio one is judged by itself, too."""


class Measured(NamedTuple):
    """records, rules: what was judged; p50_ms, p95_ms: until the verdict is signed and stored; echo_ms: a yardstick."""

    records: int
    rules: int
    p50_ms: float
    p95_ms: float
    echo_ms: float


class Portfolio(NamedTuple):
    """lots; together_s: one request for all; alone_ms: mean of single verdicts on lots of the same portfolio."""

    lots: int
    together_s: float
    alone_ms: float

    @property
    def speedup(self) -> float:
        """How many times sooner all are judged together than one after the other."""
        return self.lots * self.alone_ms / 1e3 / self.together_s


def measure(folder: Path, *, rounds: int = 40, bags: int = BAGS) -> Measured:
    """Lots of one mine each, merged from bags that were dug in records of their own; each is judged once."""
    with Server(folder) as server:
        seconds, rules = judge_all(server, WARM_UP + rounds, bags)
        echo = [_echo(server) for _ in range(rounds)]
    seconds = seconds[WARM_UP:]
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return Measured(bags + 4, rules, statistics.median(seconds) * 1e3, p95 * 1e3, statistics.median(echo) * 1e3)


def judge_all(server: Server, lots: int, bags: int) -> tuple[list[float], int]:
    """Make such lots on an empty log and have each judged: seconds for each, and the findings of the last."""
    generator = Generator(signers=2 * lots)
    server.post_batch([jws for _, jws in generator.register()])
    seconds, rules = [], 0
    for number, miner in enumerate(generator.miners[:lots]):
        _blend(server, generator, number, bags)
        asking = _Asking(server, generator, miner)
        seconds.append(asking.claim(f"lot:blend-{number}"))
        rules = asking.rules
    return seconds, rules


def measure_portfolio(folder: Path, *, blends: int, bags: int = BAGS, drums: int = 200) -> Portfolio:
    """`blends` such lots, each split into drums of different weights that travel `CONSIGNMENT` at a time."""
    generator = Generator(signers=max(4, 4 * blends))
    smelter = generator.smelters[0]
    with Server(folder) as server:
        server.post_batch([jws for _, jws in generator.register()])
        lots = [lot for number in range(blends) for lot in _drums(server, generator, number, smelter, bags, drums)]
        asking = _Asking(server, generator, smelter)
        sample = lots[:: min(SAMPLE, max(1, len(lots) // 2))]
        for lot in sample[:WARM_UP]:
            asking.claim(lot)
        before = [asking.claim(lot) for lot in sample[::2]]
        together = asking.portfolio(lots)
        alone = before + [asking.claim(lot) for lot in sample[1::2]]
    return Portfolio(len(lots), together, statistics.fmean(alone) * 1e3)


def _blend(server: Server, generator: Generator, number: int, bags: int) -> tuple[Signer, str, bytes]:
    """One lot of bags of a mine of its own: the miner, the lot, and the record that made it."""
    miner, name, first = generator.miners[number], f"lot:blend-{number}", number * bags
    dug = list(generator.extracts(bags, owner=miner, first=first))
    server.post_batch([jws for _, jws in dug])
    _, jws = generator.merge(miner, dug, name, first=first)
    server.post_batch([jws])
    return miner, name, jws


def _drums(server: Server, generator: Generator, number: int, taker: Signer, bags: int, drums: int) -> list[str]:
    """Such a lot, split and sent; the ids of its drums."""
    miner, name, head = _blend(server, generator, number, bags)
    each = bags * 38_000 // drums - 1_240
    for _, jws in generator.drums(miner, taker, name, head, [each + n for n in range(drums)]):
        server.post_batch([jws])
    return [f"{name}:drum-{n:04d}" for n in range(drums)]


class _Asking:
    """A participant that has lots judged by all packs. rules: findings of its last verdict."""

    def __init__(self, server: Server, generator: Generator, who: Signer) -> None:
        self._server, self._generator, self._who = server, generator, who
        packs = [one["id"] for one in json.loads(server.request("GET", "/v1/rule-packs?limit=200")[1])["items"]]
        self._claim = {"type": "conduct", "packs": [one for one in packs if one != "claims"], "parameters": {}}
        self.rules = 0

    def claim(self, lot: str) -> float:
        """Seconds until the signed verdict on a lot is there."""
        seconds, told = self._ask("/v1/claims", {"claim": {**self._claim, "subject": lot}})
        self.rules = len(told["verdict"]["findings"])
        return seconds

    def portfolio(self, lots: list[str]) -> float:
        """Seconds until the answers for all lots are there."""
        seconds, told = self._ask("/v1/portfolios", {"claim": self._claim, "subjects": lots})
        if [one["subject"] for one in told["lots"]] != lots:
            raise RuntimeError("the answer is about other lots")
        return seconds

    def _ask(self, path: str, value: Any) -> tuple[float, Any]:
        body = json.dumps(value).encode()
        token = log_in(self._generator, self._who)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        began = time.perf_counter()
        status, content = self._server.request("POST", path, body, **headers)
        seconds = time.perf_counter() - began
        if status not in (200, 201):
            raise RuntimeError(f"no answer: {status} {content[:400]!r}")
        return seconds, json.loads(content)


def _echo(server: Server) -> float:
    began = time.perf_counter()
    server.request("GET", "/healthz")
    return time.perf_counter() - began
