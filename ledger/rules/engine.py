"""Judging a claim: every rule that it has to satisfy gives one finding, and the findings one answer.

    decide(claim, facts, packs, references) -> Judgement

is a pure function. For each rule, in the order of packs and files:

 1. scope: what the rule is not about gives `not_applicable`, with the reason
 2. the check gives a ruling
 3. a pass that rests on nothing, or on evidence below the rule's grade, is insufficient evidence
 4. a red flag may be discharged by enhanced due diligence dated after it, or confirmed by it
 5. a mitigable fault may be covered by a live mitigation plan of at most six months

The rules never see each other's findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ledger.errors import ClaimError, PackError
from ledger.rules.case import Background, Case, days_between
from ledger.rules.checks import CHECKS
from ledger.rules.claim import CLAIMS, OWN_PACK, Claim
from ledger.rules.facts import Facts
from ledger.rules.items import Item
from ledger.rules.minerals import expand
from ledger.rules.outcome import Answer, Grade, Outcome, Severity, Standing, combine
from ledger.rules.pack import Pack, RuleForm, bind, grade_of, parameters_of
from ledger.rules.reference.snapshot import References, Snapshot
from ledger.rules.ruling import Ruling, inapplicable, lacking, plain

PLAN_DAYS: Final = 184
"""Six months: the longest mitigation plan (OECD guidance Annex II; Gold Supplement)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's part of a verdict. grade: the weakest evidence it rests on, None when on no record.

    plan: id of the mitigation plan that covers a fault; discharged, confirmed: id of the enhanced
    due diligence report that closed a red flag one way or the other; overdue: left open too long.
    """

    rule: RuleForm
    pack: str
    ruling: Ruling
    grade: Grade | None
    plan: str = ""
    discharged: str = ""
    confirmed: str = ""
    overdue: bool = False

    @property
    def standing(self) -> Standing:
        """How the finding counts."""
        return Standing(self.ruling.outcome, self.rule.severity, bool(self.plan), self.overdue, self.rule.optional)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to a claim and what it follows from. references: snapshots that any rule looked at."""

    claim: Claim
    facts: Facts
    answer: Answer
    findings: tuple[Finding, ...]
    packs: tuple[Pack, ...]
    parameters: dict[str, Any]
    references: tuple[Snapshot, ...]


def decide(
    claim: Claim,
    facts: Facts,
    packs: Mapping[str, Pack],
    references: References,
    *,
    go_on: Callable[[], None] | None = None,
) -> Judgement:
    """The judgement on a claim.

    packs: by id, at least those that the claim asks for; go_on: called before each rule, may raise to stop.
    Raises ClaimError when the claim is not one about such a subject, names an unknown pack, or a
    parameter that none of its packs has; PackError when a parameter does not fit a rule.
    """
    due = due_rules(claim, facts.subject_kind, packs)
    back = Background(facts, claim, references, due.names)
    findings = []
    for one in due.rules:
        if go_on is not None:
            go_on()
        findings.append(one.judge(back))
    answer = combine(finding.standing for finding in findings)
    used = tuple(back.used[name] for name in sorted(back.used))
    return Judgement(claim, facts, answer, tuple(findings), due.packs, due.parameters, used)


@dataclass(frozen=True, slots=True)
class Due:
    """A rule that a claim has to satisfy, of a pack, with the pack's parameters as the claim has them.

    members: of its check, when they are known already.
    """

    rule: RuleForm
    pack: str
    parameters: Mapping[str, Any]
    members: Any

    def judge(self, back: Background) -> Finding:
        """What the rule finds."""
        return judge_rule(self.rule, self.pack, back, self.parameters, self.members)


