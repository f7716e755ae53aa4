"""The log as files in a folder or a bucket: complete behind every checkpoint, whatever crashes, and nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import httpx
import orjson
import pytest

from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource, Source, UrlSource
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.log.checkpoint import open_checkpoint
from ledger.log.tiles import list_tiles, tile_path
from service.adapters.shelves import BucketShelf, FolderShelf, Shelf, ShelfError
from service.bootstrap import Service
from service.metrics import Metrics
from service.storage.sql import execute
from service.usecases.publish import Published, PublishRefused, publish
from service.usecases.submit import Submission
from service.workers.publisher import Publisher
from tests.support.server import SIGNER, candidates, new_service
from tests.support.world import MINER, ORIGIN, POLICY, World, extract_body, honest_world, new_lot

pytestmark = pytest.mark.usefixtures("engine")

VERIFIER = SIGNER.verifier
LONG = 700


def long_world(entries: str) -> World:
    world = honest_world(POLICY | {"entries": entries})
    while len(world.log) < LONG:
        world.do(MINER, "extract", extract_body(new_lot(f"lot:{len(world.log)}"), time=world.now))
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return long_world("public")


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    made = new_service(tmp_path / "state", world)
    yield made
    made.close()


def fill(service: Service, world: World, past: int) -> None:
    book = service.open_log()
    book.submit([Submission(candidates(world, service, book.head.size, past))], world.now * 1000)


Place = tuple[Shelf, Callable[[], Source]]


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where it is published, and how a stranger reads it there."""
    if request.param == "folder":
        return FolderShelf(tmp_path / "www"), lambda: FolderSource(tmp_path / "www")
    request.getfixturevalue("credentials")
    url = request.getfixturevalue("s3")
    bucket = f"log-{abs(hash(tmp_path))}"
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket=bucket, ACL="public-read")
    return BucketShelf(bucket, "mine/log", endpoint=url), lambda: UrlSource(f"{url}/{bucket}/mine/log")


def audited(source: Source, world: World) -> int:
    """The size of a published log that passes the audit of a stranger."""
    trust = TrustPolicy(logs=(TrustedLog(VERIFIER),))
    report = run_audit(source, trust, now=datetime.fromtimestamp(world.now + 3600, UTC), workers=0)
    assert report.verified, report
    assert report.checkpoint is not None
    return report.checkpoint.size


def size_of(shelf: Shelf) -> int:
    return open_checkpoint(shelf.read("checkpoint") or b"", ORIGIN, [VERIFIER]).size


def test_every_published_size_passes_an_audit(service: Service, world: World, place: Place) -> None:
    shelf, open_source = place
    for size in (1, 40, 256, 300, LONG):
        if size > 1:
            fill(service, world, size)
        done = publish(service.store, VERIFIER, shelf)
        assert done.size == size
        assert done.files > 0
        assert audited(open_source(), world) == size
        assert publish(service.store, VERIFIER, shelf) == Published(size, size, 0)
    # Partial tiles of every size that was published are still there (C2SP tlog-tiles).
    for size in (40, 300):
        for level, n, width in list_tiles(0, size):
            assert shelf.read(tile_path(level, n, width)) is not None, (size, level, n, width)
    assert shelf.read("tile/0/000.p/41") is None
    about = orjson.loads(shelf.read("lodeline.json") or b"")
    assert about["origin"] == ORIGIN


def test_a_bucket_answers_with_types_and_ages(
    service: Service, world: World, s3: str, credentials: None, tmp_path: Path
) -> None:
    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="ages")
    fill(service, world, 300)
    publish(service.store, VERIFIER, BucketShelf("ages", endpoint=s3))
    forever, day = "public, max-age=31536000, immutable", "public, max-age=86400, immutable"
    for path, media, cache in (
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        ("tile/0/000", "application/octet-stream", forever),
        ("tile/entries/000", "application/octet-stream", forever),
        ("tile/0/001.p/44", "application/octet-stream", day),
        ("tile/entries/001.p/44", "application/octet-stream", day),
        ("lodeline.json", "application/json", "public, max-age=86400, immutable"),
        ("published.json", "application/json", "no-store"),
    ):
        told = client.head_object(Bucket="ages", Key=path)
        assert (told["ContentType"], told["CacheControl"]) == (media, cache), path
    assert client.get_object(Bucket="ages", Key="tile/0/000")["Body"].read() == service_tile(service)


