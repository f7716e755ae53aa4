"""Regulation (EU) 2017/821, Article 4(f): the file on minerals, case by case."""

from __future__ import annotations

import dataclasses

import pytest

from ledger.rules.case import Background, Case
from ledger.rules.checks.upstream import origins_of
from ledger.rules.outcome import Grade
from ledger.rules.reference.rows import CahraArea, TransitCountry
from ledger.rules.reference.snapshot import References
from ledger.rules.ruling import Ruling
from tests.support.import_file import (
    AREAS,
    ELSEWHERE,
    FILE,
    LOT,
    METAL,
    NO_TRANSIT,
    TERMS,
    certificate,
    declared,
    judged,
    paid,
    smelt,
)
from tests.support.papers import FAIL, INSUFFICIENT, NOT_APPLICABLE, PASS, Line, attests, check, finding, lists, on
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    WAREHOUSE,
    Story,
    bags,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity


@pytest.fixture(scope="module")
def ore() -> Story:
    return coltan_story()


CASES = {
    # minerals
    "trade name and type": Line("EU821.4F.I.DESC", PASS, words="traded as 'Tantalite 28 %'"),
    "a certificate without trade name": Line("EU821.4F.I.DESC", INSUFFICIENT, add={"certificate": certificate(None)}),
    "a metal is no mineral": Line(
        "EU821.4F.I.DESC",
        NOT_APPLICABLE,
        add={"smelt": smelt},
        terms={
            "cn": "81032000",
            "annual_kg": "2500",
        },
        drop=["import", "certificate", "sale"],
        subject=METAL,
    ),
    "the seller with its address": Line("EU821.4F.II.SUPPLIER", PASS, words="Exporter SARL, 1 Example Road, CD"),
    "the holder when nobody sold it": Line("EU821.4F.II.SUPPLIER", PASS, drop=["sale"], words="Smelter SARL"),
    "the importer holds it, from nobody": Line(
        "EU821.4F.II.SUPPLIER",
        INSUFFICIENT,
        drop=["sale", "import"],
        terms={"importer": MINER, "annual_kg": "99999"},
        subject="lot:a-16",
        parameters={"member_states": ["CD"]},
        valid="2026-03-31",
        words="nothing says from whom",
    ),
    "a seller whom nobody knows": Line(
        "EU821.4F.II.SUPPLIER",
        INSUFFICIENT,
        add={"sale": attests(EXPORTER, "ownership", LOT, {"seller": "did:web:stranger.example", "buyer": BUYER})},
    ),
    "a seller without an address": Line(
        "EU821.4F.II.SUPPLIER", INSUFFICIENT, add={"amend": lambda story: story.amend(EXPORTER, address=None)}
    ),
    "the importer received it from the seller": Line(
        "EU821.4F.II.SUPPLIER",
        PASS,
        drop=["sale"],
        terms={"importer": SMELTER, "annual_kg": "99999"},
        parameters={"member_states": ["MY"]},
        words="Exporter SARL",
    ),
    "a small importer names no supplier": Line("EU821.4F.II.SUPPLIER", NOT_APPLICABLE, drop=["others"]),
    "all of it from the Congo, as declared": Line("EU821.4F.III.ORIGIN", PASS, words="CD 100 %"),
    "declared as from Rwanda": Line(
        "EU821.4F.III.ORIGIN",
        FAIL,
        add={"import": declared("D-1", "800", country_of_origin="RW")},
        words="Declared is RW",
    ),
    "a certificate of two countries": Line(
        "EU821.4F.III.ORIGIN",
        FAIL,
        add={"certificate": on("2026-05-21", certificate(origins=("CD", "RW")))},
        words="names CD, RW",
    ),
    "a small importer shows no origin": Line("EU821.4F.III.ORIGIN", NOT_APPLICABLE, drop=["others"]),
    "quantities and dates": Line("EU821.4F.IV.QTYDATE", PASS, words="20 lots were extracted from 2026-03-02"),
    "a small importer shows no dates": Line("EU821.4F.IV.QTYDATE", NOT_APPLICABLE, drop=["others"]),
    "from a listed province, with taxes": Line("EU821.4F.V.CAHRA", PASS, words="CD-NK, which is listed"),
    "from a listed province, without taxes": Line("EU821.4F.V.CAHRA", INSUFFICIENT, drop=["taxes"], words="No tax"),
    "a price is no tax": Line("EU821.4F.V.CAHRA", INSUFFICIENT, add={"taxes": paid("price")}),
    "not listed, but through a country of transit": Line(
        "EU821.4F.V.CAHRA", INSUFFICIENT, drop=["taxes"], add={"areas": ELSEWHERE}, words="moved through RW"
    ),
    "the mine itself in a country of transit": Line(
        "EU821.4F.V.CAHRA",
        PASS,
        add={
            "areas": ELSEWHERE,
            "transit": lists(
                "transit_countries",
                "2026-04-01",
                TransitCountry("CD", ("coltan",), "2020-01-01", "", "OECD", "2020-01-01"),
            ),
        },
        words="such minerals are known to pass",
    ),
    "moved through a country with listed areas": Line(
        "EU821.4F.V.CAHRA",
        PASS,
        add={"areas": lists("eu_cahra", "2026-04-01", CahraArea("TZ", "TZ-01", "A", True, True))},
        words="moved through TZ",
    ),
    "a whole country is listed": Line(
        "EU821.4F.V.CAHRA",
        PASS,
        add={"areas": lists("eu_cahra", "2026-04-01", CahraArea("CD", "", "Congo", True, True))},
    ),
    "nothing listed, no flag, no incident": Line(
        "EU821.4F.V.CAHRA", NOT_APPLICABLE, add={"areas": ELSEWHERE, "transit": NO_TRANSIT}
    ),
    "nothing listed, but a flag of location in a report": Line(
        "EU821.4F.V.CAHRA",
        PASS,
        add={
            "areas": ELSEWHERE,
            "transit": NO_TRANSIT,
            "flag": attests(
                EXPORTER, "risk_assessment", LOT, {"scope": "S", "date": "2026-05-01", "red_flags": ["OECD-RF.LOC2"]}
            ),
        },
        words="red flag of location",
    ),
    "nothing listed, and a flag of another kind in a report": Line(
        "EU821.4F.V.CAHRA",
        NOT_APPLICABLE,
        add={
            "areas": ELSEWHERE,
            "transit": NO_TRANSIT,
            "flag": attests(
                EXPORTER, "risk_assessment", LOT, {"scope": "S", "date": "2026-05-01", "red_flags": ["OECD-RF.SUP1"]}
            ),
        },
    ),
    "nothing listed, but an incident at the mine": Line(
        "EU821.4F.V.CAHRA",
        PASS,
        add={
            "areas": ELSEWHERE,
            "transit": NO_TRANSIT,
            "incident": lambda story: story.incident(AUTHORITY, MINE_A, "A2.3.i"),
        },
        words="an incident of",
    ),
    "an incident about somebody else": Line(
        "EU821.4F.V.CAHRA",
        NOT_APPLICABLE,
        add={
            "areas": ELSEWHERE,
            "transit": NO_TRANSIT,
            "incident": lambda story: story.incident(AUTHORITY, AUDITOR, "A2.3.i"),
        },
    ),
    "neither list is loaded": Line("EU821.4F.V.CAHRA", INSUFFICIENT, drop=["areas", "transit"], words="not loaded"),
    "not listed, and the other list is missing": Line(
        "EU821.4F.V.CAHRA", INSUFFICIENT, drop=["transit"], add={"areas": ELSEWHERE}, words="transit_countries"
    ),
    "a small importer shows nothing more": Line("EU821.4F.V.CAHRA", NOT_APPLICABLE, drop=["others"]),
    # by-products, schemes, lists
    "no by-product in the chain": Line("EU821.4H.BYPRODUCT", NOT_APPLICABLE),
    "a small importer of by-products": Line("EU821.4H.BYPRODUCT", NOT_APPLICABLE, drop=["others"]),
    "minerals have no smelter to prove": Line("EU821.8.SCHEME", NOT_APPLICABLE, drop=["smelter"]),
    "a small importer proves no scheme": Line("EU821.8.SCHEME", NOT_APPLICABLE, drop=["others"]),
    "there is no list of smelters yet": Line("EU821.9.LIST", NOT_APPLICABLE, words="no other list"),
    "the list is to come": Line("EU821.9.LIST", NOT_APPLICABLE, parameters={"article_9_list": "2027-01-01"}),
    "the list is there": Line("EU821.9.LIST", INSUFFICIENT, parameters={"article_9_list": "2026-01-01"}),
    "the chain is screened": Line("EU821.CAHRA", PASS, words="CD-NK, which is listed"),
    "not listed proves nothing": Line(
        "EU821.CAHRA", NOT_APPLICABLE, add={"areas": ELSEWHERE, "transit": NO_TRANSIT}, words="proves nothing"
    ),
    "not listed, but through Rwanda": Line("EU821.CAHRA", PASS, add={"areas": ELSEWHERE}, words="through RW"),
    "no list to screen by": Line("EU821.CAHRA", INSUFFICIENT, drop=["areas"]),
    "a list of last year": Line(
        "EU821.CAHRA",
        INSUFFICIENT,
        add={"areas": lists("eu_cahra", "2025-06-01", CahraArea("CD", "", "C", True, True))},
        words="stale",
    ),
    "not listed, and nothing about transit": Line(
        "EU821.CAHRA", INSUFFICIENT, drop=["transit"], add={"areas": ELSEWHERE}
    ),
    "a small importer is not screened": Line("EU821.CAHRA", NOT_APPLICABLE, drop=["others"]),
    "minerals need no list of smelters": Line("EU821.4G.III.SMELTERS", NOT_APPLICABLE, words="Applies to metals"),
    "minerals have no metal's description": Line("EU821.4G.I", NOT_APPLICABLE),
    "minerals have no metal's supplier": Line("EU821.4G.II", NOT_APPLICABLE),
    "minerals need no audit of smelters": Line("EU821.4G.IV.AUDIT", NOT_APPLICABLE),
    "minerals have their origin by 4(f)": Line("EU821.4G.V.COO", NOT_APPLICABLE),
}


