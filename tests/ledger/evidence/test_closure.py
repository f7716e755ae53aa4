"""Which records a bundle needs: all that the replay looks up, and nothing of strangers."""

from __future__ import annotations

import pytest

from ledger.custody.replay import parents_of, upstream
from ledger.errors import TooLarge, UnknownSubject
from ledger.evidence import closure as closures
from ledger.evidence.closure import begun_lots, collect_closure, demand_topics
from ledger.evidence.verify import verify_bundle
from tests.support.evidence import POLICY, LogReader, later, lists_of, sealed
from tests.support.mines import COOPERATIVE, FAR, NEIGHBOUR, correct, mine_in, mining_world
from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    PLANT,
    REGISTRAR,
    SMELTER,
    TRADER,
    World,
    chain_world,
    extract_body,
    honest_world,
    new_lot,
    site_body,
)


def incident(world: World, issuer: str, subject: str) -> str:
    body = {
        "about": [{"subject": subject, "record": world.state.subjects[subject].head}],
        "category": "child_labour",
        "severity": 2,
        "status": "open",
    }
    return world.do(issuer, "incident", body)


def extract_elsewhere(world: World, site: str = "site:mine-2", lot: str = "lot:9") -> str:
    """The same miner at another mine of its own."""
    world.register(site, "mine", MINER)
    return world.do(MINER, "extract", extract_body(new_lot(lot), time=world.now, site=site))


def shape(world: World, lot: str) -> list[tuple[str, str]]:
    reader = LogReader(world.log)
    return [(reader.records[i].type, reader.records[i].iss) for i in collect_closure(lot, ORIGIN, reader).indexes]


def test_a_mined_lot_needs_its_mine_and_its_miner() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    extract_elsewhere(world)
    assert shape(world, "lot:1") == [
        ("genesis", REGISTRAR),
        ("participant", REGISTRAR),
        ("site", MINER),
        ("extract", MINER),
    ]


def test_a_lot_needs_the_records_of_all_lots_upstream_of_it() -> None:
    world = chain_world()
    reader = LogReader(world.log)
    found = collect_closure("lot:5", ORIGIN, reader)
    assert found.lots == {"lot:1", "lot:2", "lot:3", "lot:4", "lot:5"}
    absent = [reader.records[i].body["id"] for i in range(len(world.log)) if i not in found.indexes]
    assert absent == [AUDITOR, BUYER, AUTHORITY]
    upper = collect_closure("lot:4", ORIGIN, reader)
    assert upper.lots == {"lot:1", "lot:2", "lot:3", "lot:4"}
    assert found.indexes == upper.indexes  # a lot's own bundle shows what became of it


def test_a_lot_downstream_or_beside_is_left_out() -> None:
    world = chain_world()
    extract_elsewhere(world)
    beside = len(world.log) - 1
    reader = LogReader(world.log)
    assert beside not in collect_closure("lot:5", ORIGIN, reader).indexes
    assert collect_closure("lot:1", ORIGIN, reader).lots == {"lot:1"}


def test_statements_about_lots_sites_and_handlers_belong_to_it() -> None:
    world = chain_world()
    for subject in ("lot:1", MINE, DEPOT, PLANT, SMELTER, TRADER):
        incident(world, AUDITOR, subject)
    reader = LogReader(world.log)
    found = collect_closure("lot:5", ORIGIN, reader).indexes
    assert [reader.records[i].type for i in found[-6:]] == ["incident"] * 6
    assert ("participant", REGISTRAR) in shape(world, "lot:5")
    assert any(reader.records[i].body.get("id") == AUDITOR for i in found)


def test_statements_about_those_who_only_made_statements_do_not() -> None:
    world = chain_world()
    incident(world, AUDITOR, "lot:1")
    about_auditor = incident(world, AUTHORITY, AUDITOR)
    about_registrar = incident(world, AUTHORITY, REGISTRAR)
    reader = LogReader(world.log)
    ids = {reader.records[i].id for i in collect_closure("lot:5", ORIGIN, reader).indexes}
    assert about_auditor not in ids
    assert about_registrar not in ids


def test_a_statement_about_a_stranger_as_well_brings_the_stranger_not_its_lots() -> None:
    world = chain_world()
    extract_elsewhere(world)
    heads = {one: world.state.subjects[one].head for one in ("lot:5", "lot:9", BUYER)}
    body = {
        "about": [{"subject": one, "record": head} for one, head in heads.items()],
        "category": "fraud",
        "severity": 1,
        "status": "open",
    }
    world.do(AUDITOR, "incident", body)
    reader = LogReader(world.log)
    found = collect_closure("lot:5", ORIGIN, reader)
    ids = {reader.records[i].id for i in found.indexes}
    assert heads[BUYER] in ids
    assert heads["lot:9"] not in ids
    assert "lot:9" not in found.lots


@pytest.mark.parametrize("name", ["lot:none", ORIGIN])
def test_only_lots_sites_and_participants_have_bundles(name: str) -> None:
    with pytest.raises(UnknownSubject) as refused:
        collect_closure(name, ORIGIN, LogReader(chain_world().log))
    assert refused.value.values == {"subject": name}


