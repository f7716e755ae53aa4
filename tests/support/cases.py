"""What table-driven cases of rules share: how one is judged, and the finding on evidence that no honest log holds."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ledger.rules.case import Background
from ledger.rules.engine import Finding, judge_rule
from ledger.rules.outcome import Outcome
from ledger.rules.pack import parameters_of
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from tests.support.story import MINE_A, Story, bags

PASS, FAIL, FLAG = Outcome.PASS, Outcome.FAIL, Outcome.RED_FLAG
INSUFFICIENT, NOT_APPLICABLE = Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE

Bend = Callable[[Story], Any]
"""What a case does to the story. A dict that it gives are arguments of `Story.finding`; `story`: another one to ask."""

Case = tuple[str, Bend, Outcome]
"""A rule, what is done, and what the rule says then."""


def both(*bends: Bend) -> Bend:
    """One after the other; what the last one gives counts."""

    def bend(story: Story) -> Any:
        last = None
        for one in bends:
            last = one(story)
        return last if isinstance(last, dict) else None

    return bend


def nobody(story: Story) -> dict[str, Any]:
    """A mine, before anything was dug."""
    return {"subject": MINE_A, "known": "2026-01-05T09:00:00Z"}


def dug(story: Story) -> dict[str, Any]:
    """A bag that is still at its mine."""
    story.on("2026-06-01").extract(MINE_A, *bags("c", 1), period=("2026-05-01", "2026-05-31"))
    return {"subject": "lot:c-1"}


def check_case(base: Story, case: Case) -> Finding:
    """The finding of a case, which has its outcome and is complete. base: stays as it is."""
    rule, bend, outcome = case
    story = copy.deepcopy(base)
    given = bend(story)
    clocks = dict(given) if isinstance(given, dict) else {}
    found = clocks.pop("story", story).finding(rule, **clocks)
    assert found.ruling.outcome is outcome, found.ruling.sentence
    if outcome in (PASS, FAIL, FLAG):
        assert found.ruling.evidence or found.ruling.references
    assert bool(found.ruling.since) == (outcome in (FAIL, FLAG))
    assert bool(found.ruling.missing) == (outcome is INSUFFICIENT)
    return found


def finding_on(story: Story, rule_id: str, *, subject: str = "", **changed: Any) -> Finding:
    """What one rule says on the story's evidence with some members of `Facts` replaced."""
    pack, rule = next((pack, rule) for pack in read_packs().values() for rule in pack.rules if rule.id == rule_id)
    facts = replace(story.facts(subject=subject), **changed)
    claim = story.claim(subject=subject or story.subject)
    back = Background(facts, claim, References(story.snapshots), tuple(read_packs()))
    back.materials  # noqa: B018 - the scope is judged on the evidence as it was
    return judge_rule(rule, pack.id, back, parameters_of(pack))
