"""Anchor evidence to hold against a log: files with the evidence itself, or bundles that carry some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited
from ledger.encoding import parse_json
from ledger.errors import LedgerError
from ledger.evidence.anchor import FORMAT
from ledger.evidence.bundle import MAX_BUNDLE_BYTES, parse_bundle


def read_anchors(path: Path) -> list[Any]:
    """The evidence of a file, as JSON values, not yet checked. Raises LocalError when it holds none."""
    content = read_limited(path, MAX_BUNDLE_BYTES)
    try:
        value = parse_json(content)
        if isinstance(value, dict) and value.get("format") == FORMAT:
            return [value]
        found = [one.evidence for one in parse_bundle(content).anchors]
    except LedgerError as error:
        raise LocalError(f"{path} is neither anchor evidence nor a bundle: {error.message}") from error
    if not found:
        raise LocalError(f"The bundle {path} carries no anchor.")
    return found
