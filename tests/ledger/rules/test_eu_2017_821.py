"""Regulation (EU) 2017/821: when it applies, exemptions, and the importer's own house, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.checks.union_imports import parse_annex, parse_item
from ledger.rules.pack import parameters_of
from ledger.rules.packs import read_packs
from tests.ledger.rules import test_eu_2017_821_metals as metals
from tests.ledger.rules import test_eu_2017_821_minerals as minerals
from tests.support.import_file import FILE, LOT, TERMS, assessed, audited, declared, planned, policy
from tests.support.papers import FAIL, INSUFFICIENT, NOT_APPLICABLE, PASS, Line, attests, check, finding
from tests.support.story import (
    AUTHORITY,
    BUYER,
    CUSTOMS,
    EXPORTER,
    MINE_A,
    MINER,
    SMELTER,
    TRADER,
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
    # scope: per importer, item and calendar year, in kg of product
    "the year's imports reach 100,000 kg": Line("EU821.SCOPE", PASS, words="100000 kg of tantalum or niobium ores"),
    "a threshold that was not checked says so": Line("EU821.SCOPE", PASS, words="could not be checked"),
    "one kilogram less": Line(
        "EU821.SCOPE", NOT_APPLICABLE, add={"others": declared("D-2", "99199", BUYER)}, words="99999 kg"
    ),
    "imports besides are in the claim's term": Line("EU821.SCOPE", PASS, drop=["others"], terms={"annual_kg": "99200"}),
    "the year before was above": Line("EU821.SCOPE", PASS, drop=["others"], terms={"previous_kg": "100000"}),
    "the year before was below as well": Line(
        "EU821.SCOPE", NOT_APPLICABLE, drop=["others"], terms={"previous_kg": "99999"}, words="99999 kg"
    ),
    "imports of last year do not count for this one": Line(
        "EU821.SCOPE",
        NOT_APPLICABLE,
        add={
            "others": attests(
                CUSTOMS,
                "import",
                BUYER,
                {
                    "declaration": "D-2",
                    "code_system": "CN",
                    "code": "26159000",
                    "net": "99200",
                    "importer": BUYER,
                    "country_of_origin": "CD",
                    "country_of_dispatch": "MY",
                },
                **{"from": "2025-12-30T00:00:00Z"},
            )
        },
    ),
    "a declaration that two parties attest counts once": Line(
        "EU821.SCOPE",
        NOT_APPLICABLE,
        drop=["others"],
        add={
            "again": attests(
                BUYER,
                "import",
                LOT,
                {
                    "declaration": "D-1",
                    "code_system": "CN",
                    "code": "26159000",
                    "net": "800",
                    "importer": BUYER,
                    "country_of_origin": "CD",
                    "country_of_dispatch": "MY",
                },
            ),
        },
        terms={"annual_kg": "99199"},
        words="99999 kg",
    ),
    "imports of another importer do not count": Line(
        "EU821.SCOPE",
        NOT_APPLICABLE,
        add={"others": declared("D-2", "99200", BUYER, importer=SMELTER)},
        words=" 800 kg",
    ),
    "imports of another item do not count": Line(
        "EU821.SCOPE", NOT_APPLICABLE, add={"others": declared("D-2", "99200", BUYER, code="26090000")}
    ),
    "a lot still on its way counts itself": Line(
        "EU821.SCOPE", PASS, drop=["import"], add={"others": declared("D-2", "99200", BUYER)}
    ),
    "nobody says who imports it": Line(
        "EU821.SCOPE", INSUFFICIENT, drop=["import"], claim="chain_complete", words="under which code"
    ),
    "the declaration says who imports it": Line("EU821.SCOPE", PASS, claim="chain_complete"),
    "an importer outside of the Union": Line(
        "EU821.SCOPE", NOT_APPLICABLE, terms={"importer": SMELTER}, words="established in MY"
    ),
    "an importer whom nobody knows": Line(
        "EU821.SCOPE", INSUFFICIENT, terms={"importer": "did:web:stranger.example"}, words="not enrolled"
    ),
    "TARIC digits of the item": Line("EU821.SCOPE", PASS, terms={"cn": "2615900010"}),
    "TARIC digits of another item": Line(
        "EU821.SCOPE",
        NOT_APPLICABLE,
        add={"import": declared("D-1", "800", code="2615900090", code_system="TARIC")},
        terms={"cn": "2615900090"},
        words="no item of Annex I",
    ),
    "a code that is no item hides no tantalum": Line(
        "EU821.SCOPE", INSUFFICIENT, drop=["import"], terms={"cn": "26059000"}, words="It holds tantalum"
    ),
    "customs confirmed a code that is no item": Line(
        "EU821.SCOPE", NOT_APPLICABLE, add={"import": declared("D-1", "800", code="26059000")}, terms={"cn": "26059000"}
    ),
    "a claim about a site": Line("EU821.SCOPE", NOT_APPLICABLE, claim="conduct", terms={}, subject=MINE_A),
    # exemptions
    "no exemption claimed": Line("EU821.EXEMPT.RECYCLED", NOT_APPLICABLE),
    "said to be recycled, but mined": Line(
        "EU821.EXEMPT.RECYCLED", FAIL, terms={"exemption": "recycled"}, words="it was mined at site:mine-a"
    ),
    "recycled is asked of lots only": Line(
        "EU821.EXEMPT.RECYCLED", NOT_APPLICABLE, claim="conduct", terms={}, subject=MINE_A
    ),
    "no old stock claimed": Line("EU821.EXEMPT.STOCK2013", NOT_APPLICABLE),
    "said to be old stock, but made this year": Line(
        "EU821.EXEMPT.STOCK2013", FAIL, terms={"exemption": "stock_2013"}, words="2026-04-02: not before 2013-02-01"
    ),
    # the importer's own house
    "the policy is public": Line("EU821.4A", PASS),
    "the policy has no address": Line("EU821.4A", INSUFFICIENT, add={"policy": policy(url=None)}),
    "no policy": Line("EU821.4A", INSUFFICIENT, drop=["policy"], words="No policy"),
    "a small importer needs no policy": Line("EU821.4A", NOT_APPLICABLE, drop=["others", "policy"]),
    "the policy covers Annex II": Line("EU821.4B", PASS),
    "the policy leaves bribery out": Line(
        "EU821.4B",
        INSUFFICIENT,
        add={"policy": policy(covers=["A2.1", "A2.3", "A2.5", "A2.12", "A2.13"])},
        words="A2.11",
    ),
    "no policy to cover anything": Line("EU821.4B", INSUFFICIENT, drop=["policy"]),
    "a small importer covers nothing": Line("EU821.4B", NOT_APPLICABLE, drop=["others"]),
    "an officer is responsible": Line("EU821.4C", PASS),
    "the officer is concealed": Line(
        "EU821.4C",
        INSUFFICIENT,
        add={
            "policy": attests(
                BUYER,
                "policy",
                BUYER,
                {"title": "P", "covers": ["records-5-years"], "officer": "O"},
                conceal=["/body/statement/officer"],
            )
        },
        erase=True,
        words="concealed",
    ),
    "a small importer names no officer": Line("EU821.4C", NOT_APPLICABLE, drop=["others"]),
    "the policy is in the contract": Line("EU821.4D", PASS),
    "the contract is with somebody else": Line(
        "EU821.4D",
        INSUFFICIENT,
        add={"contract": attests(BUYER, "contract", BUYER, {"title": "S", "parties": [TRADER], "clause": "7"})},
        words=f"between {BUYER} and {EXPORTER}",
    ),
    "a contract with nobody": Line(
        "EU821.4D",
        INSUFFICIENT,
        drop=["sale", "import"],
        terms={"importer": MINER, "annual_kg": "99999"},
        subject="lot:a-16",
        parameters={"member_states": ["CD"]},
        valid="2026-03-31",
        words="Nothing says from whom",
    ),
    "no contract": Line("EU821.4D", INSUFFICIENT, drop=["contract"], words="No contract"),
    "a small importer shows no contract": Line("EU821.4D", NOT_APPLICABLE, drop=["others"]),
    "there is a channel for grievances": Line("EU821.4E", PASS),
    "no channel": Line("EU821.4E", INSUFFICIENT, drop=["channel"]),
    "a small importer keeps no channel": Line("EU821.4E", NOT_APPLICABLE, drop=["others"]),
    "risks are assessed and answered": Line("EU821.5", PASS),
    "no risk assessment": Line("EU821.5", INSUFFICIENT, drop=["risks"]),
    "an assessment of two years ago": Line("EU821.5", INSUFFICIENT, add={"risks": assessed("2024-05-01")}),
    "a risk without a plan": Line("EU821.5", INSUFFICIENT, drop=["plan"], words="A2.11.BRIBE"),
    "a plan that ran out": Line("EU821.5", FAIL, add={"plan": planned("2026-05-10")}, words="ran out on 2026-05-10"),
    "a plan that ended in breaking off": Line("EU821.5", PASS, add={"plan": planned("2026-05-10", "disengage")}),
    "a small importer assesses nothing": Line("EU821.5", NOT_APPLICABLE, drop=["others"]),
    "the importer is audited": Line("EU821.6", PASS),
    "no audit of the importer": Line("EU821.6", INSUFFICIENT, drop=["audit"]),
    "an audit by itself is none": Line(
        "EU821.6",
        INSUFFICIENT,
        add={
            "audit": attests(
                BUYER,
                "audit",
                BUYER,
                {
                    "facility": BUYER,
                    "scheme": "EU-2017-821",
                    "standard": "Article 6",
                    "metals": ["Ta"],
                    "body": "Own audit",
                },
                result="conform",
            )
        },
        words="only self_attested",
    ),
    "the audit does not conform": Line("EU821.6", FAIL, add={"audit": audited(BUYER, BUYER, "not_conform")}),
    "a small importer is not audited": Line("EU821.6", NOT_APPLICABLE, drop=["others"]),
    "last year's report is not due in May": Line("EU821.7", PASS, words="2024"),
    "in July it is": Line("EU821.7", INSUFFICIENT, valid="2026-07-01", known="2026-07-01", words="2025"),
    "a small importer reports nothing": Line("EU821.7", NOT_APPLICABLE, drop=["others"]),
}


@pytest.mark.parametrize("words", CASES)
def test_the_importers_own_house(ore: Story, words: str) -> None:
    line = CASES[words]
    check(finding(ore, FILE, line, claim="eu_2017_821_import_file", terms=TERMS), line)


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["eu-2017-821"].rules}
    assert rules == {line.rule for line in (*CASES.values(), *minerals.CASES.values(), *metals.METALS.values())}


ANNEX = {
    "26090000": 5000,
    "26110000": 250000,
    "26159000": 100000,
    "26169000": 4000000,
    "7108": 100,
    "28259040": 100000,
    "28259085": 3600,
    "28273910": 10000,
    "28418000": 100000,
    "28419085": 30,
    "28499030": 10000,
    "28499050": 770,
    "72028000": 25000,
    "8001": 100000,
    "80030000": 1400,
    "800700": 2100,
    "81011000": 2500,
    "81019400": 500,
    "81019600": 250,
    "810199": 350,
    "81032000": 2500,
    "810390": 150,
}


def test_annex_i_has_23_items_and_says_which_were_checked() -> None:
    items = parse_annex(tuple(parameters_of(read_packs()["eu-2017-821"])["annex_i"]))
    assert len(items) == 23
    assert {one.codes[0]: one.kg for one in items} == ANNEX
    assert [one.part for one in items].count("A") == 5
    assert sum(one.certain for one in items) == 7
    assert {one.purity for one in items if one.codes == ("7108",)} == {"<99.5", ">=99.5"}


@pytest.mark.parametrize("line", ["", "C; x; 2609; ; tin; ; 5; seen", "A; x; 2609; ; tin; ; 0; seen"])
def test_a_line_that_is_no_item(line: str) -> None:
    with pytest.raises(ValueError, match="is not an item"):
        parse_item(line)


GOLD = {
    "dore of 90 % is of part A": ("90", "A"),
    "gold of 99.4 % is of part A": ("99.4", "A"),
    "gold of 99.5 % has passed refining": ("99.5", "B"),
}


@pytest.mark.parametrize("words", GOLD)
def test_gold_is_told_apart_by_its_fineness(words: str) -> None:
    fineness, part = GOLD[words]
    story = start_story()
    bar = {**new_lot("lot:bar", quantity("2", "0", {"Au": fineness, "Ag": "0.5"})), "mineral": "dore"}
    story.on("2026-03-31").extract(MINE_A, bar, period=("2026-03-02", "2026-03-31"))
    claim = story.claim(
        "eu_2017_821_import_file", {"importer": BUYER, "cn": "71081200", "annual_kg": "98"}, subject="lot:bar"
    )
    found = story.finding("EU821.SCOPE", claim=claim, subject="lot:bar")
    assert found.ruling.outcome is PASS, found.ruling.sentence
    assert found.ruling.figures == {
        "item": next(one.name for one in _gold_items() if one.part == part), "part": part, "year": "2026",
        "imported_kg": "100", "threshold_kg": "100", "threshold_checked": "yes" if part == "A" else "no",
    }  # fmt: skip


def _gold_items() -> list[Any]:
    items = parse_annex(tuple(parameters_of(read_packs()["eu-2017-821"])["annex_i"]))
    return [one for one in items if one.codes == ("7108",)]


def _old_stock(made: str) -> Story:
    story = start_story("2012-06-01")
    first, last = ("2012-05-02", "2012-05-30") if made < "2013" else ("2013-01-02", "2013-02-01")
    story.on(f"{made}T12:00:00Z").extract(MINE_A, *bags("a", 1), period=(first, last))
    return story


STOCKS = {
    "dug in 2012, and counted by the agency then": ("2012-06-10", AUTHORITY, "2012-12-31", PASS),
    "dug in 2012, and counted by its owner": ("2012-06-10", MINER, "2012-12-31", INSUFFICIENT),
    "dug in 2012, and counted too late": ("2012-06-10", AUTHORITY, "2013-02-01", INSUFFICIENT),
    "dug on the first day after": ("2013-02-02", AUTHORITY, "2012-12-31", FAIL),
}


@pytest.mark.parametrize("words", STOCKS)
def test_stock_from_before_2013(words: str) -> None:
    made, counter, counted, outcome = STOCKS[words]
    story = _old_stock(made)
    statement = {"site": MINE_A, "material": "coltan", "opening": "0", "closing": "40", "method": "count"}
    story.on("2026-05-01").attest(counter, "stocktake", "lot:a-1", statement, **{"from": f"{counted}T00:00:00Z"})
    terms = {"importer": BUYER, "cn": "26159000", "annual_kg": "200000", "exemption": "stock_2013"}
    claim = story.claim("eu_2017_821_import_file", terms, subject="lot:a-1")
    found = story.finding("EU821.EXEMPT.STOCK2013", claim=claim, subject="lot:a-1")
    assert found.ruling.outcome is outcome, found.ruling.sentence
    scope = story.finding("EU821.SCOPE", claim=claim, subject="lot:a-1")
    assert scope.ruling.outcome is (NOT_APPLICABLE if outcome is PASS else PASS), scope.ruling.sentence
