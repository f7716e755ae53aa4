"""A command group that imports a command's module only when that command is asked for.

`lodeline verify` must answer in well under a second, so it may not pay for HTTP, spreadsheets or the other commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from clients.cli.output import UNDECIDED, notify, show_error, show_failure

if TYPE_CHECKING:
    from ledger.errors import LedgerError

# name -> module of clients.cli that holds `app`, or the function in it for a single command
COMMANDS: Mapping[str, str] = {
    "init": "setup:init",
    "key": "keys",
    "participant": "register:participant_app",
    "site": "register:site_app",
    "policy": "register:policy",
    "extract": "custody:extract",
    "dispatch": "custody:dispatch",
    "receive": "custody:receive",
    "settle": "custody:settle",
    "transform": "custody:transform",
    "close": "custody:close",
    "attest": "evidence:attest",
    "incident": "evidence:incident",
    "correct": "evidence:correct",
    "import": "imports:import_file",
    "queue": "queues",
    "lot": "lots",
    "claim": "claims:claim",
    "verdict": "claims:verdict_app",
    "portfolio": "portfolios:portfolio",
    "risk": "claims:risk",
    "rules": "rules",
    "grant": "access:grant_app",
    "disclose": "access:disclose",
    "erase": "access:erase",
    "verify": "verify:verify",
    "audit": "audits:audit",
    "witness": "witnesses",
}

# What only reading reference data and writing verdicts for people needs (pyproject.toml, extra `rules`)
RULES = frozenset({"anyascii", "jinja2", "pycountry", "rapidfuzz", "shapely", "typst"})


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`, loaded one at a time; errors of the tree become one message and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._table = COMMANDS
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # filled by get_command, in this order

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now if it was not before."""
        if cmd_name in self._table and self.commands.get(cmd_name) is None:
            self.commands[cmd_name] = load_command(cmd_name, self._table[cmd_name])
        return self.commands.get(cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Notes whether JSON is asked for, so that an error can be told in it."""
        ctx.obj = {"json": "--json" in args}
        with _written_out():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what the ledger or the client refuses is shown, never a traceback."""
        from ledger.errors import LedgerError

        try:
            with _written_out():
                try:
                    return super().invoke(ctx)
                except LedgerError as error:
                    raise typer.Exit(show_error(error, as_json=ctx.obj["json"])) from error
                except ModuleNotFoundError as error:
                    raise typer.Exit(show_error(_missing(error), as_json=ctx.obj["json"])) from error
        except typer.Abort as error:  # no, or no answer, to a question: nothing was done
            notify("Stopped: nothing was done.")
            raise typer.Exit(UNDECIDED) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(130) from error


def _missing(error: ModuleNotFoundError) -> LedgerError:
    """What to install for a package of the extra `rules`; any other that is missing is raised again."""
    from clients.sdk.errors import LocalError

    if error.name not in RULES:
        raise error
    return LocalError(f"This needs the package {error.name}: install the extra, pip install 'lodeline[rules]'.")


@contextmanager
def _written_out() -> Iterator[None]:
    """An answer that cannot be written (a closed pipe, a full disk) is no answer: exit code 2, whatever it was."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        raise typer.Exit(show_failure(error)) from error
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # rich ends with 1 then, which means refuted here
            raise typer.Exit(UNDECIDED) from error
        raise


def load_command(name: str, place: str) -> Any:
    """The Typer app or function at `module[:member]`, as a command called `name`."""
    module, _, member = place.partition(":")
    target = getattr(import_module(f"clients.cli.{module}"), member or "app")
    if not isinstance(target, typer.Typer):
        single = typer.Typer(rich_markup_mode="rich", add_completion=False)
        single.command(name)(target)
        target = single
    command = typer.main.get_command(target)
    command.name = name
    return command
