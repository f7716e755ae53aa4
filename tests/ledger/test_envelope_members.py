"""Header and claims of the envelope: every member that is wrong, missing or too many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.encoding import format_json
from ledger.envelope import (
    Record,
    digests_of,
    disclosure_digest,
    parse_record,
    sign_record,
)
from ledger.errors import (
    EncodingError,
    EnvelopeError,
    SchemaError,
)
from tests.support.envelopes import HEADER, KEY, PAYLOAD, bent, changed, refuse, signed

# header


@pytest.mark.parametrize(
    "alg", ["none", "None", "", "HS256", "RS256", "ES384", "ed25519", "Ed448", None, 1, ["ES256"], {}]
)
def test_algorithms_that_are_refused(alg: Any) -> None:
    error = refuse(EnvelopeError, signed(header=HEADER | {"alg": alg}))
    assert error.values == {"member": "alg"}


def test_alg_none_without_signature() -> None:
    body = signed(header=HEADER | {"alg": "none"}).rpartition(".")[0]
    refuse(EnvelopeError, body + ".", match="alg")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crit", ["exp"]),
        ("jwk", KEY.public.jwk()),
        ("jku", "https://example.org/keys"),
        ("x5u", "https://example.org/chain"),
        ("x5c", ["AAAA"]),
        ("x5t#S256", "AAAA"),
        ("b64", False),
        ("cty", "json"),
        ("zip", "DEF"),
    ],
)
def test_header_members_that_are_refused(name: str, value: Any) -> None:
    error = refuse(EnvelopeError, signed(header=HEADER | {name: value}), match="may not have")
    assert error.values == {"member": name}


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_header_members_that_are_missing(name: str) -> None:
    left = {other: value for other, value in HEADER.items() if other != name}
    assert refuse(EnvelopeError, signed(header=left), match="must have").values == {"member": name}


@pytest.mark.parametrize("typ", ["JWT", "sd-jwt", "example+sd-jwt", "CUSTODY-RECORD+SD-JWT", "access-grant+jwt", None])
def test_wrong_typ(typ: Any) -> None:
    assert refuse(EnvelopeError, signed(header=HEADER | {"typ": typ})).values == {"member": "typ"}


@pytest.mark.parametrize("kid", ["", "key-1", "A" * 42 + "B", "A" * 44, KEY.public.kid + "=", None, 1, ["A" * 43]])
def test_kid_that_is_no_thumbprint(kid: Any) -> None:
    assert refuse(EnvelopeError, signed(header=HEADER | {"kid": kid})).values == {"member": "kid"}


@pytest.mark.parametrize("header", [[], "alg", 1, True, [HEADER]])
def test_header_that_is_no_object(header: Any) -> None:
    refuse(EnvelopeError, signed(header=header), match="JSON object")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        json.dumps(HEADER).encode(),
        format_json(HEADER).replace(b'"typ"', b'"t\\u0079p"'),
        format_json(HEADER)[:-1] + b',"typ":"custody-record+sd-jwt"}',
        format_json(HEADER)[:-1] + b',"alg":"none"}',
        b'{"kid":"x","alg":"ES256"}',
        b"\xff",
    ],
)
def test_header_that_is_not_canonical(head: bytes) -> None:
    refuse(EncodingError, signed(head=head))


# payload


@pytest.mark.parametrize("payload", [[], "x", 1, [PAYLOAD]])
def test_payload_that_is_no_object(payload: Any) -> None:
    refuse(EnvelopeError, signed(payload), match="JSON object")


@pytest.mark.parametrize("name", sorted(PAYLOAD))
def test_missing_claim(name: str) -> None:
    left = {other: value for other, value in PAYLOAD.items() if other != name}
    refuse(SchemaError, signed(left), pointer=f"/{name}", match="missing")
    with pytest.raises(SchemaError):
        sign_record(left, KEY)


@pytest.mark.parametrize("name", ["exp", "nbf", "sub", "jti", "cnf", "vct", "_sd", "...", "", "a/b", "Body"])
def test_extra_claim(name: str) -> None:
    pointer = "/" + name.replace("/", "~1")
    refuse(SchemaError, signed(changed(**{name: 1})), pointer=pointer, match="no such claim")
    refuse(SchemaError, signed(changed(**{name: 1, "_sd_alg": "sha-256"})), pointer=pointer, match="no such claim")
    with pytest.raises(SchemaError):
        sign_record(changed(**{name: 1}), KEY)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", ""),
        ("iss", None),
        ("iss", ["did:web:mine.example"]),
        ("aud", ""),
        ("aud", ["log.example"]),
        ("type", ""),
        ("type", 1),
        ("iat", "1790000000"),
        ("iat", True),
        ("iat", None),
        ("iat", -1),
        ("time", None),
        ("time", 1790000000),
        ("prev", None),
        ("prev", []),
        ("prev", "ab" * 32),
        ("body", None),
        ("body", []),
        ("body", "x"),
    ],
)
def test_claims_of_another_type(claim: str, value: Any) -> None:
    refuse(SchemaError, signed(changed(**{claim: value})), pointer=f"/{claim}")
    with pytest.raises(SchemaError):
        sign_record(changed(**{claim: value}), KEY)


@pytest.mark.parametrize("time", ["", "2026-09-01", "2026-09-01T10:20:30+00:00", "2026-02-30T10:20:30Z"])
def test_time_that_is_not_in_its_form(time: str) -> None:
    refuse(EncodingError, signed(changed(time=time)), pointer="/time")


@pytest.mark.parametrize("head", ["", "ab", "AB" * 32, "ab" * 33, "g" * 64, "ab" * 32 + "\n", None, 1, ["ab" * 32], {}])
def test_heads_that_are_no_record_ids(head: Any) -> None:
    refuse(SchemaError, signed(changed(prev={"lot:1": "ab" * 32, "a/b~c": head})), pointer="/prev/a~1b~0c")


@pytest.mark.parametrize("name", ["\0", "lot:1\0", "\0lot:1"])
def test_ids_with_a_nul(name: str) -> None:
    for claim in ("iss", "aud"):
        refuse(SchemaError, signed(changed(**{claim: name})), pointer=f"/{claim}", match="U\\+0000")
        with pytest.raises(SchemaError):
            sign_record(changed(**{claim: name}), KEY)
    refuse(SchemaError, signed(changed(prev={name: "ab" * 32})), pointer=f"/prev/{name}", match="U\\+0000")
    assert parse_record(signed(changed(prev={name.replace("\0", "0"): "ab" * 32})))


def test_duplicate_names() -> None:
    refuse(EncodingError, bent(b'"iat":', b'"iat":1,"iat":'))
    refuse(EncodingError, bent(b'"mode":"road"', b'"mode":"road","mode":"road"'))


@pytest.mark.parametrize("number", [b"1.0", b"0.5", b"1e3", b"1E3", b"-0.0", b"1e+16", b"1790000000.0"])
def test_floats(number: bytes) -> None:
    refuse(EncodingError, bent(b"1790000000", number), pointer="/iat")
    with pytest.raises(EncodingError):
        parse_record(bent(b'"road"', b"[%b]" % number))


def test_float_in_a_payload_to_sign() -> None:
    with pytest.raises(EncodingError) as caught:
        sign_record(changed(body={"mass": 1.5}), KEY)
    assert caught.value.pointer == "/body/mass"


@pytest.mark.parametrize("number", [b"9007199254740992", b"-9007199254740992", b"18446744073709551616", b"1" * 40])
def test_big_integers(number: bytes) -> None:
    with pytest.raises(EncodingError):
        parse_record(bent(b"1790000000", number))
    with pytest.raises(EncodingError):
        sign_record(changed(iat=int(number)), KEY)


def test_largest_integer() -> None:
    assert parse_record(bent(b"1790000000", b"9007199254740991")).iat == 2**53 - 1


def test_strings_in_nfd() -> None:
    refuse(EncodingError, bent("é".encode(), b"e\xcc\x81"), pointer="/body/documents/1/number", match="NFC")
    with pytest.raises(EncodingError, match="NFC"):
        sign_record(changed(body={"a": "e\u0301"}), KEY)


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udfff\\ud800", b"\xed\xa0\x80", b"\xff", b"\\u0000\xc3"])
def test_lone_surrogates_and_broken_utf8(text: bytes) -> None:
    refuse(EncodingError, bent(b"road", text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"aud":', b' "aud":'),
        (b'"aud":', b'"aud": '),
        (b"road", b"\\u0072oad"),
        (b"smelter.example", b"smelter.example\\/"),
        ("é".encode(), b"\\u00e9"),
        (b"1790000000", b"01790000000"),
        (b'"mode":"road","seals":[]', b'"seals":[],"mode":"road"'),
    ],
)
def test_payload_that_is_not_canonical(old: bytes, new: bytes) -> None:
    refuse(EncodingError, bent(old, new))


def test_names_that_are_not_ascii() -> None:
    refuse(EncodingError, bent(b'"mode"', "é".encode().join((b'"', b'"'))))


def test_depth() -> None:
    with pytest.raises(EncodingError, match="deep"):
        parse_record(bent(b'"road"', b"[" * 40 + b"]" * 40))


# digests in the payload

DIGEST = disclosure_digest("x")
DIGEST_2 = disclosure_digest("y")


def with_digests(body: Any, **claims: Any) -> str:
    return signed(changed(**{"body": body, "_sd_alg": "sha-256"} | claims))


def test_digests_anywhere_in_the_body() -> None:
    record: Record = parse_record(with_digests({"_sd": [DIGEST], "a": [[{"_sd": [DIGEST_2], "b/c": {}}]]}))
    assert digests_of(record) == {DIGEST: "/body", DIGEST_2: "/body/a/0/0"}
    assert digests_of(parse_record(signed())) == {}


def test_sd_alg_without_digests() -> None:
    for value in ("sha-256", None, 1):
        refuse(EnvelopeError, signed(changed(_sd_alg=value)), pointer="/_sd_alg")


@pytest.mark.parametrize("value", ["sha-512", "SHA-256", "", None, 1, ["sha-256"]])
def test_other_digest_algorithms(value: Any) -> None:
    refuse(EnvelopeError, with_digests({"_sd": [DIGEST]}, _sd_alg=value), pointer="/_sd_alg")


def test_digests_without_sd_alg() -> None:
    refuse(EnvelopeError, signed(changed(body={"_sd": [DIGEST]})), pointer="/_sd_alg")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        None,
        DIGEST,
        [1],
        [None],
        [[DIGEST]],
        [""],
        [DIGEST + "="],
        [DIGEST[:-1]],
        [DIGEST[:-1] + "B"],
        [DIGEST, 1],
    ],
)
def test_sd_that_holds_no_digests(value: Any) -> None:
    refuse(EnvelopeError, with_digests({"a": {"_sd": value}}), pointer="/body/a/_sd")


def test_digest_that_stands_twice() -> None:
    refuse(EnvelopeError, with_digests({"_sd": [DIGEST, DIGEST]}), pointer="/body/_sd", match="twice")
    refuse(EnvelopeError, with_digests({"_sd": [DIGEST], "a": [{"_sd": [DIGEST]}]}), pointer="/body/a/0/_sd")


def test_concealed_array_elements() -> None:
    refuse(EnvelopeError, with_digests({"_sd": [DIGEST], "a": [{"...": DIGEST_2}]}), pointer="/body/a/0")
    refuse(EnvelopeError, signed(changed(body={"a": [{"...": DIGEST}]})), pointer="/body/a/0")


def test_sd_alg_inside_the_body() -> None:
    refuse(EnvelopeError, signed(changed(body={"_sd_alg": "sha-256"})), pointer="/body")
    refuse(EnvelopeError, with_digests({"_sd": [DIGEST], "a": {"_sd_alg": 1}}), pointer="/body/a")


@pytest.mark.parametrize("name", ["_sd", "_sd_alg", "..."])
def test_reserved_names_in_prev(name: str) -> None:
    refuse(EnvelopeError, signed(changed(prev={name: "ab" * 32})), pointer="/prev")


def test_reserved_names_as_values() -> None:
    payload = changed(iss="_sd", aud="...", body={"a": "_sd_alg", "b": ["_sd", "..."], "c": '"_sd":', "_sdx": 1})
    assert parse_record(signed(payload)).payload == payload
