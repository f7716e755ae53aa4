"""Auditing a whole log: every hash, every signature, every rule, in one pass over its entries.

The work has two halves. `ledger.evidence.chunk` needs nothing but one bundle of entries and can run in any
process, in any order: form, schema, signature, leaf hashes. `Audit.fold` takes its results in log
order: the log's clock, the custody rules with keys taken as of their place, and the tree above the
bundles. Reading files and running processes is the caller's (`clients.audit`). The steps:

1. checkpoint   the log, which the trust policy lists, has signed the checkpoint
2. witnesses    the policy's quorum of witnesses has cosigned it
3. consistency  the log extends what it said before (RFC 6962 section 2.1.2, and RFC 9162's wording)
4. files        every bundle of entries and every tile is there and has its form
5. hashes       all tiles and the root follow from the entries
6. records      every entry is a canonical record that fits the schema of its type
7. signatures   every record is signed with the key that it names
8. custody      the custody rules accept every record in log order
9. times        the log's clock never runs backwards, nor ahead of its witnesses or of the reader
10. completeness every statement of completeness that the audit is shown names exactly the records there are
11. anchors     every anchor that the audit is shown holds this log's history, and contradicts no time that it claims

An audit goes on after a finding and reports all of them, up to a bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from ledger.custody.state import State, plan_step
from ledger.encoding import format_time
from ledger.envelope import Record, check_signature, parse_record
from ledger.errors import Equivocation, Incomplete, LedgerError, ProofError, TimeAhead, TimeBefore, UnknownKey
from ledger.evidence.anchor import Anchor
from ledger.evidence.anchored import NONE_SHOWN, AnchorStep, NodeAnswer, Places
from ledger.evidence.changes import Changes
from ledger.evidence.chunk import Checked
from ledger.evidence.completeness import Statement, open_completeness
from ledger.evidence.opening import open_trusted
from ledger.evidence.recount import Lists, Recount
from ledger.evidence.report import Notebook, Report
from ledger.evidence.trust import Trusted, TrustPolicy
from ledger.evidence.verify import CLOCK_SKEW
from ledger.keys import PublicKey, parse_public_jwk
from ledger.log import merkle, rfc9162
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import HASH_SIZE, tree_root
from ledger.log.tiles import WIDTH, TileId, TileReader

CHECKS = (
    "checkpoint", "witnesses", "consistency", "files", "hashes", "records", "signatures", "custody", "times",
    "completeness", "anchors",
)  # fmt: skip
_FORKED = "The log does not extend a checkpoint that it signed before: keep both, they are signed proof."
_CUT_BACK = (
    "The log ends before a checkpoint that it signed: this copy is old, or the log was cut back. Audit a newer copy."
)


@dataclass(slots=True)
class Tree:
    """The part of the tree above the leaves: one row of hashes per tile level from 1, the last one growing.

    Independent of `ledger.log.sequence`, which built the log: a slip in one shows in the other.
    """

    rows: list[list[bytes]] = field(default_factory=lambda: [[]])
    counts: list[int] = field(default_factory=lambda: [0])
    last: bytes = b""

    def add(self, root: bytes) -> list[tuple[TileId, bytes]]:
        """Append the root of a full tile of leaves; the tiles that this fills."""
        filled: list[tuple[TileId, bytes]] = []
        level = 0
        while True:
            self.rows[level].append(root)
            if len(self.rows[level]) < WIDTH:
                return filled
            filled.append(((level + 1, self.counts[level]), b"".join(self.rows[level])))
            root = tree_root(self.rows[level])
            self.rows[level].clear()
            self.counts[level] += 1
            level += 1
            if level == len(self.rows):
                self.rows.append([])
                self.counts.append(0)

    def partial(self) -> list[tuple[TileId, bytes]]:
        """The tiles at the end that are not full."""
        rows = zip(self.rows, self.counts, strict=True)
        return [((level, count), b"".join(row)) for level, (row, count) in enumerate(rows, 1) if row]

    def size(self) -> int:
        """Leaves below the full bundles that were added."""
        return (self.counts[0] * WIDTH + len(self.rows[0])) * WIDTH

    def root(self) -> bytes:
        """The root of the whole tree: rows from the lowest, each with what is left of those below at its end."""
        rest = [self.last[at : at + HASH_SIZE] for at in range(0, len(self.last), HASH_SIZE)]
        for row in self.rows:
            rest = [*row, tree_root(rest)] if rest else list(row)
        return tree_root(rest)


@dataclass(slots=True)
class Audit:
    """One audit of one log. `open` first (and `open_statements`), then `fold` every chunk in order, then `finish`.

    keys: every key enrolled so far, for `check_chunk`; state: what the records so far amount to; types: of those
    that the rules accept, counted; changes: what the state's changes are gathered in, for `ledger.evidence.resume`.
    """

    policy: TrustPolicy
    now: datetime
    origin: str = ""
    book: Notebook = field(default_factory=lambda: Notebook(CHECKS))
    state: State = field(default_factory=State)
    keys: dict[str, PublicKey] = field(default_factory=dict)
    tree: Tree = field(default_factory=Tree)
    trusted: Trusted | None = None
    checkpoint: Checkpoint | None = None
    records: int = 0
    logged: int = 0
    whole: bool = True
    types: Counter[str] = field(default_factory=Counter)
    changes: Changes | None = None
    recount: Recount = field(init=False)
    step: AnchorStep = field(init=False)

    def __post_init__(self) -> None:
        self.recount = Recount(self.book)
        self.step = AnchorStep(self.book, self.origin)

    def open(self, note: bytes) -> Checkpoint | None:
        """Take the newest checkpoint; None when there is nothing to go on with."""
        self.trusted, self.checkpoint = open_trusted(self.policy, note, self.origin, self.book)
        return self.checkpoint

    def open_statements(self, given: Iterable[tuple[str, Lists]]) -> list[Checkpoint]:
        """Take statements of completeness to re-compute; the checkpoints that they are for, as far as this log reaches.

        given: signed notes, each with its lists (topic -> record ids) as far as they are known.
        """
        opened: list[tuple[Statement, Lists]] = []
        for note, lists in given:
            try:
                statement = open_completeness(note, self.policy.verifiers(self._origin()))
            except LedgerError as error:
                self.book.fault("completeness", error)
            else:
                opened.append((statement, lists))
        self.recount.start(opened)
        size = self.checkpoint.size if self.checkpoint else 0
        return list(dict.fromkeys(statement.head for statement, _ in opened if statement.head.size <= size))

    def open_anchors(
        self,
        given: Iterable[Any],
        *,
        kept: Iterable[bytes] = (),
        places: Places | None = None,
        nodes: Sequence[NodeAnswer] = (),
        without: str = NONE_SHOWN,
    ) -> list[Anchor | Checkpoint]:
        """Take anchors to hold against the log; those that hold by themselves.

        given: evidence, as JSON values; kept: signed checkpoints; without: what to report when there is neither.
        """
        origin = self._origin()
        self.step = AnchorStep(self.book, origin, places or Places(), nodes, without=without)
        return [*self.step.take(given), *self.step.take_kept(kept, self.policy.verifiers(origin))]

    def check_anchored(self, anchor: Anchor | Checkpoint, tiles: Mapping[TileId, bytes]) -> None:
        """Check that an anchored tree is the beginning of this log. tiles: as for `check_extends`."""
        head = self.checkpoint
        if head is None:
            return
        size = anchor.size if isinstance(anchor, Checkpoint) else anchor.head.size
        if size > head.size:
            gone = "More of this log is anchored than you audit: this copy is old, or the log was cut back."
            self.book.fault("anchors", Incomplete(gone, anchored=size, size=head.size), missing=True)
            return
        try:
            proof = merkle.prove_consistency(size, head.size, TileReader(tiles)) if size else []
        except LedgerError as missing:
            self.book.fault("anchors", missing, missing=True)
            return
        if isinstance(anchor, Checkpoint):
            self.step.relate_kept(anchor, head, proof)
        else:
            self.step.relate(anchor, head, proof)

    def missing_anchor(self, error: LedgerError) -> None:
        """An anchor that the log publishes could not be read."""
        self.book.fault("anchors", error, missing=True)

    def check_extends(self, old: Checkpoint, tiles: Mapping[TileId, bytes]) -> None:
        """Check that the log extends a checkpoint remembered from an earlier audit.

        tiles: those of `plan_tiles(plan_consistency(old.size, new.size))`, as published.
        """
        new = self.checkpoint
        if new is None or old.size == 0:
            return
        try:
            if old.origin != new.origin or old.size > new.size or (old.size == new.size and old.root != new.root):
                shorter = old.origin == new.origin and old.size > new.size
                raise Equivocation(_CUT_BACK if shorter else _FORKED, remembered=old.size, size=new.size)
            proof = merkle.prove_consistency(old.size, new.size, TileReader(tiles))
            merkle.check_consistency(old.size, new.size, proof, old.root, new.root)
            rfc9162.check_consistency(old.size, new.size, proof, old.root, new.root)
        except LedgerError as error:
            self.book.fault("consistency", error)

    def missing_file(self, error: LedgerError, first: int | None = None) -> None:
        """A bundle or tile could not be read. first: index of its first entry."""
        self.book.fault("files", error, index=first, missing=True)

    def fold(self, checked: Checked) -> list[tuple[TileId, bytes]]:
        """Take the next chunk; answers the tiles above it that are full now, for `compare_tile`."""
        first = checked.n * WIDTH
        for check, position, error in checked.faults:
            if check != "signatures":  # those are told beside the records, whoever found them
                self.book.fault(check, error, index=first + position, record=_at(checked.ids, position))
        self._replay(checked, first)
        if len(checked.times) < checked.width:
            self.whole = False
            gone = Incomplete("Entries from here on are missing: the rules can't be replayed without them.")
            self.book.fault("custody", gone, index=first, missing=True)
        if checked.width == WIDTH and len(checked.leaves) == HASH_SIZE:
            return self.tree.add(checked.leaves)
        self.tree.last = checked.leaves
        if len(checked.leaves) != checked.width * HASH_SIZE:
            self.book.fault(
                "hashes", Incomplete("The leaf hashes from here on are missing."), index=first, missing=True
            )
        return []

    def compare_tile(self, tile: TileId, computed: bytes, published: bytes) -> None:
        """A published hash tile above the leaves must hold what follows from the entries."""
        if computed != published:
            level, n = tile
            self.book.fault("hashes", ProofError("This tile does not follow from the log's entries.", tile=[level, n]))

    def finish(self, remembered: int = 0) -> Report:
        """Close the books. remembered: how many earlier checkpoints were given to `check_extends`."""
        book, head = self.book, self.checkpoint
        if head is None:
            return book.report("", self.origin, None, {})
        if self.tree.root() != head.root:
            book.fault("hashes", ProofError("The root that follows from the entries is not the one the log signed."))
        self._check_latest()
        self.recount.finish(head.size, whole=self.whole)
        book.close(
            "consistency",
            "The log extends the checkpoint that you remember."
            if remembered
            else "No earlier checkpoint to compare with: this one is remembered for the next audit.",
        )
        book.close("files", "Every bundle of entries and every tile is there.")
        book.close("hashes", f"All hashes up to the root follow from the {head.size} entries.")
        book.close("records", f"All {self.records} records are well formed.")
        book.close("signatures", f"All {self.records} signatures verify.")
        book.close("custody", f"The custody rules accept all {self.records} records.")
        book.close("times", "The log's times are in order, and none is in the future.")
        count = len(self.recount.given)
        book.close(
            "completeness",
            f"All {self.recount.lists} lists of {count} statements of completeness are what the entries give."
            if count
            else "No statement of completeness was given to compare with.",
        )
        details = {
            "records": self.records,
            "types": dict(sorted(self.types.items())),
            "witnesses": {n: format_time(t) for n, t in sorted(self.trusted.witnesses.items())} if self.trusted else {},
            "anchors": self.step.finish(range(head.size)),
        }
        return book.report(head.origin, head.origin, head, details)

    def _replay(self, checked: Checked, first: int) -> None:
        late = dict(checked.late)
        bad = {position: error for check, position, error in checked.faults if check == "signatures"}
        rows = zip(checked.times, checked.ids, checked.algs, checked.kids, checked.payloads, strict=True)
        for position, (logged, record_id, alg, kid, payload) in enumerate(rows):
            if not payload:
                self.whole = False
                continue
            index = first + position
            if logged < self.logged:
                error = TimeBefore("The log's clock ran backwards before this entry.", earliest=self.logged)
                self.book.fault("times", error, index=index, record=record_id)
            else:
                self.logged = logged
            if self.step.anchors:
                self.step.see(index, logged, record_id)
            self._take(Record(record_id, b"", alg, kid, orjson.loads(payload)), logged, index)
            if kid not in self.keys:
                unknown = UnknownKey(f"No record up to here enrols the key {kid}.", kid=kid)
                self.book.fault("signatures", unknown, index=index, record=record_id, missing=not self.whole)
            elif position in late:
                self._check_late(late[position], index)
            elif position in bad:
                self.book.fault("signatures", bad[position], index=index, record=record_id)

    def _origin(self) -> str:
        return self.checkpoint.origin if self.checkpoint else self.origin

    def _take(self, record: Record, logged: int, index: int) -> None:
        self.records += 1
        if self.recount.given:
            self.recount.take(index, record, whole=self.whole)
        try:
            step = plan_step(self.state, record, logged)
        except LedgerError as error:
            self.book.fault("custody", error, index=index, record=record.id, missing=not self.whole)
            return
        if step.record_id not in self.state.records:
            self.types[step.facts.type] += 1
        self.state.apply(step)
        if self.changes is not None:
            self.changes.take(step)
        if step.keys:
            self.keys |= {k: parse_public_jwk(key.jwk) for k, key in step.keys.items() if k not in self.keys}

    def _check_late(self, jws: bytes, index: int) -> None:
        """The signature of a record whose key was enrolled while its chunk was being checked."""
        record = parse_record(jws)
        try:
            check_signature(record, self.keys[record.kid])
        except LedgerError as error:
            self.book.fault("signatures", error, index=index, record=record.id)

    def _check_latest(self) -> None:
        now = int(self.now.timestamp())
        witnessed = self.trusted.witnesses.values() if self.trusted else ()
        if self.logged > (min(now, *witnessed) if witnessed else now) * 1000 + CLOCK_SKEW * 1000:
            self.book.fault("times", TimeAhead("The newest entry is newer than the witnesses' or your own clock."))


def _at(values: Sequence[str], position: int) -> str:
    return values[position] if position < len(values) else ""
