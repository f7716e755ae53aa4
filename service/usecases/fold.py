"""Submissions judged record by record: what is new, what the log has already, what the custody rules refuse.

Later records may build on earlier ones. What the rules ask is read in one go beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from ledger.custody.state import Needs, State, Step, plan_step
from ledger.entry import format_entry, parse_entry
from ledger.envelope import Record, check_signature
from ledger.errors import LedgerError
from ledger.keys import parse_public_jwk
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.proof import format_receipt
from ledger.log.sequence import Batch, check_step, plan_batch
from service.errors import BatchRefused, ServiceError
from service.storage.appending import Appending
from service.storage.head import Head
from service.storage.id_index import find_entries
from service.storage.rows import Rows
from service.usecases.check import Candidate, needs_of
from service.usecases.receipts import read_receipt

if TYPE_CHECKING:
    from service.usecases.submit import Book

Item = Candidate | LedgerError


@dataclass(frozen=True, slots=True)
class Submission:
    """Records in order; a LedgerError stands for one that the stateless checks refused already."""

    items: Sequence[Item]
    atomic: bool = False


class Outcome(NamedTuple):
    """What became of one record. index, logged (ms), entry: unless it was refused; error: when it was."""

    status: Literal["created", "existing", "refused"]
    id: str = ""
    index: int = -1  # type: ignore[assignment]  # hides tuple.index, which nobody asks of an outcome
    logged: int = 0
    entry: bytes = b""
    error: LedgerError | ServiceError | None = None
    prove: Callable[[int], str] | None = None

    def receipt(self) -> str:
        """The record's receipt. Computed when asked for, by whoever asks; raises nothing new for a stored record."""
        if self.prove is None:
            raise ValueError("a refused record has no receipt")
        return self.prove(self.index)


