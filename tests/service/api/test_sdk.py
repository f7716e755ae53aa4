"""The participants' own client against the service: everything that it calls, with everything that it verifies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.sdk.client import LodelineClient
from clients.sdk.errors import NotAuthorised, NotFound
from ledger.envelope import disclosure_digest
from ledger.errors import StaleHead
from tests.service.api.harness import SECRET, Desk, run_chain, send_concealed, serving, settle_in
from tests.support.world import BUYER, MINE, MINER, ORIGIN, SMELTER, TRADER, dispatch_body, new_lot


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("sdk")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


def client_of(desk: Desk, participant: str, home: Path | None = None) -> LodelineClient:
    return LodelineClient(
        str(desk.client.base_url),
        key=desk.keys[participant],
        participant=participant,
        store=home,
        clock=lambda: desk.now,
    )


def test_reading_with_the_client(desk: Desk) -> None:
    with client_of(desk, SMELTER) as client:
        assert client.origin == ORIGIN
        assert client.check_log().size == len(desk.log)
        assert [lot["id"] for lot in client.lots(status="held")] == ["lot:5"]
        assert client.lot("lot:5")["head"] == desk.state.subjects["lot:5"].head == client.head("lot:5")
        assert client.service_info()["head"] == desk.state.subjects[ORIGIN].head
        assert client.head("lot:never") is None
        assert [one["payload"]["type"] for one in client.history("lot:4")] == [
            "transform", "dispatch", "receive", "transform",
        ]  # fmt: skip
        assert len(client.provenance("lot:5")["edges"]) == 4
        assert client.bundle("lot:5").startswith(b'{"checkpoint"')
        assert MINER in [one["id"] for one in client.participants()]
        assert client.participant(MINER)["roles"] == ["producer"]
        assert client.site(MINE)["operator"] == MINER
        assert next(iter(client.sites()))["id"] == MINE
        record = client.record(desk.state.subjects["lot:5"].head)
        assert "tlog-proof" in client.receipt(record["id"])
        assert list(client.incidents()) == []
        assert "fraud" in [one["id"] for one in client.rule_packs()]


def test_granting_erasing_and_being_refused_with_the_client(desk: Desk, tmp_path: Path) -> None:
    desk.extract(new_lot("lot:sdk"))
    signed = send_concealed(desk, "lot:sdk")
    with client_of(desk, MINER) as miner, client_of(desk, BUYER) as buyer, client_of(desk, TRADER, tmp_path) as trader:
        with pytest.raises(NotFound):
            buyer.lot("lot:sdk")
        grant = miner.grant("lot:sdk", BUYER, seconds=600, disclosures=True)
        assert SECRET in str(buyer.record(signed.id))
        assert [one["jti"] for one in buyer.grants()] == [grant["jti"]]
        with pytest.raises(NotAuthorised):
            buyer.revoke_grant(grant["jti"])
        miner.erase(signed.id, disclosure_digest(signed.disclosures[0]))
        assert buyer.record(signed.id)["erased"] == 1
        miner.erase(signed.id)
        miner.revoke_grant(grant["jti"])
        with pytest.raises(NotFound):
            buyer.record(signed.id)
        stale = desk.sign(
            MINER, "dispatch", dispatch_body(TRADER, "lot:sdk", time=desk.now), prev={"lot:sdk": "0" * 64}
        )
        with pytest.raises(StaleHead) as caught:
            miner.submit_record(stale.text)
        assert caught.value.values["head"] == signed.id
        texts = [
            desk.sign(MINER, "attest", {
                "kind": "weighing",
                "about": [{"subject": "lot:sdk", "record": signed.id}],
                "statement": {"gross": "41.2", "tare": "1.2", "net": str(net), "scale": "SC-7"},
            }).text
            for net in (40, 41)
        ]  # fmt: skip
        done = miner.submit_batch([texts[0], stale.text, texts[1], texts[0]])
        assert done.complete
        assert [(one.accepted is not None, one.again) for one in done.outcomes] == [
            (True, False), (False, False), (True, False), (True, False),
        ]  # fmt: skip
        refused = miner.submit_batch([stale.text, texts[0]], atomic=True)
        assert [one.again for one in refused.outcomes] == [False, True]
        desk.now += 1
        assert trader.check_log().size == len(desk.log) + 2
