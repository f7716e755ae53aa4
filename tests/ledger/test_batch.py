"""Signatures in batches: the verdicts of the single rule, with the extension and without it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import batch
from ledger.batch import Signed, verify_all
from ledger.errors import BadSignature
from ledger.keys import PublicKey, parse_public_jwk, private_key_from_seed
from tests.support.counting import Counting, single
from tests.support.forged import IDENTITY, TORSION, L, P, base_times, forge, forge_as, key_of, number
from tests.support.vectors import load_vector

SEEDS = [bytes([i]) * 32 for i in range(1, 9)]
ES256 = private_key_from_seed("ES256", SEEDS[0])
FOUND = batch.native


def check_signatures(items: Sequence[Signed]) -> list[bool]:
    """Verdicts of `verify_all`; every refusal reads as the single rule's."""
    faults = verify_all(items)
    for item, fault in zip(items, faults, strict=True):
        if fault is not None:
            with pytest.raises(BadSignature) as caught:
                item.key.verify(item.signature, item.message)
            assert caught.value.to_json() == fault.to_json()
    return [fault is None for fault in faults]


def signed(n: int, seed: bytes | None = None) -> Signed:
    """The n-th good signature, by one of eight keys unless a seed is given."""
    key = private_key_from_seed("Ed25519", seed or SEEDS[n % 8])
    message = b"record %d" % n * (n % 40)
    return Signed(key.public, key.sign(message), message)


def bent(item: Signed, bit: int) -> Signed:
    """With one bit of the signature flipped."""
    signature = bytearray(item.signature)
    signature[bit // 8] ^= 1 << bit % 8
    return item._replace(signature=bytes(signature))


def _extension() -> batch.Native:
    if FOUND is None:
        assert os.environ.get("CI") != "true", "`make setup` did not build the extension"
        pytest.skip("lodeline_native is not built here: no C compiler, or LODELINE_NATIVE=off")
    return FOUND


@pytest.fixture(params=["equation", "tables", "tables, no lanes", "stand-in", "one by one"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Counting | None:
    """Every test with it runs in five ways; all of them with groups of any size."""
    if request.param == "one by one":
        using = None
    else:
        inner = None if request.param == "stand-in" else _extension()
        using = Counting(inner, lanes=request.param == "tables")
        using.SMALLEST = batch.LARGEST + 1 if request.param.startswith("tables") else 1
    monkeypatch.setattr(batch, "native", using)
    return using


def test_every_wycheproof_vector_alone_and_together(counting: Counting | None) -> None:
    vectors = load_vector("ed25519", "wycheproof_ed25519.json")
    items, expected = [], []
    for group in vectors["testGroups"]:
        jwk = group["publicKeyJwk"]
        key = parse_public_jwk({name: jwk[name] for name in ("kty", "crv", "x")})
        for case in group["tests"]:
            items.append(Signed(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])))
            expected.append(case["result"] == "valid")
    assert len(items) == vectors["numberOfTests"] == 151
    assert check_signatures(items) == expected == single(items)
    assert [check_signatures([item])[0] for item in items] == expected
    good = [item for item, valid in zip(items, expected, strict=True) if valid]
    if counting:
        counting.equations.clear()
        counting.tables.clear()
    assert check_signatures(good) == [True] * len(good)
    if counting:
        assert counting.first == [len(good)]
    for item, valid in zip(items, expected, strict=True):
        if not valid:
            assert check_signatures([*good[:3], item]) == [True, True, True, False]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 31, 32, 33, 300])
def test_sizes(counting: Counting | None, size: int) -> None:
    items = [signed(n) for n in range(size)]
    assert check_signatures(items) == [True] * size
    if counting:
        assert counting.first == [size] * bool(size)
    if size:
        broken = [*items[:-1], bent(items[-1], 9)]
        assert check_signatures(broken) == [True] * (size - 1) + [False]


@pytest.mark.parametrize("same", [True, False])
def test_one_key_or_all_different(counting: Counting | None, same: bool) -> None:
    items = [signed(n, SEEDS[0] if same else bytes([n]) * 32) for n in range(70)]
    assert len({item.key.kid for item in items}) == (1 if same else 70)
    assert check_signatures(items) == [True] * 70
    items[7] = items[7]._replace(key=key_of(SEEDS[3])[0])
    assert check_signatures(items) == single(items) == [n != 7 for n in range(70)]


