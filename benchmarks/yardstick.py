"""The yardstick: how many of the same signatures the machine can check, doing nothing else.

Every library here follows the ledger's signature rule and checks the same records with its own
call, in one process per core, started together; the fastest is the yardstick. Work that the ledger has to do anyway
(parsing, hashing, custody rules, storage) keeps the other figures down; that it checks many signatures at once where
it can (`ledger.batch`), and the yardstick one by one, brings them up.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open

from ledger import batch
from ledger.encoding import parse_b64url
from ledger.keys import PublicKey

CORES = os.cpu_count() or 1


class Signed(NamedTuple):
    """One signature to check."""

    key: bytes
    signature: bytes
    message: bytes


def signed_parts(jws: bytes, key: PublicKey) -> Signed:
    """What a library needs in order to check a record's signature."""
    message, _, signature = jws.rpartition(b".")
    return Signed(key.raw, parse_b64url(signature), message)


def _with_pynacl(parts: Sequence[Signed]) -> None:
    for key, signature, message in parts:
        crypto_sign_open(signature + message, key)


def _with_cryptography(parts: Sequence[Signed]) -> None:
    keys = {key: Ed25519PublicKey.from_public_bytes(key) for key in {part.key for part in parts}}
    for key, signature, message in parts:
        keys[key].verify(signature, message)


def _in_batches(parts: Sequence[Signed]) -> None:
    keys = {key: PublicKey("Ed25519", "", key) for key in {part.key for part in parts}}
    for at in range(0, len(parts), 1024):
        if any(batch.verify_all([batch.Signed(keys[key], *rest) for key, *rest in parts[at : at + 1024]])):
            raise RuntimeError("a good signature was refused")


def measure_batches(parts: Sequence[Signed]) -> float:
    """Checks per second of `ledger.batch`, 1,024 at once, over all processes together; not the yardstick."""
    return measure(_in_batches, parts)


LIBRARIES: dict[str, Callable[[Sequence[Signed]], None]] = {
    "PyNaCl": _with_pynacl,
    "cryptography": _with_cryptography,
}


def _worker(check: Callable[[Sequence[Signed]], None], parts: Sequence[Signed], start: Any, told: Any) -> None:
    check(parts[:50])
    start.wait()
    began = time.perf_counter()
    check(parts)
    told.put((began, time.perf_counter()))


def measure(check: Callable[[Sequence[Signed]], None], parts: Sequence[Signed], processes: int = CORES) -> float:
    """Checks per second of one library over all processes together; each checks all parts once.

    From when the first begins until the last has ended, by their own clocks, which are one and the same.
    """
    context = multiprocessing.get_context("fork")
    start, told = context.Barrier(processes), context.SimpleQueue()
    workers = [context.Process(target=_worker, args=(check, parts, start, told)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    times = [told.get() for _ in workers]
    for worker in workers:
        worker.join()
    seconds: float = max(ended for _, ended in times) - min(began for began, _ in times)
    return processes * len(parts) / seconds


def measure_core(parts: Sequence[Signed]) -> float:
    """Raw checks per second of processor time, by the fastest library: what one core can do, whatever else it does."""
    rates = []
    for check in LIBRARIES.values():
        check(parts[:50])
        began = time.process_time()
        check(parts)
        rates.append(len(parts) / (time.process_time() - began))
    return max(rates)


class Yardstick:
    """Raw checks per second, measured again beside every figure that is a ratio to it."""

    def __init__(self, parts: Sequence[Signed]) -> None:
        self.parts = parts
        self.rates: dict[str, list[float]] = {name: [] for name in LIBRARIES}

    def take(self) -> float:
        """Measure every library once more; the best of this moment."""
        for name, check in LIBRARIES.items():
            self.rates[name].append(measure(check, self.parts))
        return max(rates[-1] for rates in self.rates.values())

    def medians(self) -> dict[str, float]:
        """Per library, over all that was taken."""
        return {name: statistics.median(rates) for name, rates in self.rates.items()}
