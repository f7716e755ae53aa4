r"""Receipts, C2SP tlog-proof: an inclusion proof and a checkpoint as one text that verifies offline.

`c2sp.org/tlog-proof@v1\nindex <i>\n<base64 hashes, leaf sibling first>\n\n<checkpoint with its signature lines>`.
Which keys are trusted is an argument; quorums of witnesses are left to `ledger.evidence.trust`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger.errors import ReceiptError, TooLarge
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import HASH_SIZE, check_inclusion, leaf_hash
from ledger.log.note import MAX_NOTE_BYTES, Verifier, parse_note
from ledger.log.wire import MAX_NUMBER, format_base64, parse_base64, parse_decimal, parse_utf8

MEDIA_TYPE = "text/plain; charset=utf-8"
MAX_PROOF = 63  # a tree has fewer than 2**63 leaves
MAX_RECEIPT_BYTES = 2 * MAX_NOTE_BYTES
_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as parsed: nothing in it is verified.

    index: of the entry; proof: 32-byte hashes, the leaf's sibling first; checkpoint: the whole signed note; extra:
    what its maker added, never authenticated (None when there is none).
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def format_receipt(index: int, proof: Sequence[bytes], checkpoint: str, *, extra: bytes | None = None) -> str:
    """The text of a receipt; checkpoint: the signed note. Raises ReceiptError or NoteError if it has no such form."""
    # On the path of every record: checked without parsing the text again.
    if type(index) is not int or not 0 <= index <= MAX_NUMBER:
        raise ReceiptError("An index is a whole number from 0 to 2**63 - 1.")
    if len(proof) > MAX_PROOF or {*map(len, proof)} - {HASH_SIZE}:
        raise ReceiptError("A receipt has at most 63 hashes of 32 bytes.")
    _require_note(checkpoint)
    lines = [_HEADER]
    if extra is not None:
        lines.append("extra " + format_base64(extra))
    lines += [f"index {index}", *map(format_base64, proof), "", checkpoint]
    return "\n".join(lines)


@lru_cache(maxsize=8)
def _require_note(checkpoint: str) -> None:
    """One checkpoint serves the receipts of a whole batch."""
    parse_note(checkpoint)


def parse_receipt(text: str | bytes) -> Receipt:
    """The receipt, nothing verified but its form. Raises ReceiptError, TooLarge, and NoteError for the checkpoint."""
    if len(text) > MAX_RECEIPT_BYTES:
        raise TooLarge("A receipt is at most 2 MB.", limit=MAX_RECEIPT_BYTES, actual=len(text))
    head, _, checkpoint = parse_utf8(text, ReceiptError, "receipt").partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != _HEADER:
        raise ReceiptError(f"A receipt begins with {_HEADER}.")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "), ReceiptError, "extra data")
    if not lines or not lines[0].startswith("index "):
        raise ReceiptError("A receipt names the index of its entry.")
    index = parse_decimal(lines.pop(0).removeprefix("index "), ReceiptError, "index")
    if len(lines) > MAX_PROOF:
        raise TooLarge("A receipt has at most 63 hashes.", limit=MAX_PROOF, actual=len(lines))
    proof = tuple(parse_base64(line, ReceiptError, "hash", HASH_SIZE) for line in lines)
    parse_note(checkpoint)
    return Receipt(index, proof, checkpoint, extra)


def check_receipt(
    entry: bytes, receipt: Receipt | str | bytes, origin: str, verifiers: Iterable[Verifier]
) -> Checkpoint:
    """Check that the log `origin` holds this entry; answers the signed checkpoint that shows it.

    entry: the exact bytes of the log entry. 1. the receipt's form; 2. the checkpoint, as `open_checkpoint`; 3. the
    inclusion proof. Raises ReceiptError, whatever `open_checkpoint` raises, ProofError.
    """
    if not isinstance(receipt, Receipt):
        receipt = parse_receipt(receipt)
    checkpoint = open_checkpoint(receipt.checkpoint, origin, verifiers)
    check_inclusion(leaf_hash(entry), receipt.index, checkpoint.size, receipt.proof, checkpoint.root)
    return checkpoint
