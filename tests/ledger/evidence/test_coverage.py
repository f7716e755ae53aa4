"""A bundle that leaves anything out is refused, and the finding names what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.evidence.bundle import Bundle, Completeness, format_bundle
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_bundle
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.note import Ed25519Signer, parse_note
from tests.support.evidence import (
    LOG_SIGNER,
    POLICY,
    LogReader,
    bundle_from,
    bundle_of,
    later,
    outcomes,
    state_complete,
)
from tests.support.mines import FAR, NEIGHBOUR, attest_status, mine_in, mining_world, note_incident
from tests.support.world import AUDITOR, DEPOT, MINE, MINER, ORIGIN, REGISTRAR, TRADER, World

SUBJECTS = ("lot:c", "lot:a", MINE, DEPOT, MINER, TRADER, AUDITOR)


@cache
def world() -> World:
    return mining_world()


@cache
def honest(subject: str = "lot:c") -> Bundle:
    return bundle_of(world(), subject)


def check(bundle: Bundle) -> Report:
    return verify_bundle(format_bundle(bundle), POLICY, later(world()))


def found(report: Report) -> list[tuple[str, str, str]]:
    """Code, topic and record of every finding about completeness."""
    return [
        (one.error.code, one.error.values.get("topic", ""), one.record)
        for one in report.findings
        if one.check == "completeness"
    ]


def without(bundle: Bundle, *indexes: int) -> Bundle:
    return replace(bundle, entries=tuple(one for one in bundle.entries if one.index not in indexes))


def index_of(record: str) -> int:
    return next(i for i, one in enumerate(LogReader(world().log).records) if one.id == record)


def signed(bundle: Bundle, lists: dict[str, tuple[str, ...]], **more: str) -> Bundle:
    """The bundle with other lists, which the log has signed."""
    head = parse_checkpoint(parse_note(bundle.checkpoint).text)
    statement = state_lists(head, more.get("subject", bundle.subject), lists)
    return replace(bundle, completeness=Completeness(sign_completeness(statement, [LOG_SIGNER]), lists))


# ---- what an honest bundle holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [*SUBJECTS, REGISTRAR])
def test_honest_bundles_are_complete(subject: str) -> None:
    report = check(honest(subject))
    assert (outcomes(report), report.findings) == ({}, ())
    assert report.checks[11].name == "completeness"
    assert report.checks[11].sentence.endswith("none of them is left out.")
    kind = subject.partition(":")[0]
    assert report.details["kind"] == {"did": "participant"}.get(kind, kind)
    assert (report.lot is not None) == (report.details["kind"] == "lot")


def test_the_topics_of_a_lot() -> None:
    topics = sorted(honest().completeness.topics)
    assert [one for one in topics if not one.startswith("subject ")] == [
        f"production site:mine {month}" for month in ("2025-12", *(f"2026-{n:02}" for n in range(1, 9)))
    ] + ["status CD-NK"]
    subjects = [one.removeprefix("subject ") for one in topics if one.startswith("subject ")]
    assert subjects == sorted(
        [ORIGIN, MINER, TRADER, "did:web:smelter.example", "lot:a", "lot:b", "lot:c", MINE, DEPOT]
    )


def test_the_report_is_json_for_any_subject() -> None:
    for subject in SUBJECTS:
        assert json.loads(json.dumps(check(honest(subject)).to_json()))["subject"] == subject


# ---- what is left out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_record_can_be_left_out(subject: str) -> None:
    bundle = honest(subject)
    listed = {one for ids in bundle.completeness.topics.values() for one in ids}
    records = LogReader(world().log).records
    for entry in bundle.entries:
        report = check(without(bundle, entry.index))
        assert not report.verified, records[entry.index].type
        record = records[entry.index].id
        if record in listed:
            assert [(code, name) for code, _, name in found(report)] == [("left-out", record)]
            assert report.outcome == "refuted"


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SUBJECTS), st.data())
def test_no_set_of_records_can_be_left_out(subject: str, data: st.DataObject) -> None:
    bundle = honest(subject)
    indexes = [one.index for one in bundle.entries]
    gone = data.draw(st.sets(st.sampled_from(indexes), min_size=1, max_size=len(indexes) - 1))
    assert not check(without(bundle, *gone)).verified


def test_an_incident_that_is_left_out_is_named() -> None:
    incident = index_of(honest().completeness.topics["subject lot:c"][-1])
    record = LogReader(world().log).records[incident]
    assert record.type == "incident"
    report = check(without(honest(), incident))
    assert outcomes(report) == {"completeness": "fail"}
    assert found(report) == [("left-out", "subject lot:c", record.id)]
    assert record.id in report.findings[0].error.message


def test_a_red_status_of_a_neighbour_that_is_left_out_is_named() -> None:
    red = honest().completeness.topics["status CD-NK"][-1]
    report = check(without(honest(), index_of(red)))
    assert outcomes(report) == {"completeness": "fail"}
    assert found(report) == [("left-out", "status CD-NK", red)]


def test_production_that_is_left_out_is_named() -> None:
    beside = honest().completeness.topics["production site:mine 2026-08"][-1]
    report = check(without(honest(), index_of(beside)))
    assert outcomes(report) == {"completeness": "fail"}
    assert found(report) == [("left-out", "production site:mine 2026-08", beside)]


def test_records_shown_by_hash_are_not_left_out() -> None:
    red = honest().completeness.topics["status CD-NK"][-1]
    report = check(bundle_of(world(), "lot:c", hash_only=[index_of(red)]))
    assert report.verified
    assert report.details["entries"]["hash_only"] == 1


def test_a_list_that_was_shortened_with_the_record() -> None:
    lists = dict(honest().completeness.topics)
    red = lists["status CD-NK"][-1]
    bent = replace(honest().completeness, topics=lists | {"status CD-NK": lists["status CD-NK"][:-1]})
    report = check(replace(without(honest(), index_of(red)), completeness=bent))
    assert outcomes(report) == {"completeness": "fail"}
    assert found(report) == [("left-out", "status CD-NK", "")]
    assert report.findings[0].error.values == {"topic": "status CD-NK", "listed": 1, "signed": 2}
    del lists["status CD-NK"]
    report = check(replace(honest(), completeness=replace(bent, topics=lists)))
    assert found(report) == [("left-out", "status CD-NK", "")]
    report = check(
        replace(honest(), completeness=replace(bent, topics=dict(honest().completeness.topics) | {"status CD-SK": ()}))
    )
    assert found(report) == [("left-out", "status CD-SK", "")]


# ---- statements that do not fit, or lie -----------------------------------------------------------------------------


def test_a_statement_that_covers_less_than_the_rules_demand() -> None:
    lists = dict(honest().completeness.topics)
    for topic in lists:
        report = check(signed(honest(), {name: ids for name, ids in lists.items() if name != topic}))
        assert outcomes(report) == {"completeness": "fail"}, topic
        assert found(report) == [("left-out", topic, "")]


def test_a_statement_that_lies_is_proof_against_the_operator() -> None:
    """The operator itself keeps a record off a list that it signs, and somebody shows the record."""
    lists = dict(honest().completeness.topics)
    for topic, ids in lists.items():
        for record in ids:
            shorter = tuple(one for one in ids if one != record)
            report = check(signed(honest(), lists | {topic: shorter}))
            assert outcomes(report) == {"completeness": "fail"}
            assert found(report) == [("false-statement", topic, record)]
            assert report.findings[0].index == index_of(record)


@pytest.mark.parametrize(
    "bend",
    [
        lambda b: replace(b, completeness=honest("lot:a").completeness),
        lambda b: signed(b, dict(b.completeness.topics), subject="lot:a"),
        lambda b: replace(b, completeness=replace(b.completeness, note="nonsense")),
        lambda b: replace(b, completeness=replace(b.completeness, note=b.checkpoint)),
        lambda b: replace(
            b,
            completeness=replace(b.completeness, note=b.completeness.note.replace("status CD-NK 2", "status CD-NK 1")),
        ),
    ],
)
def test_a_statement_about_something_else(bend: Callable[[Bundle], Bundle]) -> None:
    assert outcomes(check(honest())) == {}
    report = check(bend(honest()))
    assert outcomes(report) == {"completeness": "fail"}
    assert [record for _, _, record in found(report)] == [""]


def test_a_statement_for_another_checkpoint_or_by_another_key() -> None:
    lists = dict(honest().completeness.topics)
    earlier = state_complete(world().log[:-1], "lot:c", lists)
    assert found(check(replace(honest(), completeness=earlier))) == [("completeness-error", "", "")]
    head = Checkpoint(ORIGIN, len(world().log), bytes(32))
    other_root = sign_completeness(state_lists(head, "lot:c", lists), [LOG_SIGNER])
    assert found(check(replace(honest(), completeness=Completeness(other_root, lists)))) == [
        ("completeness-error", "", "")
    ]
    head = parse_checkpoint(parse_note(honest().checkpoint).text)
    strange = sign_completeness(state_lists(head, "lot:c", lists), [Ed25519Signer(ORIGIN, bytes(32))])
    assert found(check(replace(honest(), completeness=Completeness(strange, lists)))) == [("untrusted-note", "", "")]


# ---- sites and participants -----------------------------------------------------------------------------------------


def test_the_bundle_of_a_mine_follows_what_it_produced() -> None:
    report = check(honest(MINE))
    assert report.checks[7].sentence.startswith("5 lots, back to 5 that were mined")
    topics = honest(MINE).completeness.topics
    assert len(topics["production site:mine 2026-08"]) == 2
    assert "status CD-NK" in topics
    assert "production site:mine 2025-05" in topics
    assert FAR not in {name for topic in topics for name in topic.split(" ")}


def test_the_bundle_of_a_depot_follows_what_was_made_there() -> None:
    topics = honest(DEPOT).completeness.topics
    assert len(topics[f"made {DEPOT} 2026-09"]) == 1
    assert {"subject lot:a", "subject lot:b", "subject lot:c", "status CD-NK"} <= topics.keys()
    assert check(honest(DEPOT)).checks[7].sentence.startswith("3 lots, back to 2 that were mined")


def test_the_bundle_of_a_participant_follows_what_came_to_it() -> None:
    topics = honest(TRADER).completeness.topics
    assert len(topics[f"held {TRADER} 2026-09"]) == 2
    assert check(honest(TRADER)).checks[7].sentence.startswith("3 lots, back to 2 that were mined")
    assert check(honest(AUDITOR)).checks[7].sentence.startswith("0 lots")


def test_the_statement_of_a_lot_does_not_make_the_bundle_of_its_mine() -> None:
    report = check(replace(honest(), subject=MINE))
    assert found(report) == [("completeness-error", "", "")]


def test_only_the_newest_twelve_months_of_a_mine_are_followed() -> None:
    long = mining_world()
    for n in range(1, 10):
        mine_in(long, f"2024-{n:02}", f"lot:y{n}")
    bundle = bundle_of(long, MINE)
    followed = {topic.split(" ")[1] for topic in bundle.completeness.topics if topic.startswith("subject lot:")}
    # Of 13 months with production the newest 12.
    assert followed == {"lot:old", "lot:mid", "lot:a", "lot:b", "lot:beside", *(f"lot:y{n}" for n in range(2, 10))}
    assert verify_bundle(format_bundle(bundle), POLICY, later(long)).verified


def test_a_forged_bundle_of_everything_is_judged_all_the_same() -> None:
    """What only an operator could make: all entries, and lists that are signed for them."""
    other = mining_world()
    note_incident(other, NEIGHBOUR)
    attest_status(other, "green", NEIGHBOUR)
    whole = bundle_from(other.log, range(len(other.log)), "lot:c", other.disclosures, time=other.now)
    assert verify_bundle(format_bundle(whole), POLICY, later(other)).verified
