"""Records against other people's implementations: `sd-jwt` (with jwcrypto) and `joserfc`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sd_jwt.disclosure
import sd_jwt.issuer
from joserfc import jws as jose
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, OKPKey
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from ledger.encoding import format_json
from ledger.envelope import RECORD_TYP, open_disclosures, open_record, parse_presentation, sign_record
from ledger.errors import BadSignature, EncodingError
from ledger.keys import PrivateKey, parse_private_jwk, private_key_from_seed

KEYS = {alg: private_key_from_seed(alg, bytes(range(32))) for alg in ("Ed25519", "ES256")}
SALTS = tuple(bytes([n]) * 16 for n in range(1, 9))
PAYLOAD: dict[str, Any] = {
    "aud": "log.example/copperbelt",
    "body": {
        "documents": [{"kind": "invoice", "number": "77"}],
        "transport": {"driver": {"licence": "D 5", "name": "é"}, "mode": "road"},
    },
    "iat": 1790000000,
    "iss": "did:web:mine.example",
    "prev": {"lot:1": "ab" * 32},
    "time": "2026-09-01T10:20:30Z",
    "type": "dispatch",
}
CONCEAL = ("/body/documents/0/number", "/body/transport/driver", "/body/transport/driver/name")


def bend(jws: str) -> str:
    """The same with one character of the payload changed."""
    at = jws.index(".") + 40
    return jws[:at] + ("A" if jws[at] != "A" else "B") + jws[at + 1 :]


def jose_key(key: PrivateKey, *, private: bool = False) -> ECKey | OKPKey:
    kind = OKPKey if key.public.alg == "Ed25519" else ECKey
    return kind.import_key(key.to_jwk() if private else key.public.jwk())


# sd-jwt


def their_payload(text: str, key: PrivateKey) -> Any:
    def find_key(issuer: str, header: dict[str, Any]) -> JWK:
        assert issuer == PAYLOAD["iss"]
        assert header == {"alg": key.public.alg, "kid": key.public.kid, "typ": RECORD_TYP}
        return JWK(**key.public.jwk())

    return SDJWTVerifier(text, find_key).get_verified_payload()


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_sd_jwt_opens_our_records(alg: str) -> None:
    key = KEYS[alg]
    record = sign_record(PAYLOAD, key, conceal=CONCEAL, salts=SALTS)
    assert their_payload(record.text, key) == PAYLOAD
    with pytest.raises(InvalidJWSSignature):
        their_payload(bend(record.text), key)
    plain = sign_record(PAYLOAD, key)
    assert their_payload(plain.jws + "~", key) == PAYLOAD


@pytest.mark.parametrize("shown", [{}, {"documents": [{"number": True}]}, {"transport": {"driver": True}}])
def test_holder_of_sd_jwt_selects_disclosures_of_ours(shown: dict[str, Any]) -> None:
    key = KEYS["ES256"]
    record = sign_record(PAYLOAD, key, conceal=CONCEAL, salts=SALTS)
    holder = SDJWTHolder(record.text)
    holder.create_presentation({"body": shown})
    jws, disclosures = parse_presentation(holder.sd_jwt_presentation)
    assert set(disclosures) < set(record.disclosures)
    ours = open_disclosures(open_record(jws, {key.public.kid: key.public}), disclosures)
    assert ours.body == their_payload(holder.sd_jwt_presentation, key)["body"]
    assert len(ours.pointers) == len(disclosures)


def issue(key: PrivateKey, alg: str) -> str:
    body = {
        "documents": [{"kind": "invoice", SDObj("number"): "77"}],
        "transport": {SDObj("driver"): {"licence": "D 5", SDObj("name"): "é"}, "mode": "road"},
    }
    header = {"alg": alg, "kid": key.public.kid, "typ": RECORD_TYP}
    issuer = SDJWTIssuer(
        PAYLOAD | {"body": body},
        JWK(**key.to_jwk()),
        sign_alg=alg,
        extra_header_parameters=header,
    )
    return str(issuer.sd_jwt_issuance)


@pytest.fixture
def canonical(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sd-jwt write RFC 8785 JSON, as our profile wants."""
    for module in (sd_jwt.issuer, sd_jwt.disclosure):
        monkeypatch.setattr(module, "dumps", lambda value: format_json(value).decode())


@pytest.mark.usefixtures("canonical")
@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA", "ES256"])
def test_we_open_records_issued_by_sd_jwt(alg: str) -> None:
    key = KEYS["ES256" if alg == "ES256" else "Ed25519"]
    jws, disclosures = parse_presentation(issue(key, alg))
    record = open_record(jws, {key.public.kid: key.public})
    opened = open_disclosures(record, disclosures)
    assert record.payload | {"body": opened.body} == PAYLOAD | {"_sd_alg": "sha-256"}
    assert sorted(opened.pointers) == sorted(CONCEAL)
    assert opened.erased == 0
    with pytest.raises((BadSignature, EncodingError)):
        open_record(bend(jws.decode()), {key.public.kid: key.public})


def test_records_of_sd_jwt_that_are_not_canonical_are_refused() -> None:
    key = KEYS["ES256"]
    jws, _ = parse_presentation(issue(key, "ES256"))
    with pytest.raises(EncodingError, match="RFC 8785"):
        open_record(jws, {key.public.kid: key.public})


# joserfc


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_joserfc_verifies_our_records(alg: str) -> None:
    key = KEYS[alg]
    record = sign_record(PAYLOAD, key, conceal=CONCEAL, salts=SALTS)
    opened = jose.deserialize_compact(record.jws, jose_key(key), algorithms=[alg])
    assert json.loads(opened.payload) == record.record.payload
    assert opened.headers() == {"alg": alg, "kid": key.public.kid, "typ": RECORD_TYP}
    assert jose_key(key).thumbprint() == key.public.kid
    with pytest.raises(BadSignatureError):
        jose.deserialize_compact(bend(record.jws), jose_key(key), algorithms=[alg])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864, but older signers write it
@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA", "ES256"])
def test_we_open_records_signed_by_joserfc(alg: str) -> None:
    key = KEYS["ES256" if alg == "ES256" else "Ed25519"]
    header = {"alg": alg, "kid": key.public.kid, "typ": RECORD_TYP}
    jws = jose.serialize_compact(header, format_json(PAYLOAD), jose_key(key, private=True), algorithms=[alg])
    keys = {key.public.kid: key.public}
    record = open_record(jws, keys)
    assert record.payload == PAYLOAD
    assert record.alg == key.public.alg
    with pytest.raises((BadSignature, EncodingError)):
        open_record(bend(jws), keys)


@pytest.mark.parametrize("kind", ["OKP", "EC"])
def test_keys_made_by_joserfc(kind: str) -> None:
    made = OKPKey.generate_key("Ed25519") if kind == "OKP" else ECKey.generate_key("P-256")
    jwk = {name: value for name, value in made.as_dict(private=True).items() if name != "kid"}
    key = parse_private_jwk(jwk)
    assert key.public.kid == made.thumbprint()
    assert key.to_jwk() == jwk
