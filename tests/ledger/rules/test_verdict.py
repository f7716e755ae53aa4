"""Verdicts as bytes: reproducible, named by their hash, signed by a key that the log certifies."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from ledger.encoding import format_json, parse_json
from ledger.errors import BadSignature, NoteError, UntrustedNote, VerdictError
from ledger.keys import private_key_from_seed
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import Ed25519Signer, sign_note
from ledger.rules.outcome import Answer
from ledger.rules.packs import read_packs
from ledger.rules.signed import (
    CERTIFICATE,
    certify_key,
    open_certificate,
    open_verdict,
    parse_envelope,
    seal_verdict,
    sign_verdict,
)
from ledger.rules.verdict import digest_evidence, format_verdict, verdict_id
from tests.support.evidence import LOG_SIGNER
from tests.support.story import AUTHORITY, MINE_A, Story, coltan_story
from tests.support.world import ORIGIN, key_of

KEY = private_key_from_seed("Ed25519", hashlib.sha256(b"verifier").digest())
HEAD = Checkpoint(ORIGIN, 40, bytes(32))
CERT = certify_key(ORIGIN, KEY.public, LOG_SIGNER)


@pytest.fixture(scope="module")
def story() -> Story:
    return coltan_story()


def verdict_of(story: Story, **clocks: Any) -> dict[str, Any]:
    claim = story.claim("origin", {"country": "CD"}, packs=[])
    return format_verdict(story.judge(claim, packs=[read_packs()["claims"]], **clocks), HEAD)


def test_a_verdict_names_all_that_it_follows_from(story: Story) -> None:
    verdict = verdict_of(story)
    assert verdict["answer"] == Answer.SUPPORTED.value
    assert verdict["claim"] == {
        "type": "origin",
        "subject": "lot:export",
        "terms": {"country": "CD", "share": "100"},
        "packs": [],
    }
    assert verdict["log"] == {"origin": ORIGIN, "size": 40, "root": "A" * 43}
    assert verdict["packs"] == [read_packs()["claims"].reference()]
    assert verdict["counts"]["pass"] == len(verdict["findings"]) == 1
    (finding,) = verdict["findings"]
    assert (finding["rule"], finding["outcome"], finding["grade"]) == ("CLAIM.ORIGIN", "pass", "self_attested")
    assert finding["figures"] == {"share": "100", "exact": "1/1", "element": "Ta"}
    assert "missing" not in finding
    assert parse_json(format_json(verdict)) == verdict
    assert verdict_id(verdict) == hashlib.sha256(format_json(verdict)).hexdigest()


def test_the_same_evidence_gives_the_same_bytes(story: Story) -> None:
    assert format_json(verdict_of(copy.deepcopy(story))) == format_json(verdict_of(story))


def test_other_evidence_has_another_digest(story: Story) -> None:
    before = digest_evidence(story.facts())
    more = copy.deepcopy(story)
    statement = {"number": "I", "date": "2026-05-01", "office": "O", "inspector": "An inspector"}
    more.on("2026-05-21").attest(AUTHORITY, "inspection", MINE_A, statement, conceal=["/body/statement/inspector"])
    seen, erased = digest_evidence(more.facts()), digest_evidence(more.facts(erase=True))
    assert len({before, seen, erased}) == 3
    assert digest_evidence(more.facts(known="2026-05-20")) == before


# ---- signatures -----------------------------------------------------------------------------------------------------


def test_a_signed_verdict_opens(story: Story) -> None:
    envelope = sign_verdict(verdict_of(story), KEY, CERT)
    data = format_json(envelope)
    assert seal_verdict(envelope["verdict"], KEY, CERT) == (data, verdict_id(envelope["verdict"]))
    opened = open_verdict(parse_envelope(data), [LOG_SIGNER.verifier])
    assert (opened.verdict, opened.key, opened.origin) == (envelope["verdict"], KEY.public, ORIGIN)
    assert opened.id == verdict_id(envelope["verdict"])


def test_a_foreign_library_accepts_the_signature(story: Story) -> None:
    envelope = sign_verdict(verdict_of(story), KEY, CERT)
    key = OKPKey.import_key(dict(KEY.public.jwk()))
    payload = format_json(envelope["verdict"])
    value = jws.deserialize_compact(envelope["signature"], key, algorithms=["Ed25519"], payload=payload)
    assert value.headers()["kid"] == KEY.public.kid


def bend(envelope: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(envelope), **members}


def test_what_was_changed_does_not_open(story: Story) -> None:
    envelope = sign_verdict(verdict_of(story), KEY, CERT)
    changed = bend(envelope)
    changed["verdict"]["answer"] = "refuted"
    header, _, signature = envelope["signature"].partition("..")
    other = Ed25519Signer("log.other.example/1", bytes(32))
    elsewhere = bend(envelope)
    elsewhere["verdict"]["log"]["origin"] = "log.other.example/1"
    cases: list[tuple[Any, type[Exception]]] = [
        (changed, BadSignature),
        (elsewhere, VerdictError),
        (bend(envelope, signature=f"{header}..{signature[:-2]}AA"), BadSignature),
        (bend(envelope, signature=f"{header}..{signature}="), VerdictError),
        (bend(envelope, signature=f"{header}.x.{signature}"), VerdictError),
        (bend(envelope, signature=f"e30..{signature}"), VerdictError),
        (bend(envelope, signature=3), VerdictError),
        (bend(envelope, certificate=certify_key("log.other.example/1", KEY.public, other)), UntrustedNote),
        (bend(envelope, certificate="no note"), NoteError),
        (bend(envelope, format="lodeline-signed-verdict/2"), VerdictError),
        (bend(envelope, verdict={"format": "other"}), VerdictError),
        (bend(envelope, more=1), VerdictError),
        ([], VerdictError),
    ]
    for bad, error in cases:
        with pytest.raises(error):
            open_verdict(bad, [LOG_SIGNER.verifier])
    with pytest.raises(VerdictError):
        parse_envelope(b'{"a": 1}')


def test_the_log_certifies_its_own_verifier_only() -> None:
    other = Ed25519Signer("log.other.example/1", bytes(32))
    assert open_certificate(CERT, [LOG_SIGNER.verifier]) == (ORIGIN, KEY.public)
    with pytest.raises(VerdictError):
        certify_key(ORIGIN, KEY.public, other)
    with pytest.raises(VerdictError):
        certify_key(ORIGIN, key_of("hsm", "ES256").public, LOG_SIGNER)
    impostor = sign_note(f"{CERTIFICATE}\n{ORIGIN}\n{'A' * 43}\n", [other])
    with pytest.raises(UntrustedNote):
        open_certificate(impostor, [LOG_SIGNER.verifier, other.verifier])
    with pytest.raises(VerdictError):
        open_certificate(sign_note(f"{CERTIFICATE}\n{ORIGIN}\nAAAA\n", [LOG_SIGNER]), [LOG_SIGNER.verifier])
    with pytest.raises(VerdictError):
        open_certificate(sign_note("something else\n", [LOG_SIGNER]), [LOG_SIGNER.verifier])
