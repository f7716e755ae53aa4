"""Shares of origin over HTTP: those that the state machine saw, the same as a verifier reckons from the bundle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from clients.cli.views import show_tree
from ledger.errors import TooLarge
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import verify_bundle
from service.storage.read_subjects import SubjectFound, find_subjects
from service.storage.schema import migrate
from service.usecases.origins import read_lot_graph
from tests.service.api.harness import Desk, serving, settle_in
from tests.support.server import downgrade, dump
from tests.support.world import DEPOT, MINE, MINER, PLANT, SMELTER, TRADER, extract_body, new_lot, quantity, site_body

pytestmark = pytest.mark.usefixtures("engine")

HILL = "site:hill"


@pytest.fixture(scope="module")
def blends(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Ore of two countries, blended in part; the rest of one is measured again afterwards."""
    with serving(tmp_path_factory.mktemp("origins"), limits={"origin_lots": 24}) as desk:
        settle_in(desk)
        desk.do(MINER, "site", site_body(HILL, "mine", MINER) | {"country": "RW", "subdivision": "RW-02"})
        desk.extract(new_lot("pit", quantity("100", "2", {"Ta2O5": "30", "Nb2O5": "10"})))
        hill = new_lot("hill", quantity("100", "2", {"Ta2O5": "30"}))
        desk.do(MINER, "extract", extract_body(hill, time=desk.now, site=HILL))
        for lot, measured in (
            ("pit", quantity("99", "1", {"Ta2O5": "30"})),
            ("hill", {"mass": "100"}),
        ):
            desk.dispatch(MINER, TRADER, lot)
            desk.receive(TRADER, DEPOT, {lot: measured})
        desk.transform(TRADER, {"pit": "49.5", "hill": "49"}, new_lot("blend", quantity("98")), process="blend")
        desk.dispatch(TRADER, SMELTER, "pit", "blend")
        rest = quantity("49", "0", {"Ta2O5": "30.5", "Nb2O5": "10.1"})
        desk.receive(SMELTER, PLANT, {"pit": rest, "blend": quantity("98")})
        powder = [new_lot(f"powder:{n}", quantity("5", "0", {"Ta2O5": "30", "Nb2O5": "1"})) for n in range(9)]
        smelted: dict[str, Any] = {"process": "smelt", "site": PLANT, "model": "mass_balance"}
        desk.transform(SMELTER, {"blend": "49", "pit": "24.5"}, *powder, **smelted)
        smelted = smelted | {"model": "segregated"}
        metal = [new_lot(f"metal:{n}", quantity("1", "0", {"Ta": "99.9"})) for n in range(9)]
        for n, lot in enumerate(metal):
            desk.transform(
                SMELTER, {f"powder:{n}": "4", "pit": str(n + 1)[:1]} if n < 4 else {f"powder:{n}": "4"}, lot, **smelted
            )
        yield desk


def origins_of(desk: Desk, lot: str, **params: Any) -> dict[str, Any]:
    answer = desk.get(f"/v1/lots/{lot}/provenance", SMELTER, **params)
    assert answer.status_code == 200, answer.text
    origins: dict[str, Any] = answer.json()["origins"]
    return origins


def by_name(shares: list[dict[str, Any]], name: str) -> dict[str, Fraction]:
    return {one[name]: Fraction(one["fraction"]) for one in shares}


def test_shares_are_of_the_quality_that_each_input_had_then(blends: Desk) -> None:
    origins = origins_of(blends, "blend")
    assert (origins["model"], origins["weakest"], origins["upgrades"]) == ("segregated", "blend", [])
    assert (origins["basis"], origins["supports_origin"]) == ("physical", True)
    (tantalum,) = origins["elements"]
    assert tantalum["element"] == "Ta"
    # 49.5 kg with 1 % water against 49 kg with 2 %, both of 30 %; what was measured later does not count
    pit = Fraction(49_005, 49_005 + 48_020)
    assert by_name(tantalum["sites"], "site") == {MINE: pit, HILL: 1 - pit}
    assert by_name(tantalum["countries"], "code") == {"CD": pit, "RW": 1 - pit}
    assert by_name(tantalum["subdivisions"], "code") == {"CD-NK": pit, "RW-02": 1 - pit}
    assert by_name(tantalum["facilities"], "site") == {DEPOT: 1}
    assert tantalum["uncovered"] == {"share": "0", "fraction": "0/1"}
    assert tantalum["exact"]
    assert tantalum["sites"][0]["share"] == "50.507601"
    assert (tantalum["countries"][0]["low"], tantalum["countries"][0]["high"]) == ("", "")


def test_a_metal_that_only_one_input_holds(blends: Desk) -> None:
    niobium = origins_of(blends, "powder:0")["elements"][0]
    # the blend was assayed for tantalum alone: all niobium came with the pit's own ore, measured again
    assert niobium["element"] == "Nb"
    assert by_name(niobium["sites"], "site") == {MINE: 1}
    assert by_name(niobium["facilities"], "site") == {PLANT: 1}


