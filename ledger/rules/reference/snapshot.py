"""Dated snapshots of reference data, and the collection of them that a verdict is judged by.

A snapshot is the raw bytes of a publisher's file, named by their SHA-256, with the day on which the
publisher served it as current. Rules ask `References.require`: what is missing, or older than its
limit, is an answer of its own (`Missing`, `Stale`), which a rule reports as insufficient evidence.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import Final

from ledger.errors import SnapshotError, SnapshotShrunk
from ledger.rules.reference.datasets import DATASETS, Dataset
from ledger.rules.reference.parsed import parse_day
from ledger.rules.reference.parsers import PARSERS
from ledger.rules.reference.rows import Row


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One file of a data set, read.

    digest: hex SHA-256 of the raw bytes; published: day (`YYYY-MM-DD`) on which the publisher served
    it as current; source: where it was taken from; rows: of the type that the data set names;
    left_out: entries of the file without the day or place that a row needs.
    """

    dataset: str
    digest: str
    published: str
    source: str
    rows: tuple[Row, ...] = field(compare=False, repr=False)
    left_out: int = field(default=0, compare=False)

    def name(self) -> dict[str, str]:
        """How a verdict names what it was judged by: dataset, digest, published."""
        return {"dataset": self.dataset, "digest": self.digest, "published": self.published}


@dataclass(frozen=True, slots=True)
class Missing:
    """No snapshot of this data set was published by the day asked for."""

    dataset: Dataset

    @property
    def reason(self) -> str:
        """One sentence for the verdict."""
        return f"Reference data is not loaded: {self.dataset.title} (`{self.dataset.name}`)."


@dataclass(frozen=True, slots=True)
class Stale:
    """The newest snapshot is older than its data set allows. age and limit: days."""

    dataset: Dataset
    snapshot: Snapshot
    age: int
    limit: int

    @property
    def reason(self) -> str:
        """One sentence for the verdict."""
        return (
            f"Reference data is stale: {self.dataset.title} (`{self.dataset.name}`) was published {self.age} days "
            f"before, at most {self.limit} are allowed."
        )


class References:
    """An immutable collection of snapshots, at most one per data set and day of publication."""

    __slots__ = ("_series",)

    def __init__(self, snapshots: Iterable[Snapshot] = ()) -> None:
        """Raises SnapshotError for two different snapshots of one data set and day, and for an unknown data set."""
        series: dict[str, dict[str, Snapshot]] = {}
        for snapshot in snapshots:
            dated = series.setdefault(dataset_of(snapshot.dataset).name, {})
            if dated.setdefault(snapshot.published, snapshot).digest != snapshot.digest:
                raise SnapshotError(
                    f"There are two snapshots of `{snapshot.dataset}` for {snapshot.published}: keep one.",
                    dataset=snapshot.dataset,
                    published=snapshot.published,
                )
        by_day = attrgetter("published")
        self._series: Final = {name: tuple(sorted(found.values(), key=by_day)) for name, found in series.items()}

    def __iter__(self) -> Iterator[Snapshot]:
        """All snapshots, by data set and day."""
        for name in sorted(self._series):
            yield from self._series[name]

    def at(self, dataset: str, known_as_of: str) -> Snapshot | None:
        """The newest snapshot that was published by then; known_as_of: a day, or a time in UTC."""
        found = self._series.get(dataset_of(dataset).name, ())
        place = bisect_right(found, known_as_of[:10], key=attrgetter("published"))
        return found[place - 1] if place else None

    def require(self, dataset: str, known_as_of: str, *, stale_after: int | None = None) -> Snapshot | Missing | Stale:
        """The snapshot to judge by, or what keeps one from judging.

        stale_after: days, instead of those of the data set. Raises SnapshotError for a data set that
        does not exist.
        """
        kind = dataset_of(dataset)
        snapshot = self.at(dataset, known_as_of)
        if snapshot is None:
            return Missing(kind)
        age = age_in_days(snapshot.published, known_as_of)
        limit = kind.stale_after if stale_after is None else stale_after
        return Stale(kind, snapshot, age, limit) if age > limit else snapshot


def parse_snapshot(dataset: str, raw: bytes, *, published: str, source: str) -> Snapshot:
    """Read a file of a data set.

    Raises SnapshotError (values: `row`, `column` where there are any), SnapshotShrunk when it holds no
    rows, TooLarge. A file, or an act in it, that is dated after `published` contradicts that date.
    """
    kind = dataset_of(dataset)
    if parse_day(published, "The day of publication") != published:
        raise SnapshotError(f"The day of publication is written YYYY-MM-DD, not '{published[:40]}'.")
    parsed = PARSERS[kind.name](raw)
    check_shrink(0, len(parsed.rows))
    newest = max(parsed.dated, max((getattr(row, "published", "") for row in parsed.rows), default=""))
    if newest > published:
        raise SnapshotError(f"The file holds the date {newest}, after its publication on {published}: correct that.")
    return Snapshot(
        kind.name, hashlib.sha256(raw).hexdigest(), published, source, parsed.rows, left_out=parsed.left_out
    )


def dataset_of(name: str) -> Dataset:
    """The data set of this name. Raises SnapshotError."""
    if name not in DATASETS:
        raise SnapshotError(f"There is no data set `{name}`: see the list of data sets.", dataset=name)
    return DATASETS[name]


def age_in_days(published: str, now: str) -> int:
    """Whole days from one day to another; both `YYYY-MM-DD`, or a time in UTC that begins so."""
    return (date.fromisoformat(now[:10]) - date.fromisoformat(published[:10])).days


def check_shrink(previous_rows: int, rows: int) -> None:
    """Raise SnapshotShrunk for a file without rows, or with less than half the rows of the one before.

    A truncated download must not quietly clear a list.
    """
    if rows == 0:
        raise SnapshotShrunk("The file holds no rows: it would clear the list.", rows=0, previous=previous_rows)
    if 2 * rows < previous_rows:
        raise SnapshotShrunk(
            f"The file holds {rows} rows, less than half of the {previous_rows} before: fetch it again and look at it.",
            rows=rows,
            previous=previous_rows,
        )
