"""Statements of completeness to hold against a log: files with the signed note, or bundles that carry one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited
from ledger.errors import LedgerError
from ledger.evidence.bundle import MAX_BUNDLE_BYTES, parse_bundle
from ledger.evidence.completeness import FORMAT

Given = tuple[str, Mapping[str, Sequence[str]]]
"""The signed note, and its lists (topic -> record ids) where the file has them."""


def read_statement(path: Path) -> Given:
    """The statement of a file, not yet verified. Raises LocalError when it is neither a statement nor a bundle."""
    content = read_limited(path, MAX_BUNDLE_BYTES)
    if content.startswith(FORMAT.encode() + b"\n"):
        return content.decode("utf-8", "replace"), {}
    try:
        completeness = parse_bundle(content).completeness
    except LedgerError as error:
        raise LocalError(f"{path} is neither a statement of completeness nor a bundle: {error.message}") from error
    return completeness.note, completeness.topics