@pytest.mark.parametrize("words", CASES)
def test_a_file_on_minerals(ore: Story, words: str) -> None:
    line = CASES[words]
    check(finding(ore, FILE, line, claim="eu_2017_821_import_file", terms=TERMS), line)


def test_origins_that_cannot_be_followed(ore: Story) -> None:
    facts = ore.facts()
    claim = ore.claim("eu_2017_821_import_file", {**TERMS, "annual_kg": "100000"})
    half = {lot: mined for lot, mined in facts.mined.items() if lot.startswith("lot:a-")}
    partly = dataclasses.replace(facts, mined=half)
    for rule in ("EU821.4F.III.ORIGIN", "EU821.4F.IV.QTYDATE"):
        ruling = judged(rule, claim, partly)
        assert ruling.outcome is INSUFFICIENT
        assert ruling.sentence == "Only 80 % of the material leads back to a mine."
    case = Case(Background(partly, claim, References()), "X", Grade.SELF_ATTESTED, ("producer",))
    assert isinstance(origins_of(case, partly.lots[LOT]), Ruling)


def test_mass_balance_has_no_origin() -> None:
    story = coltan_story()
    mixed = new_lot("lot:mixed", quantity("800", "2", {"Ta2O5": "28.5"}))
    story.on("2026-05-21").transform(SMELTER, PLANT, {LOT: "800"}, mixed, process="concentrate", model="mass_balance")
    story.subject = "lot:mixed"
    AREAS(story)
    claim = story.claim("eu_2017_821_import_file", {**TERMS, "annual_kg": "100000"})
    for rule in ("EU821.4F.III.ORIGIN", "EU821.4F.IV.QTYDATE", "EU821.4F.V.CAHRA"):
        found = story.finding(rule, claim=claim)
        assert found.ruling.outcome is INSUFFICIENT
        assert "mass_balance" in found.ruling.sentence


def test_minerals_that_never_left_their_mine() -> None:
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, *bags("a", 1), period=("2026-03-02", "2026-03-31"))
    tax = {
        "kind": "tax", "purpose": "T", "payer": MINER, "payee_class": "government", "amount": "1", "currency": "USD",
        "date": "2026-03-31", "method": "bank",
    }  # fmt: skip
    story.on("2026-04-02").attest(MINER, "payment", "lot:a-1", tax)
    AREAS(story)
    claim = story.claim("eu_2017_821_import_file", {**TERMS, "annual_kg": "100000"}, subject="lot:a-1")
    found = story.finding("EU821.4F.V.CAHRA", claim=claim, subject="lot:a-1")
    assert found.ruling.outcome is PASS, found.ruling.sentence
    assert WAREHOUSE not in found.ruling.sentence
    assert DEPOT not in found.ruling.sentence
