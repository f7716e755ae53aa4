r"""The witness protocol, C2SP tlog-witness `add-checkpoint`, as pure decisions.

A witness keeps the newest checkpoint that it cosigned for each log, and cosigns only what extends it. Serving HTTP,
storing the decision before it is answered, and doing both in one transaction with the look-up are left to the caller:
`parse_request`, look up `stored` for `request.origin`, `plan_answer`, store `answer.stored`, send. For the log's side,
`format_request` and `open_answer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ledger.errors import AuthenticityError, FormatError, ProofError, TooLarge, WitnessError
from ledger.log.checkpoint import Checkpoint, check_extends, parse_checkpoint
from ledger.log.merkle import EMPTY_ROOT, HASH_SIZE
from ledger.log.note import (
    MAX_NOTE_BYTES,
    Cosigner,
    Signature,
    Verifier,
    cosign_note,
    format_note,
    format_signature,
    open_note,
    parse_note,
    parse_signatures,
)
from ledger.log.wire import format_base64, parse_base64, parse_decimal, parse_utf8

MAX_PROOF = 63  # tlog-witness: the client sends at most 63 consistency proof lines
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096
TEXT_TYPE = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Request:
    """An add-checkpoint request, nothing verified but its form.

    old: the size that the client believes the witness has; proof: consistency hashes from there; note: the signed
    checkpoint as sent; checkpoint: what its text says.
    """

    old: int
    proof: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "checkpoint", parse_checkpoint(parse_note(self.note).text))

    @property
    def origin(self) -> str:
        """The log whose checkpoint it is: look up its keys and what is stored for it."""
        return self.checkpoint.origin


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers. status: HTTP; stored: the checkpoint to persist *before* answering (None: no change)."""

    status: int
    body: str
    content_type: str = TEXT_TYPE
    stored: Checkpoint | None = None


def format_request(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of an add-checkpoint request; raises WitnessError, NoteError, CheckpointError, TooLarge."""
    body = "\n".join([f"old {old}", *map(format_base64, proof), "", note]).encode("utf-8")
    parse_request(body)
    return body


def parse_request(body: bytes) -> Request:
    """The request; raises WitnessError, NoteError, CheckpointError, TooLarge: answer those with `refuse`."""
    if len(body) > MAX_REQUEST_BYTES:
        raise TooLarge("The request is too large.", limit=MAX_REQUEST_BYTES, actual=len(body))
    head, _, note = parse_utf8(body, WitnessError, "request").partition("\n\n")
    first, *hashes = head.split("\n")
    if not first.startswith("old "):
        raise WitnessError("A request begins with `old <size>`.")
    old = parse_decimal(first.removeprefix("old "), WitnessError, "old size")
    if len(hashes) > MAX_PROOF:
        raise TooLarge("A request has at most 63 consistency hashes.", limit=MAX_PROOF, actual=len(hashes))
    return Request(old, tuple(parse_base64(line, WitnessError, "hash", HASH_SIZE) for line in hashes), note)


def refuse(error: FormatError) -> Answer:
    """400: the request is malformed."""
    return Answer(400, error.message + "\n")


def plan_answer(
    stored: Checkpoint | None,
    request: Request,
    *,
    verifiers: Iterable[Verifier] | None,
    cosigners: Iterable[Cosigner],
    time: int,
) -> Answer:
    """The witness's decision, in the order of the specification.

    stored: the newest checkpoint cosigned for this origin, None for none; verifiers: the trusted keys of this log,
    None for a log that is not witnessed; cosigners: the witness's keys; time: now, Unix seconds.
    404 unknown origin; 403 no trusted signature, or a bad one; 400 old size above the checkpoint's; 409 old size other
    than the stored one, which is the body; 422 the proof does not verify, or another root at the same size;
    200 cosignature lines.
    """
    new = request.checkpoint
    if verifiers is None:
        return Answer(404, "This log is not witnessed here.\n")
    try:
        open_note(request.note, verifiers)
    except AuthenticityError as error:
        return Answer(403, error.message + "\n")
    if request.old > new.size:
        return Answer(400, "The old size is above the size of the checkpoint.\n")
    known = stored or Checkpoint(new.origin, 0, EMPTY_ROOT)
    if request.old != known.size:
        return Answer(409, f"{known.size}\n", SIZE_TYPE)
    try:
        check_extends(known, new, request.proof)
    except ProofError as error:
        return Answer(422, error.message + "\n")
    text = parse_note(request.note).text
    lines = [format_signature(cosign_note(text, cosigner, time)) for cosigner in cosigners]
    return Answer(200, "".join(lines), stored=None if new == stored else new)


# ---- the log's side -------------------------------------------------------------------------------------------------


def open_answer(body: str | bytes, note: str, verifiers: Iterable[Verifier]) -> tuple[Signature, ...]:
    """The cosignatures by known witness keys in the body of a 200 answer; those of unknown keys are dropped.

    note: the checkpoint that was sent. Raises WitnessError and NoteError for another form, BadSignature when one does
    not verify, UntrustedNote when there is none by a known key.
    """
    if len(body) > MAX_NOTE_BYTES:
        raise TooLarge("The answer is too large.", limit=MAX_NOTE_BYTES, actual=len(body))
    lines = parse_signatures(parse_utf8(body, WitnessError, "answer"))
    return open_note(format_note(parse_note(note).text, lines), verifiers).signatures


def parse_conflict(body: str | bytes) -> int:
    """The size that the witness has stored, from the body of a 409 answer; raises WitnessError."""
    text = parse_utf8(body, WitnessError, "answer")
    if not text.endswith("\n"):
        raise WitnessError("The answer to a conflict is a size and a newline.")
    return parse_decimal(text[:-1], WitnessError, "size")
