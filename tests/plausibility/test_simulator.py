"""The simulated month repeats, holds together, and a fraud changes what it says and nothing before it."""

from __future__ import annotations

import statistics

import pytest

from ledger.encoding import parse_time
from ledger.rules.plausibility.observations import LotObservation, ParticipantObservation, SiteObservation
from plausibility.dice import Dice
from plausibility.frauds import PATTERNS
from plausibility.observe import NOT_FILED, observe
from plausibility.simulator import simulate

HONEST = simulate("a month")
SEEN = dict(observe(HONEST))


def test_same_seed_same_world() -> None:
    assert simulate("a month") == HONEST
    assert dict(observe(simulate("a month"))) == SEEN
    assert dict(observe(simulate("another month"))) != SEEN


def test_honest_world_accuses_nobody() -> None:
    assert (HONEST.bent, HONEST.cases, HONEST.involved) == ({}, {}, set())


def test_ids_are_unique_and_every_kind_is_there() -> None:
    assert len(SEEN) == len(HONEST.lots) + len(HONEST.sites) + len(HONEST.actors)
    kinds = [type(one) for one in SEEN.values()]
    assert kinds.count(SiteObservation) == 42
    assert kinds.count(ParticipantObservation) == 21
    segments = {one.segment for one in SEEN.values() if isinstance(one, LotObservation)}
    assert segments == {
        "coltan.mine", "cassiterite.mine", "coltan.export", "cassiterite.export", "tin.industrial",
        "cobalt.industrial", "tantalum.smelted", "tin.smelted", "cobalt.refined", "gold.recycled",
    }  # fmt: skip


def test_digger_brings_about_three_hundred_grams_a_day() -> None:
    rates = [lot.mass // (lot.worker_days or 1) for lot in HONEST.lots if lot.segment == "coltan.mine"]
    assert 200_000 < statistics.median(rates) < 340_000


def test_things_happen_in_order() -> None:
    for one in SEEN.values():
        for hop in one.hops or () if not isinstance(one, SiteObservation) else ():
            assert parse_time(hop.departed) < parse_time(hop.arrived)
        for record in one.records or ():
            assert parse_time(record.happened) < parse_time(record.logged)


def test_metal_is_conserved_by_honest_plants() -> None:
    for lot in HONEST.lots:
        if lot.conversion is not None:
            assert 0 < lot.conversion[1] < lot.conversion[0]


@pytest.mark.parametrize("name", PATTERNS)
def test_fraud_bends_its_own_and_leaves_the_rest(name: str) -> None:
    world = simulate("a month", [name])
    assert set(world.bent) == {name}
    assert set().union(*world.cases[name]) == world.bent[name]
    assert world.bent[name] < world.eligible[name]
    assert not world.bent[name] & world.involved
    seen = dict(observe(world))
    filed = dict(observe(simulate("a month", [name])))
    assert seen == filed
    plain = {one.id: one for one in (*HONEST.sites, *HONEST.lots, *HONEST.actors.values())}
    now = {one.id: one for one in (*world.sites, *world.lots, *world.actors.values())}
    for subject in world.bent[name] & plain.keys():
        assert now[subject] != plain[subject]
    mined = {lot.id for site in HONEST.sites for lot in site.lots if site.rate}
    dealt = {lot.id for actor in world.involved for lot in world.actors[actor].held}
    assert len(mined - world.bent[name] - dealt) > 20
    for subject in mined - world.bent[name] - dealt:
        assert now[subject] == plain[subject]


def test_much_is_never_filed() -> None:
    mined = [one for one in SEEN.values() if isinstance(one, LotObservation) and one.segment.endswith(".mine")]
    with_traces = sum(one.traces is not None for one in mined)
    assert 0 < with_traces < len(mined) // 2
    assert NOT_FILED["traces"] == 800


def test_dice_are_as_fair_as_they_say() -> None:
    dice = Dice("fair")
    draws = [dice.normal() for _ in range(20_000)]
    assert abs(statistics.fmean(draws)) < 20_000
    assert abs(statistics.pstdev(draws) - 1_000_000) < 20_000
    assert max(map(abs, draws)) <= 3_500_000
    assert abs(statistics.fmean(dice.about(500, 100_000) for _ in range(5_000)) - 500) < 3
    assert sorted({dice.between(1, 3) for _ in range(99)}) == [1, 2, 3]
    assert dice.some("abcde", 9) == list("abcde")
    assert 250 < sum(dice.chance(300) for _ in range(1_000)) < 350
    assert dice.offset(0) == 0
    assert [Dice("fair").pick("abc") for _ in range(3)] == [Dice("fair").pick("abc")] * 3
