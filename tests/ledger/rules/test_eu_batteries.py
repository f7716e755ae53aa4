"""Regulation (EU) 2023/1542, case by case: cobalt hydroxide from Kolwezi for a company that makes batteries."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CahraArea
from tests.support.papers import (
    FAIL,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Line,
    Paper,
    attests,
    check,
    finding,
    lists,
    on,
)
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    EXPORTER,
    MINE_A,
    MINER,
    MINER_B,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    start_story,
)
from tests.support.world import new_lot, quantity

CAKE, SULPHATE = "lot:cake", "lot:sulphate"
TERMS = {"company": BUYER, "turnover_meur": "40", "allocated_kg": "3000", "model": "Pack-75"}
CATEGORIES = [
    "air", "water", "soil", "biodiversity", "hazardous-substances", "noise-vibration", "plant-safety", "energy",
    "waste", "health-safety", "child-labour", "forced-labour", "discrimination", "trade-unions", "community-life",
]  # fmt: skip
DIGEST = "ab" * 32


def cobalt_story(month: str = "2027-09") -> Story:
    """A truck of filter cake, worked by the refiner; in the month given."""
    story = start_story("2027-01-05")
    cake = {**new_lot("x", quantity("25000", "55", {"Co": "32"})), "mineral": "cobalt_hydroxide"}
    story.on(f"{month}-01").extract(
        MINE_A, {**cake, "id": CAKE}, period=(f"{month}-01", f"{month}-01"), method="large_scale"
    )
    story.on(f"{month}-03").dispatch(MINER, SMELTER, MINE_A, PLANT, CAKE)
    story.on(f"{month}-20").receive(SMELTER, PLANT, {CAKE: None})
    sulphate = {**new_lot(SULPHATE, quantity("16600", "0", {"CoSO4.7H2O": "100"})), "mineral": "cobalt_sulphate"}
    additions, losses = [{"material": "acid", "mass": "5000"}], [{"kind": "water", "mass": "13400"}]
    story.on(f"{month}-25").transform(
        SMELTER, PLANT, {CAKE: "25000"}, sulphate, process="refine", additions=additions, losses=losses
    )
    story.subject = SULPHATE
    return story


def sold(seller: str, buyer: str, lot: str, **body: Any) -> Paper:
    return attests(seller, "ownership", lot, {"seller": seller, "buyer": buyer}, **body)


def verified(party: str, result: str = "conform", scheme: str = "EU-2023-1542", issuer: str = AUDITOR) -> Paper:
    statement = {"facility": party, "scheme": scheme, "standard": "Article 51", "metals": ["Co"], "body": "Body 0001"}
    return attests(issuer, "audit", party, statement, result=result, **{"from": "2027-01-01T00:00:00Z"})


def risks(*assessed: str, flags: tuple[str, ...] = ()) -> Paper:
    statement = {"scope": "Cobalt", "date": "2027-09-01", "assessed": [*assessed], "red_flags": [*flags]}
    return attests(BUYER, "risk_assessment", BUYER, statement)


def certificate(**more: Any) -> Paper:
    statement = {
        "scheme": "origin", "country": "MY", "number": "M-1", "exporter": SMELTER, "mass": "16600", "origins": ["CD"],
        "authority": AUTHORITY, "verified": "2027-09-26", "issued": "2027-09-26", "expires": "2027-12-01",
        "description": "Cobalt sulphate heptahydrate", **more,
    }  # fmt: skip
    return attests(AUTHORITY, "certificate", SULPHATE, statement)


TAX = {
    "kind": "royalty", "purpose": "Royalty", "payer": MINER, "payee_class": "government", "amount": "500",
    "currency": "USD", "date": "2027-09-02", "method": "bank",
}  # fmt: skip
AREAS = lists("eu_cahra", "2027-08-01", CahraArea("CD", "CD-NK", "Nord-Kivu", True, True))
ELSEWHERE = lists("eu_cahra", "2027-08-01", CahraArea("YE", "", "Yemen", True, True))
REPORT = {"year": 2026, "url": "https://example.org/report", "digest": DIGEST}

FILE: dict[str, Paper] = {
    "certificate": on("2027-09-26", certificate()),
    "first sale": sold(MINER, SMELTER, CAKE, **{"from": "2027-09-20T00:00:00Z"}),  # on record after it was worked
    "second sale": sold(SMELTER, BUYER, SULPHATE),
    "risks": risks(*CATEGORIES, flags=("child-labour",)),
    "company": verified(BUYER),
    "miner": verified(MINER),
    "refiner": verified(SMELTER),
    "royalty": attests(MINER, "payment", MINE_A, TAX),
    "report": attests(BUYER, "annual_report", BUYER, REPORT),
    "areas": AREAS,
    "transit": lists("transit_countries", "2027-08-01"),
}


def balanced(story: Story) -> None:
    credit = {**new_lot("lot:credit", quantity("16600", "0", {"CoSO4.7H2O": "100"})), "mineral": "cobalt_sulphate"}
    story.transform(SMELTER, PLANT, {SULPHATE: "16600"}, credit, process="retag", model="mass_balance")


@pytest.fixture(scope="module")
def cobalt() -> Story:
    return cobalt_story()


CASES = {
    "cobalt for a company of EUR 40 million": Line("EUBATT.SCOPE", PASS, words="cobalt"),
    "a smaller company": Line("EUBATT.SCOPE", NOT_APPLICABLE, terms={"turnover_meur": "39.9"}),
    "a smaller company that wants to know": Line(
        "EUBATT.SCOPE", PASS, terms={"turnover_meur": None, "early_adopter": True}
    ),
    "a company that does not say how large it is": Line("EUBATT.SCOPE", INSUFFICIENT, terms={"turnover_meur": None}),
    "the limit is raised to 150": Line("EUBATT.SCOPE", NOT_APPLICABLE, parameters={"turnover_meur": "150"}),
    "the duties are moved again": Line(
        "EUBATT.SCOPE", NOT_APPLICABLE, parameters={"duties_since": "2028-08-18"}, words="due from 2028-08-18"
    ),
    "they are moved, and the company goes ahead": Line(
        "EUBATT.SCOPE", PASS, parameters={"duties_since": "2028-08-18"}, terms={"early_adopter": True}
    ),
    "a claim about a mine": Line("EUBATT.SCOPE", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "copper is not in the annex": Line("EUBATT.SCOPE", NOT_APPLICABLE, parameters={"materials": ["lithium"]}),
    "trade name and type": Line("EUBATT.49.DESC", PASS, words="Cobalt sulphate heptahydrate"),
    "no trade name": Line(
        "EUBATT.49.DESC", INSUFFICIENT, add={"certificate": on("2027-09-26", certificate(description=None))}
    ),
    "no description of what is out of scope": Line("EUBATT.49.DESC", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "the supplier with its address": Line("EUBATT.49.SUP", PASS, words="Smelter SARL"),
    "the holder, when no company is named": Line("EUBATT.49.SUP", PASS, terms={"company": None}),
    "the supplier without its name": Line(
        "EUBATT.49.SUP", INSUFFICIENT, add={"amend": lambda story: story.amend(SMELTER, name=None)}
    ),
    "no supplier of what is out of scope": Line("EUBATT.49.SUP", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "every sale from the mine on": Line("EUBATT.49.COO", PASS, words="2 sales lead from extraction"),
    "the miner never sold it": Line("EUBATT.49.COO", INSUFFICIENT, drop=["first sale"], words="belongs to"),
    "nobody sold anything": Line(
        "EUBATT.49.COO", INSUFFICIENT, drop=["first sale", "second sale"], words=f"No sale leads from {MINER}"
    ),
    "the refiner has not sold it yet": Line("EUBATT.49.COO", PASS, drop=["second sale"], words=f"to {SMELTER}"),
    "no company is named": Line("EUBATT.49.COO", INSUFFICIENT, terms={"company": None}, words="No sale leads"),
    "two gaps": Line(
        "EUBATT.49.COO",
        INSUFFICIENT,
        add={"first sale": sold(TRADER, EXPORTER, CAKE, **{"from": "2027-09-20T00:00:00Z"})},
        words="And 1 more gaps",
    ),
    "mass balance has no origin": Line(
        "EUBATT.49.COO", INSUFFICIENT, add={"blend": balanced}, subject="lot:credit", words="mass_balance"
    ),
    "no sales of what is out of scope": Line("EUBATT.49.COO", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "3,000 kg of the 3,480 kg are allotted": Line("EUBATT.49.QTY", PASS, words="battery model Pack-75"),
    "3,500 kg are more than it holds": Line("EUBATT.49.QTY", FAIL, terms={"allocated_kg": "3500"}),
    "allotted to no model": Line("EUBATT.49.QTY", PASS, terms={"model": None}, words="3000 kg of Co are allotted"),
    "nothing is allotted": Line("EUBATT.49.QTY", INSUFFICIENT, terms={"allocated_kg": None}),
    "allotted of an element that was never assayed": Line("EUBATT.49.QTY", INSUFFICIENT, terms={"element": "Ni"}),
    "allotted of its cobalt": Line("EUBATT.49.QTY", PASS, terms={"element": "Co"}),
    "no quantity of what is out of scope": Line("EUBATT.49.QTY", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "every supplier is verified": Line("EUBATT.49.VERIF", PASS, words="Body 0001"),
    "a supplier did not conform": Line("EUBATT.49.VERIF", FAIL, add={"miner": verified(MINER, "not_conform")}),
    "without reports, the information of risk does": Line("EUBATT.49.VERIF", NOT_APPLICABLE, drop=["miner"]),
    "without reports and without royalties": Line("EUBATT.49.VERIF", INSUFFICIENT, drop=["miner", "royalty"]),
    "without reports, from nowhere of risk": Line(
        "EUBATT.49.VERIF", NOT_APPLICABLE, drop=["miner", "royalty"], add={"areas": ELSEWHERE}
    ),
    "a report by the supplier itself": Line(
        "EUBATT.49.VERIF", INSUFFICIENT, drop=["royalty"], add={"miner": verified(MINER, issuer=MINER)}
    ),
    "a report under another scheme": Line(
        "EUBATT.49.VERIF", INSUFFICIENT, drop=["royalty"], add={"miner": verified(MINER, scheme="RMAP")}
    ),
    "no reports of what is out of scope": Line("EUBATT.49.VERIF", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "reports make further information unnecessary": Line("EUBATT.49.CAHRA", NOT_APPLICABLE),
    "without reports, from a listed province": Line("EUBATT.49.CAHRA", PASS, drop=["miner"], words="CD-NK"),
    "without reports, and no royalties": Line("EUBATT.49.CAHRA", INSUFFICIENT, drop=["miner", "royalty"]),
    "no information of what is out of scope": Line("EUBATT.49.CAHRA", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "all 15 categories": Line("EUBATT.50.RISK", PASS, words="found: child-labour"),
    "all 15, and nothing found": Line("EUBATT.50.RISK", PASS, add={"risks": risks(*CATEGORIES)}, words="nothing"),
    "noise was forgotten": Line(
        "EUBATT.50.RISK",
        INSUFFICIENT,
        add={"risks": risks(*(one for one in CATEGORIES if one != "noise-vibration"))},
        words="noise-vibration",
    ),
    "no risk assessment": Line("EUBATT.50.RISK", INSUFFICIENT, drop=["risks"]),
    "risks of nobody": Line("EUBATT.50.RISK", INSUFFICIENT, terms={"company": None}, words="does not name the company"),
    "no risks of what is out of scope": Line("EUBATT.50.RISK", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "the policy was verified": Line("EUBATT.51.NB", PASS),
    "the policy was not verified": Line("EUBATT.51.NB", INSUFFICIENT, drop=["company"]),
    "the policy does not conform": Line("EUBATT.51.NB", FAIL, add={"company": verified(BUYER, "not_conform")}),
    "no policy of what is out of scope": Line("EUBATT.51.NB", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "the report is public": Line("EUBATT.52.REPORT", PASS, words="2026"),
    "no report": Line("EUBATT.52.REPORT", INSUFFICIENT, drop=["report"], words="2025"),
    "no report of what is out of scope": Line("EUBATT.52.REPORT", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
    "the passport has its link": Line("EUBATT.77.PASSPORT", PASS, words="https://example.org/report"),
    "the passport has no link": Line("EUBATT.77.PASSPORT", INSUFFICIENT, drop=["report"]),
    "passports are not due yet": Line(
        "EUBATT.77.PASSPORT", NOT_APPLICABLE, parameters={"passport_since": "2028-01-01"}, words="2028-01-01"
    ),
    "no passport of what is out of scope": Line("EUBATT.77.PASSPORT", NOT_APPLICABLE, terms={"turnover_meur": "1"}),
}


@pytest.mark.parametrize("words", CASES)
def test_a_file_on_cobalt(cobalt: Story, words: str) -> None:
    line = CASES[words]
    check(finding(cobalt, FILE, line, claim="eu_battery_due_diligence", terms=TERMS), line)


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in read_packs()["eu-batteries"].rules} == {line.rule for line in CASES.values()}


def test_a_lot_of_which_nobody_knows_what_it_is() -> None:
    story = start_story("2027-08-05")
    unknown = {**new_lot("lot:x", quantity("40", "2", {})), "mineral": "ore-17"}
    story.on("2027-09-01").extract(MINE_A, unknown, period=("2027-09-01", "2027-09-01"))
    for rule, kind, terms in (
        ("EUBATT.SCOPE", "eu_battery_due_diligence", TERMS),
        ("US1502.SCOPE", "us_import", {}),
        ("EUCRMA.LISTED", "us_import", {}),
    ):
        found = story.finding(rule, claim=story.claim(kind, terms, subject="lot:x"), subject="lot:x")
        assert found.ruling.outcome is INSUFFICIENT, found.ruling.sentence


def test_metal_without_an_assay_cannot_be_allotted() -> None:
    story = start_story("2027-08-05")
    bare = {**new_lot("lot:x", quantity("40", "2", {})), "mineral": "cobalt"}
    story.on("2027-09-01").extract(MINE_A, bare, period=("2027-09-01", "2027-09-01"))
    claim = story.claim("eu_battery_due_diligence", TERMS, subject="lot:x")
    found = story.finding("EUBATT.49.QTY", claim=claim, subject="lot:x")
    assert (found.ruling.outcome, found.ruling.sentence) == (
        INSUFFICIENT,
        "No assay says how much metal the lot holds.",
    )


MIXTURES: dict[str, tuple[Any, Any]] = {
    "two owners' lots put together without a sale": ((), INSUFFICIENT),
    "one owner bought the other's lot first": (((MINER_B, MINER, "lot:b"), (MINER, SMELTER, "lot:mixed")), PASS),
    "the refiner works for the owner of both": (((MINER_B, MINER, "lot:b"), (MINER, BUYER, "lot:mixed")), PASS),
}


@pytest.mark.parametrize("words", MIXTURES)
def test_sales_along_a_mixture(words: str) -> None:
    """Custody goes to the warehouse and the plant at once; ownership goes its own way."""
    sales, outcome = MIXTURES[words]
    story = start_story("2027-08-05")
    story.on("2027-09-01")
    for site, lot in ((MINE_A, "lot:a"), ("site:mine-b", "lot:b")):
        ore = {**new_lot(lot, quantity("1000", "10", {"Co": "8"})), "mineral": "heterogenite"}
        story.extract(site, ore, period=("2027-09-01", "2027-09-01"))
    for owner, lot in ((MINER, "lot:a"), (MINER_B, "lot:b")):
        story.dispatch(owner, SMELTER, WAREHOUSE, PLANT, lot)
    story.on("2027-09-10").receive(SMELTER, PLANT, {"lot:a": None, "lot:b": None})
    for seller, buyer, lot in sales[:1]:
        sold(seller, buyer, lot)(story)
    mixed = {**new_lot("lot:mixed", quantity("2000", "10", {"Co": "8"})), "mineral": "heterogenite"}
    story.on("2027-09-12").transform(SMELTER, PLANT, {"lot:a": "1000", "lot:b": "1000"}, mixed)
    for seller, buyer, lot in sales[1:]:
        sold(seller, buyer, lot)(story)
    story.subject = "lot:mixed"
    found = story.finding("EUBATT.49.COO", claim=story.claim("eu_battery_due_diligence", TERMS))
    assert found.ruling.outcome is outcome, found.ruling.sentence
    if outcome is INSUFFICIENT:
        assert (
            "made from lots of did:web:cooperative-a.example and did:web:cooperative-b.example" in found.ruling.sentence
        )
