"""The envelope: what is signed opens, and every way to bend it has its refusal."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_b64url, format_json, parse_b64url
from ledger.envelope import (
    MAX_PRESENTATION_BYTES,
    MAX_RECORD_BYTES,
    check_signature,
    open_disclosures,
    open_record,
    parse_presentation,
    parse_record,
    sign_record,
)
from ledger.errors import (
    BadSignature,
    EncodingError,
    EnvelopeError,
    FormatError,
    TooLarge,
    UnknownKey,
)
from tests.support.envelopes import CONCEAL, HEADER, KEY, OTHER, P256, PAYLOAD, SALTS, changed, refuse, signed

# what is signed opens


@pytest.mark.parametrize("key", [KEY, P256])
@pytest.mark.parametrize("conceal", [(), CONCEAL])
def test_what_is_signed_opens(key: Any, conceal: tuple[str, ...]) -> None:
    record = sign_record(PAYLOAD, key, conceal=conceal, salts=SALTS)
    opened = open_record(record.jws, {key.public.kid: key.public})
    assert opened == open_record(record.jws.encode(), {key.public.kid: key.public}) == record.record
    assert opened.payload == record.record.payload
    assert (opened.alg, opened.kid) == (key.public.alg, key.public.kid)
    assert opened.id == record.id == hashlib.sha256(record.jws.encode()).hexdigest()
    assert {opened: 1}[record.record] == 1
    assert open_disclosures(opened, record.disclosures).body == PAYLOAD["body"]
    assert parse_presentation(record.text) == (opened.jws, record.disclosures)


def test_claims_are_attributes() -> None:
    record = parse_record(signed())
    names = ("iss", "aud", "iat", "type", "time", "prev", "body")
    assert {name: getattr(record, name) for name in names} == record.payload == PAYLOAD


def test_records_are_equal_when_their_bytes_are() -> None:
    record = parse_record(signed())
    assert {record, parse_record(signed())} == {record}
    assert record != parse_record(signed(changed(iat=PAYLOAD["iat"] + 1)))
    assert record != record.jws


def test_signing_is_deterministic_and_leaves_the_payload_alone() -> None:
    payload = deepcopy(PAYLOAD)
    for key in (KEY, P256):
        first = sign_record(payload, key, conceal=CONCEAL, salts=SALTS)
        assert first == sign_record(payload, key, conceal=CONCEAL, salts=iter(SALTS))
        assert first.record.payload == parse_record(first.jws).payload
    assert payload == PAYLOAD


def test_header_and_payload_of_what_is_signed() -> None:
    header, payload, _ = sign_record(PAYLOAD, KEY).jws.split(".")
    assert json.loads(parse_b64url(header)) == HEADER
    assert parse_b64url(payload) == format_json(PAYLOAD)


def test_older_name_of_ed25519() -> None:
    record = open_record(signed(header=HEADER | {"alg": "EdDSA"}), {KEY.public.kid: KEY.public})
    assert record.alg == "Ed25519"


def test_first_record_of_a_subject_has_no_heads() -> None:
    assert parse_record(signed(changed(prev={}))).prev == {}


# corruption


@pytest.mark.parametrize("key", [KEY, P256])
def test_any_changed_byte_is_refused(key: Any) -> None:
    keys = {key.public.kid: key.public}
    jws = sign_record(PAYLOAD, key, conceal=CONCEAL, salts=SALTS).record.jws
    open_record(jws, keys)
    for at in range(len(jws)):
        for flip in (0x01, 0x02, 0x20, 0x80):
            bent = jws[:at] + bytes([jws[at] ^ flip]) + jws[at + 1 :]
            with pytest.raises((FormatError, BadSignature, UnknownKey)):
                open_record(bent, keys)
        with pytest.raises((FormatError, BadSignature, UnknownKey)):
            open_record(jws[:at] + jws[at + 1 :], keys)


@given(st.binary() | st.text() | st.text("abAB01_-.~="))
def test_anything_else_is_refused(jws: bytes | str) -> None:
    with pytest.raises(FormatError):
        parse_record(jws)


def test_signature_of_another_key() -> None:
    record = parse_record(signed(key=OTHER))
    with pytest.raises(BadSignature, match="does not verify"):
        check_signature(record, KEY.public)


def test_signature_over_another_record() -> None:
    first, second = signed(), signed(changed(iat=1))
    swapped = first.rpartition(".")[0] + "." + second.rpartition(".")[2]
    with pytest.raises(BadSignature):
        open_record(swapped, {KEY.public.kid: KEY.public})


def test_key_that_is_not_known() -> None:
    with pytest.raises(UnknownKey) as caught:
        open_record(signed(), {OTHER.public.kid: OTHER.public})
    assert caught.value.values == {"kid": KEY.public.kid}


def test_key_other_than_the_one_named() -> None:
    with pytest.raises(BadSignature, match="another key"):
        check_signature(parse_record(signed(key=OTHER)), OTHER.public)


@pytest.mark.parametrize(("key", "alg"), [(KEY, "ES256"), (P256, "Ed25519"), (P256, "EdDSA")])
def test_algorithm_that_is_not_the_keys(key: Any, alg: str) -> None:
    jws = signed(header=HEADER | {"alg": alg, "kid": key.public.kid}, key=key)
    with pytest.raises(BadSignature, match="another key or algorithm"):
        open_record(jws, {key.public.kid: key.public})


# compact serialization


@pytest.mark.parametrize("jws", ["", ".", "..", "a.b", "a.b.c.d", signed() + ".", signed() + "~", "." + signed()])
def test_other_numbers_of_parts(jws: str) -> None:
    with pytest.raises(FormatError):
        parse_record(jws)


def test_padding() -> None:
    header, payload, signature = signed(changed(iat=1)).split(".")
    for parts in ((header + "=", payload, signature), (header, payload + "==", signature)):
        refuse(EncodingError, ".".join(parts), match="not canonical base64url")
    refuse(EncodingError, f"{header}.{payload}.{signature}==", match="signature")


def test_trailing_bits() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    payload = next(changed(aud="a" * n) for n in range(1, 4) if len(format_json(changed(aud="a" * n))) % 3)
    parts = signed(payload).split(".")
    parse_record(".".join(parts))
    for index in (1, 2):
        last = parts[index][-1]
        bent = list(parts)
        bent[index] = bent[index][:-1] + alphabet[alphabet.index(last) + 1]
        refuse(EncodingError, ".".join(bent))


def test_standard_base64_alphabet() -> None:
    parts = signed(text=format_json(changed(aud="aa>?aa>?aa>?"))).split(".")
    other = parts[1].replace("-", "+").replace("_", "/")
    assert other != parts[1]
    refuse(EncodingError, ".".join((parts[0], other, parts[2])))


@pytest.mark.parametrize("size", [0, 63, 65, 96])
def test_signature_of_another_length(size: int) -> None:
    body = signed().rpartition(".")[0]
    refuse(EncodingError, f"{body}.{format_b64url(bytes(size))}", match="64 bytes")


@pytest.mark.parametrize("jws", ["é" + signed(), signed() + "\N{ZERO WIDTH SPACE}", signed()[:-1] + "\ud800"])
def test_text_that_is_not_ascii(jws: str) -> None:
    refuse(EnvelopeError, jws, match="ASCII")


@pytest.mark.parametrize("jws", [" " + signed(), signed() + "\n", signed().replace(".", ".\n", 1)])
def test_white_space(jws: str) -> None:
    refuse(EncodingError, jws)


def test_json_serialization() -> None:
    header, payload, signature = signed().split(".")
    refuse(EnvelopeError, json.dumps({"protected": header, "payload": payload, "signature": signature}))


def filler(size: int) -> dict[str, Any]:
    """A payload whose compact JWS has about this many bytes."""
    return changed(body={"text": "x" * ((size - len(signed(changed(body={"text": ""})))) * 3 // 4)})


def test_largest_record() -> None:
    record = sign_record(filler(MAX_RECORD_BYTES), KEY)
    assert MAX_RECORD_BYTES - 2 <= len(record.jws) <= MAX_RECORD_BYTES
    assert parse_record(record.jws) == record.record


def test_oversized_record() -> None:
    big = signed(filler(MAX_RECORD_BYTES + 4))
    error = refuse(TooLarge, big)
    assert error.values == {"limit": MAX_RECORD_BYTES, "actual": len(big)}
    with pytest.raises(TooLarge) as caught:
        sign_record(filler(MAX_RECORD_BYTES + 4), KEY)
    assert caught.value.values == {"limit": MAX_RECORD_BYTES, "actual": len(big)}


# presentations


def test_presentations() -> None:
    record = sign_record(PAYLOAD, KEY, conceal=CONCEAL[:2], salts=SALTS)
    assert record.text == f"{record.jws}~{record.disclosures[0]}~{record.disclosures[1]}~"
    assert parse_presentation(record.text.encode()) == (record.jws.encode(), record.disclosures)
    plain = sign_record(PAYLOAD, KEY)
    assert plain.text == plain.jws
    assert parse_presentation(plain.text) == parse_presentation(plain.text + "~") == (plain.jws.encode(), ())


@pytest.mark.parametrize("text", ["a~b", "a~b~c", "a~~", "a~b~~", "~~", "a~~b~", "a~b~c.d.e", "é~"])
def test_presentations_that_are_refused(text: str) -> None:
    with pytest.raises(EnvelopeError):
        parse_presentation(text)


def test_oversized_presentation() -> None:
    text = "a~" + "b" * (MAX_PRESENTATION_BYTES - 3) + "~"
    assert parse_presentation(text)[0] == b"a"
    with pytest.raises(TooLarge) as caught:
        parse_presentation("a" + text)
    assert caught.value.values == {"limit": MAX_PRESENTATION_BYTES, "actual": MAX_PRESENTATION_BYTES + 1}
