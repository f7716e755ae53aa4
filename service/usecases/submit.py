"""Taking records into the log: the one use case that appends.

A group of submissions becomes one transaction: duplicates answered, state read in one go, the
custody rules applied in order (later records may build on earlier ones), entries, tiles, derived
rows and the new head with its signed checkpoint written. Before signing, leaf hashes and root are
computed again from what was read back. After the commit the checkpoint goes to its file, and only
then is anybody answered.

Any exception leaves the `Book` unusable: what happened is known only to the store. The caller opens
it again (`service.usecases.open_log`), which is what happens after a crash as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.log.note import Ed25519Signer
from ledger.log.sequence import Edge
from service.storage.appending import Appending
from service.storage.checkpoints import CheckpointFile
from service.storage.engine import Store
from service.storage.head import Head, HeadMoved
from service.storage.memory import Memory
from service.usecases.check import KeyRing
from service.usecases.fold import Fold
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

    @property
    def origin(self) -> str:
        """The log's name, and that of its key."""
        return self.signer.name

    def submit(self, submissions: Sequence[Submission], now: int) -> list[Sequenced]:
        """Take submissions into the log at `now` (ms since the epoch), in one transaction.

        Raises ClockBehind and HeadMoved (nothing was written), or whatever went wrong: then the
        outcome is unknown and the book must be opened again.
        """
        if now < self.head.logged:
            raise ClockBehind((self.head.logged - now) / 1000)
        if self.memory.is_full():
            self.memory = self._new_memory()
        with self.appending(self.store) as transaction:
            found = transaction.read_head()
            if found is None or found[:2] != self.head[:2]:
                raise HeadMoved
            fold = Fold(self, transaction, now, submissions)
            fold.write()
            if fold.wrote:
                transaction.commit()
        if fold.batch is not None:
            self.file.append(fold.head.checkpoint)
            self.head, self.edge = fold.head, fold.batch.edge
            fold.publish_keys()
        return [Sequenced(tuple(one), self.head.size, self.head.checkpoint) for one in fold.outcomes]

    def _new_memory(self) -> Memory:
        return Memory(self.origin if self.head.size else "", self.head.subjects)
