"""Fraud at the mine: tags, capacity, spillover, dates moved back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import LotClosed, TagInUse
from ledger.rules.facts import Facts, Refusal
from tests.ledger.rules.papers import (
    FAIL,
    FLAG,
    LACKING,
    NA,
    PASS,
    Case,
    about,
    allocated,
    allocation,
    both,
    inspected,
    judge,
    listed_red,
    move_b,
    neighbour_red,
    one_lot,
    seen,
    status,
    tag_state,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUTHORITY,
    DEPOT,
    MINE_A,
    MINE_B,
    MINER,
    TRADER,
    Story,
    point,
    square,
    start_story,
)
from tests.support.world import new_lot, quantity

# tags ----------------------------------------------------------------------------------------------------------


class RefusedTag(Story):
    """A story in which the custody rules refuse the last record, as they would in a forged bundle."""

    def facts(self, **clocks: Any) -> Facts:
        facts = super().facts(**clocks)
        last = facts.items[facts.lots["lot:export"].made_by.id]
        error = TagInUse(
            "Tag itsci:A00001 is on lot 'lot:a-0', which is still live.", tag="itsci:A00001", lot="lot:a-0"
        )
        return replace(facts, refusals=(Refusal(last, LotClosed("It is closed.", lot="lot:a-0")), Refusal(last, error)))


def refused_tag() -> Story:
    """Somebody shows a bundle in which a tag is on two live lots."""
    return RefusedTag(**vars(chain()))


def as_point(story: Story) -> None:
    story.amend_site(MINE_A, location=point("28.8800", "-1.5500"))


def reused_later() -> Story:
    """The tag of a bag that is used up appears on another bag."""

    def again(story: Story) -> None:
        lot = new_lot("lot:late", quantity("40"), ["A00001"])
        story.extract(MINE_A, lot, period=("2026-04-01", "2026-04-02"))

    return chain(merged=again)


def split_under_one_tag() -> Story:
    found = start_story()
    found.attest(AUTHORITY, "tag_allocation", MINE_A, allocation("A00001", "A00009", MINE_A))
    found.on("2026-03-31").extract(
        MINE_A, new_lot("lot:a-0", quantity("40"), ["A00001"]), period=("2026-03-02", "2026-03-31")
    )
    found.transform(
        MINER, MINE_A, {"lot:a-0": "40"}, new_lot("lot:export", quantity("40"), ["A00001"]), process="retag"
    )
    return found


def eleven_of_a_neighbour() -> Story:
    """Bags 390 to 411: the allocation ends at 400, the rest were allocated to the neighbour."""
    return chain(bags=["40"] * 22, first_tag=390, before=allocated("A00401", "A00800", MINE_B))


TAGS: dict[str, Case] = {
    "16 tags of the mine's own allocation": ("F-TAGREUSE", PASS, chain),
    "a tag is on two lots": ("F-TAGREUSE", FAIL, reused_later),
    "a retagged bag keeps its tag": ("F-TAGREUSE", PASS, split_under_one_tag),
    "11 tags of another site's allocation": ("F-TAGREUSE", FAIL, eleven_of_a_neighbour),
    "six tags beyond the allocation": ("F-TAGREUSE", FAIL, lambda: chain(allocated=(1, 10))),
    "only the trader put a tag on": ("F-TAGREUSE", NA, lambda: chain(tagged=False)),
    "a record is refused for its tag": ("F-TAGREUSE", FAIL, refused_tag),
    "tags of another scheme": (
        "F-TAGREUSE", FAIL, lambda: chain(allocated=None, before=allocated("A00001", "A00400", scheme="other"))
    ),
    "tags of another series": ("F-TAGREUSE", FAIL, lambda: chain(allocated=None, before=allocated("B00001", "B00400"))),
    "tags allocated after they were used": (
        "F-TAGREUSE", FAIL, lambda: chain(allocated=None, dug=allocated("A00001", "A00400"))
    ),
    "a tag was void before it was used": ("F-TAGREUSE", FAIL, lambda: chain(before=tag_state("A00003"))),
    "a tag was lost after it was used": ("F-TAGREUSE", PASS, lambda: chain(dug=tag_state("A00003", "lost"))),
    "no allocation on file": ("F-TAGREUSE", LACKING, lambda: chain(allocated=None)),
    "no tags at all": ("F-TAGREUSE", NA, lambda: one_lot("large_scale")),
    "tagged at an honest pace": ("F-TAGLAUNDER", PASS, chain),
    "tagged inside of the mine": (
        "F-TAGLAUNDER", PASS, lambda: chain(dug=seen("lot:a-1", ("28.8810", "-1.5490"), "2026-03-30T10:00:00Z"))
    ),
    "tagged 11 km away": (
        "F-TAGLAUNDER", FAIL, lambda: chain(dug=seen("lot:a-1", ("28.9810", "-1.5490"), "2026-03-30T10:00:00Z"))
    ),
    "tagged 11 km from a mine known as a point": (
        "F-TAGLAUNDER", FAIL,
        lambda: chain(before=as_point, dug=seen("lot:a-1", ("28.9810", "-1.5490"), "2026-03-30T10:00:00Z"))
    ),
    "seen far away after it had left": (
        "F-TAGLAUNDER", PASS, lambda: chain(travelling=seen("lot:a-1", ("28.9810", "-1.5490"), "2026-04-01T08:00:00Z"))
    ),
    "more tags than hands": ("F-TAGLAUNDER", FLAG, lambda: chain(bags=["5"] * 64, workers=20)),
    "tags without anybody at work": ("F-TAGLAUNDER", FLAG, lambda: chain(workers=0)),
    "a burst of tags before collection": ("F-TAGLAUNDER", FLAG, lambda: daily(burst=30)),
    "an even pace until collection": ("F-TAGLAUNDER", PASS, lambda: daily(burst=2)),
    "nothing was tagged": ("F-TAGLAUNDER", NA, lambda: one_lot("large_scale")),
}  # fmt: skip


def daily(burst: int) -> Story:
    """Two tags a day for eight days, then so many on the last."""
    story = start_story()
    number = 0
    lots = []
    for day, count in enumerate([2] * 8 + [burst], 1):
        names = [f"lot:{n}" for n in range(number, number + count)]
        bags = [new_lot(one, quantity("10"), [f"A{n:05d}"]) for n, one in enumerate(names, number)]
        story.on(f"2026-03-{day:02d}").extract(MINE_A, *bags, period=(f"2026-03-{day:02d}", f"2026-03-{day:02d}"))
        number, lots = number + count, lots + names
    story.on("2026-03-10T06:00:00Z").dispatch(MINER, TRADER, MINE_A, DEPOT, *lots)
    story.on("2026-03-10T11:00:00Z").receive(TRADER, DEPOT, dict.fromkeys(lots))
    story.transform(TRADER, DEPOT, dict.fromkeys(lots, "10"), new_lot("lot:export", quantity(f"{10 * number}")))
    return story


def ore(
    metal_out: str, *, head: str = "4.0", assayed: bool = True, mineral: str = "Sn", process: str = "concentrate"
) -> Story:
    """34,000 t of ore at 4 % become concentrate at 63 %."""
    story = start_story()
    story.amend_site(MINE_A, minerals=["cassiterite"], method="large_scale", capacity={})
    lot = new_lot("lot:ore", quantity("34000000", "0", {mineral: head} if assayed else {}))
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-01", "2026-03-31"), method="large_scale", workers=640)
    made = new_lot("lot:export", quantity(metal_out, "0", {mineral: "63"} if assayed else {}))
    rest = new_lot("lot:tailings", quantity("30000000", "0", {mineral: "0.9"} if assayed else {}))
    rest["role"] = "residue"
    story.transform(MINER, MINE_A, {"lot:ore": "34000000"}, made, rest, process=process)
    return story


FRAUD_TWIN: dict[str, Any] = {"bags": ["50.0"] * 52}
CAPACITY: dict[str, Case] = {
    "640 kg from 120 diggers in a month": ("F-CAPACITY.ASM", PASS, chain),
    "800 kg: a little more than possible": ("F-CAPACITY.ASM", FLAG, lambda: chain(bags=["40"] * 20)),
    "1,200 kg: half as much again and more": ("F-CAPACITY.ASM", FAIL, lambda: chain(bags=["40"] * 30)),
    "2,600 kg from 120 diggers": ("F-CAPACITY.ASM", FAIL, lambda: chain(**FRAUD_TWIN)),
    "2,600 kg is more than three times": ("F-CAPACITY.ASM.GROSS", FAIL, lambda: chain(**FRAUD_TWIN)),
    "1,200 kg is not": ("F-CAPACITY.ASM.GROSS", PASS, lambda: chain(bags=["40"] * 30)),
    "an inspector counted only 40 diggers": ("F-CAPACITY.ASM", FAIL, lambda: chain(dug=inspected(40))),
    "an inspector counted 120": ("F-CAPACITY.ASM", PASS, lambda: chain(dug=inspected(120))),
    "400 on the list of a mine with room for 120": (
        "F-CAPACITY.ASM", FAIL, lambda: chain(bags=["40"] * 30, workers=400)
    ),
    "a mine as the subject": ("F-CAPACITY.ASM", PASS, lambda: about(MINE_A, chain())),
    "nobody at work": ("F-CAPACITY.ASM", FAIL, lambda: chain(workers=0)),
    "nobody at work, gross": ("F-CAPACITY.ASM.GROSS", FAIL, lambda: chain(workers=0)),
    "a semi-mechanised mine within its registered capacity": (
        "F-CAPACITY.ASM", PASS, lambda: one_lot("semi_mechanised", "792")
    ),
    "a semi-mechanised mine beyond it": ("F-CAPACITY.ASM", FAIL, lambda: one_lot("semi_mechanised", "1200")),
    "no rate for tin, no registered capacity": (
        "F-CAPACITY.ASM", LACKING, lambda: one_lot("artisanal", mineral="cassiterite", capacity={})
    ),
    "gross: no rate for tin": (
        "F-CAPACITY.ASM.GROSS", LACKING, lambda: one_lot("artisanal", mineral="cassiterite", capacity={})
    ),
    "no artisanal mine": ("F-CAPACITY.ASM", NA, lambda: one_lot("large_scale")),
    "no artisanal mine, gross": ("F-CAPACITY.ASM.GROSS", NA, lambda: one_lot("large_scale")),
    "34,000 t x 4 % x 75 % = 1,020 t": ("F-CAPACITY.LSM", PASS, lambda: ore("1619000")),
    "3 % less than that": ("F-CAPACITY.LSM", FLAG, lambda: ore("1570000")),
    "8 % more than that": ("F-CAPACITY.LSM", FAIL, lambda: ore("1750000")),
    "metal where none was expected": ("F-CAPACITY.LSM", FAIL, lambda: ore("1619000"), {"recoveries": ["Sn=0"]}),
    "the ore was never assayed": ("F-CAPACITY.LSM", LACKING, lambda: ore("1619000", assayed=False)),
    "no recovery of nickel is known": ("F-CAPACITY.LSM", LACKING, lambda: ore("1619000", mineral="Ni")),
    "ore smelted without concentrating": ("F-CAPACITY.LSM", NA, lambda: ore("1619000", process="smelt")),
    "ore sold as it is": ("F-CAPACITY.LSM", NA, lambda: one_lot("large_scale")),
    "an ordinary month": ("F-SPILLOVER", PASS, chain),
    "2,600 kg after the neighbour turned red": (
        "F-SPILLOVER", FLAG, lambda: chain(**FRAUD_TWIN, before=neighbour_red)
    ),
    "2,600 kg with a workforce three times as large": (
        "F-SPILLOVER", PASS, lambda: chain(**FRAUD_TWIN, workers=360, before=neighbour_red)
    ),
    "2,600 kg, the neighbour turned red a year before": (
        "F-SPILLOVER", PASS, lambda: chain(**FRAUD_TWIN, before=status(MINE_B, "red", "2025-02-25"))
    ),
    "2,600 kg, the red mine is far away": (
        "F-SPILLOVER", PASS,
        lambda: chain(**FRAUD_TWIN, before=both(move_b(square("29.9500", "-1.6000")), neighbour_red))
    ),
    "2,600 kg, the position of the red mine is concealed": (
        "F-SPILLOVER", LACKING, lambda: chain(**FRAUD_TWIN, before=both(move_b(None), neighbour_red))
    ),
    "2,600 kg, nobody's status is known": ("F-SPILLOVER", LACKING, lambda: chain(**FRAUD_TWIN)),
    "2,600 kg, a red mine of the register nearby": (
        "F-SPILLOVER", FLAG,
        lambda: listed_red(chain(**FRAUD_TWIN), "28.95", "-1.55")
    ),
    "2,600 kg, a red mine of the register far away": (
        "F-SPILLOVER", PASS, lambda: listed_red(chain(**FRAUD_TWIN), "27.95", "-1.55")
    ),
    "2,600 kg, a red mine of the register somewhere": (
        "F-SPILLOVER", LACKING, lambda: listed_red(chain(**FRAUD_TWIN), "", "")
    ),
    "2,600 kg, the neighbour is red in the log and in the register": (
        "F-SPILLOVER", FLAG,
        lambda: load(
            chain(**FRAUD_TWIN, before=neighbour_red), "site_statuses", f"{MINE_B},red,,,2026-02-25,,ARR-1,2026-02-26"
        )
    ),
    "2,600 kg, statuses loaded without a register": (
        "F-SPILLOVER", LACKING,
        lambda: load(chain(**FRAUD_TWIN), "site_statuses", "CD-D,red,,,2026-02-25,,ARR-9,2026-02-26")
    ),
    "a mine without a past": ("F-SPILLOVER", LACKING, lambda: chain(past=())),
    "no small mine": ("F-SPILLOVER", NA, lambda: one_lot("large_scale")),
}  # fmt: skip


def backdated(mass: str = "900", **more: Any) -> Story:
    """Mine A turns red on 20 March; an extract for the days before is recorded ten days later."""

    def late(story: Story) -> None:
        status(MINE_A, "red", "2026-03-20")(story)
        story.extract(MINE_A, new_lot("lot:late", quantity(mass)), period=("2026-03-15", "2026-03-19"))

    return chain(dug=late, **more)


def listed_status(row: str) -> Story:
    return load(chain(), "site_statuses", f"{MINE_A},{row}")


STATUS_GAP: dict[str, Case] = {
    "never red": ("F-STATUSGAP", PASS, lambda: chain(before=status(MINE_A, "green", "2025-06-01"))),
    "never red by the list": (
        "F-STATUSGAP", PASS, lambda: listed_status("green,2026-01-05,,2026-01-10,,A,2026-01-11")
    ),
    "red, and nothing late": ("F-STATUSGAP", PASS, lambda: chain(done=status(MINE_A, "red", "2026-05-10"))),
    "red by the list, and nothing late": (
        "F-STATUSGAP", PASS, lambda: listed_status("red,,,2026-05-10,,A,2026-05-11")
    ),
    "900 kg dated to the days before": ("F-STATUSGAP", FAIL, backdated),
    "100 kg dated to the days before": ("F-STATUSGAP", PASS, lambda: backdated("100")),
    "no status on file": ("F-STATUSGAP", LACKING, chain),
    "no small mine": ("F-STATUSGAP", NA, lambda: one_lot("large_scale")),
}  # fmt: skip


CASES = TAGS | CAPACITY | STATUS_GAP


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("fraud", CASES[words])
