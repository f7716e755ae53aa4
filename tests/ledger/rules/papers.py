"""Papers for rule cases (certificates, declarations, statuses, checkpoints...), and how a case is judged.

Each paper is a function of the story, so that cases can hand it over at the stage where it is signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.rules.engine import Finding
from ledger.rules.outcome import Outcome
from ledger.rules.pack import Pack, parse_pack
from tests.ledger.rules.tables import load
from tests.support.story import (
    AUTHORITY,
    CUSTOMS,
    EXPORTER,
    MINE_A,
    MINE_B,
    MINER,
    MINER_B,
    MONITOR,
    SMELTER,
    Story,
    point,
    start_story,
)
from tests.support.world import new_lot, quantity

PASS, FAIL, FLAG = Outcome.PASS, Outcome.FAIL, Outcome.RED_FLAG
LACKING, NA = Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE
Build = Callable[[], Story]
Case = tuple[str, Outcome, Build] | tuple[str, Outcome, Build, dict[str, Any]]


def judge(pack: str, case: Case) -> Finding:
    """The finding of a case's rule of a pack, which must have the outcome that the case names, and be complete."""
    rule, outcome, build, *parameters = case
    story = build()
    found = story.finding(rule, claim=story.claim(parameters=dict(*parameters)), packs={pack: read_pack(pack)})
    ruling = found.ruling
    assert ruling.outcome is outcome, ruling.sentence
    assert bool(ruling.missing) == (outcome is Outcome.INSUFFICIENT)
    if outcome in (PASS, FAIL, FLAG):
        assert ruling.evidence or ruling.references
    if outcome is FLAG:
        assert ruling.since
    assert all(isinstance(value, str | int | list) for value in ruling.figures.values())
    return found


@cache
def read_pack(name: str) -> Pack:
    """One shipped pack."""
    return parse_pack(files("ledger.rules.packs").joinpath(f"{name}.toml").read_bytes())


def status(site: str, to: str, effective: str, act: str = "ARR-1") -> Callable[[Story], Any]:
    said = {"status": to, "effective": effective, "act": act, "authority": AUTHORITY}
    return lambda story: story.attest(AUTHORITY, "site_status", site, said)


def tag_state(number: str, state: str = "void") -> Callable[[Story], Any]:
    said = {"tag": {"scheme": "itsci", "number": number}, "state": state}
    return lambda story: story.attest(AUTHORITY, "tag_state", MINE_A, said)


def seen(lots: str | list[str], place: tuple[str, str] | None, at: str, **more: Any) -> Callable[[Story], Any]:
    said = {"place": "On the way", "at": at, **more} | ({"location": point(*place)} if place else {})
    return lambda story: story.attest(MONITOR, "checkpoint", lots, said)


def both(*stages: Callable[[Story], Any]) -> Callable[[Story], Any]:
    return lambda story: [stage(story) for stage in stages]


def certificate(number: str = "CD-1", lots: str | list[str] = "lot:export", **more: Any) -> Callable[[Story], Any]:
    said = {
        "scheme": "icglr", "country": "CD", "number": number, "exporter": EXPORTER, "mass": "640", "origins": ["CD"],
        "route": ["RW", "TZ"], "authority": CUSTOMS, "verified": "2026-04-04", "issued": "2026-04-05",
        "expires": "2026-07-04", "verifier": "Officer one", "validator": "Officer two", **more,
    }  # fmt: skip
    return lambda story: story.attest(CUSTOMS, "certificate", lots, {k: v for k, v in said.items() if v is not None})


def export(net: str = "640", code: str = "26159000", **more: Any) -> Callable[[Story], Any]:
    said = {
        "declaration": "SAD-1", "code_system": "CN", "code": code, "net": net, "exporter": EXPORTER,
        "destination": "MY", **more,
    }  # fmt: skip
    about = said.pop("about", "lot:export")
    return lambda story: story.attest(CUSTOMS, "export", about, said)


