"""Audits from files and over HTTP: processes, remembered checkpoints, and logs that are damaged or forked."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import httpx
import pytest

from benchmarks.generate import ORIGIN, START, Generator, write_log
from clients.audit.driver import run_audit
from clients.audit.memory import Memory
from clients.audit.pool import Found, Keyring, Pool, format_keys, in_order
from clients.audit.sources import FolderSource, UrlSource, open_source, read_tile
from clients.sdk.errors import LocalError, Misbehaviour, NotFound, Unreachable
from clients.sdk.transport import Retries
from ledger.custody.topics import Topics, production_month, production_topic, subject_topic
from ledger.entry import format_entry
from ledger.envelope import parse_record
from ledger.errors import TileError
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustPolicy, parse_policy
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import leaf_hash, tree_root
from ledger.log.note import Ed25519Signer
from ledger.log.tiles import ENTRIES, WIDTH
from tests.support.evidence import outcomes

NOW = datetime.fromtimestamp(START + 3600, UTC)
SMALL, LARGE = 300, 1_500  # in this process, and in worker processes


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stages of one log, and a fork of it: other signers after the same beginning would be too honest."""
    base = tmp_path_factory.mktemp("logs")
    for name, count, signers in (("small", SMALL, 20), ("large", LARGE, 20), ("fork", LARGE, 21)):
        (base / name).mkdir()
        write_log(base / name, islice(Generator(signers=signers).records(), count))
    return base


@pytest.fixture
def log(logs: Path, tmp_path: Path) -> Path:
    """A copy of the small log that a test may damage."""
    return Path(shutil.copytree(logs / "small", tmp_path / "log"))


def policy_of(folder: Path) -> TrustPolicy:
    return parse_policy((folder / "policy.txt").read_bytes())


def audit(folder: Path, memory: Memory | None = None, workers: int | None = 0) -> Report:
    return run_audit(FolderSource(folder), policy_of(folder), NOW, memory=memory, workers=workers)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


# ---- whole logs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1, 2, None])
def test_an_honest_log_is_verified_with_any_number_of_processes(logs: Path, workers: int | None) -> None:
    seen: list[tuple[int, int]] = []
    source = FolderSource(logs / "large")
    report = run_audit(
        source, policy_of(logs / "large"), NOW, workers=workers, progress=lambda done, size: seen.append((done, size))
    )
    assert report.verified, report.findings
    assert report.details["records"] == LARGE
    assert seen == [(min(n * WIDTH, LARGE), LARGE) for n in range(1, 7)]
    source.close()


def test_worker_processes_report_what_this_one_reports(logs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(logs / "large", tmp_path / "log"))
    flip(folder / "tile/entries/004", 9_000)
    flip(folder / "tile/0/001", 70)
    reports = [audit(folder, workers=workers).to_json() for workers in (0, 2)]
    assert reports[0] == reports[1]
    assert reports[0]["outcome"] == "refuted"
    assert {one["check"] for one in reports[0]["findings"]} >= {"hashes"}


def test_a_log_below_a_folder_called_log(logs: Path, tmp_path: Path) -> None:
    shutil.copytree(logs / "small", tmp_path / "copy" / "log")
    assert run_audit(FolderSource(tmp_path / "copy"), policy_of(logs / "small"), NOW).verified


def test_the_policy_may_list_several_logs_and_the_caller_want_one(logs: Path) -> None:
    folder = logs / "small"
    assert run_audit(FolderSource(folder), policy_of(folder), NOW, origin=ORIGIN).verified
    other = run_audit(FolderSource(folder), policy_of(folder), NOW, origin="other.example")
    assert outcomes(other)["checkpoint"] == "fail"


# ---- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "position", "check"),
    [
        ("tile/entries/000", 0, "files"),
        ("tile/entries/000", 40_000, "hashes"),
        ("tile/entries/001.p/44", 30_000, "hashes"),
        ("tile/0/000", 8_000, "hashes"),
        ("tile/0/001.p/44", 10, "hashes"),
        ("tile/1/000.p/1", 10, "hashes"),
        ("checkpoint", 40, "checkpoint"),
    ],
)
def test_a_flipped_bit_in_any_kind_of_file(log: Path, path: str, position: int, check: str) -> None:
    assert audit(log).verified
    flip(log / path, position)
    report = audit(log)
    assert outcomes(report)[check] == "fail"
    assert not report.verified


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_a_file_that_is_gone(log: Path, path: str) -> None:
    (log / path).unlink()
    report = audit(log)
    assert outcomes(report)["files"] == "incomplete"
    assert any(one.error.values == {"path": path} or "path" in one.error.values for one in report.findings)


