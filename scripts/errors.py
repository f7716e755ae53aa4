"""The page docs/formats/errors.md, from the three error trees and the table of status codes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from clients.sdk.errors import ClientError
from ledger.errors import LedgerError, code_of
from service.api.problems import MEDIA_TYPE, TYPE_PREFIX, status_of
from service.errors import ServiceError

TREES = frozenset({"ledger.errors", "service.errors", "clients.sdk.errors"})
PREAMBLE = f"""\
# Errors: every refusal and its code

Generated from `ledger/errors.py`, `service/errors.py`, `service/api/problems.py` and `clients/sdk/errors.py` by
`make pages`; `make check` compares. Codes are stable: a program branches on them, never on the sentences.

Over HTTP a refusal is an RFC 9457 problem, `{MEDIA_TYPE}`:

| member | |
|---|---|
| `type` | `{TYPE_PREFIX}<code>` |
| `title` | the sentence of the table below |
| `status` | as in the table, repeated from the status line |
| `detail` | what happened here and what to do next, for a person |
| `pointer` | RFC 6901 JSON Pointer to the member at fault, when there is one |
| `values` | what a program needs to go on, for example `subject` and `head` of a `stale-head` |
| `instance` | id of the request, as in the service's log |

On the command line the same refusal is one sentence on standard error, or with `--json` an object with
`code`, `message`, `pointer` and `values`. Nothing is stored for a record that is refused.

In the tables a family stands before its members; whoever does not know a member may treat it
as its family.
"""


def children(error: type[Exception]) -> list[type[Exception]]:
    """The classes directly below, of the three trees and not of a program that happens to be loaded."""
    return [child for child in error.__subclasses__() if child.__module__ in TREES]


def rows(error: type[Exception], depth: int = 0) -> Iterator[str]:
    """One row for a class and for each below it; a client's own errors never cross HTTP."""
    sentence = " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split()).rstrip(".")
    indent = "&nbsp;&nbsp;" * depth
    status = "" if issubclass(error, ClientError) else str(status_of(error))
    yield f"| {indent}`{code_of(error)}` | {status} | {sentence} |"  # type: ignore[arg-type]  # any class has a name
    for child in children(error):
        yield from rows(child, depth + 1)


def format_page() -> str:
    """The whole page."""
    ledger = [family for family in children(LedgerError) if family is not ClientError]
    lines = [PREAMBLE]
    for title, families in (
        ("What the ledger refuses", ledger),
        ("What the service refuses", children(ServiceError)),
        ("What only a client meets", [ClientError]),
    ):
        lines += [f"## {title}", "", "| code | HTTP | |", "|---|---|---|"]
        for family in families:
            lines += rows(family)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
