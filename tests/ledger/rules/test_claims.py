"""What claims say of themselves: origin, chain, custody model, quantity, and where it must not come from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.rules.case import Background
from ledger.rules.engine import judge_rule
from ledger.rules.outcome import Outcome
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from tests.support.story import DEPOT, MINE_A, PLANT, SMELTER, TRADER, Story, coltan_story
from tests.support.world import new_lot, quantity

CASES = {
    "all of it comes from the country": ("CLAIM.ORIGIN", "origin", {"country": "CD"}, Outcome.PASS),
    "four fifths come from mine A": ("CLAIM.ORIGIN", "origin", {"site": MINE_A, "share": "80"}, Outcome.PASS),
    "not all of it comes from mine A": ("CLAIM.ORIGIN", "origin", {"site": MINE_A}, Outcome.FAIL),
    "nothing of it comes from the neighbour": ("CLAIM.ORIGIN", "origin", {"country": "RW"}, Outcome.FAIL),
    "the chain leads to its mines": ("CLAIM.CHAIN", "chain_complete", {}, Outcome.PASS),
    "it was kept segregated": ("CLAIM.MODEL", "custody_model", {"model": "segregated"}, Outcome.PASS),
    "its identity was not preserved": ("CLAIM.MODEL", "custody_model", {"model": "identity_preserved"}, Outcome.FAIL),
    "it holds 800 kg": ("CLAIM.QUANTITY", "quantity", {"kg": "800"}, Outcome.PASS),
    "it does not hold 810 kg": ("CLAIM.QUANTITY", "quantity", {"kg": "810"}, Outcome.FAIL),
    "it holds 183 kg of tantalum": ("CLAIM.QUANTITY", "quantity", {"kg": "182.99", "element": "Ta"}, Outcome.PASS),
    "it does not hold 223 kg of tantalum": (
        "CLAIM.QUANTITY",
        "quantity",
        {"kg": "223.44", "element": "Ta"},
        Outcome.FAIL,
    ),
    "its tin was never assayed": ("CLAIM.QUANTITY", "quantity", {"kg": "5", "element": "Sn"}, Outcome.INSUFFICIENT),
    "nothing comes from Uganda": ("CLAIM.NOTFROM", "not_from", {"countries": ["UG"]}, Outcome.PASS),
    "it travelled through Rwanda": ("CLAIM.NOTFROM", "not_from", {"countries": ["RW"]}, Outcome.FAIL),
    "it was at the depot": ("CLAIM.NOTFROM", "not_from", {"sites": [DEPOT]}, Outcome.FAIL),
    "the trader held it": ("CLAIM.NOTFROM", "not_from", {"parties": [TRADER]}, Outcome.FAIL),
    "it was in North Kivu": ("CLAIM.NOTFROM", "not_from", {"subdivisions": ["CD-NK"]}, Outcome.FAIL),
}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


@pytest.mark.parametrize("words", CASES)
def test_claims_own_rules(story: Story, words: str) -> None:
    rule, kind, terms, outcome = CASES[words]
    found = story.finding(rule, claim=story.claim(kind, terms))
    assert (found.ruling.outcome, found.rule.id) == (outcome, rule), found.ruling.sentence
    assert found.ruling.evidence or outcome is Outcome.INSUFFICIENT
    assert bool(found.ruling.missing) == (outcome is Outcome.INSUFFICIENT)


def test_a_rule_about_another_claim_is_not_applicable(story: Story) -> None:
    found = story.finding("CLAIM.ORIGIN", claim=story.claim("chain_complete"))
    assert found.ruling.outcome is Outcome.NOT_APPLICABLE
    assert PLANT in story.facts().chain_sites


def test_mass_balance_supports_no_claim_of_origin() -> None:
    story = coltan_story()
    amount = quantity("790", "2", {"Ta2O5": "28.5"})
    story.on("2026-05-22").transform(
        SMELTER, PLANT, {"lot:export": "800"}, new_lot("lot:account", amount), process="smelt", model="mass_balance"
    )
    claim = story.claim("origin", {"country": "CD"}, subject="lot:account")
    found = story.finding("CLAIM.ORIGIN", claim=claim, subject="lot:account")
    assert (found.ruling.outcome, "supports no claim of origin" in found.ruling.sentence) == (Outcome.FAIL, True)


UNKNOWN = {
    "CLAIM.ORIGIN": ("origin", {"country": "CD"}),
    "CLAIM.CHAIN": ("chain_complete", {}),
    "CLAIM.NOTFROM": ("not_from", {"countries": ["UG"]}),
}


@pytest.mark.parametrize("rule", UNKNOWN)
def test_material_of_unknown_origin_proves_nothing(story: Story, rule: str) -> None:
    kind, terms = UNKNOWN[rule]
    facts = replace(story.facts(), mined={})
    back = Background(facts, story.claim(kind, terms), References())
    form = next(one for one in read_packs()["claims"].rules if one.id == rule)
    found = judge_rule(form, "claims", back, {})
    assert (found.ruling.outcome, bool(found.ruling.missing)) == (Outcome.INSUFFICIENT, True)
