"""Where an audit stands, as JSON, so that another process can go on from there and report the very same.

What the fold has gathered comes in two parts: the changes to the custody state, line by line
(`ledger.evidence.changes`), and all else, which is small: `format_fold`. Neither is evidence of anything. Whoever goes
on checks that both are what was written, that they were written by the same code for the same questions
(`digest_questions`), and that the log still begins with the tree that was folded (`check_prefix`). A fold is saved
only after full bundles, and not once a file was missing or had a wrong hash: reading it again may give another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ledger import errors
from ledger.encoding import format_b64url, parse_b64url
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.changes import Changes
from ledger.evidence.recount import Lists
from ledger.evidence.report import MAX_FINDINGS, Finding, Outcome
from ledger.keys import parse_public_jwk
from ledger.log import merkle, rfc9162
from ledger.log.checkpoint import Checkpoint
from ledger.log.tiles import TileId, TileReader

FORM: Final = "lodeline-fold/1"


@dataclass(frozen=True, slots=True)
class Mark:
    """How many findings there were when the fold began: those are found again, whenever an audit goes on."""

    findings: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, audit: Audit) -> Mark:
        """Taken after `open` and before the first `fold`."""
        return cls(len(audit.book.findings), dict(audit.book.counts))


def digest_questions(audit: Audit, statements: Iterable[tuple[str, Lists]]) -> str:
    """SHA-256 (hex) of all that the fold depends on beside the log: its origin, statements, times of final anchors."""
    head = audit.checkpoint
    asked = {
        "origin": head.origin if head else audit.origin,
        "statements": [[note, {topic: list(ids) for topic, ids in lists.items()}] for note, lists in statements],
        "bounds": sorted(audit.step.bounds),
    }
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def is_savable(audit: Audit, mark: Mark) -> bool:
    """Whether one can go on from here: files and hashes were as they must be, and no finding was dropped."""
    found = audit.book.findings
    broken = any(one.check in ("files", "hashes") for one in found[mark.findings :])
    return not broken and not audit.tree.last and len(found) < MAX_FINDINGS


def format_fold(audit: Audit, mark: Mark) -> dict[str, Any]:
    """All that the fold has gathered, but for the custody state."""
    return {
        "records": audit.records,
        "logged": audit.logged,
        "whole": audit.whole,
        "types": dict(audit.types),
        "rows": [[format_b64url(one) for one in row] for row in audit.tree.rows],
        "counts": audit.tree.counts,
        "findings": [_finding(one) for one in audit.book.findings[mark.findings :]],
        "recount": audit.recount.to_json(),
    }


def restore_fold(audit: Audit, saved: Mapping[str, Any], size: int) -> None:
    """Take up what `format_fold` gave, in an audit that was opened in the same way.

    saved: as it was written; size: entries that were folded. The state's changes are given to `restore_changes`.
    """
    audit.records, audit.logged, audit.whole = saved["records"], saved["logged"], saved["whole"]
    audit.types = Counter(saved["types"])
    audit.tree.rows = [[parse_b64url(one) for one in row] for row in saved["rows"]]
    audit.tree.counts = saved["counts"]
    audit.recount.restore(saved["recount"])
    for one in saved["findings"]:
        leaf: type[LedgerError] = getattr(errors, one["class"])
        error = leaf(one["message"], pointer=one["pointer"], **one["values"])
        audit.book.fault(one["check"], error, index=one["index"], record=one["record"], missing=one["missing"])
    if audit.tree.size() != size:
        raise AssertionError("A fold was saved with another tree than its own.")


def restore_changes(audit: Audit, changes: Changes) -> None:
    """Perform changes of the custody state that were written down before, in the order of writing."""
    changes.apply(audit.state)
    audit.keys |= {kid: parse_public_jwk(key.jwk) for kid, key in changes.keys.items() if kid not in audit.keys}


def check_prefix(size: int, root: bytes, head: Checkpoint, tiles: Mapping[TileId, bytes]) -> None:
    """Raise ProofError or TileError unless the log at `head` begins with the tree of this size and root.

    tiles: those of `plan_tiles(plan_consistency(size, head.size))`, as published.
    """
    if size > head.size:
        raise errors.ProofError("The log has fewer entries than were audited.", audited=size, size=head.size)
    proof = merkle.prove_consistency(size, head.size, TileReader(tiles))
    merkle.check_consistency(size, head.size, proof, root, head.root)
    rfc9162.check_consistency(size, head.size, proof, root, head.root)


def _finding(one: Finding) -> dict[str, Any]:
    error = one.error
    return {
        "check": one.check,
        "class": type(error).__name__,
        "message": error.message,
        "pointer": error.pointer,
        "values": error.values,
        "index": one.index,
        "record": one.record,
        "missing": one.outcome is Outcome.INCOMPLETE,
    }
