"""Build the optional extension `lodeline_native` into a Python environment. It never fails a set-up.

python native/build.py [--into FOLDER] [--tools FOLDER]

The compiler is $CC, cc, gcc or clang; where there is none, the one in the `ziglang` package, whose
version and digests are in native/compiler.lock. No Python headers are needed: the library is plain C,
found through cffi. Without a compiler, on a machine that is not 64-bit, or when what was built gives a
wrong answer, it is left away, and signatures are checked one by one with the same results. --required
makes that an error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra")
NAME = "lodeline_native"
_PROBE = """
from lodeline_native import check_batch, check_each, prepare_key
raw = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
signature = bytes.fromhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
good, bad = (([prepare_key(raw)], [0, 0], signature * 2, [bytes([0x72]), bytes([last])]) for last in (0x72, 0x73))
assert check_batch(*good) and not check_batch(*bad)
for lanes in (True, False):
    assert check_each(*good, lanes=lanes) == [True, True] and check_each(*bad, lanes=lanes) == [True, False]
"""  # RFC 8032 section 7.1, test 2


class NotBuilt(Exception):
    """Why there is no extension here, as a sentence."""


def find_compiler(tools: Path) -> list[str]:
    """The command of a C compiler; installs `ziglang` into `tools` when the machine has none."""
    for name in filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")):
        if shutil.which(name):
            return [name]
    zig = tools / "zig"
    if not (zig / "ziglang").is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        _run(
            [*install, "--only-binary", ":all:", "--target", str(zig), "-r", str(HERE / "compiler.lock")], "no compiler"
        )
    return [
        sys.executable,
        str(zig / "ziglang"),
        "cc",
        "-mcpu=baseline",
    ]  # not for this very machine only


def build(into: Path, compiler: Sequence[str]) -> Path:
    """Compile and declare into `into`/lodeline_native, try it out, and put it in place; its folder."""
    from cffi import FFI  # here, so that a Python without cffi says why

    with tempfile.TemporaryDirectory(dir=into, prefix=".building-") as scratch:
        package = Path(scratch) / NAME
        package.mkdir()
        shutil.copy(HERE / NAME / "__init__.py", package)
        sources = sorted(map(str, HERE.glob("*.c")))
        _run([*compiler, *FLAGS, "-o", str(package / "edbatch.so"), *sources], "it does not compile")
        ffi = FFI()
        header = (HERE / "edbatch.h").read_text(encoding="utf-8")
        ffi.cdef("".join(line for line in header.splitlines(keepends=True) if not line.startswith("#")))
        ffi.set_source(f"{NAME}._declarations", None)
        with contextlib.redirect_stdout(io.StringIO()):  # cffi says what it writes
            ffi.emit_python_code(str(package / "_declarations.py"))
        _run([sys.executable, "-c", _PROBE], "what was built does not work", PYTHONPATH=scratch, LODELINE_NATIVE="")
        remove(into)
        package.rename(into / NAME)
    return into / NAME


def remove(into: Path) -> None:
    """Leave no older build behind."""
    shutil.rmtree(into / NAME, ignore_errors=True)


def _run(command: Sequence[str], otherwise: str, **environment: str) -> None:
    own = {**os.environ, **environment}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=own)  # noqa: S603
    if done.returncode:
        raise NotBuilt(f"{otherwise}: {(done.stderr or done.stdout).strip()[-800:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, default=Path(sysconfig.get_path("purelib")))
    parser.add_argument("--tools", type=Path, default=HERE.parent / ".tools")
    parser.add_argument("--required", action="store_true", help="exit 1 when it cannot be built")
    given = parser.parse_args()
    try:
        if sys.maxsize < 2**63 - 1:
            raise NotBuilt("this is not a 64-bit Python")
        build(given.into, find_compiler(given.tools))
    except (NotBuilt, ImportError, OSError) as error:
        remove(given.into)
        print(f"Signatures will be checked one by one, with the same results. No batch check: {error}", file=sys.stderr)
        return int(given.required)
    return 0


if __name__ == "__main__":
    sys.exit(main())
