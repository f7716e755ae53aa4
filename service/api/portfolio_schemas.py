"""The shapes of portfolios, with their examples."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from service.api.examples import LOT, ORIGIN, RECORD_ID
from service.api.schemas import Answer, RecordHash
from service.api.verdict_schemas import CLAIM_SCHEMA, AnswerWord, Moment
from service.usecases.portfolios import MAX_LOTS


class LotAnswer(Answer):
    """What a verdict on the lot would answer, how many findings of each outcome it has, and which speak against it."""

    subject: str
    answer: AnswerWord
    counts: dict[str, int]
    findings: list[int] = Field(description="Places in `findings`, in the order of packs and rules.")


class BriefFinding(Answer):
    """What a rule says of one lot or of several: sentence and records are those of each lot's own verdict."""

    rule: str
    outcome: Literal["fail", "red_flag", "insufficient_evidence"]
    sentence: str
    evidence: int = Field(description="Place in `evidence`.")


class PortfolioAnswer(Answer):
    """The answers for all lots, in the order asked for; findings and lists of records that lots share stand once."""

    claim: dict[str, Any]
    valid_as_of: Moment
    known_as_of: Moment
    log: dict[str, Any] = Field(description="Origin, size and root of the log that it was read from.")
    lots: list[LotAnswer]
    findings: list[BriefFinding]
    evidence: list[list[RecordHash]]


_CLAIM: Final[dict[str, Any]] = CLAIM_SCHEMA["properties"]["claim"]
PORTFOLIO_SCHEMA: Final[dict[str, Any]] = {
    **CLAIM_SCHEMA,
    "required": ["claim", "subjects"],
    "properties": {
        **CLAIM_SCHEMA["properties"],
        "claim": {
            **_CLAIM,
            "required": ["type"],
            "properties": {name: one for name, one in _CLAIM["properties"].items() if name != "subject"},
        },
        "subjects": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_LOTS,
            "uniqueItems": True,
            "items": {"type": "string", "maxLength": 200},
            "description": "The lots.",
        },
    },
}
PORTFOLIO: Final[dict[str, Any]] = {
    "claim": {"type": "chain_complete"},
    "subjects": [LOT],
    "valid_as_of": "2026-09-30",
}
PORTFOLIO_ANSWER: Final[dict[str, Any]] = {
    "claim": {"type": "chain_complete", "terms": {}},
    "valid_as_of": "2026-09-30T23:59:59Z",
    "known_as_of": "2026-09-30T23:59:59Z",
    "log": {"origin": ORIGIN, "size": 1472, "root": "q1ZcS5Q0y0ReVv1oJ5hZcR0cVqU3m0o6l0Zq7u3f9aE"},
    "lots": [
        {
            "subject": LOT,
            "answer": "not_proven",
            "counts": {"pass": 9, "fail": 0, "red_flag": 0, "insufficient_evidence": 1, "not_applicable": 2},
            "findings": [0],
        }
    ],
    "findings": [
        {
            "rule": "LED.ANCHOR",
            "outcome": "insufficient_evidence",
            "sentence": "A verdict rests on records, and an anchor is none: verifying the bundle shows whether the log "
            "is anchored.",
            "evidence": 0,
        }
    ],
    "evidence": [[RECORD_ID]],
}