def imported(net: str = "640", code: str = "26159000", dispatched: str = "CD") -> Callable[[Story], Any]:
    said = {
        "declaration": "IMP-1", "code_system": "CN", "code": code, "net": net, "importer": SMELTER,
        "country_of_origin": "CD", "country_of_dispatch": dispatched,
    }  # fmt: skip
    return lambda story: story.attest(SMELTER, "import", "lot:export", said)


def sold(price: str | None, currency: str = "USD", lots: str = "lot:export") -> Callable[[Story], Any]:
    said = {"seller": EXPORTER, "buyer": SMELTER, "currency": currency}
    return lambda story: story.attest(EXPORTER, "ownership", lots, said | ({"price": price} if price else {}))


def prices(story: Story) -> Story:
    rows = (f"Ta2O5,2026-{month},200,market report,2026-05-10" for month in ("04", "05"))
    return load(story, "prices", *rows)


def allocation(first: str, last: str, site: str, scheme: str = "itsci") -> dict[str, Any]:
    return {"scheme": scheme, "first": first, "last": last, "count": 9, "site": site}


def allocated(first: str, last: str, site: str = MINE_A, scheme: str = "itsci") -> Callable[[Story], Any]:
    return lambda story: story.attest(AUTHORITY, "tag_allocation", site, allocation(first, last, site, scheme))


def one_lot(method: str, mass: str = "640", workers: int = 120, mineral: str = "coltan", **site: Any) -> Story:
    """A single lot without tags, as its producer holds it."""
    story = start_story()
    if site:
        story.amend_site(MINE_A, **site)
    lot = new_lot("lot:export", quantity(mass, "2", {"Ta2O5": "28.5"} if mineral == "coltan" else {"Sn": "4.0"}))
    lot["mineral"] = mineral
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method=method, workers=workers)
    return story


def inspected(workers: int, day: str = "2026-03-20") -> Callable[[Story], Any]:
    said = {"number": "I-1", "date": day, "office": "Mines agency", "workforce": workers}
    return lambda story: story.attest(AUTHORITY, "inspection", MINE_A, said)


def neighbour_red(story: Story) -> None:
    status(MINE_B, "red", "2026-02-25")(story)


def move_b(location: dict[str, Any] | None) -> Callable[[Story], Any]:
    def move(story: Story) -> None:
        body = story.body_of("site", MINE_B)
        body.pop("location")
        story.world.do(MINER_B, "site", body | ({"location": location} if location else {}), [MINE_B])

    return move


def listed_red(story: Story, longitude: str, latitude: str) -> Story:
    site = f"CD-D,,Site D,CD,CD-NK,,{longitude},{latitude},coltan,active,,,register,2026-01-10"
    load(story, "icglr_sites", site)
    return load(story, "site_statuses", "CD-D,red,,,2026-02-25,,ARR-9,2026-02-26")


def roadblock(story: Story, longitude: str) -> Story:
    block = {
        "lp": "Bridge", "d": "2025-11-02", "lt": -1.565, "ln": float(longitude), "o": "Non-state group", "t": "A",
        "tc": "minerals", "tm": "USD 5", "b": "Rope", "r": 1, "s": "survey",
    }  # fmt: skip
    return story.load("ipis_roadblocks", json.dumps({"result": [block]}).encode(), "2026-01-10")


def without_location(site: str) -> Callable[[Story], Any]:
    def hide(story: Story) -> None:
        body = story.body_of("site", site)
        body.pop("location")
        story.world.do(body["operator"], "site", body, [site])

    return hide


def about(subject: str, story: Story) -> Story:
    """The same story, asked about another subject."""
    story.subject = subject
    return story


def foreign() -> Story:
    """A mine in Zambia's neighbour Angola of copper: none of the designated minerals."""
    story = start_story()
    lot = new_lot("lot:export", quantity("100", "0", {"Cu": "30"})) | {"mineral": "copper ore"}
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method="large_scale")
    return story


def self_made(story: Story) -> None:
    said = {"status": "green", "effective": "2025-11-01", "act": "own", "authority": AUTHORITY}
    story.attest(MINER, "site_status", MINE_A, said)