@dataclass(frozen=True, slots=True)
class DueRules:
    """All rules that a claim has to satisfy, in the order of packs and files. parameters: that the claim overrides."""

    rules: tuple[Due, ...]
    packs: tuple[Pack, ...]
    parameters: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the packs."""
        return tuple(pack.id for pack in self.packs)


def due_rules(claim: Claim, kind: str, packs: Mapping[str, Pack]) -> DueRules:
    """The rules that a claim about a subject of this kind has to satisfy. Raises as `decide` does."""
    kinds = CLAIMS[claim.type].subjects
    if kind not in kinds:
        raise ClaimError(
            f"A claim '{claim.type}' is about a {' or '.join(kinds)}, '{claim.subject}' is a {kind}.",
            pointer="/subject",
        )
    chosen = choose(claim, packs)
    overridden = _overridden(claim, [pack for pack, _ in chosen])
    due = []
    for pack, rules in chosen:
        own = {name: value for name, value in overridden.items() if name in pack.head.parameters}
        parameters, members = {**parameters_of(pack), **own}, {} if own else pack.members
        due += [Due(rule, pack.id, parameters, members.get(rule.id)) for rule in rules]
    return DueRules(tuple(due), tuple(pack for pack, _ in chosen), overridden)


def choose(claim: Claim, packs: Mapping[str, Pack]) -> list[tuple[Pack, list[RuleForm]]]:
    """The packs and rules that the claim has to satisfy. Raises ClaimError for an unknown pack."""
    chosen = []
    for pack_id, prefixes in claim.rules().items():
        if pack_id not in packs:
            pointer = f"/packs/{claim.packs.index(pack_id)}" if claim.packs and pack_id in claim.packs else "/type"
            raise ClaimError(f"There is no rule pack '{pack_id}': see `lodeline rules list`.", pointer=pointer)
        pack = packs[pack_id]
        rules = [rule for rule in pack.rules if rule.id.startswith(prefixes)]
        if pack_id == OWN_PACK:
            rules = [rule for rule in rules if claim.type in (rule.scope.claims or ())]
        chosen.append((pack, rules))
    return chosen


def _overridden(claim: Claim, packs: Iterable[Pack]) -> dict[str, Any]:
    known = {name for pack in packs for name in pack.head.parameters}
    for name in claim.parameters:
        if name not in known:
            raise ClaimError(f"None of the claim's packs has a parameter '{name}'.", pointer=f"/parameters/{name}")
    return dict(sorted(claim.parameters.items()))


def judge_rule(
    rule: RuleForm, pack: str, back: Background, parameters: Mapping[str, Any], members: Any = None
) -> Finding:
    """One rule's finding. parameters: those of its pack, overridden as the claim says; members: bound before."""
    out_of_scope = _scope(rule, back)
    if out_of_scope:
        return Finding(rule, pack, inapplicable(out_of_scope), None)
    case = Case(back, rule.id, grade_of(rule), tuple(rule.supplier))
    members = _bind(rule, parameters) if members is None else members
    ruling = plain(CHECKS[rule.check].run(case, members))
    grade = min((one.grade for one in back.facts.of(ruling.evidence)), default=None)
    if ruling.outcome is Outcome.PASS:
        ruling = _hold_to_grade(ruling, case, grade)
    finding = Finding(rule, pack, ruling, grade)
    if ruling.outcome is Outcome.RED_FLAG:
        return _look_closer(finding, back.facts)
    if ruling.outcome is Outcome.FAIL and rule.severity is Severity.MITIGABLE:
        return replace(finding, plan=_live_plan(finding, back.facts))
    return finding


def _bind(rule: RuleForm, parameters: Mapping[str, Any]) -> Any:
    try:
        return bind(rule, parameters)
    except PackError as error:
        raise PackError(
            f"A parameter does not fit the rule {rule.id}: {error.message}", pointer="/parameters"
        ) from error


def _hold_to_grade(ruling: Ruling, case: Case, grade: Grade | None) -> Ruling:
    """A pass must rest on something, and on nothing weaker than the rule allows."""
    if grade is None and not ruling.references:
        return lacking(f"{ruling.sentence} But no evidence is on file for it.", "evidence", *case.supplier)
    if grade is not None and grade < case.minimum:
        text = f"{ruling.sentence} But it rests on {grade.label} evidence: the rule asks for {case.minimum.label}."
        return replace(
            lacking(text, f"the same, {case.minimum.label}", *case.supplier, evidence=ruling.evidence),
            figures=ruling.figures,
            references=ruling.references,
        )
    return ruling


