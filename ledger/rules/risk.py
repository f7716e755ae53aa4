"""Risk by UNICRI's five areas: what the findings on a lot, site or participant say about each.

A figure is never a score out of nowhere: each area has a level, the numbers of findings behind it,
and these findings. Not knowing is a level of its own, above low.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from ledger.rules.engine import Finding, Judgement
from ledger.rules.outcome import Outcome, RiskArea, Severity


class Level(StrEnum):
    """Of an area, worst first: a fault stands; something is to be looked at; not shown; shown; no rule applies."""

    HIGH = "high"
    ELEVATED = "elevated"
    UNKNOWN = "unknown"
    LOW = "low"
    NONE = "none"


def assess_risk(judgement: Judgement) -> dict[str, Any]:
    """The areas of a judgement as a JSON object: level, counts by outcome, and the findings that make the level."""
    facts = judgement.facts
    areas = {}
    for area in RiskArea:
        findings = [one for one in judgement.findings if area in one.rule.risk]
        levels = {one.rule.id: _level(one) for one in findings}
        worst = next((level for level in Level if level in levels.values()), Level.NONE)
        areas[area.value] = {
            "level": worst.value,
            "counts": {outcome.value: _count(findings, outcome) for outcome in Outcome},
            "findings": [_brief(one) for one in findings if levels[one.rule.id] in (Level.HIGH, Level.ELEVATED)],
            "unknown": [one.rule.id for one in findings if levels[one.rule.id] is Level.UNKNOWN],
        }
    return {
        "subject": facts.subject,
        "kind": facts.subject_kind,
        "known_as_of": facts.known_as_of,
        "valid_as_of": facts.valid_as_of,
        "areas": areas,
    }


def _level(finding: Finding) -> Level:
    outcome, severity = finding.ruling.outcome, finding.rule.severity
    if outcome is Outcome.NOT_APPLICABLE or severity is Severity.INFO:
        return Level.NONE
    if outcome is Outcome.FAIL:
        return Level.ELEVATED if finding.plan else Level.HIGH
    if outcome is Outcome.RED_FLAG:
        return Level.HIGH if finding.overdue else Level.ELEVATED
    if outcome is Outcome.INSUFFICIENT:
        return Level.NONE if finding.rule.optional else Level.UNKNOWN
    return Level.LOW


def _count(findings: Iterable[Finding], outcome: Outcome) -> int:
    return sum(one.ruling.outcome is outcome for one in findings)


def _brief(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "pack": finding.pack,
        "outcome": finding.ruling.outcome.value,
        "severity": finding.rule.severity.value,
        "sentence": finding.ruling.sentence,
        "evidence": list(finding.ruling.evidence),
    }
