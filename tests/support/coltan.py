"""One month of a coltan mine and what became of it, with every stage open to be bent.

    chain(bags=["50.0"] * 52, dug=lambda story: story.attest(...))

Stages, in order, each a function of the story: `before` (mines registered, nothing dug), `dug`,
`travelling`, `arrived`, `merged`, `exported` (on its way to the smelter), `done`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.support.story import (
    AUTHORITY,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    start_story,
)
from tests.support.world import new_lot, quantity

Stage = Callable[[Story], Any]
MONTHS = ("2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02")


def nothing(story: Story) -> None:
    """Nothing is done at a stage."""


def chain(
    *,
    past: Sequence[str] = ("600", "640", "620", "660", "630", "650"),
    bags: Sequence[str] = ("40",) * 16,
    workers: int = 120,
    first_tag: int = 1,
    allocated: tuple[int, int] | None = (1, 400),
    period: tuple[str, str] = ("2026-03-02", "2026-03-31"),
    left: str = "2026-04-01T06:00:00Z",
    came: str = "2026-04-01T11:00:00Z",
    seals: Sequence[str] = ("S-1",),
    found: Sequence[str] = ("S-1",),
    got: dict[str, Any] | None = None,
    merged_as: dict[str, Any] | None = None,
    route: Sequence[str] = (),
    assayed: bool = True,
    tagged: bool = True,
    **stages: Stage,
) -> Story:
    """Mine A digs, the trader merges, the exporter ships to a smelter abroad. got: what arrived of the first bag."""
    story = start_story("2025-08-01")
    stages.pop("before", nothing)(story)
    if allocated:
        first, last = (f"A{n:05d}" for n in allocated)
        count = allocated[1] - allocated[0] + 1
        said = {"scheme": "itsci", "first": first, "last": last, "count": count, "site": MINE_A}
        story.attest(AUTHORITY, "tag_allocation", MINE_A, said)
    assay = {"Ta2O5": "28.5"} if assayed else {}
    for n, mass in enumerate(past, len(MONTHS) - len(past)):
        old = new_lot(f"lot:past-{n}", quantity(mass, "2", assay))
        story.on(f"{MONTHS[n]}-28").extract(MINE_A, old, period=(f"{MONTHS[n]}-01", f"{MONTHS[n]}-28"))
    lots = [
        new_lot(f"lot:a-{n}", quantity(mass, "2", assay), [f"A{first_tag + n:05d}"] if tagged else [])
        for n, mass in enumerate(bags)
    ]
    ids = [one["id"] for one in lots]
    story.on("2026-03-31").extract(MINE_A, *lots, period=period, workers=workers)
    stages.pop("dug", nothing)(story)
    story.on(left).dispatch(MINER, TRADER, MINE_A, DEPOT, *ids, seals=[*seals])
    stages.pop("travelling", nothing)(story)
    story.on(came) if came != left else None
    story.receive(TRADER, DEPOT, {**dict.fromkeys(ids), **({ids[0]: got} if got else {})}, seals=found)
    stages.pop("arrived", nothing)(story)
    inputs = {one: story.amount(one)["mass"] for one in ids}
    total = f"{sum(map(float, inputs.values())):g}"
    mixed = new_lot("lot:export", merged_as or quantity(total, "2", assay), ["N00001"])
    story.on("2026-04-02").transform(TRADER, DEPOT, inputs, mixed)
    stages.pop("merged", nothing)(story)
    story.on("2026-04-03T06:00:00Z").dispatch(TRADER, EXPORTER, DEPOT, WAREHOUSE, "lot:export")
    story.on("2026-04-03T12:00:00Z").receive(EXPORTER, WAREHOUSE, {"lot:export": None})
    way = [{"country": country, "place": f"through {country}"} for country in route]
    story.on("2026-04-10")
    stages.pop("shipped", nothing)(story)
    story.dispatch(EXPORTER, SMELTER, WAREHOUSE, PLANT, "lot:export", mode="vessel", route=way)
    stages.pop("exported", nothing)(story)
    story.on("2026-05-20").receive(SMELTER, PLANT, {"lot:export": None})
    stages.pop("done", nothing)(story)
    assert not stages, f"no such stage: {', '.join(stages)}"
    return story
