"""What processes of one log say to each other: records that are checked already, and what became of them.

A message is its length in four bytes and one JSON value. A record travels as its JWS with what the stateless checks
found, so that the process that sequences need not check again: it reads the payload, which it needs, and nothing else.
Entries do not travel back: a time and the JWS are the entry. Nothing that came from a peer is run or unpickled.
"""

from __future__ import annotations

import asyncio
import struct
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import orjson

from ledger.custody.state import Needs
from ledger.entry import format_entry
from ledger.errors import FormatError, LedgerError, code_of
from service.errors import Internal, ServiceError
from service.usecases.check import Candidate, needs_of
from service.usecases.submit import Item, Outcome, Sequenced, Submission

MAX_GREETING: Final = 4_096
MAX_MESSAGE: Final = 1 << 30
_LENGTH: Final = struct.Struct(">I")
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")


class PeerError(Exception):
    """A peer said what no peer of this version says; the connection is given up."""


def frame(body: bytes) -> bytes:
    """One message as it travels."""
    return _LENGTH.pack(len(body)) + body


async def read_message(reader: asyncio.StreamReader, limit: int = MAX_MESSAGE) -> Any:
    """The next message. Raises PeerError, and EOFError or OSError when the connection ends."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > limit:
        raise PeerError("a message is too long")
    try:
        return orjson.loads(await reader.readexactly(length))
    except orjson.JSONDecodeError:
        raise PeerError("a message is not JSON") from None


def format_submission(number: int, submission: Submission, *, proofs: bool) -> bytes:
    """A submission under a number of its sender. A record that was refused already is `null`: it keeps its place.

    proofs: the receipts of new records are wanted with the answer.
    """
    items = [_format_candidate(one) if isinstance(one, Candidate) else None for one in submission.items]
    wanted = [*map(list, needs_of(one for one in submission.items if isinstance(one, Candidate)))]
    message = {"n": number, "atomic": submission.atomic, "proofs": proofs, "items": items, "needs": wanted}
    return frame(orjson.dumps(message))


def _format_candidate(one: Candidate) -> tuple[Any, ...]:
    return one.jws.decode("ascii"), one.id, one.alg, one.kid, one.disclosures, one.verified, one.headless


def parse_submission(message: Any) -> tuple[int, Submission, bool]:
    """The sender's number, the submission, and whether proofs are wanted. Raises PeerError."""
    try:
        wanted = Needs(*map(set, message["needs"]))
        items = [_REFUSED if one is None else _parse_candidate(wanted, *one) for one in message["items"]]
        return int(message["n"]), Submission(items, bool(message["atomic"])), bool(message["proofs"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, NotBase64):
        raise PeerError("a message is not a submission") from None


def _parse_candidate(
    needs: Needs,
    jws: str,
    id: str,
    alg: str,
    kid: str,
    disclosures: list[list[str]],
    verified: bool,
    headless: bool,
) -> Candidate:
    line = jws.encode("ascii")
    payload = a2b_base64(line.split(b".", 2)[1].translate(_TO_BASE64) + b"==")  # too much padding is ignored
    kept = tuple((digest, text) for digest, text in disclosures)
    return Candidate(line, id, alg, kid, payload, kept, verified, headless, needs)


_REFUSED: Final = FormatError("This record was refused before it was sent here.")


def format_answer(number: int, done: Sequenced, *, proofs: bool) -> bytes:
    """What became of a submission."""
    outcomes = [_format_outcome(one, proofs=proofs) for one in done.outcomes]
    return frame(
        orjson.dumps({"n": number, "size": done.size, "checkpoint": done.checkpoint, "outcomes": outcomes}, default=str)
    )


def _format_outcome(one: Outcome, *, proofs: bool) -> tuple[Any, ...]:
    if one.error is not None:
        return one.status, _format_error(one.error)
    return one.status, one.index, one.logged, one.receipt() if proofs and one.status == "created" else None


def parse_answer(message: Any, items: Sequence[Item], prove: Callable[[int], str]) -> Sequenced:
    """The answer to the submission of these items. prove: the receipt of an entry, when it did not come along.

    Raises PeerError.
    """
    try:
        outcomes = [_parse_outcome(item, told, prove) for item, told in zip(items, message["outcomes"], strict=True)]
        return Sequenced(tuple(outcomes), int(message["size"]), str(message["checkpoint"]))
    except (KeyError, TypeError, ValueError, IndexError):
        raise PeerError("a message is not an answer") from None


def _parse_outcome(item: Item, told: list[Any], prove: Callable[[int], str]) -> Outcome:
    if not isinstance(item, Candidate):
        return Outcome("refused", error=item)
    if told[0] == "refused":
        return Outcome("refused", item.id, error=_parse_error(*told[1]))
    status, index, logged, receipt = told
    return Outcome(
        status,
        item.id,
        int(index),
        int(logged),
        format_entry(logged, item.jws),
        None,
        prove if receipt is None else lambda _: str(receipt),
    )


def format_failure(number: int, error: LedgerError | ServiceError) -> bytes:
    """A submission that has no outcomes at all."""
    return frame(orjson.dumps({"n": number, "failed": _format_error(error)}, default=str))


def parse_failure(message: Any) -> LedgerError | ServiceError | None:
    """The failure that a message tells of; None for an answer. Raises PeerError."""
    try:
        return _parse_error(*message["failed"]) if "failed" in message else None
    except TypeError:
        raise PeerError("a message is not a failure") from None


def _format_error(error: LedgerError | ServiceError) -> tuple[Any, ...]:
    return error.code, error.message, error.pointer, error.values, getattr(error, "retry_after", None)


def _parse_error(
    code: str, message: str, pointer: str, values: dict[str, Any], retry_after: int | None
) -> LedgerError | ServiceError:
    leaf = _leaves().get(code, Internal)
    if issubclass(leaf, ServiceError):
        return leaf(message, pointer=pointer, retry_after=retry_after, **values)
    return leaf(message, pointer=pointer, **values)


@cache
def _leaves() -> dict[str, type[LedgerError] | type[ServiceError]]:
    """Every class of refusal by its code."""
    found: dict[str, type[LedgerError] | type[ServiceError]] = {}
    left: list[Any] = [LedgerError, ServiceError]
    while left:
        leaf = left.pop()
        found[code_of(leaf)] = leaf
        left += leaf.__subclasses__()
    return found