def test_a_bad_one_at_every_place(counting: Counting | None) -> None:
    items = [signed(n) for n in range(40)]
    for place in range(40):
        broken = [bent(item, place * 12) if n == place else item for n, item in enumerate(items)]
        assert check_signatures(broken) == [n != place for n in range(40)]


@pytest.mark.parametrize("others", [0, 1, 40])
@pytest.mark.parametrize("torsion", range(8))
def test_torsion_in_r_is_refused(counting: Counting | None, torsion: int, others: int) -> None:
    message = b"the equation times eight holds"
    evil = Signed(key_of(SEEDS[0])[0], forge(SEEDS[0], message, 12345, torsion), message)
    assert single([evil]) == [torsion == 0]
    items = [*map(signed, range(others)), evil]
    assert check_signatures(items) == [True] * others + [torsion == 0]


def test_torsion_that_cancels_out_is_refused(counting: Counting | None) -> None:
    def evil(n: int, torsion: int) -> Signed:
        return Signed(key_of(SEEDS[n % 8])[0], forge(SEEDS[n % 8], b"%d" % n, n + 2, torsion), b"%d" % n)

    for torsion in (1, 2, 4):
        pair = [evil(0, torsion), evil(1, -torsion)]
        assert check_signatures(pair) == [False, False]
        assert check_signatures([evil(n, torsion) for n in range(64)]) == [False] * 64
    assert check_signatures([evil(n, 0) for n in range(64)]) == [True] * 64


def test_small_order_r_only_the_identity_is_allowed(counting: Counting | None) -> None:
    key = key_of(SEEDS[2])[0]
    items = [Signed(key, forge(SEEDS[2], b"m", 0, torsion), b"m") for torsion in range(8)]
    assert [item.signature[:32] for item in items] == TORSION
    assert check_signatures(items) == single(items) == [True] + [False] * 7
    assert check_signatures([items[0]] * 5) == [True] * 5
    assert check_signatures([bent(items[0], 300)] * 2) == [False] * 2


def test_encodings_that_are_not_canonical_are_refused(counting: Counting | None) -> None:
    """The same R and S in another spelling: y + p, x = 0 with its sign, S + L."""
    key = key_of(SEEDS[2])[0]
    good = Signed(key, forge(SEEDS[2], b"m", 0), b"m")
    r, s = good.signature[:32], good.signature[32:]
    spellings = [(1 + P).to_bytes(32, "little"), bytes([1, *bytes(30), 0x80]), (1 + P + 2**255).to_bytes(32, "little")]
    other = [
        *(forge_as(SEEDS[2], b"m", 0, spelling) for spelling in spellings),
        *(spelling + s for spelling in spellings),
        r + (number(s) + L).to_bytes(32, "little"),
        r + b"\xff" * 32,
        (2).to_bytes(32, "little") + s,  # no point has this y
        b"\xff" * 32 + s,
    ]
    items = [good, *(good._replace(signature=one) for one in other)]
    assert check_signatures(items) == single(items) == [True] + [False] * len(other)
    for item in items[1:]:
        assert check_signatures([good, item]) == [True, False]


def test_every_bit_of_r_counts_though_the_signer_hashed_another(counting: Counting | None) -> None:
    """S B - h A is nonce B, whose encoding is not quite what stands in the signature, and was hashed."""
    key, r = key_of(SEEDS[3])[0], base_times(77)
    assert check_signatures([Signed(key, forge_as(SEEDS[3], b"m", 77, r), b"m")]) == [True]
    bent_rs = [(number(r) ^ 1 << bit).to_bytes(32, "little") for bit in range(256)]
    items = [Signed(key, forge_as(SEEDS[3], b"m", 77, bent_r), b"m") for bent_r in bent_rs]
    assert check_signatures(items) == [False] * 256
    for item in items[::15]:
        assert check_signatures([signed(0), item]) == [True, False]


def test_other_algorithms_and_lengths_go_one_by_one(counting: Counting | None) -> None:
    es256 = Signed(ES256.public, ES256.sign(b"m"), b"m")
    short = signed(1)._replace(signature=bytes(63))
    items = [es256, signed(0), short, bent(es256, 5), signed(2), es256._replace(signature=b"")]
    assert check_signatures(items) == [True, True, False, False, True, False]
    if counting:
        assert counting.first == [2]


