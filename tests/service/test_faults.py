"""Faults at every write of the sequencer, before and after the effect, healed by a retry or by a restart.

After each row the product's own check of the whole database is the oracle: every record that was
acknowledged is there once, nothing else is, and all checkpoints ever signed are of one history.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import plan_consistency, prove_consistency
from service.bootstrap import Service, wire
from service.config import Settings
from service.errors import Unavailable
from service.storage.appending import Appending
from service.storage.checkpoints import CheckpointFile
from service.storage.tree import node_reader
from service.usecases.fsck import check_database
from service.usecases.submit import Book, Item, Sequenced, Submission
from service.workers.sequencer import Sequencer
from tests.support.server import SIGNER, Clock, candidates, database_url, dump, new_service
from tests.support.world import MINER, ORIGIN, TRADER, World, dispatch_body, honest_world

pytestmark = pytest.mark.usefixtures("engine")

WRITES = ("write_disclosures", "write_entries", "write_derived", "read_back", "move_head", "commit")
POINTS = (*WRITES, "append", "acknowledge")


class Died(BaseException):
    """The process ends here: nothing after this line runs."""


@dataclass
class Fault:
    """Strikes once at `point`, before or after its effect; `error` is what then happens."""

    point: str = ""
    applied: bool = False
    error: Callable[[], BaseException] = OSError
    signed: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, point: str) -> Iterator[None]:
        strikes = point == self.point
        if strikes:
            self.point = ""
        if strikes and not self.applied:
            raise self.error()
        yield
        if strikes:
            raise self.error()


def faulty(fault: Fault) -> tuple[type[Appending], type[CheckpointFile]]:
    """The real transaction and the real file, with the fault around each of their writes."""

    def wrap(name: str) -> Callable[..., Any]:
        real = getattr(Appending, name)

        def method(self: Appending, *values: Any) -> Any:
            if name == "move_head":
                fault.signed.append(values[1].checkpoint)
            with fault.at(name):
                return real(self, *values)

        return method

    class File(CheckpointFile):
        def append(self, note: str) -> None:
            with fault.at("append"):
                super().append(note)

    return type("Faulty", (Appending,), {name: wrap(name) for name in WRITES}), File


def harvest(world: World, service: Service) -> list[Item]:
    """Records with disclosures that build on each other."""
    world.extract({"id": "lot:1", "mineral": "coltan", "quantity": amount(), "tags": [{"scheme": "x", "number": "1"}]})
    body = dispatch_body(TRADER, "lot:1", time=world.now)
    body["transport"]["driver"] = "plate 7"
    world.submit(world.sign(MINER, "dispatch", body, ["lot:1"], conceal=["/body/transport/driver"]))
    return candidates(world, service, -2)


def amount() -> dict[str, Any]:
    return {"mass": "40", "moisture": "2", "assay": {"Ta2O5": "28.5"}}


def check_everything(service: Service, world: World, signed: list[str]) -> None:
    """The whole log is the world's, fsck finds nothing, and every checkpoint ever signed is of its history."""
    result = check_database(service.store, service.file, service.signer, now=world.now + 5000)
    assert result.sound, list(result.sentences())
    entries = [row[1].split(b" ")[1] for row in dump(service.store, ["entries"])["entries"]]
    assert entries == [entry.split(b" ")[1] for entry in world.log]
    check_one_history(service, [open_checkpoint(note, ORIGIN, [SIGNER.verifier]) for note in signed])


def check_one_history(service: Service, signed: list[Checkpoint]) -> None:
    with service.store.reading() as conn:
        for old, new in itertools.combinations(sorted(signed, key=lambda one: one.size), 2):
            nodes = plan_consistency(old.size, new.size) if old.size else []
            proof = prove_consistency(old.size, new.size, node_reader(conn, nodes, new.size)) if nodes else []
            check_extends(old, new, proof)


@pytest.fixture
def world() -> World:
    return honest_world()


