"""Verdicts inside bundles: same, different, or not to be judged from what is at hand."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from ledger.evidence.bundle import Bundle, FullEntry, format_bundle
from ledger.evidence.judging import Evidence, judge
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_bundle
from ledger.keys import private_key_from_seed
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.note import parse_note
from ledger.rules.claim import parse_claim
from ledger.rules.pack import parse_pack
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from ledger.rules.signed import certify_key, sign_verdict
from ledger.rules.verdict import format_verdict
from tests.support.evidence import LOG_SIGNER, POLICY, bundle_of, later, shown_of
from tests.support.world import ORIGIN, World, chain_world

KEY = private_key_from_seed("Ed25519", hashlib.sha256(b"verifier").digest())
CERT = certify_key(ORIGIN, KEY.public, LOG_SIGNER)
NOW = "2026-12-31T00:00:00Z"
OWN = read_packs()["claims"].data.replace(b'id = "claims"', b'id = "own"').replace(b'"CLAIM.', b'"OWN.')


@pytest.fixture(scope="module")
def world() -> World:
    return chain_world()


def verdict_of(
    bundle: Bundle, packs: dict[str, Any] | None = None, chosen: tuple[str, ...] = ("claims",)
) -> dict[str, Any]:
    claim = parse_claim({"type": "quantity", "subject": bundle.subject, "terms": {"kg": "22"}, "packs": list(chosen)})
    shown = shown_of([one for one in bundle.entries if isinstance(one, FullEntry)])
    evidence = Evidence(bundle.subject, bundle.origin, shown, ())
    judged = judge(claim, evidence, packs or read_packs(), References(), valid_as_of=NOW, known_as_of=NOW)
    return format_verdict(judged, parse_checkpoint(parse_note(bundle.checkpoint).text))


def check(world: World, *envelopes: Any, **more: Any) -> Report:
    bundle = replace(bundle_of(world, "lot:5"), verdicts=tuple(envelopes))
    return verify_bundle(format_bundle(bundle), POLICY, later(world), **more)


def told(report: Report) -> list[str]:
    return [one["recomputed"] for one in report.details["verdicts"]]


def test_a_verdict_that_follows_is_the_same_again(world: World) -> None:
    verdict = verdict_of(bundle_of(world, "lot:5"))
    report = check(world, sign_verdict(verdict, KEY, CERT))
    assert (report.outcome, told(report)) == ("verified", ["same"])
    assert report.checks[-2].sentence == "1 verdict follows from this evidence."
    assert report.details["verdicts"][0]["claim"] == verdict["claim"]


def test_a_verdict_that_lies_is_found_out_though_it_is_signed(world: World) -> None:
    verdict = verdict_of(bundle_of(world, "lot:5"))
    lie = copy.deepcopy(verdict)
    lie["answer"] = "refuted"
    report = check(world, sign_verdict(verdict, KEY, CERT), sign_verdict(lie, KEY, CERT))
    assert (report.outcome, told(report)) == ("refuted", ["same", "different"])
    (finding,) = report.findings
    assert (finding.error.code, finding.error.pointer) == ("other-verdict", "/verdicts/1/verdict/answer")
    assert finding.error.values["differences"] == ["/verdicts/1/verdict/answer"]


def test_a_verdict_that_was_changed_is_not_the_services(world: World) -> None:
    envelope = sign_verdict(verdict_of(bundle_of(world, "lot:5")), KEY, CERT)
    envelope["verdict"]["answer"] = "refuted"
    report = check(world, envelope)
    assert (report.outcome, told(report)) == ("refuted", [])
    assert [(one.error.code, one.error.pointer) for one in report.findings] == [("bad-signature", "/verdicts/0")]


def test_a_verdict_about_another_lot_is_refused(world: World) -> None:
    report = check(world, sign_verdict(verdict_of(bundle_of(world, "lot:4")), KEY, CERT))
    assert (report.outcome, told(report)) == ("refuted", ["different"])
    assert [one.error.code for one in report.findings] == ["verdict-error"]


def test_a_pack_of_ones_own_is_given_beside(world: World) -> None:
    own = parse_pack(OWN)
    verdict = verdict_of(bundle_of(world, "lot:5"), {**read_packs(), "own": own}, ("own",))
    envelope = sign_verdict(verdict, KEY, CERT)
    without, beside = check(world, envelope), check(world, envelope, packs=[own])
    assert (without.outcome, told(without)) == ("incomplete", ["not"])
    assert without.findings[0].error.values["pack"] == "own"
    assert (beside.outcome, told(beside)) == ("verified", ["same"])


def test_a_verdict_from_a_longer_log_waits_for_a_newer_bundle(world: World) -> None:
    verdict = verdict_of(bundle_of(world, "lot:5"))
    verdict["log"]["size"] += 1
    report = check(world, sign_verdict(verdict, KEY, CERT))
    assert (report.outcome, told(report)) == ("incomplete", ["not"])
    assert [one.error.pointer for one in report.findings] == ["/verdicts/0/verdict/log/size"]


def test_a_verdict_of_a_fork_is_refuted(world: World) -> None:
    verdict = verdict_of(bundle_of(world, "lot:5"))
    verdict["log"]["root"] = "A" * 43
    report = check(world, sign_verdict(verdict, KEY, CERT))
    assert (report.outcome, told(report)) == ("refuted", ["different"])
    assert [(one.error.code, one.error.pointer) for one in report.findings] == [
        ("equivocation", "/verdicts/0/verdict/log/root")
    ]


def test_without_a_checkpoint_no_verdict_has_a_place(world: World) -> None:
    bundle = bundle_of(world, "lot:5")
    envelope = sign_verdict(verdict_of(bundle), KEY, CERT)
    bent = replace(bundle, checkpoint="no note", verdicts=(envelope,))
    report = verify_bundle(format_bundle(bent), POLICY, later(world))
    assert (report.outcome, told(report)) == ("refuted", ["not"])
    assert [one.error.pointer for one in report.findings if one.check == "verdicts"] == ["/verdicts/0/verdict/log"]
