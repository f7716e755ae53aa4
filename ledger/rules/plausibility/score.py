"""The score of one subject and the reasons for it.

A subject is flagged when its score in the isolation forest reaches the model's threshold for its
kind, or when one of its features lies beyond its own limit. A flag asks a person to look; there
is no value of `Finding` that fails a claim, and none that clears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ledger.rules.plausibility.observations import Kind

Finding = Literal["red_flag", "unremarkable", "insufficient_evidence"]
"""All that statistics can say: look closer, nothing stands out, or too little is known."""


class Driver(NamedTuple):
    """A feature that speaks for the flag.

    value, z: in 1e-6; weight: how many per mille the score would fall were this value usual;
    sentence: the same for a person.
    """

    feature: str
    value: int
    z: int
    weight: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """score, threshold: per mille, higher is stranger; drivers: strongest first; known, unknown: names of features.

    assessed: enough features were known to say anything; flagged is False when it is not.
    """

    kind: Kind
    segment: str
    score: int
    threshold: int
    assessed: bool
    flagged: bool
    drivers: tuple[Driver, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    model: str

    @property
    def finding(self) -> Finding:
        """What a rule may make of it."""
        if self.flagged:
            return "red_flag"
        return "unremarkable" if self.assessed else "insufficient_evidence"
