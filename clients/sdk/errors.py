"""What can go wrong between a client and the service, and the way back from problem+json (RFC 9457) to typed errors.

A refusal by the ledger comes back as the class the ledger raised (`StaleHead`, `Overspent`, ...), with its pointer and
values, so that a caller branches on the same leaf online and offline. What only a client can meet is a `ClientError`.

    LedgerError
    └── ClientError          nothing to do with the record itself
        ├── Unreachable      no answer, or "come back later", after all retries
        │   └── ClusterError the machines that an audit is to be spread over
        ├── ServiceRefused   a problem that no ledger class stands for (values: status, code)
        │   └── NotAuthorised, NotFound
        ├── Misbehaviour     the service's answer does not verify: keep the evidence
        └── LocalError       this machine: files, keys, configuration, queue
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ledger import errors as ledger_errors
from ledger.errors import LedgerError, code_of


class ClientError(LedgerError):
    """Nothing to do with the record itself: network, service or this machine."""


class Unreachable(ClientError):
    """No answer, or "come back later", after all retries; what was signed is still worth sending."""


class ClusterError(Unreachable):
    """The machines that an audit is to be spread over: not there, not set up, of another version, or lost."""


class ServiceRefused(ClientError):
    """The service refused for a reason that no ledger class stands for; values: `status`, `code`."""


class NotAuthorised(ServiceRefused):
    """Not logged in, or not allowed to read or do this (401, 403)."""


class NotFound(ServiceRefused):
    """There is no such thing, or it may not be seen (404)."""


class Misbehaviour(ClientError):
    """The service's answer does not verify: wrong entry, wrong record, wrong log."""


class LocalError(ClientError):
    """Files, keys, configuration or the queue on this machine."""


@cache
def error_classes() -> dict[str, type[LedgerError]]:
    """Code -> class for the whole tree of `ledger.errors`."""
    classes = [c for c in vars(ledger_errors).values() if isinstance(c, type) and issubclass(c, LedgerError)]
    return {code_of(c): c for c in classes}


def problem_code(problem: dict[str, Any]) -> str:
    """The last part of the problem's `type` URI: `urn:lodeline:problem:stale-head` -> `stale-head`."""
    kind = problem.get("type")
    return kind.replace("/", ":").rpartition(":")[2] if isinstance(kind, str) else ""


def parse_problem(status: int, problem: Any) -> LedgerError:
    """The typed error for an RFC 9457 object; anything else becomes a `ServiceRefused` with the status."""
    body: dict[str, Any] = problem if isinstance(problem, dict) else {}
    code = problem_code(body)
    message = str(body.get("detail") or body.get("title") or f"The service answered {status}.")
    pointer, values = body.get("pointer"), body.get("values")
    known = {str(k): v for k, v in values.items()} if isinstance(values, dict) else {}
    known = {k: v for k, v in known.items() if k not in ("message", "pointer", "note")}
    leaf = error_classes().get(code)
    if leaf is not None:
        return leaf(message, pointer=pointer if isinstance(pointer, str) else "", **known)
    refused = {401: NotAuthorised, 403: NotAuthorised, 404: NotFound, 410: NotFound}.get(status, ServiceRefused)
    return refused(message, **{**known, "status": status, "code": code or str(status)})


def parse_problem_bytes(status: int, content: bytes) -> LedgerError:
    """As `parse_problem`, from a body that may not be JSON at all (a proxy's error page)."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    return parse_problem(status, problem)
