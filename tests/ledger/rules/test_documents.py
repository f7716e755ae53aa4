"""Verdicts for people and for other systems: HTML, PDF, verifiable credential; nothing in them is markup."""

from __future__ import annotations

import hashlib
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from ledger.encoding import format_json
from ledger.keys import private_key_from_seed
from ledger.log.checkpoint import Checkpoint
from ledger.rules.credential import format_did, sign_credential
from ledger.rules.documents import MAX_EVIDENCE, MAX_MISSING, format_html, format_pdf
from ledger.rules.packs import read_packs
from ledger.rules.verdict import format_verdict, verdict_id
from tests.support.story import coltan_story
from tests.support.world import ORIGIN

KEY = private_key_from_seed("Ed25519", hashlib.sha256(b"verifier").digest())
HOSTILE = '<script>alert("1")</script> #let x = 1 $y$ *b* @z \\ {{ 7 * 7 }}'


class Text(HTMLParser):
    """Tags, and text without them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def verdict() -> dict[str, Any]:
    story = coltan_story()
    claim = story.claim("origin", {"country": "RW"}, packs=["claims"])
    return format_verdict(story.judge(claim), Checkpoint(ORIGIN, 40, bytes(32)))


def bent(verdict: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(verdict)), **members}


def read(page: str) -> Text:
    text = Text()
    text.feed(page)
    return text


def test_the_page_shows_what_the_verdict_says(verdict: dict[str, Any]) -> None:
    seen = read(format_html(verdict, read_packs().values(), signed=True))
    for part in (
        "Refuted",
        "lot:export",
        "CLAIM.ORIGIN",
        "0 % of the Ta comes from RW",
        verdict_id(verdict),
        "signed by",
    ):
        assert part in seen.text, part
    assert read_packs()["claims"].rules[0].requirement in seen.text
    assert "not signed" in format_html(verdict, [], signed=False)
    assert not {"script", "img", "link", "iframe", "form"} & set(seen.tags)


def test_notes_and_what_is_missing_are_told(verdict: dict[str, Any]) -> None:
    finding = {
        **verdict["findings"][0],
        "outcome": "insufficient_evidence",
        "missing": [{"what": f"paper {n}", "who": ["authority", "exporter"]} for n in range(MAX_MISSING + 2)],
        "discharged_by": "f" * 64,
        "overdue": True,
    }
    away = {**verdict["findings"][0], "outcome": "not_applicable", "sentence": "Applies to gold."}
    told = bent(
        verdict,
        findings=[finding, away],
        parameters={"days": ["1", "2"]},
        references=[{"dataset": "orders", "published": "2026-01-01", "digest": "0" * 64}],
    )
    page = read(format_html(told, [], signed=False)).text
    words = ("paper 0", "and 2 more", "authority, exporter", "Discharged by", "Left open too long")
    for part in (*words, "Applies to gold.", "days = 1, 2", "orders, published 2026-01-01"):
        assert part in page, part
    assert format_pdf(told, [], signed=False).startswith(b"%PDF-")


def test_what_the_claimant_chose_is_told(verdict: dict[str, Any]) -> None:
    """A claim judged by packs or parameters of one's own choice must not look like one judged as it should be."""
    own = {name: one for name, one in verdict["claim"].items() if name != "packs"}
    words = (
        "Judged by packs that the claimant chose instead of the claim's own and with parameters that the claimant set."
    )
    for claim, parameters, told in (
        (own, {}, ""),
        ({**own, "packs": ["claims"]}, {}, "Judged by packs that the claimant chose instead of the claim's own."),
        (own, {"days": 3}, "Judged with parameters that the claimant set."),
        ({**own, "packs": []}, {"days": 3}, words),
    ):
        page = read(format_html(bent(verdict, claim=claim, parameters=parameters), [], signed=True)).text
        assert told in page
        assert ("Judged " in page) == bool(told)
        assert format_pdf(bent(verdict, claim=claim, parameters=parameters), [], signed=True).startswith(b"%PDF-")


def test_long_lists_of_records_are_cut_for_people(verdict: dict[str, Any]) -> None:
    records = [f"{n:064x}" for n in range(MAX_EVIDENCE + 3)]
    long = bent(verdict, findings=[{**verdict["findings"][0], "evidence": records}])
    page = read(format_html(long, [], signed=True)).text
    assert f"{MAX_EVIDENCE + 3} records" in page
    assert "and 3 more, named in the JSON" in page
    assert (records[MAX_EVIDENCE - 1] in page, records[MAX_EVIDENCE] in page) == (True, False)
    short = bent(verdict, findings=[{**verdict["findings"][0], "evidence": records[:1]}])
    assert "<summary>1 record</summary>" in format_html(short, [], signed=True)
    assert f"<summary>{MAX_EVIDENCE + 3} records</summary>" in format_html(long, [], signed=True)
    assert format_pdf(long, [], signed=True).startswith(b"%PDF-")


def test_hostile_text_stays_text(verdict: dict[str, Any]) -> None:
    finding = {**verdict["findings"][0], "sentence": HOSTILE, "rule": HOSTILE}
    hostile = bent(verdict, findings=[finding], claim={**verdict["claim"], "subject": HOSTILE, "type": HOSTILE})
    seen = read(format_html(hostile, [], signed=True))
    assert "script" not in seen.tags
    assert seen.text.count(HOSTILE) >= 4
    assert format_pdf(hostile, [], signed=True).startswith(b"%PDF-")


def test_the_same_verdict_gives_the_same_pdf(verdict: dict[str, Any]) -> None:
    first = format_pdf(verdict, read_packs().values(), signed=True)
    assert first == format_pdf(verdict, read_packs().values(), signed=True)
    assert first != format_pdf(bent(verdict, answer="supported"), read_packs().values(), signed=True)


def test_a_credential_that_a_foreign_library_verifies(verdict: dict[str, Any]) -> None:
    token = sign_credential(verdict, KEY, issuer="Example log", holder="did:web:buyer.example")
    opened = jws.deserialize_compact(token, OKPKey.import_key(dict(KEY.public.jwk())), algorithms=["Ed25519"])
    header, credential = opened.headers(), json.loads(opened.payload)
    assert (header["typ"], header["alg"]) == ("vc+jwt", "Ed25519")
    assert header["kid"].startswith(credential["issuer"]["id"] + "#z6Mk")
    assert credential["type"] == ["DigitalConformityCredential", "VerifiableCredential"]
    assert credential["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    subject = credential["credentialSubject"]
    assert subject["id"] == f"urn:lodeline:verdict:{verdict_id(verdict)}"
    assert subject["profileScore"]["code"] == verdict["answer"] == "refuted"
    (assessment,) = subject["conformityAssessment"]
    assert (assessment["name"], assessment["conformance"]) == ("CLAIM.ORIGIN", False)
    assert assessment["assessedProduct"][0]["product"]["id"] == "urn:lodeline:subject:lot:export"
    assert subject["issuedToParty"]["id"] == "did:web:buyer.example"
    assert sign_credential(verdict, KEY, issuer="Example log", holder="did:web:buyer.example") == token
    assert format_json(credential) == opened.payload


def test_did_key_of_the_specification() -> None:
    """A test vector of the did:key method for Ed25519."""
    from ledger.keys import parse_public_jwk

    key = parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": "Lm_M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOY"})
    assert format_did(key) == "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
