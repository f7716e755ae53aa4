"""Evidence out of a `World`: its log signed and witnessed, look-ups over it, and bundles for its lots."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.custody.events import check_schema
from ledger.custody.replay import parents_of, upstream
from ledger.custody.state import State, plan_step
from ledger.custody.subjects import kind_of
from ledger.custody.topics import Topics, lots_made
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from ledger.errors import LedgerError
from ledger.evidence.bundle import Bundle, BundleEntry, Completeness, FullEntry, HashOnlyEntry, format_bundle
from ledger.evidence.closure import collect_closure, demand_topics
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustedWitness, TrustPolicy
from ledger.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, prove_inclusion, tree_root
from ledger.log.note import CosignatureSigner, Ed25519Signer, cosign_note, format_signature, format_vkey
from tests.support.shown import Shown
from tests.support.world import ORIGIN, World

LOG_SIGNER = Ed25519Signer(ORIGIN, hashlib.sha256(b"log key").digest())
WITNESS = CosignatureSigner("witness.example/w1", hashlib.sha256(b"witness key").digest())
POLICY = TrustPolicy((TrustedLog(LOG_SIGNER.verifier),), (TrustedWitness("w1", WITNESS.verifier),), (), "w1")
LONE_POLICY = TrustPolicy((TrustedLog(LOG_SIGNER.verifier),))


def later(world: World, seconds: int = 60) -> datetime:
    """A reader's clock, a minute after the newest entry."""
    return datetime.fromtimestamp(world.now + seconds, UTC)


def outcomes(report: Report) -> dict[str, str]:
    """What became of each check that was not passed."""
    return {one.name: one.outcome.value for one in report.checks if one.outcome.value != "pass"}


def sign_log(entries: list[bytes], time: int, origin: str = ORIGIN) -> str:
    """The checkpoint of these entries, signed by the log and cosigned by the witness."""
    checkpoint = Checkpoint(origin, len(entries), tree_root([leaf_hash(one) for one in entries]))
    signer = Ed25519Signer(origin, LOG_SIGNER.seed)
    return sign_checkpoint(checkpoint, [signer]) + _cosigned(checkpoint, time)


def _cosigned(checkpoint: Checkpoint, time: int) -> str:
    return format_signature(cosign_note(format_checkpoint(checkpoint), WITNESS, time))


