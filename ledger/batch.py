"""Many signatures at once, with exactly the verdicts of `PublicKey.verify` one by one.

Where the optional extension `lodeline_native` is installed, Ed25519 signatures are checked together:
one equation over all of them, in which the terms of a key are merged, and a proof that no R has a
part of small order, without which the equation would take signatures that the rule refuses. A
batch that fails is checked again one by one, so every refusal comes from the single rule, and a bad
signature costs the batch at most twice what single checks would. Why an acceptance means the same:
docs/decisions/0015-batch-signature-checks.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, cast

from ledger.errors import BadSignature
from ledger.keys import SIGNATURE_BYTES, PublicKey

SMALLEST: Final = 32
"""Signatures that a batch must have to be worth its fixed cost: below it one by one is as fast."""

LARGEST: Final = 2048
"""Signatures of one batch: more gain nothing, and a bad one sends all of them to single checks."""


class Signed(NamedTuple):
    """One signature to check. signature: R || S, or r || s, meant to have 64 bytes."""

    key: PublicKey
    signature: bytes
    message: bytes


class Native(Protocol):
    """What is used of `lodeline_native`."""

    def prepare_key(self, raw: bytes) -> bytes | None:
        """A key as batches need it; None for one that may not be enrolled."""

    def check_batch(
        self, keys: Sequence[bytes], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> bool:
        """Whether all signatures are valid. key_of: index of each signature's key."""

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
    faults: list[BadSignature | None] = [None] * len(items)
    together: list[int] = []
    for at, item in enumerate(items):
        if native is not None and item.key.alg == "Ed25519" and len(item.signature) == SIGNATURE_BYTES:
            together.append(at)
        else:
            faults[at] = _verify(item)
    for first in range(0, len(together), LARGEST):
        places = together[first : first + LARGEST]
        if native is None or not _hold_together(native, [items[at] for at in places]):
            for at in places:
                faults[at] = _verify(items[at])
    return faults


def _hold_together(extension: Native, items: Sequence[Signed]) -> bool:
    """True if the batch equation accepts all; False if it does not, or is not worth trying."""
    if len(items) < SMALLEST:
        return False
    numbers: dict[bytes, int] = {}
    key_of = [numbers.setdefault(item.key.raw, len(numbers)) for item in items]
    keys = [_prepare(extension, raw) for raw in numbers]
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):  # not a key that could be enrolled: the single rule says what becomes of it
        return False
    signatures = b"".join([item.signature for item in items])
    return extension.check_batch(known, key_of, signatures, [item.message for item in items])


@lru_cache(maxsize=4096)  # half a single check each, and a ledger has few signers
def _prepare(extension: Native, raw: bytes) -> bytes | None:
    return extension.prepare_key(raw)


def _verify(item: Signed) -> BadSignature | None:
    try:
        item.key.verify(item.signature, item.message)
    except BadSignature as error:
        return error
    return None
