"""The file of signed checkpoints: durable lines, torn ones cut off, damage refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.storage.checkpoints import CheckpointFile, CheckpointFileError, FollowedFile


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    file = CheckpointFile(tmp_path / "signed-checkpoints")
    file.create()
    file.open()
    return file


def reopened(file: CheckpointFile) -> str | None:
    file.close()
    other = CheckpointFile(file.path)
    other.open()
    other.close()
    return other.newest


def test_newest_line_is_found_again(file: CheckpointFile) -> None:
    assert reopened(file) is None
    file.open()
    for note in ("first\n\n— é", "second\n"):
        file.append(note)
        assert file.newest == note
    assert reopened(file) == "second\n"


def test_file_is_for_its_owner_only(file: CheckpointFile) -> None:
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b'"', b'"thi', b'"third"'])
def test_torn_line_is_cut_off(file: CheckpointFile, torn: bytes) -> None:
    file.append("first")
    file.append("second")
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + torn)
    assert reopened(file) == "second"
    assert file.path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"nonsense\n", b"12\n", b"\n", b"\xff\n"])
def test_damaged_line_is_refused(file: CheckpointFile, line: bytes) -> None:
    file.append("first")
    file.path.write_bytes(file.path.read_bytes() + line)
    with pytest.raises(CheckpointFileError, match="damaged"):
        file.open()


def test_missing_file_is_refused(file: CheckpointFile) -> None:
    file.path.unlink()
    with pytest.raises(CheckpointFileError, match="missing"):
        file.open()


def test_append_to_a_closed_file_is_refused(file: CheckpointFile) -> None:
    file.close()
    with pytest.raises(CheckpointFileError, match="not open"):
        file.append("first")


def test_grown_file_is_replaced_by_its_newest_line(file: CheckpointFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.storage.checkpoints.MAX_BYTES", 40)
    notes = [f"checkpoint {number}" for number in range(20)]
    for note in notes:
        file.append(note)
        assert file.path.stat().st_size <= 40
        other = CheckpointFile(file.path)
        other.open()
        assert other.newest == note
        other.close()
    assert os.listdir(file.path.parent) == ["signed-checkpoints"]


def test_short_write_is_an_error_and_a_torn_line(file: CheckpointFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.append("first")
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    with pytest.raises(OSError, match="disk full"):
        file.append("second")
    monkeypatch.undo()
    assert reopened(file) == "first"


def test_begin_keeps_the_old_file(file: CheckpointFile) -> None:
    file.append("first")
    file.begin("second")
    assert reopened(file) == "second"
    assert file.path.with_name("signed-checkpoints.old").read_bytes() == b'"first"\n'
    file.path.unlink()
    file.begin("third")
    assert reopened(file) == "third"


def note(size: int) -> str:
    return f"origin\n{size}\nroot\n\n— signature\n"


def test_newest_is_the_largest_whoever_wrote_last(file: CheckpointFile) -> None:
    """A process that was stopped between its commit and its line writes it when it goes on."""
    for size in (5, 20, 12):
        file.append(note(size))
    file.path.write_bytes(b"12\nnonsense\n" + file.path.read_bytes())
    file.open()
    assert (file.newest, file.last) == (note(20), note(12))


def test_a_file_that_was_replaced_is_opened_again(file: CheckpointFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.append(note(1))
    other = CheckpointFile(file.path)
    other.open()
    monkeypatch.setattr("service.storage.checkpoints.MAX_BYTES", 100)
    for size in (2, 3, 4):
        other.append(note(size))
    assert not other.path.read_text().startswith('"origin\\n1')
    file.append(note(5))
    assert reopened(file) == note(5)
    other.append(note(4))  # a stopped process goes on; the file is full
    assert reopened(other) == note(5)
    assert other.path.read_bytes().count(b"\n") == 2


def test_nothing_is_written_without_leave(tmp_path: Path) -> None:
    def refuse() -> None:
        raise PermissionError("not now")

    file = CheckpointFile(tmp_path / "signed-checkpoints", allow=refuse)
    file.create()
    file.open()
    with pytest.raises(PermissionError, match="not now"):
        file.append(note(1))
    assert file.path.read_bytes() == b""


def test_who_follows_adds_what_is_larger_and_cuts_nothing(file: CheckpointFile) -> None:
    follower = FollowedFile(file.path)
    follower.open()
    for size in (7, 7, 3, 8):
        follower.append(note(size))
    assert file.path.read_bytes().count(b"\n") == 2
    torn = file.path.read_bytes() + b'"origin'
    file.path.write_bytes(torn)
    follower.open()
    assert follower.newest == note(8)
    follower.append(note(9))
    assert file.path.read_bytes() == torn, "somebody is just writing"