@dataclass
class LogReader:
    """Look-ups over a list of entries, by replaying it."""

    entries: list[bytes]
    records: list[Record] = field(init=False)
    state: State = field(init=False)
    moves: list[tuple[str, ...]] = field(init=False)
    abouts: list[tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.records, self.moves, self.abouts, self.state = [], [], [], State()
        for entry in self.entries:
            logged, jws = parse_entry(entry)
            record = parse_record(jws)
            step = plan_step(self.state, record, logged)
            self.state.apply(step)
            self.records.append(record)
            self.moves.append(step.facts.subjects)
            evidence = {one.id: about for one, about in zip(self.records, self.abouts, strict=False)}
            corrected = evidence.get(record.body["record"], ()) if record.type == "correct" else ()
            self.abouts.append(step.about or corrected)

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        return {one: kind_of(self.state.subjects[one]) for one in subjects if one in self.state.subjects}

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        return self._where(self.moves, subjects)

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        return self._where(self.abouts, subjects)

    def produced(self, months: Collection[tuple[str, str]]) -> Mapping[int, Record]:
        return self._listed([f"production {site} {month}" for site, month in months])

    def statuses(self, subdivisions: Collection[str]) -> Mapping[int, Record]:
        return self._listed([f"status {one}" for one in subdivisions])

    def newest(self, subject: str, months: int) -> Mapping[int, Record]:
        known: set[str] = set()
        found: dict[str, dict[str, dict[int, Record]]] = {}
        for i, record in enumerate(self.records):
            body, month = record.body, record.time[:7]
            lots = body["lots"] if record.type == "dispatch" else lots_made(record)
            party = body["consignee"] if record.type == "dispatch" else record.iss
            if record.type in ("extract", "transform") and body["site"] == subject:
                month = body["period"]["from"][:7] if record.type == "extract" else month
                found.setdefault(record.type, {}).setdefault(month, {})[i] = record
            elif party == subject and not known.issuperset(lots):
                found.setdefault("held", {}).setdefault(month, {})[i] = record
                known.update(lots)
        chosen = [by[month] for by in found.values() for month in sorted(by)[-months:]]
        return {i: record for some in chosen for i, record in some.items()}

    def named(self, records: Collection[str]) -> Mapping[int, Record]:
        return {i: record for i, record in enumerate(self.records) if record.id in records}

    def _listed(self, topics: Collection[str]) -> dict[int, Record]:
        """The records on the lists of these topics, of which `lists_of` makes each from the whole log."""
        ids = {one for listed in lists_of(self.records, topics).values() for one in listed}
        return {i: record for i, record in enumerate(self.records) if record.id in ids}

    def _where(self, lists: list[tuple[str, ...]], subjects: Collection[str]) -> dict[int, Record]:
        wanted = set(subjects)
        return {i: self.records[i] for i, names in enumerate(lists) if wanted & set(names)}


def lists_of(records: Iterable[Record], topics: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The lists of these topics in a whole log, as its audit makes them."""
    lists = Topics.of(topics)
    for record in records:
        lists.take(record)
    return {topic: tuple(ids) for topic, ids in lists.lists.items()}


def state_complete(
    entries: list[bytes], subject: str, topics: Mapping[str, tuple[str, ...]], origin: str = ORIGIN
) -> Completeness:
    """These lists, signed by the log as of all of its entries."""
    head = Checkpoint(origin, len(entries), tree_root([leaf_hash(one) for one in entries]))
    signer = Ed25519Signer(origin, LOG_SIGNER.seed)
    return Completeness(sign_completeness(state_lists(head, subject, topics), [signer]), dict(topics))


def bundle_of(
    world: World, lot: str, *, leave_out: Collection[int] = (), hash_only: Collection[int] = (), erase: bool = False
) -> Bundle:
    """The bundle of a lot of the world, as a service would make it; `leave_out` and `hash_only` are indexes."""
    closure = collect_closure(lot, ORIGIN, LogReader(world.log))
    return bundle_from(
        world.log,
        closure.indexes,
        lot,
        {} if erase else world.disclosures,
        time=world.now,
        leave_out=leave_out,
        hash_only=hash_only,
        completeness=state_complete(world.log, lot, closure.lists()),
    )


def demanded(records: Iterable[Record], lot: str) -> set[str]:
    """The topics that a bundle of the lot must be complete in."""
    records = list(records)
    return demand_topics(lot, upstream(lot, parents_of(records)), records)


def _stated(entries: list[bytes], lot: str) -> Completeness:
    """What the log would say of a bundle that holds all of it, as far as its entries are records."""
    records = []
    for entry in entries:
        with suppress(LedgerError):
            record = parse_record(parse_entry(entry)[1])
            check_schema(record.payload)
            records.append(record)
    return state_complete(entries, lot, lists_of(records, demanded(records, lot)))


def bundle_from(
    entries: list[bytes],
    indexes: Collection[int],
    lot: str,
    disclosures: Mapping[str, tuple[str, ...]],
    *,
    time: int,
    leave_out: Collection[int] = (),
    hash_only: Collection[int] = (),
    completeness: Completeness | None = None,
) -> Bundle:
    """A bundle of chosen entries of a log; without `completeness`, the log states that these are all there are."""
    leaves = [leaf_hash(one) for one in entries]

    def read(nodes: Collection[tuple[int, int]]) -> list[bytes]:
        return [tree_root(leaves[n << level : (n + 1) << level]) for level, n in nodes]

    shown: list[BundleEntry] = []
    for index in sorted(set(indexes) - set(leave_out)):
        proof = tuple(prove_inclusion(index, len(entries), read))
        record_id = hashlib.sha256(entries[index].partition(b" ")[2]).hexdigest()
        if index in hash_only:
            shown.append(HashOnlyEntry(index, leaves[index], proof, record_id))
        else:
            shown.append(FullEntry(index, entries[index], proof, disclosures.get(record_id, ())))
    stated = completeness or _stated(entries, lot)
    return Bundle(ORIGIN, format_vkey(LOG_SIGNER.verifier), sign_log(entries, time), lot, tuple(shown), stated)


def sealed(world: World, lot: str) -> bytes:
    """The bytes of the bundle of a lot."""
    return format_bundle(bundle_of(world, lot))


def shown_of(entries: Iterable[FullEntry]) -> list[Shown]:
    """The records of entries that a bundle shows in full."""
    shown = []
    for one in entries:
        logged, jws = parse_entry(one.entry)
        shown.append(Shown(one.index, logged, parse_record(jws), one.disclosures))
    return shown
