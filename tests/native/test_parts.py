"""The arithmetic under the checks, at the bounds that its comments state, against Python's integers.

Signatures cannot be made to order: limbs at their bounds, scalars next to L and sums that meet a point
again would turn up in none of them. So `parts.c` is compiled here, which makes the inner functions callable.
"""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from nacl import bindings as sodium

from tests.architecture.source import ROOT
from tests.support.forged import IDENTITY, TORSION, L, P, base_times, key_of, number

lodeline_native = pytest.importorskip(
    "lodeline_native", reason="lodeline_native is not built here", exc_type=ImportError
)

DECLARATIONS = """
void parts_field(uint64_t *out, int what, const uint64_t *left, const uint64_t *right);
void parts_lanes(uint64_t *out, int what, const uint64_t *left, const uint64_t *right);
void parts_encode(uint8_t *out, const uint64_t *limbs);
int parts_decode(uint64_t *out, const uint8_t *bytes);
int parts_is_canonical(const uint64_t *scalar);
void parts_reduce(uint64_t *out, const uint64_t *words, size_t count);
void parts_negate(uint64_t *scalar);
void parts_recode(uint64_t *out, const uint64_t *scalar);
int edbatch_are_lanes_there(void);
int edbatch_prepare_key(edbatch_key *out, const uint8_t *raw);
void edbatch_prepare_base(edbatch_base *out);
void parts_sums(uint8_t *encoded, const edbatch_base *base, const edbatch_key *key, const uint64_t *factors,
                const uint64_t *scalars, size_t count, int side_by_side);
void parts_compare(uint8_t *valid, const uint64_t *points, const uint8_t *signatures, size_t count);
int parts_is_identity(const uint64_t *given);
int parts_is_torsion_free(const uint8_t *raw, const uint64_t *z);
"""
ADD, SUB, CARRY, MUL, SQUARE, INVERT = range(6)
REDUCED = 2**51 + 2**20 - 1  # the largest limb that every function may give, but fe_add and fe_sub
LARGEST_FACTOR = 2**54 - 1  # of fe_mul and fe_sq
LARGEST_TAKEN_AWAY = 2**53 - 77  # by fe_sub
LARGEST_IN_A_LANE = 2**52 - 1  # a factor's limb
SCALARS = sorted(
    {n % L for n in range(-3, 4)}
    | {n for power in range(240, 253) for n in (2**power - 1, 2**power, 2**power + 1)}
    | {L - 2**power for power in range(120, 253)}
    | {number(bytes([byte]) * 32) % 2**252 for byte in (0x55, 0x77, 0x88, 0xAA, 0xF0, 0x0F, 0xFF)}
)


