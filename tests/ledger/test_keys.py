"""Keys: one validity rule, on the vectors of others and on the cases in which libraries differ."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError

from ledger import keys
from ledger.encoding import format_b64url
from ledger.errors import BadSignature, KeyFormatError
from ledger.keys import (
    PrivateKey,
    PublicKey,
    parse_public_jwk,
    private_key_from_seed,
)
from tests.support.forged import forge
from tests.support.vectors import load_vector

SEED = bytes(range(32))
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # order of the prime-order subgroup, RFC 8032
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
IDENTITY = b"\x01" + bytes(31)
TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")  # a point of order 8


def key_of(alg: str) -> PrivateKey:
    return private_key_from_seed(alg, SEED)


def okp(raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": format_b64url(raw)}


def is_valid(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except BadSignature:
        return False
    return True


def refuse(jwk: Any, pointer: str, parse: Any = parse_public_jwk) -> str:
    with pytest.raises(KeyFormatError) as caught:
        parse(jwk)
    assert caught.value.pointer == pointer
    return caught.value.message


@pytest.fixture(autouse=True, params=["libsodium", "OpenSSL alone"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs as with a libsodium that uses a cofactor, too."""
    if request.param == "OpenSSL alone":
        monkeypatch.setattr(keys, "_SODIUM_KEEPS_THE_RULE", False)


# signatures


def test_a_libsodium_with_a_cofactor_would_be_noticed() -> None:
    """The signature that is tried when the module is loaded differs from a good one by a point of small order in R."""
    seed = bytes(32)
    key = private_key_from_seed("Ed25519", seed).public
    assert (key.raw, forge(seed, b"", 1, 1)) == (keys._KEY, keys._OFF)
    assert not is_valid(key, keys._OFF, b"")
    assert is_valid(key, forge(seed, b"", 1, 0), b"")
    assert keys._sodium_accepts(key.raw, forge(seed, b"", 1, 0), b"")
    assert not keys._sodium_accepts(key.raw, keys._OFF, b"")


def test_every_wycheproof_vector_agrees() -> None:
    vectors = load_vector("ed25519", "wycheproof_ed25519.json")
    seen = 0
    for group in vectors["testGroups"]:
        key = parse_public_jwk(okp(bytes.fromhex(group["publicKey"]["pk"])))
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            assert is_valid(key, signature, message) == (case["result"] == "valid"), case["tcId"]
            if case["result"] == "valid":
                assert not is_valid(key, signature, message + b"\x00")
            seen += 1
    assert seen == vectors["numberOfTests"] == 151


def test_rfc8032_vector_2() -> None:
    key = private_key_from_seed(
        "Ed25519", bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert key.public.raw.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        (
            b"sample",
            (
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
            ),
        ),
        (
            b"test",
            (
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
            ),
        ),
    ],
)
def test_rfc6979_vectors(message: bytes, signature: str) -> None:
    scalar = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
    key = private_key_from_seed("ES256", bytes.fromhex(scalar))
    assert key.sign(message).hex() == signature.lower()
    key.public.verify(bytes.fromhex(signature), message)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_any_changed_bit_of_a_signature_is_refused(alg: str) -> None:
    key = key_of(alg)
    signature = key.sign(b"a lot of ore")
    key.public.verify(signature, b"a lot of ore")
    assert key.sign(b"a lot of ore") == signature
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not is_valid(key.public, bytes(changed), b"a lot of ore")
    assert not is_valid(key.public, signature, b"a lot of other ore")
    assert not is_valid(private_key_from_seed(alg, bytes(31) + b"\x07").public, signature, b"a lot of ore")


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_signatures_of_another_length(alg: str, length: int) -> None:
    key = key_of(alg)
    with pytest.raises(BadSignature, match="64 bytes"):
        key.public.verify((key.sign(b"m") * 2)[:length], b"m")


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_verify_raises_bad_signature_for_a_key_that_is_no_point(alg: str) -> None:
    key = PublicKey(alg, "kid", b"\x04" + bytes(63))
    for signature in (bytes(64), IDENTITY + bytes(32), b"\xff" * 64):
        with pytest.raises(BadSignature):
            key.verify(signature, b"m")


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER_P256, 1), (1, ORDER_P256), (2**256 - 1, 2**256 - 1)]
)
def test_es256_numbers_out_of_range(r: int, s: int) -> None:
    with pytest.raises(BadSignature):
        key_of("ES256").public.verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"m")


