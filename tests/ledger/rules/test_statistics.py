"""Plausibility by statistics: a flag with its reasons, a pass, or too little to tell; never a fail."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.engine import Finding
from tests.ledger.rules.papers import (
    FLAG,
    LACKING,
    NA,
    PASS,
    Case,
    about,
    judge,
    read_pack,
    status,
)
from tests.support.coltan import chain
from tests.support.story import (
    DEPOT,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    Story,
    point,
    start_story,
)
from tests.support.world import new_lot, quantity

WEIGHED = [f"{38 + (7 * n) % 40 / 10:.1f}" for n in range(16)]
"""Weights as an honest scale shows them."""


def honest(**more: Any) -> Story:
    return chain(bags=WEIGHED, **more)


def daily() -> Story:
    """Two bags a day for a week, all weighed, collected on the last: a pace that tags show."""
    story = start_story()
    lots = []
    for day in range(1, 8):
        names = [f"lot:{day}-{n}" for n in range(2)]
        bags = [new_lot(one, quantity(WEIGHED[2 * day + n - 2]), [f"A{day}{n:04d}"]) for n, one in enumerate(names)]
        story.on(f"2026-03-{day:02d}").extract(MINE_A, *bags, period=(f"2026-03-{day:02d}",) * 2, workers=300)
        lots += names
    story.on("2026-03-08T06:00:00Z").dispatch(MINER, TRADER, MINE_A, DEPOT, *lots)
    story.on("2026-03-08T11:00:00Z").receive(TRADER, DEPOT, dict.fromkeys(lots))
    masses = {one: story.amount(one)["mass"] for one in lots}
    total = f"{sum(map(float, masses.values())):g}"
    story.transform(TRADER, DEPOT, masses, new_lot("lot:export", quantity(total)))
    return story


def smelted(recovery: str = "140") -> Story:
    """An honest chain whose smelter makes metal of the export lot."""
    story = honest()
    held = story.amount("lot:export")["mass"]
    made = new_lot("lot:metal", quantity(recovery, "0", {"Ta": "99.9"}))
    story.transform(SMELTER, PLANT, {"lot:export": held}, made, process="smelt")
    return about("lot:metal", story)


def other(mineral: str, assay: dict[str, str], method: str = "artisanal") -> Story:
    story = start_story()
    lot = new_lot("lot:export", quantity("100", "0", assay)) | {"mineral": mineral}
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method=method)
    return story


def red_neighbour(story: Story) -> None:
    status(MINE_B, "red", "2026-02-25")(story)


CASES: dict[str, Case] = {
    "an honest month": ("STAT.LOT", PASS, honest),
    "2,600 kg in bags of 50.0 kg": ("STAT.LOT", FLAG, lambda: chain(bags=["50.0"] * 52)),
    "a lot of which little is known": ("STAT.LOT", LACKING, lambda: other("cobalt", {"Co": "0.6"}, "large_scale")),
    "copper, of which nothing was learnt": ("STAT.LOT", NA, lambda: other("copper ore", {"Cu": "30"})),
    "metal of a smelter without a past": ("STAT.LOT", LACKING, smelted),
    "a lot of two metals, of which little is known": (
        "STAT.LOT", LACKING, lambda: other("coltan", {"Nb2O5": "10", "Ta2O5": "30"})
    ),
    "a mine with a past": ("STAT.SITE", PASS, honest),
    "2,600 kg where 640 kg are usual": ("STAT.SITE", FLAG, lambda: chain(bags=["50.0"] * 52, before=red_neighbour)),
    "a mine whose grades are not known": ("STAT.SITE", PASS, lambda: honest(assayed=False)),
    "a mine of which little is known": ("STAT.SITE", LACKING, lambda: other("cobalt", {"Co": "0.6"}, "large_scale")),
    "a copper mine": ("STAT.SITE", NA, lambda: other("copper ore", {"Cu": "30"})),
    "a large copper mine": ("STAT.SITE", NA, lambda: other("copper ore", {"Cu": "30"}, "large_scale")),
    "honest traders": ("STAT.PARTY", PASS, honest),
    "a truck that flies": ("STAT.PARTY", FLAG, lambda: honest(before=far_depot, came="2026-04-01T06:20:00Z")),
    "a trader who did nothing": ("STAT.PARTY", LACKING, lambda: about(TRADER, start_story())),
    "only a producer": ("STAT.PARTY", NA, lambda: other("coltan", {"Ta2O5": "30"})),
}  # fmt: skip


def far_depot(story: Story) -> None:
    story.amend_site(DEPOT, location=point("29.3127", "-1.5484"))


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("statistics", CASES[words])


def test_every_rule_of_the_pack_has_a_case() -> None:
    assert {case[0] for case in CASES.values()} == {rule.id for rule in read_pack("statistics").rules}


def flag() -> Finding:
    return judge("statistics", CASES["2,600 kg where 640 kg are usual"])


def test_a_flag_names_the_features_that_drove_it() -> None:
    figures = flag().ruling.figures
    assert figures["score"] >= figures["threshold"]
    assert {"jump", "output", "round_weights"} & set(figures["drivers"])


def test_a_flag_never_becomes_a_fault_with_time() -> None:
    story = chain(bags=["50.0"] * 52)
    story.on("2026-12-01").attest(
        LAB, "footprint", "lot:export", {"kg_co2e_per_kg": "1", "method": "P", "boundary": "g"}
    )
    found = story.finding("STAT.SITE", packs={"statistics": read_pack("statistics")})
    assert (found.ruling.outcome, found.overdue) == (FLAG, False)


def test_tags_of_many_days_show_their_pace() -> None:
    """Seven days of tags: nothing stands out at the mine; of the lot made of them too little is known."""
    assert "lot:export" in judge("statistics", ("STAT.LOT", LACKING, daily)).ruling.sentence


def test_an_empty_plant_is_no_conversion() -> None:
    """A smelter whose input was never assayed is scored without its recovery."""
    story = honest(assayed=False)
    held = story.amount("lot:export")["mass"]
    story.transform(
        SMELTER, PLANT, {"lot:export": held}, new_lot("lot:metal", quantity("140", "0", {})), process="smelt"
    )
    judge("statistics", ("STAT.PARTY", LACKING, lambda: about("lot:metal", story)))
