"""Other rules of Europe, case by case: critical raw materials, forced labour, Switzerland."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from tests.support.papers import (
    FAIL,
    FLAG,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Line,
    Paper,
    attests,
    check,
    finding,
    on,
)
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    CUSTOMS,
    EXPORTER,
    MINE_A,
    MINE_B,
    MONITOR,
    Story,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity

SWISS = "did:web:swiss-refiner.example"


def inspected(site: str, result: str | None = "conform", **found: Any) -> Paper:
    statement = {"number": "I-1", "date": "2026-03-20", "office": "Mines agency", **found}
    return attests(AUTHORITY, "inspection", site, statement, **({"result": result} if result else {}))


def audited(site: str) -> Paper:
    statement = {
        "facility": site,
        "scheme": "Labour",
        "standard": "Forced labour",
        "metals": ["Ta"],
        "body": "Assurance SA",
    }
    return attests(AUDITOR, "audit", site, statement, result="conform")


def conformity(by: str = "did:web:certifier.example") -> Paper:
    statement = {
        "scheme": "conformity", "country": "CD", "number": "C-1", "exporter": EXPORTER, "mass": "800",
        "origins": ["CD"], "authority": by, "verified": "2026-04-05", "issued": "2026-04-06", "expires": "2027-04-06",
    }  # fmt: skip
    return attests(AUDITOR, "certificate", "lot:export", statement)


def reported(category: str, *, issuer: str = MONITOR, **body: Any) -> Paper:
    period = {"from": "2026-03-05T00:00:00Z", "to": "2026-03-06T00:00:00Z"}
    return lambda story: story.incident(issuer, MINE_A, category, period=period, **body)


def policy(*covers: str) -> Paper:
    return attests(SWISS, "policy", SWISS, {"title": "Policy", "covers": [*covers]})


IMPORT = {
    "declaration": "D-1", "code_system": "HS", "code": "261590", "net": "800", "importer": SWISS,
    "country_of_origin": "CD", "country_of_dispatch": "MY",
}  # fmt: skip
NO_CHILDREN = {"under_15": 0, "aged_15_to_18": 0}
FILE: dict[str, Paper] = {
    "swiss": lambda story: story.enrol(SWISS, "CH", ["refiner"], name="Swiss Refiner AG"),
    "import": attests(CUSTOMS, "import", "lot:export", IMPORT),
    "policy": policy("minerals", "child-labour"),
    "mine a": inspected(MINE_A, children=NO_CHILDREN),
    "mine b": inspected(MINE_B, children=NO_CHILDREN),
}
LABOUR: dict[str, Paper] = {"mine a": audited(MINE_A), "mine b": audited(MINE_B), "later": on("2027-12-15")}

CASES = {
    "tantalum is critical": Line("EUCRMA.LISTED", PASS, words="critical: niobium, tantalum"),
    "a list without it": Line(
        "EUCRMA.LISTED", NOT_APPLICABLE, parameters={"strategic": ["cobalt"], "critical": ["cobalt"]}
    ),
    "a mine is no raw material": Line("EUCRMA.LISTED", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "nobody says that it is certified": Line("EUCRMA.SCHEME", NOT_APPLICABLE),
    "certified by a scheme that is not recognised": Line(
        "EUCRMA.SCHEME", INSUFFICIENT, add={"paper": conformity()}, words="none is known"
    ),
    "certified by a recognised scheme": Line(
        "EUCRMA.SCHEME",
        PASS,
        add={"paper": conformity()},
        parameters={"recognised_certifiers": ["did:web:certifier.example"]},
    ),
    "certified, but not critical": Line(
        "EUCRMA.SCHEME",
        NOT_APPLICABLE,
        add={"paper": conformity()},
        parameters={"strategic": ["cobalt"], "critical": ["cobalt"]},
    ),
    "a mine is not certified": Line("EUCRMA.SCHEME", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "the ban does not hold yet": Line("EUFLR.BAN", NOT_APPLICABLE, words="Applies from 2027-12-14"),
    "a Swiss importer with policy and inspections": Line("CH.VSOTR", PASS),
    "its policy leaves children out": Line(
        "CH.VSOTR", INSUFFICIENT, add={"policy": policy("minerals")}, words="does not cover child-labour"
    ),
    "it has no policy": Line("CH.VSOTR", INSUFFICIENT, drop=["policy"]),
    "nobody looked for children at mine B": Line("CH.VSOTR", INSUFFICIENT, add={"mine b": inspected(MINE_B)}),
    "children were found": Line(
        "CH.VSOTR", FAIL, add={"mine b": inspected(MINE_B, children={"under_15": 2, "aged_15_to_18": 0})}
    ),
    "children are alleged": Line("CH.VSOTR", FLAG, add={"report": reported("A2.1.iii")}),
    "nobody in Switzerland": Line("CH.VSOTR", NOT_APPLICABLE, drop=["import"]),
    "an importer whom nobody knows": Line(
        "CH.VSOTR",
        NOT_APPLICABLE,
        add={"import": attests(CUSTOMS, "import", "lot:export", {**IMPORT, "importer": "did:web:stranger.example"})},
    ),
    "a mine is not imported": Line("CH.VSOTR", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
}
BAN = {
    "auditors looked at both mines": Line("EUFLR.BAN", PASS),
    "nobody looked at mine B": Line("EUFLR.BAN", INSUFFICIENT, drop=["mine b"]),
    "forced labour is alleged": Line("EUFLR.BAN", FLAG, add={"report": reported("A2.1.ii", issuer=EXPORTER)}),
    "forced labour is verified": Line(
        "EUFLR.BAN", FAIL, add={"report": reported("A2.1.ii", issuer=AUTHORITY, verified=True)}
    ),
}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


@pytest.mark.parametrize("words", CASES)
def test_coltan(story: Story, words: str) -> None:
    line = CASES[words]
    check(finding(story, FILE, line, claim="chain_complete"), line)


@pytest.mark.parametrize("words", BAN)
def test_the_ban_on_forced_labour(story: Story, words: str) -> None:
    line = BAN[words]._replace(valid="2027-12-15", known="2027-12-15")
    check(finding(story, LABOUR, line, claim="chain_complete"), line)


def test_cobalt_is_not_in_the_swiss_ordinance_on_minerals() -> None:
    story = start_story()
    story.enrol(SWISS, "CH", ["refiner"], name="Swiss Refiner AG")
    ore = {**new_lot("lot:ore", quantity("1000", "2", {"Co": "30"})), "mineral": "cobalt_hydroxide"}
    story.on("2026-03-31").extract(MINE_A, ore, period=("2026-03-02", "2026-03-31"))
    story.attest(CUSTOMS, "import", "lot:ore", IMPORT)
    found = story.finding("CH.VSOTR", subject="lot:ore")
    assert found.ruling.sentence == "The lot holds none of the minerals of the ordinance."


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["eu-other"].rules}
    assert rules == {line.rule for line in (*CASES.values(), *BAN.values())}
