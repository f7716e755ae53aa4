"""What a verification found: numbered checks in plain words, and findings that a program can branch on.

Evidence that is bad, missing or withheld is a result, not an exception. `Report` is the common
form of `verify` (one lot) and `audit` (a whole log); what else they know stands in `details`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.encoding import format_b64url
from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint

FORMAT = "lodeline-report/1"
MAX_FINDINGS = 1_000


class Outcome(StrEnum):
    """Of one check: shown, refuted, not to be judged from what is there, or not reached."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    INCOMPLETE = "incomplete"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered step: its outcome, and a sentence that says what was looked at."""

    step: int
    name: str
    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or missing. index: of the log entry; record: its record id, "" if unknown."""

    check: str
    outcome: Outcome
    error: LedgerError
    index: int | None = None
    record: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object: the error's members and where it is."""
        out: dict[str, Any] = {"check": self.check, "outcome": self.outcome.value, **self.error.to_json()}
        if self.index is not None:
            out["index"] = self.index
        if self.record:
            out["record"] = self.record
        return out


@dataclass(frozen=True, slots=True)
class Report:
    """The result of verifying one thing. `verified` only if every check passed.

    subject: what was verified; origin: the log; checkpoint: what its log signed, None when that was
    not to be had; omitted: findings beyond MAX_FINDINGS; details: JSON-compatible facts.
    """

    subject: str
    origin: str
    checkpoint: Checkpoint | None
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    omitted: int
    details: Mapping[str, Any]

    @property
    def verified(self) -> bool:
        """Every check passed."""
        return all(check.outcome is Outcome.PASS for check in self.checks)

    @property
    def outcome(self) -> str:
        """`verified`, `refuted` (something is wrong) or `incomplete` (something is not there)."""
        if self.verified:
            return "verified"
        return "refuted" if any(check.outcome is Outcome.FAIL for check in self.checks) else "incomplete"

    @property
    def lot(self) -> dict[str, Any] | None:
        """Of a bundle: the subject's custodian, status, quantity, contained metal and origins."""
        return self.details.get("lot")

    def to_json(self) -> dict[str, Any]:
        """The whole report as a JSON object."""
        head = self.checkpoint
        return {
            "format": FORMAT,
            "subject": self.subject,
            "origin": self.origin,
            "outcome": self.outcome,
            "verified": self.verified,
            "checkpoint": {"size": head.size, "root": format_b64url(head.root)} if head else None,
            "checks": [
                {"step": one.step, "name": one.name, "outcome": one.outcome.value, "sentence": one.sentence}
                for one in self.checks
            ],
            "findings": [one.to_json() for one in self.findings],
            "omitted": self.omitted,
            **self.details,
        }


@dataclass(slots=True)
class Notebook:
    """Gathers findings and closing sentences while checks run; names: of all checks, in order."""

    names: tuple[str, ...]
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    worst: dict[str, Outcome] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)

    def fault(
        self, check: str, error: LedgerError, *, index: int | None = None, record: str = "", missing: bool = False
    ) -> None:
        """Write a finding down. missing: something is not there, rather than wrong."""
        outcome = Outcome.INCOMPLETE if missing else Outcome.FAIL
        if self.worst.get(check) is not Outcome.FAIL:
            self.worst[check] = outcome
        self.counts[check] = self.counts.get(check, 0) + 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(check, outcome, error, index, record))

    def close(self, check: str, sentence: str) -> None:
        """The check has run to its end; sentence: what it shows when there is no finding."""
        self.sentences[check] = sentence

    def checks(self) -> tuple[Check, ...]:
        """All checks in order; one that never ran to its end and has no finding was skipped."""
        return tuple(self._check(step, name) for step, name in enumerate(self.names, 1))

    def _check(self, step: int, name: str) -> Check:
        if name in self.worst:
            first = next((one for one in self.findings if one.check == name), None)
            sentence = first.error.message if first else "See the findings."
            more = self.counts[name] - 1
            return Check(step, name, self.worst[name], f"{sentence} (and {more} more)" if more else sentence)
        if name in self.sentences:
            return Check(step, name, Outcome.PASS, self.sentences[name])
        return Check(step, name, Outcome.SKIPPED, "Not checked, because an earlier step failed.")

    def report(self, subject: str, origin: str, checkpoint: Checkpoint | None, details: Mapping[str, Any]) -> Report:
        """The finished report."""
        omitted = sum(self.counts.values()) - len(self.findings)
        return Report(subject, origin, checkpoint, self.checks(), tuple(self.findings), omitted, details)
