"""Mistakes that verification services make, each as an attack that has to fail: those about due diligence."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ledger.log.checkpoint import Checkpoint
from ledger.rules.outcome import Answer, Grade, Outcome, Severity, combine
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import ArmedPresence, CahraArea, Roadblock, SiteVisit, TransitCountry
from ledger.rules.verdict import format_verdict
from tests.support.oecd_papers import (
    adopt_policy,
    assess,
    audit,
    inspect,
    know,
    look_closer,
    pay,
    plan,
)
from tests.support.story import (
    AUTHORITY,
    DEPOT,
    MINE_A,
    MINE_B,
    MINER,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    Story,
    bags,
)
from tests.support.world import ORIGIN, new_lot, quantity

PASS, FAIL, FLAG, INSUFFICIENT = Outcome.PASS, Outcome.FAIL, Outcome.RED_FLAG, Outcome.INSUFFICIENT
MARCH = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-12T00:00:00Z"}
ABUSES = [rule.id for rule in read_packs()["oecd-annex-ii"].rules if rule.id.startswith("OECD-A2.1.")]


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


def outcome(story: Story, rule: str, **more: Any) -> Outcome:
    return story.finding(rule, **more).ruling.outcome


# ---- 1: a list that is silent is no proof, and a country that is not listed may be one of transit -------------------


def test_mistake_01_not_on_the_list_is_not_a_pass(story: Story) -> None:
    know(story, "eu_cahra", CahraArea("SO", "SO-BN", "Banaadir", True, False))
    assert outcome(story, "OECD-RF.LOC1") is INSUFFICIENT
    assess(story)
    assert outcome(story, "OECD-RF.LOC1") is PASS


def test_mistake_01_transit_through_an_unlisted_country_is_a_flag(story: Story) -> None:
    """Rwanda is on no list of conflict areas; the consignment went through it."""
    know(story, "eu_cahra", CahraArea("SO", "SO-BN", "Banaadir", True, False))
    know(story, "transit_countries", TransitCountry("RW", (), "2020-01-01", "", "list", "2020-01-01"))
    assess(story)
    assert outcome(story, "OECD-RF.LOC1") is PASS
    assert outcome(story, "OECD-RF.LOC3") is FLAG


def test_mistake_01_a_country_listed_province_by_province_is_found(story: Story) -> None:
    """The list has no row for the whole of the country: all of its provinces have one each."""
    rows = [CahraArea("CD", f"CD-{code}", code, code in ("NK", "SK", "IT"), code not in ("NK", "SK", "IT"))
            for code in ("NK", "SK", "IT", "HK", "LU")]  # fmt: skip
    know(story, "eu_cahra", *rows)
    found = story.finding("OECD-RF.LOC1")
    assert found.ruling.outcome is FLAG
    assert "CD-NK, which is listed as conflict-affected" in found.ruling.sentence


# ---- 2: nothing on file is not compliance ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ABUSES)
def test_mistake_02_no_incident_on_file_is_not_a_pass(story: Story, rule: str) -> None:
    assert story.facts().incidents == ()
    assert outcome(story, rule) is INSUFFICIENT
    inspect(story, children={"under_15": 0, "aged_15_to_18": 0})
    assert outcome(story, rule) is PASS


def test_mistake_02_an_old_look_is_not_a_pass(story: Story) -> None:
    inspect(story, date="2024-01-10")
    assert outcome(story, "OECD-A2.1.TORTURE") is INSUFFICIENT


# ---- 3: risks are not all the same ----------------------------------------------------------------------------------


def no_roadblock(story: Story) -> None:
    know(story, "ipis_roadblocks", Roadblock("Far", "2026-01-01", (0, 0), "", ("non_state",), "", "", (), True, "IPIS"))


def test_mistake_03_an_armed_group_paid_ends_it(story: Story) -> None:
    inspect(story, armed_presence="none")
    no_roadblock(story)
    pay(story, MINER, MINE_A, kind="levy", payee_class="armed_group", receipt=None)
    plan(story, "OECD-A2.3.TAX")
    found = story.finding("OECD-A2.3.TAX")
    assert (found.rule.severity, found.plan) == (Severity.BLOCKER, "")
    assert combine([found.standing]) is Answer.REFUTED


def test_mistake_03_soldiers_paid_are_mitigated(story: Story) -> None:
    inspect(story, armed_presence="none")
    no_roadblock(story)
    pay(story, MINER, MINE_A, kind="levy", payee_class="public_security", receipt=None)
    assert combine([story.finding("OECD-A2.5.SECFORCE").standing]) is Answer.REFUTED
    plan(story, "OECD-A2.5.SECFORCE")
    assert combine([story.finding("OECD-A2.5.SECFORCE").standing]) is Answer.SUPPORTED_WITH_PLAN
    story.on("2026-10-02")  # the plan has ended
    assert combine([story.finding("OECD-A2.5.SECFORCE").standing]) is Answer.REFUTED


def test_mistake_03_the_wrong_response_is_a_fault_itself(story: Story) -> None:
    story.incident(MONITOR, MINE_A, "A2.3.i", verified=True, period=MARCH)
    plan(story, "A2.3.i", decision="continue")
    assert outcome(story, "OECD.S3.MITIGATE") is FAIL
    plan(story, "A2.3.i", decision="suspend")
    assert outcome(story, "OECD.S3.MITIGATE") is PASS


def test_mistake_03_severities_follow_the_paragraphs() -> None:
    severities = {rule.id: rule.severity for rule in read_packs()["oecd-annex-ii"].rules}
    for rule, severity in severities.items():
        paragraph = int(rule.split(".")[1])
        if paragraph in (1, 3):  # suspend or disengage at once
            assert severity is Severity.BLOCKER
        elif rule != "OECD-A2.11.ORIGIN":  # a plan, or measurable improvement
            assert severity is Severity.MITIGABLE


# ---- 4: a red flag is not a violation -------------------------------------------------------------------------------


def test_mistake_04_a_red_flag_is_closed_by_a_closer_look(story: Story) -> None:
    know(story, "eu_cahra", CahraArea("CD", "CD-NK", "Nord-Kivu", True, False))
    flag = story.finding("OECD-RF.LOC1", valid="2026-04-20", known="2026-05-20")
    assert (flag.ruling.outcome, combine([flag.standing])) == (FLAG, Answer.REVIEW)
    look_closer(story, "OECD-RF.LOC1", visit="2026-05-19")
    found = story.finding("OECD-RF.LOC1")
    assert (found.ruling.outcome, combine([found.standing])) == (PASS, Answer.SUPPORTED)


def test_mistake_04_a_look_before_the_flag_closes_nothing(story: Story) -> None:
    know(story, "eu_cahra", CahraArea("CD", "CD-NK", "Nord-Kivu", True, False))
    look_closer(story, "OECD-RF.LOC1", visit="2026-02-01")
    assert outcome(story, "OECD-RF.LOC1") is FLAG


def test_mistake_04_an_allegation_is_not_a_verified_incident(story: Story) -> None:
    inspect(story)
    first = story.incident(MONITOR, MINE_A, "A2.1.i", period=MARCH)
    assert outcome(story, "OECD-A2.1.TORTURE") is FLAG
    story.incident(AUTHORITY, MINE_A, "A2.1.i", verified=True, follows=first)
    assert outcome(story, "OECD-A2.1.TORTURE") is FAIL


# ---- 5, 11, 12 as far as they concern due diligence -----------------------------------------------------------------


def test_mistake_05_an_audited_smelter_proves_nothing_of_a_lot(story: Story) -> None:
    audit(story, PLANT)
    assert outcome(story, "OECD.S4.AUDIT") is PASS
    for rule in (*ABUSES, "OECD-A2.3.CONTROL"):
        assert outcome(story, rule) is INSUFFICIENT


def visit(site: str, date: str, *armed: ArmedPresence) -> SiteVisit:
    return SiteVisit(
        site, f"{site}/{date}", date, "A", "Nord-Kivu", "T", (288800000, -15500000), ("coltan",), 100, "green",
        bool(armed), armed, False, False, None,
    )  # fmt: skip


def test_mistake_11_a_visit_is_not_a_mine_and_ages_out(story: Story) -> None:
    know(story, "ipis_visits", visit(MINE_A, "2024-05-01"), visit(MINE_B, "2026-01-10"))
    assert outcome(story, "OECD-A2.1.CHILD") is INSUFFICIENT  # mine A was seen two years before
    story.snapshots.clear()
    know(story, "ipis_visits", visit(MINE_A, "2024-05-01"), visit(MINE_A, "2026-02-01"), visit(MINE_B, "2026-01-10"))
    assert outcome(story, "OECD-A2.1.CHILD") is PASS


def test_mistake_12_mass_balance_supports_no_mine_of_origin(story: Story) -> None:
    assert outcome(story, "OECD3T.E.MINE") is PASS
    out = new_lot("lot:credit", quantity("800", "2", {"Ta2O5": "28.5"}), ["CR1"])
    body = {"process": "concentrate", "model": "mass_balance"}
    story.on("2026-05-21").transform(SMELTER, PLANT, {"lot:export": "800"}, out, **body)
    assert outcome(story, "OECD3T.E.MINE", subject="lot:credit") is INSUFFICIENT


# ---- 15: sites without a network ------------------------------------------------------------------------------------


def dug_offline(story: Story, days: int, *, signed_at_once: bool) -> dict[str, Any]:
    """An extract of 1 June that reaches the log some days later."""
    story.on("2026-06-01")
    happened = story.world.now
    story.world.now += days * 86_400
    body = {
        "site": MINE_A, "period": {"from": "2026-05-01T06:00:00Z", "to": "2026-05-31T17:00:00Z"}, "method": "artisanal",
        "workers": 120, "lots": bags("late", 1),
    }  # fmt: skip
    signed = happened if signed_at_once else story.world.now
    story.world.do(MINER, "extract", body, iat=signed, time="2026-06-01T12:00:00Z")
    return {"subject": "lot:late-1"}


def test_mistake_15_a_record_captured_offline_is_not_late(story: Story) -> None:
    assert outcome(story, "LED.LATE", **dug_offline(story, 20, signed_at_once=True)) is PASS


def test_mistake_15_a_record_written_later_is_a_flag(story: Story) -> None:
    assert outcome(story, "LED.LATE", **dug_offline(story, 20, signed_at_once=False)) is FLAG


def test_mistake_15_offline_has_an_end(story: Story) -> None:
    assert outcome(story, "LED.LATE", **dug_offline(story, 31, signed_at_once=True)) is FLAG


# ---- 19: people at risk ---------------------------------------------------------------------------------------------

EXPOSING: dict[str, Callable[[Story], Any]] = {
    "a miner": lambda s: s.on("2026-06-01").extract(
        MINE_A, *bags("f", 1), period=("2026-05-01", "2026-05-31"), team="Team Nine"
    ),
    "a driver": lambda s: s.on("2026-06-01").dispatch(SMELTER, TRADER, PLANT, DEPOT, "lot:export", driver="the driver"),
    "an informant": lambda s: s.incident(MONITOR, MINE_A, "A2.3.i", source="somebody of the village"),
    "what was seen": lambda s: s.incident(MONITOR, MINE_A, "A2.3.i", narrative="armed men at the pit"),
    "an inspector": lambda s: inspect(s, inspector="the inspector"),
}


@pytest.mark.parametrize("whom", EXPOSING)
def test_mistake_19_nobody_is_named_in_the_log(story: Story, whom: str) -> None:
    assert outcome(story, "LED.PRIV") is PASS
    EXPOSING[whom](story)
    found = story.finding("LED.PRIV")
    assert found.ruling.outcome is FAIL
    assert "the driver" not in found.ruling.sentence
    assert "village" not in found.ruling.sentence


def test_mistake_19_concealed_accounts_do_not_come_out_in_verdicts(story: Story) -> None:
    """Even a reader who may see the account does not find it in the verdict."""
    body = {
        "about": story.about(MINE_A), "category": "A2.3.i", "severity": 3, "status": "open", "verified": True,
        "narrative": "armed men at the pit", "source": "somebody of the village",
    }  # fmt: skip
    story.world.do(MONITOR, "incident", body, conceal=["/body/narrative", "/body/source"])
    packs = [read_packs()[name] for name in ("claims", "ledger-integrity", "oecd-annex-ii")]
    claim = story.claim("chain_complete", packs=["ledger-integrity", "oecd-annex-ii"])
    judgement = story.judge(claim, packs=packs)
    findings = {one.rule.id: one.ruling for one in judgement.findings}
    assert findings["LED.PRIV"].outcome is PASS
    text = repr(format_verdict(judgement, Checkpoint(ORIGIN, len(story.world.log), bytes(32))))
    assert "armed men" not in text
    assert "village" not in text


# ---- 20: a signature proves who said it, not that it is true --------------------------------------------------------


def test_mistake_20_what_the_miner_says_of_himself_is_no_inspection(story: Story) -> None:
    inspect(story, by=MINER)
    found = story.finding("OECD-A2.1.TORTURE")
    assert found.ruling.outcome is INSUFFICIENT
    assert "only self_attested" in found.ruling.sentence
    assert found.grade is Grade.SELF_ATTESTED
    inspect(story)
    found = story.finding("OECD-A2.1.TORTURE")
    assert (found.ruling.outcome, found.grade) == (PASS, Grade.COMPETENT_AUTHORITY)


def test_mistake_20_every_finding_shows_who_stands_behind_it(story: Story) -> None:
    adopt_policy(story)
    inspect(story)
    packs = read_packs()
    names = ["ledger-integrity", "oecd-five-steps", "oecd-annex-ii", "oecd-red-flags", "oecd-3t", "oecd-gold"]
    claim = story.claim("chain_complete", packs=names)
    judgement = story.judge(claim, packs=[packs[name] for name in ("claims", *names)])
    passes = [one for one in judgement.findings if one.ruling.outcome is PASS]
    assert len(passes) > 10
    for one in passes:
        assert one.grade is not None or one.ruling.references
        assert one.grade is None or one.grade >= Grade[one.rule.grade.upper()]
