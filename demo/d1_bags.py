"""How the bags of D1 get into the ledger: site A's as a spreadsheet, those of B and C from a place without a network.

The spreadsheet is what the cooperative's office keeps anyway, in French, with a mapping file. One cell is wrong the
first time (a decimal comma): the dry run names its row and column, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.shapes import tags
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
    narrator.note("The office corrects the cell and sends the list:")
    (folder / "bags.csv").write_bytes(bag_list(stage, bags, wrong=False))
    hilltop.run(*words)


def dig_offline(stage: Stage, lot_b: str, lot_c: str) -> None:
    """Sites B and C have no network: their records are signed on the spot and sent days later."""
    narrator, days, riverside = stage.narrator, stage.days, stage["riverside"]
    narrator.say("Sites B and C have no network. Riverside signs there and then; the queue keeps the records in order.")
    period = ("--from", days.date(-112), "--to", days.date(-83), "--method", "artisanal", "--time", days.at(-83, 16))
    with riverside.no_network():
        for name, site, mass, grade, series, bags in (
            (lot_b, "riverside-B", "880", "29.2", "B", 22),
            (lot_c, "riverside-C", "900", "28.0", "C", 45),
        ):
            options = [word for tag in tags(series, bags) for word in ("--tag", f"{tag['scheme']}:{tag['number']}")]
            riverside.run(
                "extract", name, "--offline", "--site", f"site:{site}", "--mineral", "coltan", "--mass", mass,
                "--moisture", "2", "--assay", f"Ta2O5={grade}", "--workers", "160", "--packages", str(bags),
                *period, *options, lines=6,
            )  # fmt: skip
        riverside.run(
            "dispatch", lot_b, lot_c, "--offline", "--consignee", stage["trader"].id, "--from", "site:riverside-B",
            "--to", "site:lakeside-depot", "--time", days.at(-82, 7), "--expected", days.at(-81, 16),
            "--vehicle", "CGO 4471 AB19", "--seal", "S-2001", "--document", "waybill:WB-118", lines=6,
        )  # fmt: skip
        riverside.run("queue", "list")
    narrator.note("Back in town, with a network:")
    riverside.run("queue", "push")
    stage.learn(riverside, lot_b, lot_c)
