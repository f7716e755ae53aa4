"""Stateless checks of many records at once, in a few processes of their own.

Signature checks dominate ingest; in threads they would fight the sequencer for the interpreter
lock. A worker gets lines and the public keys that they name, and answers one small verdict per
line; the record itself is read again here from the bytes that were sent, which costs a tenth of
checking it. With no workers everything is checked in line, by the same function.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import Final

import orjson

from ledger.envelope import Record
from ledger.errors import LedgerError
from ledger.keys import PublicKey
from service.bootstrap import tune_collector
from service.errors import Unavailable
from service.logs import get_logger
from service.usecases.check import Candidate, KeyRing, check_presentation
from service.usecases.submit import Item

log = get_logger("checkers")

CHUNK: Final = 128
"""Lines per task: a few milliseconds of work."""
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")

_Verdict = tuple[str, bool, tuple[tuple[str, str], ...]] | LedgerError
"""Record id, whether the signature was checked, disclosures; or why the line is refused."""

_Task = tuple[list[bytes], dict[str, PublicKey]]


class Checkers:
    """A pool of checking processes; `workers` 0 checks in line."""

    def __init__(self, keys: KeyRing, workers: int) -> None:
        self._keys, self._workers = keys, workers
        self._pool = _make_pool(workers) if workers else None
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start every process now, not with the first batch."""
        if self._pool is not None:
            for future in [self._pool.submit(check_lines, [b""], {}) for _ in range(self._workers)]:
                future.result()

    def check(self, lines: Sequence[bytes]) -> list[Future[list[Item]]]:
        """Candidates or refusals of presentations, one future per `CHUNK` lines, in order.

        Reading a future's records costs its reader a few microseconds each.
        """
        return [self._check_chunk(lines[at : at + CHUNK]) for at in range(0, len(lines), CHUNK)]

    def close(self) -> None:
        """End the processes; what was not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _check_chunk(self, lines: Sequence[bytes]) -> Future[list[Item]]:
        done: Future[list[Item]] = Future()
        known = self._known_keys(lines)
        pool = self._pool
        if pool is None:
            done.set_result(_items(lines, check_lines(lines, known)))
        else:
            self._ask(pool, (list(lines), known), done, tries=2)
        return done

    def _ask(self, pool: ProcessPoolExecutor, task: _Task, done: Future[list[Item]], *, tries: int) -> None:
        """Have a process check the lines; if it dies over them, a new one once more."""

        def finish(answer: Future[list[_Verdict]]) -> None:
            error = answer.exception()
            if error is None:
                done.set_result(_items(task[0], answer.result()))
            elif isinstance(error, BrokenProcessPool) and tries > 1:
                self._ask(self._replace(pool), task, done, tries=tries - 1)
            else:
                log.error("lines could not be checked", error=repr(error))
                done.set_exception(Unavailable("The records could not be checked for now.", retry_after=1))

        try:
            pool.submit(check_lines, *task).add_done_callback(finish)
        except RuntimeError as broken:  # BrokenProcessPool, or shut down meanwhile
            failed: Future[list[_Verdict]] = Future()
            failed.set_exception(broken)
            finish(failed)

    def _replace(self, broken: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """A new pool in the place of one whose process died; whoever comes first makes it."""
        with self._lock:
            if self._pool is broken:
                log.error("a checking process died: starting new ones")
                broken.shutdown(wait=False)
                self._pool = _make_pool(self._workers)
            return self._pool or broken

    def _known_keys(self, lines: Sequence[bytes]) -> dict[str, PublicKey]:
        """The keys that the lines name, as far as they are known now."""
        known: dict[str, PublicKey] = {}
        for header in {line[: line.find(b".")] for line in lines}:
            kid = _alg_and_kid(header)[1]
            key = self._keys.get(kid)
            if key is not None:
                known[kid] = key
        return known


def check_lines(lines: Sequence[bytes], keys: Mapping[str, PublicKey]) -> list[_Verdict]:
    """The verdict on each presentation; run in a worker."""
    verdicts: list[_Verdict] = []
    for line in lines:
        try:
            candidate = check_presentation(line, keys.get)
            verdicts.append((candidate.record.id, candidate.verified, candidate.disclosures))
        except LedgerError as error:
            verdicts.append(error)
    return verdicts


def _items(lines: Sequence[bytes], verdicts: Sequence[_Verdict]) -> list[Item]:
    items: list[Item] = []
    for line, verdict in zip(lines, verdicts, strict=True):
        if isinstance(verdict, LedgerError):
            items.append(verdict)
        else:
            record_id, verified, disclosures = verdict
            items.append(Candidate(_read_checked(line, record_id), disclosures, verified))
    return items


def _read_checked(line: bytes, record_id: str) -> Record:
    """The record of a presentation that has passed every check of its format."""
    jws = line.partition(b"~")[0]
    header, _, rest = jws.partition(b".")
    alg, kid = _alg_and_kid(header)
    return Record(record_id, jws, alg, kid, orjson.loads(_decode(rest[: rest.index(b".")])))


def _decode(part: bytes) -> bytes:
    return a2b_base64(part.translate(_TO_BASE64) + b"==")  # too much padding is ignored


@lru_cache(maxsize=4096)
def _alg_and_kid(header: bytes) -> tuple[str, str]:
    """Of a JWS header; ("", "") for one that will be refused anyway."""
    try:
        members = orjson.loads(_decode(header))
        return ("ES256" if members["alg"] == "ES256" else "Ed25519"), str(members["kid"])
    except (ValueError, TypeError, KeyError):
        return "", ""


def _make_pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a fork would copy our threads' locks as they are
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare)


def _prepare() -> None:
    """Ctrl-C is for the server, which ends the pool; a server that is killed takes its workers with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tune_collector()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
