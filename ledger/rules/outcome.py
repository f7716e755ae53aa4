"""What a rule can say, what that rests on, and how rules add up to an answer on a claim.

Each rule gives exactly one `Outcome`. Nothing on file is never a pass; a red flag is a reason to
look closer (OECD Due Diligence Guidance), not a violation; a mitigable fault under a live plan
does not refute a claim. The order in which faults outweigh each other stands in `combine`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """Of one rule."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    RED_FLAG = "red_flag"
    INSUFFICIENT = "insufficient_evidence"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """What a fail means: the claim cannot stand, cannot stand until corrected, may stand under a plan, or nothing."""

    BLOCKER = "blocker"
    HIGH = "high"
    MITIGABLE = "mitigable"
    INFO = "info"


class Answer(StrEnum):
    """To a claim."""

    SUPPORTED = "supported"
    SUPPORTED_WITH_PLAN = "supported_with_plan"
    REVIEW = "review"
    NOT_PROVEN = "not_proven"
    REFUTED = "refuted"


class Grade(IntEnum):
    """Who stands behind a piece of evidence, weakest first."""

    SELF_ATTESTED = 1
    COUNTERSIGNED = 2
    COMPETENT_AUTHORITY = 3
    INDEPENDENT = 4
    INSTRUMENT = 5

    @property
    def label(self) -> str:
        """`self_attested`, `countersigned`, `competent_authority`, `independent` or `instrument`."""
        return self.name.lower()


class RiskArea(StrEnum):
    """The five areas of UNICRI's strategic response framework on crimes in critical minerals."""

    GOVERNANCE_CORRUPTION = "governance_corruption"
    CRIMINAL_EXPLOITATION = "criminal_exploitation"
    HUMAN_RIGHTS = "human_rights"
    ENVIRONMENT = "environment"
    SUPPLY_CHAIN = "supply_chain"


class Standing(NamedTuple):
    """How one rule counts. planned: a live mitigation plan covers the fault; overdue: a flag left open too long;

    optional: that the rule could not be judged does not count.
    """

    outcome: Outcome
    severity: Severity
    planned: bool = False
    overdue: bool = False
    optional: bool = False


def combine(standings: Iterable[Standing]) -> Answer:
    """The answer to a claim from all its rules, worst first.

    fail (blocker, high, or mitigable without a live plan), a red flag left open too long: refuted;
    an open red flag: review; something not shown: not proven; a fault under a plan: supported with
    plan. Rules that are for information only count neither for nor against, and where no rule
    passed nothing is supported.
    """
    answers = {_weigh(one) for one in standings if one.severity is not Severity.INFO}
    for worst in (Answer.REFUTED, Answer.REVIEW, Answer.NOT_PROVEN, Answer.SUPPORTED_WITH_PLAN, Answer.SUPPORTED):
        if worst in answers:
            return worst
    return Answer.NOT_PROVEN


def _weigh(one: Standing) -> Answer | None:
    match one.outcome:
        case Outcome.FAIL:
            return Answer.SUPPORTED_WITH_PLAN if one.planned else Answer.REFUTED
        case Outcome.RED_FLAG:
            return Answer.REFUTED if one.overdue else Answer.REVIEW
        case Outcome.INSUFFICIENT:
            return None if one.optional else Answer.NOT_PROVEN
        case Outcome.PASS:
            return Answer.SUPPORTED
    return None
