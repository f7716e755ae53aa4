"""Records in memory, looked up as `closure.collect_closure` asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ledger.custody.topics import Topics, about_of, moved_by, production_topic, status_topic
from ledger.envelope import Record

_KINDS: Final = {"participant": "participant", "site": "site", "extract": "lot", "transform": "lot"}


class Known:
    """`closure.Reader` over these records, by index in log order."""

    def __init__(self, known: Iterable[tuple[int, Record]]) -> None:
        self._records = dict(known)
        self._place = {record.id: index for index, record in self._records.items()}
        self._kinds: dict[str, str] = {}
        self._moved: dict[str, list[int]] = {}
        self._about: dict[str, list[int]] = {}
        self._lists: dict[str, list[int]] = {}
        for index, record in self._records.items():
            self._take(index, record)

    def _take(self, index: int, record: Record) -> None:
        moved = moved_by(record)
        for subject in moved:
            self._moved.setdefault(subject, []).append(index)
        if record.type == "genesis":
            self._kinds |= {record.body["origin"]: "log", record.body["registrar"]["id"]: "participant"}
        elif record.type in _KINDS:
            self._kinds |= dict.fromkeys(moved - record.prev.keys(), _KINDS[record.type])
        spoken_of = about_of(record)
        if record.type == "correct":
            corrected = self._place.get(record.body["record"])
            spoken_of = about_of(self._records[corrected]) if corrected is not None else []
        for subject in dict.fromkeys(spoken_of):
            self._about.setdefault(subject, []).append(index)

    def prepare(self, topics: Collection[str]) -> None:
        """Make the lists of these topics in one go."""
        filed = Topics.of(topics)
        for record in self._records.values():
            filed.take(record)
        self._lists |= {name: [self._place[one] for one in ids] for name, ids in filed.lists.items()}

    def group(self, subjects: Iterable[str]) -> list[list[str]]:
        """The subjects, those together that the same records move and speak of."""
        groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
        for one in subjects:
            key = tuple(self._moved.get(one, ())), tuple(self._about.get(one, ()))
            groups.setdefault(key, []).append(one)
        return list(groups.values())

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        """`lot`, `participant`, `site` or `log` for each id that is known."""
        return {one: self._kinds[one] for one in subjects if one in self._kinds}

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records that moved any of these subjects."""
        return self._found(index for one in subjects for index in self._moved.get(one, ()))

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All statements about any of these subjects, and their corrections."""
        return self._found(index for one in subjects for index in self._about.get(one, ()))

    def produced(self, months: Collection[tuple[str, str]]) -> Mapping[int, Record]:
        """Extracts of these sites and months."""
        return self._listed([production_topic(site, month) for site, month in months])

    def statuses(self, subdivisions: Collection[str]) -> Mapping[int, Record]:
        """Statuses set for mines in these subdivisions."""
        return self._listed([status_topic(one) for one in subdivisions])

    def newest(self, subject: str, months: int) -> Mapping[int, Record]:
        """Not asked for: only what a lot's bundle needs is selected."""
        raise AssertionError(f"{subject} is no lot, {months}")

    def named(self, records: Collection[str]) -> Mapping[int, Record]:
        """The records with these ids."""
        return self._found(self._place[one] for one in records if one in self._place)

    def _listed(self, names: Collection[str]) -> dict[int, Record]:
        missing = [one for one in names if one not in self._lists]
        if missing:
            self.prepare(missing)
        return self._found(index for one in names for index in self._lists[one])

    def _found(self, indexes: Iterable[int]) -> dict[int, Record]:
        return {index: self._records[index] for index in sorted(set(indexes))}