def start(folder: Path, world: World, fault: Fault) -> Service:
    appending, file = faulty(fault)
    service = new_service(folder, world, appending=appending, file=file)
    (done,) = service.open_log().submit([Submission(candidates(world, service))], world.now * 1000)
    assert all(one.status == "created" for one in done.outcomes)
    return service


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", POINTS[:-1])
def test_fault_then_retry(tmp_path: Path, world: World, point: str, applied: bool) -> None:
    fault = Fault()
    service = start(tmp_path, world, fault)
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    sequencer.start()
    items = harvest(world, service)
    fault.point, fault.applied = point, applied
    done = sequencer.submit(items).result(20)
    assert fault.point == "", "the fault struck"
    stored = (applied and point in ("commit",)) or point == "append"
    assert {one.status for one in done.outcomes} == {"existing" if stored else "created"}
    again = sequencer.submit(items).result(20)  # as a client does that never got the answer
    assert [(one.status, one.index, one.entry) for one in again.outcomes] == [
        ("existing", one.index, one.entry) for one in done.outcomes
    ]
    sequencer.stop()
    check_everything(service, world, fault.signed)
    service.close()


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_fault_then_restart(tmp_path: Path, world: World, point: str, applied: bool) -> None:
    fault = Fault()
    service = start(tmp_path, world, fault)
    book, items = service.open_log(), harvest(world, service)
    fault.point, fault.applied, fault.error = point, applied, Died
    with pytest.raises(Died):
        submit_and_answer(book, items, world, fault)
    signed = list(fault.signed)
    service.close()
    after = wire(Settings(state=tmp_path, database=database_url(tmp_path), workers=0), clock=Clock(world.now + 2000))
    book = after.open_log()
    (done,) = book.submit([Submission(items)], (world.now + 10) * 1000)
    survived = POINTS.index(point) + applied > POINTS.index("commit")
    assert {one.status for one in done.outcomes} == {"existing" if survived else "created"}
    # What was signed in a transaction that never was committed was never shown to anybody: it is no history.
    check_everything(after, world, [*(signed if survived else signed[:-1]), done.checkpoint])
    after.close()


def submit_and_answer(book: Book, items: list[Item], world: World, fault: Fault) -> list[Sequenced]:
    done = book.submit([Submission(items)], world.now * 1000)
    with fault.at("acknowledge"):
        return done


def test_sequencer_that_cannot_read_back_signs_nothing(tmp_path: Path, world: World) -> None:
    """A bit that flips on its way to the disk: the checkpoint is never signed, the sequencer starts over."""

    class Flipping(Appending):
        flips = 1

        def read_back(self, first: int, past: int, tiles: Any) -> Any:
            entries, stored = super().read_back(first, past, tiles)
            if Flipping.flips:
                Flipping.flips -= 1
                entries[-1] = entries[-1][:-1] + bytes([entries[-1][-1] ^ 1])
            return entries, stored

    service = start(tmp_path, world, Fault())
    service.appending = Flipping
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    sequencer.start()
    done = sequencer.submit(harvest(world, service)).result(20)
    assert {one.status for one in done.outcomes} == {"created"}, "tried again, with a memory that held"
    assert Flipping.flips == 0
    sequencer.stop()
    check_everything(service, world, [done.checkpoint])
    service.close()


@pytest.mark.parametrize("target", ["entries", "tiles"])
def test_bit_that_stays_flipped_stops_every_submission(tmp_path: Path, world: World, target: str) -> None:
    class Broken(Appending):
        def read_back(self, first: int, past: int, tiles: Any) -> Any:
            entries, stored = super().read_back(first, past, tiles)
            if target == "entries":
                return entries[:-1], stored
            return entries, {tile: bytes(len(hashes)) for tile, hashes in stored.items()}

    fault = Fault()
    service = start(tmp_path, world, fault)
    before = dump(service.store, ("head", "entries", "tiles"))
    service.appending = Broken
    sequencer = Sequencer(service.open_log, clock=service.context.clock)
    sequencer.start()
    with pytest.raises(Unavailable, match="send the same bytes again"):
        sequencer.submit(harvest(world, service)).result(20)
    sequencer.stop()
    assert dump(service.store, ("head", "entries", "tiles")) == before
    service.appending = Appending
    (done,) = service.open_log().submit([Submission(candidates(world, service, -2))], world.now * 1000)
    check_everything(service, world, [*fault.signed, done.checkpoint])
    service.close()


def test_without_a_fault_nothing_is_different(tmp_path: Path, world: World) -> None:
    fault = Fault()
    service = start(tmp_path, world, fault)
    (done,) = service.open_log().submit([Submission(harvest(world, service))], world.now * 1000)
    assert [one.status for one in done.outcomes] == ["created", "created"]
    check_everything(service, world, fault.signed)
    service.close()
