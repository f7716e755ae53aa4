"""What the profiler's stacks say: each counts for the innermost function of the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.profile import attached, read_stacks

STACKS = """\
process 7:"x";main (service/manage.py:10);submit (/a/../service/usecases/submit.py:129);run (sqlalchemy/e.py:5) 30
main (service/manage.py:10);submit (service/usecases/submit.py:129);plan_step (ledger/custody/state.py:80) 20
main (service/manage.py:10);Pool.run (clients/audit/pool.py) 7
_worker (concurrent/futures/thread.py:58) 3
torn
"""


def test_stacks_are_counted_for_our_innermost_function() -> None:
    profile = read_stacks(STACKS.splitlines(keepends=True))
    assert profile.samples == 60
    assert profile.top(3) == [
        ("service/usecases/submit.py: submit", 50.0),
        ("ledger/custody/state.py: plan_step", 100 / 3),
        ("clients/audit/pool.py: Pool.run", 100 * 7 / 60),
    ]
    assert profile.by["outside the project"] == 3
    assert profile.files().top(1) == [("service/usecases/submit.py", 50.0)]


def test_stacks_of_one_thing() -> None:
    profile = read_stacks(STACKS.splitlines(), within="usecases/submit.py")
    assert profile.samples == 50
    assert "outside the project" not in profile.by


def test_a_running_process_is_sampled(tmp_path: Path) -> None:
    out, code = tmp_path / "stacks", "print(flush=True)\ndef work(): sum(range(10**6))\nwhile True: work()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with attached(process.pid, out):
            assert sum(range(30_000_000)) > 0  # meanwhile
        process.kill()
    assert "work (<string>" in out.read_text()
