"""The three lines of a checkpoint, C2SP tlog-checkpoint v1.0.0: origin, tree size, root. Who signed them is not asked.

`ledger.log.checkpoint` signs and opens checkpoints, and is what other rooms import.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import CheckpointError
from ledger.log.merkle import EMPTY_ROOT, HASH_SIZE
from ledger.log.wire import MAX_NUMBER, format_base64, parse_base64, parse_decimal, parse_utf8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself. origin: its name; size: number of leaves; root: 32 bytes."""

    origin: str
    size: int
    root: bytes


def format_checkpoint(checkpoint: Checkpoint) -> str:
    r"""`<origin>\n<size>\n<base64 root>\n`; raises CheckpointError for values that have no such form."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n"
    if parse_checkpoint(text) != checkpoint:
        raise CheckpointError(f"A tree size is a whole number from 0 to {MAX_NUMBER}.")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text, not yet trusted. Extension lines are refused; raises CheckpointError."""
    lines = parse_utf8(text, CheckpointError, "checkpoint").split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointError("A checkpoint has exactly three lines: origin, tree size and root.")
    origin, size, root = lines[0], *lines[1:3]
    if not origin:
        raise CheckpointError("The origin of a checkpoint is empty.")
    checkpoint = Checkpoint(
        origin=origin,
        size=parse_decimal(size, CheckpointError, "tree size"),
        root=parse_base64(root, CheckpointError, "root", HASH_SIZE),
    )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise CheckpointError("The root of an empty tree is the hash of nothing.")
    return checkpoint
