"""Public and private keys: Ed25519 (RFC 8032, RFC 8037) and ES256 (ECDSA on P-256 with SHA-256).

Keys travel as JWKs (RFC 7517) and are named by their RFC 7638 thumbprint. One validity rule holds
everywhere. A key is enrolled only if it is the canonical encoding of a point of the prime-order
subgroup other than the identity. An Ed25519 signature is valid if S < L and the cofactorless
equation of RFC 8032 section 5.1.7 holds with a canonical R. libsodium follows that rule but for
one value, R = the identity, which it always refuses; OpenSSL decides that one, and every signature
where the libsodium that is installed turns out to use a cofactor. ES256 signatures
are deterministic (RFC 6979). Who may use which key when is left to `ledger.custody`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError

from ledger.encoding import format_b64url, format_json, join_pointer, parse_b64url
from ledger.errors import BadSignature, EncodingError, KeyFormatError

SIGNATURE_BYTES = 64  # R || S, or r || s (RFC 7518 section 3.4)

_IDENTITY = b"\x01" + bytes(31)
_P256 = ec.SECP256R1()
_ECDSA = ec.ECDSA(SHA256(), deterministic_signing=True)
_KINDS = {"OKP": ("Ed25519", "Ed25519", ("x",)), "EC": ("P-256", "ES256", ("x", "y"))}
_ALGS = {"Ed25519": ("Ed25519", "EdDSA"), "ES256": ("ES256",)}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that may be enrolled; made by `parse_public_jwk`, safe to pickle.

    alg: "Ed25519" or "ES256"; kid: RFC 7638 thumbprint; raw: the 32 bytes of the point, or the
    65 bytes 04 || x || y (SEC 1 section 2.3.3).
    """

    alg: str
    kid: str
    raw: bytes

    def jwk(self) -> dict[str, str]:
        """The public JWK with the members of its thumbprint only."""
        return _format_jwk(self.alg, self.raw)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises BadSignature unless the 64-byte signature over the message is valid."""
        if len(signature) != SIGNATURE_BYTES:
            raise BadSignature("A signature must have 64 bytes.", kid=self.kid)
        if self.alg == "Ed25519":
            valid = _verify_ed25519(self.raw, signature, message)
        else:
            valid = _verify_es256(self.raw, signature, message)
        if not valid:
            raise BadSignature("The signature does not verify under this key.", kid=self.kid)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; its secret shows in neither `repr` nor comparison.

    public: the public half; made by `private_key_from_seed` and `parse_private_jwk`.
    """

    public: PublicKey
    _secret: bytes = field(repr=False, compare=False)  # 32 bytes: the seed, or the scalar
    _ec: ec.EllipticCurvePrivateKey | None = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over the message; the same for the same message, always."""
        if self._ec is None:
            return sodium.crypto_sign(message, self._secret + self.public.raw)[:SIGNATURE_BYTES]
        r, s = decode_dss_signature(self._ec.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def to_jwk(self) -> dict[str, str]:
        """The private JWK, `d` included. Who holds it can sign: keep it as a secret."""
        return self.public.jwk() | {"d": format_b64url(self._secret)}


def parse_public_jwk(obj: Any) -> PublicKey:
    """The key of a public JWK, checked as strongly as enrolment needs.

    obj: a JSON object with exactly kty, crv, x (and y for P-256), and optionally `kid` (must be the
    thumbprint), `alg` (must be the key's), `use` (must be "sig"). Raises KeyFormatError with the
    pointer of the member at fault, in particular for a point that is not canonical, not on the
    curve, the identity or outside the prime-order subgroup.
    """
    alg, raw = _parse_jwk(obj, private=False)
    return _public_key(alg, raw, obj)


def parse_private_jwk(obj: Any) -> PrivateKey:
    """The key of a private JWK: as `parse_public_jwk`, with `d`, which must belong to the point."""
    alg, raw = _parse_jwk(obj, private=True)
    public = _public_key(alg, raw, obj)
    key = private_key_from_seed(alg, _member(obj, "d"))
    if key.public != public:
        raise KeyFormatError("`d` is not the private half of this public key.", pointer="/d")
    return key


def private_key_from_seed(alg: str, seed: bytes) -> PrivateKey:
    """The private key of 32 secret bytes: the RFC 8032 seed, or the P-256 scalar, big-endian.

    Raises KeyFormatError: another algorithm or length, or (for ES256, once in 2^32) a scalar that is
    zero or not below the order of the group: draw another seed.
    """
    if len(seed) != 32:
        raise KeyFormatError("A private key is made from exactly 32 bytes.", pointer="/d")
    if alg == "Ed25519":
        raw = sodium.crypto_sign_seed_keypair(seed)[0]
        return PrivateKey(_name(alg, raw), seed, None)
    if alg != "ES256":
        raise KeyFormatError("The algorithm of a key is Ed25519 or ES256.", pointer="/alg")
    try:
        handle = ec.derive_private_key(int.from_bytes(seed, "big"), _P256)
    except ValueError:
        raise KeyFormatError("This is not a scalar of P-256: draw another seed.", pointer="/d") from None
    numbers = handle.public_key().public_numbers()
    return PrivateKey(_name(alg, _point(numbers.x, numbers.y)), seed, handle)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 SHA-256 thumbprint of a public or private JWK, in base64url (43 characters).

    Raises KeyFormatError if the members that it is made of are missing or no strings.
    """
    kind = _KINDS.get(jwk["kty"]) if isinstance(jwk.get("kty"), str) else None
    if kind is None:
        raise KeyFormatError('`kty` must be "OKP" or "EC".', pointer="/kty")
    members = {name: jwk.get(name) for name in ("crv", "kty", *kind[2])}
    for name, value in members.items():
        if not isinstance(value, str):
            raise KeyFormatError(f"`{name}` must be a string.", pointer=f"/{name}")
    return format_b64url(hashlib.sha256(format_json(members)).digest())


def _verify_ed25519(raw: bytes, signature: bytes, message: bytes) -> bool:
    if _SODIUM_KEEPS_THE_RULE and signature[:32] != _IDENTITY:
        return _sodium_accepts(raw, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sodium_accepts(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        sodium.crypto_sign_open(signature + message, raw)
    except (BadSignatureError, ValueError):
        return False
    return True


# A key, and its signature of nothing with R = B + a point of order 8, which only an equation with a cofactor takes.
_KEY = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
_OFF = bytes.fromhex(
    "98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819"
    "d4500274b44ec629b55e04a3eaacb351347391f696922c704b9f3e67b8917b03"
)
_SODIUM_KEEPS_THE_RULE = not _sodium_accepts(_KEY, _OFF, b"")  # else OpenSSL decides everything


def _verify_es256(raw: bytes, signature: bytes, message: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        _p256_point(raw).verify(encode_dss_signature(r, s), message, _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=4096)
def _p256_point(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Decoding a point costs as much as half a verification, and a ledger has few signers."""
    return ec.EllipticCurvePublicKey.from_encoded_point(_P256, raw)


def _parse_jwk(obj: Any, *, private: bool) -> tuple[str, bytes]:
    """Members and their types; gives the algorithm and the raw point, not yet checked."""
    if not isinstance(obj, dict):
        raise KeyFormatError("A JWK is a JSON object.")
    kty = obj.get("kty")
    kind = _KINDS.get(kty) if isinstance(kty, str) else None
    if kind is None:
        raise KeyFormatError('`kty` must be "OKP" or "EC".', pointer="/kty")
    crv, alg, coordinates = kind
    needed = {"kty", "crv", *coordinates} | ({"d"} if private else set())
    if "d" in obj and not private:
        raise KeyFormatError(
            "This JWK holds a private key: remove `d`, and replace the key if others saw it.", pointer="/d"
        )
    for name in sorted(needed - obj.keys()):
        raise KeyFormatError(f"A JWK of this kind needs `{name}`.", pointer=f"/{name}")
    for name in sorted(obj.keys() - needed - {"kid", "alg", "use"}):
        raise KeyFormatError("A JWK may not have this member.", pointer=join_pointer("", name))
    if obj["crv"] != crv:
        raise KeyFormatError(f"`crv` must be {crv}.", pointer="/crv")
    if "alg" in obj and obj["alg"] not in _ALGS[alg]:
        raise KeyFormatError(f"`alg` must be {alg} for this key.", pointer="/alg")
    if obj.get("use", "sig") != "sig":
        raise KeyFormatError("`use` must be sig.", pointer="/use")
    point = b"".join(_member(obj, name) for name in coordinates)
    return alg, point if alg == "Ed25519" else b"\x04" + point


def _member(obj: dict[str, Any], name: str) -> bytes:
    """The 32 bytes of a JWK member."""
    text = obj[name]
    try:
        data = parse_b64url(text) if isinstance(text, str) else b""
    except EncodingError as error:
        raise KeyFormatError(error.message, pointer=f"/{name}") from None
    if len(data) != 32:
        raise KeyFormatError(f"`{name}` must be 32 bytes in base64url.", pointer=f"/{name}")
    return data


def _public_key(alg: str, raw: bytes, obj: dict[str, Any]) -> PublicKey:
    """Check the point and the optional `kid`."""
    if alg == "Ed25519":
        if not sodium.crypto_core_ed25519_is_valid_point(raw):
            raise KeyFormatError(
                "`x` is not a canonical point of the prime-order subgroup: such a key may not be enrolled.",
                pointer="/x",
            )
    else:
        try:
            _p256_point(raw)
        except ValueError:
            raise KeyFormatError("`x` and `y` are not a point of P-256.", pointer="/x") from None
    key = _name(alg, raw)
    if obj.get("kid", key.kid) != key.kid:
        raise KeyFormatError("`kid` must be the RFC 7638 thumbprint of the key.", pointer="/kid", kid=key.kid)
    return key


def _name(alg: str, raw: bytes) -> PublicKey:
    return PublicKey(alg, thumbprint(_format_jwk(alg, raw)), raw)


def _point(x: int, y: int) -> bytes:
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _format_jwk(alg: str, raw: bytes) -> dict[str, str]:
    if alg == "Ed25519":
        return {"crv": "Ed25519", "kty": "OKP", "x": format_b64url(raw)}
    return {"crv": "P-256", "kty": "EC", "x": format_b64url(raw[1:33]), "y": format_b64url(raw[33:])}
