"""Taking records into the log: the one use case that appends.

A group of submissions becomes one transaction: duplicates answered, state read in one go, the
custody rules applied in order (later records may build on earlier ones), entries, tiles, derived
rows and the new head with its signed checkpoint written. Before signing, leaf hashes and root are
computed again from what was read back. After the commit the checkpoint goes to its file, and only
then is anybody answered.

Where much waits, the next group may be judged while one is being written (`judge`, `write`): the
memory knows what that one changes. One may be ahead, and is worth nothing if the write fails.

Any exception leaves the `Book` unusable: what happened is known only to the store. The caller opens
it again (`service.usecases.open_log`), which is what happens after a crash as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from ledger.log.note import Ed25519Signer
from ledger.log.sequence import Edge
from service.storage.appending import Appending
from service.storage.checkpoints import CheckpointFile
from service.storage.engine import Store
from service.storage.head import Head, HeadMoved
from service.storage.memory import Memory
from service.usecases.check import KeyRing
from service.usecases.fold import Fold as Fold
from service.usecases.fold import Item as Item
from service.usecases.fold import Outcome as Outcome
from service.usecases.fold import Submission as Submission


class ClockBehind(Exception):
    """The system clock is behind the newest entry: sequencing waits; `seconds` until it has caught up."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the system clock is {seconds:.3f} s behind the newest entry of the log")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The outcomes of one submission in its order, and the newest signed checkpoint afterwards."""

    outcomes: tuple[Outcome, ...]
    size: int
    checkpoint: str


class Book:
    """The log as its one writer holds it open; made by `service.usecases.open_log.open_log`.

    head, edge, memory: what the store held after the last commit; keys: shared with the stateless
    checks; appending: makes the transaction (tests put faults there).
    """

    def __init__(
        self,
        store: Store,
        file: CheckpointFile,
        signer: Ed25519Signer,
        keys: KeyRing,
        *,
        head: Head,
        edge: Edge,
        appending: Callable[[Store], Appending] = Appending,
    ) -> None:
        self.store, self.file, self.signer, self.keys = store, file, signer, keys
        self.head, self.edge = head, edge
        self.appending = appending
        self.memory = self._new_memory()
        self._last: Fold | None = None

    @property
    def origin(self) -> str:
        """The log's name, and that of its key."""
        return self.signer.name

    def submit(self, submissions: Sequence[Submission], now: int) -> list[Sequenced]:
        """Take submissions into the log at `now` (ms since the epoch), in one transaction.

        Raises ClockBehind and HeadMoved (nothing was written), or whatever went wrong: then the
        outcome is unknown and the book must be opened again.
        """
        self._check_clock(now)
        if self.memory.is_full():
            self.memory = self._new_memory()
        with self.appending(self.store) as transaction:
            self._check_head(transaction)
            self._last = fold = Fold(self, lambda: nullcontext(transaction.conn), now, submissions, self._last)
            self._append(transaction, fold)
        return self._finish(fold)

    def judge(self, submissions: Sequence[Submission], now: int) -> Fold:
        """The first half of `submit`, while the group judged before this one is being written.

        Not when the memory `is_full`, and of any other only when it was written. Raises ClockBehind.
        """
        self._check_clock(now)
        self._last = fold = Fold(self, lambda: self.store.reading(judging=True), now, submissions, self._last)
        return fold

    def write(self, fold: Fold) -> list[Sequenced]:
        """The second half: groups are written in the order in which they were judged. Raises as `submit` does."""
        with self.appending(self.store) as transaction:
            self._check_head(transaction)
            self._append(transaction, fold)
        return self._finish(fold)

    def _check_clock(self, now: int) -> None:
        logged = self._last.logged if self._last else self.head.logged
        if now < logged:
            raise ClockBehind((logged - now) / 1000)

    def _check_head(self, transaction: Appending) -> None:
        found = transaction.read_head()
        if found is None or found[:2] != self.head[:2]:
            raise HeadMoved

    def _append(self, transaction: Appending, fold: Fold) -> None:
        fold.write(transaction)
        if fold.wrote:
            transaction.commit()

    def _finish(self, fold: Fold) -> list[Sequenced]:
        """After the commit."""
        if fold.batch is not None:
            self.file.append(fold.head.checkpoint)
            self.head, self.edge = fold.head, fold.batch.edge
            fold.publish_keys()
        return [Sequenced(tuple(one), self.head.size, self.head.checkpoint) for one in fold.outcomes]

    def _new_memory(self) -> Memory:
        return Memory(self.origin if self.head.size else "", self.head.subjects)
