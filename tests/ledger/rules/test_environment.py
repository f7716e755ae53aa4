"""Environment: protected areas, forest, monitoring, mercury, radioactivity."""

from __future__ import annotations

import json
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
    about,
    both,
    judge,
    read_pack,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    EXPORTER,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    PLANT,
    SMELTER,
    Story,
    point,
    square,
    start_story,
)
from tests.support.world import new_lot, quantity


def park(west: float, *, category: str = "II", story: Story | None = None, designation: str = "National Park") -> Story:
    """A protected area of 0.1 degrees, from this longitude eastwards; mine A begins at 28.88 E."""
    south, east, north = -1.6, west + 0.1, -1.5
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    properties = {
        "SITE_ID": 900001, "SITE_PID": "900001", "NAME": "Park of the Tests", "DESIG_ENG": designation,
        "IUCN_CAT": category, "STATUS": "Designated", "ISO3": "COD", "REP_AREA": 123.4, "GIS_AREA": 123.4,
    }  # fmt: skip
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    raw = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    return (story or chain()).load("wdpa", raw, "2026-05-01")


def permit(kind: str = "other", **more: Any) -> Callable[[Story], Any]:
    said = {"kind": kind, "number": "PERMIT-7", "holder": MINER, "granted": "2024-01-01", **more}
    return lambda story: story.attest(AUTHORITY, "licence", MINE_A, said)


def point_only(story: Story) -> None:
    story.amend_site(MINE_A, location=point("28.8800", "-1.5500"))


def cleared(pixels: int, *, at: float = 28.8860, confidence: str = "high", story: Story | None = None) -> Story:
    """Alerts of 10 m x 10 m, 500 m east of mine A, and two far ones, so that the mine lies inside of the answer."""

    def alert(longitude: float, latitude: float, day: str = "2026-03-01") -> dict[str, Any]:
        return {
            "longitude": longitude, "latitude": latitude, f"{ALERTS}__date": day,
            f"{ALERTS}__confidence": confidence,
        }  # fmt: skip

    rows = [alert(28.5, -1.9, "2026-02-01"), alert(29.2, -1.2, "2026-02-01")]
    rows += [alert(round(at + n % 20 / 10_000, 6), round(-1.5500 + n // 20 / 10_000, 6)) for n in range(pixels)]
    return (story or chain()).load(
        "forest_alerts", json.dumps({"data": rows, "status": "success"}).encode(), "2026-05-19"
    )


def measured(category: str, value: str = "1", *, issuer: str = LAB, at: str = MINE_A) -> Callable[[Story], Any]:
    said = {"category": category, "value": value, "unit": "index", "method": "field visit"}
    return lambda story: story.attest(issuer, "environment", at, said)


ALERTS = "gfw_integrated_alerts"
PRACTICES = ("mercury_whole_ore", "mercury_open_burning", "mercury_residential_burning", "cyanide_after_mercury")


def clean(**but: str) -> Callable[[Story], Any]:
    """None of the practices is used, except for those named."""
    return both(*(measured(one, but.get(one, "0")) for one in PRACTICES))


def gold(*stages: Callable[[Story], Any], method: str = "artisanal") -> Story:
    story = start_story()
    story.amend_site(MINE_A, national_id="codmine00001")
    lot = new_lot("lot:export", quantity("2", "0", {"Au": "90"})) | {"mineral": "gold"}
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method=method)
    for stage in stages:
        stage(story)
    return story


def visited(mercury: int | None, story: Story) -> Story:
    """A visit of IPIS's web map: 1 for mercury used, 0 for not, empty for no data."""
    row = {
        "i": "codmine00001", "d": "2026-03-10", "n": "Mine A", "lt": -1.55, "ln": 28.88, "w": 120, "q": 1, "m1": "Or",
        "pv": "Nord-Kivu", "m": "" if mercury is None else mercury,
    }  # fmt: skip
    return story.load("ipis_webmap", json.dumps({"result": [row]}).encode(), "2026-03-20")


def plan(status: str, story: Story, country: str = "CD") -> Story:
    return load(story, "minamata", f"{country},{status},2020-01-01,,Notification,2020-02-01", published="2026-01-10")


def large(*stages: Callable[[Story], Any]) -> Story:
    story = start_story()
    lot = new_lot("lot:export", quantity("1000", "0", {"Co": "0.6"}))
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method="large_scale")
    for stage in stages:
        stage(story)
    return story


def radioactive(uranium: str, *, documents: bool = False, thorium: bool = True) -> Story:
    """Coltan with so much U in % of dry mass and 0.02 % Th, dispatched with or without its class."""
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, new_lot("lot:export", quantity("640")), period=("2026-03-02", "2026-03-31"))
    said = {
        "sample": "S-1", "protocol": "ISO", "laboratory": LAB, "method": "ICP", "grades": {"Ta2O5": {"value": "28.5"}},
        "impurities": {"U": {"value": uranium}} | ({"Th": {"value": "0.02"}} if thorium else {}),
    }  # fmt: skip
    story.attest(LAB, "assay", "lot:export", said)
    body = {
        "lots": ["lot:export"], "consignee": SMELTER, "from": MINE_A, "to": PLANT, "transport": {"mode": "truck"},
        "expected": "2026-04-30T00:00:00Z", "documents": [{"kind": "ADR 7"}] if documents else [],
    }  # fmt: skip
    story.world.do(MINER, "dispatch", body, ["lot:export"])
    return story


