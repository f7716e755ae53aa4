"""The first two steps of a verification and of an audit: who signed the checkpoint, and what it says."""

from __future__ import annotations

from ledger.errors import LedgerError, UntrustedNote
from ledger.evidence.report import Notebook
from ledger.evidence.trust import Trusted, TrustPolicy
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.note import Note


def open_trusted(
    policy: TrustPolicy, note: str | bytes, origin: str, book: Notebook
) -> tuple[Trusted | None, Checkpoint | None]:
    """Checks `checkpoint` and `witnesses`: who signed, and the checkpoint; the latter also when nobody trusted did.

    origin: the log that it must be; "" accepts any that the policy lists.
    """
    try:
        trusted = policy.open_checkpoint(note, origin)
    except LedgerError as error:
        lacking = isinstance(error, UntrustedNote) and "quorum" in error.values
        if lacking:
            book.close("checkpoint", "The log has signed the checkpoint.")
        book.fault("witnesses" if lacking else "checkpoint", error)
        return None, _unverified(error)
    head = trusted.checkpoint
    book.close("checkpoint", f"{head.origin} has signed a log of {head.size} entries.")
    names = ", ".join(sorted(trusted.witnesses))
    book.close(
        "witnesses",
        f"Cosigned by {names}; quorum {policy.quorum}."
        if names
        else "Your trust policy asks for no witness: only the operator vouches for the log's history.",
    )
    return trusted, head


def _unverified(error: LedgerError) -> Checkpoint | None:
    """The checkpoint of a note that nobody trusted has signed."""
    note = error.note if isinstance(error, UntrustedNote) else None
    return parse_checkpoint(note.text) if isinstance(note, Note) else None