@pytest.fixture(scope="module")
def parts(own_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """cffi and the compiled functions."""
    from cffi import FFI

    native = ROOT / "native"
    library = tmp_path_factory.mktemp("parts") / "parts.so"
    flags = runpy.run_path(str(native / "build.py"))["FLAGS"]
    subprocess.run(
        [own_compiler, *flags, f"-I{native}", "-o", str(library), str(ROOT / "tests" / "native" / "parts.c")],
        check=True,
    )
    ffi = FFI()
    header = (native / "edbatch.h").read_text(encoding="utf-8").splitlines()
    ffi.cdef("\n".join(line for line in header if line.startswith("typedef")) + DECLARATIONS)
    loaded = ffi.dlopen(str(library))
    yield ffi, loaded
    ffi.dlclose(loaded)


def value(limbs: Any) -> int:
    return sum(int(limb) << 51 * place for place, limb in enumerate(limbs))


def value64(given: Any) -> int:
    return sum(int(word) << 64 * place for place, word in enumerate(given))


def words(n: int, count: int = 4) -> list[int]:
    return [n >> 64 * place & 2**64 - 1 for place in range(count)]


def elements(largest: int, seed: int) -> list[tuple[int, ...]]:
    """Elements with limbs at both ends of what is allowed, all in every place, and some in between."""
    draw = Random(seed)  # noqa: S311  the same every time
    ends = [tuple(limbs) for limbs in product((0, largest), repeat=5)]
    near = [tuple(draw.choice((0, 1, largest - 1, largest, 2**51 - 1)) for _ in range(5)) for _ in range(60)]
    between = [tuple(draw.randrange(largest + 1) for _ in range(5)) for _ in range(60)]
    multiples = [(n * (2**51 - 19) + e, *[n * (2**51 - 1)] * 4) for n in (1, 2) for e in (-1, 0, 1)]  # p and 2p
    return ends + near + between + [limbs for limbs in multiples if max(limbs) <= largest]


def field(parts: tuple[Any, Any], what: int, left: tuple[int, ...], right: tuple[int, ...] = (0,) * 5) -> list[int]:
    out = parts[0].new("uint64_t[5]")
    parts[1].parts_field(out, what, left, right)
    return list(out)


def test_products_of_the_largest_limbs(parts: tuple[Any, Any]) -> None:
    factors = elements(LARGEST_FACTOR, 1)
    for a in factors:
        r = field(parts, SQUARE, a)
        assert value(r) % P == value(a) ** 2 % P
        assert max(r) <= REDUCED
        for b in factors[::3]:
            r = field(parts, MUL, a, b)
            assert value(r) % P == value(a) * value(b) % P
            assert max(r) <= REDUCED
    beyond = (2**55 - 1,) * 5
    assert value(field(parts, MUL, beyond, beyond)) % P != value(beyond) ** 2 % P
    assert value(field(parts, SQUARE, beyond)) % P != value(beyond) ** 2 % P


def test_sums_and_differences_neither_overflow_nor_borrow(parts: tuple[Any, Any]) -> None:
    """To the limb: they do not carry."""
    for a in elements(LARGEST_FACTOR, 2)[::2]:
        for b in elements(LARGEST_TAKEN_AWAY, 3)[::2]:
            assert field(parts, ADD, a, b) == [x + y for x, y in zip(a, b, strict=True)]
            assert value(field(parts, SUB, a, b)) == value(a) + 4 * P - value(b)
    beyond = (LARGEST_TAKEN_AWAY + 2, *[0] * 4)
    assert value(field(parts, SUB, (0,) * 5, beyond)) != 4 * P - value(beyond)
    for a in elements(2**63, 4):
        r = field(parts, CARRY, a)
        assert value(r) % P == value(a) % P
        assert max(r) <= REDUCED


def test_inverses(parts: tuple[Any, Any]) -> None:
    for a in elements(REDUCED, 5):
        assert value(field(parts, INVERT, a)) % P == pow(value(a), P - 2, P)
    for zero in (0, P, 2 * P):
        limbs = (zero % 2**51, *(zero >> 51 * place & 2**51 - 1 for place in range(1, 4)), zero >> 204)
        assert value(field(parts, INVERT, limbs)) % P == 0


def test_there_is_one_encoding(parts: tuple[Any, Any]) -> None:
    ffi, lib = parts
    out = ffi.new("uint8_t[32]")
    for a in elements(REDUCED, 6) + elements(2**63, 7):
        lib.parts_encode(out, a)
        assert number(bytes(out)) == value(a) % P
    limbs = ffi.new("uint64_t[5]")
    for n in [*range(3), *range(P - 3, 2**255)]:
        for sign in (0, 2**255):
            assert lib.parts_decode(limbs, (n + sign).to_bytes(32, "little")) == (n < P)
            assert value(limbs) == n
            assert max(limbs) < 2**51


def test_lanes_at_their_bounds(parts: tuple[Any, Any]) -> None:
    """Eight pairs at once, all different, so that what passes from lane to lane would be seen."""
    ffi, lib = parts
    if not lib.edbatch_are_lanes_there():
        assert not lodeline_native.LANES
        pytest.skip("this processor has no AVX-512 IFMA")
    draw = Random(8)  # noqa: S311  the same every time
    ways = {
        ADD: (2**62, 2**62, lambda a, b: a + b),
        SUB: (2**62, LARGEST_TAKEN_AWAY, lambda a, b: a - b),
        CARRY: (2**63 - 1, 2**63 - 1, lambda a, _: a),
        MUL: (LARGEST_IN_A_LANE, LARGEST_IN_A_LANE, lambda a, b: a * b),
    }

    def compute(what: int, left: list[tuple[int, ...]], right: list[tuple[int, ...]]) -> list[list[int]]:
        out = ffi.new("uint64_t[40]")
        lib.parts_lanes(out, what, sum(left, ()), sum(right, ()))
        return [list(out[at : at + 5]) for at in range(0, 40, 5)]

    for what, (most_left, most_right, expected) in ways.items():
        lefts, rights = elements(most_left, 9), elements(most_right, 10)
        pairs = [([(most_left,) * 5] * 8, [(most_right,) * 5] * 8)]
        pairs += [(draw.sample(lefts, 8), draw.sample(rights, 8)) for _ in range(300)]
        for left, right in pairs:
            got = compute(what, left, right)
            assert max(map(max, got)) <= REDUCED
            values = [expected(value(a), value(b)) % P for a, b in zip(left, right, strict=True)]
            assert [value(r) % P for r in got] == values
    beyond = (0, LARGEST_IN_A_LANE + 1, 0, 0, 0)
    assert value(compute(MUL, [beyond] * 8, [beyond] * 8)[7]) % P != value(beyond) ** 2 % P


def test_scalars_next_to_the_order(parts: tuple[Any, Any]) -> None:
    ffi, lib = parts
    out = ffi.new("uint64_t[4]")
    for n in (0, 1, L - 1, L, L + 1, L + 2**64, L - 2**192, 2**252, 2**253 - 1, 2 * L - 1, 2**255, 2**256 - 1):
        assert lib.parts_is_canonical(words(n)) == (n < L)
    draw = Random(11)  # noqa: S311  the same every time
    for bits in (512, 704):
        wide = [2**bits - 1, 0, *(2**power - 1 for power in range(240, bits)), *map(draw.getrandbits, [bits] * 200)]
        wide += [
            L * factor + e for factor in (1, 2, 2**bits // L - 1, draw.getrandbits(bits - 253)) for e in (-1, 0, 1)
        ]
        for n in wide:
            lib.parts_reduce(out, words(n, bits // 64), bits // 64)
            assert value64(out) == n % L
    for n in SCALARS:
        negative = ffi.new("uint64_t[4]", words(n))
        lib.parts_negate(negative)
        assert value64(negative) == -n % L


def test_digits_stand_for_the_scalar(parts: tuple[Any, Any]) -> None:
    ffi, lib = parts
    out = ffi.new("uint64_t[4]")
    for n in SCALARS:
        lib.parts_recode(out, words(n))
        recoded = value64(out)
        assert recoded >> 252 in (8, 9)  # 9 only for scalars next to L, which no signature happens to have
        for width in (4, 8):
            digits = [recoded >> at & (1 << width) - 1 for at in range(0, 256, width)]
            total = sum((2 * digit + 1 - (1 << width)) << width * at for at, digit in enumerate(digits))
            assert total in (n, n + L)


def sums(
    parts: tuple[Any, Any], secret: int, factors: list[int], scalars: list[int], side_by_side: bool
) -> Iterator[bytes]:
    """factors[i] A + scalars[i] B, encoded, where A = secret B."""
    ffi, lib = parts
    base, key = ffi.new("edbatch_base *"), ffi.new("edbatch_key *")
    lib.edbatch_prepare_base(base)
    assert lib.edbatch_prepare_key(key, base_times(secret)) == 1
    encoded = ffi.new("uint8_t[]", 32 * 64)
    for at in range(0, len(factors), 64):
        some = factors[at : at + 64]
        flat = [[word for n in each[at : at + 64] for word in words(n)] for each in (factors, scalars)]
        lib.parts_sums(encoded, base, key, *flat, len(some), side_by_side)
        for i in range(len(some)):
            yield bytes(encoded[32 * i : 32 * i + 32])


@pytest.mark.parametrize("side_by_side", [True, False], ids=["lanes", "no lanes"])
def test_sums_with_scalars_next_to_the_order(parts: tuple[Any, Any], side_by_side: bool) -> None:
    side_by_side &= lodeline_native.LANES
    secret = key_of(bytes(range(32)))[1]
    draw = Random(12)  # noqa: S311  the same every time
    pairs = [(n, draw.choice(SCALARS)) for n in SCALARS] + [(draw.choice(SCALARS), n) for n in SCALARS]
    pairs += list(product((0, 1, L - 1, L - 2), repeat=2))
    factors, scalars = map(list, zip(*pairs, strict=True))
    expected = [base_times(factor * secret + scalar) for factor, scalar in pairs]
    assert list(sums(parts, secret, factors, scalars, side_by_side)) == expected


@pytest.mark.parametrize("side_by_side", [True, False], ids=["lanes", "no lanes"])
def test_sums_that_meet_the_point_to_be_added_or_its_negative(parts: tuple[Any, Any], side_by_side: bool) -> None:
    """The formulas are complete: A sum may be the identity on its way, double a point, and end as the identity."""
    side_by_side &= lodeline_native.LANES
    scalar = number(bytes(range(100, 132))) % L
    odd = scalar if scalar % 2 else scalar + L
    digits = [2 * ((odd >> 1 | 1 << 255) >> at & 255) + 1 - 256 for at in range(0, 256, 8)]
    done = [sum(digit << 8 * at for at, digit in enumerate(digits[:row])) for row in range(33)]
    factors = [(sign * (done[row + 1] - done[row]) - done[row]) % L for row in range(32) for sign in (1, -1)]
    factors += [-scalar % L, scalar, 0]
    for secret in (1, L - 1, 2, (L + 1) // 2):  # A = B, -B, 2 B, B / 2
        turned = [factor * pow(secret, -1, L) % L for factor in factors]
        expected = [base_times(factor + scalar) for factor in factors]
        assert expected[-3] == IDENTITY
        assert list(sums(parts, secret, turned, [scalar] * len(turned), side_by_side)) == expected


def test_a_point_that_is_none_spoils_its_block_only_to_refuse(parts: tuple[Any, Any]) -> None:
    """No sum has Z = 0. If one had, its block would read as y = 0, which is the encoding of a point of order 4."""
    ffi, lib = parts
    one, no_point = [0] * 5 + [1] + [0] * 4 + [1] + [0] * 9, [0] * 20
    modulus = [2**51 - 19, *[2**51 - 1] * 4]
    signatures = IDENTITY + bytes(32) + bytes(64)
    for second, verdicts in (
        ([0] * 10 + [1] + [0] * 9, [1, 1]),  # y = 0 indeed: what is compared is the encoding
        (no_point, [0, 0]),
        ([0] * 10 + modulus + [0] * 5, [0, 0]),
    ):
        valid = ffi.new("uint8_t[2]", [1, 1])
        lib.parts_compare(valid, one + second, signatures, 2)
        assert list(valid) == verdicts
    refused = ffi.new("uint8_t[2]", [0, 1])
    lib.parts_compare(refused, one + one, (IDENTITY + bytes(32)) * 2, 2)
    assert list(refused) == [0, 1]


def test_the_identity_is_a_point(parts: tuple[Any, Any]) -> None:
    """An equation whose sums had turned into zeros would not hold."""
    zero, one, modulus = [0] * 5, [1, 0, 0, 0, 0], [2**51 - 19, *[2**51 - 1] * 4]
    minus_one = [modulus[0] - 1, *modulus[1:]]
    for x, y, z, identity in (
        (zero, one, one, 1),
        (modulus, minus_one, minus_one, 1),
        (zero, minus_one, one, 0),
        (one, one, one, 0),
        (zero, zero, zero, 0),
        (zero, modulus, zero, 0),
        (zero, zero, modulus, 0),
    ):
        assert parts[1].parts_is_identity(x + y + z + zero) == identity


def test_torsion_is_found_whatever_z_is(parts: tuple[Any, Any]) -> None:
    _, lib = parts
    draw = Random(13)  # noqa: S311  the same every time
    scales = [limbs for limbs in elements(REDUCED, 14) if value(limbs) % P]
    for n in [*range(12), *(draw.randrange(L) for _ in range(60))]:
        for k, torsion in enumerate(TORSION):
            point = sodium.crypto_core_ed25519_add(base_times(n), torsion)
            assert lib.parts_is_torsion_free(point, draw.choice(scales)) == (k == 0), (n, k)
