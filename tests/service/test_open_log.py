"""Opening the log: what a crash may leave is healed, everything else refuses to start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.note import Ed25519Signer
from service.bootstrap import Service, wire
from service.config import Settings
from service.storage.sql import execute
from service.storage.tree import select_tiles
from service.usecases.fsck import accept_head
from service.usecases.open_log import RefuseToOpen
from service.usecases.submit import Submission
from tests.support.server import SIGNER, candidates, database_url, dump, new_service
from tests.support.world import World, chain_world

pytestmark = pytest.mark.usefixtures("engine")

KEEP = ("head", "entries", "tiles")


@pytest.fixture
def world() -> World:
    return chain_world()


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    fill(service, world, 1, 10)
    yield service
    service.close()


def fill(service: Service, world: World, first: int, past: int) -> None:
    book = service.open_log()
    book.submit([Submission(candidates(world, service, first, past))], world.now * 1000)


def run(service: Service, statement: str, *values: object) -> None:
    with service.store.writing() as conn:
        execute(conn, statement, values)


def refused(service: Service, why: str) -> str:
    before = dump(service.store, KEEP)
    with pytest.raises(RefuseToOpen, match=why) as caught:
        service.open_log()
    assert dump(service.store, KEEP) == before
    assert "lodeline-server" in str(caught.value) or "LODELINE_" in str(caught.value), "says how to recover"
    return str(caught.value)


def test_reopened_log_goes_on(service: Service, world: World) -> None:
    book = service.open_log()
    assert book.head.size == 10
    fill(service, world, 10, 12)
    assert service.open_log().head.size == 12


def test_checkpoint_not_filed_before_a_crash_is_filed_now(service: Service, world: World) -> None:
    lines = service.file.path.read_bytes().splitlines(keepends=True)
    for left in range(len(lines)):
        service.file.path.write_bytes(b"".join(lines[:left]))
        assert service.open_log().file.newest == dump(service.store, ["head"])["head"][0][5]
    fill(service, world, 10, 11)


def test_restored_backup_refuses_to_start(service: Service, world: World, tmp_path: Path) -> None:
    (tmp_path / "newer").mkdir()
    newer = new_service(tmp_path / "newer", world)  # the same log, further on
    fill(newer, world, 1, 10)
    fill(newer, world, 10, 12)
    newer.close()
    shutil.copy(newer.file.path, service.file.path)
    assert "ends at entry 10" in refused(service, "old backup")
    recovered = Service(newer.settings, newer.context, SIGNER, service.file)
    assert recovered.open_log().head.size == 12, "with the newer database it goes on"
    recovered.close()


def test_other_history_of_the_same_size_refuses_to_start(service: Service) -> None:
    other = sign_checkpoint(Checkpoint(SIGNER.name, 10, b"\1" * 32), [SIGNER])
    service.open_log().file.append(other)
    refused(service, "does not extend")


def test_other_history_of_a_smaller_size_refuses_to_start(service: Service) -> None:
    other = sign_checkpoint(Checkpoint(SIGNER.name, 7, b"\1" * 32), [SIGNER])
    service.open_log().file.append(other)
    refused(service, "does not extend")


def test_checkpoints_of_another_log_refuse_to_start(service: Service) -> None:
    stranger = Ed25519Signer("other.example/log", b"s" * 32)
    service.open_log().file.append(sign_checkpoint(Checkpoint(stranger.name, 3, b"\1" * 32), [stranger]))
    refused(service, "not a checkpoint of this log")


def test_missing_file_refuses_until_the_operator_accepts_the_head(service: Service) -> None:
    service.open_log()
    service.file.path.unlink()
    refused(service, "missing")
    accept_head(service.store, service.file, SIGNER.verifier)
    assert service.open_log().head.size == 10


@pytest.mark.parametrize(
    ("damage", "values", "why"),
    [
        ("DELETE FROM tiles", (), "tile at its right edge"),
        ("UPDATE head SET root = ?", (bytes(32),), "another root"),
        ("UPDATE head SET checkpoint = replace(checkpoint, 'test', 'tess')", (), "does not verify"),
        ("DELETE FROM entries WHERE seq = 9", (), "holds 9 entries where its head says 10"),
        ("UPDATE entries SET entry = ? WHERE seq = 9", (b"1 x",), "last entries are not the ones"),
        ("DELETE FROM id_tiles", (), "newest records are not filed"),
        ("UPDATE id_tiles SET ids = ?", (bytes(8 * 9),), "newest records are not filed"),
        ("UPDATE id_tiles SET n = 1", (), "newest records are not filed"),
        ("DELETE FROM head", (), "no log yet"),
        ("UPDATE meta SET value = 'other.example/log' WHERE name = 'origin'", (), "key file that of"),
        ("UPDATE alembic_version SET version_num = '0000'", (), "migration step 0000"),
    ],
)
def test_damaged_database_refuses_to_start(service: Service, damage: str, values: tuple[object, ...], why: str) -> None:
    run(service, damage, *values)
    refused(service, why)


def test_flipped_bit_in_a_tile_refuses_to_start(service: Service) -> None:
    with service.store.reading() as conn:
        tile = bytearray(select_tiles(conn, [(0, 0)], 10)[0, 0])
    for position in (0, 100, len(tile) - 1):
        tile[position] ^= 1
        run(service, "UPDATE tiles SET hashes = ?", bytes(tile))
        refused(service, "another root")
        tile[position] ^= 1
    run(service, "UPDATE tiles SET hashes = ?", bytes(tile))
    assert service.open_log().head.size == 10


def test_head_with_a_checkpoint_of_another_size_refuses_to_start(service: Service) -> None:
    older = sign_checkpoint(Checkpoint(SIGNER.name, 9, service.open_log().head.root), [SIGNER])
    run(service, "UPDATE head SET checkpoint = ?", older)
    refused(service, "not that of its head")


def test_empty_database_refuses_to_start(tmp_path: Path, service: Service) -> None:
    other = tmp_path / "other"
    other.mkdir()
    empty = wire(Settings(state=tmp_path, database=database_url(other)))
    with pytest.raises(RefuseToOpen, match="lodeline-server migrate"):
        empty.open_log()
    empty.close()