def test_a_key_that_may_not_be_enrolled_is_left_to_the_single_rule(counting: Counting | None) -> None:
    """A signer's word alone would make the identity's signatures valid for every message."""
    identity = Signed(PublicKey("Ed25519", "", IDENTITY), IDENTITY + bytes(32), b"any")
    torsion = Signed(PublicKey("Ed25519", "", TORSION[1]), IDENTITY + bytes(32), b"any")
    for item in (identity, torsion):
        assert check_signatures([signed(0), item]) == [True, *single([item])]


def test_large_batches_are_cut(counting: Counting | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LARGEST", 20)
    items = [bent(signed(n), 1) if n == 25 else signed(n) for n in range(50)]
    assert check_signatures(items) == [n != 25 for n in range(50)]
    if counting:
        assert counting.first == [20, 20, 10]


def test_few_signatures_are_not_worth_an_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(batch, "native", counting)
    items = [signed(n) for n in range(20)]
    assert check_signatures(items[1:]) == [True] * 19
    assert (counting.equations, counting.tables) == ([], [19])
    assert check_signatures(items) == [True] * 20
    assert (counting.equations, counting.tables) == ([20], [19])
    assert check_signatures([*items[:-1], bent(items[-1], 300)]) == [True] * 19 + [False]
    assert (counting.equations, counting.tables) == ([20, 20], [19, 20])


def test_only_the_single_rule_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension that accepts nothing costs time, not verdicts."""

    class Denying(Counting):
        def _single(self, keys: object, key_of: object, signatures: object, messages: Sequence[bytes]) -> list[bool]:
            return [False] * len(messages)

    monkeypatch.setattr(batch, "native", Denying())
    assert check_signatures([signed(0), bent(signed(1), 0), signed(2)]) == [True, False, True]


def test_tables_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    class Making(Counting):
        def prepare_key(self, raw: bytes) -> object | None:
            made.append(raw)
            return super().prepare_key(raw)

    monkeypatch.setattr(batch, "native", Making())
    for _ in range(3):
        assert check_signatures([signed(n) for n in range(20)]) == [True] * 20
    assert made == [signed(n).key.raw for n in range(8)]
    assert batch._prepare.cache_parameters()["maxsize"] == batch.TABLES >= batch.LARGEST


MUTATIONS = st.sampled_from(["none"] * 5 + ["bit", "message", "key", "torsion", "malleated", "identity", "swap"])


@given(st.lists(st.tuples(st.integers(0, 7), MUTATIONS, st.integers(0, 511)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_batch_equals_single(plan: list[tuple[int, str, int]]) -> None:
    items = []
    for n, (k, mutation, at) in enumerate(plan):
        key, message = key_of(SEEDS[k])[0], b"%d" % n
        signature = forge(SEEDS[k], message, n + 1, at % 8 if mutation == "torsion" else 0)
        item = Signed(key, signature, message)
        if mutation == "bit":
            item = bent(item, at)
        elif mutation == "message":
            item = item._replace(message=message + b"!")
        elif mutation == "key":
            item = item._replace(key=key_of(SEEDS[at % 8])[0])
        elif mutation == "malleated":
            item = item._replace(signature=signature[:32] + (number(signature[32:]) + L).to_bytes(32, "little"))
        elif mutation == "identity":
            item = item._replace(signature=forge(SEEDS[k], message, 0))
        elif mutation == "swap" and items:
            item = item._replace(signature=items[-1].signature)
        items.append(item)
    expected = single(items)
    with pytest.MonkeyPatch.context() as patch:
        ways: list[Counting | None] = [None]
        for lanes, smallest in ((True, 1), (True, len(items) + 1), (False, len(items) + 1)) if FOUND else ():
            using = Counting(FOUND, lanes=lanes)
            using.SMALLEST = smallest
            ways.append(using)
        for way in ways:
            patch.setattr(batch, "native", way)
            assert check_signatures(items) == expected


def test_the_extension_is_found_or_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("lodeline_native")
    monkeypatch.setitem(sys.modules, "lodeline_native", stand_in)
    assert batch._find_native() is stand_in
    monkeypatch.setitem(sys.modules, "lodeline_native", None)
    assert batch._find_native() is None


def test_the_extension_can_be_switched_off() -> None:
    _extension()
    program = "from ledger import batch; print(batch.native is not None)"
    for value, there in (("", "True"), ("off", "False")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env={**os.environ, "LODELINE_NATIVE": value},
        )
        assert (done.stdout, done.stderr) == (f"{there}\n", "")
