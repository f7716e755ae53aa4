"""Attempts to get a pass that is not deserved, each by name: papers made to look longer, better or more independent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger.encoding import format_json, parse_json
from ledger.log.checkpoint import Checkpoint
from ledger.rules.outcome import Grade, Outcome
from ledger.rules.pack import Pack
from ledger.rules.verdict import format_verdict
from tests.ledger.rules.test_attested import says
from tests.ledger.rules.test_engine import INSPECTED, edd, inspection, judge, pack, plan, trial
from tests.ledger.rules.test_engine import failing as failing
from tests.ledger.rules.test_engine import flagging as flagging
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    CUSTOMS,
    DEPOT,
    EXPORTER,
    LAB,
    MINE_A,
    MINER,
    MONITOR,
    SMELTER,
    TRADER,
    Story,
    coltan_story,
    start_story,
)
from tests.support.world import ORIGIN, REGISTRAR

PASS, FAIL, FLAG, LACK = Outcome.PASS, Outcome.FAIL, Outcome.RED_FLAG, Outcome.INSUFFICIENT
MINES = [MINE_A, "site:mine-b"]


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


# ---- papers that have run out ---------------------------------------------------------------------------------------

LICENCE = {"kind": "artisanal_permit", "number": "L-1", "holder": MINER, "granted": "2025-04-01"}
HOLDS = 'kind = "licence", each = "chain"'
LONG = {"from": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}


def test_a_licence_is_not_made_longer_by_who_signs_it_anew(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "licence", MINE_A, {**LICENCE, "expires": "2026-05-20"}, **LONG)
    assert says(story, "attested", HOLDS).ruling.outcome is LACK
    story.attest(AUTHORITY, "licence", MINE_A, {**LICENCE, "expires": "2026-05-21"}, **LONG)
    assert says(story, "attested", HOLDS).ruling.outcome is PASS


def test_a_licence_is_not_made_longer_by_a_correction(story: Story) -> None:
    record = story.on("2026-05-21").attest(AUTHORITY, "licence", MINE_A, {**LICENCE, "expires": "2026-05-20"})
    extended = {"record": record, "type": "attest", "reason": "Longer", "replace": {"until": "2030-01-01T00:00:00Z"}}
    story.world.do(AUTHORITY, "correct", extended)
    assert says(story, "attested", HOLDS).ruling.outcome is LACK


def test_a_licence_does_not_hold_before_it_was_granted(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "licence", MINE_A, {**LICENCE, "granted": "2026-05-22"}, **LONG)
    assert says(story, "attested", HOLDS).ruling.outcome is LACK


def test_a_certificate_that_its_issuer_ended_early_is_not_valid(story: Story) -> None:
    said = {**LICENCE, "expires": "2027-01-01"}
    record = story.on("2026-05-21").attest(AUTHORITY, "licence", MINE_A, said)
    window = 'kind = "licence", each = "chain", issued = "granted"'
    assert says(story, "validity_window", window).ruling.outcome is PASS
    ended = {"record": record, "type": "attest", "reason": "Withdrawn", "replace": {"until": "2026-05-20T00:00:00Z"}}
    story.world.do(AUTHORITY, "correct", ended)
    assert says(story, "validity_window", window).ruling.outcome is FAIL


def test_an_inspection_that_states_no_result_does_not_conform(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "inspection", MINES, inspection())
    assert trial(story, pack(INSPECTED[:-1] + ', result = "conform" }')).ruling.outcome is LACK


def test_an_inspection_that_has_not_been_made_shows_nothing(story: Story) -> None:
    """Signed in May, dated in June: neither then nor later."""
    story.on("2026-05-21").attest(AUTHORITY, "inspection", MINES, inspection("2026-05-23"))
    assert trial(story, pack(), known="2026-06-30", valid="2026-06-30").ruling.outcome is LACK
    story.attest(AUTHORITY, "inspection", MINES, inspection("2026-05-22"))  # the day may have begun there
    assert trial(story, pack(), known="2026-06-30", valid="2026-06-30").ruling.outcome is PASS


# ---- who is independent ---------------------------------------------------------------------------------------------


def grade_of_newest(story: Story) -> Grade:
    facts = story.facts()
    return [one for one in facts.items.values() if one.type == "attest"][-1].grade


def with_roles(party: str, *roles: str) -> Story:
    """The honest month, in which somebody has more roles than one."""
    story = coltan_story()
    story.amend(party, roles=[*roles])
    return story.on("2026-05-21")


@pytest.mark.parametrize("role", ["authority", "auditor", "laboratory", "monitor"])
def test_a_trader_of_the_chain_with_a_second_hat_is_a_trader(role: str) -> None:
    """It handled the lot, so what it says of the mine is worth no more than a counterparty's word."""
    story = with_roles(TRADER, "trader", role)
    story.attest(TRADER, "inspection", MINES, inspection())
    assert grade_of_newest(story) is Grade.COUNTERSIGNED
    story.attest(TRADER, "inspection", TRADER, inspection())
    assert grade_of_newest(story) is Grade.SELF_ATTESTED
    story.attest(TRADER, "inspection", DEPOT, inspection())
    assert grade_of_newest(story) is Grade.SELF_ATTESTED


def test_an_auditor_who_audits_itself_through_another_subject(story: Story) -> None:
    """The audit is about the lot, but its facility is the auditor's own."""
    audit = {"scheme": "RMAP", "standard": "2023", "metals": ["tantalum"], "body": "Us"}
    story.on("2026-05-21").attest(AUDITOR, "audit", "lot:export", {**audit, "facility": AUDITOR}, result="conform")
    assert grade_of_newest(story) is Grade.SELF_ATTESTED
    story.attest(AUDITOR, "audit", "lot:export", {**audit, "facility": SMELTER}, result="conform")
    assert grade_of_newest(story) is Grade.INDEPENDENT