def test_a_checkpoint_that_is_gone_or_nonsense(log: Path) -> None:
    (log / "checkpoint").write_text("nonsense", encoding="utf-8")
    report = audit(log)
    assert outcomes(report)["checkpoint"] == "fail"
    assert report.checkpoint is None
    (log / "checkpoint").unlink()
    with pytest.raises(NotFound):
        audit(log)


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LocalError):
        FolderSource(tmp_path / "nowhere")
    assert isinstance(open_source(str(tmp_path)), FolderSource)
    source = open_source("https://ledger.example")
    assert isinstance(source, UrlSource)
    source.close()


# ---- remembered checkpoints -----------------------------------------------------------------------------------------


def test_a_later_audit_proves_consistency_with_what_is_remembered(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert memory.load(ORIGIN) is None
    first = audit(logs / "small", memory)
    assert first.checks[2].sentence.startswith("No earlier checkpoint")
    later = audit(logs / "large", memory, workers=2)
    assert later.verified
    assert later.checks[2].sentence == "The log extends the checkpoint that you remember."
    found = memory.load(ORIGIN)
    assert found is not None
    assert found[0].size == LARGE
    assert found[1] == (logs / "large" / "checkpoint").read_text(encoding="utf-8")
    again = audit(logs / "large", memory)
    assert again.verified


@pytest.mark.parametrize(("before", "after"), [("large", "fork"), ("small", "fork"), ("large", "small")])
def test_a_log_that_forked_or_shrank_is_refuted_and_not_remembered(
    logs: Path, tmp_path: Path, before: str, after: str
) -> None:
    memory = Memory(tmp_path / "state")
    assert audit(logs / before, memory).verified
    known = memory.load(ORIGIN)
    report = audit(logs / after, memory)
    assert outcomes(report) == {"consistency": "fail"}
    assert memory.load(ORIGIN) == known
    assert audit(logs / after).verified  # by itself it looks honest


def test_tiles_that_are_needed_for_the_proof_and_gone(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert audit(logs / "small", memory).verified
    folder = Path(shutil.copytree(logs / "large", tmp_path / "log"))
    (folder / "tile/0/001").unlink()
    report = audit(folder, memory)
    assert outcomes(report) == {"consistency": "fail", "files": "incomplete"}


def test_an_audit_that_failed_is_not_remembered(log: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    flip(log / "tile/entries/000", 40_000)
    assert not audit(log, memory).verified
    assert memory.load(ORIGIN) is None


def test_a_memory_that_is_broken_is_said_to_be(log: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert audit(log, memory).verified
    memory.path(ORIGIN).write_bytes(b"torn")
    with pytest.raises(LocalError, match="does not hold a checkpoint"):
        audit(log, memory)


# ---- over HTTP ------------------------------------------------------------------------------------------------------


# ---- statements of completeness -------------------------------------------------------------------------------------


def stated(count: int, *, lie: bool = False, root: bytes | None = None) -> str:
    """What the log would sign, at this size, about the month of its first extract and all its participants."""
    made = list(islice(Generator(signers=20).records(), count))
    records = [parse_record(jws) for _, jws in made]
    first = next(record for record in records if record.type == "extract")
    wanted = [production_topic(first.body["site"], production_month(first)), subject_topic(first.iss)]
    topics = Topics.of(wanted)
    for record in records:
        topics.take(record)
    lists = {topic: ids[1:] if lie else ids for topic, ids in topics.lists.items()}
    head = Checkpoint(ORIGIN, count, root or tree_root([leaf_hash(format_entry(*one)) for one in made]))
    signer = Ed25519Signer(ORIGIN, hashlib.sha256(ORIGIN.encode()).digest())
    return sign_completeness(state_lists(head, first.iss, lists), [signer])


@pytest.mark.parametrize("workers", [0, 2])
def test_statements_of_any_age_are_counted_anew(logs: Path, workers: int) -> None:
    def held(*notes: str) -> Report:
        source, policy = FolderSource(logs / "large"), policy_of(logs / "large")
        return run_audit(source, policy, NOW, statements=[(one, {}) for one in notes], workers=workers)

    report = held(stated(SMALL), stated(700), stated(LARGE))
    assert (outcomes(report), report.checks[9].sentence) == (
        {},
        "All 6 lists of 3 statements of completeness are what the entries give.",
    )
    report = held(stated(SMALL), stated(700, lie=True))
    assert outcomes(report) == {"completeness": "fail"}
    assert {one.error.code for one in report.findings} == {"false-statement"}
    report = held(stated(700, root=bytes(32)))
    assert outcomes(report) == {"consistency": "fail"}
    assert outcomes(held(stated(LARGE + 1))) == {"completeness": "incomplete"}


def serve(folder: Path, prefix: str, asked: list[httpx.Request] | None = None) -> httpx.Client:
    """A web server of static files below a prefix."""

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        file = folder / request.url.path.removeprefix(f"{prefix}/")
        if not request.url.path.startswith(f"{prefix}/") or not file.is_file():
            return httpx.Response(404)
        return httpx.Response(200, content=file.read_bytes())

    return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("prefix", ["/log", ""])
def test_a_log_over_http(logs: Path, prefix: str) -> None:
    asked: list[httpx.Request] = []
    http = serve(logs / "large", prefix, asked)
    source = UrlSource("https://ledger.example", http=http, headers=lambda: {"authorization": f"Bearer {len(asked)}"})
    report = run_audit(source, policy_of(logs / "large"), NOW, workers=0)
    assert report.verified, report.findings
    assert asked[0].url.path == "/log/checkpoint"
    tokens = [one.headers["authorization"] for one in asked]
    assert len(tokens) == 2 * 6 + 1 + (1 if prefix else 2) + (2 if prefix else 1), "files, and anchors in vain"
    assert len(set(tokens)) > 1
    source.close()
    http.close()


def test_partial_tiles_that_a_log_has_replaced_by_the_full_one(logs: Path) -> None:
    source = FolderSource(logs / "large")
    small = FolderSource(logs / "small")
    for level in (0, ENTRIES):
        assert read_tile(source, level, 1, 44) == read_tile(small, level, 1, 44)
        with pytest.raises(NotFound):
            read_tile(source, level, 99, 44)
        with pytest.raises(NotFound):
            read_tile(source, level, 99, WIDTH)


def test_a_full_bundle_that_is_none(log: Path) -> None:
    shutil.move(log / "tile/entries/001.p/44", log / "tile/entries/001")
    with pytest.raises(TileError):
        read_tile(FolderSource(log), ENTRIES, 1, 44)


def test_a_server_that_is_down_or_sends_too_much(logs: Path) -> None:
    retries = Retries(attempts=2, sleep=lambda _: None, jitter=lambda: 1.0)
    down = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    with pytest.raises(Unreachable):
        run_audit(UrlSource("https://ledger.example", http=down, retries=retries), policy_of(logs / "small"), NOW)
    flood = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=bytes(2_000_000))))
    with pytest.raises(Misbehaviour):
        run_audit(UrlSource("https://ledger.example", http=flood, retries=retries), policy_of(logs / "small"), NOW)
    down.close()
    flood.close()


# ---- processes ------------------------------------------------------------------------------------------------------


def test_results_come_in_order_and_never_too_many_are_under_way() -> None:
    started: list[int] = []

    def start(number: int) -> Future[int]:
        started.append(number)
        done: Future[int] = Future()
        done.set_result(number * number)
        return done

    ahead: list[int] = []
    results: Iterator[int] = in_order(range(20), start, 4)
    for count, result in enumerate(results, 1):
        assert result == (count - 1) ** 2
        ahead.append(len(started) - count)
    assert ahead[:4] == [0, 1, 3, 3]
    assert started == list(range(20))
    assert list(in_order([], start, 4)) == []


def test_a_keyring_takes_what_is_new_and_keeps_the_rest(tmp_path: Path) -> None:
    first = Generator(signers=12).miners[0].key.public
    second = Generator(signers=12).traders[0].key.public
    lines = [format_keys([key]) for key in (first, second)]
    assert lines[0] == f"{first.alg} {first.kid} {first.raw.hex()}\n".encode()
    file = tmp_path / "keys"
    ring = Keyring()
    assert ring.extend(file, 0) == {}  # it need not be there yet
    file.write_bytes(lines[0])
    assert ring.extend(file, len(lines[0])) == {first.kid: first}
    with file.open("ab") as stream:
        stream.write(lines[1] + b"torn")  # what is not announced yet is not read
    assert ring.extend(file, len(lines[0] + lines[1])) == {first.kid: first, second.kid: second}
    assert len(ring.extend(file, len(lines[0]))) == 2  # an older message that another process was slower to take


def no_chunks() -> Found:
    return [], []


def kill_and_ask(folder: Path) -> None:
    with Pool(1, FolderSource(folder)) as pool:
        assert pool._executor is not None
        for pid in list(pool._executor._processes):
            os.kill(pid, signal.SIGKILL)
        pool.submit(no_chunks, {}).result()


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="killed"):
        kill_and_ask(tmp_path)


def test_other_errors_pass_through_the_pool(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Pool(1, FolderSource(tmp_path)):
        raise KeyboardInterrupt


def test_processes_are_spawned_when_threads_run(logs: Path) -> None:
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert audit(logs / "large", workers=1).verified
    finally:
        stop.set()
        thread.join()
