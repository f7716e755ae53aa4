"""Papers for rule cases: attestations as one-liners, lists as snapshots, and a case as a line of a table.

PAPERS = {"policy": attests(BUYER, "policy", BUYER, {...}), ...}      # an honest file, paper by paper
Line("EU821.4A", PASS)                                                # with all of them
Line("EU821.4A", INSUFFICIENT, drop=("policy",))                      # without one
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger.rules.engine import Finding
from ledger.rules.outcome import Outcome
from ledger.rules.reference.snapshot import Snapshot
from tests.support.story import Story

PASS, FAIL, FLAG = Outcome.PASS, Outcome.FAIL, Outcome.RED_FLAG
INSUFFICIENT, NOT_APPLICABLE = Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE

Paper = Callable[[Story], Any]


class Line(NamedTuple):
    """One case: a rule, what it must say, and what is different from the honest file.

    drop: papers left out; add: papers put in, after the others; also a paper's name with another one in
    its place; terms, claim, parameters, subject: of the claim; known, valid: the clocks; words: that the
    sentence must hold.
    """

    rule: str
    outcome: Outcome
    drop: Sequence[str] = ()
    add: Mapping[str, Paper] = {}
    terms: Mapping[str, Any] | None = None
    claim: str = ""
    parameters: Mapping[str, Any] = {}
    words: str = ""
    known: str = ""
    valid: str = ""
    subject: str = ""
    erase: bool = False


def attests(issuer: str, kind: str, about: Any, statement: Mapping[str, Any], **body: Any) -> Paper:
    """Somebody attests something."""
    return lambda story: story.attest(issuer, kind, about, statement, **body)


def lists(dataset: str, published: str, *rows: Any) -> Paper:
    """A snapshot of a list, made by hand."""
    return lambda story: story.snapshots.append(snapshot(dataset, published, *rows))


def snapshot(dataset: str, published: str, *rows: Any) -> Snapshot:
    """A snapshot with these rows; its digest is that of their text."""
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    return Snapshot(dataset, digest, published, "https://example.org/list", rows)


def several(*papers: Paper) -> Paper:
    """Papers one after the other."""

    def all_of(story: Story) -> None:
        for paper in papers:
            paper(story)

    return all_of


def on(day: str, *papers: Paper) -> Paper:
    """Papers of a day."""
    return several(lambda story: story.on(day), *papers)


def finding(
    base: Story, papers: Mapping[str, Paper], line: Line, *, claim: str, terms: Mapping[str, Any] | None = None
) -> Finding:
    """What the rule of a line says."""
    story = copy.deepcopy(base)
    for name, paper in ({**papers, **line.add}).items():
        if name not in line.drop:
            paper(story)
    chosen = line.claim or claim
    own = {**(terms or {}), **(line.terms or {})} if chosen == claim else dict(line.terms or {})
    own = {name: value for name, value in own.items() if value is not None}
    subject = line.subject or story.subject
    asked = story.claim(chosen, own, subject=subject, parameters=dict(line.parameters))
    return story.finding(line.rule, claim=asked, known=line.known, valid=line.valid, subject=subject, erase=line.erase)


def check(found: Finding, line: Line) -> None:
    """The outcome, and what every ruling owes its reader: evidence, what is missing, whom it is about."""
    ruling = found.ruling
    assert (ruling.outcome, found.rule.id) == (line.outcome, line.rule), ruling.sentence
    assert line.words in ruling.sentence, ruling.sentence
    assert bool(ruling.missing) == (line.outcome is INSUFFICIENT)
    if line.outcome in (PASS, FAIL, FLAG):
        assert ruling.evidence or ruling.references
    if line.outcome is FLAG:
        assert ruling.since
    assert ruling.sentence.endswith((".", ")", "?"))