# the cases in which Ed25519 libraries differ


def secret_scalar(key: PrivateKey) -> int:
    digest = bytearray(hashlib.sha512(SEED).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    scalar = int.from_bytes(digest, "little") % L
    assert sodium.crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little")) == key.public.raw
    return scalar


def signature_with(key: PrivateKey, point: bytes, nonce: int, message: bytes) -> bytes:
    """R = point, S = nonce + H(R || A || M) a: what a dishonest signer can make."""
    challenge = int.from_bytes(hashlib.sha512(point + key.public.raw + message).digest(), "little")
    return point + ((nonce + challenge * secret_scalar(key)) % L).to_bytes(32, "little")


def libsodium_accepts(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        sodium.crypto_sign_open(signature + message, key.raw)
    except BadSignatureError:
        return False
    return True


def test_identity_r_of_an_honest_key_is_valid() -> None:
    key = key_of("Ed25519")
    signature = signature_with(key, IDENTITY, 0, b"m")
    assert not libsodium_accepts(key.public, signature, b"m")  # stricter than RFC 8032
    key.public.verify(signature, b"m")
    assert not is_valid(key.public, signature, b"n")
    assert not is_valid(key.public, IDENTITY + bytes(32), b"m")
    assert not is_valid(key.public, signature_with(key, IDENTITY, 1, b"m"), b"m")


def test_r_with_torsion_is_refused() -> None:
    key = key_of("Ed25519")
    nonce = (12345).to_bytes(32, "little")
    honest = sodium.crypto_scalarmult_ed25519_base_noclamp(nonce)
    key.public.verify(signature_with(key, honest, 12345, b"m"), b"m")
    bent = sodium.crypto_core_ed25519_add(honest, TORSION)
    assert not is_valid(key.public, signature_with(key, bent, 12345, b"m"), b"m")
    assert not is_valid(key.public, signature_with(key, TORSION, 0, b"m"), b"m")


def test_r_that_is_not_canonical_is_refused() -> None:
    key = key_of("Ed25519")
    for spelling in ((P + 1).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little")):
        assert not is_valid(key.public, signature_with(key, spelling, 0, b"m"), b"m")


@pytest.mark.parametrize("times", [1, 2, 7])
def test_s_plus_l_is_refused(times: int) -> None:
    key = key_of("Ed25519")
    signature = key.sign(b"m")
    bigger = int.from_bytes(signature[32:], "little") + times * L
    assert not is_valid(key.public, signature[:32] + bigger.to_bytes(32, "little"), b"m")
    identity = signature_with(key, IDENTITY, 0, b"m")
    bigger = int.from_bytes(identity[32:], "little") + times * L
    assert not is_valid(key.public, IDENTITY + bigger.to_bytes(32, "little"), b"m")


def test_identity_key_is_not_enrolled() -> None:
    # with it, one signature would fit every message, as OpenSSL shows
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(IDENTITY + bytes(32), b"any message")
    assert "prime-order subgroup" in refuse(okp(IDENTITY), "/x")


def test_torsion_keys_are_not_enrolled() -> None:
    point = TORSION
    for _ in range(8):
        refuse(okp(point), "/x")
        refuse(okp(sodium.crypto_core_ed25519_add(IDENTITY, point)), "/x")
        if point != IDENTITY:
            refuse(okp(sodium.crypto_core_ed25519_add(key_of("Ed25519").public.raw, point)), "/x")
        point = sodium.crypto_core_ed25519_add(point, TORSION)
    assert point == TORSION


def test_points_that_are_not_canonical_are_not_enrolled() -> None:
    for y in range(P, 2**255):
        for sign in (0, 1 << 255):
            refuse(okp((y | sign).to_bytes(32, "little")), "/x")
    refuse(okp((1 | 1 << 255).to_bytes(32, "little")), "/x")  # x = 0 with its sign set


def test_a_point_off_the_curve_is_not_enrolled() -> None:
    refuse(okp((2).to_bytes(32, "little")), "/x")
    jwk = key_of("ES256").public.jwk()
    assert "point of P-256" in refuse(jwk | {"y": jwk["x"]}, "/x")
    refuse(jwk | {"x": format_b64url(bytes(32)), "y": format_b64url(bytes(32))}, "/x")
    refuse(jwk | {"x": format_b64url(b"\xff" * 32)}, "/x")
