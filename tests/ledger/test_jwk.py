"""JWKs: strict in, the same out, and the secret never shown."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from ledger.encoding import format_b64url
from ledger.errors import KeyFormatError
from ledger.keys import (
    PrivateKey,
    parse_private_jwk,
    parse_public_jwk,
    private_key_from_seed,
    thumbprint,
)

SEED = bytes(range(32))
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_of(alg: str) -> PrivateKey:
    return private_key_from_seed(alg, SEED)


def refuse(jwk: Any, pointer: str, parse: Any = parse_public_jwk) -> str:
    with pytest.raises(KeyFormatError) as caught:
        parse(jwk)
    assert caught.value.pointer == pointer
    return caught.value.message


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_keys_come_back_from_their_jwk(alg: str) -> None:
    key = key_of(alg)
    public, private = key.public.jwk(), key.to_jwk()
    assert parse_public_jwk(public) == key.public
    assert parse_private_jwk(private) == key
    assert parse_private_jwk(private).sign(b"m") == key.sign(b"m")
    assert private == public | {"d": format_b64url(SEED)}
    assert key.public.kid == thumbprint(public) == thumbprint(private)
    optional = {"kid": key.public.kid, "alg": alg, "use": "sig"}
    assert parse_public_jwk(public | optional) == key.public
    assert parse_private_jwk(private | optional) == key
    assert pickle.loads(pickle.dumps(key.public)) == key.public  # noqa: S301 - our own bytes


def test_older_name_of_the_algorithm() -> None:
    key = key_of("Ed25519").public
    assert parse_public_jwk(key.jwk() | {"alg": "EdDSA"}) == key


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_the_secret_is_not_shown(alg: str) -> None:
    key = key_of(alg)
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert "_secret" not in shown
        assert format_b64url(SEED) not in shown
        assert repr(SEED)[2:-1] not in shown
        assert SEED.hex() not in shown
    other = key.to_jwk() | {"d": format_b64url(SEED[::-1])}
    for jwk, parse in ((key.to_jwk(), parse_public_jwk), (other, parse_private_jwk)):
        with pytest.raises(KeyFormatError) as caught:
            parse(jwk)
        assert jwk["d"] not in str(caught.value.to_json())


def test_rfc8037_thumbprint() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert thumbprint(jwk | {"use": "sig", "d": "x"}) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("jwk", "pointer"),
    [
        ({}, "/kty"),
        ({"kty": "RSA", "n": "x", "e": "AQAB"}, "/kty"),
        ({"kty": ["OKP"]}, "/kty"),
        ({"kty": "OKP", "crv": "Ed25519"}, "/x"),
        ({"kty": "EC", "crv": "P-256", "x": "a", "y": 1}, "/y"),
        ({"kty": "OKP", "crv": 1, "x": "a"}, "/crv"),
    ],
)
def test_thumbprint_of_what_is_no_jwk(jwk: dict[str, Any], pointer: str) -> None:
    refuse(jwk, pointer, thumbprint)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kty": "RSA"}, "/kty"),
        ({"kty": 1}, "/kty"),
        ({"kty": ["OKP"]}, "/kty"),
        ({"crv": "X25519"}, "/crv"),
        ({"crv": None}, "/crv"),
        ({"alg": "none"}, "/alg"),
        ({"alg": "HS256"}, "/alg"),
        ({"alg": ["ES256"]}, "/alg"),
        ({"use": "enc"}, "/use"),
        ({"use": None}, "/use"),
        ({"kid": "another"}, "/kid"),
        ({"kid": 7}, "/kid"),
        ({"key_ops": ["verify"]}, "/key_ops"),
        ({"x5u": "https://example.org"}, "/x5u"),
        ({"a/b": 1}, "/a~1b"),
        ({"x": 1}, "/x"),
        ({"x": ""}, "/x"),
        ({"x": "AAAA"}, "/x"),
        ({"x": "A" * 42 + "B"}, "/x"),
        ({"x": "A" * 43 + "="}, "/x"),
        ({"x": "A" * 44}, "/x"),
    ],
)
def test_jwks_that_are_refused(alg: str, change: dict[str, Any], pointer: str) -> None:
    key = key_of(alg)
    refuse(key.public.jwk() | change, pointer)
    refuse(key.to_jwk() | change, pointer, parse_private_jwk)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_jwks_with_a_member_missing(alg: str) -> None:
    jwk = key_of(alg).to_jwk()
    for name in jwk:
        left = {other: value for other, value in jwk.items() if other != name}
        refuse(left, f"/{name}", parse_private_jwk)
        if name != "d":
            left.pop("d")
            refuse(left, f"/{name}")


@pytest.mark.parametrize("jwk", [None, [], "key", 7])
def test_what_is_no_object_is_no_jwk(jwk: Any) -> None:
    refuse(jwk, "")
    refuse(jwk, "", parse_private_jwk)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_a_private_jwk_is_not_taken_for_a_public_one(alg: str) -> None:
    assert "holds a private key" in refuse(key_of(alg).to_jwk(), "/d")


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_a_private_part_of_another_key(alg: str) -> None:
    other = private_key_from_seed(alg, bytes(31) + b"\x07")
    assert "private half" in refuse(key_of(alg).to_jwk() | {"d": other.to_jwk()["d"]}, "/d", parse_private_jwk)


def test_an_ed25519_key_with_the_members_of_a_p256_key() -> None:
    refuse(key_of("Ed25519").public.jwk() | {"y": "A" * 43}, "/y")
    refuse(key_of("Ed25519").public.jwk() | {"alg": "ES256"}, "/alg")
    refuse(key_of("ES256").public.jwk() | {"alg": "Ed25519"}, "/alg")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_seeds_of_another_length(length: int) -> None:
    for alg in ("Ed25519", "ES256"):
        with pytest.raises(KeyFormatError, match="32 bytes"):
            private_key_from_seed(alg, bytes(length))


@pytest.mark.parametrize("scalar", [0, ORDER_P256, ORDER_P256 + 1, 2**256 - 1])
def test_scalars_out_of_range(scalar: int) -> None:
    with pytest.raises(KeyFormatError, match="another seed"):
        private_key_from_seed("ES256", scalar.to_bytes(32, "big"))


def test_scalars_at_the_limits() -> None:
    for scalar in (1, ORDER_P256 - 1):
        key = private_key_from_seed("ES256", scalar.to_bytes(32, "big"))
        key.public.verify(key.sign(b"m"), b"m")


def test_other_algorithms() -> None:
    for alg in ("EdDSA", "ES384", "none", ""):
        with pytest.raises(KeyFormatError) as caught:
            private_key_from_seed(alg, SEED)
        assert caught.value.pointer == "/alg"
