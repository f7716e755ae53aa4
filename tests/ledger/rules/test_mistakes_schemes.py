"""Mistakes that a naive implementation makes (catalogue section 10), those on importers, smelters and lists.

Each test shows the tempting shortcut and that the rules do not take it.
"""

from __future__ import annotations

import copy
from importlib.resources import files

import pytest

from ledger.rules.outcome import Answer
from ledger.rules.packs import read_packs
from ledger.rules.reference.datasets import DATASETS
from ledger.rules.reference.rows import Alias, CahraArea, Facility, Identifier, ListedParty, TransitCountry
from tests.ledger.rules import test_eu_2017_821_metals as metals
from tests.ledger.rules import test_eu_batteries as batteries
from tests.support import import_file as imports
from tests.support.papers import FAIL, FLAG, INSUFFICIENT, NOT_APPLICABLE, PASS, attests, lists
from tests.support.story import AUDITOR, BUYER, MINE_A, MINER, PLANT, SMELTER, TRADER, Story, start_story
from tests.support.world import new_lot, quantity

BATTERY = batteries.TERMS


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


def test_mistake_01_not_on_the_list_is_no_pass(story: Story) -> None:
    """Rwanda is not on the EU's list, and the Congo is on it province by province."""
    claim = story.claim("eu_2017_821_import_file", {**imports.TERMS, "annual_kg": "100000"})
    lists("eu_cahra", "2026-05-01", CahraArea("CD", "CD-NK", "Nord-Kivu", True, True))(story)
    assert story.finding("EU821.CAHRA", claim=claim).ruling.outcome is PASS  # no whole country is listed
    quiet = copy.deepcopy(story)
    quiet.snapshots.clear()
    lists("eu_cahra", "2026-05-01", CahraArea("YE", "", "Yemen", True, True))(quiet)
    lists("transit_countries", "2026-05-01")(quiet)
    found = quiet.finding("EU821.CAHRA", claim=claim)
    assert (found.ruling.outcome, "proves nothing" in found.ruling.sentence) == (NOT_APPLICABLE, True)
    quiet.snapshots.pop()
    lists("transit_countries", "2026-05-01", TransitCountry("RW", (), "2020-01-01", "", "OECD", "2020-01-01"))(quiet)
    assert "moved through RW" in quiet.finding("EU821.CAHRA", claim=claim).ruling.sentence
    assert quiet.finding("EU821.4F.V.CAHRA", claim=claim).ruling.outcome is INSUFFICIENT  # no taxes are on file


def test_mistake_05_a_smelter_audit_proves_no_lot(story: Story) -> None:
    """A conformant smelter settles nothing about a lot, and an audit taken over is no proof in the Union."""
    story.on("2026-05-21")
    imports.audited(PLANT, PLANT, facility_number="CID009901")(story)
    lists("rmi_facilities", "2026-05-10", Facility("CID009901", "Ta", "Listed", "MY", "MY", "conformant"))(story)
    assert story.finding("RMAP.STATUS").ruling.outcome is PASS
    assert story.finding("OECD-A2.1.FORCED").ruling.outcome is INSUFFICIENT
    offered = copy.deepcopy(story)
    imports.audited(PLANT, ("lot:export",))(offered)
    assert offered.finding("RMAP.NOTMATERIAL").ruling.outcome is FAIL
    taken_over = metals.METALS["an audit taken over from another scheme"]
    assert (taken_over.rule, taken_over.outcome) == ("EU821.8.SCHEME", FAIL)
    assert story.finding("EU821.9.LIST").ruling.outcome is NOT_APPLICABLE  # and the RMI's list is not that list


def test_mistake_06_thresholds_are_kilograms_of_product(story: Story) -> None:
    """100 t of ore count as 100 t, not as the 22.9 t of tantalum in it."""
    claim = story.claim("eu_2017_821_import_file", {**imports.TERMS, "annual_kg": "99200"})
    found = story.finding("EU821.SCOPE", claim=claim)
    assert (found.ruling.outcome, found.ruling.figures["imported_kg"]) == (PASS, "100000")


def test_mistake_07_the_threshold_is_per_importer_item_and_year(story: Story) -> None:
    """No single shipment reaches 100 t; the year's imports do."""
    story.on("2026-05-21")
    claim = story.claim("eu_2017_821_import_file", imports.TERMS)
    imports.declared("D-1", "800")(story)
    assert story.finding("EU821.SCOPE", claim=claim).ruling.outcome is NOT_APPLICABLE
    for number in range(2, 6):
        imports.declared(f"D-{number}", "24800", BUYER)(story)
    found = story.finding("EU821.SCOPE", claim=claim)
    assert (found.ruling.outcome, found.ruling.figures["imported_kg"]) == (PASS, "100000")
    assert len(found.ruling.evidence) == 5


