"""What the service answers, read strictly: a member that is missing or of another type is the service's fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from clients.sdk.errors import Misbehaviour, parse_problem
from clients.sdk.transport import Answer
from ledger.errors import LedgerError


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record that the log holds, its receipt verified. new: False when it was there before (sent twice)."""

    id: str
    index: int
    logged: int
    entry: str
    receipt: str
    new: bool

    def to_json(self) -> dict[str, Any]:
        """Members as they are."""
        names = ("id", "index", "logged", "entry", "receipt", "new")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line of a batch: `accepted` or `error`. again: the same line may be sent later."""

    line: int
    accepted: Accepted | None = None
    error: LedgerError | None = None
    again: bool = False


@dataclass(slots=True)
class BatchResult:
    """All outcomes by line, and how far the answer came: `complete` is False when it broke off."""

    outcomes: list[LineOutcome] = field(default_factory=list)
    complete: bool = False
    checkpoint: str = ""


def member(answer: Any, name: str, kind: type) -> Any:
    """The member of a JSON object, or Misbehaviour when it is not there or not of this type."""
    value = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Misbehaviour(f"The service's answer has no proper {name!r}: is it a Lodeline service of this version?")
    return value


def read_accepted(answer: Any, jws: str, record: str, *, new: bool) -> Accepted:
    """One accepted record; Misbehaviour unless it is the one that was sent."""
    index, logged = member(answer, "index", int), member(answer, "logged", int)
    entry = f"{logged} {jws}"
    if member(answer, "id", str) != record or answer.get("entry", entry) != entry:
        raise Misbehaviour("The service confirmed another record than the one that was sent.", record=record)
    return Accepted(record, index, logged, entry, member(answer, "receipt", str), new)


def read_lines(answer: Answer) -> Iterator[dict[str, Any]]:
    """The objects of an NDJSON answer; a last line that is cut off is left out, as is everything behind it."""
    for line in answer.content.split(b"\n"):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(value, dict):
            raise Misbehaviour("The service's answer to a batch is not one JSON object a line.")
        yield value


def read_problem_line(value: Mapping[str, Any]) -> tuple[LedgerError, bool]:
    """The error of a refused line, and whether the line may be sent again as it is."""
    status = member(value, "status", int)
    return parse_problem(status, value.get("problem")), status in (408, 424, 429, 500, 502, 503, 504)
