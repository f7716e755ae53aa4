"""Regulation (EU) 2017/821, Articles 4(g), 4(h) and 8: the file on metals, case by case."""

from __future__ import annotations

import dataclasses

import pytest

from tests.support.import_file import (
    AREAS,
    ELSEWHERE,
    LOT,
    METAL,
    METAL_TERMS,
    NO_TRANSIT,
    SMELTED,
    TERMS,
    TRANSIT,
    audited,
    judged,
    paid,
    smelt,
)
from tests.support.papers import (
    FAIL,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Line,
    attests,
    check,
    finding,
    several,
)
from tests.support.story import PLANT, SMELTER, Story, coltan_story
from tests.support.world import new_lot, quantity


@pytest.fixture(scope="module")
def metal() -> Story:
    return smelt(coltan_story())


METALS = {
    "2,682 kg of tantalum powder": Line("EU821.SCOPE", PASS, words="2682 kg of tantalum, unwrought"),
    "a code of four digits may be two items": Line(
        "EU821.SCOPE", INSUFFICIENT, drop=["import"], terms={"cn": "8103"}, words="may be"
    ),
    "trade name and type of the metal": Line("EU821.4G.I", PASS),
    "no trade name of the metal": Line("EU821.4G.I", INSUFFICIENT, drop=["certificate"]),
    "the smelter sold it": Line("EU821.4G.II", PASS, words="Smelter SARL"),
    "the seller hides its name": Line(
        "EU821.4G.II", INSUFFICIENT, add={"amend": lambda story: story.amend(SMELTER, name=None)}
    ),
    "the smelter with its address": Line("EU821.4G.III.SMELTERS", PASS, words="smelter at site:plant"),
    "the smelter without its address": Line(
        "EU821.4G.III.SMELTERS", INSUFFICIENT, add={"amend": lambda story: story.amend(SMELTER, address=None)}
    ),
    "a small importer names no smelter": Line(
        "EU821.4G.III.SMELTERS", NOT_APPLICABLE, terms={"annual_kg": "100"}, drop=["others"]
    ),
    "the smelter was audited under the scheme": Line("EU821.4G.IV.AUDIT", PASS, words="conformant under RMAP"),
    "without an audit the origins do": Line(
        "EU821.4G.IV.AUDIT", NOT_APPLICABLE, drop=["smelter"], words="given instead"
    ),
    "without an audit and without taxes": Line("EU821.4G.IV.AUDIT", INSUFFICIENT, drop=["smelter", "taxes"]),
    "audits make origins unnecessary": Line("EU821.4G.V.COO", NOT_APPLICABLE),
    "origins without audits": Line("EU821.4G.V.COO", PASS, drop=["smelter"], words="CD-NK, which is listed"),
    "origins without audits, from nowhere of risk": Line(
        "EU821.4G.V.COO", PASS, drop=["smelter"], add={"areas": ELSEWHERE, "transit": NO_TRANSIT}, words="CD 100 %"
    ),
    "origins without audits and without lists": Line(
        "EU821.4G.V.COO", INSUFFICIENT, drop=["smelter", "areas", "transit"]
    ),
    "origins of a small importer": Line("EU821.4G.V.COO", NOT_APPLICABLE, terms={"annual_kg": "100"}, drop=["others"]),
    "a small importer has no audits": Line(
        "EU821.4G.IV.AUDIT", NOT_APPLICABLE, terms={"annual_kg": "100"}, drop=["others"]
    ),
    "the scheme's own audit": Line("EU821.8.SCHEME", PASS),
    "an audit taken over from another scheme": Line(
        "EU821.8.SCHEME", FAIL, add={"smelter": audited(PLANT, PLANT, cross_recognised=True)}, words="taken over"
    ),
    "an audit of another standard": Line(
        "EU821.8.SCHEME",
        FAIL,
        add={"smelter": audited(PLANT, PLANT, standard="Cobalt")},
        words="another scheme or standard",
    ),
    "an audit that began after the receipt": Line(
        "EU821.8.SCHEME", NOT_APPLICABLE, add={"smelter": audited(PLANT, PLANT, start="2026-05-21")}
    ),
    "an audit of the company is none of the facility": Line(
        "EU821.8.SCHEME", NOT_APPLICABLE, add={"smelter": audited(SMELTER, SMELTER)}
    ),
    "an audit by the smelter itself is none": Line(
        "EU821.8.SCHEME",
        NOT_APPLICABLE,
        add={
            "smelter": attests(
                SMELTER,
                "audit",
                PLANT,
                {
                    "facility": PLANT,
                    "scheme": "RMAP",
                    "standard": "Tin and Tantalum",
                    "metals": ["Ta"],
                    "body": "Own",
                },
                result="conform",
            )
        },
    ),
    "the scheme was recognised after the receipt": Line(
        "EU821.8.SCHEME",
        INSUFFICIENT,
        parameters={"recognised_since": "2026-05-21"},
        words="recognised from 2026-05-21",
    ),
    "no audit of the importer where all smelters are of the scheme": Line("EU821.6", NOT_APPLICABLE, drop=["audit"]),
    "an audit of the importer where they are not": Line("EU821.6", INSUFFICIENT, drop=["audit", "smelter"]),
    "the importer bought it from the smelter": Line("EU821.4F.III.ORIGIN", NOT_APPLICABLE, words="Applies to minerals"),
}


