"""The options that many commands share, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Offline = Annotated[bool, typer.Option("--offline", help="Sign now, keep in the queue, send later with `queue push`.")]
Reveal = Annotated[
    list[str],
    typer.Option(
        "--reveal", metavar="MEMBER", help="Sign this member in plain (default: conceal what may be); * for all."
    ),
]
When = Annotated[
    str, typer.Option("--time", help="When it happened, as 2026-12-31T14:30:00Z or 2026-12-31 (default: now).")
]
BodyFile = Annotated[
    Path | None,
    typer.Option("--body", help="JSON or TOML file with further members of the body (- for standard input)."),
]
Assay = Annotated[
    list[str], typer.Option("--assay", metavar="ANALYTE=PERCENT", help="Assay in % of dry mass: Ta2O5=28.5")
]
Mass = Annotated[str, typer.Option("--mass", metavar="KG", help="Wet mass in kg.")]
Moisture = Annotated[str, typer.Option("--moisture", metavar="PERCENT", help="Moisture in % of wet mass.")]
Note = Annotated[str, typer.Option("--note", help="Free text (concealed unless revealed).")]
ClaimType = Annotated[str, typer.Option("--claim", help="Type of claim: see `lodeline rules claims`.")]
Terms = Annotated[list[str], typer.Option("--term", metavar="NAME=VALUE", help="What the claim says.")]
Packs = Annotated[list[str], typer.Option("--pack", help="Judge by these packs instead of the claim's own.")]
Parameters = Annotated[
    list[str], typer.Option("--parameter", metavar="NAME=VALUE", help="Set a parameter of the packs otherwise.")
]
AsOf = Annotated[str, typer.Option("--as-of", help="Judge what was in force on this day (default: today).")]
KnownAsOf = Annotated[str, typer.Option("--known-as-of", help="By what the log held on this day.")]
PackFiles = Annotated[list[Path], typer.Option("--pack-file", help="A rule pack of your own (TOML).")]
ReferenceFiles = Annotated[
    list[str],
    typer.Option("--reference", metavar="DATASET:DATE:FILE", help="Reference data, with the day it was published."),
]
