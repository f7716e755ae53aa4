"""Every refusal of Lodeline, in one tree.

Family = who is at fault, leaf = what a caller branches on. Attributes carry the values, the
message is one plain sentence that tells a person what to do next. Only these classes leave
`ledger/`: a raw `ValueError` or `KeyError` that reaches a caller is a bug, and a bug in our own
mathematics is an `AssertionError`.

    LedgerError
    ├── FormatError              the bytes are not of the format
    │   ├── EncodingError        base64url, UTF-8, I-JSON, RFC 8785 form, time spelling
    │   ├── EnvelopeError        JWS or SD-JWT structure, header, disclosures
    │   ├── SchemaError          a member of a record is missing, unknown or out of range
    │   ├── TooLarge             a stated limit is exceeded
    │   ├── KeyFormatError       a JWK that may not be enrolled
    │   ├── NoteError            signed note, verifier key
    │   ├── CheckpointError      checkpoint text
    │   ├── TileError            tile path, width or content
    │   ├── ReceiptError         tlog-proof text
    │   ├── WitnessError         add-checkpoint request or answer
    │   ├── PolicyError          trust policy text
    │   ├── BundleError          evidence bundle structure
    │   ├── CompletenessError    statement of completeness
    │   ├── SnapshotError        a file of reference data
    │   ├── ClaimError, PackError  a claim or a rule pack that is not well formed
    │   ├── ModelError           anomaly model
    │   ├── AnchorError          anchor evidence structure
    │   └── VerdictError         not a verdict, or of another key
    │       └── SnapshotShrunk   it is empty, or lost more than half of its rows
    ├── AuthenticityError        the bytes are not from whom they say
    │   ├── BadSignature
    │   ├── UntrustedNote        no signature by a known key (carries the unverified note)
    │   └── UnknownKey, KeyNotYetValid, KeyRevoked
    ├── ProofError               a Merkle proof does not verify
    │   ├── Equivocation         two checkpoints of one log cannot both be true
    │   ├── FalseAnchor          anchor evidence that does not show what it says
    │   ├── FalseTime            the log claims a time that an anchor disproves
    │   └── FalseStatement       a signed list that is not what the log's entries give
    ├── CustodyError             well-formed and authentic, but the custody rules refuse it
    │   ├── WrongAudience, SignerNotAllowed
    │   ├── TimeAhead, TimeBefore
    │   ├── StaleHead, MissingHead, IdTaken, UnknownSubject, UnknownRecord
    │   ├── LotNotHeld, LotInTransit, LotNotInTransit, LotClosed, LotDisputed, NotDisputed
    │   ├── NotConsignee, Overspent, QuantityMismatch
    │   ├── MetalGain, MassGain, TagInUse, KeyInUse
    │   └── LotCycle
    └── EvidenceError            evidence is genuine but does not show what is asked
        ├── Incomplete           a record that the chain needs is not there
        ├── LeftOut              a record that the log's signed lists name is not there
        └── OtherVerdict         the evidence leads to another verdict than the one given
"""

from __future__ import annotations

import re
from typing import Any


