"""What table-driven cases of rules share: the finding on evidence that no honest log could hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledger.rules.case import Background
from ledger.rules.engine import Finding, judge_rule
from ledger.rules.pack import parameters_of
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from tests.support.story import Story


def finding_on(story: Story, rule_id: str, *, subject: str = "", **changed: Any) -> Finding:
    """What one rule says on the story's evidence with some members of `Facts` replaced."""
    pack, rule = next((pack, rule) for pack in read_packs().values() for rule in pack.rules if rule.id == rule_id)
    facts = replace(story.facts(subject=subject), **changed)
    claim = story.claim(subject=subject or story.subject)
    back = Background(facts, claim, References(story.snapshots), tuple(read_packs()))
    back.materials  # noqa: B018 - the scope is judged on the evidence as it was
    return judge_rule(rule, pack.id, back, parameters_of(pack))
