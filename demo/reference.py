"""The operator loads what rules judge by: registers, acts, rates, sanctions lists; all invented (demo/data)."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from demo.days import Days
from demo.narrator import Narrator
from demo.together import run_together

DATA = Path(__file__).resolve().parent / "data"
FILES = (
    "icglr_sites.csv",
    "orders.csv",
    "royalties.csv",
    "transit_countries.csv",
    "eu_cahra.json",
    "un_sanctions.xml",
    "ofac_sdn.xml",
    "eu_sanctions.xml",
)


def load(narrator: Narrator, folder: Path) -> tuple[str, ...]:
    """Every file as the snapshot of today; what `lodeline verify` needs to find them: `DATASET:DATE:FILE`."""
    narrator.say("The operator loads reference data that rules judge by; every list here is invented.")
    today = Days(int(time.time())).date(0)
    shutil.copytree(DATA, folder / "reference")
    commands = [_command(name, today) for name in FILES]
    for words in commands:
        narrator.command(("lodeline-server", *words))
    run_together(folder, commands, {})
    return tuple(f"{name.partition('.')[0]}:{today}:{folder / 'reference' / name}" for name in FILES)


def _command(name: str, day: str) -> tuple[str, ...]:
    dataset = name.partition(".")[0]
    words = ("load", dataset, f"reference/{name}", "--published", day, "--source", "the demo")
    return ("--state", "service", "reference", *words)
