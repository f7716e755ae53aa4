"""Checkpoints, C2SP tlog-checkpoint v1.0.0: what a log signs about itself, and how one extends another.

The three lines are parsed in `ledger.log.treehead`, the signatures in `ledger.log.note`. Quorums of witnesses are left
to `ledger.evidence.trust`; that a log never signs two checkpoints that disagree is left to `ledger.log.sequence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.errors import CheckpointError, Equivocation, UntrustedNote
from ledger.log.merkle import check_consistency
from ledger.log.note import Cosigner, Ed25519Signer, Verifier, open_note, sign_note
from ledger.log.treehead import Checkpoint, format_checkpoint, parse_checkpoint

__all__ = [
    "Checkpoint",
    "check_extends",
    "format_checkpoint",
    "open_checkpoint",
    "parse_checkpoint",
    "sign_checkpoint",
]


def sign_checkpoint(
    checkpoint: Checkpoint, signers: Iterable[Ed25519Signer], *, cosigners: Iterable[Cosigner] = (), time: int = 0
) -> str:
    """The checkpoint as a signed note. The log's key is named like its origin; raises CheckpointError.

    cosigners: the log's ML-DSA key, as a second signature made at `time` (Unix seconds).
    """
    signers, cosigners = tuple(signers), tuple(cosigners)
    if not signers or any(signer.name != checkpoint.origin for signer in (*signers, *cosigners)):
        raise CheckpointError("A checkpoint is signed by a key that is named like the log's origin.")
    return sign_note(format_checkpoint(checkpoint), signers, cosigners=cosigners, time=time)


def open_checkpoint(note_text: str | bytes, origin: str, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint of the log `origin`, signed by a known key of that name.

    Raises as `ledger.log.note.open_note` does, CheckpointError for another form or another log, UntrustedNote when
    only others (witnesses) have signed.
    """
    note = open_note(note_text, verifiers)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise CheckpointError("This is the checkpoint of another log.", origin=checkpoint.origin, expected=origin)
    if all(signature.name != origin for signature in note.signatures):
        raise UntrustedNote("The checkpoint is not signed by the log itself.", note=note)
    return checkpoint


def check_extends(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that a log which said `old` may say `new`: same origin, not smaller, same beginning.

    Raises CheckpointError for another log, Equivocation for two roots of one size, ProofError otherwise. Every tree
    extends the empty one, which takes no proof.
    """
    if old.origin != new.origin:
        raise CheckpointError("Checkpoints of two logs cannot be compared.", origin=new.origin, expected=old.origin)
    if old.size == new.size and old.root != new.root:
        raise Equivocation("The log has signed two different roots for one size.", origin=old.origin, size=old.size)
    if old.size or proof:
        check_consistency(old.size, new.size, proof, old.root, new.root)
