"""Fraud on the way: impossible speed, undeclared countries, long stops, broken seals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ledger.rules.papers import (
    FAIL,
    FLAG,
    LACKING,
    NA,
    PASS,
    Case,
    both,
    certificate,
    export,
    imported,
    judge,
    listed_red,
    move_b,
    neighbour_red,
    one_lot,
    roadblock,
    seen,
    status,
    without_location,
)
from tests.support.coltan import chain
from tests.support.story import (
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

# journeys ---------------------------------------------------------------------------------------------------------

NEAR_DEPOT = ("28.8900", "-1.5650")


def far_depot(story: Story) -> None:
    """The depot lies 48 km from the mine in a straight line."""
    story.amend_site(DEPOT, location=point("29.3127", "-1.5484"))


def stood(hours: int) -> Callable[[Story], Any]:
    return both(
        seen("lot:a-1", NEAR_DEPOT, "2026-04-01T07:00:00Z"),
        seen("lot:a-1", NEAR_DEPOT, f"2026-04-01T{7 + hours:02d}:00:00Z"),
    )


def in_no_time() -> Story:
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, new_lot("lot:export", quantity("40")), period=("2026-03-02", "2026-03-31"))
    time = "2026-04-01T06:00:00Z"
    story.on(time)
    sent = {
        "lots": ["lot:export"], "consignee": TRADER, "from": MINE_A, "to": DEPOT, "expected": time,
        "transport": {"mode": "truck"},
    }  # fmt: skip
    story.world.do(MINER, "dispatch", sent, ["lot:export"], time=time)
    got = {"outcome": "accepted", "site": DEPOT, "lots": [{"id": "lot:export", "quantity": {"mass": "40"}}]}
    story.world.do(TRADER, "receive", got, ["lot:export"], time=time)
    return story


def late(**more: Any) -> Story:
    """The trader's truck comes eight days late; nothing is exported yet."""
    story = start_story()
    lots = [new_lot(f"lot:a-{n}", quantity("40"), [f"A{n:05d}"]) for n in range(2)]
    story.on("2026-03-31").extract(MINE_A, *lots, period=("2026-03-02", "2026-03-31"))
    story.on("2026-04-01T06:00:00Z").dispatch(MINER, TRADER, MINE_A, DEPOT, "lot:a-0", "lot:a-1")
    more.pop("travelling", lambda _: None)(story)
    found, got = more.pop("found", ["S-1"]), more.pop("got", None)
    assert not more
    story.on("2026-04-14").receive(TRADER, DEPOT, {"lot:a-0": got, "lot:a-1": got}, seals=found)
    story.subject = "lot:a-1"
    return story


