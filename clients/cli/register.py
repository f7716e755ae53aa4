"""`lodeline participant`, `lodeline site` and `lodeline policy`: the register."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.options import AsJson, BodyFile, Offline, Reveal, When

participant_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Enrol participants (registrar), show and list them."
)
site_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Register sites, show and list them.")

Country = Annotated[str, typer.Option("--country", help="ISO 3166-1 code: CD")]


@participant_app.command("enrol")
def enrol(
    participant: Annotated[str, typer.Argument(help="Participant id, a DID or URI.", metavar="ID")],
    country: Country,
    role: Annotated[list[str], typer.Option("--role", help="producer, trader, exporter, smelter, refiner, ...")],
    key: Annotated[list[Path], typer.Option("--key", help="File with a public key (`lodeline key export`).")] = [],  # noqa: B006 - Typer copies it
    name: Annotated[str, typer.Option("--name", help="Legal name.")] = "",
    address: Annotated[str, typer.Option("--address", help="Address.")] = "",
    identifier: Annotated[list[str], typer.Option("--identifier", help="lei=..., gln=..., cid=...")] = [],  # noqa: B006
    status: Annotated[str, typer.Option("--status", help="active, suspended or closed.")] = "active",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Enrol a participant, or amend one that is enrolled. The registrar signs; names are concealed unless revealed.

    [bold]Example[/]
      lodeline participant enrol did:web:mine.example --country CD --role producer --key mine.jwk --name 'Mine Ltd'
    """
    from clients.cli.deliver import deliver
    from clients.cli.keys import read_jwk
    from clients.cli.words import merge, parse_pairs, parse_when, read_body
    from clients.sdk import events

    members = merge(
        read_body(body),
        id=participant,
        country=country,
        roles=role,
        status=status,
        keys=[read_jwk(path) for path in key],
        identifiers=parse_pairs(identifier, "--identifier", "lei=529900T8BM49AURSDO55"),
        name=name,
        address=address,
    )
    deliver(events.participant(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


@participant_app.command("show")
def show_participant(
    participant: Annotated[str, typer.Argument(metavar="ID", help="Default: yourself.")] = "", as_json: AsJson = False
) -> None:
    """Show a participant."""
    from clients.cli.home import Home
    from clients.cli.views import show_members

    home = Home()
    with home.client() as client:
        show_members(client.participant(participant or home.config().participant), as_json=as_json)


@participant_app.command("list")
def list_participants(as_json: AsJson = False) -> None:
    """List all participants."""
    from clients.cli.home import Home
    from clients.cli.views import show_items

    with Home().client() as client:
        show_items(client.participants(), ("id", "country", "roles", "status"), as_json=as_json)


@site_app.command("add")
def add_site(
    site: Annotated[str, typer.Argument(help="Site id.", metavar="ID")],
    kind: Annotated[str, typer.Option("--kind", help="mine, depot, warehouse, plant, smelter, refinery, port, ...")],
    country: Country,
    subdivision: Annotated[str, typer.Option("--subdivision", help="ISO 3166-2 code: CD-NK")],
    mineral: Annotated[list[str], typer.Option("--mineral", help="What is mined or handled here.")],
    operator: Annotated[str, typer.Option("--operator", help="Participant id (default: yourself).")] = "",
    method: Annotated[str, typer.Option("--method", help="artisanal, semi_mechanised or large_scale.")] = "",
    point: Annotated[str, typer.Option("--point", help="Longitude,latitude in degrees: 29.0619,-1.9641")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Number of the mining title.")] = "",
    name: Annotated[str, typer.Option("--name", help="Name of the site.")] = "",
    workers: Annotated[str, typer.Option("--workers", help="Capacity: number of workers.")] = "",
    kg_per_month: Annotated[str, typer.Option("--kg-per-month", help="Capacity in kg per month.")] = "",
    status: Annotated[str, typer.Option("--status", help="active, inactive or abandoned.")] = "active",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Register a site, or amend one. Name, licence and exact location are concealed unless revealed.

    [bold]Example[/]
      lodeline site add site:pit-7 --kind mine --country CD --subdivision CD-NK --mineral coltan
      --method artisanal --point 29.0619,-1.9641 --workers 120 --kg-per-month 792
    """
    from clients.cli.deliver import deliver
    from clients.cli.home import Home
    from clients.cli.words import bad, merge, parse_count, parse_when, read_body
    from clients.sdk import events

    longitude, comma, latitude = point.partition(",")
    if point and not (comma and latitude):
        raise bad("--point", f"{point!r}: write longitude,latitude, for example 29.0619,-1.9641.")
    members = merge(
        read_body(body),
        id=site,
        kind=kind,
        operator=operator or Home().config().participant,
        country=country,
        subdivision=subdivision,
        minerals=mineral,
        status=status,
        method=method,
        location={"type": "Point", "coordinates": [longitude.strip(), latitude.strip()]} if point else {},
        licence=licence,
        name=name,
        capacity=merge({}, workers=parse_count(workers, "--workers") if workers else None, kg_per_month=kg_per_month),
    )
    deliver(events.site(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


@site_app.command("show")
def show_site(site: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Show a site."""
    from clients.cli.home import Home
    from clients.cli.views import show_members

    with Home().client() as client:
        show_members(client.site(site), as_json=as_json)


@site_app.command("list")
def list_sites(as_json: AsJson = False) -> None:
    """List all sites."""
    from clients.cli.home import Home
    from clients.cli.views import show_items

    with Home().client() as client:
        show_items(client.sites(), ("id", "kind", "country", "subdivision", "operator", "status"), as_json=as_json)


def policy(
    mass: Annotated[str, typer.Option("--mass", help="Tolerance in % for the wet mass of a transform.")],
    metal: Annotated[str, typer.Option("--metal", help="Tolerance in % for contained metal.")],
    receipt: Annotated[str, typer.Option("--receipt", help="Tolerance in % for dry mass at a receipt.")],
    skew: Annotated[int, typer.Option("--skew", help="Seconds by which a signer's clock may be ahead.")],
    entries: Annotated[str, typer.Option("--entries", help="Who may read the log's entries: members or public.")],
    time: When = "",
    as_json: AsJson = False,
) -> None:
    """Change the custody policy of the log from here on. The registrar signs; every value is stated anew.

    [bold]Example[/]
      lodeline policy --mass 0.5 --metal 2 --receipt 1 --skew 300 --entries members
    """
    from clients.cli.deliver import deliver
    from clients.cli.home import Home
    from clients.cli.words import parse_when
    from clients.sdk import events

    with Home().client() as client:
        origin = client.origin
    tolerance = {"mass": mass, "metal": metal, "receipt": receipt}
    changed = events.policy(parse_when(time), origin, tolerance=tolerance, skew=skew, entries=entries)
    deliver(changed, offline=False, as_json=as_json)
