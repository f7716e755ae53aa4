"""`lodeline lot`: lots as the service shows them, their way, and their evidence bundle."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.options import AsJson

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Show lots, their history and provenance; fetch evidence bundles."
)

Lot = Annotated[str, typer.Argument(help="Lot id.")]


class Subject(StrEnum):
    """What a bundle is about."""

    LOT = "lot"
    SITE = "site"
    PARTICIPANT = "participant"


@app.command("list")
def list_lots(
    status: Annotated[str, typer.Option("--status", help="held, in_transit, disputed or closed.")] = "",
    mineral: Annotated[str, typer.Option("--mineral", help="Only this mineral.")] = "",
    custodian: Annotated[str, typer.Option("--custodian", help="Only lots held by this participant.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the lots that you may see."""
    from clients.cli.home import Home
    from clients.cli.views import show_items

    columns = ("id", "status", "mineral", "mass", "moisture", "assay", "site", "custodian", "consignee")
    with Home().client() as client:
        lots = client.lots(status=status, mineral=mineral, custodian=custodian)
        show_items(lots, columns, as_json=as_json)


@app.command("show")
def show(lot: Lot, as_json: AsJson = False) -> None:
    """Show a lot as it stands."""
    from clients.cli.home import Home
    from clients.cli.views import show_members

    with Home().client() as client:
        found = client.lot(lot)
    show_members(found if as_json else {**found, "standing": found["standing"]["words"]}, as_json=as_json)


@app.command("history")
def history(lot: Lot, as_json: AsJson = False) -> None:
    """Show the records that moved a lot, and the evidence about it, oldest first."""
    from clients.cli.home import Home
    from clients.cli.views import show_history

    with Home().client() as client:
        show_history(list(client.history(lot)), as_json=as_json)


@app.command("provenance")
def provenance(
    lot: Lot,
    down: Annotated[bool, typer.Option("--down", help="What became of it, instead of where it comes from.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="How many steps.")] = None,
    ranges: Annotated[bool, typer.Option("--ranges", help="Add the range of each share.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a lot comes from: a tree back to the mines, and shares of each metal by site and country.

    [bold]Example[/]: lodeline lot provenance REF-2026-17 --depth 10
    """
    from clients.cli.home import Home
    from clients.cli.views import show_tree

    with Home().client() as client:
        graph = client.provenance(lot, direction="down" if down else "up", depth=depth, intervals=ranges)
    show_tree(graph, as_json=as_json)


@app.command("bundle")
def bundle(
    lot: Annotated[str, typer.Argument(help="Id of the lot, or with --of of a site or participant.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write (default: LOT.bundle.json).")] = None,
    kind: Annotated[Subject, typer.Option("--of", help="What the id is that of.")] = Subject.LOT,
    withhold: Annotated[list[str], typer.Option("--withhold", help="Record whose content is left out.")] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Fetch the evidence bundle of a lot: one file that `lodeline verify` checks offline, years later.

    That of a site or a participant (--of) is for its operator, auditors and authorities.

    [bold]Examples[/]
      lodeline lot bundle REF-2026-17 && lodeline verify REF-2026-17.bundle.json
      lodeline lot bundle site:mine-7 --of site
    """
    import re

    from clients.cli.home import Home
    from clients.cli.output import say, show_json
    from clients.sdk.files import write_atomic

    path = out or Path(re.sub(r"[^A-Za-z0-9._-]", "_", lot) + ".bundle.json")
    with Home().client() as client:
        content = client.bundle(lot, kind=kind.value, hash_only=withhold)
    write_atomic(path, content)
    result = {kind.value: lot, "file": str(path), "bytes": len(content)}
    if as_json:
        show_json(result)
    else:
        say(f"{path} ({len(content)} bytes). Check it with: lodeline verify {path}")
