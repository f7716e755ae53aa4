"""The extension under the compiler's sanitizers of addresses and of undefined behaviour, as a process of its own.

`sanitized.c` hands every entry point buffers that end where their last byte does, at each place of a word in turn.
The verdicts are compared too, with those of the single rule: a process that reads nothing would read nothing wrong.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from nacl import bindings as sodium
from nacl.exceptions import RuntimeError as SodiumError

from ledger.batch import Signed
from ledger.keys import private_key_from_seed
from tests.architecture.source import ROOT
from tests.support.counting import single
from tests.support.forged import IDENTITY, TORSION, L, P, base_times, forge, forge_as, number

NATIVE = ROOT / "native"
DRIVER = ROOT / "tests" / "native" / "sanitized.c"
FLAGS = ("-std=c11", "-O0", "-g", "-Wall", "-Wextra", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SEEDS = [bytes([n]) * 32 for n in range(1, 8)]
SIZES = (0, 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 63, 64, 65, 66, 127, 128, 129, 255, 256, 257)


@pytest.fixture(scope="module")
def sanitizing(own_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The compiler, if it brings the sanitizers along and they run here. CI is a machine where they do."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    command = [own_compiler, *FLAGS, "-o", str(folder / "probe"), str(folder / "probe.c")]
    for step in (command, [str(folder / "probe")]):
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            assert os.environ.get("CI") != "true", f"install the sanitizers of {own_compiler}: {done.stderr}"
            pytest.skip(
                f"{own_compiler} has no sanitizers of addresses and undefined behaviour here: {done.stderr[:200]}"
            )
    return own_compiler


def build(compiler: str, native: Path, into: Path) -> Path:
    program = into / "sanitized"
    sources = [str(DRIVER), *sorted(map(str, native.glob("*.c")))]
    subprocess.run([compiler, *FLAGS, f"-I{native}", "-o", str(program), *sources], check=True)
    return program


def run(program: Path, cases: Sequence[bytes]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(program)], input=b"".join(cases), capture_output=True)


@pytest.fixture(scope="module")
def answers(sanitizing: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[bytes]], list[str]]:
    """What the program prints for each case; where there are no lanes, the verdicts without stand for both."""
    program = build(sanitizing, NATIVE, tmp_path_factory.mktemp("sanitized"))

    def answer(cases: Sequence[bytes]) -> list[str]:
        done = run(program, cases)
        assert (done.returncode, done.stderr.decode()) == (0, "")
        lanes, *lines = done.stdout.decode().split("\n")[:-1]
        if lanes == "0":
            both = zip(cases, lines, strict=True)
            lines = [f"{line} {line.split(' ')[1]}" if case[:1] == b"G" else line for case, line in both]
        return lines

    return answer


def hash_case(data: bytes) -> bytes:
    return struct.pack("=cQ", b"H", len(data)) + data


def group_case(items: Sequence[Signed]) -> bytes:
    numbers: dict[bytes, int] = {}
    key_of = [numbers.setdefault(item.key.raw, len(numbers)) for item in items]
    lengths = [len(item.message) for item in items]
    head = struct.pack("=cQQQ", b"G", len(numbers), len(items), sum(lengths))
    lists = struct.pack(f"={len(items)}I{len(items)}Q", *key_of, *lengths)
    return b"".join([head, *numbers, lists, *(item.signature for item in items), *(item.message for item in items)])


def verdicts(valid: Sequence[bool]) -> str:
    each = "".join(str(int(one)) for one in valid)
    return f"{int(all(valid))} {each} {each}"


def signed(draw: Random, seed: bytes, size: int) -> Signed:
    key = private_key_from_seed("Ed25519", seed)
    message = draw.randbytes(size)
    return Signed(key.public, key.sign(message), message)


def bent(item: Signed, bit: int) -> Signed:
    return item._replace(signature=(number(item.signature) ^ 1 << bit).to_bytes(64, "little"))


def test_hashes_of_every_length(answers: Callable[[Sequence[bytes]], list[str]]) -> None:
    draw = Random(1)  # noqa: S311  the same every time
    given = [draw.randbytes(size) for size in (*range(260), 1000, 4095, 4096, 70_001) for _ in range(8)]
    assert answers([hash_case(data) for data in given]) == [hashlib.sha512(data).hexdigest() for data in given]


def test_points_and_keys(answers: Callable[[Sequence[bytes]], list[str]]) -> None:
    """Points of every coset, spellings that are not canonical, and bytes at random, against libsodium."""
    draw = Random(2)  # noqa: S311  the same every time
    known: list[tuple[bytes, str]] = []
    for n in range(1, 30):
        for k, torsion in enumerate(TORSION):
            known.append(
                (sodium.crypto_core_ed25519_add(base_times(n * n * 7919), torsion), "1 1" if k == 0 else "0 0")
            )
    known += [(torsion, "1 0" if torsion == IDENTITY else "0 0") for torsion in TORSION]
    known += [((y | sign << 255).to_bytes(32, "little"), "-1 0") for y in (P, P + 1, 2**255 - 1) for sign in (0, 1)]
    known += [(bytes([1, *bytes(30), 0x80]), "-1 0"), (b"\xff" * 32, "-1 0")]
    known += [(raw, decoded(raw)) for raw in (draw.randbytes(32) for _ in range(400))]
    assert {line for _, line in known} == {"1 1", "1 0", "0 0", "-1 0"}
    assert answers([b"P" + raw for raw, _ in known]) == [line for _, line in known]


def decoded(raw: bytes) -> str:
    """The answer for 32 bytes that are no point of small order."""
    if sodium.crypto_core_ed25519_is_valid_point(raw):
        return "1 1"
    try:
        sodium.crypto_core_ed25519_add(raw, IDENTITY)
    except SodiumError:
        return "-1 0"
    return "0 0"


def test_groups_around_every_bound(answers: Callable[[Sequence[bytes]], list[str]]) -> None:
    """All good; one bad at either end; every second one; all of them. Messages cross the blocks of the hash."""
    draw = Random(3)  # noqa: S311  the same every time
    cases, expected = [], []
    for size in SIZES:
        for keys in (1, 5, max(size, 1)):
            seeds = [draw.randbytes(32) for _ in range(keys)]
            good = [signed(draw, seeds[n % keys], n if size > 200 else draw.randrange(260)) for n in range(size)]
            for bad in (set(), {0} & set(range(size)), {size - 1} - {-1}, set(range(0, size, 2)), set(range(size))):
                items = [bent(item, draw.randrange(512)) if n in bad else item for n, item in enumerate(good)]
                cases.append(group_case(items))
                expected.append(verdicts([n not in bad for n in range(size)]))
    assert answers(cases) == expected


def test_the_largest_group(answers: Callable[[Sequence[bytes]], list[str]]) -> None:
    draw = Random(4)  # noqa: S311  the same every time
    good = [signed(draw, bytes([n % 200, *bytes(31)]), n % 90) for n in range(2048)]
    bad = [*good[:-1], bent(good[-1], 300)]
    assert answers([group_case(good), group_case(bad)]) == [verdicts([True] * 2048), verdicts([True] * 2047 + [False])]


def mutated(draw: Random) -> Signed:
    """A signature that is good, bent, made by a dishonest signer, or nothing but bytes."""
    seed = draw.choice(SEEDS)
    item = signed(draw, seed, draw.randrange(200))
    r, s = item.signature[:32], number(item.signature[32:])
    nonce = draw.randrange(1, L)
    y = draw.choice((0, 1, 2, P - 1, P, P + 1, 2**255 - 1)) | draw.randrange(2) << 255
    bound = draw.choice((0, 1, L - 1, L, L + 1, 2**252, 2**253, 2**256 - 1))
    torsion = draw.randrange(8)
    return draw.choice(
        [
            item,
            bent(item, draw.randrange(512)),
            item._replace(message=item.message[:-1]),
            item._replace(message=item.message + b"."),
            item._replace(key=private_key_from_seed("Ed25519", draw.choice(SEEDS)).public),
            item._replace(signature=r + (s + draw.randrange(1, 15) * L).to_bytes(32, "little")),
            item._replace(signature=r + bound.to_bytes(32, "little")),
            item._replace(signature=draw.randbytes(32) + item.signature[32:]),
            item._replace(signature=draw.choice(TORSION) + item.signature[32:]),
            item._replace(signature=y.to_bytes(32, "little") + item.signature[32:]),
            item._replace(signature=draw.randbytes(64)),
            item._replace(signature=forge(seed, item.message, nonce, torsion)),
            item._replace(signature=forge(seed, item.message, 0, torsion)),
            item._replace(signature=forge_as(seed, item.message, nonce, y.to_bytes(32, "little"))),
        ]
    )


def test_mutated_signatures_in_mixed_groups(answers: Callable[[Sequence[bytes]], list[str]]) -> None:
    draw = Random(5)  # noqa: S311  the same every time
    groups = [[mutated(draw) for _ in range(draw.choice((1, 2, 3, 8, 9, 17, 65)))] for _ in range(150)]
    expected = [single(items) for items in groups]
    accepted = sum(map(sum, expected))
    assert 200 < accepted < sum(map(len, groups)) / 2
    assert answers([group_case(items) for items in groups]) == [verdicts(valid) for valid in expected]


@pytest.mark.parametrize(
    ("file", "right", "wrong", "report"),
    [
        ("sha512.h", "data + size / 128 * 128, size % 128", "data + size / 128 * 128, size % 128 + 1", "READ of size"),
        ("edbatch.c", "malloc(sizeof(point) << width)", "malloc((sizeof(point) << width) - 1)", "WRITE of size"),
        ("edeach.c", "point sums[BLOCK]", "point sums[BLOCK - 1]", "stack-buffer-overflow"),
        ("comb.h", ">> bit % 64", ">> bit", "shift exponent"),
    ],
)
def test_slips_are_noticed(sanitizing: str, tmp_path: Path, file: str, right: str, wrong: str, report: str) -> None:
    """The same program with one slip, over good signatures: the report names the file."""
    source = tmp_path / "native"
    shutil.copytree(NATIVE, source, ignore=shutil.ignore_patterns("__pycache__"))
    text = (source / file).read_text(encoding="utf-8")
    assert text.count(right) == 1
    (source / file).write_text(text.replace(right, wrong), encoding="utf-8")
    draw = Random(6)  # noqa: S311  the same every time
    done = run(build(sanitizing, source, tmp_path), [group_case([signed(draw, SEEDS[n % 7], n) for n in range(64)])])
    assert done.returncode != 0
    assert report in done.stderr.decode()
    assert file in done.stderr.decode()
