"""What /proc tells of a process and its children."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.processes import Memory, Peak, cpu_seconds, family, memory

WORK = """
import subprocess, sys
held = bytearray(60_000_000)
n = sum(range(6_000_000))
child = subprocess.Popen([sys.executable, "-c", "print(sum(range(6_000_000)), flush=True); input()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
input()
child.communicate(b"\\n")
"""


def test_processor_time_and_memory_of_a_family() -> None:
    command = [sys.executable, "-c", WORK]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        with Peak([process.pid], seconds=0.01) as peak:
            child = int(process.stdout.readline())
        assert family(process.pid) == [process.pid, child]
        alone, together = cpu_seconds(child), cpu_seconds(process.pid)
        assert 0 < alone < together
        held = memory(process.pid)
        assert 60 < held.largest < 120
        assert held.largest < peak.most.largest * 1.01
        assert memory(child).together < held.together
        process.communicate(b"\n")
    assert cpu_seconds(process.pid) == 0.0
    assert memory(process.pid) == Memory(0.0, 0.0)
    assert family(process.pid) == [process.pid]
