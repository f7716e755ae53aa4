"""Which records belong to which topic, and what a correction does to the lists."""

from __future__ import annotations

from collections import Counter

import pytest

from ledger.custody.topics import (
    Topics,
    format_month,
    is_topic,
    moved_by,
    number_of_month,
    production_topic,
    status_topic,
    subject_topic,
)
from ledger.envelope import Record
from tests.support.evidence import LogReader, lists_of
from tests.support.mines import (
    COOPERATIVE,
    FAR,
    NEIGHBOUR,
    attest_status,
    correct,
    mine_in,
    mining_world,
    note_incident,
)
from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    REGISTRAR,
    SMELTER,
    TRADER,
    World,
    chain_world,
    site_body,
)


def records_of(world: World) -> list[Record]:
    return LogReader(world.log).records


def named(world: World, topic: str) -> list[str]:
    """What each record on the list of a topic is: its type, and the lot that it made or the kind that it has."""
    by_id = {record.id: record for record in records_of(world)}
    return [_short(by_id[one]) for one in lists_of(by_id.values(), [topic])[topic]]


def _short(record: Record) -> str:
    body = record.body
    if record.type == "extract":
        return f"extract {body['lots'][0]['id']}"
    if record.type == "attest":
        return f"{body['statement'].get('status', body['kind'])} {body['about'][0]['subject']}"
    return record.type


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("subject did:web:miner.example", True),
        ("subject lot:1 2026-01", False),
        ("subject ", False),
        ("subjects lot:1", False),
        ("status CD-NK", True),
        ("status CD-NK ", False),
        ("status CD", False),
        ("production site:mine 2026-08", True),
        ("production site:mine 2026-13", False),
        ("production site:mine", False),
        ("made site:depot 2026-12", True),
        ("held did:web:trader.example 2026-01", True),
        ("held did:web:trader.example 2026-1", False),
        ("held a\nb 2026-01", False),
        ("", False),
    ],
)
def test_spelling_of_topics(text: str, fits: bool) -> None:
    assert is_topic(text) is fits


def test_months_are_numbers_and_back() -> None:
    assert [format_month(number_of_month("2026-01") - back) for back in (0, 1, 12)] == ["2026-01", "2025-12", "2025-01"]
    assert number_of_month("2026-08-31T00:00:00Z") == number_of_month("2026-08")


def test_every_record_is_on_the_lists_of_the_subjects_that_the_rules_moved_or_were_told_about() -> None:
    world = mining_world()
    reader = LogReader(world.log)
    for i, record in enumerate(reader.records):
        assert moved_by(record) == set(reader.moves[i]), record.type
    subjects = sorted(reader.state.subjects)
    lists = lists_of(reader.records, [subject_topic(one) for one in subjects])
    for one in subjects:
        expected = [
            record.id
            for record, moved, about in zip(reader.records, reader.moves, reader.abouts, strict=True)
            if one in moved or one in about
        ]
        assert list(lists[subject_topic(one)]) == expected, one
    assert len(lists[subject_topic(ORIGIN)]) == len(lists[subject_topic(REGISTRAR)]) == 1


def test_production_is_by_the_month_in_which_the_period_begins() -> None:
    world = mining_world()
    assert named(world, "production site:mine 2026-08") == ["extract lot:b", "extract lot:beside"]
    assert named(world, "production site:mine 2026-07") == []
    assert named(world, f"production {NEIGHBOUR} 2026-08") == ["extract lot:neighbour"]
    assert named(world, "production site:depot 2026-08") == []


def test_statuses_are_by_the_subdivision_of_mines_when_they_were_logged() -> None:
    world = mining_world()
    assert named(world, "status CD-NK") == [f"green {MINE}", f"red {NEIGHBOUR}"]
    assert named(world, "status CD-SK") == [f"red {FAR}"]
    attest_status(world, "yellow", DEPOT)  # no mine
    assert len(named(world, "status CD-NK")) == 2
    world.do(COOPERATIVE, "site", site_body(FAR, "mine", COOPERATIVE), [FAR])
    attest_status(world, "blue", FAR, NEIGHBOUR)
    assert named(world, "status CD-NK")[2:] == [f"blue {FAR}"]
    assert named(world, "status CD-SK") == [f"red {FAR}"]
    world.do(COOPERATIVE, "site", site_body(FAR, "depot", COOPERATIVE), [FAR])
    attest_status(world, "green", FAR)
    assert len(named(world, "status CD-NK")) == 3


