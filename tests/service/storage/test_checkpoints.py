"""The file of signed checkpoints: durable lines, torn ones cut off, damage refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.storage.checkpoints import CheckpointFile, CheckpointFileError


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
