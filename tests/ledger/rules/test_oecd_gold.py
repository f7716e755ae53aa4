"""What is collected on gold (OECD guidance, Gold Supplement): every outcome of every rule."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from tests.support.cases import FAIL, FLAG, INSUFFICIENT, NOT_APPLICABLE, PASS, Bend, Case, check_case
from tests.support.gold import REFINERY, gold_lot, gold_story
from tests.support.oecd_papers import pay_price
from tests.support.story import AUTHORITY, DEPOT, MINE_A, MINER, SMELTER, TRADER, Story, coltan_story
from tests.support.world import REGISTRAR


def honest(story: Story) -> None:
    """Custody of two doré bars, refined into one bar with a stamp; no papers."""


def tin(story: Story) -> dict[str, Any]:
    """Another story altogether: coltan."""
    return {"story": coltan_story()}


def dug(mineral: str = "dore", method: str = "artisanal", grade: str = "90") -> Bend:
    """One more lot at the mine, not yet handed over."""

    def bend(story: Story) -> dict[str, Any]:
        lot = gold_lot("lot:new", "1", grade, mineral=mineral)
        story.on("2026-06-01").extract(MINE_A, lot, period=("2026-05-01", "2026-05-31"), method=method)
        return {"subject": "lot:new"}

    return bend


def number_taken(story: Story) -> None:
    """The miner commissions a second lot under a number that is in use."""
    world = story.world
    body = {
        "site": MINE_A, "period": {"from": "2026-05-01T06:00:00Z", "to": "2026-05-31T17:00:00Z"}, "method": "artisanal",
        "workers": 40, "lots": [gold_lot("lot:bar", "1", "90")],
    }  # fmt: skip
    signed = world.sign(MINER, "extract", body)
    world.log.append(b"%d %s" % (world.now * 1000, signed.jws.encode()))


def sold_twice(story: Story) -> None:
    """Another fault of the records than one of numbers."""
    world = story.world
    signed = world.sign(MINER, "close", {"lots": ["lot:dore-1"], "reason": "lost"}, ["lot:dore-1"])
    world.log.append(b"%d %s" % (world.now * 1000, signed.jws.encode()))


def unstamped(story: Story) -> dict[str, Any]:
    bar = gold_lot("lot:plain", "1.7", "99.99", tags=())
    story.on("2026-05-21").transform(SMELTER, REFINERY, {"lot:bar": "1.7"}, bar, process="refine")
    return {"subject": "lot:plain"}


def unassayed(story: Story) -> dict[str, Any]:
    lot = gold_lot("lot:raw", "1", "90")
    lot["quantity"]["assay"] = {}
    story.on("2026-06-01").extract(MINE_A, lot, period=("2026-05-01", "2026-05-31"))
    return {"subject": "lot:raw"}


def registered(story: Story) -> None:
    story.amend(MINER, identifiers={"registration": "CD/KNG/RCCM/1"})


def grandfathered(mined: str) -> Bend:
    """A stock that is said to be from before 2012."""

    def bend(story: Story) -> dict[str, Any]:
        lot = gold_lot("lot:old", "1", "90", mineral="grandfathered_gold")
        story.on("2026-06-01").extract(MINE_A, lot, period=(mined, mined))
        return {"subject": "lot:old"}

    return bend


def licensed(kind: str = "artisanal_permit", granted: str = "2025-01-01", expires: str | None = "2027-01-01") -> Bend:
    def bend(story: Story) -> None:
        statement = {"kind": kind, "number": "L-1", "holder": MINER, "granted": granted}
        story.attest(AUTHORITY, "licence", MINE_A, statement | ({"expires": expires} if expires else {}))

    return bend


def formalising(kind: str) -> Bend:
    return lambda story: (
        story.attest(MINER, kind, MINER, {"title": "Way to a permit", "covers": ["formalisation"]}) and None
    )


def covers_something_else(story: Story) -> None:
    story.attest(MINER, "policy", MINER, {"title": "Policy", "covers": ["A2.1"]})


def priced(**members: Any) -> Bend:
    return lambda story: pay_price(story, about="lot:bar", **members) and None


def sent(seals: list[str] | None, arrived: list[str] | None) -> Bend:
    """Doré of a large mine goes to the trader; arrived: None while it is on its way."""

    def bend(story: Story) -> dict[str, Any]:
        dug(method="large_scale")(story)
        story.dispatch(MINER, TRADER, MINE_A, DEPOT, "lot:new", mode="air", seals=seals or [])
        if arrived is not None:
            story.receive(TRADER, DEPOT, {"lot:new": None}, seals=arrived)
        return {"subject": "lot:new"}

    return bend


def dug_by_the_registrar(story: Story) -> dict[str, Any]:
    """Nobody enrolled the registrar."""
    story.register("site:own", "mine", REGISTRAR)
    story.on("2026-06-01").extract("site:own", gold_lot("lot:own", "1", "90"), period=("2026-05-01", "2026-05-31"))
    story.dispatch(REGISTRAR, TRADER, "site:own", DEPOT, "lot:own")
    return {"subject": "lot:own"}


CASES: dict[str, Case] = {
    "every lot has its number": ("OECDAU.REFNO", honest, PASS),
    "a number is used twice": ("OECDAU.REFNO", number_taken, FAIL),
    "a lot is sold twice under its own number": ("OECDAU.REFNO", sold_twice, PASS),
    "the bar has no stamp": ("OECDAU.REFNO", unstamped, INSUFFICIENT),
    "coltan has no bars": ("OECDAU.REFNO", tin, NOT_APPLICABLE),
    "form and fineness are known": ("OECDAU.FORM", honest, PASS),
    "the fineness is not known": ("OECDAU.FORM", unassayed, INSUFFICIENT),
    "coltan has no fineness": ("OECDAU.FORM", tin, NOT_APPLICABLE),
    "the miner is registered": ("OECDAU.DATES", registered, PASS),
    "nothing identifies the miner": ("OECDAU.DATES", honest, INSUFFICIENT),
    "nobody enrolled the supplier": ("OECDAU.DATES", dug_by_the_registrar, INSUFFICIENT),
    "nobody supplied it": ("OECDAU.DATES", dug(), NOT_APPLICABLE),
    "it is called what it is": ("OECDAU.SOURCECLASS", honest, PASS),
    "mined gold is called recycled": ("OECDAU.SOURCECLASS", dug("recycled_gold"), FAIL),
    "the stock is old": ("OECDAU.SOURCECLASS", grandfathered("2011-12-31"), PASS),
    "the stock is new": ("OECDAU.SOURCECLASS", grandfathered("2012-01-01"), FAIL),
    "coltan is not recycled gold": ("OECDAU.SOURCECLASS", tin, NOT_APPLICABLE),
    "the mine has a permit": ("OECDAU.LEGITASM", licensed(), PASS),
    "the mine has a title without end": ("OECDAU.LEGITASM", licensed("mining_licence", expires=None), PASS),
    "the permit came later": ("OECDAU.LEGITASM", licensed(granted="2026-05-01"), FLAG),
    "the permit had run out": ("OECDAU.LEGITASM", licensed(expires="2026-01-01"), FLAG),
    "the permit is one to trade": ("OECDAU.LEGITASM", licensed("trading"), FLAG),
    "the miners work on a permit": ("OECDAU.LEGITASM", formalising("policy"), PASS),
    "a contract helps them to a permit": ("OECDAU.LEGITASM", formalising("contract"), PASS),
    "their policy says nothing of it": ("OECDAU.LEGITASM", covers_something_else, FLAG),
    "nothing speaks for the miners": ("OECDAU.LEGITASM", honest, FLAG),
    "the mine is a large one": ("OECDAU.LEGITASM", dug(method="large_scale"), NOT_APPLICABLE),
    "it was paid through a bank": ("OECDAU.CASH", priced(), PASS),
    "it was paid in cash": ("OECDAU.CASH", priced(method="cash"), FLAG),
    "it was bartered": ("OECDAU.CASH", priced(method="in_kind"), FLAG),
    "nobody says how it was paid": ("OECDAU.CASH", honest, INSUFFICIENT),
    "coltan is paid elsewhere": ("OECDAU.CASH", tin, NOT_APPLICABLE),
    "the box arrived sealed": ("OECDAU.AIR", sent(["S-1"], ["S-1"]), PASS),
    "the seal is another one": ("OECDAU.AIR", sent(["S-1"], ["S-2"]), FAIL),
    "the box left unsealed": ("OECDAU.AIR", sent(None, ["S-2"]), INSUFFICIENT),
    "nobody looked at the seal": ("OECDAU.AIR", sent(["S-1"], []), INSUFFICIENT),
    "the box is on its way": ("OECDAU.AIR", sent(["S-1"], None), NOT_APPLICABLE),
    "nothing was moved": ("OECDAU.AIR", dug(method="large_scale"), NOT_APPLICABLE),
    "the gold is artisanal": ("OECDAU.AIR", honest, NOT_APPLICABLE),
}


@pytest.fixture(scope="module")
def base() -> Story:
    return gold_story()


@pytest.mark.parametrize("words", CASES)
def test_oecd_gold(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["oecd-gold"].rules}
