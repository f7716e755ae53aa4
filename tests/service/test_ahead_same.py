"""Any groups of any submissions: judged ahead they come to the same as one after the other, whatever is sent twice, too
early or all or nothing, whatever is remembered, and however often what was judged is lost before it was written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.log.proof import check_receipt
from service.bootstrap import Service
from service.storage.tables import DERIVED
from service.usecases.fsck import check_database
from service.usecases.submit import Book, Fold, Outcome, Submission
from tests.service.test_ahead import tagged_world
from tests.support.engines import give_back
from tests.support.server import SIGNER, candidates, dump, new_service
from tests.support.world import ORIGIN

TABLES = ("entries", "head", "disclosures", *DERIVED)


WORLD = tagged_world()
NOW = WORLD.now * 1000


class Sent(NamedTuple):
    """again: how far back each record lies that is sent once more; fresh: the next so many; early: the one after the
    next as well; atomic: all or nothing."""

    again: list[int]
    fresh: int
    early: bool
    atomic: bool

    def records(self, at: int) -> list[int]:
        """Numbers of the world's records, when the next is `at`."""
        fresh = range(at, at + self.fresh + 1 + self.early)
        found = [*(at - back for back in self.again), *(one for one in fresh if one != at + self.fresh)]
        return [one for one in found if 0 < one < len(WORLD.log)]


SENT = st.builds(
    Sent, st.lists(st.integers(1, 8), max_size=3), st.sampled_from((1, 1, 2, 3, 5, 0)), st.booleans(), st.booleans()
)


class Step(NamedTuple):
    """A group of submissions. forget: afterwards the log is opened anew; lost: what was judged before it has to be
    judged once more."""

    submissions: list[Sent]
    forget: bool
    lost: bool


STEP = st.builds(Step, st.lists(SENT, min_size=1, max_size=3), st.booleans(), st.booleans())


def submissions(service: Service, asked: Sequence[tuple[list[int], bool]]) -> list[Submission]:
    """As the checks of this service pass them on by now."""
    return [
        Submission([candidates(WORLD, service, one, one + 1)[0] for one in records], atomic)
        for records, atomic in asked
    ]


def told(outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    return [(one.status, one.id, one.index, one.logged, one.entry, str(one.error)) for one in outcomes]


class Ahead:
    """A log each of whose groups is judged before the one in front of it is written."""

    def __init__(self, service: Service) -> None:
        self.service, self.book = service, service.open_log()
        self.pending: Fold | None = None
        self.asked: list[tuple[list[int], bool]] = []
        self.done: list[list[tuple[Any, ...]]] = []

    def take(self, asked: list[tuple[list[int], bool]], *, lost: bool) -> None:
        """Judge this group, then write the one before it."""
        if lost and self.pending is not None:
            self.book = self.service.open_log()
            self.pending = self.book.judge(submissions(self.service, self.asked), NOW)
        fold = self.book.judge(submissions(self.service, asked), NOW)
        self.write()
        self.pending, self.asked = fold, asked

    def write(self) -> None:
        """Write what was judged."""
        if self.pending is None:
            return
        for done in self.book.write(self.pending):
            self.done.append(told(done.outcomes))
            for one in done.outcomes:
                if one.error is None:
                    check_receipt(one.entry, one.receipt(), ORIGIN, [SIGNER.verifier])
        self.pending = None

    def forget(self) -> None:
        """Open the log anew, with everything written."""
        self.write()
        self.book = self.service.open_log()


def run(folder: Path, at: int, steps: Sequence[Step]) -> None:
    """The same groups into two logs that hold the first `at` records."""
    services = [new_service(folder / name, WORLD) for name in ("plain", "ahead")]
    plain, ahead = services
    for service in services:
        service.open_log().submit([Submission(candidates(WORLD, service, 1, at))], NOW)
    book: Book = plain.open_log()
    expected: list[list[tuple[Any, ...]]] = []
    other = Ahead(ahead)
    for step in steps:
        asked = [(one.records(at), one.atomic) for one in step.submissions]
        done = book.submit(submissions(plain, asked), NOW)
        expected += [told(one.outcomes) for one in done]
        other.take(asked, lost=step.lost)
        known = {row[1].split(b" ")[1] for row in dump(plain.store, ["entries"])["entries"]}
        while at < len(WORLD.log) and WORLD.log[at].split(b" ")[1] in known:
            at += 1
        if step.forget:
            book = plain.open_log()
            other.forget()
    other.write()
    assert other.done == expected
    assert dump(ahead.store, TABLES) == dump(plain.store, TABLES)
    assert check_database(ahead.store, ahead.file, ahead.signer, now=WORLD.now + 5000).sound
    for name, service in zip(("plain", "ahead"), services, strict=True):
        service.close()
        give_back(folder / name)


def test_groups_judged_ahead_come_to_the_same(engine: str) -> None:
    @settings(max_examples=25 if engine == "sqlite" else 8, deadline=None)
    @given(at=st.integers(1, len(WORLD.log) - 4), steps=st.lists(STEP, min_size=2, max_size=12))
    def any_groups(at: int, steps: list[Step]) -> None:
        folder = Path(tempfile.mkdtemp())
        try:
            run(folder, at, steps)
        finally:
            shutil.rmtree(folder)

    any_groups()
