"""What holds for every rule at once: strangers change nothing, silence never helps, names do not matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from ledger.encoding import format_json
from ledger.evidence.judging import Evidence, judge, select_known
from ledger.log.checkpoint import Checkpoint
from ledger.rules.claim import OWN_PACK
from ledger.rules.engine import Finding, Judgement
from ledger.rules.outcome import Answer, Outcome
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from ledger.rules.verdict import format_verdict
from tests.support.oecd_papers import declare_nil, inspect, pay_dues, sell
from tests.support.shown import Shown
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    DEPOT,
    EXPORTER,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    MINER_B,
    MONITOR,
    SMELTER,
    TRADER,
    Story,
    bags,
    coltan_story,
)
from tests.support.world import ORIGIN, new_lot, quantity

NOW = "2026-06-30T00:00:00Z"
HEAD = Checkpoint(ORIGIN, 40, bytes(32))
ORDER = (Answer.REFUTED, Answer.REVIEW, Answer.NOT_PROVEN, Answer.SUPPORTED_WITH_PLAN, Answer.SUPPORTED)
GOOD = (Outcome.FAIL, Outcome.RED_FLAG, Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE, Outcome.PASS)


def documented() -> Story:
    """The honest month with a file of papers, good and bad."""
    story = coltan_story().on("2026-05-21")
    inspect(story, children={"under_15": 0, "aged_15_to_18": 0}, armed_presence="none", safety="good", workforce=120)
    for mine, miner, prefix in ((MINE_A, MINER, "A"), (MINE_B, MINER_B, "B")):
        status = {"status": "green", "effective": "2026-01-10", "act": "ARR-1", "authority": AUTHORITY}
        story.attest(AUTHORITY, "site_status", mine, status)
        licence = {"kind": "artisanal_permit", "number": f"L-{prefix}", "holder": miner, "granted": "2025-06-01"}
        story.attest(AUTHORITY, "licence", [mine, miner], {**licence, "expires": "2027-06-01"})
        tags = {"scheme": "itsci", "first": f"{prefix}00001", "last": f"{prefix}00099", "count": 99, "site": mine}
        story.attest(AUTHORITY, "tag_allocation", mine, tags, **{"from": "2026-01-01T00:00:00Z"})
    pay_dues(story)
    declare_nil(story)
    sell(story)
    grades = {"Ta2O5": {"value": "28.5", "uncertainty": "0.4"}}
    assay = {"sample": "S-1", "protocol": "P", "laboratory": LAB, "method": "XRF", "moisture": "2", "grades": grades}
    story.attest(LAB, "assay", "lot:export", {**assay, "stage": "before_homogenising"})
    risks = {"scope": "upstream", "date": "2026-04-01", "red_flags": ["OECD-RF.LOC1"]}
    for party in (TRADER, EXPORTER, SMELTER):
        policy = {"title": "Policy", "covers": ["A2.1", "A2.3", "A2.5", "A2.11", "A2.12", "A2.13"], "officer": "Board"}
        story.attest(party, "policy", party, policy)
        story.attest(party, "risk_assessment", party, risks)
        story.attest(party, "grievance_channel", party, {"contact": "hotline", "days_to_answer": 30})
    audit = {"facility": SMELTER, "scheme": "RMAP", "standard": "2023", "metals": ["tantalum"], "body": "A body"}
    year = {"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}
    story.attest(AUDITOR, "audit", ["site:plant", SMELTER], audit, result="conform", **year)
    story.incident(MONITOR, MINE_B, "A2.5.security", severity=1)
    return story


@lru_cache(maxsize=1)
def base() -> Story:
    return documented()


def judged(story: Story, shown: list[Shown] | None = None, subject: str = "lot:export") -> Judgement:
    packs = [one for one in read_packs() if one != OWN_PACK]
    claim = story.claim("conduct", subject=subject, packs=packs)
    evidence = Evidence(subject, ORIGIN, story.shown() if shown is None else shown, ())
    return judge(claim, evidence, read_packs(), References(), valid_as_of=NOW, known_as_of=NOW)


def by_rule(judgement: Judgement) -> dict[str, Finding]:
    return {one.rule.id: one for one in judgement.findings}


def test_the_file_is_one_that_many_rules_say_something_about() -> None:
    found = [one.ruling.outcome for one in judged(base()).findings]
    assert found.count(Outcome.PASS) >= 50
    assert {*GOOD} >= {*found} >= {Outcome.PASS, Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE}


# ---- strangers ------------------------------------------------------------------------------------------------------


def strangers(story: Story) -> None:
    """Somebody else's mine in another country, its lot, its sins and its papers."""
    story.on("2026-05-28").enrol("did:web:stranger.example", "UG", ["producer"], name="Stranger Ltd")
    story.register("site:stranger", "mine", "did:web:stranger.example", "UG-404")
    story.extract("site:stranger", *bags("s", 3, mass="50"), period=("2026-05-02", "2026-05-27"))
    story.incident(MONITOR, "site:stranger", "A2.3.control", verified=True)
    story.attest(AUDITOR, "inspection", "site:stranger", {"number": "I-9", "date": "2026-05-28", "office": "Office"})
    story.amend("did:web:buyer.example", name="Another Name SARL")