@pytest.mark.parametrize("words", METALS)
def test_a_file_on_metal(metal: Story, words: str) -> None:
    line = METALS[words]
    check(finding(metal, SMELTED, line, claim="eu_2017_821_import_file", terms=METAL_TERMS), line)


BYPRODUCTS = {
    "separated at the plant": ({}, PASS),
    "separated by somebody without a name": ({"name": None}, INSUFFICIENT),
}


@pytest.mark.parametrize("words", BYPRODUCTS)
def test_a_by_product_is_known_from_where_it_was_separated(words: str) -> None:
    amended, outcome = BYPRODUCTS[words]
    story = smelt(coltan_story(), role="by_product")
    if amended:
        story.amend(SMELTER, **amended)
    claim = story.claim("eu_2017_821_import_file", METAL_TERMS)
    found = story.finding("EU821.4H.BYPRODUCT", claim=claim)
    assert found.ruling.outcome is outcome, found.ruling.sentence
    assert "separated at site:plant in MY-01" in found.ruling.sentence


def test_metal_without_a_smelter_in_its_chain() -> None:
    story = coltan_story()
    powder = {**new_lot(METAL, quantity("182", "0", {"Ta": "99.9"})), "mineral": "tantalum"}
    story.register("site:works", "plant", SMELTER, "MY-01")
    story.on("2026-05-20T18:00:00Z").transform(
        SMELTER, "site:works", {LOT: "800"}, powder, process="refine", losses=[{"kind": "slag", "mass": "618"}]
    )
    story.subject = METAL
    claim = story.claim("eu_2017_821_import_file", METAL_TERMS)
    # the coltan went through the smelter's own site first: take that out of the chain
    facts = story.facts()
    bare = dataclasses.replace(facts, chain_sites=tuple(one for one in facts.chain_sites if one != PLANT))
    for rule, outcome in (("EU821.4G.III.SMELTERS", INSUFFICIENT), ("EU821.4G.IV.AUDIT", INSUFFICIENT)):
        assert judged(rule, claim, bare).outcome is outcome
    assert judged("EU821.4G.V.COO", claim, bare).outcome is INSUFFICIENT  # no lists are loaded
    assert judged("EU821.6", claim, bare).outcome is INSUFFICIENT


def test_mass_balance_from_a_listed_province_lacks_its_mine() -> None:
    story = coltan_story()
    mixed = {**new_lot("lot:mixed", quantity("182", "0", {"Ta": "99.9"})), "mineral": "tantalum"}
    losses = [{"kind": "slag", "mass": "618"}]
    story.on("2026-05-21").transform(
        SMELTER, PLANT, {LOT: "800"}, mixed, process="smelt", model="mass_balance", losses=losses
    )
    story.subject = "lot:mixed"
    several(AREAS, TRANSIT, paid())(story)
    ore_claim = story.claim("eu_2017_821_import_file", {**TERMS, "annual_kg": "100000"}, subject=LOT)
    assert story.finding("EU821.4F.V.CAHRA", claim=ore_claim, subject=LOT).ruling.outcome is PASS
    claim = story.claim("eu_2017_821_import_file", METAL_TERMS)
    for rule in ("EU821.4G.V.COO", "EU821.4G.IV.AUDIT"):
        assert story.finding(rule, claim=claim).ruling.outcome is INSUFFICIENT
