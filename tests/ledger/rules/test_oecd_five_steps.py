"""The five steps of the OECD guidance, company by company: every outcome of every rule."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from tests.support.cases import FAIL, INSUFFICIENT, NOT_APPLICABLE, PASS, Bend, Case, both, check_case, dug, nobody
from tests.support.oecd_papers import EVERYBODY, HEADS, adopt_policy, assess, audit, look_closer, plan
from tests.support.story import (
    AUTHORITY,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    MINER_B,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    Story,
)
from tests.support.world import new_lot, quantity


def honest(story: Story) -> None:
    """Custody only, no papers."""


def policies(*covers: str, **members: Any) -> Bend:
    return lambda story: adopt_policy(story, covers=covers or (*HEADS, "records_5y"), **members)


def policy_withdrawn(story: Story) -> None:
    adopt_policy(story, MINER, MINER_B, TRADER, EXPORTER)
    statement = {"title": "Policy", "covers": [*HEADS], "url": "https://example.org/policy"}
    story.attest(
        SMELTER, "policy", SMELTER, statement, **{"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    )


def unpublished(story: Story) -> None:
    for party in EVERYBODY:
        story.attest(party, "policy", party, {"title": "Policy", "covers": [*HEADS]})


def officer_concealed(story: Story) -> dict[str, Any]:
    adopt_policy(story, MINER, MINER_B, TRADER, EXPORTER, officer="the director")
    statement = {"title": "Policy", "covers": ["records_5y"], "officer": "the director"}
    story.attest(SMELTER, "policy", SMELTER, statement, conceal=["/body/statement/officer"])
    return {"erase": True}


PAIRS = ((MINER, TRADER), (MINER_B, TRADER), (TRADER, EXPORTER), (EXPORTER, SMELTER))


def contracts(*pairs: tuple[str, str], clause: str | None = "12", **times: str) -> Bend:
    def bend(story: Story) -> None:
        for giver, receiver in pairs or PAIRS:
            statement: dict[str, Any] = {"title": "Supply contract", "parties": [giver, receiver]}
            if clause:
                statement["clause"] = clause
            story.attest(giver, "contract", giver, statement, **times)

    return bend


def channels(days: int = 30) -> Bend:
    def bend(story: Story) -> None:
        for party in EVERYBODY:
            story.attest(party, "grievance_channel", party, {"contact": "complaints desk", "days_to_answer": days})

    return bend


def reported(about: str = MINE_A, category: str = "A2.5", **body: Any) -> Bend:
    """A monitor reports something on 20 May."""
    return lambda story: story.incident(MONITOR, about, category, **body) and None


def answered(story: Story) -> None:
    first = story.incident(MONITOR, MINE_A, "A2.5")
    story.on("2026-06-01").incident(MINER, MINE_A, "A2.5", follows=first, status="mitigating")


def closed(story: Story) -> None:
    story.incident(MONITOR, MINE_A, "A2.5", status="closed")


def later(day: str) -> Bend:
    return lambda story: story.on(day) and None


def assessed(date: str = "2026-05-19", *flags: str) -> Bend:
    return lambda story: assess(story, date=date, red_flags=flags)


def status(colour: str, effective: str = "2026-05-20") -> Bend:
    statement = {"status": colour, "effective": effective, "act": "N-1", "authority": AUTHORITY}
    return lambda story: story.attest(AUTHORITY, "site_status", MINE_A, statement) and None


def planned(risk: str, **more: Any) -> Bend:
    return lambda story: plan(story, risk, **more) and None


def looked_into(flag: str) -> Bend:
    return lambda story: look_closer(story, flag) and None


def audited(**more: Any) -> Bend:
    return lambda story: audit(story, PLANT, **more) and None


def audited_without_result(story: Story) -> None:
    statement = {"facility": PLANT, "scheme": "RMAP", "standard": "2022", "metals": ["Ta"], "body": "Assurance"}
    story.attest("did:web:assurance.example", "audit", PLANT, statement, **{"from": "2026-01-01T00:00:00Z"})


def audited_by_itself(story: Story) -> None:
    statement = {"facility": PLANT, "scheme": "RMAP", "standard": "2022", "metals": ["Ta"], "body": "Ourselves"}
    story.attest(SMELTER, "audit", PLANT, statement, result="conform", **{"from": "2026-01-01T00:00:00Z"})


def reports(year: int) -> Bend:
    def bend(story: Story) -> None:
        for party in EVERYBODY:
            statement = {"year": year, "url": "https://example.org/report", "digest": "a" * 64}
            story.attest(party, "annual_report", party, statement)

    return bend


def credit(story: Story) -> dict[str, Any]:
    out = new_lot("lot:credit", quantity("800", "2", {"Ta2O5": "28.5"}), ["CR1"])
    body = {"process": "concentrate", "model": "mass_balance"}
    story.on("2026-05-21").transform(SMELTER, PLANT, {"lot:export": "800"}, out, **body)
    return {"subject": "lot:credit"}


def lost_on_the_way(story: Story) -> None:
    story.on("2026-05-21").dispatch(
        SMELTER, TRADER, PLANT, DEPOT, "lot:export", route=[{"country": "TZ", "place": "P"}]
    )
    story.on("2026-06-10")


CASES: dict[str, Case] = {
    "all policies cover all heads": ("OECD.S1.POLICY", policies(), PASS),
    "policies leave out armed groups": ("OECD.S1.POLICY", policies("A2.1", "A2.5", "A2.11", "A2.12", "A2.13"), FAIL),
    "no policy is on file": ("OECD.S1.POLICY", honest, INSUFFICIENT),
    "the smelter's policy ran out": ("OECD.S1.POLICY", policy_withdrawn, INSUFFICIENT),
    "the policies are not published": ("OECD.S1.POLICY", unpublished, INSUFFICIENT),
    "there is no company yet": ("OECD.S1.POLICY", nobody, INSUFFICIENT),
    "an officer answers for each policy": ("OECD.S1.MGMT", policies(officer="the director"), PASS),
    "no officer is named": ("OECD.S1.MGMT", policies(), INSUFFICIENT),
    "an officer is concealed": ("OECD.S1.MGMT", officer_concealed, INSUFFICIENT),
    "the policies say nothing of records": ("OECD.S1.MGMT", policies(*HEADS, officer="the director"), INSUFFICIENT),
    "the chain is documented": ("OECD.S1.COC", honest, PASS),
    "the chain ends in an account": ("OECD.S1.COC", credit, INSUFFICIENT),
    "the lot was lost on the way": ("OECD.S1.COC", lost_on_the_way, FAIL),
    "all contracts have the clause": ("OECD.S1.CONTRACT", contracts(), PASS),
    "the contracts were in force": (
        "OECD.S1.CONTRACT", contracts(**{"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}), PASS,
    ),
    "the contracts began too late": ("OECD.S1.CONTRACT", contracts(**{"from": "2026-05-01T00:00:00Z"}), INSUFFICIENT),
    "the contracts have no clause": ("OECD.S1.CONTRACT", contracts(clause=None), INSUFFICIENT),
    "one contract is missing": ("OECD.S1.CONTRACT", contracts(*PAIRS[:3]), INSUFFICIENT),
    "nothing was handed over": ("OECD.S1.CONTRACT", dug, NOT_APPLICABLE),
    "all have a channel": ("OECD.S1.GRIEV", channels(), PASS),
    "nobody has a channel": ("OECD.S1.GRIEV", honest, INSUFFICIENT),
    "a report waits for two months": ("OECD.S1.GRIEV", both(channels(), reported(), later("2026-07-20")), FAIL),
    "a report waits for ten days": ("OECD.S1.GRIEV", both(channels(), reported(), later("2026-05-30")), PASS),
    "a report was answered": ("OECD.S1.GRIEV", both(channels(), answered, later("2026-07-20")), PASS),
    "a report about the smelter waits": (
        "OECD.S1.GRIEV", both(channels(), reported(SMELTER), later("2026-07-20")), FAIL,
    ),
    "there is nobody to complain to": ("OECD.S1.GRIEV", nobody, INSUFFICIENT),
    "all assessed their risks": ("OECD.S2.ASSESS", assessed(), PASS),
    "nobody assessed anything": ("OECD.S2.ASSESS", honest, INSUFFICIENT),
    "an incident came after the assessment": (
        "OECD.S2.ASSESS", both(assessed(), reported(), later("2026-07-20")), FAIL,
    ),
    "an incident came last week": ("OECD.S2.ASSESS", both(assessed(), reported(), later("2026-06-01")), PASS),
    "the site turned red after the assessment": (
        "OECD.S2.ASSESS", both(assessed(), status("red"), later("2026-07-20")), FAIL,
    ),
    "the site stayed green": ("OECD.S2.ASSESS", both(assessed(), status("green"), later("2026-07-20")), PASS),
    "the risks were assessed again": (
        "OECD.S2.ASSESS", both(reported(), later("2026-07-20"), assessed("2026-07-19")), PASS,
    ),
    "an incident of something else": (
        "OECD.S2.ASSESS", both(assessed(), reported("did:web:buyer.example"), later("2026-07-20")), PASS,
    ),
    "there is nobody to assess": ("OECD.S2.ASSESS", nobody, INSUFFICIENT),
    "no risk was found": ("OECD.S3.MITIGATE", honest, NOT_APPLICABLE),
    "the incident was closed": ("OECD.S3.MITIGATE", closed, NOT_APPLICABLE),
    "soldiers are met with a plan": ("OECD.S3.MITIGATE", both(reported(), planned("OECD-A2.5.SECFORCE")), PASS),
    "soldiers are met with nothing": ("OECD.S3.MITIGATE", reported(), INSUFFICIENT),
    "the plan is for something else": ("OECD.S3.MITIGATE", both(reported(), planned("A2.13")), INSUFFICIENT),
    "armed groups are met with a plan": (
        "OECD.S3.MITIGATE", both(reported(category="A2.3.i"), planned("A2.3.i")), FAIL,
    ),
    "armed groups are left at once": (
        "OECD.S3.MITIGATE", both(reported(category="A2.3.i"), planned("A2.3.i", decision="disengage")), PASS,
    ),
    "the plan runs for a year": ("OECD.S3.MITIGATE", both(reported(), planned("A2.5", review_by="2027-05-01")), FAIL),
    "the plan ended, the soldiers stayed": (
        "OECD.S3.MITIGATE", both(reported(), planned("A2.5", review_by="2026-05-19")), FAIL,
    ),
    "a flag was found and planned for": (
        "OECD.S3.MITIGATE", both(assessed("2026-05-19", "OECD-RF.LOC1"), planned("OECD-RF.LOC1")), PASS,
    ),
    "a flag was found and looked into": (
        "OECD.S3.MITIGATE", both(assessed("2026-05-19", "OECD-RF.LOC1"), looked_into("OECD-RF.LOC1")), PASS,
    ),
    "a flag was found, another looked into": (
        "OECD.S3.MITIGATE",
        both(assessed("2026-05-19", "OECD-RF.LOC1"), planned("A2.5"), looked_into("OECD-RF.SUP1")), INSUFFICIENT,
    ),
    "the smelter was audited": ("OECD.S4.AUDIT", audited(), PASS),
    "the audit did not conform": ("OECD.S4.AUDIT", audited(result="not_conform"), FAIL),
    "the audit gives no result": ("OECD.S4.AUDIT", audited_without_result, INSUFFICIENT),
    "the audit had run out": ("OECD.S4.AUDIT", audited(end="2026-05-01"), INSUFFICIENT),
    "the smelter audited itself": ("OECD.S4.AUDIT", audited_by_itself, INSUFFICIENT),
    "no smelter has it yet": ("OECD.S4.AUDIT", dug, NOT_APPLICABLE),
    "all reported on the year before last": ("OECD.S5.REPORT", reports(2024), PASS),
    "the report on last year is due": ("OECD.S5.REPORT", both(reports(2024), later("2026-06-30")), INSUFFICIENT),
    "the report on last year is there": ("OECD.S5.REPORT", both(reports(2025), later("2026-06-30")), PASS),
    "there is nobody to report": ("OECD.S5.REPORT", nobody, INSUFFICIENT),
}  # fmt: skip


@pytest.mark.parametrize("words", CASES)
def test_five_steps(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["oecd-five-steps"].rules}
