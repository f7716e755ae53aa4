"""Real processes: start-up of `verify`, the witness as a server, shell completion, an exported log by folder."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clients.sdk.store import PinnedLog, Store
from ledger.log.note import format_vkey
from tests.clients.test_witness import HTTP, LOG, note, request, verifiers
from tests.support.evidence import LOG_SIGNER, sealed
from tests.support.world import DEPOT, MINER, ORIGIN, TRADER, honest_world, new_lot, quantity

LODELINE = [sys.executable, "-m", "clients.cli.main"]
VKEY = format_vkey(LOG_SIGNER.verifier)


CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith("COV")
}  # time and imports are our own


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run([*LODELINE, *words], capture_output=True, text=True, env={**CLEAN, **env}, timeout=60)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merged lot with about 200 records behind it."""
    world = honest_world()
    lots = [f"lot:{n}" for n in range(62)]
    for lot in lots:
        world.extract(new_lot(lot))
        world.hand_over(MINER, TRADER, DEPOT, lot)
    out = new_lot("lot:all", quantity(str(40 * len(lots))))
    world.transform(TRADER, dict.fromkeys(lots, "40"), out, process="merge")
    path = tmp_path_factory.mktemp("bundle") / "all.bundle.json"
    path.write_bytes(sealed(world, "lot:all"))
    return path


def seconds_of_children() -> float:
    """Processor time of the processes that have ended: other work on the machine does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_verify_of_200_records_takes_less_than_a_second(bundle: Path) -> None:
    took = [9.9]
    while min(took) >= 1.0 and len(took) <= 10:  # other tests share the cores: the best of ten counts
        start = seconds_of_children()
        done = run("verify", str(bundle), "--log-key", VKEY, "--at", "2100-01-01")
        took.append(seconds_of_children() - start)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "verified" in done.stdout
    assert min(took) < 1.0, took


def test_verify_needs_nothing_but_the_ledger(bundle: Path, tmp_path: Path) -> None:
    """What an auditor's installation may lack, and what would cost start-up time, is not imported."""
    program = (
        "import sys\n"
        "from clients.cli.main import app\n"
        f"sys.argv = ['lodeline', 'verify', {str(bundle)!r}, '--at', '2100-01-01']\n"
        "try:\n    app()\nexcept SystemExit as done:\n    code = done.code\n"
        "names = {'httpx', 'openpyxl', 'sqlite3', 'asyncio', 'service', 'fastapi', 'molmass', 'multiprocessing'}\n"
        "print('imported', sorted(names & set(sys.modules)), code)\n"
    )
    Store(tmp_path).write_pin(PinnedLog(ORIGIN, VKEY))
    env = {**CLEAN, "LODELINE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout.splitlines()[-1] in ("imported [] 0", "imported ['molmass'] 0"), done.stdout + done.stderr


def test_exit_codes_of_verify(bundle: Path, tmp_path: Path) -> None:
    other = format_vkey(LOG.verifier)
    assert run("verify", str(bundle), "--log-key", other).returncode == 1
    assert run("verify", str(tmp_path / "none"), "--log-key", VKEY).returncode == 2
    assert run("verify").returncode == 2
    policy = tmp_path / "policy.txt"
    policy.write_text(f"log {VKEY}\nquorum none\n")
    assert run("verify", str(bundle), "--trust", str(policy), "--at", "2100-01-01").returncode == 0
    policy.write_text(f"log {VKEY}\n")
    done = run("verify", str(bundle), "--trust", str(policy))
    assert (done.returncode, "quorum" in done.stderr) == (2, True)
    done = run("verify", str(bundle), "--log-key", "ledger.example/log+1a2b3c4d+AZ...")
    assert (done.returncode, "is not the key of a log" in done.stderr.replace("\n", " ")) == (2, True)


def test_a_witness_that_is_killed_remembers(tmp_path: Path) -> None:
    made = run("witness", "keygen", "witness.example/w1", "--state", str(tmp_path))
    assert made.returncode == 0
    serve = [
        "witness",
        "serve",
        "--state",
        str(tmp_path),
        "--log",
        format_vkey(LOG.verifier),
        "--listen",
        "127.0.0.1:0",
    ]
    for old, new in ((0, 3), (3, 9)):
        with subprocess.Popen([*LODELINE, *serve], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().rpartition(" at ")[2].strip()
            answer = HTTP.post(url, content=request(old, new))
            os.kill(server.pid, signal.SIGKILL)
        assert answer.status_code == 200, answer.text
        assert len(answer.text.splitlines()) == 1
        assert note(new).partition("\n")[0] == LOG.name
        assert len(verifiers()) == 2
    with subprocess.Popen([*LODELINE, *serve], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().rpartition(" at ")[2].strip()
        assert HTTP.post(url, content=request(0, 5)).status_code == 409
        server.send_signal(signal.SIGINT)
        assert server.stdout.read() == "stopped\n"
        assert server.wait(10) == 0


def test_shell_completion_knows_commands_and_options() -> None:
    env = {"_LODELINE_COMPLETE": "complete_bash", "COMP_WORDS": "lodeline lot pro", "COMP_CWORD": "2"}
    program = "from clients.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **env})
    assert done.stdout.split() == ["provenance"]
    env |= {"COMP_WORDS": "lodeline ", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **env})
    assert {"verify", "audit", "queue", "witness"} <= set(done.stdout.split())