def footprint(issuer: str) -> Callable[[Story], Any]:
    said = {"kg_co2e_per_kg": "12.5", "method": "PEF", "boundary": "cradle to gate"}
    return lambda story: story.attest(issuer, "footprint", "lot:export", said)


def nowhere() -> Story:
    return about(SMELTER, start_story())


def old(category: str) -> Story:
    """Measured sixteen months before."""
    return chain(before=measured(category), done=lambda story: footprint(LAB)(story.on("2026-12-01")))


def elsewhere() -> Story:
    rows = [
        {"longitude": x, "latitude": 2.0, f"{ALERTS}__date": "2026-03-01", f"{ALERTS}__confidence": "high"}
        for x in (20.0, 20.1)
    ]  # fmt: skip
    return chain().load("forest_alerts", json.dumps({"data": rows, "status": "success"}).encode(), "2026-05-19")


def idle() -> Story:
    story = start_story()
    story.amend_site(MINE_B, method="large_scale")
    return about(MINE_B, story)


CASES: dict[str, Case] = {
    "30 km from a park": ("ENV.PA", PASS, lambda: park(29.2)),
    "in a park": ("ENV.PA", FAIL, lambda: park(28.85)),
    "in a park, with a permit": ("ENV.PA", PASS, lambda: park(28.85, story=chain(before=permit()))),
    "500 m from a park": ("ENV.PA", FLAG, lambda: park(28.8880)),
    "in a landscape of category V": ("ENV.PA", PASS, lambda: park(28.85, category="V")),
    "in a World Heritage site": (
        "ENV.PA", FAIL,
        lambda: park(28.85, category="Not Applicable", designation="World Heritage Site (natural or mixed)")
    ),
    "known as a point only": ("ENV.PA", LACKING, lambda: park(28.85, story=chain(before=point_only))),
    "no protected areas loaded": ("ENV.PA", LACKING, chain),
    "no mine": ("ENV.PA", NA, lambda: park(28.85, story=nowhere())),
    "ten pixels cleared": ("ENV.DEFOR", PASS, lambda: cleared(10)),
    "two hectares cleared": ("ENV.DEFOR", FLAG, lambda: cleared(200)),
    "two hectares cleared inside of the licence": (
        "ENV.DEFOR", PASS, lambda: cleared(200, story=chain(before=permit("mining_licence", area=WIDE)))
    ),
    "two hectares, perhaps": ("ENV.DEFOR", PASS, lambda: cleared(200, confidence="nominal")),
    "alerts of another region": ("ENV.DEFOR", LACKING, elsewhere),
    "known as a point, forest": ("ENV.DEFOR", LACKING, lambda: cleared(10, story=chain(before=point_only))),
    "no alerts loaded": ("ENV.DEFOR", LACKING, chain),
    "no mine, no forest": ("ENV.DEFOR", NA, lambda: cleared(10, story=nowhere())),
    "tailings disclosed": ("ENV.TAILINGS", PASS, lambda: large(measured("tailings"))),
    "tailings not disclosed": ("ENV.TAILINGS", LACKING, large),
    "no large mine": ("ENV.TAILINGS", NA, chain),
    "a large mine that never produced": ("ENV.TAILINGS", LACKING, idle),
    "water measured": ("ENV.WATER", PASS, lambda: chain(dug=measured("water"))),
    "water measured long ago": ("ENV.WATER", LACKING, lambda: old("water")),
    "water never measured": ("ENV.WATER", LACKING, chain),
    "no mine, no water": ("ENV.WATER", NA, nowhere),
    "air measured": ("ENV.AIR", PASS, lambda: chain(dug=measured("air"))),
    "air never measured": ("ENV.AIR", LACKING, lambda: chain(dug=measured("water"))),
    "no mine, no air": ("ENV.AIR", NA, nowhere),
    "soil measured": ("ENV.SOIL", PASS, lambda: chain(dug=measured("soil"))),
    "soil never measured": ("ENV.SOIL", LACKING, chain),
    "no mine, no soil": ("ENV.SOIL", NA, nowhere),
    "none of the four practices": ("ENV.HG.ASGM", PASS, lambda: gold(clean())),
    "whole ore amalgamated": ("ENV.HG.ASGM", FAIL, lambda: gold(clean(mercury_whole_ore="1"))),
    "amalgam burnt in the open": ("ENV.HG.ASGM", FAIL, lambda: gold(measured("mercury_open_burning"))),
    "a visit that found no mercury": ("ENV.HG.ASGM", PASS, lambda: visited(0, gold())),
    "a visit that found mercury": ("ENV.HG.ASGM", LACKING, lambda: visited(1, gold())),
    "a visit that did not look": ("ENV.HG.ASGM", LACKING, lambda: visited(None, gold())),
    "nobody knows": ("ENV.HG.ASGM", LACKING, gold),
    "no gold": ("ENV.HG.ASGM", NA, chain),
    "a large gold mine": ("ENV.HG.ASGM", NA, lambda: gold(method="large_scale")),
    "a retort, in a country with a plan": (
        "ENV.HG.NAP", PASS, lambda: plan("action_plan", gold(measured("mercury_retort")))
    ),
    "a retort, in a country without a plan": (
        "ENV.HG.NAP", FLAG, lambda: plan("notified", gold(measured("mercury_retort")))
    ),
    "a retort, in a country that is no party": (
        "ENV.HG.NAP", FLAG,
        lambda: plan("party", gold(measured("mercury_retort")), "UG")
    ),
    "no retort": ("ENV.HG.NAP", PASS, lambda: plan("notified", gold(measured("mercury_retort", "0")))),
    "no table of countries": ("ENV.HG.NAP", LACKING, gold),
    "no gold, no retort": ("ENV.HG.NAP", NA, chain),
    "3.3 Bq/g": ("ENV.RADIO", PASS, lambda: radioactive("0.02")),
    "13.2 Bq/g, declared": ("ENV.RADIO", PASS, lambda: radioactive("0.1", documents=True)),
    "13.2 Bq/g, not declared": ("ENV.RADIO", FAIL, lambda: radioactive("0.1")),
    "thorium never measured": ("ENV.RADIO", LACKING, lambda: radioactive("0.1", thorium=False)),
    "no assay at all": ("ENV.RADIO", LACKING, chain),
    "no tantalum": ("ENV.RADIO", NA, gold),
    "a footprint by an auditor": ("ENV.CARBON", PASS, lambda: chain(done=footprint(AUDITOR))),
    "the exporter's own footprint": ("ENV.CARBON", LACKING, lambda: chain(done=footprint(EXPORTER))),
    "no footprint": ("ENV.CARBON", NA, chain),
}  # fmt: skip
WIDE = square("28.8850", "-1.5510")


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("environment", CASES[words])


def test_every_rule_of_the_pack_has_a_case() -> None:
    assert {case[0] for case in CASES.values()} == {rule.id for rule in read_pack("environment").rules}
