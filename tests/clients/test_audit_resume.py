"""An audit that was interrupted goes on where it was, and reports what an uninterrupted one reports, to the byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest

from benchmarks.generate import ORIGIN, START, Generator, write_log
from clients.audit.driver import run_audit
from clients.audit.journal import Journal
from clients.audit.keeper import code_digest
from clients.audit.memory import Memory
from clients.audit.sources import FolderSource
from clients.sdk.errors import LocalError, Unreachable
from ledger.evidence.report import Report
from ledger.evidence.trust import parse_policy

NOW = datetime.fromtimestamp(START + 3600, UTC)
SIZE = 3_000
BUNDLE = 256


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log, the same later and earlier, and two that parted from it: in the first bundle, and in the ninth."""
    base = tmp_path_factory.mktemp("logs")

    def parted(after: int) -> Iterator[tuple[int, bytes]]:
        yield from islice(Generator(signers=20).records(), after)
        yield from islice(Generator(signers=20).records(), after + 1, None)

    for name, count, records in (
        ("log", SIZE, Generator(signers=20).records()),
        ("grown", SIZE + 500, Generator(signers=20).records()),
        ("other", SIZE, Generator(signers=21).records()),
        ("late", SIZE, parted(2_200)),
        ("short", 2_000, Generator(signers=20).records()),
    ):
        (base / name).mkdir()
        write_log(base / name, islice(records, count))
    return base


class Stopped(FolderSource):
    """A log whose bundles stop coming. after: how many; how: what happens then."""

    def __init__(self, folder: Path, after: int, how: BaseException) -> None:
        super().__init__(folder)
        self.after, self.how = after, how

    def read(self, path: str, limit: int) -> bytes:
        kinds = ("tile/entries/",) if isinstance(self.how, KeyboardInterrupt) else ("tile/entries/", "tile/0/")
        if path.startswith(kinds) and int(path.split("/")[2].partition(".")[0]) >= self.after:
            raise self.how
        return super().read(path, limit)


@dataclass
class Run:
    """An audit and what it told."""

    folder: Path
    memory: Memory | None = None
    told: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def audit(self, source: FolderSource | None = None, **more: Any) -> Report:
        policy = parse_policy((self.folder / "policy.txt").read_bytes())
        settings = {"workers": 0, "every": 0.0} | more
        return run_audit(
            source or FolderSource(self.folder), policy, NOW, memory=self.memory, notice=self.told.append,
            progress=lambda done, _: self.seen.append(done), **settings,
        )  # fmt: skip

    def stop(self, after: int = 9, how: type[BaseException] = KeyboardInterrupt, **more: Any) -> None:
        """Interrupted when `after` bundles are read."""
        with pytest.raises(how):
            self.audit(Stopped(self.folder, after, how("stopped")), **more)


def text(report: Report) -> str:
    return json.dumps(report.to_json())


def journal_of(memory: Memory) -> Path:
    return memory.folder_of(ORIGIN)


# ---- going on -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [KeyboardInterrupt, Unreachable])
@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_where_it_was(logs: Path, tmp_path: Path, workers: int, how: type[BaseException]) -> None:
    plain = text(Run(logs / "log").audit())
    memory = Memory(tmp_path)
    first = Run(logs / "log", memory)
    first.stop(how=how, workers=workers, every=1e9)
    done = first.seen[-1]
    assert done % BUNDLE == 0
    assert 0 < done <= 9 * BUNDLE
    assert first.told == [f"{done} entries are done with: run the same command again to go on from there."]
    assert memory.load(ORIGIN) is None
    again = Run(logs / "log", memory)
    assert text(again.audit(workers=workers)) == plain
    assert again.told == [f"Going on after {done} entries that an earlier audit has checked."]
    assert again.seen[0] == done + BUNDLE
    assert again.seen[-1] == SIZE
    assert not journal_of(memory).exists()
    known = memory.load(ORIGIN)
    assert known is not None
    assert known[0].size == SIZE


