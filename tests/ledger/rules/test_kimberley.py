"""Rough diamonds, case by case: a parcel from the Congo to Belgium."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CountryFact
from tests.support.papers import FAIL, INSUFFICIENT, NOT_APPLICABLE, PASS, Line, Paper, attests, check, finding, lists
from tests.support.story import AUTHORITY, BUYER, DEPOT, MINE_A, MINER, Story, coltan_story, start_story
from tests.support.world import new_lot, quantity

ANTWERP = "site:antwerp"


def diamond_story(**change: Any) -> Story:
    """One sealed parcel. change: to (site), packages, sealed, arrived (seals), mineral."""
    story = start_story()
    story.register(ANTWERP, "warehouse", BUYER, "BE-VAN")
    parcel = {**new_lot("lot:parcel", quantity("0.05", "0", {})), "mineral": change.get("mineral", "rough_diamond")}
    if change.get("packages", True):
        parcel["packages"] = 1
    story.on("2026-03-31").extract(MINE_A, parcel, period=("2026-03-02", "2026-03-31"))
    seals = ["S-1"] if change.get("sealed", True) else []
    story.on("2026-04-10").dispatch(
        MINER, BUYER, MINE_A, change.get("to", ANTWERP), "lot:parcel", mode="air", seals=seals
    )
    if change.get("arrived"):
        story.on("2026-04-12").receive(BUYER, ANTWERP, {"lot:parcel": None}, seals=change["arrived"])
    story.subject = "lot:parcel"
    return story


def certificate(issuer: str = AUTHORITY, **more: Any) -> Paper:
    statement = {
        "scheme": "kimberley", "country": "CD", "number": "CD 000123", "exporter": MINER, "importer": "Buyer GmbH",
        "mass": "0.05", "ore": "7102.31", "origins": ["CD"], "customs_value": "20000", "authority": AUTHORITY,
        "verified": "2026-04-05", "validator": "Export office", "issued": "2026-04-06", "expires": "2026-06-06", **more,
    }  # fmt: skip
    given = {name: value for name, value in statement.items() if value is not None}
    return attests(issuer, "certificate", "lot:parcel", given)


def participants(*countries: str, status: str = "participant", end: str = "") -> Paper:
    rows = [CountryFact(one, status, "2003-01-01", end, "KP list", "2026-01-01") for one in countries]
    return lists("kimberley", "2026-01-01", *rows)


FILE: dict[str, Paper] = {"certificate": certificate(), "participants": participants("CD", "BE")}
CASES = {
    "a certificate, a seal, two participants": Line(
        "KPCS.CERT", PASS, words="from CD to BE under certificate CD 000123"
    ),
    "no certificate": Line("KPCS.CERT", FAIL, drop=["certificate"], words="without a Kimberley certificate"),
    "a certificate of another country": Line("KPCS.CERT", FAIL, add={"certificate": certificate(country="RW")}),
    "a certificate of origin is none": Line("KPCS.CERT", FAIL, add={"certificate": certificate(scheme="origin")}),
    "the miner's word for it": Line("KPCS.CERT", INSUFFICIENT, add={"certificate": certificate(MINER)}),
    "used before it was issued": Line("KPCS.CERT", FAIL, add={"certificate": certificate(issued="2026-04-11")}),
    "used after it ran out": Line("KPCS.CERT", FAIL, add={"certificate": certificate(expires="2026-04-09")}),
    "a number without the country": Line("KPCS.CERT", FAIL, add={"certificate": certificate(number="000123")}),
    "a number of another country": Line("KPCS.CERT", FAIL, add={"certificate": certificate(number="BE000123")}),
    "no code of rough diamonds": Line("KPCS.CERT", INSUFFICIENT, add={"certificate": certificate(ore=None)}),
    "no importer": Line("KPCS.CERT", INSUFFICIENT, add={"certificate": certificate(importer=None)}, words="importer"),
    "no value": Line(
        "KPCS.CERT", INSUFFICIENT, add={"certificate": certificate(customs_value=None)}, words="customs value"
    ),
    "nobody validated it": Line("KPCS.CERT", INSUFFICIENT, add={"certificate": certificate(validator=None)}),
    "Belgium is no participant": Line("KPCS.CERT", FAIL, add={"participants": participants("CD")}, words="BE did not"),
    "both are suspended": Line("KPCS.CERT", FAIL, add={"participants": participants("CD", "BE", status="suspended")}),
    "both had left": Line("KPCS.CERT", FAIL, add={"participants": participants("CD", "BE", end="2026-04-09")}),
    "no list of participants": Line("KPCS.CERT", INSUFFICIENT, drop=["participants"]),
}
PARCELS: dict[str, tuple[dict[str, Any], Line]] = {
    "it has not left the country": ({"to": DEPOT}, Line("KPCS.CERT", NOT_APPLICABLE, words="not crossed a border")),
    "without a seal": ({"sealed": False}, Line("KPCS.CERT", INSUFFICIENT, words="No seal")),
    "the seal arrived whole": ({"arrived": ["S-1"]}, Line("KPCS.CERT", PASS)),
    "another seal arrived": ({"arrived": ["S-9"]}, Line("KPCS.CERT", FAIL, words="did not arrive with the seals")),
    "parcels not counted": ({"packages": False}, Line("KPCS.CERT", INSUFFICIENT, words="How many parcels")),
    "its code of goods says what it is": (
        {"mineral": "7102.31"},
        Line("KPCS.CERT", PASS, add={"certificate": certificate(ore=None)}),
    ),
}


@pytest.fixture(scope="module")
def parcel() -> Story:
    return diamond_story()


@pytest.mark.parametrize("words", CASES)
def test_a_parcel(parcel: Story, words: str) -> None:
    line = CASES[words]
    check(finding(parcel, FILE, line, claim="chain_complete"), line)


@pytest.mark.parametrize("words", PARCELS)
def test_other_parcels(words: str) -> None:
    change, line = PARCELS[words]
    check(finding(diamond_story(**change), FILE, line, claim="chain_complete"), line)


def test_coltan_needs_no_certificate_of_kimberley() -> None:
    found = coltan_story().finding("KPCS.CERT")
    assert (found.ruling.outcome, found.ruling.sentence) == (NOT_APPLICABLE, "No lot of the chain is rough diamonds.")


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in read_packs()["kimberley"].rules} == {line.rule for line in CASES.values()}
