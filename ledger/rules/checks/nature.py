"""Mines against protected areas and forest alerts, by area and distance."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ledger.rules.case import Case, add_days
from ledger.rules.checks.figures import Decimal, number, show
from ledger.rules.checks.production import mines_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.reference.shapes import Shape
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

_HECTARE = 10_000


def shape_of(location: Any) -> Shape | None:
    """The polygon of a registered location, None without one: a point has no area."""
    from ledger.rules.reference.geometry import read_geometry

    return read_geometry(location) if location and location["type"] == "Polygon" else None


class Protected(Members):
    """categories: of IUCN that are strict; hectares: of overlap that fail; km: of nearness that is flagged."""

    categories: list[str]
    hectares: Decimal
    km: Annotated[int, Field(ge=0, le=100)]


@check
def outside_protected_areas(case: Case, members: Protected) -> Ruling:
    """No mine lies in a strictly protected area or World Heritage site, or close to one, without a permit."""
    sites, snapshot = mines_of(case), case.reference("wdpa")
    if not sites:
        return inapplicable("There is no mine here.")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    return worst(_protected(case, members, site, snapshot) for site in sites)


def _protected(case: Case, members: Protected, site: str, snapshot: Snapshot) -> Ruling:
    from ledger.rules.reference.geometry import protected_index

    record = case.facts.sites[site].item
    shape = shape_of(record.body.get("location"))
    if shape is None:
        text = f"{site} has no polygon on file: whether it overlaps a protected area can't be told."
        return case.lacking(text, f"the polygon of {site}", evidence=[record.id]).about(site)
    near = protected_index(snapshot).near(shape, members.km * 1000)
    told, day = ("wdpa",), record.time[:10]
    strict = [one for one in near if _is_strict(members, snapshot.rows[one.place])]
    if not strict:
        text = f"No strictly protected area lies within {members.km} km of {site}."
        return passed(text, record.id, references=told).about(site)
    inside = next((one for one in strict if one.overlap > _HECTARE * number(members.hectares)), None)
    area = snapshot.rows[(inside or strict[0]).place]
    permits = [one for one in case.facts.attestations("licence", site) if one.statement["kind"] == "other"]
    if inside and permits:
        text = f"{site} overlaps {area.name}, with the permit {permits[-1].statement['number']}."
        return passed(text, record.id, permits[-1].id, references=told).about(site)
    if inside:
        hectares = show(number(str(inside.overlap)) / _HECTARE)
        text = f"{site} overlaps {area.name} by {hectares} ha."
        return failed(text, record.id, since=day, references=told, hectares=hectares).about(site)
    text = f"{site} lies {strict[0].distance} m from {area.name}."
    return flagged(text, record.id, since=day, references=told, metres=strict[0].distance).about(site)


def _is_strict(members: Protected, area: Any) -> bool:
    return area.world_heritage or area.iucn in members.categories


class Forest(Members):
    """hectares a year outside of the licence that are flagged; metres around it; the least confidence that counts."""

    hectares: Decimal
    metres: Annotated[int, Field(ge=0, le=20_000)]
    confidence: Literal["nominal", "high", "highest"]


@check
def forest_stands(case: Case, members: Forest) -> Ruling:
    """The forest around a mine, outside of its licence, was not cleared in the last year."""
    sites, snapshot = mines_of(case), case.reference("forest_alerts")
    if not sites:
        return inapplicable("There is no mine here.")
    if not isinstance(snapshot, Snapshot):
        return snapshot
    return worst(_forest(case, members, site, snapshot) for site in sites)


def _forest(case: Case, members: Forest, site: str, snapshot: Snapshot) -> Ruling:
    from ledger.rules.reference.geometry import alerts_near, is_covered

    record = case.facts.sites[site].item
    shape = shape_of(record.body.get("location"))
    if shape is None or not is_covered(snapshot, shape):
        missing = "has no polygon on file" if shape is None else "lies outside of the area that was asked for"
        text = f"{site} {missing}: alerts around it are not known."
        return case.lacking(text, f"polygon of and alerts around {site}", evidence=[record.id]).about(site)
    licences = case.facts.attestations("licence", site)
    permitted = next((found for one in licences if (found := shape_of(one.statement.get("area")))), shape)
    start = add_days(case.today, -365)
    cleared = alerts_near(
        snapshot, shape, within_m=members.metres, since=start, until=case.today, confidence=members.confidence,
        permitted=permitted,
    )  # fmt: skip
    hectares = number(str(cleared.area)) / _HECTARE
    text = f"{show(hectares)} ha of forest were cleared around {site}, outside of its licence, since {start}."
    if hectares > number(members.hectares):
        since = cleared.last
        return flagged(text, record.id, since=since, references=("forest_alerts",), hectares=show(hectares)).about(site)
    return passed(text, record.id, references=("forest_alerts",), hectares=show(hectares)).about(site)
