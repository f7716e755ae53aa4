"""What may be said of the honest chains: claims asked at the command line, with the papers that they rest on."""

from __future__ import annotations

from demo.ask import ask
from demo.d1_coltan import EXPORTED, REFINED
from demo.d2_tin import METAL, TRUCKS
from demo.d3_cobalt import SULPHATE
from demo.stage import Stage

PAGE, PDF = "tantalum-origin.html", "tantalum-origin.pdf"


def play(stage: Stage) -> None:
    """Three chains, and the claims that each is made for."""
    stage.narrator.act(
        "Verdicts: what may be claimed of the three chains, and why",
        "Every rule says what it rests on. Nothing on file is never a pass. Months of records were entered just now,",
        "so each question sets the two limits of days for late records; the verdict says so.",
    )
    of_coltan(stage)
    of_tin(stage)
    of_cobalt(stage)


def of_coltan(stage: Stage) -> None:
    """Origin, export, and the OECD guidance, for which something is missing."""
    narrator, refiner = stage.narrator, stage["tantalum"]
    narrator.say("D1. Does the tantalum come from the DRC, all of it? The refiner asks:")
    ask(
        stage, "tantalum", REFINED, "origin", "supported", terms={"country": "CD"}, name="tantalum",
        rules=("F-CAPACITY.ASM", "F-MASS", "F-FPRINT"),
    )  # fmt: skip
    narrator.note("The bag that fell off is a red flag of F-MASS; an independent visitor looked into it and closed it.")
    refiner.run("verdict", "show", "tantalum-origin.json", "--html", PAGE, "--pdf", PDF, lines=0)
    narrator.good(f"for people: {refiner.folder / PAGE}")
    narrator.good(f"            {refiner.folder / PDF}")
    narrator.say("Could the concentrate be exported under the ICGLR mechanism? The exporter asks:")
    ask(
        stage, "exporter", EXPORTED, "icglr_exportable", "supported", name="coltan",
        rules=("ICGLR.SITE.STATUS", "ICGLR.CERT.90D", "CD.ROYALTY"),
    )  # fmt: skip
    narrator.say("Is it aligned with the OECD guidance? Nothing speaks against it, but not everything is shown:")
    ask(stage, "tantalum", REFINED, "oecd_aligned", "not_proven", name="tantalum")


def of_tin(stage: Stage) -> None:
    """Origin of the metal, and the importer's file on the first truck."""
    narrator, smelter = stage.narrator, stage["tin_smelter"]
    narrator.say("D2. Where does the tin come from?")
    ask(stage, "tin_smelter", METAL, "origin", "supported", terms={"site": "site:northern-tin"}, name="tin",
        rules=("F-CAPACITY.LSM",))  # fmt: skip
    narrator.say("Is the importer's file on the first truck complete? 5 t a year are enough for the duty:")
    ask(
        stage, "tin_smelter", TRUCKS[0], "eu_2017_821_import_file", "supported", name="tin",
        terms={"importer": smelter.id, "cn": "26090000"}, rules=("EU821.SCOPE", "EU821.6"),
    )  # fmt: skip


def of_cobalt(stage: Stage) -> None:
    """The chain-of-custody model, the quantity, and what a battery maker has yet to see."""
    narrator, cells = stage.narrator, stage["cells"]
    narrator.say("D3. Was the cobalt kept segregated, although 13.5 % of its weight went missing on the road?")
    ask(
        stage, "cobalt", SULPHATE, "custody_model", "supported", name="cobalt", terms={"model": "segregated"},
        rules=("F-MASS", "COC.SEG"),
    )  # fmt: skip
    narrator.note("On the scale 13.5 % are gone; F-MASS compares dry mass, and nothing but water left the cake.")
    ask(stage, "cobalt", SULPHATE, "quantity", "supported", name="cobalt", terms={"kg": "10470", "element": "Co"})
    narrator.say("The cell maker, an early adopter, asks for the due diligence of the battery regulation:")
    terms = {"company": cells.id, "early_adopter": "true", "model": "NMC-1", "allocated_kg": "10000", "element": "Co"}
    ask(
        stage, "cobalt", SULPHATE, "eu_battery_due_diligence", "not_proven", name="cobalt", terms=terms,
        rules=("EUBATT.49.COO", "EUBATT.51.NB"),
    )  # fmt: skip
