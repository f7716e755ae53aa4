"""Verifying an evidence bundle offline: what it proves about its subject, and what is wrong or missing.

The steps, in the order of the report:

 1. format       the file is a bundle, undamaged, in its one canonical spelling
 2. checkpoint   the log, which the reader's trust policy lists, has signed the checkpoint
 3. witnesses    the policy's quorum of witnesses has cosigned it
 4. inclusion    every entry is in the log at its place (RFC 6962 section 2.1.1)
 5. records      every entry shown is a canonical record that fits the schema of its type
 6. signatures   every record is signed with the key that it names
 7. custody      the custody rules accept every record in log order, keys taken as of their place
 8. chain        nothing is missing between the lot's head and the mines that it came from
 9. balance      no transform yields more metal or mass than went in
10. disclosures  every disclosed member is the one that was signed
11. times        the log's clock never runs backwards, nor ahead of its witnesses or of the reader
12. completeness the log has signed which records there are, and none of them is left out
13. verdicts     every verdict in it follows from the records shown, byte for byte
14. anchors      every anchor in it holds the log's history, and contradicts no time that the log claims

Bad evidence never raises. That nothing newer happened cannot be seen from a bundle, nor whether the
operator signed a list that lies: the audit of the whole log shows it, and the signature is the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger.custody.events import check_disclosed, check_schema
from ledger.custody.replay import Replay, parents_of
from ledger.encoding import format_time
from ledger.entry import parse_entry
from ledger.envelope import Record, open_disclosures, parse_record
from ledger.errors import (
    CheckpointError,
    Incomplete,
    LedgerError,
    TimeAhead,
    TimeBefore,
    UnknownKey,
)
from ledger.evidence.anchored import AnchorStep, NodeAnswer, Places
from ledger.evidence.bundle import Bundle, FullEntry, HashOnlyEntry, parse_bundle
from ledger.evidence.coverage import find_gaps, kind_of_subject, lots_of
from ledger.evidence.keyring import check_signatures
from ledger.evidence.opening import open_trusted
from ledger.evidence.report import Notebook, Report
from ledger.evidence.summary import summarize_lot
from ledger.evidence.trust import Trusted, TrustPolicy
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import check_inclusion, leaf_hash

if TYPE_CHECKING:
    from ledger.rules.pack import Pack
    from ledger.rules.reference.snapshot import References

CHECKS = (
    "format", "checkpoint", "witnesses", "inclusion", "records", "signatures",
    "custody", "chain", "balance", "disclosures", "times", "completeness", "verdicts", "anchors",
)  # fmt: skip
CLOCK_SKEW = 300
"""Seconds by which clocks of different machines may differ."""

_OWN_CHAIN = frozenset({"policy", "participant", "key", "site"})  # their `prev` names no lots


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry shown in full that is a record."""

    index: int
    logged: int
    record: Record
    disclosures: tuple[str, ...]


def verify_bundle(
    data: bytes,
    policy: TrustPolicy,
    now: datetime,
    *,
    packs: Iterable[Pack] = (),
    references: References | None = None,
    places: Places | None = None,
    nodes: Sequence[NodeAnswer] = (),
) -> Report:
    """What the bundle proves to somebody who trusts `policy`. Never raises for bad evidence.

    data: the file; now: aware, for what cannot have happened yet; packs, references: what its verdicts
    were made with, beside the packs that ship with the project.
    """
    book = Notebook(CHECKS)
    try:
        bundle = parse_bundle(data)
    except LedgerError as error:
        book.fault("format", error)
        return book.report("", "", None, {})
    full = sum(isinstance(entry, FullEntry) for entry in bundle.entries)
    hidden = len(bundle.entries) - full
    book.close("format", f"A whole bundle of {full} records{f' and {hidden} shown by hash only' if hidden else ''}.")
    step = AnchorStep(book, bundle.origin, places or Places(), nodes)
    return _Verification(bundle, policy, int(now.timestamp()), book, step, tuple(packs), references).run()


