"""The anchors of a published log: complete behind their index, renewed when they are, and cheap when they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import orjson
import pytest

from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource, UrlSource, parse_index
from ledger.evidence.anchor import Finality, format_anchor
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import compute_root, plan_root
from service.adapters.shelves import BucketShelf, FolderShelf, Shelf, ShelfError
from service.bootstrap import Service
from service.storage import anchors as rows
from service.storage.tree import node_reader
from service.usecases.publish import Published, publish
from tests.service.test_publish import Flaky, fill
from tests.support.anchors import TIME, anchor_of, head_of
from tests.support.server import SIGNER, new_service
from tests.support.world import MINER, ORIGIN, POLICY, World, extract_body, honest_world, new_lot

pytestmark = pytest.mark.usefixtures("engine")

VERIFIER = SIGNER.verifier
SIZE = 17
MINED = Finality("mined", "finalized", 1, TIME)
FINAL = Finality("final", "finalized", 70, TIME + 900)


@pytest.fixture(scope="module")
def world() -> World:
    world = honest_world(POLICY | {"entries": "public"})
    while len(world.log) < SIZE:
        world.do(MINER, "extract", extract_body(new_lot(f"lot:{len(world.log)}"), time=world.now))
    return world


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    made = new_service(tmp_path / "state", world)
    fill(made, world, SIZE)
    yield made
    made.close()


def root_of(service: Service, size: int) -> bytes:
    with service.store.reading() as conn:
        return compute_root(size, node_reader(conn, plan_root(size), SIZE))


def write(service: Service, sink: str, size: int, **columns: Any) -> None:
    """An anchor as its sink leaves it: queued, or with these columns."""
    root = root_of(service, size)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), [SIGNER])
    with service.store.writing() as conn:
        rows.enqueue(conn, sink, size, root=root, note=note, now=1)
        if columns:
            rows.update_anchor(conn, sink, size, **columns)


def evidence_of(service: Service, world: World, size: int, finality: Finality = MINED, root: bytes = b"") -> str:
    head = head_of(size, root or root_of(service, size), time=world.now + 60)
    return format_anchor(anchor_of(head, ORIGIN, finality=finality)).decode()


def mined(service: Service, world: World, size: int, **columns: Any) -> None:
    told = {"state": "mined", "evidence_block": size, "evidence_hash": f"0x{size}"}
    write(service, "ethereum", size, **{**told, "evidence": evidence_of(service, world, size), **columns})


class Counting:
    """A shelf that notes what is read and written."""

    parallel = 1

    def __init__(self, shelf: Shelf) -> None:
        self.name, self._shelf = shelf.name, shelf
        self.read_paths: list[str] = []
        self.written: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.read_paths.append(path)
        return self._shelf.read(path)

    def write(self, path: str, data: bytes, *, media: str, cache: str) -> None:
        self.written.append(path)
        self._shelf.write(path, data, media=media, cache=cache)


def look(service: Service, folder: Path) -> list[str]:
    """What one look writes, in order."""
    shelf = Counting(FolderShelf(folder))
    done = publish(service.store, VERIFIER, shelf)
    assert done.files == sum(path != "published.json" for path in shelf.written)
    return shelf.written


def index_of(folder: Path) -> list[tuple[str, int, str]]:
    found = orjson.loads((folder / "anchors/index.json").read_bytes())["anchors"]
    return [(one["sink"], one["size"], one["state"]) for one in found]


def test_evidence_then_the_index_and_nothing_twice(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "www"
    assert "anchors/index.json" not in look(service, folder)
    assert look(service, folder) == []
    for size in (5, 9, SIZE):
        write(service, "file", size, state="final")
        mined(service, world, size)
    write(service, "file", 12)
    write(service, "ethereum", 12, state="sent")
    sizes = (SIZE, 9, 5)
    evidence = [f"anchors/{name}" for n in sizes for name in (f"ethereum/{n}.anchor.json", f"file/{n}.checkpoint")]
    assert look(service, folder) == [*evidence, "anchors/index.json", "published.json"]
    assert index_of(folder) == [
        (sink, n, state) for n in sizes for sink, state in (("ethereum", "mined"), ("file", "final"))
    ]
    assert (folder / "anchors/file/9.checkpoint").read_text().startswith(f"{ORIGIN}\n9\n")
    assert len(parse_index((folder / "anchors/index.json").read_bytes())) == 6
    assert look(service, folder) == []
    write(service, "ethereum", 12, state="failed")
    assert look(service, folder) == [], "nothing to show has changed"


def test_anchors_of_a_larger_log_wait_for_its_checkpoint(service: Service, world: World, tmp_path: Path) -> None:
    write(service, "file", 9, state="final")
    with service.store.writing() as conn:
        rows.enqueue(conn, "file", SIZE + 1, root=bytes(32), note="of a larger log", now=1)
        rows.update_anchor(conn, "file", SIZE + 1, state="final")
    written = look(service, tmp_path / "www")
    assert written[-3:] == ["anchors/file/9.checkpoint", "anchors/index.json", "published.json"]
    assert written.index("checkpoint") < written.index("anchors/file/9.checkpoint")
    assert index_of(tmp_path / "www") == [("file", 9, "final")]


def test_many_anchors_are_read_page_by_page(
    service: Service, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.usecases.publish.PAGE", 2)
    for size in range(1, 6):
        write(service, "file", size, state="final")
        mined(service, world, size)
    publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))
    assert [(n, sink) for sink, n, _ in index_of(tmp_path / "www")] == [
        (n, sink) for n in range(5, 0, -1) for sink in ("ethereum", "file")
    ]


def test_a_look_with_nothing_to_do_reads_two_files(service: Service, world: World, tmp_path: Path) -> None:
    for size in range(1, SIZE):
        mined(service, world, size)
    publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))
    shelf = Counting(FolderShelf(tmp_path / "www"))
    assert publish(service.store, VERIFIER, shelf) == Published(SIZE, SIZE, 0)
    assert (shelf.read_paths, shelf.written) == (["checkpoint", "published.json"], [])


def test_better_evidence_is_published_again(service: Service, world: World, tmp_path: Path) -> None:
    folder, path = tmp_path / "www", "anchors/ethereum/9.anchor.json"
    mined(service, world, 5)
    mined(service, world, 9)
    look(service, folder)
    first = (folder / path).read_bytes()

    mined(service, world, 9, state="final")
    assert look(service, folder) == ["anchors/index.json", "published.json"], "the same evidence of another state"
    assert index_of(folder) == [("ethereum", 9, "final"), ("ethereum", 5, "mined")]

    final = evidence_of(service, world, 9, FINAL)
    mined(service, world, 9, state="final", evidence=final, evidence_hash="0xa")
    assert look(service, folder) == [path, "anchors/index.json", "published.json"], "of another block"
    assert (folder / path).read_bytes() == final.encode() != first
    mined(service, world, 9, state="final", evidence=final, evidence_hash="0xa", evidence_final=True)
    assert look(service, folder) == ["published.json"]
    assert look(service, folder) == []


def test_an_anchor_that_the_chain_took_back_leaves_the_index(service: Service, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "www"
    mined(service, world, 9)
    look(service, folder)
    mined(service, world, 9, state="queued", evidence="", evidence_block=None, evidence_hash="")
    assert look(service, folder) == ["anchors/index.json", "published.json"]
    assert (folder / "anchors/index.json").read_bytes() == b'{"anchors":[]}'
    assert look(service, folder) == []


@pytest.mark.parametrize(
    "index",
    [
        b"torn {",
        b"[]",
        b'{"anchors":[1]}',
        b'{"anchors":[{"sink":"ethereum","size":9,"state":"mined"}]}',  # as exports wrote it that knew no digests
    ],
)
def test_an_index_that_says_nothing_is_written_anew(
    service: Service, world: World, tmp_path: Path, index: bytes
) -> None:
    mined(service, world, 9)
    FolderShelf(tmp_path / "www").write("anchors/index.json", index, media="", cache="")
    assert look(service, tmp_path / "www")[-3:] == [
        "anchors/ethereum/9.anchor.json",
        "anchors/index.json",
        "published.json",
    ]
    assert index_of(tmp_path / "www") == [("ethereum", 9, "mined")]


@pytest.mark.parametrize("applied", [False, True])
def test_whatever_write_fails_the_index_names_nothing_that_is_absent(
    service: Service, world: World, tmp_path: Path, applied: bool
) -> None:
    def made(folder: Path) -> FolderShelf:
        publish(service.store, VERIFIER, FolderShelf(folder))
        return FolderShelf(folder)

    mined(service, world, 5)
    shelves = [made(tmp_path / str(most)) for most in range(4)]
    mined(service, world, 5, state="final", evidence=evidence_of(service, world, 5, FINAL))
    mined(service, world, 9)
    wanted = made(tmp_path / "all")
    for most, shelf in enumerate(shelves):
        with pytest.raises(ShelfError):
            publish(service.store, VERIFIER, Flaky(shelf, most, applied=applied))
        for listed in parse_index(shelf.read("anchors/index.json") or b""):
            assert shelf.read(listed.path) is not None
        assert audit(FolderSource(Path(shelf.name)), world).verified
        publish(service.store, VERIFIER, shelf)
        for path in ("anchors/index.json", "anchors/ethereum/5.anchor.json", "anchors/ethereum/9.anchor.json"):
            assert shelf.read(path) == wanted.read(path)
        assert publish(service.store, VERIFIER, shelf).files == 0


# ---- read by a stranger ---------------------------------------------------------------------------------------------


def audit(source: FolderSource | UrlSource, world: World) -> Report:
    trust = TrustPolicy(logs=(TrustedLog(VERIFIER),))
    return run_audit(source, trust, now=datetime.fromtimestamp(world.now + 3600, UTC), workers=0)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Address of a web server that shows the folder `www` and nothing else."""
    (tmp_path / "www").mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www"))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["folder", "web", "web below /log", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Shelf, Callable[[], FolderSource | UrlSource]]:
    if request.param == "folder":
        return FolderShelf(tmp_path / "www"), lambda: FolderSource(tmp_path / "www")
    if request.param.startswith("web"):
        shown, folder = request.getfixturevalue("web"), "www/log" if request.param.endswith("/log") else "www"
        return FolderShelf(tmp_path / folder), lambda: UrlSource(shown)
    request.getfixturevalue("credentials")
    url = request.getfixturevalue("s3")
    bucket = f"anchors-{abs(hash(tmp_path))}"
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket=bucket, ACL="public-read")
    return BucketShelf(bucket, "mine/log", endpoint=url), lambda: UrlSource(f"{url}/{bucket}/mine/log")


