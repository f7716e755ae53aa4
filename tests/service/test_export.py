"""The static copy of the log: complete, incremental, never half there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import compute_root, leaf_hash
from ledger.log.note import format_vkey
from ledger.log.tiles import TileReader, parse_bundle, parse_tile_path
from service.bootstrap import Service
from service.storage import anchors as rows
from service.storage.sql import execute
from service.usecases.export import ExportRefused, export_log
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
        done = export_log(service.store, SIGNER.verifier, folder)
        assert (done.before, done.size) == (before, size)
        check_copy(folder, world, size)
        before = size


def test_export_tells_how_far_it_is(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 600)
    seen: list[tuple[int, int]] = []
    done = export_log(service.store, SIGNER.verifier, tmp_path / "copy", progress=lambda *at: seen.append(at))
    assert seen == [(number, 7) for number in range(1, 8)], "three bundles, three tiles of leaves, one above"
    assert done.files == 9
    assert export_log(service.store, SIGNER.verifier, tmp_path / "copy").files == 2


def test_partial_tiles_of_published_sizes_stay(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    for size in (100, 200):
        fill(service, world, size)
        export_log(service.store, SIGNER.verifier, folder)
    names = {path.name for path in (folder / "tile/0/000.p").iterdir()}
    assert names == {"100", "200"}


def test_entries_can_be_left_out(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 20)
    export_log(service.store, SIGNER.verifier, tmp_path / "copy", entries=False)
    assert not (tmp_path / "copy/tile/entries").exists()
    assert (tmp_path / "copy/tile/0/000.p/20").stat().st_size == 20 * 32


def test_export_over_something_else_is_refused(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    export_log(service.store, SIGNER.verifier, folder)
    note = (folder / "checkpoint").read_text()
    for wrong in ("nonsense", note.replace(ORIGIN, "other.example/log"), note[:-10]):
        (folder / "checkpoint").write_text(wrong)
        with pytest.raises(ExportRefused, match="empty folder"):
            export_log(service.store, SIGNER.verifier, folder)
        assert (folder / "checkpoint").read_text() == wrong
    (folder / "checkpoint").write_text(note)
    assert export_log(service.store, SIGNER.verifier, folder).before == 20


def test_export_of_an_older_log_is_refused(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    export_log(service.store, SIGNER.verifier, folder)
    (tmp_path / "other").mkdir()
    younger = new_service(tmp_path / "other", world)
    with pytest.raises(ExportRefused):
        export_log(younger.store, SIGNER.verifier, folder)
    younger.close()


def anchor(service: Service, sink: str, size: int, state: str, evidence: str = "") -> None:
    with service.store.writing() as conn:
        rows.enqueue(conn, sink, size, root=bytes(32), note=f"note {size}", now=1)
        rows.update_anchor(conn, sink, size, state=state, evidence=evidence)


def anchors_of(folder: Path) -> dict[str, str]:
    files = [path for path in (folder / "anchors").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder / "anchors")): path.read_text() for path in files}


def test_export_has_the_anchors_and_their_index(
    service: Service, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.usecases.export._PAGE", 2)
    folder = tmp_path / "copy"
    fill(service, world, 20)
    assert export_log(service.store, SIGNER.verifier, folder).files == 4
    assert not (folder / "anchors").exists(), "nothing is anchored"
    for size in (5, 9, 20):
        anchor(service, "file", size, "final")
        anchor(service, "ethereum", size, "mined", f'{{"size":{size}}}')
    anchor(service, "file", 12, "queued")
    anchor(service, "ethereum", 12, "sent")
    anchor(service, "ethereum", 21, "mined", "of a larger log")
    assert export_log(service.store, SIGNER.verifier, folder).files == 2 + 6 + 1
    found = anchors_of(folder)
    index = orjson.loads(found.pop("index.json"))["anchors"]
    sizes = (20, 9, 5)
    assert [(one["size"], one["sink"]) for one in index] == [(n, sink) for n in sizes for sink in ("ethereum", "file")]
    assert found == {f"file/{n}.checkpoint": f"note {n}" for n in sizes} | {
        f"ethereum/{n}.anchor.json": f'{{"size":{n}}}' for n in sizes
    }
    assert export_log(service.store, SIGNER.verifier, folder).files == 2, "nothing is written twice"


def test_an_anchor_that_the_chain_took_back_leaves_the_index(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    fill(service, world, 20)
    anchor(service, "ethereum", 20, "mined", "{}")
    export_log(service.store, SIGNER.verifier, folder)
    with service.store.writing() as conn:
        rows.update_anchor(conn, "ethereum", 20, state="queued", evidence="")
    export_log(service.store, SIGNER.verifier, folder)
    assert anchors_of(folder)["index.json"] == '{"anchors":[]}'


def test_export_of_nothing_is_refused(service: Service, tmp_path: Path) -> None:
    with service.store.writing() as conn:
        execute(conn, "DELETE FROM head")
    with pytest.raises(ExportRefused, match="init"):
        export_log(service.store, SIGNER.verifier, tmp_path / "copy")
    assert dump(service.store, ["head"]) == {"head": []}
