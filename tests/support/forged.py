"""Ed25519 signatures made by hand, so that R can be any point: what a dishonest signer can do with its own key."""

from __future__ import annotations

import hashlib

from nacl import bindings as sodium

from ledger.keys import PublicKey, private_key_from_seed

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # order of the prime-order subgroup, RFC 8032
IDENTITY = b"\x01" + bytes(31)
_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def _multiples(point: bytes) -> list[bytes]:
    found = [IDENTITY, point]
    while len(found) < 8:
        found.append(sodium.crypto_core_ed25519_add(found[-1], point))
    return found


TORSION = _multiples(_ORDER_8)
"""The eight points of small order: k times a point of order 8."""


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def base_times(scalar: int) -> bytes:
    """scalar times the base point; `IDENTITY` for 0."""
    if scalar % L == 0:
        return IDENTITY
    return sodium.crypto_scalarmult_ed25519_base_noclamp((scalar % L).to_bytes(32, "little"))


def key_of(seed: bytes) -> tuple[PublicKey, int]:
    """A key and its secret scalar (RFC 8032 section 5.1.5)."""
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return private_key_from_seed("Ed25519", seed).public, number(bytes(digest))


def forge(seed: bytes, message: bytes, nonce: int, torsion: int = 0) -> bytes:
    """A signature with R = nonce B + TORSION[torsion] and the S for which the equation times 8 holds.

    The rule's own equation holds exactly if `torsion` is 0.
    """
    return forge_as(seed, message, nonce, sodium.crypto_core_ed25519_add(base_times(nonce), TORSION[torsion]))


def forge_as(seed: bytes, message: bytes, nonce: int, r: bytes) -> bytes:
    """A signature with any bytes as R, and the S that fits if they are taken for an encoding of nonce B."""
    key, secret = key_of(seed)
    h = number(hashlib.sha512(r + key.raw + message).digest())
    return r + ((nonce + h * secret) % L).to_bytes(32, "little")
