"""A stand-in for the extension that checks many signatures, or a witness before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nacl import bindings as sodium

from ledger.batch import Signed
from ledger.errors import BadSignature
from ledger.keys import PublicKey


def single(items: Sequence[Signed]) -> list[bool]:
    """What the rule says, one by one."""
    verdicts = []
    for key, signature, message in items:
        try:
            key.verify(signature, message)
        except BadSignature:
            verdicts.append(False)
        else:
            verdicts.append(True)
    return verdicts


class Counting:
    """Stands before an extension, or before the single rule, and counts what comes to it."""

    SMALLEST = 20

    def __init__(self, inner: Any = None, *, lanes: bool = True) -> None:
        self.inner = inner
        self.lanes = lanes
        self.equations: list[int] = []
        self.tables: list[int] = []

    @property
    def first(self) -> list[int]:
        """Sizes of what came, each counted where it came first."""
        return self.equations or self.tables

    def prepare_key(self, raw: bytes) -> object | None:
        if self.inner:
            prepared: object | None = self.inner.prepare_key(raw)
            return prepared
        return PublicKey("Ed25519", "", raw) if sodium.crypto_core_ed25519_is_valid_point(raw) else None

    def check_each(
        self, keys: Sequence[object], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> Sequence[bool]:
        self.tables.append(len(messages))
        if self.inner:
            verdicts: list[bool] = self.inner.check_each(keys, key_of, signatures, messages, lanes=self.lanes)
            return verdicts
        return self._single(keys, key_of, signatures, messages)

    def check_batch(
        self, keys: Sequence[object], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> bool:
        self.equations.append(len(messages))
        if self.inner:
            return bool(self.inner.check_batch(keys, key_of, signatures, messages))
        return all(self._single(keys, key_of, signatures, messages))

    def _single(
        self, keys: Sequence[object], key_of: Sequence[int], signatures: bytes, messages: Sequence[bytes]
    ) -> list[bool]:
        parts = [signatures[at : at + 64] for at in range(0, len(signatures), 64)]
        enrolled = [key for key in keys if isinstance(key, PublicKey)]
        return single([Signed(enrolled[k], s, m) for k, s, m in zip(key_of, parts, messages, strict=True)])
