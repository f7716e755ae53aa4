"""A model small enough to score by hand, and ordinary observations to bend."""

from __future__ import annotations

import copy
from typing import Any

from ledger.encoding import format_time
from ledger.rules.plausibility.features import FEATURES
from ledger.rules.plausibility.model import FORMAT, VERSION
from ledger.rules.plausibility.observations import (
    Conversion,
    Handover,
    Hop,
    LotObservation,
    Month,
    ParticipantObservation,
    Place,
    Price,
    Recorded,
    SiteObservation,
)

KG = 1_000_000
DAY = 86_400
START = 1_772_323_200  # 2026-03-01T00:00:00Z
MICRO = 1_000_000


def at(days: int, hours: int = 0) -> str:
    return format_time(START + days * DAY + hours * 3_600)


def tiny() -> dict[str, Any]:
    """Without a digest. One tree for each kind: the first feature above 2, then the second above 3."""
    kinds = {}
    for kind, features in FEATURES.items():
        size = len(features)
        kinds[kind] = {
            "features": [feature.name for feature in features],
            "segments": {"ore.mine": {"median": [MICRO] * (size - 1) + [None], "mad": [100_000] * (size - 1) + [None]}},
            "limit": [5 * MICRO] * size,
            "least_known": 2,
            "threshold": 600,
            "sample": 8,
            "path": [0, MICRO, 1_207_392, 1_666_667, 2_016_667, 2_300_000, 2_538_095, 2_742_857],
            "trees": [
                {"feature": [0, 1], "threshold": [2 * MICRO, 3 * MICRO], "left": [-6, -1], "right": [1, -1]},
                {"feature": [1], "threshold": [MICRO], "left": [-7], "right": [-1]},
            ],
        }
    return {"format": FORMAT, "version": VERSION, "seed": "by-hand", "kinds": kinds}


def bent(path: str, value: Any, *, of: dict[str, Any] | None = None) -> dict[str, Any]:
    """A copy with the member at a slash-separated path replaced, or taken away when `value` is Ellipsis."""
    copied: Any = copy.deepcopy(tiny() if of is None else of)
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place = copied
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copied


_BAGS = tuple(38 * KG + n * 100_000 for n in (1, 4, 9, 12, 17, 23, 26, 28, 32, 35, 36, 38))
_HOME, _DEPOT = Place("-1.7000", "28.7000"), Place("-1.9000", "28.9000")

LOT = LotObservation(
    segment="coltan.mine",
    start=at(0),
    mass=sum(_BAGS),
    worker_days=1_900,
    bags=_BAGS,
    tagged=tuple(at(n, 9 + n % 5) for n in range(1, 13)),
    collected=at(14),
    hops=(Hop(_HOME, at(14, 2), _DEPOT, at(14, 4)),),
    handovers=(Handover(460 * KG, 460 * KG, 20_000, 20_000, 285_000, 285_000),),
    price=Price("72", "100"),
    records=tuple(Recorded(at(n, 9), at(n, 17)) for n in range(1, 13)),
    departures=(at(14, 2),),
)
SITE = SiteObservation(
    segment="coltan.artisanal",
    start=at(0),
    mass=640 * KG,
    workers=120,
    worker_days=2_500,
    capacity=792 * KG,
    earlier=tuple(Month(mass * KG, 120) for mass in (580, 600, 620, 640, 650, 660, 680, 700)),
    neighbour_red="",
    bags=_BAGS,
    tagged=tuple(at(n, 9) for n in range(1, 28, 2)),
    collections=(at(14), at(28)),
    grades=(285_000, 287_000),
    earlier_grades=(280_000, 284_000, 286_000, 288_000, 290_000),
    records=tuple(Recorded(at(n, 9), at(n, 17)) for n in range(1, 13)),
    departures=(at(14, 2), at(28, 2)),
)
EXPORTER = ParticipantObservation(
    segment="exporter",
    opening=100 * KG,
    produced=0,
    bought=1_000 * KG,
    sold=950 * KG,
    closing=117 * KG,
    partner_reported=950 * KG,
    bought_from_new=0,
    mass=5_000 * KG,
    earlier=tuple(Month(mass * KG, 0) for mass in (4_400, 4_700, 4_900, 5_000, 5_200, 5_500)),
    conversions=(Conversion(1_000 * KG, 970 * KG),),
    earlier_conversions=tuple(Conversion(1_000, 965 + n) for n in (0, 2, 5, 7, 9)),
    prices=(Price("84", "100"), Price("85", "100"), Price("86", "100")),
    hops=(Hop(_HOME, at(14, 2), _DEPOT, at(14, 4)),),
    handovers=(Handover(460 * KG, 460 * KG, 20_000, 20_000, 285_000, 285_000),),
    records=tuple(Recorded(at(n, 9), at(n, 15)) for n in range(1, 6)),
)
