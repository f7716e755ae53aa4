"""A dated chain of artisanal gold for rule cases: two doré bars, refined into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.story import MINE_A, MINER, SMELTER, Story, point, start_story
from tests.support.world import new_lot, quantity

REFINERY = "site:refinery"


def gold_lot(
    lot: str, mass: str, grade: str, *, mineral: str = "dore", tags: Sequence[str] | None = None
) -> dict[str, Any]:
    """A lot of gold with its stamp; grade: % of gold."""
    stamps = [lot.removeprefix("lot:").upper()] if tags is None else tags
    return {**new_lot(lot, quantity(mass, "0", {"Au": grade}), stamps), "mineral": mineral}


def gold_story(country: str = "AE-DU") -> Story:
    """Dug in March at mine A, sent by air to a refinery, and refined into `lot:bar`."""
    story = start_story()
    story.subject = "lot:bar"
    story.register(REFINERY, "refinery", SMELTER, country, minerals=["gold"], location=point("55.3000", "25.2000"))
    lots = [gold_lot(f"lot:dore-{n}", "1", "90") for n in (1, 2)]
    story.on("2026-03-31").extract(MINE_A, *lots, period=("2026-03-02", "2026-03-31"), workers=40)
    ids = ["lot:dore-1", "lot:dore-2"]
    route = [{"country": "UG", "place": "Airport"}]
    story.on("2026-04-01").dispatch(MINER, SMELTER, MINE_A, REFINERY, *ids, mode="air", route=route)
    story.on("2026-04-02").receive(SMELTER, REFINERY, dict.fromkeys(ids))
    bar = gold_lot("lot:bar", "1.8", "99.99", mineral="gold")
    losses = [{"kind": "slag", "mass": "0.2"}]
    story.on("2026-04-05").transform(SMELTER, REFINERY, dict.fromkeys(ids, "1"), bar, process="refine", losses=losses)
    return story
