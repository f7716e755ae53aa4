"""Verdicts and bundles of an operator who means harm: signed properly, and anything in any place of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.encoding import format_json, parse_json
from ledger.errors import EncodingError, LedgerError, VerdictError
from ledger.evidence.bundle import format_bundle
from ledger.evidence.verify import verify_bundle
from ledger.rules.packs import read_packs
from ledger.rules.signed import open_verdict, parse_envelope, sign_verdict
from ledger.rules.verdict_form import check_verdict
from tests.ledger.evidence.test_verdicts import CERT, KEY, check, told, verdict_of
from tests.support.arbitrary import HOSTILE, bend, bent, places
from tests.support.evidence import LOG_SIGNER, POLICY, bundle_of, later
from tests.support.world import World, chain_world

VERIFIERS = [LOG_SIGNER.verifier]
WORLD = chain_world()
VERDICT = verdict_of(bundle_of(WORLD, "lot:5"))
ENVELOPE = sign_verdict(VERDICT, KEY, CERT)


@pytest.fixture(scope="module")
def world() -> World:
    return WORLD


@settings(max_examples=60)
@given(value=bent(VERDICT, times=3))
def test_a_verdict_with_anything_in_any_place_is_reported_on(value: Any) -> None:
    """The operator signs whatever it likes: the reader gets a report, never a crash."""
    try:
        envelope = sign_verdict(value, KEY, CERT)
        report = check(WORLD, envelope)
    except LedgerError:  # what cannot be written as canonical JSON is in no bundle either
        return
    same = format_json(value) == format_json(VERDICT)
    assert report.verified == (told(report) == ["same"])
    assert report.verified or not same
    if report.verified and not same:  # the packs of its own type stand in every claim, named or not
        assert {**value, "claim": {**value["claim"], "packs": ["claims"]}} == VERDICT


@settings(max_examples=60)
@given(value=bent(ENVELOPE, times=3))
def test_an_envelope_with_anything_in_any_place_is_refused(value: Any) -> None:
    if value == ENVELOPE:
        return
    with pytest.raises(LedgerError):
        open_verdict(value, VERIFIERS)


@settings(max_examples=40)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_envelope(data: bytes) -> None:
    with pytest.raises(LedgerError):
        open_verdict(parse_envelope(data), VERIFIERS)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 1_000 + b"1" + b"}" * 1_000, b"NaN", b"1e999", b"-0"])
def test_json_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(VerdictError):
        parse_envelope(data)


@settings(max_examples=60)
@given(st.data())
def test_a_bundle_with_anything_in_any_place_is_reported_on(data: st.DataObject) -> None:
    """Its digest fits again: whoever bends a bundle computes it anew."""
    value = parse_json(format_bundle(replace(bundle_of(WORLD, "lot:5"), verdicts=(ENVELOPE,))))
    del value["digest"]
    place = data.draw(st.sampled_from([one for one in places(value) if one]))
    out = bend(value, place, data.draw(st.sampled_from((*HOSTILE, ...))))
    try:
        out["digest"] = hashlib.sha256(format_json(out)).hexdigest()
        written = format_json(out)
    except EncodingError:
        return
    report = verify_bundle(written, POLICY, later(WORLD))
    if not report.verified:
        return
    whole = {**out, "digest": "", "log_key": "", "verdicts": [], "completeness": without_empty(out["completeness"])}
    honest = {
        **value,
        "digest": "",
        "log_key": "",
        "verdicts": [],
        "completeness": without_empty(value["completeness"]),
    }
    assert whole == honest


def without_empty(completeness: Any) -> Any:
    """A list that the log signed as empty may as well not be there; other places are as they are."""
    if not isinstance(completeness, dict) or not isinstance(completeness.get("topics"), dict):
        return completeness
    return {**completeness, "topics": {name: ids for name, ids in completeness["topics"].items() if ids}}


FAULTS: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "no verdict at all": ((), [], ""),
    "a size that is a text": (("log", "size"), "40", "/log/size"),
    "a size that is true": (("log", "size"), True, "/log/size"),
    "a root with bits too many": (("log", "root"), "A" * 42 + "B", "/log/root"),
    "a clock that is no time": (("valid_as_of",), "2026-02-30T00:00:00Z", "/valid_as_of"),
    "a clock before all calendars": (("valid_as_of",), "0001-01-01T00:00:00Z", "/valid_as_of"),
    "a clock behind all calendars": (("known_as_of",), "9999-12-31T23:59:59Z", "/known_as_of"),
    "no answer": (("answer",), ..., "/answer"),
    "an answer that there is not": (("answer",), "clean", "/answer"),
    "a count that is missing": (("counts", "pass"), ..., "/counts"),
    "a negative count": (("counts", "pass"), -1, "/counts/pass"),
    "a finding without a sentence": (("findings", 0, "sentence"), ..., "/findings/0/sentence"),
    "a grade that is null": (("findings", 0, "grade"), None, "/findings/0/grade"),
    "a member that there is not": (("surprise",), 1, "/surprise"),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_form_that_is_wrong_is_named(world: World, words: str) -> None:
    place, by, pointer = FAULTS[words]
    value = {**VERDICT, "surprise": by} if place == ("surprise",) else bend(VERDICT, place, by)
    if words == "a root with bits too many":
        check_verdict(value)
    else:
        with pytest.raises(VerdictError) as caught:
            check_verdict(value)
        assert caught.value.pointer == pointer
    report = check(world, sign_verdict(value, KEY, CERT))
    assert [one.check for one in report.findings] == ["verdicts"]
    assert not report.verified


def test_the_form_takes_every_verdict_of_ours() -> None:
    assert check_verdict(VERDICT) is VERDICT
    packs = read_packs()
    full = verdict_of(bundle_of(WORLD, "lot:5"), chosen=tuple(packs))
    assert check_verdict(parse_json(format_json(full))) == full