@dataclass(slots=True)
class _Verification:
    """One run over one bundle."""

    bundle: Bundle
    policy: TrustPolicy
    now: int
    book: Notebook
    anchors: AnchorStep
    packs: tuple[Pack, ...] = ()
    references: References | None = None
    shown: list[Shown] = field(default_factory=list)
    hidden: dict[str, int] = field(default_factory=dict)
    disclosed: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Report:
        """Steps 2 to 14."""
        bundle, book = self.bundle, self.book
        trusted, checkpoint = self._open_checkpoint()
        if checkpoint is not None:
            self._check_inclusion(checkpoint)
        self._read_records()
        self._check_signatures()
        records = [one.record for one in self.shown]
        scope = lots_of(bundle, records)
        missing = self._check_chain(scope)
        replay = self._replay(scope, lenient=missing or bool(self.hidden))
        self._check_disclosures()
        self._check_times(trusted)
        self._check_completeness(checkpoint, scope, records)
        details = {
            "kind": kind_of_subject(bundle.subject, records),
            "entries": {"shown": len(self.shown), "hash_only": len(self.hidden)},
            "witnesses": {name: format_time(time) for name, time in sorted(trusted.witnesses.items())}
            if trusted
            else {},
            "lot": summarize_lot(bundle.subject, replay),
            "balances": [line.to_json() for line in replay.balances],
            "disclosed": self.disclosed,
            "verdicts": self._check_verdicts(checkpoint, scope),
            "anchors": self._check_anchors(checkpoint),
        }
        return book.report(bundle.subject, bundle.origin, checkpoint, details)

    # 2 ---------------------------------------------------------------------------------------------------------------

    def _open_checkpoint(self) -> tuple[Trusted | None, Checkpoint | None]:
        trusted, checkpoint = open_trusted(self.policy, self.bundle.checkpoint, self.bundle.origin, self.book)
        if trusted and self.bundle.log_key not in trusted.logs:
            error = CheckpointError("The bundle names a log key that has not signed its checkpoint.")
            self.book.fault("checkpoint", error)
        return trusted, checkpoint

    # 4 ---------------------------------------------------------------------------------------------------------------

    def _check_inclusion(self, checkpoint: Checkpoint) -> None:
        for entry in self.bundle.entries:
            leaf = entry.leaf if isinstance(entry, HashOnlyEntry) else leaf_hash(entry.entry)
            try:
                check_inclusion(leaf, entry.index, checkpoint.size, entry.proof, checkpoint.root)
            except LedgerError as error:
                self.book.fault("inclusion", error, index=entry.index)
        self.book.close("inclusion", f"All {len(self.bundle.entries)} entries are in the log at their places.")

    # 5 ---------------------------------------------------------------------------------------------------------------

    def _read_records(self) -> None:
        for entry in self.bundle.entries:
            if isinstance(entry, HashOnlyEntry):
                self.hidden[entry.record] = entry.index
                continue
            try:
                logged, jws = parse_entry(entry.entry)
                record = parse_record(jws, schema_follows=True)
                check_schema(record.payload)
            except LedgerError as error:
                self.book.fault("records", error, index=entry.index)
            else:
                self.shown.append(Shown(entry.index, logged, record, entry.disclosures))
        self.book.close("records", f"All {len(self.shown)} records are well formed.")

    # 6 ---------------------------------------------------------------------------------------------------------------

    def _check_signatures(self) -> None:
        """Which key may sign when is step 7's business: a key's name is the hash of the key."""
        for one, error in zip(self.shown, check_signatures([one.record for one in self.shown]), strict=True):
            if error is not None:
                missing = isinstance(error, UnknownKey)
                self.book.fault("signatures", error, index=one.index, record=one.record.id, missing=missing)
        self.book.close("signatures", f"All {len(self.shown)} signatures verify.")

    # 7, 9 ------------------------------------------------------------------------------------------------------------

    def _replay(self, scope: frozenset[str], *, lenient: bool) -> Replay:
        """lenient: records are missing, so that a refusal may be for want of them."""
        replay = Replay(scope)
        for one in self.shown:
            try:
                replay.take(one.index, one.logged, one.record)
            except LedgerError as error:
                lenient = lenient or replay.lacks(one.record, error)
                check = "balance" if error.code in ("metal-gain", "mass-gain") else "custody"
                self.book.fault(check, error, index=one.index, record=one.record.id, missing=lenient)
        self.book.close("custody", f"The custody rules accept all {len(self.shown)} records.")
        count = len(replay.balances)
        self.book.close("balance", f"{count} transforms balance." if count else "No transform on the way of this lot.")
        return replay

    # 8 ---------------------------------------------------------------------------------------------------------------

    def _check_chain(self, scope: frozenset[str]) -> bool:
        """Every record that another one builds on is there, and every lot begins. Whether any is missing."""
        missing = False
        for index, record, error in self._gaps(scope):
            missing = True
            self.book.fault("chain", error, index=index, record=record, missing=True)
        mines = sum(not parents for lot, parents in parents_of(o.record for o in self.shown).items() if lot in scope)
        self.book.close("chain", f"{len(scope)} lots, back to {mines} that were mined: no record is missing.")
        return missing

    def _gaps(self, scope: frozenset[str]) -> Iterator[tuple[int | None, str, Incomplete]]:
        if not self.shown or self.shown[0].index != 0:
            yield 0, "", Incomplete("The log's first record is missing: ask for a bundle that has it.")
        known = {one.record.id for one in self.shown} | self.hidden.keys()
        for one in self.shown:
            for subject, head in one.record.prev.items():
                if head not in known and (subject in scope or one.record.type in _OWN_CHAIN):
                    message = f"Record {head} of '{subject}' is missing: ask for a bundle that has it."
                    yield one.index, one.record.id, Incomplete(message, subject=subject, record=head)
        made = parents_of(one.record for one in self.shown)
        for lot in sorted(scope - made.keys()):
            message = f"The record that makes lot '{lot}' is missing: ask for a bundle that has it."
            yield None, "", Incomplete(message, subject=lot)

    # 10 --------------------------------------------------------------------------------------------------------------

    def _check_disclosures(self) -> None:
        opened = erased = 0
        for one in self.shown:
            try:
                disclosed = open_disclosures(one.record, one.disclosures)
                check_disclosed(one.record.payload, disclosed.body, disclosed.pointers)
            except LedgerError as error:
                self.book.fault("disclosures", error, index=one.index, record=one.record.id)
                continue
            opened += len(disclosed.pointers)
            erased += disclosed.erased
            if disclosed.pointers or disclosed.erased:
                self.disclosed[one.record.id] = {"members": sorted(disclosed.pointers), "erased": disclosed.erased}
        self.book.close("disclosures", f"{opened} disclosed members are as signed; {erased} are concealed or erased.")

    # 11 --------------------------------------------------------------------------------------------------------------

    def _check_times(self, trusted: Trusted | None) -> None:
        last = 0
        witnessed = min(trusted.witnesses.values(), default=self.now) if trusted else self.now
        for one in self.shown:
            if one.logged < last:
                error: LedgerError = TimeBefore("The log's clock ran backwards before this entry.", earliest=last)
                self.book.fault("times", error, index=one.index, record=one.record.id)
            elif one.logged > (min(witnessed, self.now) + CLOCK_SKEW) * 1000:
                error = TimeAhead("This entry claims to be newer than the witnesses' or your own clock.")
                self.book.fault("times", error, index=one.index, record=one.record.id)
            last = max(last, one.logged)
        if any(time > self.now + CLOCK_SKEW for time in (trusted.witnesses.values() if trusted else ())):
            self.book.fault("times", TimeAhead("A witness claims to have cosigned in the future: check your clock."))
        self.book.close("times", "The log's times are in order, and none is in the future.")

    # 12 --------------------------------------------------------------------------------------------------------------

    def _check_completeness(self, checkpoint: Checkpoint | None, scope: frozenset[str], records: list[Record]) -> None:
        verifiers = self.policy.verifiers(self.bundle.origin)
        if checkpoint is None or not verifiers:
            return
        gaps = find_gaps(self.bundle, checkpoint, verifiers, lots=scope, records=records, hidden=self.hidden)
        indexes = {one.record.id: one.index for one in self.shown}
        for error, record in gaps:
            self.book.fault("completeness", error, index=indexes.get(record), record=record)
        lists = self.bundle.completeness.topics
        count = len({record for ids in lists.values() for record in ids})
        self.book.close(
            "completeness", f"The log has signed {len(lists)} lists of {count} records: none of them is left out."
        )

    # 13 --------------------------------------------------------------------------------------------------------------

    def _check_verdicts(self, checkpoint: Checkpoint | None, lots: frozenset[str]) -> list[dict[str, Any]]:
        if not self.bundle.verdicts:
            self.book.close("verdicts", "The bundle carries no verdict.")
            return []
        from ledger.evidence.judging import Evidence
        from ledger.evidence.verdicts import check_verdicts  # brings rules and packs: 0.2 s that others need not pay
        from ledger.rules.reference.snapshot import References

        bundle = self.bundle
        return check_verdicts(
            bundle.verdicts,
            Evidence(bundle.subject, bundle.origin, self.shown, list(self.hidden), lots),
            checkpoint,
            self.book,
            verifiers=self.policy.verifiers(bundle.origin),
            packs=self.packs,
            references=self.references or References(),
        )

    # 14 --------------------------------------------------------------------------------------------------------------

    def _check_anchors(self, checkpoint: Checkpoint | None) -> list[dict[str, Any]]:
        for one in self.bundle.anchors:
            before = len(self.anchors.anchors)
            for anchor in self.anchors.take([one.evidence])[before:]:
                if checkpoint is not None:
                    self.anchors.relate(anchor, checkpoint, one.consistency)
        for entry in self.shown:
            self.anchors.see(entry.index, entry.logged, entry.record.id)
        return self.anchors.finish([entry.index for entry in self.bundle.entries])
