"""How findings come about and add up: scope, grades, red flags and their discharge, plans, answers."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest

from ledger.errors import ClaimError, PackError
from ledger.rules.checks import CHECKS
from ledger.rules.engine import choose
from ledger.rules.outcome import Answer, Grade, Outcome, Severity, Standing, combine
from ledger.rules.pack import Pack, parse_pack
from ledger.rules.packs import read_packs
from ledger.rules.ruling import MAX_SENTENCES, Missing, failed, flagged, inapplicable, lacking, passed, worst
from tests.support.story import AUDITOR, AUTHORITY, EXPORTER, MINE_A, MINER, MONITOR, TRADER, Story

PACK = """
[pack]
id = "trial"
version = "1.0.0"
title = "Trial"
source = "These tests"
effective = "2020-01-01"
about = "A pack of one rule."
{head}

[[rule]]
id = "TRIAL.ONE"
requirement = "An inspection of each mine is on file."
citation = {{ text = "None" }}
risk = ["human_rights"]
severity = "{severity}"
grade = "{grade}"
evidence = "inspections"
supplier = ["authority"]
check = "{check}"
{more}
"""
INSPECTED = 'with = { kind = "inspection", each = "mines", max_age = 365, dated = "date" }'


def pack(
    more: str = INSPECTED,
    *,
    check: str = "attested",
    severity: str = "high",
    grade: str = "countersigned",
    head: str = "",
) -> Pack:
    return parse_pack(PACK.format(more=more, check=check, severity=severity, grade=grade, head=head).encode())


def inspection(date: str = "2026-03-20") -> dict[str, Any]:
    return {"number": "I-1", "date": date, "office": "Mines agency"}


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


def judge(story: Story, one: Pack, **clocks: Any) -> Any:
    claims = read_packs()["claims"]
    claim = story.claim("chain_complete", packs=["trial"])
    return story.judge(claim, packs=[claims, one], **clocks)


def trial(story: Story, one: Pack, **clocks: Any) -> Any:
    return judge(story, one, **clocks).findings[-1]


# ---- answers --------------------------------------------------------------------------------------------------------

WEIGHTS = {
    Standing(Outcome.FAIL, Severity.BLOCKER): Answer.REFUTED,
    Standing(Outcome.FAIL, Severity.HIGH): Answer.REFUTED,
    Standing(Outcome.FAIL, Severity.MITIGABLE): Answer.REFUTED,
    Standing(Outcome.RED_FLAG, Severity.HIGH, overdue=True): Answer.REFUTED,
    Standing(Outcome.RED_FLAG, Severity.HIGH): Answer.REVIEW,
    Standing(Outcome.INSUFFICIENT, Severity.HIGH): Answer.NOT_PROVEN,
    Standing(Outcome.FAIL, Severity.MITIGABLE, planned=True): Answer.SUPPORTED_WITH_PLAN,
    Standing(Outcome.PASS, Severity.HIGH): Answer.SUPPORTED,
}


def test_the_worst_finding_decides() -> None:
    for one, answer in WEIGHTS.items():
        assert combine([one]) is answer
    for first, second in itertools.combinations(WEIGHTS, 2):  # in order, worst first
        assert combine([second, first]) is WEIGHTS[first]


def test_nothing_applicable_is_not_supported() -> None:
    assert combine([]) is Answer.NOT_PROVEN
    assert combine([Standing(Outcome.NOT_APPLICABLE, Severity.BLOCKER)]) is Answer.NOT_PROVEN
    for outcome in Outcome:
        assert combine([Standing(outcome, Severity.INFO)]) is Answer.NOT_PROVEN
        assert combine([Standing(outcome, Severity.INFO), Standing(Outcome.PASS, Severity.HIGH)]) is Answer.SUPPORTED


def test_a_test_that_could_not_be_made_counts_only_when_it_has_to_be_made() -> None:
    passing = Standing(Outcome.PASS, Severity.HIGH)
    assert combine([passing, Standing(Outcome.INSUFFICIENT, Severity.HIGH, optional=True)]) is Answer.SUPPORTED
    assert combine([Standing(Outcome.INSUFFICIENT, Severity.HIGH, optional=True)]) is Answer.NOT_PROVEN
    assert combine([passing, Standing(Outcome.FAIL, Severity.HIGH, optional=True)]) is Answer.REFUTED


def test_grades_have_labels_in_order() -> None:
    assert [one.label for one in sorted(Grade)] == [
        "self_attested", "countersigned", "competent_authority", "independent", "instrument",
    ]  # fmt: skip


# ---- rulings --------------------------------------------------------------------------------------------------------


def test_joint_rulings_keep_the_worst() -> None:
    good, bad = passed("Good.", "a"), failed("Bad.", "b", since="2026-01-02")
    flag, lack = flagged("Odd.", "c", since="2026-01-01"), lacking("Thin.", "an audit", "auditor")
    assert worst([good, lack, flag, bad]) is bad
    assert worst([good, lack, flag]) is flag
    assert worst([good, lack]) is lack
    assert worst([good, inapplicable("No.")]) is good
    assert worst([]).outcome is Outcome.NOT_APPLICABLE
    assert worst([], nothing=lack) is lack


def test_joint_rulings_add_up_what_they_rest_on() -> None:
    first = failed("One.", "a", "b", since="2026-02-01", references=["x"]).about("s1")
    second = failed("Two.", "b", "c", since="2026-01-01", references=["x", "y"]).about("s2")
    both = worst([first, second, passed("Fine.", "z")])
    assert (both.sentence, both.evidence, both.since) == ("One. Two.", ("a", "b", "c"), "2026-01-01")
    assert (both.references, both.subjects) == (("x", "y"), ("s1", "s2"))
    many = worst(failed(f"{n}.", "a") for n in range(MAX_SENTENCES + 2))
    assert many.sentence == "0. 1. 2. And 2 more."
    assert Missing("an audit", ("auditor",)).to_json() == {"what": "an audit", "who": ["auditor"]}


# ---- grades ---------------------------------------------------------------------------------------------------------


def test_an_inspection_by_the_authority_passes(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection())
    found = trial(story, pack())
    assert (found.ruling.outcome, found.grade) == (Outcome.PASS, Grade.COMPETENT_AUTHORITY)
    assert judge(story, pack()).answer is Answer.SUPPORTED
    old = trial(story, pack(), valid="2027-06-01", known="2027-06-01")
    assert old.ruling.outcome is Outcome.INSUFFICIENT
    assert "older than 365 days" in old.ruling.sentence


def test_nothing_on_file_is_never_a_pass(story: Story) -> None:
    found = trial(story, pack())
    assert (found.ruling.outcome, found.grade) == (Outcome.INSUFFICIENT, None)
    assert found.ruling.missing[0].who == ("authority",)
    assert judge(story, pack()).answer is Answer.NOT_PROVEN


def test_an_inspection_by_the_miner_itself_is_too_weak(story: Story) -> None:
    story.on("2026-05-21").attest(MINER, "inspection", MINE_A, inspection())
    story.attest("did:web:cooperative-b.example", "inspection", "site:mine-b", inspection())
    found = trial(story, pack())
    assert found.ruling.outcome is Outcome.INSUFFICIENT
    assert "only self_attested" in found.ruling.sentence


def test_a_pass_below_the_grade_is_insufficient(story: Story) -> None:
    members = 'with = { record = "extract", each = "mines", fields = ["workers"] }'
    weak = trial(story, pack(members, check="field_present", grade="self_attested"))
    assert weak.ruling.outcome is Outcome.PASS
    strict = trial(story, pack(members, check="field_present", grade="independent"))
    assert strict.ruling.outcome is Outcome.INSUFFICIENT
    assert "rests on self_attested evidence" in strict.ruling.sentence
    assert strict.ruling.evidence == weak.ruling.evidence


def test_a_pass_that_rests_on_nothing_is_insufficient(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    members = 'with = { record = "extract", each = "mines", fields = ["workers"] }'
    one = pack(members, check="field_present", grade="self_attested")
    for references, outcome in (((), Outcome.INSUFFICIENT), (("a list",), Outcome.PASS)):
        said = passed("It is so.", references=references)
        known = CHECKS["field_present"]._replace(run=lambda _case, _members, said=said: said)
        monkeypatch.setitem(CHECKS, "field_present", known)
        assert trial(story, one).ruling.outcome is outcome


def test_an_attestation_that_has_run_out_does_not_count(story: Story) -> None:
    story.on("2026-05-21").attest(
        AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection(), until="2026-06-01T00:00:00Z"
    )
    assert trial(story, pack()).ruling.outcome is Outcome.PASS
    found = trial(story, pack(), known="2026-07-01", valid="2026-07-01")
    assert "was not in force on 2026-07-01" in found.ruling.sentence


def test_a_result_that_does_not_conform_fails(story: Story) -> None:
    one = pack(INSPECTED[:-1] + ', result = "conform" }')
    story.on("2026-05-21").attest(AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection(), result="conform")
    assert trial(story, one).ruling.outcome is Outcome.PASS
    story.attest(AUTHORITY, "inspection", MINE_A, inspection(), result="not_conform")
    assert trial(story, one).ruling.outcome is Outcome.FAIL


# ---- clocks ---------------------------------------------------------------------------------------------------------


def test_what_the_log_did_not_know_then_does_not_count(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection())
    assert trial(story, pack(), known="2026-05-20", valid="2026-05-20").ruling.outcome is Outcome.INSUFFICIENT
    assert trial(story, pack(), known="2026-05-21", valid="2026-05-20").ruling.outcome is Outcome.PASS


# ---- red flags ------------------------------------------------------------------------------------------------------


def edd(conclusion: str, visit: str = "2026-05-25", rule: str = "TRIAL.ONE") -> dict[str, Any]:
    return {"red_flags": [rule], "method": "on_the_ground", "visit": visit, "conclusion": conclusion}


@pytest.fixture
def flagging(monkeypatch: pytest.MonkeyPatch) -> Pack:
    """A pack whose rule raises a flag dated 2026-05-20 about mine A."""
    from ledger.rules.checks.registry import CHECKS, Check, Members

    def always(case: Any, members: Any) -> Any:
        return flagged("It looks odd.", since="2026-05-20").about(MINE_A)

    monkeypatch.setitem(CHECKS, "always_odd", Check("always_odd", "", Members, always))
    return pack("", check="always_odd")


def test_a_red_flag_asks_for_review_and_then_counts_as_a_fault(story: Story, flagging: Pack) -> None:
    found = trial(story, flagging)
    assert (found.ruling.outcome, found.overdue) == (Outcome.RED_FLAG, False)
    assert judge(story, flagging).answer is Answer.REVIEW
    later = {"known": "2026-07-20", "valid": "2026-07-20"}
    assert trial(story, flagging, **later).overdue
    assert judge(story, flagging, **later).answer is Answer.REFUTED
    assert not trial(story, pack("open_days = 0", check="always_odd"), **later).overdue


def test_enhanced_due_diligence_closes_a_red_flag(story: Story, flagging: Pack) -> None:
    report = story.on("2026-05-26").attest(AUDITOR, "edd_report", MINE_A, edd("open"))
    assert trial(story, flagging).ruling.outcome is Outcome.RED_FLAG
    report = story.attest(AUDITOR, "edd_report", MINE_A, edd("discharged"))
    found = trial(story, flagging)
    assert (found.ruling.outcome, found.discharged) == (Outcome.PASS, report)
    assert report in found.ruling.evidence
    report = story.attest(AUDITOR, "edd_report", MINE_A, edd("confirmed"))
    found = trial(story, flagging)
    assert (found.ruling.outcome, found.confirmed) == (Outcome.FAIL, report)


@pytest.mark.parametrize(
    ("issuer", "about", "statement"),
    [
        (MINER, MINE_A, edd("discharged")),
        (TRADER, MINE_A, edd("discharged")),
        (AUDITOR, MINE_A, edd("discharged", visit="2026-05-19")),
        (AUDITOR, MINE_A, edd("discharged", rule="TRIAL.TWO")),
        (AUDITOR, "site:mine-b", edd("discharged")),
    ],
    ids=["by the miner itself", "by a trader", "from before the flag", "of another flag", "of another mine"],
)
def test_not_every_report_closes_a_red_flag(
    story: Story, flagging: Pack, issuer: str, about: str, statement: dict[str, Any]
) -> None:
    story.on("2026-05-26").attest(issuer, "edd_report", about, statement)
    assert trial(story, flagging).ruling.outcome is Outcome.RED_FLAG


# ---- plans ----------------------------------------------------------------------------------------------------------


def plan(**members: Any) -> dict[str, Any]:
    return {
        "risk": "TRIAL.ONE", "decision": "continue", "measures": ["A gate with a guard"],
        "start": "2026-05-22", "review_by": "2026-11-20", **members,
    }  # fmt: skip


@pytest.fixture
def failing(story: Story) -> Pack:
    """A mitigable fault at both mines."""
    story.on("2026-05-21").attest(AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection(), result="not_conform")
    return pack(INSPECTED[:-1] + ', result = "conform" }', severity="mitigable")


def test_a_live_plan_covers_a_mitigable_fault(story: Story, failing: Pack) -> None:
    assert judge(story, failing).answer is Answer.REFUTED
    first = story.on("2026-05-23").attest(EXPORTER, "mitigation_plan", MINE_A, plan())
    assert trial(story, failing).plan == ""  # the other mine has none
    made = story.attest(EXPORTER, "mitigation_plan", "site:mine-b", plan())
    assert trial(story, failing).plan == made != first
    assert judge(story, failing).answer is Answer.SUPPORTED_WITH_PLAN
    assert judge(story, failing, known="2026-11-21", valid="2026-11-21").answer is Answer.REFUTED
    graver = pack(INSPECTED[:-1] + ', result = "conform" }', severity="high")
    assert judge(story, graver).answer is Answer.REFUTED


@pytest.mark.parametrize(
    "members",
    [{"risk": "TRIAL.TWO"}, {"review_by": "2026-12-20"}, {"decision": "disengage"}, {"start": "2026-06-01"}],
    ids=["another risk", "longer than six months", "disengaged", "not begun"],
)
def test_not_every_plan_covers_a_fault(story: Story, failing: Pack, members: dict[str, Any]) -> None:
    story.on("2026-05-23").attest(EXPORTER, "mitigation_plan", [MINE_A, "site:mine-b"], plan(**members))
    assert trial(story, failing).plan == ""


# ---- scope ----------------------------------------------------------------------------------------------------------

SCOPES = {
    'materials = ["tantalum"]': True,
    'materials = ["3tg"]': True,
    'materials = ["gold"]': False,
    'methods = ["artisanal"]': True,
    'methods = ["large_scale"]': False,
    'origins = ["CD"]': True,
    'origins = ["RW"]': False,
    'claims = ["chain_complete"]': True,
    'claims = ["origin"]': False,
    'subjects = ["lot"]': True,
    'subjects = ["site"]': False,
    'since = "2026-05-20"': True,
    'since = "2026-05-21"': False,
    'before = "2026-05-21"': True,
    'before = "2026-05-20"': False,
}


@pytest.mark.parametrize("scope", SCOPES)
def test_scope(base: Story, scope: str) -> None:
    found = trial(base, pack(f"{INSPECTED}\nscope = {{ {scope} }}"))
    assert (found.ruling.outcome is not Outcome.NOT_APPLICABLE) == SCOPES[scope]
    assert found.ruling.sentence.startswith("Appli") != SCOPES[scope]


# ---- claims and packs -----------------------------------------------------------------------------------------------


def test_a_claim_names_only_what_there_is(story: Story) -> None:
    packs = {"claims": read_packs()["claims"], "trial": pack()}
    with pytest.raises(ClaimError) as caught:
        choose(story.claim("chain_complete", packs=["trial", "nowhere"]), packs)
    assert caught.value.pointer == "/packs/1"
    with pytest.raises(ClaimError) as caught:
        choose(story.claim("chain_complete"), packs)
    assert caught.value.pointer == "/type"
    with pytest.raises(ClaimError) as caught:
        story.judge(story.claim("chain_complete", packs=["trial"], parameters={"age": 3}), packs=packs.values())
    assert caught.value.pointer == "/parameters/age"


def test_a_claim_is_about_the_right_kind_of_subject(story: Story) -> None:
    with pytest.raises(ClaimError) as caught:
        story.judge(
            story.claim("chain_complete", subject=MINE_A, packs=["trial"]), packs=[read_packs()["claims"], pack()]
        )
    assert caught.value.pointer == "/subject"
    judged = story.judge(
        story.claim("conduct", subject=MINE_A, packs=["trial"]), packs=[read_packs()["claims"], pack()]
    )
    assert judged.answer is Answer.NOT_PROVEN


def test_a_claim_overrides_a_parameter(story: Story) -> None:
    story.on("2026-05-21").attest(AUTHORITY, "inspection", [MINE_A, "site:mine-b"], inspection())
    one = pack(INSPECTED.replace("365", '"$age"'), head="[pack.parameters.age]\nvalue = 365")
    packs = [read_packs()["claims"], one]
    judged = story.judge(story.claim("chain_complete", packs=["trial"], parameters={"age": 30}), packs=packs)
    assert judged.findings[-1].ruling.outcome is Outcome.INSUFFICIENT
    assert judged.parameters == {"age": 30}
    with pytest.raises(PackError) as caught:
        story.judge(story.claim("chain_complete", packs=["trial"], parameters={"age": "old"}), packs=packs)
    assert "TRIAL.ONE" in caught.value.message


def test_monitors_are_independent_and_observations_are_instruments(story: Story) -> None:
    story.on("2026-05-21").attest(MONITOR, "inspection", [MINE_A, "site:mine-b"], inspection())
    assert trial(story, pack(grade="independent")).grade is Grade.INDEPENDENT
    seen = {"product": "S2", "tile": "T35", "date": "2026-05-01", "index": "loss", "value": "0.1"}
    story.attest(MONITOR, "observation", [MINE_A, "site:mine-b"], seen)
    members = 'with = { kind = "observation", each = "mines" }'
    assert trial(story, pack(members, grade="instrument")).grade is Grade.INSTRUMENT
