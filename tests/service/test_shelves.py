"""Where files are put: a folder and a bucket, and what they say when they cannot be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.adapters.shelves import BucketShelf, FolderShelf, Shelf, ShelfError, make_shelf
from service.config import Settings, SettingsError


def test_places(tmp_path: Path, credentials: None) -> None:
    def place(text: str, **more: Any) -> Shelf | None:
        return make_shelf(Settings(publish=text, **more))

    assert place("") is None
    folder, bucket = place(str(tmp_path)), place("s3://bucket/a/b/", publish_endpoint="http://127.0.0.1:1")
    assert isinstance(folder, FolderShelf)
    assert (folder.name, folder.read("nothing")) == (str(tmp_path), None)
    assert isinstance(bucket, BucketShelf)
    assert bucket.name == "s3://bucket/a/b"
    for bad in ("s3://", "https://bucket/a", "s3://bucket?x=1"):
        with pytest.raises(SettingsError, match="LODELINE_PUBLISH"):
            place(bad)


def test_a_folder_is_written_beside_another_process(tmp_path: Path) -> None:
    others = tmp_path / ".checkpoint.1.new"
    others.write_bytes(b"half of it")
    FolderShelf(tmp_path).write("checkpoint", b"whole", media="", cache="")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "checkpoint": b"whole",
        others.name: b"half of it",
    }


def test_a_place_that_fails_says_which(tmp_path: Path, s3: str, credentials: None) -> None:
    (tmp_path / "file").write_text("no folder")
    shelves: list[Shelf] = [FolderShelf(tmp_path / "file"), BucketShelf("nobody-made-it", endpoint=s3)]
    for shelf in shelves:
        with pytest.raises(ShelfError, match="cannot be written"):
            shelf.write("checkpoint", b"", media="", cache="")
    with pytest.raises(ShelfError, match="nobody-made-it cannot be read"):
        shelves[1].read("checkpoint")
    with pytest.raises(ShelfError, match="cannot be read"):
        shelves[0].read("checkpoint")
