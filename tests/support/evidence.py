"""Evidence out of a `World`: its log signed and witnessed, look-ups over it, and bundles for its lots."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.custody.state import State, plan_step
from ledger.custody.subjects import kind_of
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from ledger.evidence.bundle import Bundle, BundleEntry, FullEntry, HashOnlyEntry, format_bundle
from ledger.evidence.closure import collect_closure
from ledger.evidence.trust import TrustedLog, TrustedWitness, TrustPolicy
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, prove_inclusion, tree_root
from ledger.log.note import CosignatureSigner, Ed25519Signer, format_vkey
from tests.support.world import ORIGIN, World

LOG_SIGNER = Ed25519Signer(ORIGIN, hashlib.sha256(b"log key").digest())
WITNESS = CosignatureSigner("witness.example/w1", hashlib.sha256(b"witness key").digest())
POLICY = TrustPolicy((TrustedLog(LOG_SIGNER.verifier),), (TrustedWitness("w1", WITNESS.verifier),), (), "w1")
LONE_POLICY = TrustPolicy((TrustedLog(LOG_SIGNER.verifier),))


def later(world: World, seconds: int = 60) -> datetime:
    """A reader's clock, a minute after the newest entry."""
    return datetime.fromtimestamp(world.now + seconds, UTC)


def sign_log(entries: list[bytes], time: int, origin: str = ORIGIN) -> str:
    """The checkpoint of these entries, signed by the log and cosigned by the witness."""
    checkpoint = Checkpoint(origin, len(entries), tree_root([leaf_hash(one) for one in entries]))
    signer = Ed25519Signer(origin, LOG_SIGNER.seed)
    return sign_checkpoint(checkpoint, [signer], cosigners=()) + _cosigned(checkpoint, time)


def _cosigned(checkpoint: Checkpoint, time: int) -> str:
    from ledger.log.checkpoint import format_checkpoint
    from ledger.log.note import cosign_note, format_signature

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
            self.abouts.append(step.about)

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        return {one: kind_of(self.state.subjects[one]) for one in subjects if one in self.state.subjects}

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        return self._where(self.moves, subjects)

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        return self._where(self.abouts, subjects)

    def _where(self, lists: list[tuple[str, ...]], subjects: Collection[str]) -> dict[int, Record]:
        wanted = set(subjects)
        return {i: self.records[i] for i, names in enumerate(lists) if wanted & set(names)}


def bundle_of(
    world: World, lot: str, *, leave_out: Collection[int] = (), hash_only: Collection[int] = (), erase: bool = False
) -> Bundle:
    """The bundle of a lot of the world, as a service would make it; `leave_out` and `hash_only` are indexes."""
    return bundle_from(
        world.log,
        collect_closure(lot, ORIGIN, LogReader(world.log)).indexes,
        lot,
        {} if erase else world.disclosures,
        time=world.now,
        leave_out=leave_out,
        hash_only=hash_only,
    )


def bundle_from(
    entries: list[bytes],
    indexes: Collection[int],
    lot: str,
    disclosures: Mapping[str, tuple[str, ...]],
    *,
    time: int,
    leave_out: Collection[int] = (),
    hash_only: Collection[int] = (),
) -> Bundle:
    """A bundle of chosen entries of a log."""
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
    return Bundle(ORIGIN, format_vkey(LOG_SIGNER.verifier), sign_log(entries, time), lot, tuple(shown))


def sealed(world: World, lot: str) -> bytes:
    """The bytes of the bundle of a lot."""
    return format_bundle(bundle_of(world, lot))
