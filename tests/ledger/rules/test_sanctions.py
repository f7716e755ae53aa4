"""Sanctions, case by case: everybody of an honest month of coltan, and those who own them."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from tests.support.papers import (
    FAIL,
    FLAG,
    INSUFFICIENT,
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
    AUTHORITY,
    BUYER,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    MINER_B,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    coltan_story,
)

TODAY, TRADE = "2026-05-20", "2026-04-03"
DATASETS = ("un_sanctions", "ofac_sdn", "eu_sanctions")
RULES = {"un_sanctions": "SANC.UN", "ofac_sdn": "SANC.OFAC", "eu_sanctions": "SANC.EU"}
HANDLERS = (MINER, MINER_B, TRADER, EXPORTER, SMELTER)


def entry(name: str, number: str = "", since: str = "2020-01-01", until: str = "", strong: bool = True) -> ListedParty:
    numbers = (Identifier("Registration ID", number),) if number else ()
    return ListedParty("X.1", "entity", (Alias(name, strong),), numbers, ("TEST",), since, until)


NOBODY = entry("Quartz Harbour Holdings")._replace(id="X.0")


def current(*rows: ListedParty, day: str = TODAY) -> Paper:
    """The same list on all three sides."""
    return several(*(lists(name, day, *(rows or (NOBODY,))) for name in DATASETS))


def owner(name: str, share: str | None, capacity: str = "shareholder") -> dict[str, Any]:
    return {"name": name, "capacity": capacity, "country": "CD"} | ({"share": share} if share else {})


def owned(party: str, *owners: dict[str, Any]) -> Paper:
    return lambda story: story.amend(party, owners=[*owners])


def registered(party: str, number: str) -> Paper:
    return lambda story: story.amend(party, identifiers={"registration": number})


def holding(name: str, party: str, number: str = "", *owners: dict[str, Any]) -> Paper:
    """A company is enrolled that owns others."""
    more: dict[str, Any] = {"identifiers": {"registration": number}} if number else {}
    return lambda story: story.enrol(party, "CD", ["buyer"], name=name, owners=[*owners] or None, **more)


def amended(party: str, **more: Any) -> Paper:
    return lambda story: story.amend(party, **more)


def taxed(party: str, number: str) -> Paper:
    return amended(party, identifiers={"tax": number})


def numbered(**dates: Any) -> dict[str, Paper]:
    """The trader has the number of an entry of the list."""
    return {"id": registered(TRADER, "RCCM12345"), "lists": current(entry("N", "RCCM12345", **dates))}


SHIPPED = {
    "declaration": "E-1",
    "code_system": "HS",
    "code": "261590",
    "net": "800",
    "exporter": EXPORTER,
    "destination": "MY",
    "vessel": "Basalt Star",
}
PAID = {
    "kind": "fee",
    "purpose": "Fee",
    "payer": EXPORTER,
    "payee": "Roadside Trust",
    "payee_class": "other",
    "amount": "1",
    "currency": "USD",
    "date": "2026-05-01",
    "method": "cash",
}
FILE: dict[str, Paper] = {
    "owners": several(*(owned(one, owner("Kivu Stone Cooperative Fund", "100")) for one in HANDLERS)),
    "lists": current(),
}
LISTED = entry("Negociant", "RCCM-12345")
FUND = "Red Basalt Ventures"
FUND_ID = "did:web:fund.example"
TOP, TOP_ID = "Upper Basalt Trust", "did:web:trust.example"

CASES: dict[str, Line] = {
    "nobody is listed": Line("", PASS, words="None of the parties"),
    "an equal number": Line("", FAIL, add={"id": registered(TRADER, "RCCM 12345"), "lists": current(LISTED)}),
    "an equal number of another kind": Line("", FLAG, add={"id": taxed(TRADER, "RCCM12345"), "lists": current(LISTED)}),
    "an equal name and no number": Line("", FLAG, add={"lists": current(LISTED)}, words="a person must look"),
    "a name with a slip of the pen": Line("", FLAG, add={"lists": current(entry("Negociaant"))}),
    "another name": Line("", PASS, add={"lists": current(entry("Basalt and Brothers"))}),
    "listed after the trader last dealt with the chain": Line(
        "", FLAG, add=numbered(since="2026-04-04"), words="after it last dealt with the chain on 2026-04-03"
    ),
    "listed on the day on which the trader handed it on": Line("", FAIL, add=numbered(since="2026-04-03")),
    "the holder is listed today": Line(
        "", FAIL, add={"id": registered(SMELTER, "MY-55555"), "lists": current(entry("S", "MY55555", since=TODAY))}
    ),
    "taken off the list before the trade": Line("", PASS, add=numbered(until="2026-01-01")),
    "taken off the list after the trade": Line("", FAIL, add=numbered(until="2026-05-01")),
    "no day of listing, and no list of then": Line("", FAIL, add=numbered(since="")),
    "no day of listing, and a list of then without it": Line(
        "", FLAG, add={**numbered(since=""), "then": current(day=TRADE)}
    ),
    "no day of listing, and a list of then with it": Line(
        "", FAIL, add={**numbered(since=""), "then": current(entry("N", "RCCM12345", since=""), day=TRADE)}
    ),
    "a stale list": Line("", INSUFFICIENT, add={"lists": current(day="2026-05-18")}, words="stale"),
    "yesterday's list": Line("", PASS, add={"lists": current(day="2026-05-19")}),
    "no list": Line("", INSUFFICIENT, drop=["lists"], words="not loaded"),
    "a party without a name": Line("", INSUFFICIENT, add={"x": amended(TRADER, name=None)}, words="name not shown"),
    "a party whose owners are not known": Line(
        "", INSUFFICIENT, add={"x": amended(TRADER, owners=None)}, words="beneficial owners not shown"
    ),
    "an owner with a listed name": Line(
        "",
        FLAG,
        words=f"{FUND} are or may be",
        add={"own": owned(TRADER, owner(FUND, "60")), "lists": current(entry(FUND))},
    ),
    "a director with a listed name": Line(
        "",
        FLAG,
        words="with 0 % it stays below the limit",
        add={
            "own": owned(TRADER, owner("Other Fund", "100"), owner(FUND, None, "director")),
            "lists": current(entry(FUND)),
        },
    ),
    "a carrier with a listed name": Line(
        "",
        FLAG,
        words="The name of Red Road Haulage",
        add={
            "lists": current(entry("Red Road Haulage")),
            "move": lambda story: move(story, "Red Road Haulage"),
        },
    ),
    "a vessel with a listed name": Line(
        "",
        FLAG,
        words="Basalt Star",
        add={
            "lists": current(entry("Basalt Star")),
            "ship": attests(EXPORTER, "export", "lot:export", SHIPPED),
        },
    ),
    "a payee with a listed name": Line(
        "",
        FLAG,
        words="Roadside Trust",
        add={
            "lists": current(entry("Roadside Trust")),
            "pay": attests(EXPORTER, "payment", "lot:export", PAID),
        },
    ),
    "a company that is listed by number and owns all": Line(
        "",
        FAIL,
        words="100 % belongs to those",
        add={
            "fund": holding(FUND, FUND_ID, "F-77777"),
            "own": owned(TRADER, owner(FUND, "100")),
            "lists": current(entry("Somebody", "F77777")),
        },
    ),
    "through two companies": Line(
        "",
        FAIL,
        add={
            "top": holding(TOP, TOP_ID, "T-88888"),
            "fund": holding(FUND, FUND_ID, "", owner(TOP, "51")),
            "own": owned(TRADER, owner(FUND, "51")),
            "lists": current(entry("Somebody", "T88888")),
        },
    ),
    "owners in a circle": Line(
        "",
        PASS,
        add={
            "top": holding(TOP, TOP_ID, "", owner(FUND, "50")),
            "fund": holding(FUND, FUND_ID, "", owner(TOP, "50")),
            "own": owned(TRADER, owner(FUND, "100")),
        },
    ),
    "listed by number after the trade, as owner": Line(
        "",
        PASS,
        add={
            "fund": holding(FUND, FUND_ID, "F-77777"),
            "own": owned(TRADER, owner(FUND, "100")),
            "lists": current(entry("Somebody", "F77777", since="2026-05-01")),
        },
    ),
}


def move(story: Story, carrier: str) -> None:
    story.on("2026-05-20T18:00:00Z").dispatch(SMELTER, EXPORTER, "site:plant", WAREHOUSE, "lot:export", carrier=carrier)


def shares(first: str, second: str) -> dict[str, Paper]:
    """Two companies that are listed by number own shares of the trader."""
    return {
        "fund": holding(FUND, FUND_ID, "F-77777"), "top": holding(TOP, TOP_ID, "T-88888"),
        "own": owned(TRADER, owner(FUND, first), owner(TOP, second), owner("Free Float", "10")),
        "lists": current(entry("Somebody", "F77777"), entry("Elsewhere", "T88888")._replace(id="X.2")),
    }  # fmt: skip


SHARES = {
    "25 and 25 are half: enough for OFAC": Line("SANC.OFAC", FAIL, add=shares("25", "25"), words="50 %"),
    "25 and 24.9 are less than half": Line("SANC.OFAC", FLAG, add=shares("25", "24.9"), words="below"),
    "half is not more than half": Line("SANC.EU", FLAG, add=shares("25", "25")),
    "50.1 is": Line("SANC.EU", FAIL, add=shares("25", "25.1")),
    "any share counts for the United Nations": Line("SANC.UN", FAIL, add=shares("0.5", "0.5")),
    "the limit is a parameter": Line("SANC.OFAC", FAIL, add=shares("10", "10"), parameters={"ofac_share": "20"}),
    "the same owner twice counts once": Line(
        "SANC.OFAC",
        FLAG,
        words="30 %",
        add={
            "fund": holding(FUND, FUND_ID, "F-77777"),
            "lists": current(entry("Somebody", "F77777")),
            "own": owned(
                TRADER, owner(FUND, "30"), owner(FUND, "30", "beneficial_owner"), owner(FUND, None, "director")
            ),
        },
    ),
    "a company that may be half owned by a listed name": Line(
        "SANC.OFAC",
        FLAG,
        words="would count",
        add={
            "fund": holding(FUND, FUND_ID, "", owner(TOP, "60")),
            "own": owned(TRADER, owner(FUND, "60")),
            "lists": current(entry(TOP)),
        },
    ),
    "a company of which a listed name has little": Line(
        "SANC.OFAC",
        PASS,
        add={
            "fund": holding(FUND, FUND_ID, "", owner(TOP, "10")),
            "own": owned(TRADER, owner(FUND, "60")),
            "lists": current(entry(TOP)),
        },
    ),
}
STALE = {
    "all three lists are of today": Line("SANC.STALE", PASS),
    "one list is of last week": Line(
        "SANC.STALE",
        INSUFFICIENT,
        words="eu_sanctions",
        add={
            "lists": several(
                *(lists(name, "2026-05-13" if name == "eu_sanctions" else TODAY, NOBODY) for name in DATASETS)
            )
        },
    ),
    "one list is not there": Line("SANC.STALE", INSUFFICIENT, add={"lists": lists("un_sanctions", TODAY, NOBODY)}),
}


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("words", CASES)
def test_parties(story: Story, words: str, dataset: str) -> None:
    line = CASES[words]._replace(rule=RULES[dataset])
    check(finding(story, FILE, line, claim="chain_complete"), line)


@pytest.mark.parametrize("words", SHARES)
def test_shares_add_up(story: Story, words: str) -> None:
    line = SHARES[words]
    check(finding(story, FILE, line, claim="chain_complete"), line)


@pytest.mark.parametrize("words", STALE)
def test_lists_must_be_current(story: Story, words: str) -> None:
    line = STALE[words]
    check(finding(story, FILE, line, claim="chain_complete"), line)


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in read_packs()["sanctions"].rules}
    assert rules == {*RULES.values()} | {line.rule for line in STALE.values()}


def test_importer_company_and_subject_are_screened_too(story: Story) -> None:
    buyer = entry("Buyer")
    importer = Line("SANC.EU", FLAG, add={"lists": current(buyer)}, words=BUYER)
    terms = {"importer": BUYER, "cn": "26159000"}
    check(finding(story, FILE, importer, claim="eu_2017_821_import_file", terms=terms), importer)
    company = Line("SANC.EU", FLAG, add={"lists": current(buyer)}, words=BUYER)
    check(finding(story, FILE, company, claim="eu_battery_due_diligence", terms={"company": BUYER}), company)
    subject = Line("SANC.EU", FLAG, add={"lists": current(buyer)}, subject=BUYER, words=BUYER)
    check(finding(story, FILE, subject, claim="conduct"), subject)


def test_a_claim_about_a_site_screens_its_operator(story: Story) -> None:
    for site, outcome in ((DEPOT, FLAG), (MINE_A, FLAG)):
        line = Line("SANC.EU", outcome, add={"lists": current(LISTED)}, subject=site)
        check(finding(story, FILE, line, claim="conduct"), line)


def test_a_stranger_who_sold_the_lot_is_screened_by_its_name(story: Story) -> None:
    sale = attests(EXPORTER, "ownership", "lot:export", {"seller": "Stranger", "buyer": EXPORTER})
    line = Line("SANC.UN", FLAG, add={"lists": current(entry("Stranger")), "sale": sale}, words="Stranger")
    check(finding(story, FILE, line, claim="chain_complete"), line)


def test_many_companies_in_a_row_are_followed_so_far(story: Story) -> None:
    """The chain of owners is longer than is followed: what lies beyond adds nothing."""
    words = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    names = [f"Layer {word} Basalt" for word in words]
    chain = [holding(names[-1], "did:web:layer-9.example", "Z-99999")]
    chain += [
        holding(name, f"did:web:layer-{n}.example", "", owner(names[n], "100")) for n, name in enumerate(names[:-1], 1)
    ]
    papers = {"chain": several(*chain), "lists": current(entry("Somebody", "Z99999"))}
    far = Line("SANC.OFAC", PASS, add={**papers, "own": owned(TRADER, owner(names[0], "100"))})
    check(finding(story, FILE, far, claim="chain_complete"), far)
    near = Line("SANC.OFAC", FAIL, add={**papers, "own": owned(TRADER, owner(names[2], "100"))})
    check(finding(story, FILE, near, claim="chain_complete"), near)


def test_nobody_to_screen_is_no_pass(story: Story) -> None:
    line = Line("SANC.UN", INSUFFICIENT, subject=AUTHORITY, add={"x": lambda story: story.amend(AUTHORITY, name=None)})
    check(finding(story, FILE, line, claim="conduct"), line)
