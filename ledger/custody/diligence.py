"""Schemas of the attestations about conduct: audits, policies, risks, mitigation, environment.

The second half of records.md section 3.1; the kinds about material and places stand in
`attestations`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ledger.custody.vocabulary import (
    Amount,
    Code,
    Codes,
    Concealing,
    Count,
    Date,
    Id,
    Ids,
    Name,
    Note,
    Number,
    Part,
    RecordId,
    Url,
    concealable,
)


class Audit(Concealing):
    """A third-party audit of a facility."""

    facility: Id
    facility_number: Code | None = None
    scheme: Code
    standard: Code
    metals: Codes
    body: Name
    cross_recognised: bool = False
    report: RecordId | None = concealable()


class Document(Concealing):
    """A published document: policy, contract, report, risk assessment."""

    title: Name
    covers: Codes = Field(default_factory=list)
    parties: Ids = Field(default_factory=list)
    clause: Code | None = None
    officer: Name | None = concealable()
    url: Url | None = None
    digest: RecordId | None = concealable()


class Grievance(Part):
    """A channel for complaints and how fast it answers."""

    contact: Name
    url: Url | None = None
    days_to_answer: Count


class AnnualReport(Part):
    """A company's public due-diligence report."""

    year: Annotated[int, Field(ge=1990, le=2200)]
    url: Url
    digest: RecordId


class RiskAssessment(Concealing):
    """Risks identified for a scope, with the categories looked at and the red flags seen."""

    scope: Name
    date: Date
    assessed: Codes = Field(default_factory=list)
    red_flags: Codes = Field(default_factory=list)
    narrative: Note | None = concealable()


class MitigationPlan(Concealing):
    """What is done about a risk, and by when."""

    risk: Code
    decision: Literal["continue", "suspend", "disengage"]
    measures: Annotated[list[Name], Field(min_length=1, max_length=40)]
    start: Date
    review_by: Date
    narrative: Note | None = concealable()


class EddReport(Concealing):
    """Enhanced due diligence that discharges red flags."""

    red_flags: Annotated[list[Code], Field(min_length=1, max_length=100)]
    method: Literal["on_the_ground", "joint_team", "upstream_assurance"]
    team: Name | None = concealable()
    visit: Date
    conclusion: Literal["discharged", "confirmed", "open"]
    narrative: Note | None = concealable()


class SecurityArrangement(Concealing):
    """Guards, and whether they were screened under the Voluntary Principles."""

    provider: Name | None = concealable()
    kind: Literal["public", "private"]
    screened: bool
    contract: Code | None = concealable()


class Environment(Part):
    """One measured value of an environmental category (2023/1542 Annex X and the like)."""

    category: Code
    value: Number
    unit: Code
    method: Code


class Observation(Part):
    """A satellite or drone observation."""

    product: Code
    tile: Code
    date: Date
    index: Code
    value: Number
    area_m2: Amount | None = None


class Fingerprint(Part):
    """A geochemical fingerprint of a sample."""

    sample: Code
    method: Code
    stage: Literal["before_homogenising", "after_homogenising"]
    ratios: dict[Code, Number] = Field(min_length=1, max_length=80)


class Footprint(Part):
    """Greenhouse-gas footprint in kg CO2e per kg of product."""

    kg_co2e_per_kg: Number
    method: Code
    boundary: Code
