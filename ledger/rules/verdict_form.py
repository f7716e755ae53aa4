"""What a verdict must look like before anything is made of it: somebody else wrote it, whoever signed it.

Form: docs/formats/verdict.md. What it says is not judged here: `ledger.evidence.judging` does it again.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from ledger.custody.vocabulary import Digest, Id, RecordId, Time
from ledger.encoding import MAX_INT, first_fault
from ledger.errors import VerdictError
from ledger.rules.outcome import Answer, Grade, Outcome, RiskArea, Severity

Short = Annotated[str, StringConstraints(max_length=300)]
Long = Annotated[str, StringConstraints(max_length=100_000)]
Records = Annotated[list[RecordId], Field(max_length=1_000_000)]
Words = Annotated[list[Short], Field(max_length=1_000_000)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class _Claim(_Form):
    type: Short
    subject: Id
    terms: dict[str, Any]
    packs: Words | None = None
    parameters: dict[str, Any] = {}


class _Log(_Form):
    origin: Short
    size: Annotated[int, Field(ge=0, le=MAX_INT)]
    root: Digest


class _Pack(_Form):
    id: Short
    version: Short
    digest: RecordId


class _Snapshot(_Form):
    dataset: Short
    digest: RecordId
    published: Short


class _Missing(_Form):
    what: Long
    who: Words


class _Finding(_Form):
    rule: Short
    pack: Short
    outcome: Annotated[Outcome, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    risk: list[Annotated[RiskArea, Field(strict=False)]]
    sentence: Long
    evidence: Records
    grade: Literal[tuple(one.label for one in Grade)] = ""  # type: ignore[valid-type]  # the labels themselves
    plan: RecordId = ""
    discharged_by: RecordId = ""
    confirmed_by: RecordId = ""
    since: Short = ""
    subjects: Words = []
    references: Words = []
    missing: list[_Missing] = []
    figures: dict[str, Any] = {}
    overdue: bool = False
    optional: bool = False


class _Verdict(_Form):
    format: Literal["lodeline-verdict/1"]
    claim: _Claim
    answer: Annotated[Answer, Field(strict=False)]
    valid_as_of: Time
    known_as_of: Time
    log: _Log
    evidence: RecordId
    packs: list[_Pack]
    parameters: dict[str, Any]
    references: list[_Snapshot]
    counts: Annotated[
        dict[Annotated[Outcome, Field(strict=False)], Annotated[int, Field(ge=0, le=MAX_INT)]],
        Field(min_length=len(Outcome)),
    ]
    findings: list[_Finding]


@cache
def _adapter() -> TypeAdapter[_Verdict]:
    return TypeAdapter(_Verdict)


def check_verdict(value: Any) -> dict[str, Any]:
    """The value, once it has the form of a verdict. Raises VerdictError with a pointer to the first fault."""
    try:
        _adapter().validate_python(value)
    except ValidationError as error:
        said, pointer = first_fault(error)
        raise VerdictError(f"This is not a verdict: {said}.", pointer=pointer) from error
    verdict: dict[str, Any] = value
    return verdict
