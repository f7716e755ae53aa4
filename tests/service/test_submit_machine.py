"""Submit, resubmit, crash and reopen in any order, against a plain list: what was acknowledged stays, in its place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.proof import check_receipt
from service.bootstrap import wire
from service.config import Settings
from service.storage.tree import node_reader, select_entries
from service.usecases.fsck import check_database
from service.usecases.submit import Submission
from tests.service.test_faults import POINTS, Died, Fault, faulty
from tests.support.engines import give_back
from tests.support.server import SIGNER, Clock, candidate, candidates, database_url, new_service
from tests.support.world import MINER, ORIGIN, extract_body, honest_world, new_lot


class LogMachine(RuleBasedStateMachine):
    """`stored` is the plain list; `pending` holds records whose fate a crash has left open."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.fault = Fault()
        self.world = honest_world()
        self.stored: list[bytes] = []
        self.signed: dict[bytes, Any] = {}
        self.pending: list[bytes] = []
        self.checkpoints: list[Checkpoint] = []
        self.lots = 0

    @initialize()
    def start(self) -> None:
        """A log with its register."""
        appending, file = faulty(self.fault)
        self.parts = {"appending": appending, "file": file, "clock": Clock(self.world.now + 10_000)}
        self.service = new_service(self.folder, self.world, **self.parts)
        self.book = self.service.open_log()
        self.book.submit([Submission(candidates(self.world, self.service))], self.world.now * 1000)
        self.stored = [entry.split(b" ")[1] for entry in self.world.log]

    def fresh(self, count: int) -> list[bytes]:
        """New records, none building on another."""
        made = []
        for _ in range(count):
            self.lots += 1
            body = extract_body(new_lot(f"lot:{self.lots}"), time=self.world.now)
            signed = self.world.sign(MINER, "extract", body)
            self.signed[signed.record.jws] = signed
            made.append(signed.record.jws)
        return made

    def send(self, records: list[bytes]) -> None:
        """Submit and compare with the plain list."""
        items = [candidate(self.signed[one], self.service) for one in records]
        (done,) = self.book.submit([Submission(items)], self.world.now * 1000)
        for jws, outcome in zip(records, done.outcomes, strict=True):
            if outcome.status == "created":
                assert outcome.index == len(self.stored)
                self.stored.append(jws)
            assert outcome.error is None
            assert self.stored[outcome.index] == jws
            check_receipt(outcome.entry, outcome.receipt(), ORIGIN, [SIGNER.verifier])
        self.checkpoints.append(open_checkpoint(done.checkpoint, ORIGIN, [SIGNER.verifier]))

    @rule(count=st.integers(1, 5))
    def submit(self, count: int) -> None:
        """New records."""
        self.send(self.fresh(count))

    @precondition(lambda self: self.signed)
    @rule(data=st.data())
    def resubmit(self, data: st.DataObject) -> None:
        """Old and pending records, mixed with a new one."""
        known = data.draw(st.lists(st.sampled_from(sorted(self.signed)), max_size=4))
        self.send([*known, *self.fresh(1), *self.pending])
        self.pending = []

    @rule(point=st.sampled_from(POINTS[:-1]), applied=st.booleans())
    def crash(self, point: str, applied: bool) -> None:
        """The process dies at a write; what it was writing is stored as a whole or not at all."""
        records = self.fresh(2)
        items = [candidate(self.signed[one], self.service) for one in records]
        self.fault.point, self.fault.applied, self.fault.error = point, applied, Died
        try:
            self.book.submit([Submission(items)], self.world.now * 1000)
        except Died:
            pass
        else:
            assert point == "write_disclosures", "only a fault without its write does not strike"
        self.fault.point = ""
        self.reopen()
        with self.service.store.reading() as conn:
            now = [one.split(b" ")[1] for one in select_entries(conn, 0, 10**6)]
        assert now in (self.stored, self.stored + records)
        self.pending += [one for one in records if one not in now]
        self.stored = now

    @rule()
    def reopen(self) -> None:
        """A restart, orderly or not."""
        self.service.close()
        settings_ = Settings(state=self.folder, database=database_url(self.folder), workers=0)
        self.service = wire(settings_, **self.parts)
        self.book = self.service.open_log()

    @invariant()
    def one_history(self) -> None:
        """Every checkpoint that was handed out is a beginning of the newest."""
        if not self.checkpoints:
            return
        head = self.book.head
        newest = Checkpoint(ORIGIN, head.size, head.root)
        with self.service.store.reading() as conn:
            for old in self.checkpoints[-3:]:
                nodes = plan_consistency(old.size, newest.size)
                proof = prove_consistency(old.size, newest.size, node_reader(conn, nodes, newest.size))
                check_extends(old, newest, proof)

    def teardown(self) -> None:
        """The product's own check has the last word."""
        if hasattr(self, "service"):
            now = self.world.now + 20_000
            result = check_database(self.service.store, self.service.file, self.service.signer, now=now)
            self.service.close()
            assert result.sound, list(result.sentences())
        give_back(self.folder)
        shutil.rmtree(self.folder)


def test_what_was_acknowledged_stays_in_its_place(engine: str) -> None:
    few = settings(max_examples=25 if engine == "sqlite" else 10, stateful_step_count=10, deadline=None)
    run_state_machine_as_test(LogMachine, settings=few)
