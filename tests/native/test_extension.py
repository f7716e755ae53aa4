"""The extension itself: its parts against other implementations of the same, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import random

import pytest
from nacl import bindings as sodium

from tests.support.forged import IDENTITY, TORSION, base_times, key_of

try:
    import lodeline_native as native
except ImportError as error:  # pragma: no cover
    if os.environ.get("CI") == "true" and os.environ.get("LODELINE_NATIVE") != "off":
        raise
    pytest.skip(f"lodeline_native is not built here: {error}", allow_module_level=True)

SEED = bytes(range(32))


def test_sha512_is_hashlib_s() -> None:
    draw = random.Random(1)  # noqa: S311  the same every time
    for size in [*range(260), 1000, 4095, 4096, 70_000]:
        data = draw.randbytes(size)
        assert native.sha512(data) == hashlib.sha512(data).digest()


def test_torsion_is_found_in_every_coset() -> None:
    """The exact test of point.h against the definition: P is in the prime-order subgroup, or P + a torsion point."""
    for n in range(40):
        point = base_times(n * n * 7919 + n)
        for k, torsion in enumerate(TORSION):
            assert native.is_torsion_free(sodium.crypto_core_ed25519_add(point, torsion)) is (k == 0), (n, k)


def test_points_decode_strictly() -> None:
    """Against libsodium, which says the same of every encoding but those of small order."""
    draw = random.Random(2)  # noqa: S311  the same every time
    free = decoded = 0
    for _ in range(400):
        raw = draw.randbytes(32)
        answer = native.is_torsion_free(raw)
        assert sodium.crypto_core_ed25519_is_valid_point(raw) is bool(answer)
        decoded += answer is not None
        free += answer is True
    assert 150 < decoded < 250
    assert 10 < free < 50
    p = 2**255 - 19
    for y in (p, p + 1, 2**255 - 1, 2):
        assert native.is_torsion_free(y.to_bytes(32, "little")) is None
    assert native.is_torsion_free(IDENTITY) is True
    assert native.is_torsion_free(bytes([1, *bytes(30), 0x80])) is None
    assert native.is_torsion_free((p - 1).to_bytes(32, "little")) is False
    assert native.is_torsion_free((p - 1 | 1 << 255).to_bytes(32, "little")) is None


def test_only_keys_that_may_be_enrolled_are_prepared() -> None:
    key = key_of(SEED)[0].raw
    assert native.prepare_key(key) is not None
    mixed = sodium.crypto_core_ed25519_add(key, TORSION[4])
    for raw in (mixed, *TORSION, b"", key[:31], key + b"\x00", b"\xff" * 32):
        assert native.prepare_key(raw) is None


def test_a_batch_out_of_form_is_a_mistake_of_the_caller() -> None:
    key = native.prepare_key(key_of(SEED)[0].raw)
    assert key is not None
    assert native.check_batch([], [], b"", [])
    for arguments in (
        ([key], [0], bytes(63), [b""]),
        ([key], [0], bytes(65), [b""]),
        ([key], [0, 0], bytes(64), [b""]),
        ([key], [0], bytes(64), [b"", b""]),
        ([key[:-1]], [0], bytes(64), [b""]),
        ([key], [1], bytes(64), [b""]),
        ([key], [-1], bytes(64), [b""]),
        ([], [0], bytes(64), [b""]),
    ):
        with pytest.raises(ValueError, match="batch"):
            native.check_batch(*arguments)
