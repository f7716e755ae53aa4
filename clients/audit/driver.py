"""Running an audit: files in, worker processes between, the fold here, the checkpoint remembered at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from clients.audit.anchors import Anchored, Published, anchored_size, read_published, unique
from clients.audit.folding import Checkers, Progress, fold_entries
from clients.audit.journal import Journal
from clients.audit.keeper import EVERY, Keeper, Notice
from clients.audit.memory import Memory
from clients.audit.pool import Pool, worker_count
from clients.audit.sources import MAX_CHECKPOINT, Source, read_tile
from clients.audit.spill import HELD
from clients.audit.statements import Given
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustPolicy
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import plan_consistency
from ledger.log.tiles import TileId, plan_tiles, tile_width


def run_audit(
    source: Source,
    policy: TrustPolicy,
    now: datetime,
    *,
    origin: str = "",
    memory: Memory | None = None,
    statements: Iterable[Given] = (),
    anchored: Anchored | None = None,
    workers: int | None = None,
    checkers: Callable[[Source], AbstractContextManager[Checkers]] | None = None,
    progress: Progress = lambda _done, _size: None,
    notice: Notice = lambda _sentence: None,
    every: float = EVERY,
    held: int = HELD,
    keep: bool = False,
) -> Report:
    """Audit the whole log that `source` holds.

    origin: the log that it must be, "" for any that the policy lists; statements: of completeness, to be
    re-computed (`clients.audit.statements` reads them); anchored: anchors beside those that the source publishes;
    workers: processes, by default one per core, 0 for none; checkers: who checks instead of these (`clients.audit.
    cluster`); progress: called with entries done and in total; notice: with a sentence for a person.

    With a memory it is saved there every so many seconds how far the audit came, and a later call goes on from there;
    keep: also after an audit that came to its end, so that the next one checks what is new; held: how much custody
    state stays in main memory (`clients.audit.spill`).

    A log that is wrong, or lacks files, gives a report; raises ClientError when the checkpoint itself cannot be read,
    or the memory; Unreachable also later, when nobody answers any more.
    """
    note = source.read("checkpoint", MAX_CHECKPOINT)
    published = read_published(source)
    if published.count:
        note = source.read("checkpoint", MAX_CHECKPOINT)  # the log may have grown before it told of its anchors
    audit = Audit(policy, now, origin)
    head = audit.open(note)
    if head is None:
        return audit.finish()
    known = memory.load(head.origin) if memory else None
    if known is not None:
        _compare_remembered(audit, known[0], head, source)
    given = list(statements)
    for stated in audit.open_statements(given):
        _compare_remembered(audit, stated, head, source)
    _check_anchors(audit, head, source, anchored or Anchored(), published)
    journal = Journal(memory.folder_of(head.origin)) if memory else None
    keeper = Keeper(audit, journal, statements=given, note=note, every=every, held=held, keep=keep, notice=notice)

    def start() -> AbstractContextManager[Checkers]:
        return checkers(source) if checkers else Pool(worker_count(head.size, workers), source)

    fold_entries(audit, source, checkers=start, keeper=keeper, progress=progress)
    report = audit.finish(remembered=known is not None)
    if memory is not None and report.verified:
        memory.save(head.origin, note)
    keeper.finish()
    return report


def _compare_remembered(audit: Audit, old: Checkpoint, head: Checkpoint, source: Source) -> None:
    audit.check_extends(old, _tiles_between(audit, old.size, head.size, source))


def _check_anchors(audit: Audit, head: Checkpoint, source: Source, given: Anchored, published: Published) -> None:
    """Those that were given and those that the source publishes, each against the log's tiles."""
    for error in published.faults:
        audit.missing_anchor(error)
    evidence = unique([*given.evidence, *published.evidence])
    upper: dict[TileId, bytes] = {}
    for anchor in audit.open_anchors(
        evidence,
        kept=dict.fromkeys([*given.kept, *published.kept]),
        places=given.places,
        nodes=given.ask(evidence),
        without="The log publishes no evidence of anchors, and none was given.",
    ):
        audit.check_anchored(anchor, _tiles_between(audit, anchored_size(anchor), head.size, source, upper))


def _tiles_between(
    audit: Audit, old: int, new: int, source: Source, upper: dict[TileId, bytes] | None = None
) -> dict[TileId, bytes]:
    """The tiles that a consistency proof between two sizes is made of, as far as they are there.

    upper: where tiles above the leaves are kept, when several proofs to one size want them.
    """
    tiles: dict[TileId, bytes] = {}
    upper = {} if upper is None else upper
    if 0 < old <= new:
        for level, n in plan_tiles(plan_consistency(old, new)):
            try:
                found = upper.get((level, n)) or read_tile(source, level, n, tile_width(level, n, new))
            except LedgerError as error:
                audit.missing_file(error)
            else:
                tiles[level, n] = found
                if level:
                    upper[level, n] = found
    return tiles
