"""Entry point of `lodeline`.

Exit codes: 0 done or verified; 1 refused or refuted; 2 nothing was decided (usage, files, network): try again.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from clients.cli.lazy import LazyGroup

EPILOG = "Exit codes: 0 done or verified, 1 refused or refuted, 2 usage, files or network. Home folder: $LODELINE_HOME."

app = typer.Typer(
    name="lodeline",
    cls=LazyGroup,
    help="Signed custody records of minerals: submit them, follow a lot, verify everything without trusting anybody.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lodeline {version('lodeline')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Signed custody records of minerals: submit them, follow a lot, verify everything without trusting anybody."""


def main() -> None:
    """Run the command line; where stdout or stderr is closed (`>&-`, some services), what would stand there is lost."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    sys.stderr = sys.stderr or sys.stdout
    app(prog_name="lodeline")


if __name__ == "__main__":
    main()
