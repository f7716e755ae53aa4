"""Many signatures at once, with exactly the verdicts of `PublicKey.verify` one by one.

Where the optional extension `lodeline_native` is installed, Ed25519 signatures are not checked by
libsodium. Each is checked with a table of multiples of its key: the same sum in fewer steps. Where
the processor is no help with that, many are checked together: one equation over all of them, in which
the terms of a key are merged, and a proof that no R has a part of small order, without which the
equation would take signatures that the rule refuses. Every refusal comes from the single rule. Why an
acceptance means the same: docs/decisions/0028-tables-of-known-keys.md, 0015-batch-signature-checks.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, cast

from ledger.errors import BadSignature
from ledger.keys import SIGNATURE_BYTES, PublicKey

LARGEST: Final = 2048
"""Signatures of one group: more gain nothing, and one that fails an equation sends all of them to their tables."""

TABLES: Final = 2048
"""Keys whose tables are kept, 16 MB: as many as one batch can have. A table costs less than a check by libsodium, so
that keys which come and go cost little more than without."""


class Signed(NamedTuple):
    """One signature to check. signature: R || S, or r || s, meant to have 64 bytes."""

    key: PublicKey
    signature: bytes
    message: bytes


class Native(Protocol):
    """What is used of `lodeline_native`."""

    SMALLEST: int
    """Signatures from which on `check_batch` is faster than `check_each`, on this processor."""

    def prepare_key(self, raw: bytes) -> object | None:
        """A key as the checks need it; None for one that may not be enrolled."""

    def check_each(
        self, keys: Sequence[object], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> Sequence[bool]:
        """Whether each signature is valid. key_of: index of each signature's key."""

    def check_batch(
        self, keys: Sequence[object], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> bool:
        """Whether all signatures are valid."""

    def __hash__(self) -> int:
        """So that what was prepared is remembered for each extension."""


def _find_native() -> Native | None:
    try:
        import lodeline_native
    except ImportError:
        return None
    return cast(Native, lodeline_native)


native = _find_native()
"""The extension, None where there is none."""


def verify_all(items: Sequence[Signed]) -> list[BadSignature | None]:
    """None for each signature that is valid, and for every other what `PublicKey.verify` raises."""
    if native is None:
        return [_verify(item) for item in items]
    faults: list[BadSignature | None] = [None] * len(items)
    together: list[int] = []
    for at, item in enumerate(items):
        if item.key.alg == "Ed25519" and len(item.signature) == SIGNATURE_BYTES:
            together.append(at)
        else:
            faults[at] = _verify(item)
    for first in range(0, len(together), LARGEST):
        places = together[first : first + LARGEST]
        for at, valid in zip(places, _check_together(native, [items[at] for at in places]), strict=True):
            if not valid:
                faults[at] = _verify(items[at])
    return faults


def _check_together(extension: Native, items: Sequence[Signed]) -> Sequence[bool]:
    """True for each signature that is valid; False for every other, and where the single rule must decide."""
    numbers: dict[bytes, int] = {}
    key_of = [numbers.setdefault(item.key.raw, len(numbers)) for item in items]
    keys = [_prepare(extension, raw) for raw in numbers]
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):  # not a key that could be enrolled: the single rule says what becomes of it
        return [False] * len(items)
    signatures = b"".join([item.signature for item in items])
    messages = [item.message for item in items]
    if len(items) >= extension.SMALLEST and extension.check_batch(known, key_of, signatures, messages):
        return [True] * len(items)
    return extension.check_each(known, key_of, signatures, messages)


@lru_cache(maxsize=TABLES)
def _prepare(extension: Native, raw: bytes) -> object | None:
    return extension.prepare_key(raw)


def _verify(item: Signed) -> BadSignature | None:
    try:
        item.key.verify(item.signature, item.message)
    except BadSignature as error:
        return error
    return None
