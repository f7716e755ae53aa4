"""Every refusal as an RFC 9457 problem: the one table from error classes to HTTP status codes.

`type` is `urn:lodeline:problem:<code>` and never changes for a code; `title` is the fixed sentence
of the class, `detail` the sentence of this occurrence, which tells a person what to do next;
`pointer` (RFC 6901) names the member at fault and `values` carries what a program branches on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ledger import errors as ledger
from service import errors as service

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:lodeline:problem:"

Refusal = ledger.LedgerError | service.ServiceError

# The most specific class wins: a leaf that is not listed takes the row of its family.
STATUS: dict[type[Exception], int] = {
    ledger.LedgerError: 422,
    ledger.FormatError: 400,
    ledger.SchemaError: 422,
    ledger.TooLarge: 413,
    ledger.KeyFormatError: 422,
    ledger.AuthenticityError: 403,
    ledger.ProofError: 422,
    ledger.CustodyError: 409,
    ledger.WrongAudience: 422,
    ledger.SignerNotAllowed: 403,
    ledger.TimeAhead: 422,
    ledger.TimeBefore: 422,
    ledger.MissingHead: 422,
    ledger.UnknownSubject: 422,
    ledger.UnknownRecord: 422,
    ledger.LotNotHeld: 403,
    ledger.NotConsignee: 403,
    ledger.Overspent: 422,
    ledger.QuantityMismatch: 422,
    ledger.MetalGain: 422,
    ledger.MassGain: 422,
    ledger.EvidenceError: 422,
    service.BadRequest: 400,
    service.BatchRefused: 424,
    service.NotAuthenticated: 401,
    service.Forbidden: 403,
    service.NotFound: 404,
    service.MethodNotAllowed: 405,
    service.Conflict: 409,
    service.UnsupportedMedia: 415,
    service.BodyTooLarge: 413,
    service.TimedOut: 408,
    service.Unavailable: 503,
    service.Internal: 500,
    service.ServiceError: 500,
}


def status_of(error_class: type[Exception]) -> int:
    """The HTTP status of an error class: its own row in the table or that of its family."""
    for ancestor in error_class.__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    return 500


def format_problem(error: Refusal, *, instance: str = "") -> dict[str, Any]:
    """The problem object of one refusal. `instance` identifies the occurrence (the request id)."""
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": title_of(type(error)),
        "status": status_of(type(error)),
        "detail": error.message,
    }
    if error.pointer:
        problem["pointer"] = error.pointer
    if error.values:
        problem["values"] = error.values
    if instance:
        problem["instance"] = instance
    return problem


def format_headers(error: Refusal, *, realm: str = "") -> list[tuple[bytes, bytes]]:
    """The headers that go with a refusal: RFC 6750 challenge, Retry-After, what is allowed."""
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    if isinstance(error, service.NotAuthenticated):
        headers.append((b"www-authenticate", f'Bearer realm="{realm}", error="invalid_token"'.encode()))
    if isinstance(error, service.ServiceError) and error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if isinstance(error, service.MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.values.get("allowed", [])).encode()))
    return headers


def format_body(problem: dict[str, Any]) -> bytes:
    """The bytes of a problem; a value that JSON has no form for is written as text."""
    return orjson.dumps(problem, default=str)


def title_of(error_class: type[Exception]) -> str:
    """The fixed sentence of a class: the first clause of its docstring."""
    line = (error_class.__doc__ or error_class.__name__).strip().splitlines()[0]
    return line.split("; ")[0].rstrip(".").replace("`", "")


def walk_errors(root: type[Exception]) -> Iterator[type[Exception]]:
    """`root` and every class below it in the same room, each once: other programs' own leaves are not ours."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] == root.__module__.partition(".")[0]:
            yield from walk_errors(child)


def codes() -> dict[str, int]:
    """Every problem code that the service can answer, with its status: the table of the documentation."""
    classes = [*walk_errors(ledger.LedgerError), *walk_errors(service.ServiceError)]
    return {ledger.code_of(leaf): status_of(leaf) for leaf in classes}  # type: ignore[arg-type]  # only its name is used
