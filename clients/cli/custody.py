"""`lodeline extract | dispatch | receive | settle | transform | close`: what happens to lots."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from clients.cli.options import AsJson, Assay, BodyFile, Mass, Moisture, Note, Offline, Reveal, When

Lots = Annotated[list[str], typer.Argument(help="Lot ids.", metavar="LOT...")]
Lot = Annotated[str, typer.Argument(help="Lot id.")]
Site = Annotated[str, typer.Option("--site", help="Site id.")]
Seals = Annotated[list[str], typer.Option("--seal", help="Seal number.")]
Tags = Annotated[list[str], typer.Option("--tag", metavar="SCHEME:NUMBER", help="Tag on the lot: itsci:CD-004711")]


def extract(
    lot: Lot,
    site: Site,
    mineral: Annotated[str, typer.Option("--mineral", help="What it is.")],
    mass: Mass,
    moisture: Moisture,
    start: Annotated[str, typer.Option("--from", help="First day or time of production.")],
    end: Annotated[str, typer.Option("--to", help="Last day or time of production.")],
    method: Annotated[str, typer.Option("--method", help="artisanal, semi_mechanised or large_scale.")],
    workers: Annotated[str, typer.Option("--workers", help="Workers on shift.")],
    assay: Assay = [],  # noqa: B006 - Typer copies defaults
    tag: Tags = [],  # noqa: B006
    team: Annotated[str, typer.Option("--team", help="Team (concealed unless revealed).")] = "",
    packages: Annotated[str, typer.Option("--packages", help="Number of bags or drums.")] = "",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Commission a lot at a mine. For many lots use `lodeline import extracts`.

    [bold]Example[/]
      lodeline extract LOT-0001 --site site:pit-7 --mineral coltan --mass 40.000 --moisture 2 --assay Ta2O5=28.5
      --tag itsci:CD-004711 --from 2026-10-01 --to 2026-10-31 --method artisanal --workers 120
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, parse_count, parse_tags, parse_when, read_body
    from clients.sdk import events

    new = {"id": lot, "mineral": mineral, "quantity": _quantity(mass, moisture, assay), "tags": parse_tags(tag)}
    members = merge(
        read_body(body),
        site=site,
        period={"from": parse_when(start, "--from"), "to": parse_when(end, "--to", end_of_day=True)},
        method=method,
        workers=parse_count(workers, "--workers"),
        lots=[merge(new, packages=parse_count(packages, "--packages") if packages else None)],
        team=team,
    )
    deliver(events.extract(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


def _quantity(mass: str, moisture: str, assay: list[str]) -> dict[str, Any]:
    from clients.cli.words import parse_pairs

    return {"mass": mass, "moisture": moisture, "assay": parse_pairs(assay, "--assay", "Ta2O5=28.5")}


def dispatch(
    lots: Lots,
    consignee: Annotated[str, typer.Option("--consignee", "-c", help="Participant who will receive.")],
    start: Annotated[str, typer.Option("--from", help="Site that the lots leave.")],
    end: Annotated[str, typer.Option("--to", help="Site that they go to.")],
    expected: Annotated[str, typer.Option("--expected", help="Expected arrival.")],
    mode: Annotated[str, typer.Option("--mode", help="foot, motorcycle, truck, rail, barge, vessel or air.")] = "truck",
    carrier: Annotated[str, typer.Option("--carrier", help="Carrier (concealed unless revealed).")] = "",
    vehicle: Annotated[str, typer.Option("--vehicle", help="Plate or vessel (concealed unless revealed).")] = "",
    driver: Annotated[str, typer.Option("--driver", help="Driver (concealed unless revealed).")] = "",
    seal: Seals = [],  # noqa: B006
    via: Annotated[list[str], typer.Option("--via", metavar="CC:PLACE", help="Place on the way: ZM:Kasumbalesa")] = [],  # noqa: B006
    document: Annotated[list[str], typer.Option("--document", metavar="KIND:NUMBER", help="Paper on the way.")] = [],  # noqa: B006
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Hand lots over to a consignee.

    [bold]Example[/]
      lodeline dispatch LOT-0001 LOT-0002 -c did:web:trader.example --from site:pit-7 --to site:depot-2
      --expected 2026-11-02 --vehicle 'CGO 1234 AB19' --seal S-778 --document waybill:WB-20
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, nested, parse_documents, parse_route, parse_when, read_body
    from clients.sdk import events

    base = read_body(body)
    transport = merge(
        nested(base, "transport"),
        mode=mode,
        carrier=carrier,
        vehicle=vehicle,
        driver=driver,
        seals=seal,
        route=parse_route(via),
    )
    members = merge(
        base,
        lots=lots,
        consignee=consignee,
        transport=transport,
        documents=parse_documents(document),
        expected=parse_when(expected, "--expected", end_of_day=True),
    )
    event = events.dispatch(parse_when(time), start=start, end=end, **members)
    deliver(event, offline=offline, reveal=reveal, as_json=as_json)


def receive(
    lots: Lots,
    site: Site,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse the lots instead of accepting them.")] = False,
    mass: Annotated[
        list[str], typer.Option("--mass", metavar="[LOT=]KG", help="Measured wet mass; with several lots LOT=KG.")
    ] = [],  # noqa: B006
    moisture: Annotated[list[str], typer.Option("--moisture", metavar="[LOT=]PERCENT", help="Measured moisture.")] = [],  # noqa: B006
    assay: Annotated[list[str], typer.Option("--assay", metavar="ANALYTE=PERCENT", help="For a single lot.")] = [],  # noqa: B006
    seal: Seals = [],  # noqa: B006
    note: Note = "",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Accept lots that were dispatched to you, with what you measured, or refuse them.

    [bold]Examples[/]
      lodeline receive LOT-0001 --site site:depot-2 --mass 39.950 --moisture 2
      lodeline receive A B --site site:depot-2 --mass A=39.9 --mass B=40.1
      lodeline receive LOT-0001 --site site:depot-2 --refuse --note 'seal broken'
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import bad, merge, parse_pairs, parse_when, read_body
    from clients.sdk import events

    if assay and len(lots) > 1:
        raise bad("--assay", "With several lots write the assays into a file for --body, or use `lodeline import`.")
    masses, moistures = _per_lot(lots, mass, "--mass"), _per_lot(lots, moisture, "--moisture")
    grades = parse_pairs(assay, "--assay", "Ta2O5=28.5")
    received = [
        merge({"id": lot}, quantity=merge({}, mass=masses.get(lot), moisture=moistures.get(lot), assay=grades))
        for lot in lots
    ]
    base = read_body(body)
    members = merge(
        base, outcome="refused" if refuse else "accepted", site=site, seals=seal, note=note,
        lots=base.get("lots", received),
    )  # fmt: skip
    deliver(events.receive(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


def _per_lot(lots: list[str], words: list[str], option: str) -> dict[str, str]:
    """`KG` for a single lot, `LOT=KG` for several."""
    from clients.cli.words import bad, parse_pairs

    if len(lots) == 1 and len(words) == 1 and "=" not in words[0]:
        return {lots[0]: words[0]}
    pairs = parse_pairs(words, option, "LOT=40.000")
    strange = sorted(set(pairs) - set(lots))
    if strange:
        raise bad(option, f"{strange[0]!r} is none of the lots that you receive.")
    return pairs


def settle(
    lots: Lots,
    note: Note = "",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """End a dispute: agree, as the consignor, on the quantity that the consignee measured (the service tells it).

    [bold]Example[/]: lodeline settle LOT-0001 --note 'dried on the way'
    """
    from clients.cli.deliver import deliver
    from clients.cli.home import Home
    from clients.cli.words import merge, parse_when, read_body
    from clients.sdk import events
    from clients.sdk.errors import LocalError

    base = read_body(body)
    if "lots" not in base:
        if offline:
            raise LocalError("Offline the measured quantities are not known: give them in a file with --body.")
        with Home().client() as client:
            base["lots"] = [_measured(client.lot(lot)) for lot in lots]
    members = merge(base, note=note)
    deliver(events.settle(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


def _measured(lot: dict[str, Any]) -> dict[str, Any]:
    return {"id": lot["id"], "quantity": {name: lot[name] for name in ("mass", "moisture", "assay")}}


def transform(
    process: Annotated[str, typer.Argument(help="split, merge, blend, retag, concentrate, smelt or refine.")],
    site: Site,
    model: Annotated[str, typer.Option("--model", help="identity_preserved, segregated, controlled_blending, ...")],
    source: Annotated[list[str], typer.Option("--input", metavar="LOT=KG", help="Mass taken from a lot.")] = [],  # noqa: B006
    output: Annotated[
        list[str], typer.Option("--output", metavar="'LOT MINERAL KG MOISTURE Co=30.2 ...'", help="A lot that results.")
    ] = [],  # noqa: B006
    addition: Annotated[list[str], typer.Option("--addition", metavar="MATERIAL=KG", help="What was added.")] = [],  # noqa: B006
    loss: Annotated[list[str], typer.Option("--loss", metavar="KIND=KG", help="What was lost.")] = [],  # noqa: B006
    note: Note = "",
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Turn lots into other lots.

    [bold]Example[/]
      lodeline transform merge --site site:depot-2 --model segregated --input LOT-0001=40 --input LOT-0002=40
      --output 'LOT-M1 coltan 80.000 2 Ta2O5=28.5 tag=itsci:N-881'
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, parse_new_lot, parse_pairs, parse_when, read_body
    from clients.sdk import events

    base = read_body(body)
    inputs = [{"lot": lot, "mass": kg} for lot, kg in parse_pairs(source, "--input", "LOT=40.000").items()]
    added = [{"material": what, "mass": kg} for what, kg in parse_pairs(addition, "--addition", "water=10").items()]
    members = merge(
        base,
        process=process,
        site=site,
        model=model,
        inputs=inputs or base.get("inputs", []),
        outputs=[parse_new_lot(text) for text in output],
        additions=added,
        losses=[{"kind": what, "mass": kg} for what, kg in parse_pairs(loss, "--loss", "tailings=3").items()],
        note=note,
    )
    members.setdefault("inputs", [])
    deliver(events.transform(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


def close(
    lots: Lots,
    reason: Annotated[str, typer.Option("--reason", help="sold_out_of_scope, consumed, lost, stolen or seized.")],
    note: Note = "",
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Take lots out of the system.

    [bold]Example[/]: lodeline close LOT-0001 --reason stolen
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, parse_when
    from clients.sdk import events

    members = merge({}, lots=lots, reason=reason, note=note)
    deliver(events.close(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)
