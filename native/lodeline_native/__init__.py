"""The compiled batch check of Ed25519 signatures, as `native/build.py` puts it beside its declarations.

`import lodeline_native` raises ImportError where it was not built, cannot be loaded, or is switched off
with LODELINE_NATIVE=off; `ledger.batch` then does the same without it. Calls release the interpreter lock.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence

from lodeline_native._declarations import ffi

LIBRARY = os.path.join(os.path.dirname(__file__), "edbatch.so")

if os.environ.get("LODELINE_NATIVE") == "off":
    raise ImportError("LODELINE_NATIVE=off: signatures are checked one by one")
try:
    _lib = ffi.dlopen(LIBRARY)
except OSError as error:
    raise ImportError(f"{LIBRARY} cannot be loaded: {error}") from error

_KEY_BYTES = _lib.edbatch_key_bytes()


def prepare_key(raw: bytes) -> bytes | None:
    """A 32-byte public key, ready for `check_batch`; None unless it may be enrolled (ledger.keys)."""
    out = ffi.new("uint8_t[]", _KEY_BYTES)
    return bytes(ffi.buffer(out)) if len(raw) == 32 and _lib.edbatch_key(out, raw) else None


def check_batch(keys: Sequence[bytes], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]) -> bool:
    """Whether every signature is valid.

    keys: from `prepare_key`; key_of: the index of each signature's key; signatures: 64 bytes each.
    False too when memory is short.
    """
    if not 64 * len(key_of) == 64 * len(messages) == len(signatures) or any(len(key) != _KEY_BYTES for key in keys):
        raise ValueError("a batch has one key, 64 bytes of signature and one message for each")
    if key_of and not 0 <= min(key_of) <= max(key_of) < len(keys):
        raise ValueError("a signature of this batch names a key that is not there")
    result = _lib.edbatch_check(
        b"".join(keys),
        len(keys),
        ffi.from_buffer("uint32_t[]", array("I", key_of)),
        signatures,
        b"".join(messages),
        ffi.from_buffer("uint64_t[]", array("Q", map(len, messages))),
        len(messages),
    )
    return int(result) == 1  # -1: no memory


def is_torsion_free(raw: bytes) -> bool | None:
    """Whether the 32 bytes encode a point of the prime-order subgroup; None when they encode no point."""
    result = _lib.edbatch_is_torsion_free(raw)
    return None if result < 0 else bool(result)


def sha512(data: bytes) -> bytes:
    """SHA-512, as the batch check computes it."""
    out = ffi.new("uint8_t[64]")
    _lib.edbatch_sha512(out, data, len(data))
    return bytes(ffi.buffer(out))
