"""What every command of `lodeline-server` shares: the option for JSON, the database opened, answers and bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.config import Settings

if TYPE_CHECKING:
    from service.storage.checkpoints import CheckpointFile
    from service.storage.engine import Store

EPILOG: Final = "Exit codes: 0 done or sound, 1 refused, refuted or failed, 2 usage or settings."
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]


class Failed(Exception):
    """A command did what it could and the result is bad; the message was shown already when empty."""


def answer(values: dict[str, Any], as_json: bool) -> None:
    """Print the answer of a command: one line per value, or one JSON object."""
    if as_json:
        typer.echo(orjson.dumps(values, default=str).decode())
    else:
        width = max(map(len, values))
        for name, value in values.items():
            shown = orjson.dumps(value).decode() if isinstance(value, dict) else value
            typer.echo(f"{name:<{width}}  {shown}")


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Store, CheckpointFile]]:
    """The database and the file of checkpoints, closed at the end."""
    from service.storage.checkpoints import CheckpointFile
    from service.storage.engine import Store

    store, file = Store(settings.database_url), CheckpointFile(settings.checkpoint_file)
    try:
        yield store, file
    finally:
        file.close()
        store.close()


@contextmanager
def bar(what: str, quiet: bool) -> Iterator[Any]:
    """A progress callback that draws a bar on standard error, when that is a terminal."""
    console = Console(stderr=True, quiet=quiet)
    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