def test_a_lot_without_an_assay_is_shared_by_dry_mass(blends: Desk) -> None:
    for lot in ("left", "right"):
        blends.extract(new_lot(lot, quantity("10", "0", {})))
    blends.hand_over(MINER, TRADER, DEPOT, "left", "right")
    blends.transform(TRADER, {"left": "1", "right": "3"}, new_lot("both", quantity("4", "0", {})), process="merge")
    answer = blends.get("/v1/lots/both/provenance", TRADER).json()
    (dry,) = answer["origins"]["elements"]
    assert (dry["element"], by_name(dry["sites"], "site")) == ("", {MINE: 1})


def test_mass_balance_on_the_way_and_an_upgrade_after_it(blends: Desk) -> None:
    origins = origins_of(blends, "metal:0")
    assert (origins["model"], origins["weakest"], origins["upgrades"]) == ("mass_balance", "powder:0", ["metal:0"])
    assert (origins["basis"], origins["supports_origin"]) == ("account", False)


def test_ranges_on_request(blends: Desk) -> None:
    share = origins_of(blends, "blend", intervals="true")["elements"][0]["countries"][0]
    assert (share["code"], share["low"], share["share"], share["high"]) == ("CD", "48.830722", "50.507601", "52.18448")


def test_a_mined_lot_comes_from_its_mine_wherever_it_is_now(blends: Desk) -> None:
    origins = origins_of(blends, "hill")
    assert (origins["model"], origins["weakest"]) == ("identity_preserved", None)
    assert by_name(origins["elements"][0]["sites"], "site") == {HILL: 1}
    assert origins["elements"][0]["facilities"] == []
    down = blends.get("/v1/lots/hill/provenance", SMELTER, direction="down").json()
    assert down["origins"] is None


def test_a_verifier_reckons_the_same_from_the_bundle(blends: Desk) -> None:
    trust = TrustPolicy(logs=(TrustedLog(blends.service.signer.verifier),))
    now = datetime.fromtimestamp(blends.now, UTC)
    for lot in ("blend", "powder:3", "metal:1", "hill"):
        report = verify_bundle(blends.get(f"/v1/lots/{lot}/bundle", SMELTER).content, trust, now)
        assert report.verified
        assert report.lot is not None
        shown = origins_of(blends, lot)
        assert report.lot["model"] == shown["model"]
        for one in shown["elements"]:
            name = one["element"]
            offline = {o["site"]: o["shares"][name] if name else o["dry_mass_share"] for o in report.lot["origins"]}
            assert {site: share for site, share in offline.items() if share != "0"} == {
                share["site"]: share["share"] for share in one["sites"]
            }


def test_more_lots_than_the_limit_have_no_shares(blends: Desk) -> None:
    def graph(lots: list[SubjectFound], limit: int) -> int:
        with blends.service.context.store.reading() as conn:
            return len(read_lot_graph(conn, [lot.num for lot in lots], limit=limit).made)

    with blends.service.context.store.reading() as conn:
        (metal,) = find_subjects(conn, ["metal:0"]).values()
    assert graph([metal], 5) == 3
    with pytest.raises(TooLarge) as caught:
        graph([metal], 4)
    assert caught.value.values == {"what": "lots", "limit": 4}
    blends.extract(*(new_lot(f"crumb:{n}", quantity("1")) for n in range(30)))
    blends.hand_over(MINER, TRADER, DEPOT, *(f"crumb:{n}" for n in range(30)))
    blends.transform(TRADER, {f"crumb:{n}": "1" for n in range(30)}, new_lot("heap", quantity("30")), process="merge")
    answer = blends.get("/v1/lots/heap/provenance", TRADER).json()
    assert (answer["origins"], len(answer["nodes"]), answer["complete"]) == (None, 31, True)


def test_shares_as_people_see_them(blends: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    show_tree(blends.get("/v1/lots/metal:0/provenance", SMELTER, intervals="true").json(), as_json=False)
    shown = capsys.readouterr().out
    assert "Chain of custody: mass_balance, first at powder:0." in shown
    assert "they support no claim of origin" in shown
    assert "metal:0 was made under a stronger model" in shown
    assert "mined in" in shown
    assert "passed" in shown
    show_tree(blends.get("/v1/lots/hill/provenance", SMELTER).json(), as_json=False)
    assert "Chain of custody: identity_preserved." in capsys.readouterr().out


def test_an_older_database_arrives_at_the_same_rows(blends: Desk) -> None:
    store = blends.service.context.store
    before = dump(store, ("edges", "lot_origins"))
    assert any(row[5] == '{"Nb2O5":"10","Ta2O5":"30"}' for row in before["edges"]), "one grade measured, one kept"
    downgrade(store, "0004")
    migrate(store)
    assert dump(store, ("edges", "lot_origins")) == before
