"""The compiled checks of many Ed25519 signatures, as `native/build.py` puts them beside their declarations.

`import lodeline_native` raises ImportError where it was not built, cannot be loaded, or is switched off
with LODELINE_NATIVE=off; `ledger.batch` then does the same without it. Calls release the interpreter lock.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Sequence
from functools import cache
from typing import Any

from lodeline_native._declarations import ffi

LIBRARY = os.path.join(os.path.dirname(__file__), "edbatch.so")

if os.environ.get("LODELINE_NATIVE") == "off":
    raise ImportError("LODELINE_NATIVE=off: signatures are checked one by one")
try:
    _lib = ffi.dlopen(LIBRARY)
except OSError as error:
    raise ImportError(f"{LIBRARY} cannot be loaded: {error}") from error

LANES = bool(_lib.edbatch_are_lanes_there())
"""Whether this processor adds eight points side by side (lanes.h)."""

SMALLEST = sys.maxsize if LANES else 256
"""Signatures from which on `check_batch` is faster than `check_each`: never, on a processor with lanes."""


def prepare_key(raw: bytes) -> Any:
    """The table of a 32-byte public key, 7.5 kB, for the checks; None unless it may be enrolled (ledger.keys)."""
    out = ffi.new("edbatch_key *")
    return out if len(raw) == 32 and _lib.edbatch_prepare_key(out, raw) else None


def check_batch(keys: Sequence[Any], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]) -> bool:
    """Whether every signature is valid: one equation, the faster the more there are.

    keys: from `prepare_key`; key_of: the index of each signature's key; signatures: 64 bytes each.
    False too when memory is short.
    """
    _check_form(keys, key_of, signatures, messages)
    result = _lib.edbatch_check(
        _base(), ffi.new("edbatch_key *[]", keys), len(keys), *_list(key_of, signatures, messages)
    )
    return int(result) == 1  # -1: no memory


def check_each(
    keys: Sequence[Any], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes], *, lanes: bool = LANES
) -> list[bool]:
    """Whether each signature is valid, one after the other, or eight at once where there are lanes.

    Arguments as of `check_batch`; lanes: False does without.
    """
    _check_form(keys, key_of, signatures, messages)
    valid = bytearray(len(messages))
    known = ffi.new("edbatch_key *[]", keys)
    arguments = _list(key_of, signatures, messages)
    _lib.edbatch_check_each(ffi.from_buffer(valid), _base(), known, *arguments, lanes and LANES)
    return list(map(bool, valid))


def is_torsion_free(raw: bytes) -> bool | None:
    """Whether the 32 bytes encode a point of the prime-order subgroup; None when they encode no point."""
    if len(raw) != 32:
        return None
    result = _lib.edbatch_is_torsion_free(raw)
    return None if result < 0 else bool(result)


def sha512(data: bytes) -> bytes:
    """SHA-512, as the checks compute it."""
    out = ffi.new("uint8_t[64]")
    _lib.edbatch_sha512(out, data, len(data))
    return bytes(ffi.buffer(out))


@cache
def _base() -> Any:
    """The table of the base point, 480 kB: made when it is first needed, in a millisecond."""
    out = ffi.new("edbatch_base *")
    _lib.edbatch_prepare_base(out)
    return out


def _check_form(keys: Sequence[Any], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]) -> None:
    """Raises ValueError for arguments that are no batch: C would read beyond them."""
    if not 64 * len(key_of) == 64 * len(messages) == len(signatures):
        raise ValueError("a batch has one key, 64 bytes of signature and one message for each")
    if key_of and not 0 <= min(key_of) <= max(key_of) < len(keys):
        raise ValueError("a signature of this batch names a key that is not there")


def _list(key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]) -> tuple[Any, ...]:
    """The last arguments of both checks (edbatch.h)."""
    lengths = array("Q", map(len, messages))
    return (
        ffi.from_buffer("uint32_t[]", array("I", key_of)),
        signatures,
        b"".join(messages),
        ffi.from_buffer("uint64_t[]", lengths),
        len(messages),
    )
