"""A bundle shows what happened, and nothing that anybody bends in it, or in the log behind it, goes unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.encoding import format_time
from ledger.envelope import SignedRecord
from ledger.evidence.bundle import Bundle, FullEntry, HashOnlyEntry, format_bundle
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import CHECKS, verify_bundle
from ledger.log.note import Ed25519Signer, format_vkey
from tests.support.evidence import (
    LOG_SIGNER,
    LONE_POLICY,
    POLICY,
    LogReader,
    bundle_from,
    bundle_of,
    later,
    outcomes,
    sealed,
)
from tests.support.world import (
    AUDITOR,
    MINE,
    MINER,
    PLANT,
    REGISTRAR,
    SMELTER,
    START,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    honest_world,
    key_of,
    new_lot,
    quantity,
    transform_body,
)

NOW = datetime.fromtimestamp(START, UTC) + timedelta(hours=1)


@cache
def honest() -> Bundle:
    """The bundle of the refined lot, with an incident and a disclosure on the way."""
    world = chain_world()
    note_incident(world, "lot:5")
    world.dispatch(SMELTER, TRADER, "lot:5")
    return bundle_of(world, "lot:5")


def note_incident(world: World, subject: str, **more: Any) -> str:
    about = [{"subject": subject, "record": world.state.subjects[subject].head}]
    body = {"about": about, "category": "fraud", "severity": 1, "status": "open", "narrative": "Tags in a drawer."}
    return world.do(AUDITOR, "incident", body, conceal=["/body/narrative"], **more)


def force(world: World, signed: SignedRecord) -> None:
    """What a fraudulent operator does: the log takes the record although the rules refuse it."""
    world.log.append(b"%d %s" % (world.now * 1000, signed.jws.encode()))
    world.now += 1


def check(bundle: Bundle, policy: TrustPolicy = POLICY, now: datetime = NOW) -> Report:
    return verify_bundle(format_bundle(bundle), policy, now)


def forged(world: World, lot: str) -> Report:
    """Verify a bundle of all entries of a log that is not honest."""
    return check(bundle_from(world.log, range(len(world.log)), lot, world.disclosures, time=world.now))


def codes(report: Report) -> list[tuple[str, str]]:
    return [(one.check, one.error.code) for one in report.findings]


# ---- what an honest bundle shows ------------------------------------------------------------------------------------


def test_an_honest_bundle_is_verified() -> None:
    report = check(honest())
    assert (report.verified, report.outcome, outcomes(report), report.findings) == (True, "verified", {}, ())
    assert tuple(one.name for one in report.checks) == CHECKS
    assert [one.step for one in report.checks] == list(range(1, 15))
    assert report.lot is not None
    assert report.lot["status"] == "in_transit"
    assert report.lot["custodian"] == {"id": SMELTER, "country": "CD", "roles": ["smelter", "refiner"]}
    assert report.lot["consignee"] == TRADER
    assert report.lot["contained"] == {"Ta": "21.978000"}
    assert report.lot["model"] == "segregated"
    (origin,) = report.lot["origins"]
    assert (origin["site"], origin["lots"]) == (MINE, ["lot:1", "lot:2", "lot:3"])
    assert (origin["dry_mass_share"], origin["shares"]) == ("100", {"Ta": "100"})


def test_the_report_is_json() -> None:
    value = json.loads(json.dumps(check(honest()).to_json()))
    assert value["format"] == "lodeline-report/1"
    assert value["checks"][1]["sentence"] == "log.lodeline.example/test has signed a log of 19 entries."
    assert [line["process"] for line in value["balances"]] == ["concentrate", "smelt"]
    assert value["balances"][1]["metal"]["Ta"]["recovery"] == "96.08"
    assert value["witnesses"] == {"w1": format_time(START + 19)}
    assert value["entries"] == {"shown": 17, "hash_only": 0}
    assert list(value["disclosed"].values()) == [{"members": ["/body/narrative"], "erased": 0}]


def test_shares_of_two_mines_in_the_metal_and_in_the_mass() -> None:
    world = honest_world()
    world.register("site:mine-2", "mine", MINER)
    world.extract(new_lot("lot:a", quantity("30", "0", {"Ta": "10"})))
    second = {"site": "site:mine-2", "period": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}}
    world.do(
        MINER,
        "extract",
        second | {"method": "artisanal", "workers": 3, "lots": [new_lot("lot:b", quantity("10", "0", {"Ta": "30"}))]},
    )
    world.transform(
        MINER, {"lot:a": "30", "lot:b": "10"}, new_lot("lot:c", quantity("40", "0", {"Ta": "15"})), site=MINE
    )
    lot = check(bundle_of(world, "lot:c")).lot
    assert lot is not None
    assert [(one["site"], one["dry_mass_share"], one["shares"]) for one in lot["origins"]] == [
        (MINE, "75", {"Ta": "50"}),
        ("site:mine-2", "25", {"Ta": "50"}),
    ]


def test_a_lot_that_was_only_mined() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    report = check(bundle_of(world, "lot:1"))
    assert report.verified
    assert report.checks[8].sentence == "No transform on the way of this lot."


def test_an_erased_disclosure_leaves_everything_verified() -> None:
    world = chain_world()
    record = note_incident(world, "lot:5")
    report = check(bundle_of(world, "lot:5", erase=True))
    assert report.verified
    assert report.details["disclosed"] == {record: {"members": [], "erased": 1}}
    assert check(bundle_of(world, "lot:5")).details["disclosed"] == {
        record: {"members": ["/body/narrative"], "erased": 0}
    }


# ---- bytes ----------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_flipped_bit_is_accepted(data: st.DataObject) -> None:
    whole = bytearray(format_bundle(honest()))
    position = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[position // 8] ^= 1 << position % 8
    report = verify_bundle(bytes(whole), POLICY, NOW)
    assert not report.verified
    assert outcomes(report)["format"] == "fail"
    assert report.outcome == "refuted"


def swap(entry: FullEntry, old: bytes, new: bytes) -> FullEntry:
    assert old in entry.entry
    return replace(entry, entry=entry.entry.replace(old, new, 1))


def with_entry(bundle: Bundle, position: int, change: Callable[[FullEntry], Any]) -> Bundle:
    entries = list(bundle.entries)
    chosen = entries[position]
    assert isinstance(chosen, FullEntry)
    entries[position] = change(chosen)
    return replace(bundle, entries=tuple(entries))


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def test_every_entry_and_proof_that_is_changed_on_purpose_and_sealed_again() -> None:
    bundle = honest()
    for position, entry in enumerate(bundle.entries):
        assert isinstance(entry, FullEntry)
        for changed in (
            replace(entry, entry=flip(entry.entry, 12)),  # the time of logging
            replace(entry, entry=flip(entry.entry, len(entry.entry) // 2)),
            replace(entry, entry=flip(entry.entry, len(entry.entry) - 9)),  # the signature
            replace(entry, proof=entry.proof[1:]),
            replace(entry, proof=(*entry.proof, bytes(32))),
            replace(entry, proof=(flip(entry.proof[0], 0), *entry.proof[1:])),
        ):
            report = check(with_entry(bundle, position, lambda _, changed=changed: changed))
            assert outcomes(report)["inclusion"] == "fail"
            assert report.findings[0].index == entry.index
            assert not report.verified


def test_an_entry_under_another_index() -> None:
    bundle = honest()
    last = bundle.entries[-1]
    for index in (last.index + 1, last.index + 2**40):
        moved = replace(bundle, entries=(*bundle.entries[:-1], replace(last, index=index)))
        assert outcomes(check(moved)) == {"inclusion": "fail"}


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda b: replace(b, checkpoint=b.checkpoint.replace("\n19\n", "\n20\n")), "checkpoint"),
        (lambda b: replace(b, checkpoint="no note"), "checkpoint"),
        (lambda b: replace(b, origin="log.lodeline.example/other"), "checkpoint"),
        (lambda b: replace(b, log_key=b.log_key + "A"), "checkpoint"),
        (lambda b: replace(b, log_key=format_vkey(Ed25519Signer(b.origin, bytes(32)).verifier)), "checkpoint"),
        (lambda b: replace(b, subject="lot:6"), "chain"),
        (lambda b: replace(b, subject=MINE), "completeness"),
    ],
)
def test_every_other_member_that_is_changed_and_sealed_again(change: Callable[[Bundle], Bundle], step: str) -> None:
    report = check(change(honest()))
    assert not report.verified
    assert step in outcomes(report)
    assert report.subject == change(honest()).subject
    assert report.lot is None or report.subject == "lot:5"


def test_other_disclosures() -> None:
    bundle = honest()
    position = next(i for i, one in enumerate(bundle.entries) if isinstance(one, FullEntry) and one.disclosures)
    honest_one = bundle.entries[position]
    assert isinstance(honest_one, FullEntry)
    for others in ((honest_one.disclosures[0] + "A",), honest_one.disclosures * 2, ("WyJhIl0",)):
        report = check(with_entry(bundle, position, lambda e, o=others: replace(e, disclosures=o)))
        assert outcomes(report) == {"disclosures": "fail"}
        assert report.findings[0].record
    report = check(with_entry(bundle, 0, lambda e: replace(e, disclosures=honest_one.disclosures)))
    assert outcomes(report) == {"disclosures": "fail"}


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b'{"format":"lodeline-bundle/1"}'])
def test_files_that_are_no_bundle_give_a_report_too(data: bytes) -> None:
    report = verify_bundle(data, POLICY, NOW)
    assert (report.verified, report.lot, report.checkpoint) == (False, None, None)
    assert [one.outcome.value for one in report.checks] == ["fail"] + ["skipped"] * 13
    assert report.to_json()["checkpoint"] is None


# ---- whom one trusts ------------------------------------------------------------------------------------------------


def test_a_log_that_the_reader_does_not_trust() -> None:
    stranger = TrustPolicy((TrustedLog(Ed25519Signer("other.example", bytes(32)).verifier),))
    report = check(honest(), stranger)
    assert outcomes(report) == {"checkpoint": "fail", "witnesses": "skipped", "completeness": "skipped"}
    assert codes(report) == [("checkpoint", "untrusted-note")]


def test_another_key_of_the_same_name() -> None:
    report = check(honest(), TrustPolicy((TrustedLog(Ed25519Signer(LOG_SIGNER.name, bytes(32)).verifier),)))
    assert outcomes(report)["checkpoint"] == "fail"


def test_too_few_witnesses() -> None:
    bundle = honest()
    lone = replace(bundle, checkpoint="".join(bundle.checkpoint.splitlines(keepends=True)[:-1]))
    report = check(lone)
    assert outcomes(report) == {"witnesses": "fail"}
    assert report.findings[0].error.values["quorum"] == "w1"
    relaxed = check(lone, LONE_POLICY)
    assert relaxed.verified
    assert relaxed.checks[2].sentence.startswith("Your trust policy asks for no witness")


# ---- what is not there ----------------------------------------------------------------------------------------------


def test_a_bundle_without_any_one_of_its_records_is_not_accepted() -> None:
    world = chain_world()
    reader = LogReader(world.log)
    for entry in bundle_of(world, "lot:5").entries:
        report = check(bundle_of(world, "lot:5", leave_out=[entry.index]))
        assert not report.verified, reader.records[entry.index].type
        rest = [one for one in report.findings if one.check != "completeness"]
        assert all(one.outcome.value == "incomplete" for one in rest)
        (left_out,) = [one for one in report.findings if one.check == "completeness"]
        assert (left_out.error.code, left_out.record) == ("left-out", reader.records[entry.index].id)


def test_a_missing_record_is_named() -> None:
    world = chain_world()
    dispatched = LogReader(world.log).records[11]
    assert dispatched.type == "dispatch"
    report = check(bundle_of(world, "lot:5", leave_out=[11]))
    named = [one.error.values for one in report.findings if one.check == "chain"]
    assert named == [{"subject": f"lot:{n}", "record": dispatched.id} for n in (1, 2, 3)]


def test_a_missing_genesis_and_a_missing_beginning_are_named() -> None:
    world = chain_world()
    report = check(bundle_of(world, "lot:5", leave_out=[0]))
    assert ("chain", "incomplete") in codes(report)
    extracted = next(i for i, one in enumerate(LogReader(world.log).records) if one.type == "extract")
    report = check(bundle_of(world, "lot:5", leave_out=[extracted]))
    assert {one.error.values["subject"] for one in report.findings if one.check == "chain"} == {
        "lot:1",
        "lot:2",
        "lot:3",
    }


def test_a_statement_by_hash_only_stands() -> None:
    world = chain_world()
    note_incident(world, "lot:5")
    report = check(bundle_of(world, "lot:5", hash_only=[len(world.log) - 1]))
    assert report.verified
    assert report.details["entries"] == {"shown": 15, "hash_only": 1}
    assert "1 shown by hash only" in report.checks[0].sentence


def test_a_custody_record_by_hash_only_proves_its_place_but_not_what_follows() -> None:
    world = chain_world()
    bundle = bundle_of(world, "lot:5", hash_only=[11])
    report = check(bundle)
    assert report.outcome == "incomplete"
    assert outcomes(report) == {"custody": "incomplete"}
    position = next(i for i, one in enumerate(bundle.entries) if one.index == 11)
    bent = list(bundle.entries)
    hidden = bent[position]
    assert isinstance(hidden, HashOnlyEntry)
    bent[position] = replace(hidden, leaf=bytes(32))
    report = check(replace(bundle, entries=tuple(bent)))
    assert outcomes(report)["inclusion"] == "fail"


def test_an_enrolment_by_hash_only_leaves_signatures_open() -> None:
    world = chain_world()
    trader = next(i for i, one in enumerate(LogReader(world.log).records) if one.body.get("id") == TRADER)
    report = check(bundle_of(world, "lot:5", hash_only=[trader]))
    assert report.outcome == "incomplete"
    assert outcomes(report)["signatures"] == "incomplete"
    assert ("signatures", "unknown-key") in codes(report)


# ---- what a fraudulent operator puts into the log -------------------------------------------------------------------


def test_a_second_dispatch_of_the_same_lot() -> None:
    world = chain_world()
    first = world.sign(SMELTER, "dispatch", dispatch_body(TRADER, "lot:5", time=world.now), ["lot:5"])
    second = world.sign(SMELTER, "dispatch", dispatch_body(MINER, "lot:5", time=world.now), ["lot:5"])
    force(world, first)
    assert forged(world, "lot:5").verified
    force(world, second)
    report = forged(world, "lot:5")
    assert outcomes(report) == {"custody": "fail"}
    assert codes(report) == [("custody", "stale-head")]
    found = report.to_json()["findings"][0]
    assert (found["check"], found["outcome"], found["index"], found["record"]) == ("custody", "fail", 18, second.id)
    assert (found["code"], found["values"]) == ("stale-head", {"subject": "lot:5", "head": first.id})


def test_a_blend_that_yields_more_metal_than_its_inputs() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    body = transform_body({"lot:1": "40"}, new_lot("lot:2", quantity("39", "2", {"Ta2O5": "60"})), site=MINE)
    force(world, world.sign(MINER, "transform", body, ["lot:1"]))
    report = forged(world, "lot:2")
    assert outcomes(report) == {"balance": "fail"}
    assert codes(report) == [("balance", "metal-gain")]
    assert report.lot is None


def test_a_record_that_its_issuer_did_not_sign() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", time=world.now), ["lot:1"])
    head, _, signature = signed.jws.rpartition(".")
    world.log.append(b"%d %s" % (world.now * 1000, f"{head}.{'A' * 86}".encode()))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"signatures": "fail"}
    assert codes(report) == [("signatures", "bad-signature")]
    assert signature != "A" * 86


def test_a_record_signed_with_a_key_of_somebody_else() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    body = dispatch_body(TRADER, "lot:1", time=world.now)
    force(world, world.sign(MINER, "dispatch", body, ["lot:1"], key=world.keys[TRADER]))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"custody": "fail"}
    assert codes(report) == [("custody", "unknown-key")]


def test_a_record_signed_with_a_revoked_key_which_was_good_before() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    new = key_of("new key")
    added = {"participant": MINER, "action": "add", "key": new.public.jwk(), "reason": "rotation"}
    world.do(MINER, "key", added, [MINER])
    revoked = {"participant": MINER, "action": "revoke", "kid": world.keys[MINER].public.kid, "reason": "stolen"}
    world.do(MINER, "key", revoked, [MINER], key=new)
    assert forged(world, "lot:1").verified
    force(world, world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", time=world.now), ["lot:1"]))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"custody": "fail"}
    assert codes(report) == [("custody", "key-revoked")]


def test_entries_that_are_no_records() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    world.log += [b"junk", b"%d a.b.c" % (world.now * 1000)]
    odd = world.sign(MINER, "extract", {"site": MINE})
    world.log.append(b"%d %s" % (world.now * 1000, odd.jws.encode()))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"records": "fail"}
    assert [code for _, code in codes(report)] == ["envelope-error", "encoding-error", "schema-error"]


def test_an_enrolment_of_a_key_that_may_not_be_one() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}
    body = {"id": "did:web:x.example", "country": "CD", "roles": ["buyer"], "status": "active", "keys": [jwk]}
    force(world, world.sign(REGISTRAR, "participant", body))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"custody": "fail"}
    assert codes(report) == [("custody", "key-format-error")]


# ---- clocks ---------------------------------------------------------------------------------------------------------


def test_the_clock_of_the_log_runs_backwards() -> None:
    world = honest_world()
    world.extract(new_lot("lot:1"))
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", time=world.now), ["lot:1"])
    world.log.append(b"%d %s" % ((world.now - 2) * 1000, signed.jws.encode()))
    report = forged(world, "lot:1")
    assert outcomes(report) == {"times": "fail"}
    assert codes(report) == [("times", "time-before")]


def test_entries_from_the_future_of_the_reader() -> None:
    world = chain_world()
    bundle = bundle_of(world, "lot:5")
    assert check(bundle, now=later(world)).verified
    early = datetime.fromtimestamp(START, UTC) - timedelta(minutes=5, seconds=1)
    report = check(bundle, now=early)
    assert outcomes(report) == {"times": "fail"}
    assert {code for _, code in codes(report)} == {"time-ahead"}
    assert report.findings[-1].index is None  # the witness, too


def test_entries_newer_than_the_witness_saw_them() -> None:
    world = chain_world()
    bundle = bundle_from(world.log, range(len(world.log)), "lot:5", {}, time=world.now - 310)
    assert check(bundle, LONE_POLICY).verified
    report = check(bundle)
    assert outcomes(report) == {"times": "fail"}


def test_many_findings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.evidence import report as reports

    monkeypatch.setattr(reports, "MAX_FINDINGS", 2)
    bundle = honest()
    bent = replace(
        bundle,
        entries=tuple(replace(one, proof=()) for one in bundle.entries),
        log_key="x",
    )
    report = check(bent)
    assert len(report.findings) == 2
    assert report.omitted == 16
    assert outcomes(report) == {"checkpoint": "fail", "inclusion": "fail"}
    monkeypatch.setattr(reports, "MAX_FINDINGS", 0)
    report = check(bent)
    assert (report.findings, report.omitted) == ((), 18)
    assert report.checks[1].sentence == "See the findings."


def test_sealed_is_what_format_bundle_gives() -> None:
    world = chain_world()
    assert verify_bundle(sealed(world, "lot:5"), POLICY, NOW).verified
    assert PLANT in world.state.subjects
