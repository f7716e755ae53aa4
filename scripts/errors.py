"""The page docs/formats/errors.md, from the error trees of ledger/ and service/ and the table of status codes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ledger.errors import LedgerError, code_of
from service.api.problems import MEDIA_TYPE, TYPE_PREFIX, status_of
from service.errors import ServiceError

PREAMBLE = f"""\
# Errors: every refusal and its code

Generated from `ledger/errors.py`, `service/errors.py` and `service/api/problems.py` by `make pages`;
`make check` compares. Codes are stable: a program branches on them, never on the sentences.

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


def rows(error: type[Exception], depth: int = 0) -> Iterator[str]:
    """One row for a class and for each below it."""
    sentence = " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split()).rstrip(".")
    indent = "&nbsp;&nbsp;" * depth
    yield f"| {indent}`{code_of(error)}` | {status_of(error)} | {sentence} |"  # type: ignore[arg-type]  # any class has a name
    for child in error.__subclasses__():
        yield from rows(child, depth + 1)


def format_page() -> str:
    """The whole page."""
    lines = [PREAMBLE]
    for title, root in (("What the ledger refuses", LedgerError), ("What the service refuses", ServiceError)):
        lines += [f"## {title}", "", "| code | HTTP | |", "|---|---|---|"]
        for family in root.__subclasses__():
            lines += rows(family)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
