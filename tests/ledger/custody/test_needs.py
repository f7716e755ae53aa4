"""What the rules will look up is named before they run: of one record, and of many."""

from __future__ import annotations

from ledger.custody.state import Names, Needs, gather_names, needs
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from tests.support.world import MINER, World, chain_world, extract_body, honest_world, new_lot


def records_of(world: World) -> list[Record]:
    return [parse_record(parse_entry(entry)[1]) for entry in world.log]


def names_of(*records: Record) -> Names:
    found = Names([], [], [], [])
    for record in records:
        gather_names(found, record)
    return found


def test_many_need_what_each_of_them_needs() -> None:
    records = records_of(chain_world())
    assert len({record.type for record in records}) == 7
    each = [names_of(record) for record in records]
    assert [Needs(*map(set, names)) for names in each] == [needs(record) for record in records]
    together = Needs(*[{name for names in each for name in names[at]} for at in range(4)])
    assert needs(*records) == together
    assert needs(*records[:2]) != together


def test_nothing_needs_nothing() -> None:
    assert needs() == Needs(set(), set(), set(), set())


def test_the_same_record_names_the_same_in_the_same_order() -> None:
    world = honest_world()
    record = world.sign(MINER, "extract", extract_body(new_lot("lot:b"), new_lot("lot:a"))).record
    subjects = names_of(record).subjects
    assert subjects[-2:] == ["lot:b", "lot:a"]
    assert names_of(parse_record(record.jws)) == names_of(record)
    other = world.sign(MINER, "extract", extract_body(new_lot("lot:a"), new_lot("lot:b"))).record
    assert names_of(other).subjects == [*subjects[:-2], "lot:a", "lot:b"]