def _scope(rule: RuleForm, back: Background) -> str:
    """Why the rule does not apply, "" when it does."""
    scope, facts = rule.scope, back.facts
    today = facts.valid_as_of[:10]
    if scope.claims and back.claim.type not in scope.claims:
        return f"Applies to claims of type {', '.join(scope.claims)}."
    if scope.subjects and facts.subject_kind not in scope.subjects:
        return f"Applies to a {' or '.join(scope.subjects)}."
    if scope.since and today < scope.since:
        return f"Applies from {scope.since}."
    if scope.before and today >= scope.before:
        return f"Applied before {scope.before}."
    for wanted, held, what in (
        (expand(scope.materials) if scope.materials else frozenset(), back.materials, "materials"),
        (frozenset(scope.methods or ()), back.methods, "mining methods"),
        (frozenset(scope.origins or ()), back.origins, "countries of origin"),
    ):
        if wanted and wanted.isdisjoint(held):
            return f"Applies to the {what} {', '.join(sorted(wanted))}; here: {', '.join(held) or 'none known'}."
    return ""


def _look_closer(finding: Finding, facts: Facts) -> Finding:
    """A red flag after enhanced due diligence on all that it is about, or how long it has been open."""
    ruling, since = finding.ruling, finding.ruling.since[:10]
    reports = [
        one
        for one in facts.attestations("edd_report", *_spoken_of(ruling, facts))
        if one.grade >= Grade.INDEPENDENT
        and one.issuer not in ruling.subjects  # nobody clears himself
        and finding.rule.id in one.statement["red_flags"]
        and (ruling.latest or since)[:10] <= one.statement["visit"] <= one.logged[:10]
    ]
    last = _newest(ruling, reports, facts)
    for one in last:
        if one is not None and one.statement["conclusion"] == "confirmed":
            text = f"{ruling.sentence} Enhanced due diligence of {one.statement['visit']} confirms it."
            return replace(_settled(finding, Outcome.FAIL, text, one), confirmed=one.id)
    closing = [one for one in last if one is not None and one.statement["conclusion"] == "discharged"]
    if closing and len(closing) == len(last):
        newest = max(closing, key=lambda one: one.index)
        text = f"{ruling.sentence} Enhanced due diligence of {newest.statement['visit']} discharges it."
        return replace(_settled(finding, Outcome.PASS, text, *closing), discharged=newest.id)
    limit = finding.rule.open_days
    return replace(finding, overdue=bool(limit) and days_between(since, facts.valid_as_of) > limit)


def _spoken_of(ruling: Ruling, facts: Facts) -> tuple[str, ...]:
    """What a report or plan may be about: the subjects of the ruling, or the subject of the claim for all of them."""
    return (*ruling.subjects, facts.subject) if ruling.subjects else tuple(facts.subjects)


def _newest(ruling: Ruling, items: Sequence[Item], facts: Facts) -> list[Item | None]:
    """For each subject of the ruling the newest item about it or about the subject of the claim."""
    if not ruling.subjects:
        return [items[-1] if items else None]
    return [
        next((one for one in reversed(items) if subject in one.about or facts.subject in one.about), None)
        for subject in ruling.subjects
    ]


def _settled(finding: Finding, outcome: Outcome, text: str, *reports: Item) -> Finding:
    evidence = tuple(dict.fromkeys((*finding.ruling.evidence, *(one.id for one in reports))))
    return replace(finding, ruling=replace(finding.ruling, outcome=outcome, sentence=text, evidence=evidence))


def _is_party(item: Item, facts: Facts) -> bool:
    """Whether the issuer can act on the chain: has handled it, is who the item is about, or answers for others."""
    operators = (facts.sites[one].body["operator"] for one in item.about if one in facts.sites)
    return item.issuer in (*facts.handlers, *item.about, *operators) or item.grade >= Grade.COMPETENT_AUTHORITY


def _live_plan(finding: Finding, facts: Facts) -> str:
    """The id of the newest mitigation plan that covers the fault today, "" unless all that it is about is covered."""
    today, since = facts.valid_as_of[:10], finding.ruling.since[:10]
    made = [
        one
        for one in facts.attestations("mitigation_plan", *_spoken_of(finding.ruling, facts))
        if one.statement["risk"] == finding.rule.id and _is_party(one, facts) and one.logged[:10] <= today
    ]
    first = min((one.statement["start"] for one in made if one.statement["review_by"] >= since), default=today)
    live = [
        one
        for one in made
        if one.statement["decision"] != "disengage"
        and one.statement["start"] <= today <= one.statement["review_by"]
        and days_between(first, one.statement["review_by"]) <= PLAN_DAYS
    ]
    plans = _newest(finding.ruling, live, facts)
    return live[-1].id if live and None not in plans else ""