class LedgerError(Exception):
    """Base of the tree.

    message: one sentence for a person; pointer: RFC 6901 JSON Pointer to the member at fault,
    "" for the whole; values: what a caller may branch on or show (JSON-compatible).
    """

    def __init__(self, message: str, *, pointer: str = "", **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.values = values

    @property
    def code(self) -> str:
        """Stable kebab-case name of the leaf, for example `stale-head`."""
        return code_of(type(self))

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object: code, message, pointer (when there is one) and values."""
        out: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.pointer:
            out["pointer"] = self.pointer
        if self.values:
            out["values"] = self.values
        return out


def code_of(leaf: type[LedgerError]) -> str:
    """The kebab-case name of an error class: `StaleHead` -> `stale-head`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", leaf.__name__).lower()


class FormatError(LedgerError):
    """The bytes are not of the format."""


class EncodingError(FormatError):
    """Not canonical base64url, UTF-8, I-JSON in RFC 8785 form, or not a time as specified."""


class EnvelopeError(FormatError):
    """Not a custody record: JWS or SD-JWT structure, header members or disclosures."""


class SchemaError(FormatError):
    """A member is missing, unknown, of the wrong type or out of range."""


class TooLarge(FormatError):
    """A stated limit is exceeded; values: `limit`, `actual`."""


class KeyFormatError(FormatError):
    """A JWK that is malformed, or a point that may not be enrolled."""


class NoteError(FormatError):
    """Not a C2SP signed note, or not a verifier key."""


class CheckpointError(FormatError):
    """Not a C2SP checkpoint."""


class TileError(FormatError):
    """Not a C2SP tile path, or a tile of the wrong width or content."""


class ReceiptError(FormatError):
    """Not a C2SP tlog-proof."""


class WitnessError(FormatError):
    """Not a C2SP tlog-witness request, or not an answer to one."""


class PolicyError(FormatError):
    """Not a C2SP tlog-policy."""


class BundleError(FormatError):
    """Not an evidence bundle."""


class CompletenessError(FormatError):
    """Not a statement of completeness, or one about something else."""


class SnapshotError(FormatError):
    """Not a file of the data set named, or a row of it is malformed; values: `row`, `column` where there are any."""


class SnapshotShrunk(SnapshotError):
    """The file is empty or lost more than half of the rows; values: `rows`, `previous`."""


class ClaimError(FormatError):
    """A claim of unknown type, or with terms that do not fit it."""


class PackError(FormatError):
    """A rule pack that is not well formed, or names a check, parameter or rule that does not exist."""


class ModelError(FormatError):
    """Not an anomaly model, or one trained on other features than this release computes."""


class VerdictError(FormatError):
    """Not a verdict, or not one by the key that it names."""


class AnchorError(FormatError):
    """Not anchor evidence, or of a version that this reader does not know."""


class AuthenticityError(LedgerError):
    """The bytes are not from whom they say."""


class BadSignature(AuthenticityError):
    """The signature does not verify under the named key."""


class UntrustedNote(AuthenticityError):
    """No signature of the note is by a known key; `note` is the unverified note."""

    def __init__(self, message: str, *, note: Any = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.note = note


class UnknownKey(AuthenticityError):
    """The `kid` names no key that was ever enrolled."""


class KeyNotYetValid(AuthenticityError):
    """The key is enrolled but its validity has not begun."""


class KeyRevoked(AuthenticityError):
    """The key was revoked at an earlier place in the log."""


class ProofError(LedgerError):
    """A Merkle proof does not verify."""


class Equivocation(ProofError):
    """Two signed checkpoints of one log cannot both be true."""


class FalseStatement(ProofError):
    """The log signed a list of records that is not the one that its entries give; values: `topic`, `record`."""


class FalseAnchor(ProofError):
    """Anchor evidence that does not show what it says; values: `reason`.

    reason: header, block, account, storage, code, head, log, contract, chain, size, root, consistency or canonical.
    """


class FalseTime(ProofError):
    """The log claims a time that a final anchor disproves; values: `claimed`, `anchored` (seconds)."""


class CustodyError(LedgerError):
    """Well-formed and authentic, but refused by the custody rules."""


class WrongAudience(CustodyError):
    """`aud` is not the origin of this log."""


class SignerNotAllowed(CustodyError):
    """The signer's role, status or relation to the subject does not allow this record."""


class TimeAhead(CustodyError):
    """`time` or `iat` is ahead of the log's clock by more than the skew."""


class TimeBefore(CustodyError):
    """`time` is before that of the record it builds on."""


class StaleHead(CustodyError):
    """`prev` does not name the current head; values: `subject`, `head`."""


class MissingHead(CustodyError):
    """`prev` leaves out a subject that the record changes, or names one it does not."""


class IdTaken(CustodyError):
    """The id of a new subject is already used."""


class UnknownSubject(CustodyError):
    """A participant, site or lot that the log does not know."""


class UnknownRecord(CustodyError):
    """A record id that the log does not know, or that is not about the subject named."""


class LotNotHeld(CustodyError):
    """The signer is not the custodian of the lot."""


class LotInTransit(CustodyError):
    """The lot is dispatched and not yet received."""


class LotNotInTransit(CustodyError):
    """The lot is received but was never dispatched, or has been received already."""


class LotClosed(CustodyError):
    """The lot was used up or left the system."""


class LotDisputed(CustodyError):
    """The lot's quantity is disputed and must be settled first."""


class NotDisputed(CustodyError):
    """A settlement of a lot that is not disputed."""


class NotConsignee(CustodyError):
    """The signer is not the consignee named in the dispatch."""


class Overspent(CustodyError):
    """More mass is taken from a lot than it has left; values: `lot`, `left`, `taken`."""


class QuantityMismatch(CustodyError):
    """A settlement that does not repeat the quantity which the consignee measured."""


class MetalGain(CustodyError):
    """Outputs hold more of an analyte than the inputs; values: `element`, `inputs`, `outputs`."""


class MassGain(CustodyError):
    """Outputs weigh more than inputs and declared additions; values: `inputs`, `outputs`."""


class TagInUse(CustodyError):
    """A tag number that is on another live lot; values: `tag`, `lot`."""


class KeyInUse(CustodyError):
    """A key that another participant has enrolled, or that was enrolled before."""


class LotCycle(CustodyError):
    """Lots that were made, over some steps, from themselves; values: `lot`."""


class EvidenceError(LedgerError):
    """Evidence is genuine but does not show what is asked."""


class Incomplete(EvidenceError):
    """A record that the chain needs is not in the evidence."""


class LeftOut(EvidenceError):
    """A list that the log signed as complete, a record on it or one that it stands on is not there.

    values: `topic`, `record`.
    """


class OtherVerdict(EvidenceError):
    """The evidence leads to another verdict; values: `given`, `again` (answers), `differences` (pointers)."""
