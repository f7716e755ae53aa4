"""`lodeline-server export`, a static copy of the log in a folder: complete, incremental, never half there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.log.merkle import compute_root, leaf_hash
from ledger.log.note import format_vkey
from ledger.log.tiles import ENTRIES, TileReader, parse_bundle, parse_tile_path
from service.adapters.shelves import FolderShelf
from service.bootstrap import Service
from service.storage.sql import execute
from service.usecases.publish import Published, PublishRefused, publish
from service.usecases.submit import Submission
from tests.support.server import SIGNER, candidates, dump, new_service
from tests.support.world import MINER, ORIGIN, World, extract_body, honest_world, new_lot

pytestmark = pytest.mark.usefixtures("engine")


def long_world(records: int) -> World:
    world = honest_world()
    while len(world.log) < records:
        world.do(MINER, "extract", extract_body(new_lot(f"lot:{len(world.log)}"), time=world.now))
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return long_world(600)


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    yield service
    service.close()


def fill(service: Service, world: World, past: int) -> None:
    book = service.open_log()
    book.submit([Submission(candidates(world, service, book.head.size, past))], world.now * 1000)


def export(service: Service, folder: Path, *, entries: bool = True, **more: Any) -> Published:
    return publish(service.store, SIGNER.verifier, FolderShelf(folder), entries=entries, **more)


def check_copy(folder: Path, world: World, size: int) -> None:
    """Everything a stranger needs, from the files alone."""
    about = orjson.loads((folder / "lodeline.json").read_bytes())
    assert about == {"origin": ORIGIN, "vkey": format_vkey(SIGNER.verifier)}
    checkpoint = open_checkpoint((folder / "checkpoint").read_bytes(), ORIGIN, [SIGNER.verifier])
    assert checkpoint.size == size
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    widest: dict[tuple[int, int], tuple[int, bytes]] = {}
    for name, content in files.items():
        if name.startswith("tile/"):
            level, n, width = parse_tile_path(name)
            if width > widest.get((level, n), (0, b""))[0]:
                widest[level, n] = (width, content)
    entries = [entry for n in range(-(-size // 256)) for entry in parse_bundle(*reversed(widest[-1, n]))]
    assert [entry.split(b" ")[1] for entry in entries] == [entry.split(b" ")[1] for entry in world.log[:size]]
    tiles = {tile: content for tile, (_, content) in widest.items() if tile[0] >= 0}
    assert compute_root(size, TileReader(tiles)) == checkpoint.root
    assert tiles[0, 0][:32] == leaf_hash(entries[0])
    assert not [name for name in files if name.endswith(".new")]


def test_export_grows_with_the_log(service: Service, world: World, tmp_path: Path) -> None:
    folder, before = tmp_path / "copy", 0
    for size in (100, 256, 257, 257, 600):
        fill(service, world, size)
        done = export(service, folder)
        assert (done.before, done.size) == (before, size)
        check_copy(folder, world, size)
        before = size


def test_export_tells_how_far_it_is(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 600)
    seen: list[tuple[int, int]] = []
    done = export(service, tmp_path / "copy", step=256, progress=lambda *at: seen.append(at))
    assert seen == [(done, 1200) for done in (256, 512, 600, 856, 1112, 1200)], "hashes, then entries"
    assert done.files == 9, "three tiles of leaves, one above, three bundles, two others"
    seen.clear()
    assert export(service, tmp_path / "copy", progress=lambda *at: seen.append(at)).files == 0
    assert seen == []


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [20, 256, 300])
def test_a_copy_that_does_not_say_how_far_it_is_goes_on_from_its_checkpoint(
    service: Service, world: World, tmp_path: Path, size: int
) -> None:
    folder = tmp_path / "copy"
    fill(service, world, size)
    export(service, folder)
    (folder / "published.json").unlink()
    assert export(service, folder) == Published(size, size, 0)
    shutil.copytree(folder, tmp_path / "hashes")
    for n in range(size // 256):
        (folder / f"tile/entries/00{n}").write_bytes(b"left alone")
        (folder / f"tile/0/00{n}").write_bytes(b"left alone")
    fill(service, world, 600)
    export(service, folder)
    export(service, tmp_path / "whole")
    for path, content in files_of(tmp_path / "whole").items():
        assert (folder / path).read_bytes() in (content, b"left alone"), path
    alone = {path for path, content in files_of(folder).items() if content == b"left alone"}
    assert len(alone) == 2 * (size // 256)

    shutil.rmtree(tmp_path / "hashes/tile/entries")
    export(service, tmp_path / "hashes")
    check_copy(tmp_path / "hashes", world, 600)


def test_entries_that_were_left_out_follow(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    for size in (300, 600):
        fill(service, world, size)
        export(service, folder, entries=False)
    assert not (folder / "tile/entries").exists()
    assert (folder / "tile/0/002.p/88").stat().st_size == 88 * 32
    assert export(service, folder).files == 3
    check_copy(folder, world, 600)
    paths = (parse_tile_path(name) for name in files_of(folder) if name.startswith("tile/"))
    assert sum(level == ENTRIES for level, _, _ in paths) == 3


def test_partial_tiles_of_published_sizes_stay(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    for size in (100, 200):
        fill(service, world, size)
        export(service, folder)
    names = {path.name for path in (folder / "tile/0/000.p").iterdir()}
    assert names == {"100", "200"}


def test_export_over_something_else_is_refused(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    export(service, folder)
    note = (folder / "checkpoint").read_text()
    for wrong in ("nonsense", note.replace(ORIGIN, "other.example/log"), note[:-10]):
        (folder / "checkpoint").write_text(wrong)
        before = files_of(folder)
        with pytest.raises(PublishRefused, match="choose another place"):
            export(service, folder)
        assert files_of(folder) == before
    (folder / "checkpoint").write_text(note)
    assert export(service, folder).before == 20


def test_a_fork_of_the_log_is_refused(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    fork = sign_checkpoint(Checkpoint(ORIGIN, 10, bytes(32)), [SIGNER])
    FolderShelf(folder).write("checkpoint", fork.encode(), media="", cache="")
    with pytest.raises(PublishRefused, match="something else than an earlier state"):
        export(service, folder)
    assert files_of(folder) == {"checkpoint": fork.encode()}


def test_export_of_an_older_log_is_refused(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    export(service, folder)
    (tmp_path / "other").mkdir()
    younger = new_service(tmp_path / "other", world)
    before = files_of(folder)
    with pytest.raises(PublishRefused, match="has 20 entries of this log, and the database 1: restore the newer"):
        export(younger, folder)
    assert files_of(folder) == before
    younger.close()


def test_export_of_nothing_is_refused(service: Service, tmp_path: Path) -> None:
    with service.store.writing() as conn:
        execute(conn, "DELETE FROM head")
    with pytest.raises(PublishRefused, match="init"):
        export(service, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert dump(service.store, ["head"]) == {"head": []}