class Fold:
    """The submissions of one transaction, judged record by record.

    outcomes: of each submission; head, batch: set by `write` when an entry is new.
    """

    def __init__(self, book: Book, transaction: Appending, now: int, submissions: Sequence[Submission]) -> None:
        self.book, self.transaction, self.now = book, transaction, now
        self.memory, self.rows = book.memory, Rows(book.memory)
        self.entries: list[bytes] = []
        self.disclosures: list[tuple[int, str, str]] = []
        self.keys: list[Step] = []
        self.proofs = _Proofs()
        self.prove = self.proofs.receipt
        self.wrote = False
        self.head: Head = book.head
        self.batch: Batch | None = None
        self.candidates = [one for submission in submissions for one in submission.items if isinstance(one, Candidate)]
        self.known: dict[str, Outcome] = {}  # those of this batch are added as they are made
        self.all_sought = False
        self._find_known(one.id for one in self.candidates if one.headless)
        self.memory.recall(transaction.conn, needs_of(self.candidates))
        self.outcomes = [self.take(submission) for submission in submissions]

    def _find_known(self, record_ids: Iterable[str]) -> None:
        """Make outcomes of those that the log has already."""
        store = self.book.store
        for record_id, (seq, entry) in find_entries(self.transaction.conn, record_ids).items():
            logged, _ = parse_entry(entry)
            self.known[record_id] = Outcome(
                "existing", record_id, seq, logged, entry, None, lambda index: read_receipt(store, index)
            )

    def _find_all_known(self) -> None:
        """The same for every record, once. Most batches need it never: see `_take_one`."""
        if not self.all_sought:
            self.all_sought = True
            self._find_known(one.id for one in self.candidates if one.id not in self.known)

    def take(self, submission: Submission) -> list[Outcome]:
        """The outcomes of one submission."""
        if submission.atomic:
            self._find_all_known()
            refusals = self._rehearse(submission.items)
            if any(refusals):
                return [_refused(error or _innocent()) for error in refusals]
        return [self._take_one(item) for item in submission.items]

    def _take_one(self, item: Item) -> Outcome:
        """Whether the log has a record already is asked only when the rules refuse it, as they refuse every record
        that they took before: the heads in its `prev` have moved on, the lots it extracts exist. Headless records
        (evidence) were looked up beforehand."""
        if isinstance(item, LedgerError):
            return _refused(item)
        record_id = item.id
        outcome = self.known.get(record_id)
        if outcome is None:
            record = item.record
            try:
                step = self._judge(self.memory.state, record, verified=item.verified)
                outcome = self._accept(record, step)
            except LedgerError as error:
                self._find_all_known()
                outcome = self.known.get(record_id)
                if outcome is None:
                    return _refused(error, record_id)
        elif outcome.status == "created":  # a moment ago, in this batch
            outcome = outcome._replace(status="existing")
        if item.disclosures:
            self.disclosures += [(outcome.index, digest, text) for digest, text in item.disclosures]
        return outcome

    def _judge(self, state: State, record: Record, *, verified: bool) -> Step:
        step = plan_step(state, record, self.now)
        if not verified:  # the key was enrolled after the stateless checks
            key = step.keys.get(record.kid) or state.keys[record.kid]
            check_signature(record, parse_public_jwk(key.jwk))
        return step

    def _accept(self, record: Record, step: Step) -> Outcome:
        seq = self.book.head.size + len(self.entries)
        entry = format_entry(self.now, record.jws)
        self.entries.append(entry)
        self.rows.gather(record, step, seq)
        self.memory.state.apply(step)
        if step.keys:
            self.keys.append(step)
        created = Outcome("created", record.id, seq, self.now, entry, None, self.prove)
        self.known[record.id] = created
        return created

    def _rehearse(self, items: Sequence[Item]) -> list[LedgerError | None]:
        """The refusals that an all-or-nothing submission would meet, tried out on a copy of its part of the state."""
        fresh = [one for one in items if isinstance(one, Candidate) and one.id not in self.known]
        state = _part_of(self.memory.state, needs_of(fresh))
        left = {one.id for one in fresh}
        refusals: list[LedgerError | None] = []
        for item in items:
            error = item if isinstance(item, LedgerError) else None
            if isinstance(item, Candidate) and item.id in left:
                try:
                    state.apply(self._judge(state, item.record, verified=item.verified))
                    left.remove(item.id)
                except LedgerError as refusal:
                    error = refusal
            refusals.append(error)
        return refusals

    def write(self) -> None:
        """Write what was taken; the caller commits."""
        book, transaction = self.book, self.transaction
        if self.disclosures:
            transaction.write_disclosures(self.disclosures)
            self.wrote = True
        if not self.entries:
            return
        first = book.head.size
        self.batch = batch = plan_batch(book.edge, self.entries)
        with transaction.together(len(self.entries)):
            transaction.write_entries(first, self.entries)
            transaction.write_derived(self.rows, batch.tiles)
            entries, tiles = transaction.read_back(first, batch.edge.size, batch.tiles)
        check_step(batch, entries, tiles)
        checkpoint = sign_checkpoint(Checkpoint(book.origin, batch.edge.size, batch.edge.root), [book.signer])
        self.head = Head(batch.edge.size, batch.edge.root, self.now, self.memory.count, checkpoint)
        transaction.move_head(book.head, self.head)
        self.proofs.complete(batch, checkpoint)
        self.wrote = True

    def publish_keys(self) -> None:
        """Let the stateless checks know the keys that were enrolled."""
        for step in self.keys:
            for kid, key in step.keys.items():
                self.book.keys.add(kid, key.jwk)


class _Proofs:
    """Receipts of the new entries, from the batch that brought them in."""

    def complete(self, batch: Batch, checkpoint: str) -> None:
        """Called once, before anybody is answered."""
        self._batch, self._checkpoint = batch, checkpoint

    def receipt(self, index: int) -> str:
        """The receipt of a new entry at the checkpoint of its batch."""
        return format_receipt(index, self._batch.prove_inclusion(index), self._checkpoint)


def _part_of(state: State, wanted: Needs) -> State:
    """A copy of the state that answers what is wanted."""

    def part(known: dict, names: Iterable[str]) -> dict:  # type: ignore[type-arg]  # any of the four
        return {name: known[name] for name in names if name in known}

    return State(
        state.origin,
        part(state.subjects, wanted.subjects),
        part(state.keys, wanted.keys),
        part(state.tags, wanted.tags),
        part(state.records, wanted.records),
    )


def _refused(error: LedgerError | ServiceError, record_id: str = "") -> Outcome:
    return Outcome("refused", record_id, error=error)


def _innocent() -> BatchRefused:
    return BatchRefused("This record was fine, but the batch is all or nothing and another one was refused.")