def test_it_may_be_interrupted_again_and_again(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for bundles in (3, 3, 9, 10):
        Run(logs / "log", memory).stop(bundles, every=0.0 if bundles % 2 else 1e9)
    last = Run(logs / "log", memory)
    assert text(last.audit()) == text(Run(logs / "log").audit())
    assert last.told == ["Going on after 2304 entries that an earlier audit has checked."]
    assert len(last.seen) == 3


def test_a_log_that_has_grown_meanwhile(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    Run(logs / "log", memory).stop()
    grown = Run(logs / "grown", memory)
    assert text(grown.audit()) == text(Run(logs / "grown").audit())
    assert grown.told[0].startswith("Going on after")


def test_all_bundles_done_and_only_the_end_left(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    Run(logs / "log", memory).stop(11, workers=2)
    last = Run(logs / "log", memory)
    assert text(last.audit()) == text(Run(logs / "log").audit())
    assert last.seen == [SIZE]


def test_the_next_audit_begins_where_a_kept_one_ended(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    first = Run(logs / "log", memory)
    report = first.audit(keep=True, every=1e9)
    assert text(report) == text(Run(logs / "log").audit())
    for name, begins in (("log", 11), ("grown", 11), ("grown", 13)):
        later = Run(logs / name, memory)
        found = later.audit(keep=True, every=1e9)
        assert found.verified
        assert found.details == Run(logs / name).audit().details
        assert later.told == [f"Going on after {begins * BUNDLE} entries that an earlier audit has checked."]
        assert later.seen[0] == min((begins + 1) * BUNDLE, SIZE + 500 * (name == "grown"))
    assert journal_of(memory).exists()
    assert Run(logs / "grown", memory).audit().verified  # without `keep` it is the last
    assert not journal_of(memory).exists()
    forked = Memory(tmp_path / "forked")
    assert Run(logs / "log", forked).audit(keep=True).verified
    run = Run(logs / "other", forked)
    assert run.audit(keep=True).outcome == "refuted"
    assert run.told[0].startswith("What an earlier audit saved is not used")


def test_without_a_memory_nothing_is_written(logs: Path, tmp_path: Path) -> None:
    run = Run(logs / "log")
    run.stop()
    assert run.told == []
    assert list(tmp_path.iterdir()) == []


def test_killed_at_any_moment(logs: Path, tmp_path: Path) -> None:
    """A process that is killed between two saves, or within one, leaves what the next can go on from."""
    script = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from tests.clients.test_audit_resume import Run, Memory\n"
        "run = Run(Path(sys.argv[1]), Memory(Path(sys.argv[2])))\n"
        "class Seen(list):\n"
        "    def append(self, done):\n"
        "        if done >= int(sys.argv[3]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "run.seen = Seen()\n"
        "run.audit()\n"
    )
    arguments = [sys.executable, "-c", script, str(logs / "log"), str(tmp_path)]
    for done in (2_304, 2_560):
        found = subprocess.run([*arguments, str(done)], capture_output=True, text=True)
        assert found.returncode == -signal.SIGKILL, found.stderr
    run = Run(logs / "log", Memory(tmp_path))
    assert text(run.audit()) == text(Run(logs / "log").audit())
    assert run.told == ["Going on after 2304 entries that an earlier audit has checked."]


class Slow(SimpleHTTPRequestHandler):
    """Files, the last bundle only when it is let go."""

    asked: ClassVar[threading.Event]
    released: ClassVar[threading.Event]

    def do_GET(self) -> None:
        if "entries/011" in self.path:
            self.asked.set()
            self.released.wait(60)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, type[Slow]]]:
    """A web server of this folder, and its handler."""

    class Handler(Slow):
        asked, released = threading.Event(), threading.Event()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", Handler
        finally:
            Handler.released.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_ctrl_c_on_the_command_line(logs: Path, tmp_path: Path, jobs: str) -> None:
    """Signalled as a terminal does it, workers too: it says how far it came, and shows no traceback."""
    with serving(logs / "log") as (url, handler):
        command = [sys.executable, "-c", "from clients.cli.main import main; main()", "audit", url, "--jobs", jobs]
        command += ["--trust", str(logs / "log/policy.txt"), "--memory", str(tmp_path / "memory"), "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        assert handler.asked.wait(60)
        os.killpg(process.pid, signal.SIGINT)
        handler.released.set()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert out == b""
        assert b"Traceback" not in err
        assert b"run the same command again" in err
        again = subprocess.run(command, capture_output=True, timeout=60)
        assert again.returncode == 0, again.stderr
        assert b"Going on after" in again.stderr
        assert json.loads(again.stdout)["verified"] is True


# ---- findings and missing files -------------------------------------------------------------------------------------


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_findings_are_taken_along(tmp_path: Path) -> None:
    """Broken records, signatures, rules and times: what was found before the interruption is reported after it."""
    folder = tmp_path / "log"
    folder.mkdir()
    made = list(islice(Generator(signers=20).records(), SIZE))
    logged, jws = made[700]
    made[700] = (logged, jws[:-86] + b"A" * 86)
    made[900:900] = [(made[899][0], b"junk"), made[300], (made[899][0], made[880][1])]
    made[2_900] = (made[2_900][0], b"junk")
    write_log(folder, iter(made))
    memory = Memory(tmp_path / "memory")
    plain = Run(folder).audit()
    assert {one.check for one in plain.findings} == {"records", "signatures", "custody", "times"}
    assert {one.outcome.value for one in plain.findings if one.check == "custody"} == {"fail", "incomplete"}
    Run(folder, memory).stop()
    again = Run(folder, memory)
    assert text(again.audit()) == text(plain)
    assert again.told == ["Going on after 2304 entries that an earlier audit has checked."]
    assert not journal_of(memory).exists()


def test_from_a_wrong_hash_on_nothing_is_saved(logs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(logs / "log", tmp_path / "log"))
    flip(folder / "tile/0/005", 70)
    memory = Memory(tmp_path / "memory")
    Run(folder, memory).stop()
    again = Run(folder, memory)
    assert text(again.audit()) == text(Run(folder).audit())
    assert again.told == ["Going on after 256 entries that an earlier audit has checked."]


def test_from_a_missing_file_on_nothing_is_saved(logs: Path, tmp_path: Path) -> None:
    """It may be there the next time, and everything behind it is then judged anew."""
    folder = Path(shutil.copytree(logs / "log", tmp_path / "log"))
    memory = Memory(tmp_path / "memory")
    (folder / "tile/entries/004").unlink()
    Run(folder, memory).stop()
    shutil.copy(logs / "log/tile/entries/004", folder / "tile/entries/004")
    again = Run(folder, memory)
    assert text(again.audit()) == text(Run(logs / "log").audit())
    assert again.told == ["Going on after 256 entries that an earlier audit has checked."]


# ---- saves that are of no use ---------------------------------------------------------------------------------------


def starts_over(run: Run, plain: str, why: str) -> None:
    assert text(run.audit()) == plain
    assert run.told == [f"What an earlier audit saved is not used, this one starts at the first entry: {why}."]
    assert run.seen[0] == BUNDLE


def taken_up(journal: Journal) -> None:
    journal.take_up(journal.read() or {"parts": []})


def test_every_flipped_byte_of_a_save_is_noticed(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory")
    Run(logs / "log", memory).stop()
    kept = Path(shutil.copytree(journal_of(memory), tmp_path / "kept"))
    names = [one.name for one in sorted(kept.iterdir())]
    assert len(names) == 3
    for name in names:
        for position in (0, 20, (kept / name).stat().st_size // 2, -1):
            shutil.rmtree(journal_of(memory), ignore_errors=True)
            shutil.copytree(kept, journal_of(memory))
            flip(journal_of(memory) / name, position)
            with pytest.raises(LocalError):
                taken_up(Journal(journal_of(memory)))
    plain = text(Run(logs / "log").audit())
    shutil.copytree(kept, journal_of(memory), dirs_exist_ok=True)
    flip(journal_of(memory) / names[1], 99)
    starts_over(Run(logs / "log", memory), plain, f"{names[1]} is not what was written")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda saved: saved.update(size=2_048), "leads to another"),
        (lambda saved: saved.update(root=saved["fold"]["rows"][0][0]), ""),
        (lambda saved: saved.update(code="0" * 64), "another version of this program wrote it"),
        (lambda saved: saved.update(form="lodeline-fold/0"), "another version of this program wrote it"),
        (lambda saved: saved.update(origin="other.example"), "it is of another log"),
        (lambda saved: saved.update(questions="0" * 64), "it is of another log"),
        (lambda saved: saved["parts"].append({"name": "../../x", "sha256": ""}), "../../x is not what was written"),
    ],
)
def test_saves_that_do_not_belong_here(logs: Path, tmp_path: Path, change: Any, why: str) -> None:
    memory = Memory(tmp_path)
    Run(logs / "log", memory).stop()
    path = journal_of(memory) / "head.json"
    saved = orjson.loads(path.read_bytes())["saved"]
    assert saved["code"] == code_digest()
    change(saved)
    digest = hashlib.sha256(orjson.dumps(saved)).hexdigest()
    path.write_bytes(orjson.dumps({"saved": saved, "sha256": digest}))
    run = Run(logs / "log", memory)
    assert text(run.audit()) == text(Run(logs / "log").audit())
    assert run.told[0].startswith("What an earlier audit saved is not used")
    assert why in run.told[0]
    assert run.seen[0] == BUNDLE
    assert not journal_of(memory).exists()


def test_a_log_that_forked_meanwhile_is_refuted_by_what_it_signed_before(logs: Path, tmp_path: Path) -> None:
    for name in ("other", "late"):
        memory = Memory(tmp_path / name)
        Run(logs / "log", memory).stop(5)
        run = Run(logs / name, memory)
        report = run.audit()
        assert [one.name for one in report.checks if one.outcome.value == "fail"][:1] == ["consistency"]
        assert [one.error.code for one in report.findings][:1] == ["equivocation"]
        begins = "Going on after" if name == "late" else "What an earlier audit saved is not used"
        assert run.told[0].startswith(begins)


def test_a_log_that_is_shorter_than_what_was_audited(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    Run(logs / "log", memory).stop()
    run = Run(logs / "short", memory)
    report = run.audit()
    assert "fewer entries" in run.told[0]
    assert report.verified


def test_two_audits_at_once_do_not_spoil_each_other(logs: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    other = Journal(journal_of(memory))
    run = Run(logs / "log", memory)
    run.seen = _Meddling(other)
    assert text(run.audit()) == text(Run(logs / "log").audit())
    (told,) = run.told
    assert told.startswith("Another audit of this log saves to")
    assert (journal_of(memory) / "head.json").exists()


class _Meddling(list[int]):
    def __init__(self, other: Journal) -> None:
        super().__init__()
        self.other = other

    def append(self, done: int) -> None:
        if done == 5 * BUNDLE:
            self.other._known = self.other._content()
            self.other.save([b"{}\n"], {})


# ---- little memory --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [0, 100, 1_500])
def test_the_state_may_be_larger_than_memory(logs: Path, tmp_path: Path, held: int) -> None:
    plain = text(Run(logs / "log").audit())
    assert text(Run(logs / "log").audit(held=held, every=1e9)) == plain
    memory = Memory(tmp_path)
    Run(logs / "log", memory).stop(held=held)
    again = Run(logs / "log", memory)
    assert text(again.audit(held=held)) == plain
    assert again.told == ["Going on after 2304 entries that an earlier audit has checked."]


def test_rules_that_look_far_back_see_what_was_written_out(logs: Path, tmp_path: Path) -> None:
    """Every lot is taken twice, at the end of the log: the second extract is refused, however little is in memory."""
    folder = tmp_path / "twice"
    folder.mkdir()
    made = list(islice(Generator(signers=20).records(), 600))
    write_log(folder, iter([*made, *made[-500:]]))
    plain = Run(folder).audit()
    assert plain.outcome == "refuted"
    assert {one.error.code for one in plain.findings} >= {"id-taken", "stale-head"}
    assert text(Run(folder).audit(held=0)) == text(plain)