def service_tile(service: Service) -> bytes:
    with service.store.reading() as conn:
        found: bytes = execute(conn, "SELECT hashes FROM tiles WHERE level = 0 AND n = 0").scalar_one()
    return found


def test_entries_of_members_stay_at_home(tmp_path: Path) -> None:
    world = long_world("members")
    service = new_service(tmp_path / "state", world)
    fill(service, world, LONG)
    publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))
    assert size_of(FolderShelf(tmp_path / "www")) == LONG
    assert (tmp_path / "www" / "tile" / "0" / "000").exists()
    assert not (tmp_path / "www" / "tile" / "entries").exists()
    assert orjson.loads((tmp_path / "www" / "published.json").read_bytes())["entries"] == 0
    service.close()


def test_bundles_follow_when_a_place_had_only_hashes(service: Service, world: World, tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "www")
    fill(service, world, 300)
    publish(service.store, VERIFIER, shelf)
    told = orjson.loads(shelf.read("published.json") or b"")
    shelf.write("published.json", orjson.dumps(told | {"entries": 0}), media="", cache="")
    for path in (tmp_path / "www" / "tile" / "entries").rglob("*"):
        if path.is_file():
            path.unlink()
    assert publish(service.store, VERIFIER, shelf).files == 2
    assert audited(FolderSource(tmp_path / "www"), world) == 300


class Flaky:
    """Writes until it has been asked `most` times; the last fails before or after its effect."""

    parallel = 1

    def __init__(self, shelf: Shelf, most: int, *, applied: bool) -> None:
        self.name, self._shelf, self._left, self._applied = "flaky", shelf, most, applied
        self.written: list[str] = []

    def read(self, path: str) -> bytes | None:
        return self._shelf.read(path)

    def write(self, path: str, data: bytes, *, media: str, cache: str) -> None:
        self._left -= 1
        if self._left >= 0 or self._applied:
            self._shelf.write(path, data, media=media, cache=cache)
            self.written.append(path)
        if self._left < 0:
            raise ShelfError("The disk is full.")


@pytest.mark.parametrize("applied", [False, True])
def test_whatever_write_fails_a_reader_finds_a_whole_log(
    service: Service, world: World, tmp_path: Path, applied: bool
) -> None:
    fill(service, world, 300)
    first = FolderShelf(tmp_path / "first")
    publish(service.store, VERIFIER, first, step=256)
    before = {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()}
    fill(service, world, LONG)
    all_files = publish(service.store, VERIFIER, FolderShelf(tmp_path / "all")).files
    for most in range(all_files):
        folder = tmp_path / f"{most}-{applied}"
        for path, content in before.items():
            FolderShelf(folder).write(str(path.relative_to(tmp_path / "first")), content, media="", cache="")
        flaky = Flaky(FolderShelf(folder), most, applied=applied)
        try:
            publish(service.store, VERIFIER, flaky, step=256)
        except ShelfError:
            size = size_of(FolderShelf(folder))
            assert size == (LONG if "checkpoint" in flaky.written else 300)
            for level, n, width in list_tiles(0, size):
                assert (folder / tile_path(level, n, width)).exists()
        publish(service.store, VERIFIER, FolderShelf(folder), step=256)
        assert size_of(FolderShelf(folder)) == LONG
        for level, n, width in list_tiles(0, LONG):
            path = tile_path(level, n, width)
            assert (folder / path).read_bytes() == (tmp_path / "all" / path).read_bytes()
    assert audited(FolderSource(folder), world) == LONG


def test_a_long_upload_goes_on_where_it_stopped(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, LONG)
    flaky = Flaky(FolderShelf(tmp_path / "www"), 4, applied=True)
    with pytest.raises(ShelfError):
        publish(service.store, VERIFIER, flaky, step=256)
    assert flaky.written[:5] == ["tile/0/000", "published.json", "tile/0/001", "published.json", "tile/0/002.p/188"]
    again = Flaky(FolderShelf(tmp_path / "www"), 1000, applied=True)
    publish(service.store, VERIFIER, again, step=256)
    assert again.written[:3] == ["tile/0/002.p/188", "tile/1/000.p/2", "published.json"]
    assert again.written[-1] == "checkpoint"
    assert "tile/0/000" not in again.written


