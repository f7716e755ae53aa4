"""A database that was rolled back gets its entries back from a copy of the log, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import TileError
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.note import CosignatureSigner, Ed25519Signer, add_signatures, cosign_note, parse_note
from ledger.log.tiles import ENTRIES, tile_path, tile_width
from service.adapters.shelves import FolderShelf
from service.bootstrap import Service
from service.storage.head import read_head
from service.storage.tables import DERIVED
from service.usecases.create_log import LogExists, refuse_second_log
from service.usecases.fsck import check_database
from service.usecases.open_log import RefuseToOpen
from service.usecases.publish import publish
from service.usecases.replay import ReplayFailed
from service.usecases.restore import Restored, RestoreRefused, restore_entries
from service.usecases.submit import Submission
from tests.service.test_export import long_world
from tests.support.server import SIGNER, candidates, dump, new_service
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("engine")

OLD, NEW = 300, 600


@pytest.fixture(scope="module")
def world() -> World:
    return long_world(NEW)


def fill(service: Service, world: World, past: int) -> None:
    book = service.open_log()
    book.submit([Submission(candidates(world, service, book.head.size, past))], world.now * 1000)


def roll_back(folder: Path, service: Service, world: World) -> Service:
    """A service whose database ends at `OLD` while its file of checkpoints says that `NEW` entries were signed."""
    behind = new_service(folder, world)
    fill(behind, world, OLD)
    behind.close()
    shutil.copy(service.file.path, behind.file.path)
    with pytest.raises(RefuseToOpen, match="lodeline-server restore"):
        behind.open_log()
    return behind


@pytest.fixture
def services(tmp_path: Path, world: World) -> Iterator[tuple[Service, Service, Path]]:
    """One that has everything, one that was rolled back, and an export of the first; both logs have one history."""
    (tmp_path / "ahead").mkdir()
    (tmp_path / "behind").mkdir()
    ahead = new_service(tmp_path / "ahead", world)
    fill(ahead, world, OLD)
    fill(ahead, world, NEW)
    publish(ahead.store, SIGNER.verifier, FolderShelf(tmp_path / "copy"), entries=True)
    behind = roll_back(tmp_path / "behind", ahead, world)
    yield ahead, behind, tmp_path / "copy"
    ahead.close()
    behind.close()


def test_rolled_back_database_is_whole_again(services: tuple[Service, Service, Path], world: World) -> None:
    ahead, behind, copy = services
    done = restore_entries(behind.store, SIGNER, copy)
    head = ahead.open_log().head
    assert done == Restored(OLD, NEW, head.root)
    assert behind.open_log().head == head
    tables = (*DERIVED, "entries", "head")
    assert dump(behind.store, tables) == dump(ahead.store, tables)
    assert check_database(behind.store, behind.file, SIGNER, now=world.now + 10_000).sound
    with pytest.raises(RestoreRefused, match="nothing to restore"):
        restore_entries(behind.store, SIGNER, copy)
    with pytest.raises(LogExists):
        refuse_second_log(behind.store)


def test_cosignatures_of_the_copy_are_left_to_witnesses(services: tuple[Service, Service, Path]) -> None:
    ahead, behind, copy = services
    note = (copy / "checkpoint").read_text()
    line = cosign_note(parse_note(note).text, CosignatureSigner("witness.example/w", b"w" * 32), 1)
    (copy / "checkpoint").write_text(add_signatures(note, [line]))
    restore_entries(behind.store, SIGNER, copy)
    assert behind.open_log().head.checkpoint == ahead.open_log().head.checkpoint


def refused(behind: Service, copy: Path, error: type[Exception], why: str | None) -> None:
    before = dump(behind.store, (*DERIVED, "entries", "head"))
    with pytest.raises(error, match=why):
        restore_entries(behind.store, SIGNER, copy)
    assert dump(behind.store, (*DERIVED, "entries", "head")) == before


def test_copy_that_lies_changes_nothing(services: tuple[Service, Service, Path]) -> None:
    _, behind, copy = services
    last = copy / tile_path(ENTRIES, NEW // 256, tile_width(0, NEW // 256, NEW))
    whole = last.read_bytes()
    last.write_bytes(whole[:-1])
    refused(behind, copy, TileError, None)
    at = whole.rfind(b" ") - 1  # the last digit of the last entry's time, a 0
    last.write_bytes(whole[:at] + b"1" + whole[at + 1 :])
    refused(behind, copy, ReplayFailed, "another root")
    last.write_bytes(whole[:-9] + b"~" + whole[-8:])
    refused(behind, copy, ReplayFailed, "refused by the replay")
    last.unlink()
    refused(behind, copy, FileNotFoundError, None)
    last.write_bytes(whole)
    restore_entries(behind.store, SIGNER, copy)


def test_copy_of_another_log(services: tuple[Service, Service, Path]) -> None:
    _, behind, copy = services
    head = Checkpoint(SIGNER.name, NEW + 1, bytes(32))
    (copy / "checkpoint").write_text(sign_checkpoint(head, [Ed25519Signer(SIGNER.name, b"x" * 32)]))
    refused(behind, copy, RestoreRefused, "does not hold a copy of this log")
    with behind.store.reading() as conn:
        assert (read_head(conn) or head).size == OLD
