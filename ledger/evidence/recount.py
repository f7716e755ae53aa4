"""Re-computing signed lists while the records of a whole log go by: the check `completeness` of `audit`.

Each statement that an audit is shown (`ledger.evidence.completeness`) says what was on certain lists when the log had
a certain size. The lists are counted anew, record after record, and compared when that size is reached. Only topics
that a statement names are followed, so the memory that this takes is bounded by the statements themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.custody.topics import Topics
from ledger.envelope import Record
from ledger.errors import FalseStatement, Incomplete, LeftOut
from ledger.evidence.completeness import Statement, TopicList, chain_ids, check_list
from ledger.evidence.report import Notebook

Lists = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Recount:
    """What the log's own records say of the statements that were given, each with its lists where these are known."""

    book: Notebook
    given: list[tuple[Statement, Lists]] = field(default_factory=list)
    topics: Topics = field(default_factory=lambda: Topics.of(()))
    lists: int = 0
    _due: list[tuple[Statement, Lists]] = field(default_factory=list)

    def start(self, given: Iterable[tuple[Statement, Lists]]) -> None:
        """Before the first record. given: statements whose signature was checked."""
        self.given = list(given)
        self.topics = Topics.of({topic for statement, _ in self.given for topic in statement.topics})
        self._due = sorted(self.given, key=lambda one: -one[0].head.size)

    def take(self, index: int, record: Record, *, whole: bool) -> None:
        """The next record of the log; whole: nothing was missing before it."""
        self.reach(index, whole=whole)
        self.topics.take(record)

    def reach(self, size: int, *, whole: bool) -> None:
        """Compare what is due when the log has `size` entries."""
        while self._due and self._due[-1][0].head.size <= size:
            statement, lists = self._due.pop()
            for one in statement.lists:
                self._compare(statement.head.size, one, lists.get(one.topic, ()), whole=whole)

    def to_json(self) -> dict[str, Any]:
        """What was counted so far, as JSON."""
        return {"due": len(self._due), "lists": self.lists, "topics": self.topics.to_json()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `to_json` gave when it had been started with the same statements."""
        self._due = self._due[: saved["due"]]
        self.lists = saved["lists"]
        self.topics.restore(saved["topics"])

    def finish(self, size: int, *, whole: bool) -> None:
        """After the last record. size: of the log."""
        self.reach(size, whole=whole)
        for statement, _ in self._due:
            later = Incomplete(
                "A statement of completeness is newer than this copy of the log: audit a newer one.",
                size=statement.head.size,
            )
            self.book.fault("completeness", later, missing=True)

    def _compare(self, size: int, signed: TopicList, shown: Sequence[str], *, whole: bool) -> None:
        ids = self.topics.lists[signed.topic]
        self.lists += 1
        if len(ids) == signed.size and chain_ids(ids) == signed.digest:
            return
        record = _first_difference(ids, signed, shown)
        error = FalseStatement(
            f"The log has signed, as of {size} entries, that '{signed.topic}' has {signed.size} records, but its own "
            f"entries give {'others' if len(ids) == signed.size else len(ids)}: "
            "keep the statement, it is signed proof against the operator.",
            topic=signed.topic,
            size=size,
            signed=signed.size,
            counted=len(ids),
            **({"record": record} if record else {}),
        )
        self.book.fault("completeness", error, record=record, missing=not whole)


def _first_difference(ids: Sequence[str], signed: TopicList, shown: Sequence[str]) -> str:
    """The first record that one list has and the other has not, when the list that was signed is known; else ""."""
    try:
        check_list(signed, shown)
    except LeftOut:
        return ""
    differing = set(ids).symmetric_difference(shown)
    return next((one for one in (*ids, *shown) if one in differing), "")
