"""The verdict: a judgement as canonical JSON, reproducible byte for byte from the same evidence.

A verdict names everything that it follows from: the claim, both clocks, the log's checkpoint, packs
and reference snapshots by digest, and a digest over the evidence that its reader could see. Its id
is the SHA-256 of its bytes. Form: docs/formats/verdict.md (`lodeline-verdict/1`).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from ledger.encoding import format_b64url, format_json
from ledger.log.checkpoint import Checkpoint
from ledger.rules.engine import Finding, Judgement
from ledger.rules.facts import Facts
from ledger.rules.outcome import Outcome

FORMAT: Final = "lodeline-verdict/1"


def format_verdict(judgement: Judgement, checkpoint: Checkpoint) -> dict[str, Any]:
    """The verdict as a JSON object; `ledger.encoding.format_json` of it are its bytes."""
    facts = judgement.facts
    return {
        "format": FORMAT,
        "claim": judgement.claim.to_json(),
        "answer": judgement.answer.value,
        "valid_as_of": facts.valid_as_of,
        "known_as_of": facts.known_as_of,
        "log": {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": format_b64url(checkpoint.root),
        },
        "evidence": digest_evidence(facts),
        "packs": [pack.reference() for pack in judgement.packs],
        "parameters": judgement.parameters,
        "references": [snapshot.name() for snapshot in judgement.references],
        "counts": _counts(judgement.findings),
        "findings": [finding_to_json(one) for one in judgement.findings],
    }


def verdict_id(verdict: dict[str, Any]) -> str:
    """Lowercase hex SHA-256 of the verdict's canonical bytes."""
    return hashlib.sha256(format_json(verdict)).hexdigest()


def digest_evidence(facts: Facts) -> str:
    """Lowercase hex SHA-256 over ids of the records known and of those by hash only, and what was concealed.

    Two verdicts with the same digest were made from the same evidence, seen as far.
    """
    lines = [f"{one.id} {one.concealed}\n" for one in facts.items.values()]
    lines += [f"refused {one.item.id} {one.item.concealed}\n" for one in facts.refusals]
    lines += [f"hidden {one}\n" for one in facts.hidden]
    return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()


def _counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    return {outcome.value: sum(one.ruling.outcome is outcome for one in findings) for outcome in Outcome}


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in a verdict."""
    rule, ruling = finding.rule, finding.ruling
    out: dict[str, Any] = {
        "rule": rule.id,
        "pack": finding.pack,
        "outcome": ruling.outcome.value,
        "severity": rule.severity.value,
        "risk": [area.value for area in rule.risk],
        "sentence": ruling.sentence,
        "evidence": list(ruling.evidence),
    }
    if finding.grade is not None:
        out["grade"] = finding.grade.label
    more = {
        "plan": finding.plan,
        "discharged_by": finding.discharged,
        "confirmed_by": finding.confirmed,
        "since": ruling.since,
        "subjects": list(ruling.subjects),
        "references": list(ruling.references),
        "missing": [one.to_json() for one in ruling.missing],
        "figures": ruling.figures,
        "overdue": finding.overdue,
        "optional": rule.optional,
    }
    return {**out, **{name: value for name, value in more.items() if value}}
