"""What people and programs see: rich tables, or JSON with `--json`; errors with what to do next."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import LedgerError

if TYPE_CHECKING:
    from rich.console import Console

DONE, REFUSED, UNDECIDED = 0, 1, 2
NARROWEST_COLUMN = 11
"""Characters with the border; ids cannot be read in less."""

_MARKS = {
    "supported": "green", "low": "green", "supported_with_plan": "yellow", "review": "yellow", "not_proven": "yellow",
    "red_flag": "yellow", "insufficient_evidence": "yellow", "elevated": "yellow", "unknown": "yellow", "high": "red",
    "not_applicable": "dim",
    "accepted": "green", "verified": "green", "pass": "green", "held": "green", "active": "green",
    "queued": "yellow", "blocked": "yellow", "incomplete": "yellow", "in_transit": "yellow", "skipped": "yellow",
    "refused": "red", "refuted": "red", "fail": "red", "disputed": "red", "revoked": "red",
    "closed": "dim", "dropped": "dim",
}  # fmt: skip


_COLOURED = ("state", "status", "outcome", "answer", "level")


def console(*, stderr: bool = False) -> Console:
    """A console on the current stdout or stderr; where it is no terminal $COLUMNS wide, or 200 so that ids fit."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 200
    return Console(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def show_json(value: Any) -> None:
    """One JSON document on stdout. Control characters in texts, and those that turn text around, are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("".join(one if one.isprintable() or one == "\n" else _escape(one) for one in text) + "\n")


def _escape(sign: str) -> str:
    """As JSON writes a character in ASCII."""
    return json.dumps(sign)[1:-1]


def clean(value: Any) -> str:
    """A value as text for a terminal: control characters and markup of foreign data are made harmless."""
    from rich.markup import escape

    text = "" if value is None else str(value)
    return escape("".join(sign if sign.isprintable() or sign == " " else "\ufffd" for sign in text))


def mark(state: Any) -> str:
    """A state in its colour."""
    colour = _MARKS.get(str(state), "")
    return f"[{colour}]{clean(state)}[/]" if colour else clean(state)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; a column called `state`, `status`, `outcome`, `answer` or `level` is coloured.

    On a screen too narrow for it each row becomes a few lines, `column: value`.
    """
    coloured = {index for index, name in enumerate(columns) if name in _COLOURED}
    cells = [[mark(cell) if index in coloured else clean(cell) for index, cell in enumerate(row)] for row in rows]
    screen = console()
    if screen.width < len(columns) * NARROWEST_COLUMN:
        screen.print("\n".join([f"[bold]{clean(title)}[/]"] * bool(title) + [_lines(columns, row) for row in cells]))
        return
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*row)
    screen.print(table)


def _lines(columns: Sequence[str], row: Sequence[str]) -> str:
    """The cells of a row that are not empty, a line each, and an empty line."""
    return "".join(f"[bold]{name}[/]: {cell}\n" for name, cell in zip(columns, row, strict=True) if cell)


def say(text: str, *, style: str = "") -> None:
    """One line for people; `text` is taken as it is."""
    console().print(clean(text), style=style or None)


def notify(text: str) -> None:
    """One line for people on stderr, beside whatever is on stdout; above a progress bar that is moving."""
    console(stderr=True).print(clean(text))


def show_result(*, as_json: bool, **members: Any) -> None:
    """A few members: one JSON object, or a line each."""
    if as_json:
        show_json(members)
        return
    for name, value in members.items():
        say(f"{name}: {value}")


def _further(faults: Any) -> list[dict[str, Any]]:
    """The faults after the first, which is the message; none where a service sends something else under this name."""
    return [one for one in faults[1:] if isinstance(one, dict)] if isinstance(faults, list) else []


def exit_code(error: LedgerError) -> int:
    """1 for what was refused or refuted, 2 for what could not be decided here and now."""
    from clients.sdk.errors import LocalError, Unreachable

    return UNDECIDED if isinstance(error, (LocalError, Unreachable)) else REFUSED


def show_error(error: LedgerError, *, as_json: bool = False) -> int:
    """Tell an error on stderr (with JSON also on stdout); the exit code."""
    code = exit_code(error)
    if as_json:
        show_json({"error": error.to_json(), "exit": code})
        return code
    screen = console(stderr=True)
    screen.print(f"[bold red]{error.code}[/]: {clean(error.message)}")
    if error.pointer:
        screen.print(f"  at [bold]{clean(error.pointer)}[/]")
    for fault in _further(error.values.get("faults")):
        screen.print(f"  at [bold]{clean(fault.get('pointer'))}[/]: {clean(fault.get('message'))}")
    for name, value in error.values.items():
        if name not in ("fault", "faults", "status", "code"):  # told already, or of use to programs alone
            screen.print(f"  [dim]{clean(name)}: {clean(value)}[/]")
    return code


def show_failure(error: OSError) -> int:
    """Tell, as far as it can still be told, that an answer or a file could not be written; the exit code."""
    with contextlib.suppress(OSError, ValueError):  # a reader that went away wants no message
        if not isinstance(error, BrokenPipeError):
            what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
            console(stderr=True).print(f"[bold red]local-error[/]: Not all could be written ({clean(what)}).")
    with contextlib.suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())  # Python flushes it once more at the end
        os.close(sink)
    return UNDECIDED