def test_other_attestations_about_a_mine_are_no_statuses() -> None:
    world = mining_world()
    about = [{"subject": MINE, "record": world.state.subjects[MINE].head}]
    statement = {"title": "Sourcing"}
    world.do(MINER, "attest", {"kind": "policy", "about": about, "statement": statement})
    assert named(world, "status CD-NK") == [f"green {MINE}", f"red {NEIGHBOUR}"]
    assert len(named(world, f"subject {MINE}")) == 3


def test_a_correction_follows_what_it_corrects() -> None:
    world = mining_world()
    mined = mine_in(world, "2026-08", "lot:x")
    correct(world, MINER, "extract", mined, "lot:x", workers=90)
    red = attest_status(world, "red", MINE)
    correct(world, AUTHORITY, "attest", red, until="2027-01-01T00:00:00Z")
    noted = note_incident(world, "lot:x")
    correct(world, AUDITOR, "incident", noted, source="A letter.")
    assert named(world, "production site:mine 2026-08")[2:] == ["extract lot:x", "correct"]
    assert named(world, "status CD-NK")[2:] == [f"red {MINE}", "correct"]
    assert named(world, "subject lot:x") == ["extract lot:x", "correct", "incident", "correct"]
    assert named(world, f"subject {MINE}")[-2:] == [f"red {MINE}", "correct"]


def test_a_correction_that_moves_a_period_stands_in_both_months() -> None:
    world = mining_world()
    mined = mine_in(world, "2025-01", "lot:x")
    moved = {"from": "2026-08-03T00:00:00Z", "to": "2026-08-04T00:00:00Z"}
    correct(world, MINER, "extract", mined, "lot:x", period=moved)
    assert named(world, "production site:mine 2025-01") == ["extract lot:x", "correct"]
    assert named(world, "production site:mine 2026-08")[2:] == ["correct"]
    elsewhere = mine_in(world, "2025-01", "lot:y", NEIGHBOUR, COOPERATIVE)
    correct(world, COOPERATIVE, "extract", elsewhere, "lot:y", period=moved)
    assert len(named(world, "production site:mine 2026-08")) == 3


def test_lots_come_to_a_participant_once() -> None:
    world = mining_world()
    month = "2026-09"  # of the world's clock
    assert named(world, f"held {TRADER} {month}") == ["dispatch", "transform"]
    assert named(world, f"held {SMELTER} {month}") == ["dispatch"]
    assert named(world, f"held {COOPERATIVE} {month}") == ["extract lot:neighbour", "extract lot:far"]
    assert named(world, f"held {TRADER} 2026-08") == []
    world.do(SMELTER, "receive", {"outcome": "refused", "site": DEPOT, "lots": [{"id": "lot:c"}]}, ["lot:c"])
    world.dispatch(TRADER, SMELTER, "lot:c")
    assert named(world, f"held {SMELTER} {month}") == ["dispatch"]
    assert named(world, f"made {DEPOT} {month}") == ["transform"]


def test_only_lots_whose_records_are_all_there_are_judged_as_new() -> None:
    world = chain_world()
    records = [record for record in records_of(world) if record.type == "dispatch"]
    for lots, expected in ((None, 2), ({"lot:4"}, 1), ((), 0)):
        topics = Topics.of([f"held {TRADER} 2026-09", f"held {SMELTER} 2026-09"], lots)
        counts = Counter(len(topics.take(record)) for record in records)
        assert counts[1] == expected


def test_nothing_is_kept_but_what_is_asked_for() -> None:
    world = mining_world()
    topics = Topics.of([production_topic(MINE, "2026-08"), status_topic("CD-SK")])
    taken = [topics.take(record) for record in records_of(world)]
    assert sum(map(len, taken)) == 3
    assert sorted(topics.lists) == ["production site:mine 2026-08", "status CD-SK"]
    assert [len(ids) for ids in topics.lists.values()] == [2, 1]