def test_mistake_08_the_smelter_list_of_the_day_counts(story: Story) -> None:
    """Conformant in May, when it took the ore in; no longer in June, when somebody asks."""
    story.on("2026-05-21")
    imports.audited(PLANT, PLANT, facility_number="CID009901")(story)
    for day, status in (("2026-05-10", "conformant"), ("2026-06-10", "other")):
        lists("rmi_facilities", day, Facility("CID009901", "Ta", "Listed", "MY", "MY", status))(story)
    assert story.finding("RMAP.STATUS", known="2026-06-11", valid="2026-06-11").ruling.outcome is PASS


def test_mistake_12_mass_balance_gives_no_origin_to_the_file(story: Story) -> None:
    mixed = new_lot("lot:mixed", quantity("800", "2", {"Ta2O5": "28.5"}))
    story.on("2026-05-21").transform(
        SMELTER, PLANT, {"lot:export": "800"}, mixed, process="concentrate", model="mass_balance"
    )
    claim = story.claim("us_import", subject="lot:mixed")
    assert story.finding("US1502.RCOI", claim=claim, subject="lot:mixed").ruling.outcome is INSUFFICIENT
    assert story.finding("US1502.RCOI", claim=story.claim("us_import")).ruling.outcome is PASS


def test_mistake_13_custody_is_not_ownership() -> None:
    """The refiner holds the cobalt and has signed for it; who owns it is another chain, with a gap."""
    story = batteries.cobalt_story()
    claim = story.claim("eu_battery_due_diligence", BATTERY)
    held = story.facts().lots[batteries.SULPHATE].holders
    assert held[-1][0] == SMELTER
    found = story.finding("EUBATT.49.COO", claim=claim)
    assert found.ruling.outcome is INSUFFICIENT
    assert f"No sale leads from {MINER}" in found.ruling.sentence
    for name in ("first sale", "second sale"):
        batteries.FILE[name](story)
    assert story.finding("EUBATT.49.COO", claim=claim).ruling.outcome is PASS


CODES = {
    "2615 90 is vanadium here": ("26159000", "ore", {"V": "30"}, "EU821.SCOPE", NOT_APPLICABLE),
    "2615 90 is tantalum here": ("26159000", "ore", {"Ta2O5": "30"}, "EU821.SCOPE", PASS),
    "2822 is cobalt hydroxide": ("28220000", "2822", {"Co": "32"}, "EUBATT.SCOPE", PASS),
    "8105 20 is cobalt hydroxide too": ("81052000", "8105.20", {"Co": "32"}, "EUBATT.SCOPE", PASS),
}


@pytest.mark.parametrize("words", CODES)
def test_mistake_16_a_code_of_goods_is_no_mineral(words: str) -> None:
    code, mineral, assay, rule, outcome = CODES[words]
    story = start_story("2027-08-01")
    lot = {**new_lot("lot:x", quantity("40", "2", assay)), "mineral": mineral}
    story.on("2027-09-01").extract(MINE_A, lot, period=("2027-08-20", "2027-08-31"))
    claims = {
        "EU821.SCOPE": ("eu_2017_821_import_file", {"importer": BUYER, "cn": code, "annual_kg": "100000"}),
        "EUBATT.SCOPE": ("eu_battery_due_diligence", BATTERY),
    }
    kind, terms = claims[rule]
    found = story.finding(rule, claim=story.claim(kind, terms, subject="lot:x"), subject="lot:x")
    assert found.ruling.outcome is outcome, found.ruling.sentence


def entry(name: str, number: str = "", since: str = "2020-01-01") -> ListedParty:
    numbers = (Identifier("Registration ID", number),) if number else ()
    names = (Alias(name, True), Alias("NEGOCIANTS DU KIVU", False))
    return ListedParty("E.1", "entity", names, numbers, ("TEST",), since)


