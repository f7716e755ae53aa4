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
    Record,
    check_signature,
    digests_of,
    disclosure_digest,
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
    LedgerError,
    SchemaError,
    TooLarge,
    UnknownKey,
)
from ledger.keys import private_key_from_seed

KEY = private_key_from_seed("Ed25519", bytes(range(32)))
OTHER = private_key_from_seed("Ed25519", bytes(31) + b"\x07")
P256 = private_key_from_seed("ES256", bytes(range(32)))
SALTS = tuple(bytes([n]) * 16 for n in range(1, 64))
HEADER = {"alg": "Ed25519", "kid": KEY.public.kid, "typ": "custody-record+sd-jwt"}
PAYLOAD: dict[str, Any] = {
    "aud": "log.example/copperbelt",
    "body": {
        "consignee": "did:web:smelter.example",
        "documents": [{"kind": "invoice", "number": "77"}, {"kind": "cmr", "number": "é-1234"}],
        "lots": ["lot:1", "lot:2"],
        "transport": {"driver": {"licence": "D 5", "name": "x"}, "mode": "road", "seals": []},
    },
    "iat": 1790000000,
    "iss": "did:web:mine.example",
    "prev": {"lot:1": "ab" * 32, "lot:2": "cd" * 32},
    "time": "2026-09-01T10:20:30Z",
    "type": "dispatch",
}
CONCEAL = ("/body/documents/1/number", "/body/transport/driver/name", "/body/transport/driver", "/body/consignee")


def signed(
    payload: Any = None, *, header: Any = None, text: bytes | None = None, head: bytes | None = None, key: Any = KEY
) -> str:
    """A JWS with a good signature over whatever is given: what a dishonest signer can make."""
    first = format_b64url(format_json(HEADER if header is None else header) if head is None else head)
    second = format_b64url(format_json(PAYLOAD if payload is None else payload) if text is None else text)
    return f"{first}.{second}.{format_b64url(key.sign(f'{first}.{second}'.encode()))}"


def changed(**claims: Any) -> dict[str, Any]:
    return deepcopy(PAYLOAD) | claims


def refuse(error: type[LedgerError], jws: bytes | str, *, pointer: str = "", match: str | None = None) -> LedgerError:
    with pytest.raises(error, match=match) as caught:
        parse_record(jws)
    assert type(caught.value) is error
    assert caught.value.pointer == pointer
    return caught.value


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


def test_claims_are_properties() -> None:
    record = parse_record(signed())
    names = ("iss", "aud", "iat", "type", "time", "prev", "body")
    assert {name: getattr(record, name) for name in names} == record.payload == PAYLOAD


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


def bent(old: bytes, new: bytes) -> str:
    text = format_json(PAYLOAD)
    assert text.count(old) == 1
    return signed(text=text.replace(old, new))


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