def test_an_authority_that_licenses_itself(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "licence", MINE_A, {**LICENCE, "holder": AUTHORITY})
    assert grade_of_newest(story) is Grade.SELF_ATTESTED
    story.attest(CUSTOMS, "licence", MINE_A, {**LICENCE, "holder": AUTHORITY})
    assert grade_of_newest(story) is Grade.COMPETENT_AUTHORITY


# ---- enhanced due diligence -----------------------------------------------------------------------------------------


def test_nobody_clears_himself_through_the_lot(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is about the auditor; its report is about the lot, where it counts as independent."""
    from ledger.rules.checks.registry import CHECKS, Check, Members
    from ledger.rules.ruling import flagged

    def always(case: Any, members: Any) -> Any:
        return flagged("They share an owner.", since="2026-05-20").about(AUDITOR, MINER)

    monkeypatch.setitem(CHECKS, "shared", Check("shared", "", Members, always))
    one = pack("", check="shared")
    story.on("2026-05-26").attest(AUDITOR, "edd_report", "lot:export", edd("discharged"))
    assert trial(story, one).ruling.outcome is FLAG
    story.attest(MONITOR, "edd_report", "lot:export", edd("discharged"))
    assert trial(story, one).ruling.outcome is PASS


def test_a_visit_that_has_not_been_made_closes_nothing(story: Story, flagging: Pack) -> None:
    story.on("2026-05-26").attest(AUDITOR, "edd_report", MINE_A, edd("discharged", visit="2026-05-27"))
    assert trial(story, flagging).ruling.outcome is FLAG
    story.attest(AUDITOR, "edd_report", MINE_A, edd("discharged", visit="2026-05-26"))
    assert trial(story, flagging).ruling.outcome is PASS


# ---- mitigation plans -----------------------------------------------------------------------------------------------


def test_the_plan_of_somebody_who_has_nothing_to_do_with_it(story: Story, failing: Pack) -> None:
    story.on("2026-05-23").enrol("did:web:friend.example", "CD", ["trader"])
    story.attest("did:web:friend.example", "mitigation_plan", MINES, plan())
    assert trial(story, failing).plan == ""
    made = story.attest(EXPORTER, "mitigation_plan", MINES, plan())
    assert trial(story, failing).plan == made


def test_a_plan_does_not_reach_back(story: Story, failing: Pack) -> None:
    made = story.on("2026-05-25").attest(EXPORTER, "mitigation_plan", MINES, plan())
    assert trial(story, failing, valid="2026-05-24").plan == ""
    assert trial(story, failing, valid="2026-05-25").plan == made


def test_a_plan_that_is_renewed_again_and_again(story: Story, failing: Pack) -> None:
    """Six months are counted from the first plan for the same fault."""
    story.on("2026-05-23").attest(EXPORTER, "mitigation_plan", MINES, plan())
    story.on("2026-11-19").attest(EXPORTER, "mitigation_plan", MINES, plan(start="2026-11-19", review_by="2027-05-15"))
    assert trial(story, failing, known="2026-11-20", valid="2026-11-20").plan != ""
    assert trial(story, failing, known="2026-11-21", valid="2026-11-21").plan == ""


def test_a_revised_plan_within_the_six_months(story: Story, failing: Pack) -> None:
    story.on("2026-05-23").attest(EXPORTER, "mitigation_plan", MINES, plan())
    revised = story.on("2026-08-01").attest(EXPORTER, "mitigation_plan", MINES, plan(start="2026-08-01"))
    assert trial(story, failing, known="2026-08-02", valid="2026-08-02").plan == revised


def test_who_registers_is_no_party_to_the_chain() -> None:
    """The registrar's own statements stand on nothing but its word."""
    story = start_story().on("2026-01-06")
    story.attest(REGISTRAR, "inspection", MINE_A, inspection("2026-01-05"))
    facts = story.facts(subject=MINE_A)
    assert [one.grade for one in facts.attestations("inspection")] == [Grade.SELF_ATTESTED]
    story.attest(LAB, "inspection", MINE_A, inspection("2026-01-05"))
    assert story.facts(subject=MINE_A).attestations("inspection")[-1].grade is Grade.INDEPENDENT


# ---- texts that have no JSON form -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "told"),
    [("Zu\u0308rich \u0301x", "Z\u00fcrich"), ("Half \ud800 pair", "Half ? pair"), ("Plain", "Plain")],
)
def test_a_listed_name_in_any_spelling_does_not_keep_a_verdict_from_being_written(
    story: Story, monkeypatch: pytest.MonkeyPatch, listed: str, told: str
) -> None:
    """A list may spell names decomposed, or with half of a surrogate pair: a hit must still be told."""
    from ledger.rules.checks.registry import CHECKS, Check, Members
    from ledger.rules.ruling import failed

    def hit(case: Any, members: Any) -> Any:
        return failed(f"It is {listed}.", since="2026-01-01", name=listed, names=[listed, 7])

    monkeypatch.setitem(CHECKS, "hit", Check("hit", "", Members, hit))
    verdict = format_verdict(judge(story, pack("", check="hit")), Checkpoint(ORIGIN, 40, bytes(32)))
    found = parse_json(format_json(verdict))["findings"][-1]
    assert found["sentence"].startswith(f"It is {told}")
    assert found["figures"]["name"].startswith(told)
    assert found["figures"]["names"][1] == 7
