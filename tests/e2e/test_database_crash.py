"""PostgreSQL crashes under load, again and again: one service goes on by itself, and nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.test_kill import recent_world
from tests.e2e.test_replicas import Site
from tests.support.postgres import Cluster

CRASHES = 2


def test_the_service_outlives_its_database(tmp_path: Path, cluster: Cluster) -> None:
    site = Site(tmp_path, cluster.url.render_as_string(hide_password=False), recent_world())
    site.servers = [site.start(0)]
    try:
        with site.load():
            for _ in range(CRASHES):
                site.acknowledge()
                cluster.stop("immediate")
                cluster.start()
            site.acknowledge()
        site.check(site.servers[0])
    finally:
        site.end()
    assert any(b'"stopped"' in line for line in site.servers[0].lines)
