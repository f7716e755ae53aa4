"""What the anchor worker asks of its node when there is nothing to do: calls of one tick, counted by the adapter."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.devchain import Devchain
from scripts.toolchain import install
from service.adapters.anchor_keys import KeystoreSigner
from service.config import AnchorSettings
from tests.service.anchors.site import EPOCH, KEY, Log, Site, deploy


def measure() -> int:
    """Calls of an idle tick, on a real node, once everything there is has become final."""
    signer = KeystoreSigner(KEY)
    with Devchain(install(), "--slots-in-an-epoch", str(EPOCH)) as node, TemporaryDirectory() as folder:
        log = Log(Path(folder) / "log")
        with closing(log.service):
            settings = AnchorSettings(fee_cap_gwei=500.0, low_gwei=0.0)
            site = Site(node, log, deploy(node, signer), signer, settings)
            site.check(site.queue())
            asked = site.node.node.calls
            asked.clear()
            assert site.tick() == "idle"
            return sum(asked.values())
