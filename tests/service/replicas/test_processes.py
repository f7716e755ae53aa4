"""Several processes of one host: what is looked at before they start, and what they count together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.config import Settings, SettingsError
from service.processes import check_peer

COUNT = """
import sys
from service.metrics import Metrics
metrics = Metrics()
metrics.shared = sys.argv[1]
metrics.take_overs.inc()
metrics.leads.set(int(sys.argv[2]))
metrics.log_size.set(int(sys.argv[3]))
sys.stdout.buffer.write(metrics.render())
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_this_host_will_do(host: str) -> None:
    check_peer(Settings(peer_host=host))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_another_address_is_a_sentence(host: str) -> None:
    with pytest.raises(SettingsError, match="LODELINE_PEER_HOST must be a name or address of this host"):
        check_peer(Settings(peer_host=host))


def test_processes_of_one_host_count_together(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for leads, size in (("1", "7"), ("0", "9")):
        words = [sys.executable, "-c", COUNT, str(tmp_path), leads, size]
        told = subprocess.run(words, env=environment, capture_output=True, check=True, text=True).stdout
    assert "\nlodeline_take_overs_total 2.0\n" in told
    assert "\nlodeline_leads 1.0\n" in told
    assert "\nlodeline_log_size 9.0\n" in told, "as who said it last"
