"""Reference data: loading a file as a dated snapshot, saying how old everything is, and handing it to the rules.

A snapshot is never overwritten: a day that has another file already is a conflict, the same file again
is nothing new. Files are parsed where rules ask for them and kept in the process by digest; the
database is asked for what there is each time, so that a load by another process is seen at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from ledger.rules.reference.datasets import DATASETS, Dataset
from ledger.rules.reference.snapshot import (
    References,
    Snapshot,
    age_in_days,
    check_shrink,
    dataset_of,
    parse_snapshot,
)
from service.errors import BadRequest, Conflict, Forbidden, NotFound
from service.storage import reference as storage
from service.storage.engine import Connection, Store
from service.storage.reference import Stored
from service.storage.schema import current_step, fits, newest_step

MAX_SOURCE: Final = 500
REMEMBERED: Final = 64
"""Parsed files that the process keeps, the most recently used ones."""


class Loaded(NamedTuple):
    """What a load did: fresh is False when the same file was there for that day."""

    stored: Stored
    fresh: bool


def load_snapshot(store: Store, dataset: str, raw: bytes, *, published: str, source: str, now: int) -> Loaded:
    """Check a file and keep it as the snapshot of a day. now: seconds since the epoch.

    Raises SnapshotError, SnapshotShrunk, TooLarge; BadRequest for a day that has not come or a source
    that says nothing; Conflict for a day that has another file.
    """
    if not 1 <= len(source.strip()) <= MAX_SOURCE or not source.isprintable():
        raise BadRequest(f"Say where the file is from, in at most {MAX_SOURCE} characters.", pointer="/source")
    snapshot = parse_snapshot(dataset, raw, published=published, source=source)
    if published > day_of(now):
        raise BadRequest(f"{published} has not come yet: give the day on which the file was published.")
    stored = Stored(dataset, published, snapshot.digest, source, now, len(snapshot.rows), snapshot.left_out, len(raw))
    with store.writing() as conn:
        before = storage.list_snapshots(conn, dataset)
        same_day = next((one for one in before if one.published == published), None)
        if same_day is not None:
            if same_day.digest != stored.digest:
                raise Conflict(
                    f"`{dataset}` has another file for {published}, and a snapshot is never overwritten: "
                    "load this one under the day on which it was published.",
                    digest=same_day.digest,
                )
            return Loaded(same_day, False)
        check_shrink(max([one for one in before if one.published < published], default=_NOTHING).rows, stored.rows)
        storage.add_snapshot(conn, stored, raw)
    return Loaded(stored, True)


_NOTHING: Final = Stored("", "", "", "", 0, 0, 0, 0)


def check_step(store: Store) -> None:
    """Raise Conflict unless the database has this program's tables."""
    with store.reading() as conn:
        step = current_step(conn)
    if not fits(step):
        raise Conflict(
            f"The database is at migration step {step or 'none'}, this program needs {newest_step()}: "
            "run `lodeline-server migrate` (or `init` for a new log)."
        )


def day_of(seconds: int) -> str:
    """The day in UTC of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def list_snapshots(store: Store, dataset: str | None = None) -> list[Stored]:
    """Every snapshot, by data set and day. Raises SnapshotError for a data set that does not exist."""
    if dataset is not None:
        dataset_of(dataset)
    with store.reading() as conn:
        return storage.list_snapshots(conn, dataset)


def describe_datasets(store: Store, *, now: int, dataset: str | None = None, newest: int = 1) -> list[dict[str, Any]]:
    """Each data set with its newest snapshots, newest first, and whether rules still take it. Public."""
    kinds = list(DATASETS.values()) if dataset is None else [dataset_of(dataset)]
    found: dict[str, list[Stored]] = {kind.name: [] for kind in kinds}
    for stored in list_snapshots(store, dataset):
        found.setdefault(stored.dataset, []).append(stored)
    return [_describe(kind, found[kind.name][::-1], day_of(now), newest) for kind in kinds]


def _describe(kind: Dataset, snapshots: list[Stored], today: str, newest: int) -> dict[str, Any]:
    age = age_in_days(snapshots[0].published, today) if snapshots else None
    return {
        "dataset": kind.name,
        "title": kind.title,
        "format": kind.format,
        "licence": kind.licence,
        "stale_after": kind.stale_after,
        "reason": kind.reason,
        "count": len(snapshots),
        "age": age,
        "stale": age is None or age > kind.stale_after,
        "snapshots": [
            {name: value for name, value in stored._asdict().items() if name != "dataset"}
            for stored in snapshots[:newest]
        ],
    }


def read_snapshot(store: Store, digest: str) -> bytes:
    """The bytes of a file that may be handed on. Raises NotFound, Forbidden for one whose licence forbids it."""
    with store.reading() as conn:
        naming = storage.naming_file(conn, digest)
        for stored in naming:
            if not dataset_of(stored.dataset).may_be_handed_on:
                raise Forbidden(
                    f"The licence of `{stored.dataset}` forbids handing it on: take it from its publisher.",
                    source=stored.source,
                )
        data = storage.read_file(conn, digest) if naming else None
    if data is None:
        raise NotFound("There is no reference data with this digest.")
    return data


class Cache:
    """Parsed files of this process by data set and digest; safe for threads."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._parsed: OrderedDict[tuple[str, str], Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, stored: Stored, read: Callable[[], bytes]) -> Snapshot:
        """The snapshot, parsed now if it was not before."""
        key = stored.dataset, stored.digest
        with self._lock:
            if key not in self._parsed:
                raw = read()
                self._parsed[key] = parse_snapshot(
                    stored.dataset, raw, published=stored.published, source=stored.source
                )
            self._parsed.move_to_end(key)
            if len(self._parsed) > self._remembered:
                self._parsed.popitem(last=False)
            snapshot = self._parsed[key]
        if (snapshot.published, snapshot.source) == (stored.published, stored.source):
            return snapshot
        return Snapshot(
            stored.dataset, stored.digest, stored.published, stored.source, snapshot.rows, snapshot.left_out
        )


CACHE: Final = Cache()


def current_references(conn: Connection, cache: Cache = CACHE) -> References:
    """What is loaded now, for the rules; it may be used after the connection is closed."""
    return StoredReferences(storage.list_snapshots(conn), storage.file_reader(conn), cache)


class StoredReferences(References):
    """Snapshots of the database, read and parsed only where a rule looks."""

    __slots__ = ("_cache", "_read", "_stored")

    def __init__(self, stored: Iterable[Stored], read: Callable[[str], bytes | None], cache: Cache) -> None:
        """stored: by day within each data set; read: the bytes of a file by its digest."""
        super().__init__()
        self._read, self._cache = read, cache
        self._stored: dict[str, list[Stored]] = {}
        for one in stored:
            self._stored.setdefault(one.dataset, []).append(one)

    def __iter__(self) -> Iterator[Snapshot]:
        """All snapshots, by data set and day; parses every one of them."""
        for dataset in sorted(self._stored):
            yield from map(self._parse, self._stored[dataset])

    def at(self, dataset: str, known_as_of: str) -> Snapshot | None:
        """The newest snapshot that was published by then; known_as_of: a day, or a time in UTC."""
        day = known_as_of[:10]
        found = [one for one in self._stored.get(dataset_of(dataset).name, ()) if one.published <= day]
        return self._parse(found[-1]) if found else None

    def _parse(self, stored: Stored) -> Snapshot:
        return self._cache.get(stored, partial(self._bytes, stored.digest))

    def _bytes(self, digest: str) -> bytes:
        data = self._read(digest)
        if data is None:
            raise AssertionError("a snapshot names a file that is not there")
        return data
