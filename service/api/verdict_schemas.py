"""The shapes of claims, verdicts, rule packs and risk, with their examples. Formats: docs/formats/verdict.md."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ledger.rules.claim import CLAIMS
from service.api.examples import LOT, ORIGIN, RECORD_ID
from service.api.schemas import Answer, RecordHash

AnswerWord = Literal["supported", "supported_with_plan", "review", "not_proven", "refuted"]
LevelWord = Literal["high", "elevated", "unknown", "low", "none"]
Moment = Annotated[str, Field(description="RFC 3339, UTC, whole seconds.")]


class SignedVerdict(Answer):
    """A verdict, the JWS over its canonical JSON (payload detached), and the log's certificate of the key."""

    format: Literal["lodeline-signed-verdict/1"]
    verdict: dict[str, Any] = Field(description="`lodeline-verdict/1`; its id is the SHA-256 of its RFC 8785 form.")
    certificate: str
    signature: str


class VerdictSummary(Answer):
    """A verdict in a list."""

    id: RecordHash
    subject: str
    answer: AnswerWord
    created: Moment


class RulePack(Answer):
    """A rule pack in a list; digest: SHA-256 of its file."""

    id: str
    version: str
    digest: RecordHash
    title: str
    about: str
    source: str
    effective: str
    rules: int


class RulePackDetail(RulePack):
    """A rule pack with its parameters, its rules and its file."""

    parameters: dict[str, dict[str, Any]]
    items: list[dict[str, Any]]
    toml: str


class RiskOfArea(Answer):
    """One of UNICRI's five areas: its level, how many findings there are of each outcome, and what makes the level."""

    level: LevelWord
    counts: dict[str, int]
    findings: list[dict[str, Any]]
    unknown: list[str] = Field(description="Ids of rules that could not be judged.")


class Risk(Answer):
    """The risk of a lot, site or participant."""

    subject: str
    kind: Literal["lot", "site", "participant"]
    known_as_of: Moment
    valid_as_of: Moment
    areas: dict[str, RiskOfArea]


_WHEN: Final = "A day (its end), or an RFC 3339 time in UTC; not in the future. Now without it."
CLAIM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claim"],
    "properties": {
        "claim": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "subject"],
            "properties": {
                "type": {"type": "string", "enum": list(CLAIMS)},
                "subject": {"type": "string", "maxLength": 200, "description": "Lot, site or participant."},
                "terms": {"type": "object", "description": "What the claim says; members by type, see docs/rules.md."},
                "packs": {"type": "array", "maxItems": 40, "items": {"type": "string"}},
                "parameters": {"type": "object", "description": "Parameters of the packs that are to be others."},
            },
        },
        "valid_as_of": {"type": "string", "description": _WHEN},
        "known_as_of": {"type": "string", "description": _WHEN},
        "packs": {"type": "array", "maxItems": 5, "items": {"type": "string"}, "description": "Own packs, as TOML."},
    },
}

QUESTION: Final[dict[str, Any]] = {
    "claim": {"type": "origin", "subject": LOT, "terms": {"country": "CD"}},
    "valid_as_of": "2026-09-30",
}
_FINDING: Final[dict[str, Any]] = {
    "rule": "CLAIM.ORIGIN",
    "pack": "claims",
    "outcome": "pass",
    "severity": "blocker",
    "sentence": "100 % of the Ta comes from CD, 100 % is claimed.",
    "evidence": [RECORD_ID],
}
_COUNTS: Final = {"pass": 1, "fail": 0, "red_flag": 0, "insufficient_evidence": 0, "not_applicable": 0}
_PACK: Final = {"id": "claims", "version": "1.0.0", "digest": "0" * 64}
SIGNED_VERDICT: Final[dict[str, Any]] = {
    "format": "lodeline-signed-verdict/1",
    "verdict": {
        "format": "lodeline-verdict/1",
        "claim": {"type": "origin", "subject": LOT, "terms": {"country": "CD", "share": "100"}},
        "answer": "supported",
        "valid_as_of": "2026-09-30T23:59:59Z",
        "known_as_of": "2026-09-30T23:59:59Z",
        "log": {"origin": ORIGIN, "size": 1472, "root": "q1ZcS5Q0y0ReVv1oJ5hZcR0cVqU3m0o6l0Zq7u3f9aE"},
        "evidence": RECORD_ID,
        "packs": [_PACK],
        "parameters": {},
        "references": [],
        "counts": _COUNTS,
        "findings": [{**_FINDING, "risk": ["supply_chain"], "grade": "self_attested"}],
    },
    "certificate": f"lodeline-verifier-key/1\n{ORIGIN}\n11qYAYKxCrfVS_7TyWQHOg7h\n\n— {ORIGIN} PlZ3c2ln\n",
    "signature": "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoi...In0..c2lnbmF0dXJl...",
}
VERDICT_SUMMARY: Final[dict[str, Any]] = {
    "id": RECORD_ID,
    "subject": LOT,
    "answer": "supported",
    "created": "2026-10-01T08:00:00Z",
}
RULE_PACK: Final[dict[str, Any]] = {
    **_PACK,
    "title": "What each claim says",
    "about": "The terms of a claim itself.",
    "source": "Lodeline design, Claims",
    "effective": "2025-01-01",
    "rules": 5,
}
RULE_PACK_DETAIL: Final[dict[str, Any]] = {
    **RULE_PACK,
    "parameters": {},
    "items": [{"id": "CLAIM.ORIGIN", "severity": "blocker", "check": "origin_is", "grade": "self_attested"}],
    "toml": '[pack]\nid = "claims"\n',
}
RISK: Final[dict[str, Any]] = {
    "subject": LOT,
    "kind": "lot",
    "known_as_of": "2026-10-01T08:00:00Z",
    "valid_as_of": "2026-10-01T08:00:00Z",
    "areas": {
        "supply_chain": {"level": "low", "counts": _COUNTS, "findings": [], "unknown": []},
        "criminal_exploitation": {
            "level": "high",
            "counts": {**_COUNTS, "pass": 0, "fail": 1},
            "findings": [{**_FINDING, "rule": "F-SPEED", "pack": "fraud", "outcome": "fail"}],
            "unknown": [],
        },
    },
}
