"""The tagging scheme, case by case: an honest month of coltan with tags from mine to exporter."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.checks.tags import in_range
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import RegisteredSite, SchemeCoverage
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
    lists,
)
from tests.support.story import (
    AUTHORITY,
    DEPOT,
    MINE_A,
    MINE_B,
    MINER,
    MONITOR,
    TRADER,
    Story,
    bags,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity


def allocated(site: str, first: str, last: str, count: int, issuer: str = AUTHORITY) -> Paper:
    statement = {"scheme": "itsci", "first": first, "last": last, "count": count, "site": site}
    return attests(issuer, "tag_allocation", site, statement)


def inspected(site: str) -> Paper:
    return attests(MONITOR, "inspection", site, {"number": "V-1", "date": "2026-03-20", "office": "Monitors"})


def covered(status: str = "covered", subdivision: str = "CD-NK", **more: str) -> SchemeCoverage:
    details = {"territory": "", "participant": "", "start": "2011-01-01", "end": "", **more}
    return SchemeCoverage(
        "ITSCI", "CD", subdivision, details["territory"], details["participant"], status, details["start"],
        details["end"], "Notice 1", "2026-01-01",
    )  # fmt: skip


def coverage(*rows: SchemeCoverage) -> Paper:
    return lists("scheme_coverage", "2026-05-10", *rows)


def register(territory: str) -> Paper:
    sites = [
        RegisteredSite(site, "", site, "CD", "CD-NK", territory, None, ("coltan",), "active", "", "", "A", "2026-01-01")
        for site in (MINE_A, MINE_B)
    ]
    return lists("icglr_sites", "2026-05-01", *sites)


FILE: dict[str, Paper] = {
    "tags of a": allocated(MINE_A, "A00001", "A00020", 20),
    "tags of b": allocated(MINE_B, "B00001", "B00004", 4),
    "visit to a": inspected(MINE_A),
    "visit to b": inspected(MINE_B),
    "coverage": coverage(covered()),
}


def tagged_story(**change: Any) -> Story:
    """Two bags to the trader, put together. change: tags of the mined bags, of the output; team; scheme."""
    story = start_story()
    scheme = change.get("scheme", "itsci")
    lots = []
    for lot, tag in zip(bags("a", 2), change.get("tags", ("A00001", "A00002")), strict=True):
        lots.append({**lot, "tags": [{"scheme": scheme, "number": tag}] if tag else []})
    team = {"team": "Team 4"} if change.get("team", True) else {}
    story.on("2026-03-31").extract(MINE_A, *lots, period=("2026-03-02", "2026-03-31"), **team)
    story.dispatch(MINER, TRADER, MINE_A, DEPOT, "lot:a-1", "lot:a-2")
    if change.get("received", True):
        story.on("2026-04-01").receive(TRADER, DEPOT, {"lot:a-1": None, "lot:a-2": None})
        mixed = new_lot("lot:export", quantity("80", "2", {"Ta2O5": "28.5"}), change.get("output", ("N00001",)))
        story.on("2026-04-02").transform(TRADER, DEPOT, {"lot:a-1": "40", "lot:a-2": "40"}, mixed)
    else:
        story.subject = "lot:a-1"
    for paper in FILE.values():
        paper(story.on("2026-05-20") if paper is FILE["tags of a"] else story)
    return story


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


CASES = {
    "tags at the mine and at the depot": Line("ITSCI.TAG2", PASS),
    "tags given by the agency to each mine": Line("ITSCI.ALLOC", PASS),
    "tags given to the neighbour": Line(
        "ITSCI.ALLOC", FAIL, add={"tags of a": allocated(MINE_B, "A00001", "A00020", 20)}, words="used at site:mine-a"
    ),
    "more tags used than given": Line(
        "ITSCI.ALLOC", FAIL, add={"tags of a": allocated(MINE_A, "A00001", "A00020", 15)}, words="16 tags were used"
    ),
    "nobody knows to whom the tags were given": Line("ITSCI.ALLOC", INSUFFICIENT, drop=["tags of b"], words="B00001"),
    "the miner says that they are its own": Line(
        "ITSCI.ALLOC", INSUFFICIENT, add={"tags of a": allocated(MINE_A, "A00001", "A00020", 20, MINER)}
    ),
    "monitors looked, and nothing is open": Line("ITSCI.PLAUS", PASS),
    "an incident is open": Line(
        "ITSCI.PLAUS", FLAG, add={"incident": lambda story: story.incident(MONITOR, MINE_A, "fraud.tags")}
    ),
    "an incident about another chain": Line(
        "ITSCI.PLAUS", PASS, add={"incident": lambda story: story.incident(MONITOR, MONITOR, "fraud.tags")}
    ),
    "an incident that was closed": Line(
        "ITSCI.PLAUS",
        PASS,
        add={"incident": lambda story: story.incident(MONITOR, MINE_A, "fraud.tags", status="closed")},
    ),
    "nobody looked at mine B": Line("ITSCI.PLAUS", INSUFFICIENT, drop=["visit to b"], words="proves nothing"),
    "somebody looked two years ago": Line(
        "ITSCI.PLAUS", INSUFFICIENT, valid="2028-05-20", known="2028-05-20", words="within 366 days"
    ),
    "the scheme ran in the province": Line("ITSCI.SUSPEND", PASS),
    "it was suspended in the province": Line(
        "ITSCI.SUSPEND", FAIL, add={"coverage": coverage(covered(), covered("suspended", start="2026-03-01"))}
    ),
    "it was suspended after the month": Line(
        "ITSCI.SUSPEND", PASS, add={"coverage": coverage(covered(), covered("suspended", start="2026-04-01"))}
    ),
    "it was suspended in a territory, and the mine may lie there": Line(
        "ITSCI.SUSPEND",
        INSUFFICIENT,
        words="does site:mine-a lie there",
        add={"coverage": coverage(covered(), covered("suspended", territory="Masisi"))},
    ),
    "the register says that it lies there": Line(
        "ITSCI.SUSPEND",
        FAIL,
        add={"coverage": coverage(covered(), covered("suspended", territory="Masisi")), "sites": register("Masisi")},
    ),
    "the register says that it lies elsewhere": Line(
        "ITSCI.SUSPEND",
        PASS,
        add={"coverage": coverage(covered(), covered("suspended", territory="Masisi")), "sites": register("Walikale")},
    ),
    "the scheme ran elsewhere": Line(
        "ITSCI.SUSPEND", INSUFFICIENT, add={"coverage": coverage(covered(subdivision="CD-SK"))}, words="does not say"
    ),
    "the scheme had ended": Line("ITSCI.SUSPEND", INSUFFICIENT, add={"coverage": coverage(covered(end="2025-12-31"))}),
    "no list of where it runs": Line("ITSCI.SUSPEND", INSUFFICIENT, drop=["coverage"], words="not loaded"),
    "the trader was suspended when it handed the lot on": Line(
        "ITSCI.SUSPEND",
        FAIL,
        words=f"for {TRADER} on 2026-04-03",
        add={"coverage": coverage(covered(), covered("suspended", participant=TRADER, start="2026-04-01"))},
    ),
    "by its name": Line(
        "ITSCI.SUSPEND",
        FAIL,
        add={"coverage": coverage(covered(), covered("withdrawn", participant="Negociant SARL", start="2026-04-01"))},
    ),
    "another trader was suspended": Line(
        "ITSCI.SUSPEND",
        PASS,
        add={"coverage": coverage(covered(), covered("suspended", participant="Somebody Else SARL"))},
    ),
}


@pytest.mark.parametrize("words", CASES)
def test_an_honest_month(story: Story, words: str) -> None:
    line = CASES[words]
    check(finding(story, FILE, line, claim="chain_complete"), line)


BAGS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "everything in the logbook": ({}, "ITSCI.LOG", PASS),
    "nobody says who dug": ({"team": False}, "ITSCI.LOG", INSUFFICIENT),
    "nobody received the bag": ({"received": False}, "ITSCI.LOG", INSUFFICIENT),
    "tags on both levels": ({}, "ITSCI.TAG2", PASS),
    "one bag without a tag": ({"tags": ("A00001", "")}, "ITSCI.TAG2", FAIL),
    "one bag without a tag, not put together": ({"tags": ("A00001", ""), "received": False}, "ITSCI.TAG2", PASS),
    "no tag on the new lot": ({"output": ()}, "ITSCI.TAG2", FAIL),
    "bags of another scheme": ({"scheme": "other"}, "ITSCI.TAG2", NOT_APPLICABLE),
    "no tags in the logbook": ({"scheme": "other"}, "ITSCI.LOG", NOT_APPLICABLE),
    "no tags to allocate": ({"scheme": "other"}, "ITSCI.ALLOC", NOT_APPLICABLE),
    "no tags to be monitored": ({"scheme": "other"}, "ITSCI.PLAUS", NOT_APPLICABLE),
    "no tags to be suspended": ({"scheme": "other"}, "ITSCI.SUSPEND", NOT_APPLICABLE),
}


@pytest.mark.parametrize("words", BAGS)
def test_two_bags(words: str) -> None:
    change, rule, outcome = BAGS[words]
    line = Line(rule, outcome)
    check(tagged_story(**change).finding(rule), line)


def test_an_untagged_lot_that_was_smelted_with_tagged_ones_is_not_shown_to_be_of_the_scheme() -> None:
    story = start_story()
    lots = [*bags("a", 1), {**bags("c", 1)[0], "tags": []}]
    story.on("2026-03-31").extract(MINE_A, *lots, period=("2026-03-02", "2026-03-31"))
    powder = {**new_lot("lot:export", quantity("18", "0", {"Ta": "99.9"})), "mineral": "tantalum"}
    losses = [{"kind": "slag", "mass": "62"}]
    story.transform(MINER, MINE_A, {"lot:a-1": "40", "lot:c-1": "40"}, powder, process="smelt", losses=losses)
    line = Line("ITSCI.TAG2", INSUFFICIENT, words="1 mined lots of the chain have no tag, first 'lot:c-1'")
    check(story.finding("ITSCI.TAG2"), line)


def test_the_agent_who_tags_is_in_the_logbook() -> None:
    story = tagged_story()
    bare = start_story()
    bare.on("2026-03-31").extract(MINE_A, *bags("a", 1), period=("2026-03-02", "2026-03-31"), team="Team 4")
    bare.subject = "lot:a-1"
    check(bare.finding("ITSCI.LOG"), Line("ITSCI.LOG", INSUFFICIENT, words="Who tags at site:mine-a"))
    check(story.finding("ITSCI.LOG"), Line("ITSCI.LOG", PASS, words=f"tagged under {AUTHORITY}, received by {TRADER}"))


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["itsci"].rules}
    assert rules == {line.rule for line in CASES.values()} | {rule for _, rule, _ in BAGS.values()}


RANGES = {
    ("A00005", "A00001", "A00009"): True,
    ("A00001", "A00001", "A00009"): True,
    ("A00009", "A00001", "A00009"): True,
    ("A00010", "A00001", "A00009"): False,
    ("B00005", "A00001", "A00009"): False,
    ("A5", "A00001", "A00009"): False,
    ("X", "A00001", "A00009"): False,
}


@pytest.mark.parametrize(("number", "first", "last"), RANGES)
def test_tag_numbers_lie_between_others_of_their_kind(number: str, first: str, last: str) -> None:
    assert in_range(number, first, last) is RANGES[number, first, last]
