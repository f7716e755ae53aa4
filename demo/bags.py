"""Site A's bag list as the cooperative's office sends it: a CSV from a spreadsheet in French, with a mapping file.

One cell is wrong the first time (a decimal comma): the dry run names its row and column, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.stage import Stage

HEADER = "Sac;Site;Lot de production;Début;Fin;Minerai;Poids net (kg);Humidité %;Teneur Ta2O5;Étiquette;Remarques"
WRONG_BAG = 9
"""This bag's weight is written with a decimal comma the first time."""

MAPPING = """\
# How the columns of our bag list are called; what is the same for every row stands under [defaults].
encoding = "cp1252"
delimiter = ";"
timezone = "Africa/Lubumbashi"
ignore = ["Remarques"]

[columns]
lot = "Sac"
site = "Site"
group = "Lot de production"
from = "Début"
to = "Fin"
mineral = "Minerai"
mass = "Poids net (kg)"
moisture = "Humidité %"
tags = "Étiquette"

[assay]
Ta2O5 = "Teneur Ta2O5"

[defaults]
method = "artisanal"
workers = "118"
tag_scheme = "itsci"
"""


def bag_list(stage: Stage, bags: Sequence[str], *, wrong: bool) -> bytes:
    """The file: one row a bag, semicolons, Windows line ends and character set."""
    days, rows = stage.days, [HEADER]
    for n, bag in enumerate(bags, 1):
        mass = "40,0" if wrong and n == WRONG_BAG else "40.0"
        period = f"{days.date(-110)};{days.date(-82)}"
        rows.append(f"{bag};site:hilltop-A;{days.month(-82)};{period};coltan;{mass};2;28.5;CD-A-{n:04};pesé au site")
    return "".join(f"{row}\r\n" for row in rows).encode("cp1252")


def import_bags(stage: Stage, bags: Sequence[str]) -> None:
    """Dry run with a bad row, the row corrected, import."""
    hilltop, narrator = stage["hilltop"], stage.narrator
    narrator.say(
        "Hilltop sends the sixteen bags of its month as the spreadsheet that it keeps anyway. First a dry run:"
    )
    folder = hilltop.folder
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (folder / "bags.csv").write_bytes(bag_list(stage, bags, wrong=True))
    before = stage.size()
    words = ("import", "extracts", "bags.csv", "--mapping", "mapping.toml")
    hilltop.run(*words, "--dry-run", code=1)
    stage.check(stage.size() == before, "a dry run must not store anything")
    narrator.note("The office corrects the cell, checks again, and sends:")
    (folder / "bags.csv").write_bytes(bag_list(stage, bags, wrong=False))
    hilltop.run(*words, "--dry-run")
    hilltop.run(*words)