@pytest.mark.parametrize(
    "marker",
    [
        b"torn {",
        b"[]",
        b'{"origin":"other.example","size":600,"root":"00","entries":600}',
        b'{"origin":"%s","size":600,"root":"00","entries":600}' % ORIGIN.encode(),
        b'{"origin":"%s","size":99999,"root":"00","entries":0}' % ORIGIN.encode(),
    ],
)
def test_a_note_that_the_log_does_not_bear_out_is_not_believed(
    service: Service, world: World, tmp_path: Path, marker: bytes
) -> None:
    fill(service, world, LONG)
    FolderShelf(tmp_path / "www").write("published.json", marker, media="", cache="")
    publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))
    assert audited(FolderSource(tmp_path / "www"), world) == LONG


def test_a_place_with_another_history_is_left_alone(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 300)
    shelf = FolderShelf(tmp_path / "www")
    shelf.write("checkpoint", b"something else", media="", cache="")
    with pytest.raises(PublishRefused, match="choose another place"):
        publish(service.store, VERIFIER, shelf)
    assert [path.name for path in (tmp_path / "www").iterdir()] == ["checkpoint"]


def test_cosignatures_that_come_later_are_published(service: Service, world: World, tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "www")
    fill(service, world, 40)
    publish(service.store, VERIFIER, shelf)
    plain = shelf.read("checkpoint") or b""
    line = "— witness.example " + "A" * 40 + "\n"
    with service.store.writing() as conn:
        added = "INSERT INTO cosignatures (size, witness, line, time) VALUES (40, 'witness.example', ?, 0)"
        execute(conn, added, (line,))
    assert publish(service.store, VERIFIER, shelf) == Published(40, 40, 1)
    assert shelf.read("checkpoint") == plain + line.encode()


def gauge(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"lodeline_{name}")


def test_the_worker_publishes_and_says_how_far_behind_it_is(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 40)
    metrics, shelf = Metrics(), FolderShelf(tmp_path / "www")
    leading = False
    worker = Publisher(service.store, shelf, VERIFIER, seconds=0.01, metrics=metrics, leads=lambda: leading)
    assert worker.tick(shelf)
    assert shelf.read("checkpoint") is None
    leading = True
    assert not worker.tick(Flaky(shelf, 0, applied=False))
    assert (gauge(metrics, "publish_behind_entries"), gauge(metrics, "publish_failures_total")) == (40, 1)
    worker.start()
    while not (shelf.read("checkpoint") and gauge(metrics, "publish_behind_entries") == 0):
        assert worker._thread is not None
        worker._thread.join(0.01)
        assert worker._thread.is_alive()
    worker.stop()
    assert size_of(shelf) == 40
    shelf.write("checkpoint", b"something else", media="", cache="")
    assert not worker.tick(shelf)
    assert gauge(metrics, "publish_failures_total") == 2
    service.store.close()
    with service.store.writing() as conn:
        execute(conn, "DROP TABLE head")
    assert not worker.tick(shelf)
    nowhere = Publisher(service.store, None, VERIFIER, seconds=1)
    nowhere.start()
    nowhere.stop()


def test_a_bucket_that_hides_what_it_has_not_is_read_as_well(service: Service, world: World, tmp_path: Path) -> None:
    fill(service, world, 40)
    publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))

    def answer(request: httpx.Request) -> httpx.Response:
        found = tmp_path / "www" / request.url.path.removeprefix("/main/")
        return httpx.Response(200, content=found.read_bytes()) if found.is_file() else httpx.Response(403)

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        assert audited(UrlSource("https://bucket.example/main", http=http), world) == 40


def test_an_empty_database_has_nothing_to_publish(service: Service, tmp_path: Path) -> None:
    with service.store.writing() as conn:
        execute(conn, "DELETE FROM head")
    with pytest.raises(PublishRefused, match="lodeline-server init"):
        publish(service.store, VERIFIER, FolderShelf(tmp_path / "www"))
    assert not (tmp_path / "www").exists()