def test_an_audit_of_what_is_published_checks_its_anchors(
    service: Service, world: World, place: tuple[Shelf, Callable[[], FolderSource | UrlSource]]
) -> None:
    shelf, open_source = place
    publish(service.store, VERIFIER, shelf)
    assert "publishes no evidence of anchors" in audit(open_source(), world).checks[-1].sentence
    mined(service, world, 9)
    write(service, "file", 5, state="final")
    assert publish(service.store, VERIFIER, shelf) == Published(SIZE, SIZE, 3)
    report = audit(open_source(), world)
    assert report.verified
    assert [(one["size"], one["state"]) for one in report.details["anchors"]] == [(9, "mined")]
    assert report.checks[-1].sentence.endswith("The log extends 1 signed checkpoints that were kept outside it.")

    final = evidence_of(service, world, 9, FINAL)
    mined(service, world, 9, state="final", evidence=final, evidence_final=True)
    publish(service.store, VERIFIER, shelf)
    (found,) = audit(open_source(), world).details["anchors"]
    assert (found["size"], found["state"]) == (9, "final")

    honest = shelf.read("anchors/ethereum/9.anchor.json") or b""
    false = evidence_of(service, world, 9, root=b"\x07" * 32).encode()
    for content, outcome in ((false, "refuted"), (honest[:-1], "incomplete"), (honest, "verified")):
        shelf.write("anchors/ethereum/9.anchor.json", content, media="", cache="")
        assert audit(open_source(), world).outcome == outcome
    forged = sign_checkpoint(Checkpoint(ORIGIN, 5, b"\x07" * 32), [SIGNER])
    shelf.write("anchors/file/5.checkpoint", forged.encode(), media="", cache="")
    report = audit(open_source(), world)
    assert [(one.check, one.error.code) for one in report.findings] == [("anchors", "equivocation")]


def test_what_may_still_change_is_not_kept_by_caches(
    service: Service, world: World, s3: str, credentials: None
) -> None:
    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="anchor-ages")
    mined(service, world, 5, state="final", evidence_final=True)
    mined(service, world, 9, state="final")
    write(service, "file", 9, state="final")
    publish(service.store, VERIFIER, BucketShelf("anchor-ages", endpoint=s3))
    second, day = "public, max-age=1", "public, max-age=86400, immutable"
    for path, media, cache in (
        ("index.json", "application/json", second),
        ("ethereum/9.anchor.json", "application/json", second),
        ("ethereum/5.anchor.json", "application/json", day),
        ("file/9.checkpoint", "text/plain; charset=utf-8", day),
    ):
        told = client.head_object(Bucket="anchor-ages", Key=f"anchors/{path}")
        assert (told["ContentType"], told["CacheControl"]) == (media, cache), path
