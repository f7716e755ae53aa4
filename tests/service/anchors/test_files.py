"""The sink `file`: signed checkpoints in a folder, and the folders that stop it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ledger.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.log.note import Ed25519Signer
from service.adapters.anchor_folder import CheckpointFolder
from service.usecases.anchor_files import FileSink
from service.usecases.anchoring import LogReader, Outbox
from tests.service.anchors.site import Log
from tests.support.server import SIGNER
from tests.support.world import ORIGIN

pytestmark = pytest.mark.usefixtures("engine")

NOW = 1_800_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def sink_of(log: Log, folder: Path, holder: str = "one") -> FileSink:
    store = log.service.store
    outbox = Outbox(store, "file", holder)
    return FileSink(outbox, LogReader(store), CheckpointFolder(folder), origin=ORIGIN, verifier=SIGNER.verifier)


def submit(sink: FileSink, log: Log, count: int = 1) -> int:
    size = log.grow(count)
    newest = LogReader(log.service.store).newest()
    assert newest is not None
    assert sink.submit(newest, NOW)
    assert not sink.submit(newest, NOW)
    return size


def condition(log: Log) -> tuple[str, str]:
    told = Outbox(log.service.store, "file", "").status()
    return told["condition"], told["detail"]


def test_checkpoints_become_files(log: Log, folder: Path) -> None:
    sink = sink_of(log, folder)
    assert sink.tick(NOW) == "idle"
    first = submit(sink, log)
    second = submit(sink, log, 3)
    assert sink.tick(NOW) == "final"
    (file,) = folder.iterdir()
    assert file.name == f"{second:020d}.checkpoint"
    head = open_checkpoint(file.read_text(), ORIGIN, [SIGNER.verifier])
    assert (head.size, head.root) == (second, log.book.head.root)
    assert sink.evidence(second) == file.read_bytes()
    assert sink.evidence(first) is None
    assert sink.status()["anchors"] == {"covered": 1, "final": 1}
    assert sink.status()["final"] == second
    assert sink.tick(NOW) == "idle"
    submit(sink, log)
    assert sink.tick(NOW) == "final"
    assert len(list(folder.iterdir())) == 2


def test_crash_after_the_file_was_written(log: Log, folder: Path) -> None:
    sink = sink_of(log, folder)
    size = submit(sink, log)
    CheckpointFolder(folder).write(size, log.book.head.checkpoint)
    again = sink_of(log, folder, holder="two")
    assert again.tick(NOW) == "final"
    assert again.status()["anchors"] == {"final": 1}


def test_crash_while_the_file_was_written(log: Log, folder: Path) -> None:
    sink = sink_of(log, folder)
    size = submit(sink, log)
    (folder / f".{size}.new").write_text("half a check")
    assert sink.tick(NOW) == "final"
    assert [one.name for one in folder.iterdir()] == [f"{size:020d}.checkpoint"]


def test_another_process_has_the_lease(log: Log, folder: Path) -> None:
    assert sink_of(log, folder).tick(NOW) == "idle"
    assert sink_of(log, folder, holder="two").tick(NOW + 59) == "leased"
    assert sink_of(log, folder, holder="two").tick(NOW + 60) == "idle"


def test_the_folder_is_away(log: Log, folder: Path) -> None:
    sink = sink_of(log, folder)
    size = submit(sink, log)
    folder.rename(folder.with_name("away"))
    assert sink.tick(NOW) == "unreachable"
    assert "LODELINE_ANCHOR_FOLDER" in condition(log)[1]
    assert log.grow() == size + 1, "the ledger goes on"
    folder.with_name("away").rename(folder)
    assert sink.tick(NOW) == "final"
    assert condition(log) == ("ok", "")


def test_log_restored_from_an_old_backup(log: Log, folder: Path) -> None:
    sink = sink_of(log, folder)
    submit(sink, log)
    far = sign_checkpoint(Checkpoint(ORIGIN, 10_000, hashlib.sha256(b"later").digest()), [SIGNER])
    CheckpointFolder(folder).write(10_000, far)
    assert sink.tick(NOW) == "chain_ahead"
    assert "old backup" in condition(log)[1]
    assert [one.name for one in folder.iterdir()] == [f"{10_000:020d}.checkpoint"]


@pytest.mark.parametrize("queued", [True, False])
def test_two_histories(log: Log, folder: Path, queued: bool) -> None:
    sink = sink_of(log, folder)
    size = submit(sink, log) if queued else log.grow()
    other = sign_checkpoint(Checkpoint(ORIGIN, size, hashlib.sha256(b"other").digest()), [SIGNER])
    CheckpointFolder(folder).write(size, other)
    assert sink.tick(NOW) == "equivocation"
    assert "two histories" in condition(log)[1]
    assert sink.status()["anchors"] == ({"equivocation": 1} if queued else {})
    assert CheckpointFolder(folder).read(size) == other, "what proves it is kept"


def test_two_histories_found_when_writing(log: Log, folder: Path) -> None:
    """The file appeared between the look and the write."""
    sink = sink_of(log, folder)
    size = submit(sink, log)
    other = sign_checkpoint(Checkpoint(ORIGIN, size, hashlib.sha256(b"other").digest()), [SIGNER])
    real = sink._folder.write
    sink._folder.write = lambda size, note: (real(size, other), real(size, note))[1]  # type: ignore[method-assign]
    assert sink.tick(NOW) == "equivocation"
    assert CheckpointFolder(folder).read(size) == other


@pytest.mark.parametrize("content", ["", "not a checkpoint", "foreign"])
def test_a_folder_with_something_else_in_it(log: Log, folder: Path, content: str) -> None:
    if content == "foreign":
        stranger = Ed25519Signer("other.example/log", bytes(32))
        content = sign_checkpoint(Checkpoint(stranger.name, 3, hashlib.sha256(b"x").digest()), [stranger])
    CheckpointFolder(folder).write(3, content)
    sink = sink_of(log, folder)
    submit(sink, log)
    assert sink.tick(NOW) == "misconfigured"
    assert "LODELINE_ANCHOR_FOLDER" in condition(log)[1]