def test_a_lot_with_more_records_than_a_bundle_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = LogReader(chain_world().log)
    count = len(collect_closure("lot:5", ORIGIN, reader).indexes)
    monkeypatch.setattr(closures, "MAX_ENTRIES", count)
    assert len(collect_closure("lot:5", ORIGIN, reader).indexes) == count
    monkeypatch.setattr(closures, "MAX_ENTRIES", count - 1)
    with pytest.raises(TooLarge) as refused:
        collect_closure("lot:5", ORIGIN, reader)
    assert refused.value.values["limit"] == count - 1


# ---- what mines are measured by -------------------------------------------------------------------------------------


def lots_extracted(world: World, subject: str) -> set[str]:
    records = collect_closure(subject, ORIGIN, LogReader(world.log)).records.values()
    return {lot["id"] for record in records if record.type == "extract" for lot in record.body["lots"]}


def test_a_mine_is_shown_with_what_it_produced_in_the_months_before() -> None:
    world = mining_world()
    assert lots_extracted(world, "lot:a") == {"lot:mid", "lot:a"}  # 2026-06 back to 2025-12
    assert lots_extracted(world, "lot:b") == {"lot:mid", "lot:a", "lot:b", "lot:beside"}
    assert lots_extracted(world, "lot:c") == {"lot:mid", "lot:a", "lot:b", "lot:beside"}
    mine_in(world, "2025-12", "lot:december")
    assert "lot:december" in lots_extracted(world, "lot:a")
    found = collect_closure("lot:c", ORIGIN, LogReader(world.log))
    assert found.lots == {"lot:a", "lot:b", "lot:c"}, "their lots are not followed"


def test_statuses_of_mines_in_the_same_subdivision_come_with_who_these_are() -> None:
    world = mining_world()
    records = collect_closure("lot:a", ORIGIN, LogReader(world.log)).records.values()
    stated = [r.body["about"][0]["subject"] for r in records if r.type == "attest"]
    assert stated == [MINE, NEIGHBOUR]
    registered = {r.body["id"] for r in records if r.type in ("site", "participant")}
    assert {NEIGHBOUR, COOPERATIVE, MINE, MINER, AUTHORITY} <= registered
    assert FAR not in registered


def test_a_mine_that_is_registered_elsewhere_does_not_leave_its_old_neighbours() -> None:
    world = mining_world()
    world.do(MINER, "site", site_body(MINE, "mine", MINER) | {"subdivision": "CD-SK"}, [MINE])
    topics = collect_closure("lot:a", ORIGIN, LogReader(world.log)).topics
    assert {"status CD-NK", "status CD-SK"} <= set(topics)


def test_what_a_correction_or_a_status_names_comes_with_it() -> None:
    world = mining_world()
    early = mine_in(world, "2024-01", "lot:early")
    moved = {"from": "2026-06-03T00:00:00Z", "to": "2026-06-04T00:00:00Z"}
    correction = correct(world, MINER, "extract", early, "lot:early", period=moved)
    about = [{"subject": one, "record": world.state.subjects[one].head} for one in (NEIGHBOUR, "lot:neighbour")]
    statement = {"status": "red", "effective": "2026-01-01", "act": "Decree 8", "authority": AUTHORITY}
    world.do(AUTHORITY, "attest", {"kind": "site_status", "about": about, "statement": statement})
    found = collect_closure("lot:a", ORIGIN, LogReader(world.log))
    ids = {record.id for record in found.records.values()}
    assert {early, correction, about[1]["record"]} <= ids
    assert found.lists()["production site:mine 2026-06"][-1] == correction
    assert verify_bundle(sealed(world, "lot:a"), POLICY, later(world)).verified


def test_the_lists_of_a_closure_are_those_of_the_whole_log() -> None:
    world = mining_world()
    reader = LogReader(world.log)
    for subject in ("lot:a", "lot:c", "lot:far", MINE, DEPOT, NEIGHBOUR, MINER, TRADER, AUDITOR, REGISTRAR):
        found = collect_closure(subject, ORIGIN, reader)
        assert found.lists() == lists_of(reader.records, found.topics)
        assert list(found.topics) == sorted(found.topics)
        demanded = demand_topics(subject, found.lots, found.records.values())
        assert demanded <= set(found.topics)
        begun = begun_lots(subject, found.lists(), {record.id: record for record in found.records.values()})
        assert begun <= found.lots


def test_upstream_meets_a_lot_once_however_many_ways_lead_to_it() -> None:
    parents: dict[str, tuple[str, ...]] = {"a0": ()}
    for n in range(60):  # 2**60 paths
        parents[f"b{n}"] = parents[f"c{n}"] = (f"a{n}",)
        parents[f"a{n + 1}"] = (f"b{n}", f"c{n}")
    assert len(upstream("a60", parents)) == 181
    assert upstream("z", {"z": ("y",)}) == {"z", "y"}


def test_the_first_record_that_makes_a_lot_counts() -> None:
    records = LogReader(chain_world().log).records
    assert parents_of(records)["lot:4"] == ("lot:1", "lot:2", "lot:3")
    assert parents_of(records + records) == parents_of(records)
    assert parents_of(records)["lot:2"] == ()
