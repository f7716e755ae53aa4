"""Anchors to hold against a log: out of files (evidence, bundles, signed checkpoints), and those that it publishes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from clients.audit.sources import Listed, Source
from clients.sdk.errors import LocalError, Unreachable
from clients.sdk.files import read_limited
from ledger.encoding import parse_json
from ledger.errors import LedgerError
from ledger.evidence.anchor import FORMAT, Anchor
from ledger.evidence.anchored import NodeAnswer, Places
from ledger.evidence.bundle import MAX_BUNDLE_BYTES, parse_bundle
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import parse_note


def _ask_nobody(_evidence: Sequence[Any]) -> Sequence[NodeAnswer]:
    return ()


@dataclass(frozen=True, slots=True)
class Anchored:
    """What a reader brings to an audit.

    evidence: of chains, as JSON values; kept: checkpoints that the log signed; places: where evidence may be from;
    ask: what nodes say of the blocks of evidence.
    """

    evidence: Sequence[Any] = ()
    kept: Sequence[bytes] = ()
    places: Places | None = None
    ask: Callable[[Sequence[Any]], Sequence[NodeAnswer]] = _ask_nobody


class Shown(NamedTuple):
    """Anchors of one file, not yet checked."""

    evidence: list[Any]
    kept: list[bytes]


@dataclass(slots=True)
class Published:
    """Anchors that a log publishes, not yet checked. count: listed; faults: why something could not be read."""

    count: int = 0
    evidence: list[Any] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    faults: list[LedgerError] = field(default_factory=list)


def read_anchors(path: Path) -> Shown:
    """The anchors of a file. Raises LocalError when it holds none."""
    content = read_limited(path, MAX_BUNDLE_BYTES)
    if not content.startswith(b"{") and _is_note(content):
        return Shown([], [content])
    try:
        value = parse_json(content)
        if isinstance(value, dict) and value.get("format") == FORMAT:
            return Shown([value], [])
        found = [one.evidence for one in parse_bundle(content).anchors]
    except LedgerError as error:
        raise LocalError(
            f"{path} is neither anchor evidence, nor a signed checkpoint, nor a bundle: {error.message}"
        ) from error
    if not found:
        raise LocalError(f"The bundle {path} carries no anchor.")
    return Shown(found, [])


def _is_note(content: bytes) -> bool:
    try:
        parse_note(content)
    except LedgerError:
        return False
    return True


def read_published(source: Source) -> Published:
    """The anchors of a log, read several at a time. Raises Unreachable; every other fault is kept."""
    found = Published()
    try:
        listed = source.list_anchors()
    except Unreachable:
        raise
    except LedgerError as error:
        found.faults.append(error)
        return found
    found.count = len(listed)
    with ThreadPoolExecutor(source.parallel) as readers:
        for one, content in zip(listed, readers.map(lambda one: _read(source, one), listed), strict=True):
            _take(found, one, content)
    return found


def _read(source: Source, listed: Listed) -> bytes | LedgerError:
    try:
        return source.read_anchor(listed)
    except LedgerError as error:
        return error


def _take(found: Published, listed: Listed, content: bytes | LedgerError) -> None:
    if isinstance(content, LedgerError):
        found.faults.append(content)
    elif listed.sink == "file":
        found.kept.append(content)
    else:
        try:
            found.evidence.append(parse_json(content))
        except LedgerError as error:
            found.faults.append(error)


def unique(evidence: Sequence[Any]) -> list[Any]:
    """JSON values, each once: a bundle may carry what the log publishes too."""
    return list({json.dumps(one, sort_keys=True): one for one in evidence}.values())


def anchored_size(anchor: Anchor | Checkpoint) -> int:
    """Entries that an anchor covers."""
    return anchor.size if isinstance(anchor, Checkpoint) else anchor.head.size
