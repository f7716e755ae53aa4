"""A world in which mines have a past and neighbours: what the production and status topics are about."""

from __future__ import annotations

from typing import Any

from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    DEPOT,
    MINE,
    MINER,
    SMELTER,
    TRADER,
    World,
    honest_world,
    new_lot,
    quantity,
    site_body,
)

NEIGHBOUR, FAR = "site:neighbour", "site:far"
COOPERATIVE = "did:web:cooperative.example"


def mine_in(world: World, month: str, lot: str, site: str = MINE, issuer: str = MINER) -> str:
    """An extract whose period begins on the first of the month (YYYY-MM)."""
    period = {"from": f"{month}-01T00:00:00Z", "to": f"{month}-02T00:00:00Z"}
    body = {"site": site, "period": period, "method": "artisanal", "workers": 12, "lots": [new_lot(lot)]}
    return world.do(issuer, "extract", body)


def attest_status(world: World, colour: str, *sites: str, **more: Any) -> str:
    """The authority sets the ICGLR status of sites."""
    about = [{"subject": one, "record": world.state.subjects[one].head} for one in sites]
    statement = {"status": colour, "effective": "2026-01-01", "act": "Decree 7", "authority": AUTHORITY}
    return world.do(AUTHORITY, "attest", {"kind": "site_status", "about": about, "statement": statement, **more})


def note_incident(world: World, subject: str, issuer: str = AUDITOR) -> str:
    """An incident about one subject."""
    about = [{"subject": subject, "record": world.state.subjects[subject].head}]
    return world.do(issuer, "incident", {"about": about, "category": "fraud", "severity": 2, "status": "open"})


def correct(world: World, issuer: str, kind: str, record: str, *moves: str, **replace: Any) -> str:
    """The issuer of a record replaces descriptive members of it."""
    body = {"type": kind, "record": record, "reason": "typing error", "replace": replace}
    return world.do(issuer, "correct", body, moves)


def mining_world() -> World:
    """An honest world in which that has happened."""
    world = honest_world()
    live(world)
    return world


def live(world: World) -> None:
    """The mine's production over months, its neighbour in the same province turned red, one far away.

    lot:a of 2026-06 went into lot:c with lot:b of 2026-08; lot:old (2025-11) is before the window, lot:mid (2026-02)
    and lot:beside (2026-08) are in it without being upstream.
    """
    world.enrol(COOPERATIVE, ["producer"])
    world.register(NEIGHBOUR, "mine", COOPERATIVE)
    world.do(COOPERATIVE, "site", site_body(FAR, "mine", COOPERATIVE) | {"subdivision": "CD-SK"})
    for month, lot in (
        ("2025-11", "old"),
        ("2026-02", "mid"),
        ("2026-06", "a"),
        ("2026-08", "b"),
        ("2026-08", "beside"),
    ):
        mine_in(world, month, f"lot:{lot}")
    mine_in(world, "2026-08", "lot:neighbour", NEIGHBOUR, COOPERATIVE)
    mine_in(world, "2026-08", "lot:far", FAR, COOPERATIVE)
    attest_status(world, "green", MINE)
    attest_status(world, "red", NEIGHBOUR)
    attest_status(world, "red", FAR)
    note_incident(world, TRADER)
    world.hand_over(MINER, TRADER, DEPOT, "lot:a", "lot:b")
    world.transform(
        TRADER, {"lot:a": "40", "lot:b": "20"}, new_lot("lot:c", quantity("58", "2", {"Ta2O5": "28.5"})), site=DEPOT
    )
    world.dispatch(TRADER, SMELTER, "lot:c")
    note_incident(world, "lot:c")
