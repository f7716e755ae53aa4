"""Checks on the machines of a Dask cluster, for logs that one machine would take too long for.

The log is cut into shards of whole bundles. A worker is told where the log is and which shard to check, fetches the
files itself, and sends back what the fold needs; the fold stays here, one process in log order. A worker that is lost
costs its shards, which are given to another. What workers send back is believed: they, the scheduler and the network
between must be trusted as this machine is (TLS by Dask's own configuration, docs/auditing.md).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from clients.audit.keeper import code_digest
from clients.audit.pool import AHEAD, SHARES, Results, check_all, format_keys, in_order, parse_keys, read_chunks
from clients.audit.sources import Place, Source, open_place
from clients.sdk.errors import ClusterError, Unreachable
from ledger.errors import LedgerError
from ledger.keys import PublicKey
from ledger.log.tiles import WIDTH

Client = Any
"""`distributed.Client`, imported when a cluster is used; it has no types."""
BUNDLES: Final = 32
"""Bundles of a shard: some 7 MB of answer, and a third of a second of work."""
CONNECTING: Final = 10.0
PATIENCE: Final = 30.0
"""Seconds without an answer after which it is asked whether any worker is left."""


class Version(NamedTuple):
    """What must be the same everywhere: this program's source, and what carries values between processes."""

    code: str
    python: str
    distributed: str


class Cluster:
    """The workers of the scheduler at `address`, such as `tls://10.0.0.7:8786`; they read `source` themselves."""

    def __init__(self, address: str, source: Source, *, patience: float = PATIENCE) -> None:
        self.address = address
        self._source, self._patience = source, patience
        self._client: Client | None = None
        self._workers = 0
        self._segments: list[tuple[bytes, Any]] = []
        self._count = 0

    def __enter__(self) -> Self:
        self._client = client = _connect(self.address)
        try:
            self._workers = _count_workers(client, self.address)
        except BaseException:
            client.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._segments.clear()
        if self._client is not None:
            self._client.close()

    def bundles(self, size: int) -> int:
        """Fewer in a small log, of which every worker should have its share."""
        return min(BUNDLES, max(1, size // WIDTH // (self._workers * SHARES)))

    def results(self, ranges: Iterable[range], size: int, keys: Mapping[str, PublicKey]) -> Iterator[Results]:
        """Checked bundles in order, with several shards for each worker under way."""
        return in_order(ranges, lambda numbers: self._submit(numbers, size, keys), AHEAD * self._workers)

    def _submit(self, numbers: range, size: int, keys: Mapping[str, PublicKey]) -> _Shard:
        client = self._connected()
        self._send_keys(client, keys)
        known = [future for _, future in self._segments]
        place = self._source.place()  # anew each time: what it lets in with is short-lived
        try:
            future = client.submit(check_shard, place, numbers, size, known, code_digest(), pure=False)
        except Exception as error:
            raise _lost(self.address, error) from error
        return _Shard(self, future)

    def _send_keys(self, client: Client, keys: Mapping[str, PublicKey]) -> None:
        """New keys as one more text; texts are joined so that there are never more than a few. A text is a task with
        a result, so that a lost worker costs none of them."""
        if len(keys) == self._count:
            return
        text = format_keys(islice(keys.values(), self._count, None))
        self._count = len(keys)
        while self._segments and len(self._segments[-1][0]) <= len(text):
            text = self._segments.pop()[0] + text
        self._segments.append((text, client.submit(bytes, text, pure=False)))

    def wait(self, future: Any) -> Results:
        """The result of a shard; raises what its worker raised, or ClusterError when it will have none."""
        client = self._connected()
        while True:
            try:
                done: Results = future.result(timeout=self._patience)
                return done
            except TimeoutError:
                if not _ask_workers(client, self.address):
                    raise ClusterError(f"The cluster at {self.address} has no worker left.") from None
            except LedgerError:
                raise
            except Exception as error:
                raise _lost(self.address, error) from error

    def _connected(self) -> Client:
        if self._client is None:
            raise AssertionError("A cluster is used as a context.")
        return self._client


class _Shard(NamedTuple):
    """A shard under way."""

    cluster: Cluster
    future: Any

    def result(self) -> Results:
        """Wait for it."""
        return self.cluster.wait(self.future)


# ---- what runs on the workers ---------------------------------------------------------------------------------------


def tell_version() -> Version:
    """Of the process that this runs in."""
    return Version(code_digest(), f"{sys.version_info[0]}.{sys.version_info[1]}", version("distributed"))


def check_shard(place: Place, numbers: range, size: int, keys: list[bytes], code: str) -> Results:
    """Read and check some bundles. code: of the one that asks; a worker may have joined with another.

    Raises ClusterError; Unreachable when nobody answers there.
    """
    if code != code_digest():
        raise ClusterError("A worker of the cluster runs another version of Lodeline: install the same everywhere.")
    known: dict[str, PublicKey] = {}
    for text in keys:
        known |= _parsed(text)
    source = _opened(place._replace(headers=()))
    source.admit(dict(place.headers))
    return check_all(lambda: read_chunks(source, numbers, size), known)


@lru_cache(maxsize=64)
def _parsed(text: bytes) -> dict[str, PublicKey]:
    return parse_keys(text)


@lru_cache(maxsize=4)
def _opened(place: Place) -> Source:
    return open_place(place)


# ---- connecting -----------------------------------------------------------------------------------------------------


def _connect(address: str) -> Client:
    try:
        import distributed
    except ImportError:
        raise ClusterError("Audits on a cluster need Dask: install `lodeline[cluster]`.") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about versions, which are compared below
        try:
            connect: Any = distributed.Client
            return connect(address, timeout=CONNECTING, set_as_default=False, direct_to_workers=True)
        except Exception as error:
            raise ClusterError(
                f"No Dask scheduler answers at {address}: check the address, the network and its TLS settings.",
                reason=str(error) or type(error).__name__,
            ) from error


def _count_workers(client: Client, address: str) -> int:
    """Threads of all workers, each of which runs the same as this process. Raises ClusterError."""
    if not (threads := _ask_workers(client, address)):
        raise ClusterError(f"The cluster at {address} has no workers: start `dask worker {address}` on its machines.")
    try:
        versions: dict[str, Version] = client.run(tell_version)
    except Exception as error:
        raise ClusterError(
            f"The workers of the cluster at {address} cannot run this: install `lodeline[cluster]` there.",
            reason=str(error) or type(error).__name__,
        ) from error
    here = tell_version()
    for worker, there in sorted(versions.items()):
        differing = [name for name, one, other in zip(here._fields, here, there, strict=True) if one != other]
        if differing:
            raise ClusterError(
                "A worker of the cluster runs another version than this machine: install the same everywhere.",
                worker=worker,
                differing=differing,
            )
    return threads


def _ask_workers(client: Client, address: str) -> int:
    try:
        return sum(client.nthreads().values())
    except Exception as error:
        raise _lost(address, error) from error


def _lost(address: str, error: Exception) -> Unreachable:
    """The scheduler is gone, or a shard took one worker after the other with it."""
    kind = type(error).__name__
    if kind == "KilledWorker":
        why = "one shard ended several workers: have they enough memory?"
    else:
        why = "its scheduler does not answer any more."
    return ClusterError(f"The cluster at {address} was lost: {why}", reason=str(error) or kind)