def test_irrelevant_records_change_no_verdict() -> None:
    before = judged(base())
    story = documented()
    strangers(story)
    assert format_json(format_verdict(judged(story), HEAD)) == format_json(format_verdict(before, HEAD))


# ---- silence --------------------------------------------------------------------------------------------------------


def statements(judgement: Judgement) -> dict[str, list[Outcome]]:
    """Attestations and incidents of the evidence, with the outcomes of the findings that rest on each."""
    facts = judgement.facts
    used: dict[str, list[Outcome]] = {one.id: [] for one in facts.items.values() if one.type in ("attest", "incident")}
    for finding in judgement.findings:
        for record in finding.ruling.evidence:
            if record in used:
                used[record].append(finding.ruling.outcome)
    return used


def test_leaving_out_what_supports_never_improves_a_verdict() -> None:
    before = judged(base())
    findings, answer = by_rule(before), ORDER.index(before.answer)
    supporting = [one for one, outcomes in statements(before).items() if outcomes and {*outcomes} == {Outcome.PASS}]
    assert len(supporting) >= 10
    for record in supporting:
        shown = [one for one in base().shown() if one.record.id != record]
        after = judged(base(), shown)
        assert ORDER.index(after.answer) <= answer
        for rule, finding in by_rule(after).items():
            was, now = findings[rule].ruling, finding.ruling
            resting = record in was.evidence
            assert GOOD.index(now.outcome) <= GOOD.index(was.outcome), (rule, was.sentence, now.sentence)
            assert resting or now.outcome is was.outcome or now.outcome is not Outcome.PASS


def test_nothing_at_all_is_never_supported() -> None:
    for finding in judged(coltan_story()).findings:
        if finding.ruling.outcome is Outcome.PASS:
            assert finding.ruling.evidence or finding.ruling.references, finding.rule.id
        if finding.ruling.outcome is Outcome.INSUFFICIENT:
            assert finding.ruling.missing, finding.rule.id
        assert finding.ruling.sentence.endswith((".", "!")), finding.rule.id


def test_concealing_never_improves_a_verdict() -> None:
    """What a reader may not see is not evidence for that reader."""
    story = documented()
    shown = story.shown(erase=True)
    findings = by_rule(judged(story))
    for rule, finding in by_rule(judged(story, shown)).items():
        assert GOOD.index(finding.ruling.outcome) <= GOOD.index(findings[rule].ruling.outcome), rule


# ---- names ----------------------------------------------------------------------------------------------------------


def under_other_names(rename: Callable[[str], str]) -> list[tuple[Any, ...]]:
    """The findings of a small chain whose lots carry other ids."""
    story = coltan_story().on("2026-05-28")
    first, second, merged = (f"lot:{rename(name)}" for name in ("one", "two", "both"))
    amount = quantity("40", "2", {"Ta2O5": "28.5"})
    story.extract(
        MINE_A, new_lot(first, amount, ["X1"]), new_lot(second, amount, ["X2"]), period=("2026-05-02", "2026-05-27")
    )
    story.dispatch(MINER, TRADER, MINE_A, DEPOT, first, second)
    story.on("2026-05-29").receive(TRADER, DEPOT, {first: None, second: None})
    story.transform(TRADER, DEPOT, {first: "40", second: "40"}, new_lot(merged, quantity("80", "2", {"Ta2O5": "28.5"})))
    return [
        (one.rule.id, one.ruling.outcome, one.grade, len(one.ruling.evidence))
        for one in judged(story, subject=merged).findings
    ]


def test_relabelling_lots_changes_nothing() -> None:
    plain = under_other_names(lambda name: name)
    assert under_other_names(lambda name: f"zz/{name[::-1]}") == plain
    assert under_other_names(lambda name: {"one": "b", "two": "a", "both": "0"}[name]) == plain


def test_only_what_the_lot_rests_on_is_evidence() -> None:
    story = documented()
    strangers(story)
    known, _ = select_known(Evidence("lot:export", ORIGIN, story.shown(), ()), NOW)
    assert "site:stranger" not in {one.record.body.get("id") for one in known}


@pytest.mark.parametrize("moment", ["2026-04-02T13:00:00Z", "2026-04-10T13:00:00Z", "2026-05-21T00:00:00Z"])
def test_an_old_verdict_is_not_rewritten(moment: str) -> None:
    """What the log learns later changes no verdict as of before."""

    def told(story: Story) -> bytes:
        claim = story.claim("conduct", packs=[one for one in read_packs() if one != OWN_PACK])
        evidence = Evidence("lot:export", ORIGIN, story.shown(), ())
        return format_json(
            format_verdict(
                judge(claim, evidence, read_packs(), References(), valid_as_of=moment, known_as_of=moment), HEAD
            )
        )

    assert told(coltan_story()) == told(documented())