EXPORT_PAPERS: dict[str, Any] = {"merged": certificate(), "route": ["RW", "TZ"]}
JOURNEYS: dict[str, Case] = {
    "an ordinary journey": ("F-SPEED", PASS, chain),
    "48 km in half an hour: 96 km/h": (
        "F-SPEED", FAIL, lambda: chain(before=far_depot, came="2026-04-01T06:30:00Z")
    ),
    "48 km in an hour: 48 km/h": ("F-SPEED", FLAG, lambda: chain(before=far_depot, came="2026-04-01T07:00:00Z")),
    "a checkpoint reached at once": (
        "F-SPEED", FAIL,
        lambda: chain(travelling=seen("lot:a-1", ("28.9900", "-1.5650"), "2026-04-01T06:01:00Z"))
    ),
    "an hour at one place on the way": ("F-SPEED", PASS, lambda: chain(travelling=stood(1))),
    "a checkpoint without a position": (
        "F-SPEED", PASS, lambda: chain(travelling=seen("lot:a-1", None, "2026-04-01T09:00:00Z"))
    ),
    "the depot's position is concealed": ("F-SPEED", LACKING, lambda: chain(before=without_location(DEPOT))),
    "nothing moved": ("F-SPEED", NA, lambda: one_lot("artisanal")),
    "no limit for trucks": ("F-SPEED", NA, chain, {"speed_limits": ["air=950/950"], "off_tarmac": ["foot=8/15"]}),
    "it arrived after it left": ("F-SPEED.TIME", PASS, chain),
    "it arrived as it left": ("F-SPEED.TIME", FAIL, in_no_time),
    "nothing moved, in time": ("F-SPEED.TIME", NA, lambda: one_lot("artisanal")),
    "every country is on the certificate": ("F-ROUTE", PASS, lambda: chain(**EXPORT_PAPERS)),
    "through Uganda, which is not": ("F-ROUTE", FAIL, lambda: chain(merged=certificate(), route=["UG", "TZ"])),
    "imported from Rwanda, on no paper": (
        "F-ROUTE", FAIL, lambda: chain(merged=certificate(route=["TZ"]), done=imported(dispatched="RW"))
    ),
    "every country is on the export declaration": (
        "F-ROUTE", PASS, lambda: chain(merged=export(route=["RW", "TZ"]), route=["RW"])
    ),
    "no paper names the route": ("F-ROUTE", LACKING, lambda: chain(merged=certificate(route=[]))),
    "nothing moved, by any route": ("F-ROUTE", NA, lambda: one_lot("artisanal")),
    "a quiet way": ("F-ROUTE.AREA", PASS, lambda: chain(travelling=stood(1))),
    "past a mine that is red": (
        "F-ROUTE.AREA", FLAG,
        lambda: chain(before=both(move_b(square("28.8900", "-1.5670")), neighbour_red), travelling=stood(1))
    ),
    "past a mine that is green again": (
        "F-ROUTE.AREA", PASS,
        lambda: chain(
            before=both(
                move_b(square("28.8900", "-1.5670")), status(MINE_B, "red", "2025-02-25"),
                status(MINE_B, "green", "2025-12-01", "ARR-2")
            ),
            travelling=stood(1),
        )
    ),
    "past a red mine of the register": (
        "F-ROUTE.AREA", FLAG, lambda: listed_red(chain(travelling=stood(1)), "28.89", "-1.565")
    ),
    "past a roadblock": ("F-ROUTE.AREA", FLAG, lambda: roadblock(chain(travelling=stood(1)), "28.8905")),
    "a roadblock far away": ("F-ROUTE.AREA", PASS, lambda: roadblock(chain(travelling=stood(1)), "28.9905")),
    "over the border by day": (
        "F-ROUTE.AREA", PASS, lambda: chain(exported=seen("lot:export", ("29.3", "-1.68"), "2026-04-11T10:00:00Z"))
    ),
    "over the border by night": (
        "F-ROUTE.AREA", FLAG, lambda: chain(exported=seen("lot:export", ("29.3", "-1.68"), "2026-04-11T22:00:00Z"))
    ),
    "by day on the other side of the world": (
        "F-ROUTE.AREA", PASS, lambda: chain(exported=seen("lot:export", ("-75.0", "-1.68"), "2026-04-11T22:00:00Z"))
    ),
    "no position on the way": ("F-ROUTE.AREA", LACKING, chain),
    "nothing moved, near nothing": ("F-ROUTE.AREA", NA, lambda: one_lot("artisanal")),
    "no stops": ("F-DWELL", PASS, chain),
    "a short stop": ("F-DWELL", PASS, lambda: chain(travelling=stood(1))),
    "a stop of ten hours": ("F-DWELL", FLAG, lambda: chain(came="2026-04-01T20:00:00Z", travelling=stood(10))),
    "ten days late, with other seals": (
        "F-DWELL", FLAG, lambda: late(found=["S-9"])
    ),
    "ten days late, and lighter": (
        "F-DWELL", FLAG, lambda: late(got=quantity("39.7"))
    ),
    "ten days late, nothing on the way": ("F-DWELL", LACKING, late),
    "ten days late, seen on the way": (
        "F-DWELL", PASS, lambda: late(travelling=seen("lot:a-1", NEAR_DEPOT, "2026-04-01T09:00:00Z"))
    ),
    "nothing moved, nothing stood": ("F-DWELL", NA, lambda: one_lot("artisanal")),
    "whole seals": ("F-SEAL", PASS, chain),
    "another seal on arrival": ("F-SEAL", FAIL, lambda: chain(found=["S-2"])),
    "another seal on the way": (
        "F-SEAL", FAIL, lambda: chain(travelling=seen("lot:a-1", NEAR_DEPOT, "2026-04-01T09:00:00Z", seals=["S-7"]))
    ),
    "the same seal on the way": (
        "F-SEAL", PASS, lambda: chain(travelling=seen("lot:a-1", NEAR_DEPOT, "2026-04-01T09:00:00Z", seals=["S-1"]))
    ),
    "no seal on arrival": ("F-SEAL", LACKING, lambda: chain(found=[])),
    "no seal at departure": ("F-SEAL", LACKING, lambda: chain(seals=[])),
    "no seals at all": ("F-SEAL", LACKING, lambda: chain(seals=[], found=[])),
    "nothing moved, nothing sealed": ("F-SEAL", NA, lambda: one_lot("artisanal")),
}  # fmt: skip


CASES = JOURNEYS


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("fraud", CASES[words])
