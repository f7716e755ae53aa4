"""The ground that a consignment went over, as far as checkpoints show it: Red sites, roadblocks, borders at night."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field

from ledger.encoding import parse_time
from ledger.rules.case import Case
from ledger.rules.checks.displacement import Neighbour, red_sites
from ledger.rules.checks.figures import number, once
from ledger.rules.checks.journeys import ends_of, journey, moves, name_of
from ledger.rules.checks.places import Stop, metres, metres_from_line, place_of_row
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.statuses import standing_at
from ledger.rules.facts import Hop
from ledger.rules.plausibility.observations import Place
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, flagged, inapplicable, passed, worst

_DAY = 86_400


class Route(Members):
    """red_km, block_km: distance from the line between two stops that counts as passing; leg_km: longer legs say

    nothing of the way; night: local solar hours between which a border is not crossed.
    """

    red_km: Annotated[int, Field(ge=0, le=100)]
    block_km: Annotated[int, Field(ge=0, le=100)]
    leg_km: Annotated[int, Field(ge=1, le=1000)]
    night: Annotated[list[str], Field(min_length=2, max_length=2)]


@check
def route_is_clear(case: Case, members: Route) -> Ruling:
    """Where checkpoints show the way, it passes no Red site and no roadblock, and no border by night."""
    hops = moves(case)
    shown = [(hop, stops) for hop in hops if (stops := journey(case, hop)) is not None and len(stops) > 2]
    if hops and not shown:
        text = "No position on the way of any consignment is on file."
        evidence = [record for hop in hops for record in hop.evidence]
        return case.lacking(text, "checkpoints with their positions", evidence=evidence)
    found = (_ground(case, members, hop, stops) for hop, stops in shown)
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _ground(case: Case, members: Route, hop: Hop, stops: list[Stop]) -> Ruling:
    records = tuple(stop.record for stop in stops)
    since = hop.dispatch.time[:10]
    legs = [
        (start.place, end.place)
        for start, end in pairwise(stops)
        if metres(start.place, end.place) <= members.leg_km * 1000
    ]
    red = _near_red(case, members, hop, legs)
    if red:
        text = f"{name_of(hop)}: it passed {red}, which was Red then."
        return flagged(text, *records, since=since).about(*hop.sent)
    block = _near_block(case, members, legs)
    if block:
        text = f"{name_of(hop)}: it passed the roadblock {block}."
        return flagged(text, *records, since=since, references=("ipis_roadblocks",)).about(*hop.sent)
    if len(set(ends_of(case, hop))) > 1 and any(_at_night(stop, members.night) for stop in stops[1:-1]):
        text = f"{name_of(hop)}: it was on its way over the border by night."
        return flagged(text, *records, since=since).about(*hop.sent)
    return passed(f"{name_of(hop)}: nothing on the way stands out.", *records).about(*hop.sent)


def _near_red(case: Case, members: Route, hop: Hop, legs: list[tuple[Place, Place]]) -> str:
    day, ends = hop.dispatch.time[:10], (hop.dispatch.body["from"], hop.dispatch.body["to"])
    red: list[Neighbour] = once(case, "red sites", lambda: red_sites(case))
    for one in red:
        standing = standing_at(case, one.site, day) if one.site in case.facts.sites else None
        still = standing.status == "red" if standing else one.entry.start <= day and not one.entry.end
        if still and one.place and one.site not in ends and _near(one.place, legs, members.red_km):
            return one.site
    return ""


def _near_block(case: Case, members: Route, legs: list[tuple[Place, Place]]) -> str:
    snapshot = case.reference("ipis_roadblocks")
    for row in snapshot.rows if isinstance(snapshot, Snapshot) else ():
        place = place_of_row(row.position)
        if place and _near(place, legs, members.block_km):
            return str(row.name)
    return ""


def _near(place: Place, legs: list[tuple[Place, Place]], km: int) -> bool:
    return any(metres_from_line(place, leg) <= km * 1000 for leg in legs)


def _at_night(stop: Stop, night: list[str]) -> bool:
    """Whether a stop was passed in the night by the sun: 15 degrees of longitude are an hour."""
    start, end = (int(one) for one in night)
    local = (parse_time(stop.time) + number(stop.place.longitude.removeprefix("-")) * 240 * _sign(stop)) % _DAY
    return local >= start * 3600 or local < end * 3600


def _sign(stop: Stop) -> int:
    return -1 if stop.place.longitude.startswith("-") else 1
