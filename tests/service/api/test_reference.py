"""Reference data over HTTP: what is loaded is public, the files are for members, licensed ones for nobody."""

from __future__ import annotations

import pytest

from service.usecases.reference import load_snapshot
from tests.ledger.rules.reference.files import read
from tests.service.api.harness import STRANGER, Desk
from tests.support.world import TRADER

DATASETS = {"orders": "2025-12-31", "eiti": "2024-01-01", "rmi_active": "2026-02-04"}


@pytest.fixture(scope="module")
def digests(chain: Desk) -> dict[str, str]:
    """Three data sets, loaded into the running service."""
    found = {}
    for dataset, published in DATASETS.items():
        done = load_snapshot(
            chain.service.store, dataset, read(dataset), published=published, source="tests", now=2_000_000_000
        )
        found[dataset] = done.stored.digest
    return found


def test_everybody_sees_what_is_loaded_and_how_old(chain: Desk, digests: dict[str, str]) -> None:
    items = {one["dataset"]: one for one in chain.get("/v1/reference").json()["items"]}
    assert items["orders"]["snapshots"][0]["digest"] == digests["orders"]
    assert (items["orders"]["licence"], items["rmi_active"]["licence"]) == ("public", "licensed")
    assert (items["prices"]["count"], items["prices"]["age"], items["prices"]["stale"]) == (0, None, True)
    (one,) = chain.get("/v1/reference", dataset="orders", snapshots=5).json()["items"]
    assert one == items["orders"]


def test_members_read_the_bytes_that_verdicts_name(chain: Desk, digests: dict[str, str]) -> None:
    path = f"/v1/reference/{digests['orders']}"
    for participant in (TRADER, STRANGER):
        answer = chain.get(path, participant)
        assert (answer.status_code, answer.content) == (200, read("orders"))
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    same = chain.client.get(path, headers={**chain.as_(TRADER), "if-none-match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_nobody_else_and_nothing_licensed(chain: Desk, digests: dict[str, str]) -> None:
    assert chain.get(f"/v1/reference/{digests['orders']}").status_code == 401
    licensed = chain.get(f"/v1/reference/{digests['rmi_active']}", TRADER)
    assert (licensed.status_code, licensed.json()["type"]) == (403, "urn:lodeline:problem:forbidden")
    assert chain.get(f"/v1/reference/{'0' * 64}", TRADER).status_code == 404
    assert chain.get("/v1/reference/nothing", TRADER).status_code == 400


@pytest.mark.parametrize("params", [{"dataset": "ofac"}, {"snapshots": 0}, {"snapshots": 401}, {"set": "orders"}])
def test_question_that_makes_no_sense(chain: Desk, params: dict[str, str]) -> None:
    assert chain.get("/v1/reference", **params).status_code == 400