def test_mistake_17_sanctions_need_aliases_owners_dates_and_a_fresh_list(story: Story) -> None:
    story.on("2026-05-21")
    for party in story.facts().handlers:
        story.amend(party, owners=[{"name": "Kivu Stone Fund", "capacity": "shareholder", "share": "100"}])

    def screened(row: ListedParty, published: str = "2026-05-21") -> Story:
        other = copy.deepcopy(story)
        lists("eu_sanctions", published, row)(other)
        return other

    assert screened(entry("Quartz Harbour Holdings")).finding("SANC.EU").ruling.outcome is PASS
    assert screened(entry("Négociant S.A.R.L.")).finding("SANC.EU").ruling.outcome is FLAG  # a person looks
    owner = screened(entry("Kivu Stone Fund")).finding("SANC.EU")
    assert (owner.ruling.outcome, "100 %" in owner.ruling.sentence) == (FLAG, True)
    stale = screened(entry("Quartz Harbour Holdings"), "2026-05-14").finding("SANC.EU")
    assert (stale.ruling.outcome, "stale" in stale.ruling.sentence) == (INSUFFICIENT, True)
    story.amend(TRADER, identifiers={"registration": "RCCM-12345"})
    assert screened(entry("Other Name", "RCCM12345")).finding("SANC.EU").ruling.outcome is FAIL
    later = screened(entry("Other Name", "RCCM12345", "2026-05-01")).finding("SANC.EU")
    assert (later.ruling.outcome, later.ruling.since) == (FLAG, "2026-05-01")


def test_mistake_18_licensed_lists_are_not_handed_on(story: Story) -> None:
    """They are not shipped, not to be handed on, and a verdict repeats nothing of what they say of others."""
    licensed = ("rmi_facilities", "rmi_conformant", "rmi_active", "lbma_gdl", "wdpa", "conflict_events")
    assert not any(DATASETS[name].may_be_handed_on for name in licensed)
    shipped = {one.name.rpartition(".")[2] for one in files("ledger.rules.packs").iterdir()}
    assert shipped <= {"py", "toml", "__pycache__"}
    story.on("2026-05-21")
    imports.audited(PLANT, PLANT, facility_number="CID009901")(story)
    rows = [Facility("CID009901", "Ta", "Secret Name", "CN", "China", "other", "2020-01-01", 1)]
    lists("rmi_facilities", "2026-05-10", *rows)(story)
    for rule in read_packs()["rmap"].rules:
        assert "Secret Name" not in str(story.finding(rule.id))


def test_mistake_20_a_verdict_shows_on_whose_word_it_rests(story: Story) -> None:
    """The same audit by the smelter itself and by a third party."""
    story.on("2026-05-21")
    claim = story.claim("eu_2017_821_import_file", {**imports.TERMS, "annual_kg": "100000"})
    statement = {"facility": BUYER, "scheme": "X", "standard": "Y", "metals": ["Ta"], "body": "Somebody"}
    attests(BUYER, "audit", BUYER, statement, result="conform")(story)
    own = story.finding("EU821.6", claim=claim)
    assert (own.ruling.outcome, "only self_attested" in own.ruling.sentence) == (INSUFFICIENT, True)
    attests(AUDITOR, "audit", BUYER, statement, result="conform")(story)
    theirs = story.finding("EU821.6", claim=claim)
    assert theirs.grade is not None
    assert (theirs.ruling.outcome, theirs.grade.label) == (PASS, "independent")


def test_mistake_21_dates_and_limits_that_moved_are_parameters() -> None:
    """Due diligence on batteries was due on 18 August 2025, is on 18 August 2027, and may move again."""
    story = batteries.cobalt_story("2027-03")
    moved = {"duties_since": "2025-08-18"}
    plain = story.claim("eu_battery_due_diligence", BATTERY)
    assert story.finding("EUBATT.SCOPE", claim=plain).ruling.sentence.endswith("is due from 2027-08-18.")
    earlier = story.claim("eu_battery_due_diligence", BATTERY, parameters=moved)
    assert story.finding("EUBATT.SCOPE", claim=earlier).ruling.outcome is PASS
    large = story.claim("eu_battery_due_diligence", BATTERY, parameters={**moved, "turnover_meur": "150"})
    assert story.finding("EUBATT.SCOPE", claim=large).ruling.outcome is NOT_APPLICABLE
    head = read_packs()["eu-batteries"].head
    assert all(head.parameters[name].remark for name in ("duties_since", "turnover_meur", "passport_since"))


def test_no_rule_of_these_packs_falls_over_on_a_site_or_participant(story: Story) -> None:
    """Missing data is never a crash, and a claim that only these packs judge is not supported by scope alone."""
    names = (
        "eu-2017-821", "eu-batteries", "eu-other", "us-imports", "disclosure-templates", "rmap", "itsci", "lbma",
        "sanctions", "transparency", "kimberley",
    )  # fmt: skip
    for subject in (MINE_A, PLANT, MINER, AUDITOR):
        claim = story.claim("conduct", subject=subject, packs=list(names))
        judgement = story.judge(claim)
        assert judgement.answer in (Answer.NOT_PROVEN, Answer.REVIEW)
        assert {one.pack for one in judgement.findings} == {*names}
