"""Every lot of a world judged by itself and in a portfolio, to be compared finding by finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger.encoding import format_json, format_time
from ledger.evidence.judging import Evidence, judge, judge_alike
from ledger.evidence.known import Known
from ledger.rules.claim import OWN_PACK, Claim, parse_claim
from ledger.rules.engine import Finding
from ledger.rules.pack import Pack
from ledger.rules.packs import read_packs
from ledger.rules.portfolio_verdicts import LotVerdict
from ledger.rules.reference.snapshot import References
from ledger.rules.verdict import finding_to_json
from tests.support.story import Story
from tests.support.world import ORIGIN


def all_packs(lot: str, *, kind: str = "conduct", **members: Any) -> Claim:
    """A claim about a lot, judged by every pack there is."""
    packs = [one for one in read_packs() if one != OWN_PACK]
    return parse_claim({"type": kind, "subject": lot, "packs": packs, **members})


def lots_of(story: Story) -> list[str]:
    """Every lot that is or was in the story, in the order of making."""
    made = {"extract": "lots", "transform": "outputs"}
    records = [one.record for one in story.shown() if one.record.type in made]
    return list(dict.fromkeys(lot["id"] for one in records for lot in one.body[made[one.type]]))


def groups_of(story: Story, lots: Sequence[str]) -> list[list[str]]:
    """The lots, those together that are judged together."""
    return Known((one.index, one.record) for one in story.shown()).group(lots)


def judge_alone(
    story: Story, claim: Claim, lot: str, packs: Mapping[str, Pack], *, valid: str = "", known: str = ""
) -> LotVerdict:
    """The verdict that a claim about one lot gives."""
    evidence = Evidence(lot, ORIGIN, story.shown(), [])
    references = References(story.snapshots)
    now, own = format_time(story.world.now), replace(claim, subject=lot)
    return LotVerdict.of(judge(own, evidence, packs, references, valid_as_of=valid or now, known_as_of=known or now))


def judge_together(
    story: Story, claim: Claim, lots: Sequence[str], packs: Mapping[str, Pack], *, valid: str = "", known: str = ""
) -> dict[str, LotVerdict]:
    """The verdicts on all of them as a portfolio gives them."""
    shown, references = story.shown(), References(story.snapshots)
    found: dict[str, LotVerdict] = {}
    now = format_time(story.world.now)
    for group in groups_of(story, lots):
        evidence = Evidence(group[0], ORIGIN, shown, [])
        judged = judge_alike(
            claim, group, evidence, packs, references, valid_as_of=valid or now, known_as_of=known or now
        )
        found |= {one.lot: one for one in judged}
    return found


def differences(
    story: Story, lots: Sequence[str], claim: Claim | None = None, *, valid: str = "", known: str = ""
) -> list[str]:
    """What a portfolio says otherwise than single verdicts do, in words: nothing, that is."""
    claim, packs = claim or all_packs(lots[0]), read_packs()
    together = judge_together(story, claim, lots, packs, valid=valid, known=known)
    out = [] if sorted(together) == sorted(lots) else [f"judged: {sorted(together)}"]
    for lot in lots:
        alone, one = judge_alone(story, claim, lot, packs, valid=valid, known=known), together[lot]
        if (one.answer, one.counts()) != (alone.answer, alone.counts()):
            out.append(f"{lot}: {alone.answer} {alone.counts()} alone, {one.answer} {one.counts()} together")
        pairs = zip(_json(alone.findings), _json(one.findings), strict=True)
        out += [f"{lot}: {a.decode()} alone, {b.decode()} together" for a, b in pairs if a != b]
    return out


def _json(findings: Iterable[Finding]) -> list[bytes]:
    return [format_json(finding_to_json(one)) for one in findings]
