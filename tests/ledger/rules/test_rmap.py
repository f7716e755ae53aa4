"""Smelters and the RMI's lists, case by case: a smelter in Malaysia took tantalum ore in on 20 May 2026."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.checks.facilities import add_years
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CahraArea, Facility
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
    several,
)
from tests.support.story import (
    AUDITOR,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    Story,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity

CID, OTHER = "CID009901", "CID009902"
DAY = "2026-05-10"


def row(status: str = "conformant", metal: str = "Ta", cid: str = CID, country: str = "MY", **more: Any) -> Facility:
    details = {"audited_on": "2025-09-01", "cycle": 1, **more}
    return Facility(cid, metal, "Listed Name Bhd", country, country, status, **details)


def listed(*rows: Facility, day: str = DAY, dataset: str = "rmi_facilities") -> Paper:
    return lists(dataset, day, *(rows or (row(),)))


def audited(facility: str = PLANT, about: Any = PLANT, **more: Any) -> Paper:
    statement = {
        "facility": facility, "facility_number": CID, "scheme": "RMAP", "standard": "Tin and Tantalum",
        "metals": ["Ta"], "body": "Assurance SA", **more,
    }  # fmt: skip
    given = {name: value for name, value in statement.items() if value is not None}
    return attests(AUDITOR, "audit", about, given, result="conform")


def numbered(cid: str = CID) -> Paper:
    return lambda story: story.amend(SMELTER, identifiers={"cid": cid})


def second_smelter(story: Story) -> None:
    story.register("site:plant-2", "smelter", SMELTER, "MY-02")


FILE: dict[str, Paper] = {"audit": audited(), "list": listed()}
STOCK = {"site": PLANT, "material": "coltan", "opening": "0", "closing": "800", "method": "count"}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


CASES = {
    # status: of that facility, for that metal, on the day of receipt
    "conformant for tantalum on the day": Line(
        "RMAP.STATUS", PASS, words="CID009901, Ta) was conformant on 2026-05-20"
    ),
    "active is not conformant": Line(
        "RMAP.STATUS", INSUFFICIENT, add={"list": listed(row("active"))}, words="active on"
    ),
    "not conformant": Line("RMAP.STATUS", FAIL, add={"list": listed(row("other"))}),
    "conformant for tin only": Line("RMAP.STATUS", FAIL, add={"list": listed(row(metal="Sn"))}),
    "removed from the list since": Line(
        "RMAP.STATUS", FAIL, add={"list": several(listed(day="2026-03-01"), listed(row(cid=OTHER)))}
    ),
    "never on the list": Line(
        "RMAP.STATUS", INSUFFICIENT, add={"list": listed(row(cid=OTHER))}, words="is not on the list"
    ),
    "conformant today, active then": Line(
        "RMAP.STATUS",
        INSUFFICIENT,
        add={"list": several(listed(row("active")), listed(day="2026-06-20"))},
        known="2026-06-21",
        valid="2026-06-21",
    ),
    "removed today, conformant then": Line(
        "RMAP.STATUS",
        PASS,
        add={"list": several(listed(), listed(row("other"), day="2026-06-20"))},
        known="2026-06-21",
        valid="2026-06-21",
    ),
    "no list of that time": Line("RMAP.STATUS", INSUFFICIENT, drop=["list"], words="not loaded"),
    "a list of two months before": Line(
        "RMAP.STATUS", INSUFFICIENT, add={"list": listed(day="2026-03-10")}, words="stale"
    ),
    "the export of conformant facilities": Line("RMAP.STATUS", PASS, add={"list": listed(dataset="rmi_conformant")}),
    "in the export of active facilities": Line(
        "RMAP.STATUS",
        INSUFFICIENT,
        words="active on",
        add={
            "list": several(
                listed(row(cid=OTHER), dataset="rmi_conformant"), listed(row("active"), dataset="rmi_active")
            )
        },
    ),
    "removed from the export of conformant facilities, and perhaps active": Line(
        "RMAP.STATUS",
        INSUFFICIENT,
        add={
            "list": several(
                listed(day="2026-03-01", dataset="rmi_conformant"), listed(row(cid=OTHER), dataset="rmi_conformant")
            )
        },
    ),
    "removed from both exports": Line(
        "RMAP.STATUS",
        FAIL,
        add={
            "list": several(
                listed(day="2026-03-01", dataset="rmi_conformant"),
                listed(row(cid=OTHER), dataset="rmi_conformant"),
                listed(row("active", cid=OTHER), dataset="rmi_active"),
            )
        },
    ),
    "no number of the facility": Line("RMAP.STATUS", INSUFFICIENT, drop=["audit"], words="name of a company is none"),
    "the number of its operator, who runs no other": Line("RMAP.STATUS", PASS, drop=["audit"], add={"cid": numbered()}),
    "the number of its operator, who runs two": Line(
        "RMAP.STATUS",
        INSUFFICIENT,
        drop=["audit"],
        add={"cid": numbered(), "two": second_smelter},
        words="which facility",
    ),
    "the number in its registration": Line(
        "RMAP.STATUS", PASS, drop=["audit"], add={"site": lambda story: story.amend_site(PLANT, national_id=CID)}
    ),
    "an audit without a number": Line("RMAP.STATUS", INSUFFICIENT, add={"audit": audited(facility_number=None)}),
    "an audit of another facility": Line("RMAP.STATUS", INSUFFICIENT, add={"audit": audited(SMELTER)}),
    "no smelter in the chain": Line("RMAP.STATUS", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
    # whose conformance it is
    "the number is its own": Line("RMAP.FACILITY", PASS, words="in MY as site:plant is"),
    "the number of a namesake abroad": Line(
        "RMAP.FACILITY", FAIL, add={"list": listed(row(country="CN"))}, words="a facility in CN"
    ),
    "the number of nobody": Line("RMAP.FACILITY", FAIL, add={"list": listed(row(cid=OTHER))}),
    "the number for another metal": Line(
        "RMAP.FACILITY", FAIL, add={"list": listed(row(metal="Au"))}, words="not for Ta"
    ),
    "not in the export of conformant facilities": Line(
        "RMAP.FACILITY", INSUFFICIENT, add={"list": listed(row(cid=OTHER), dataset="rmi_conformant")}
    ),
    "no number to hold it against": Line("RMAP.FACILITY", INSUFFICIENT, drop=["audit"]),
    "no list to hold it against": Line("RMAP.FACILITY", INSUFFICIENT, drop=["list"]),
    "nothing smelted": Line("RMAP.FACILITY", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
    # what an audit is about
    "an audit about the facility": Line("RMAP.NOTMATERIAL", PASS, words="no rule on a lot"),
    "an audit offered for the lot": Line("RMAP.NOTMATERIAL", FAIL, add={"audit": audited(about=[PLANT, "lot:export"])}),
    "no audit at all": Line("RMAP.NOTMATERIAL", NOT_APPLICABLE, drop=["audit"]),
    # cycle
    "audited last September, due this one": Line("RMAP.CYCLE", PASS, words="due on 2026-09-01"),
    "audited two years ago, every three years": Line(
        "RMAP.CYCLE", PASS, add={"list": listed(row(audited_on="2024-01-05", cycle=3))}, words="2027-01-05"
    ),
    "audited two years ago": Line("RMAP.CYCLE", INSUFFICIENT, add={"list": listed(row(audited_on="2024-01-05"))}),
    "audited two years ago, cycle not stated": Line(
        "RMAP.CYCLE",
        INSUFFICIENT,
        add={"list": listed(row(audited_on="2024-01-05", cycle=0))},
        words="due on 2025-01-05",
    ),
    "never audited, as far as the list says": Line(
        "RMAP.CYCLE", INSUFFICIENT, add={"list": listed(row(audited_on=""))}
    ),
    "audited for another metal": Line("RMAP.CYCLE", INSUFFICIENT, add={"list": listed(row(metal="Sn"))}),
    "no list of audits": Line("RMAP.CYCLE", INSUFFICIENT, drop=["list"]),
    "nothing audited": Line("RMAP.CYCLE", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
    # mass balance
    "the assessor reconciled the plant": Line(
        "RMAP.MASSBAL", PASS, add={"stock": attests(AUDITOR, "stocktake", PLANT, STOCK, result="conform")}
    ),
    "the assessor could not reconcile it": Line(
        "RMAP.MASSBAL", FAIL, add={"stock": attests(AUDITOR, "stocktake", PLANT, STOCK, result="not_conform")}
    ),
    "the plant counted itself": Line(
        "RMAP.MASSBAL",
        INSUFFICIENT,
        add={"stock": attests(SMELTER, "stocktake", PLANT, STOCK)},
        words="only self_attested",
    ),
    "nobody counted": Line("RMAP.MASSBAL", INSUFFICIENT),
    "nothing to count": Line("RMAP.MASSBAL", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
}


@pytest.mark.parametrize("words", CASES)
def test_smelters(story: Story, words: str) -> None:
    line = CASES[words]
    found = finding(story, FILE, line, claim="chain_complete")
    check(found, line)
    assert "Listed Name" not in str(found.ruling)  # what a licensed list says of others is not handed on


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in read_packs()["rmap"].rules} == {line.rule for line in CASES.values()}


def test_a_leap_day_has_its_anniversary() -> None:
    assert (add_years("2024-02-29", 1), add_years("2024-02-29", 4)) == ("2025-02-28", "2028-02-29")


def test_two_facilities_cannot_have_one_number() -> None:
    """The ore went through two smelters of one company, and both show the number of the one."""
    story = coltan_story()
    second_smelter(story)
    story.on("2026-05-21").dispatch(SMELTER, SMELTER, PLANT, "site:plant-2", "lot:export")
    story.on("2026-05-22").receive(SMELTER, "site:plant-2", {"lot:export": None})
    for paper in (audited(), audited("site:plant-2", "site:plant-2"), listed()):
        paper(story)
    found = story.finding("RMAP.FACILITY")
    assert (found.ruling.outcome, "a number is one facility's" in found.ruling.sentence) == (FAIL, True)
    audited("site:plant-2", "site:plant-2", facility_number=OTHER)(story)
    assert "a number is one facility's" not in story.finding("RMAP.FACILITY").ruling.sentence


def test_what_was_mined_by_the_smelter_itself_is_told_by_its_assay() -> None:
    """A smelter that works its own ore received nothing: the metal is that of what it made."""
    story = start_story()
    ore = {**new_lot("lot:ore", quantity("1000", "2", {"SnO2": "60"})), "mineral": "ore-17"}
    story.register("site:own-mine", "mine", SMELTER, "MY-03")
    story.on("2026-05-05").extract("site:own-mine", ore, period=("2026-05-01", "2026-05-05"))
    tin = {**new_lot("lot:tin", quantity("460", "0", {"Sn": "99.9"})), "mineral": "ingot"}
    losses = [{"kind": "slag", "mass": "540"}]
    story.on("2026-05-20").transform(SMELTER, PLANT, {"lot:ore": "1000"}, tin, process="smelt", losses=losses)
    story.subject = "lot:tin"
    for paper in (audited(), listed(row(metal="Sn"))):
        paper(story)
    found = story.finding("RMAP.STATUS")
    assert found.ruling.outcome is PASS, found.ruling.sentence
    assert found.ruling.figures == {"cid": CID, "metal": "Sn", "day": "2026-05-20", "status": "conformant"}


AREAS = lists("eu_cahra", "2026-05-01", CahraArea("CD", "CD-NK", "Nord-Kivu", True, True))
TEMPLATES = {
    "every column can be filled": Line("CMRT.FIELDS", PASS, words="Ta: CID009901, MY, MY-01"),
    "no number for the row": Line("CMRT.FIELDS", INSUFFICIENT, drop=["audit"]),
    "no address for the row": Line(
        "CMRT.FIELDS", INSUFFICIENT, add={"amend": lambda story: story.amend(SMELTER, address=None)}
    ),
    "no smelter, no row": Line("CMRT.FIELDS", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
    "the number resolves": Line("CMRT.CID", PASS),
    "the number is that of another country": Line("CMRT.CID", FAIL, add={"list": listed(row(country="CN"))}),
    "no list to resolve it by": Line("CMRT.CID", INSUFFICIENT, drop=["list"]),
    "no smelter to resolve": Line("CMRT.CID", NOT_APPLICABLE, subject="lot:a-1", valid="2026-03-31"),
    "from covered countries: yes": Line("CMRT.Q", PASS, terms={"answers": {"q3": "yes"}}),
    "from covered countries: no": Line("CMRT.Q", FAIL, terms={"answers": {"q3": "no"}}, words="the records say 'yes'"),
    "from areas of risk: yes": Line("CMRT.Q", PASS, terms={"answers": {"q4": "yes"}}, add={"areas": AREAS}),
    "from areas of risk: no": Line("CMRT.Q", FAIL, terms={"answers": {"q4": "no"}}, add={"areas": AREAS}),
    "from areas of risk, without a list": Line("CMRT.Q", INSUFFICIENT, terms={"answers": {"q4": "yes"}}),
    "not listed is no answer": Line(
        "CMRT.Q",
        INSUFFICIENT,
        terms={"answers": {"q4": "no"}},
        add={
            "areas": lists("eu_cahra", "2026-05-01", CahraArea("YE", "", "Yemen", True, True)),
            "transit": lists("transit_countries", "2026-05-01"),
        },
    ),
    "all recycled, but mined in the Congo": Line("CMRT.Q", FAIL, terms={"answers": {"q5": "yes"}}, words="Question 5"),
    "all smelters identified": Line("CMRT.Q", PASS, terms={"answers": {"q7": "yes"}}),
    "all smelters identified, but one has no number": Line(
        "CMRT.Q", FAIL, terms={"answers": {"q7": "yes"}}, drop=["audit"]
    ),
    "what suppliers answered is in no record": Line("CMRT.Q", INSUFFICIENT, terms={"answers": {"q6": "yes"}}),
    "no answers": Line("CMRT.Q", INSUFFICIENT, claim="chain_complete", words="No answers"),
    "answers about a site": Line("CMRT.Q", NOT_APPLICABLE, claim="conduct", subject=MINE_A),
    "answers about a participant": Line("CMRT.Q", NOT_APPLICABLE, claim="conduct", subject=MINER),
    "tantalum is of the other template": Line("EMRT", NOT_APPLICABLE),
}


@pytest.mark.parametrize("words", TEMPLATES)
def test_templates(story: Story, words: str) -> None:
    line = TEMPLATES[words]
    check(finding(story, FILE, line, claim="smelter_declaration", terms={"answers": {"q3": "yes"}}), line)


COBALT = {
    "the row of a cobalt refiner": Line("EMRT", PASS, words="Co: CID009901"),
    "a cobalt refiner without a number": Line("EMRT", INSUFFICIENT, drop=["audit"]),
    "cobalt is none of the four metals": Line("CMRT.Q", NOT_APPLICABLE, terms={"answers": {"q3": "yes"}}),
}


@pytest.mark.parametrize("words", COBALT)
def test_the_extended_template(words: str) -> None:
    story = start_story()
    ore = {**new_lot("lot:ore", quantity("1000", "2", {"Co": "30"})), "mineral": "cobalt_hydroxide"}
    story.on("2026-05-05").extract(MINE_A, ore, period=("2026-05-01", "2026-05-05"))
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, "lot:ore")
    story.on("2026-05-20").receive(SMELTER, PLANT, {"lot:ore": None})
    story.subject = "lot:ore"
    line = COBALT[words]
    check(finding(story, FILE, line, claim="smelter_declaration", terms={"answers": {"q3": "yes"}}), line)


def test_every_template_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["disclosure-templates"].rules}
    assert rules == {line.rule for line in (*TEMPLATES.values(), *COBALT.values())}
