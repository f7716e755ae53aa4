"""`lodeline-server reference`: loading lists, and seeing what is there and how old it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.config import Settings
from service.console import EPILOG, Failed, JsonOption, answer, opened

app = typer.Typer(
    help="Reference data that rules judge by: sanctions lists, registers, acts, protected areas.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(
    epilog="Example: lodeline-server reference load ofac_sdn SDN.XML --published 2026-11-20 "
    "--source 'sanctions list service of OFAC'   " + EPILOG
)
def load(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(help="Name of the data set, as `reference status` lists it.")],
    file: Annotated[Path, typer.Argument(help="The publisher's file, unpacked.", exists=True, dir_okay=False)],
    published: Annotated[str, typer.Option(help="Day on which the publisher served it as current, YYYY-MM-DD.")],
    source: Annotated[str, typer.Option(help="Where it was taken from: an address, or words.")],
    as_json: JsonOption = False,
) -> None:
    """Keep a file as the snapshot of a day. It is never overwritten; an empty or shrunken file is refused."""
    from service.adapters.reference_file import read_reference_file
    from service.usecases.reference import check_step, load_snapshot

    settings: Settings = ctx.obj
    raw = read_reference_file(file)
    with opened(settings) as (store, _):
        check_step(store)
        done = load_snapshot(store, dataset, raw, published=published, source=source, now=int(time.time()))
    answer({**done.stored._asdict(), "new": done.fresh}, as_json)


@app.command(epilog="Example: lodeline-server reference status   " + EPILOG)
def status(
    ctx: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a loaded list is stale.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Every data set: newest snapshot, age, limit, and whether rules still take it. A missing one is not stale."""
    from service.usecases.reference import check_step, describe_datasets

    settings: Settings = ctx.obj
    with opened(settings) as (store, _):
        check_step(store)
        found = describe_datasets(store, now=int(time.time()))
    if as_json:
        typer.echo(orjson.dumps({"datasets": found}).decode())
    else:
        _show("dataset published age limit rows digest state", map(_status_cells, found))
    if strict and any(one["count"] and one["stale"] for one in found):
        raise Failed


def _status_cells(one: dict[str, Any]) -> list[str]:
    if not one["snapshots"]:
        return [one["dataset"], "-", "-", str(one["stale_after"]), "-", "-", "missing"]
    newest = one["snapshots"][0]
    days = [newest["published"], str(one["age"]), str(one["stale_after"])]
    state = "stale" if one["stale"] else "current"
    return [one["dataset"], *days, str(newest["rows"]), newest["digest"][:12], state]


@app.command("list", epilog="Example: lodeline-server reference list ofac_sdn   " + EPILOG)
def list_loaded(
    ctx: typer.Context,
    dataset: Annotated[str | None, typer.Argument(help="Only this data set.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Every snapshot, by data set and day."""
    from service.usecases.reference import check_step, list_snapshots

    settings: Settings = ctx.obj
    with opened(settings) as (store, _):
        check_step(store)
        found = list_snapshots(store, dataset)
    if as_json:
        typer.echo(orjson.dumps({"snapshots": [one._asdict() for one in found]}).decode())
    else:
        rows = ([one.dataset, one.published, str(one.rows), str(one.size), one.digest, one.source] for one in found)
        _show("dataset published rows bytes digest source", rows)


def _show(columns: str, rows: Any) -> None:
    """A table that is as wide as it needs to be: digests are never cut."""
    table = Table(*columns.split(), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=400, highlight=False).print(table)
