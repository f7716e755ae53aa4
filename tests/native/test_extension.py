"""The extension itself: its parts against other implementations of the same, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from nacl import bindings as sodium

from ledger.keys import private_key_from_seed
from tests.support.forged import IDENTITY, TORSION, L, base_times, key_of, number

try:
    import lodeline_native as native
except ImportError as error:  # pragma: no cover
    if os.environ.get("CI") == "true" and os.environ.get("LODELINE_NATIVE") != "off":
        raise
    pytest.skip(f"lodeline_native is not built here: {error}", allow_module_level=True)

SEED = bytes(range(32))


@pytest.fixture(params=[True, False], ids=["lanes", "no lanes"])
def check_each(request: pytest.FixtureRequest) -> Callable[..., list[bool]]:
    """Both ways of adding, where the processor knows both."""
    return partial(native.check_each, lanes=request.param)


def flip(signature: bytes, bit: int) -> bytes:
    return (number(signature) ^ 1 << bit).to_bytes(64, "little")


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
    assert native.is_torsion_free(IDENTITY[:31]) is native.is_torsion_free(b"") is None
    assert native.is_torsion_free(bytes([1, *bytes(30), 0x80])) is None
    assert native.is_torsion_free((p - 1).to_bytes(32, "little")) is False
    assert native.is_torsion_free((p - 1 | 1 << 255).to_bytes(32, "little")) is None


def test_only_keys_that_may_be_enrolled_are_prepared() -> None:
    key = key_of(SEED)[0].raw
    assert native.prepare_key(key) is not None
    mixed = sodium.crypto_core_ed25519_add(key, TORSION[4])
    for raw in (mixed, *TORSION, b"", key[:31], key + b"\x00", b"\xff" * 32):
        assert native.prepare_key(raw) is None


def test_lanes_are_used_where_the_system_knows_them() -> None:
    """Linux names what the processor has and what its registers are kept for."""
    told = Path("/proc/cpuinfo")
    if not told.exists():
        pytest.skip("no /proc/cpuinfo on this system")
    flags = {word for line in told.read_text().splitlines() if line.startswith("flags") for word in line.split()}
    assert native.LANES is ({"avx512f", "avx512dq", "avx512ifma"} <= flags)


def test_each_signature_has_its_verdict(check_each: Callable[..., list[bool]]) -> None:
    """Over the bounds of the blocks that share an inversion, with messages of any length."""
    draw = random.Random(3)  # noqa: S311  the same every time
    secrets = [private_key_from_seed("Ed25519", draw.randbytes(32)) for _ in range(5)]
    keys = [native.prepare_key(secret.public.raw) for secret in secrets]
    for size in (1, 2, 3, 7, 8, 9, 10, 63, 64, 65, 66, 128, 129, 200):
        key_of = [draw.randrange(5) for _ in range(size)]
        messages = [draw.randbytes(draw.randrange(300)) for _ in range(size)]
        good = [secrets[k].sign(message) for k, message in zip(key_of, messages, strict=True)]
        assert check_each(keys, key_of, b"".join(good), messages) == [True] * size
        for bad in ({0}, {size - 1}, {size // 2}, set(range(size)), {n for n in range(size) if draw.random() < 0.5}):
            signatures = [flip(one, draw.randrange(512)) if n in bad else one for n, one in enumerate(good)]
            verdicts = [n not in bad for n in range(size)]
            assert check_each(keys, key_of, b"".join(signatures), messages) == verdicts
        other = [(k + 1) % 5 for k in key_of]
        assert check_each(keys, other, b"".join(good), messages) == [False] * size
        longer = [message + b"." for message in messages]
        assert check_each(keys, key_of, b"".join(good), longer) == [False] * size


def test_every_bit_of_a_signature_counts(check_each: Callable[..., list[bool]]) -> None:
    secret = private_key_from_seed("Ed25519", SEED)
    good = secret.sign(b"m")
    bent = [flip(good, bit) for bit in range(512)]
    key = native.prepare_key(secret.public.raw)
    assert check_each([key], [0] * 513, b"".join([good, *bent]), [b"m"] * 513) == [True] + [False] * 512


def test_every_entry_of_both_tables_is_right(check_each: Callable[..., list[bool]]) -> None:
    """Good signatures until every digit of S and of -h has been met in every place."""

    def digits(scalar: int, width: int) -> list[tuple[int, int]]:
        odd = scalar if scalar % 2 else scalar + L
        recoded = odd >> 1 | 1 << 255
        return [(at, recoded >> at & (1 << width) - 1) for at in range(0, 256, width)]

    secret = private_key_from_seed("Ed25519", SEED)
    key = native.prepare_key(secret.public.raw)
    of_base: set[tuple[int, int]] = set()
    of_key: set[tuple[int, int]] = set()
    for start in range(0, 4000, 500):
        messages = [b"%d" % n for n in range(start, start + 500)]
        signatures = [secret.sign(message) for message in messages]
        assert check_each([key], [0] * 500, b"".join(signatures), messages) == [True] * 500
        for signature, message in zip(signatures, messages, strict=True):
            h = number(hashlib.sha512(signature[:32] + secret.public.raw + message).digest()) % L
            of_base.update(digits(number(signature[32:]), 8))
            of_key.update(digits(L - h, 4))
    # half of an odd number below 2L, and bit 255: the highest digit hardly varies
    assert of_base == {(at, d) for at in range(0, 248, 8) for d in range(256)} | {(248, d) for d in range(0x80, 0x90)}
    assert of_key == {(at, d) for at in range(0, 252, 4) for d in range(16)} | {(252, 8)}


def test_nobody_foresees_the_coefficients_of_an_equation() -> None:
    """If they did not depend on S, two values of S could be wrong by amounts that cancel out."""
    secret = private_key_from_seed("Ed25519", SEED)
    messages = [b"one", b"two"]
    good = [secret.sign(message) for message in messages]
    keys = [native.prepare_key(secret.public.raw)]
    assert native.check_batch(keys, [0, 0], b"".join(good), messages)
    hashed = [hashlib.sha512(one[:32] + secret.public.raw + m).digest() for one, m in zip(good, messages, strict=True)]
    for known in (hashed, [hashed[0], good[0][32:], hashed[1], good[1][32:]], []):
        seed = hashlib.sha512(b"lodeline batch 1\0" + b"".join(known)).digest()
        drawn = hashlib.sha512(seed + bytes(8)).digest()
        first, second = number(drawn[:16]), number(drawn[16:32])
        wrong = [(number(good[0][32:]) + 99 * second) % L, (number(good[1][32:]) - 99 * first) % L]
        assert (
            first * wrong[0] + second * wrong[1] - first * number(good[0][32:]) - second * number(good[1][32:])
        ) % L == 0
        forged = [one[:32] + s.to_bytes(32, "little") for one, s in zip(good, wrong, strict=True)]
        assert not native.check_batch(keys, [0, 0], b"".join(forged), messages)


@pytest.mark.parametrize("check", [native.check_batch, native.check_each])
def test_a_batch_out_of_form_is_a_mistake_of_the_caller(check: Callable[..., object]) -> None:
    key = native.prepare_key(key_of(SEED)[0].raw)
    assert key is not None
    assert check([], [], b"", []) == (True if check is native.check_batch else [])
    for arguments in (
        ([key], [0], bytes(63), [b""]),
        ([key], [0], bytes(65), [b""]),
        ([key], [0, 0], bytes(64), [b""]),
        ([key], [0], bytes(64), [b"", b""]),
        ([key], [1], bytes(64), [b""]),
        ([key], [-1], bytes(64), [b""]),
        ([], [0], bytes(64), [b""]),
    ):
        with pytest.raises(ValueError, match="batch"):
            check(*arguments)
    for stranger in (None, bytes(7712), native.sha512):
        with pytest.raises(TypeError):
            check([stranger], [0], bytes(64), [b""])
