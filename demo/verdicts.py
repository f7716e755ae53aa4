"""What may be said of the honest chains: claims asked at the command line, with the papers that they rest on."""

from __future__ import annotations

from demo.ask import Question, ask_ahead, tell_answer
from demo.cast import CAST
from demo.d1_coltan import EXPORTED, REFINED
from demo.d2_tin import METAL, TRUCKS
from demo.d3_cobalt import SULPHATE
from demo.stage import Stage

PAGE, PDF = "tantalum-origin.html", "tantalum-origin.pdf"

ORIGIN = Question(
    "tantalum", REFINED, "origin", "supported", (("country", "CD"),), name="tantalum",
    rules=("F-CAPACITY.ASM", "F-MASS", "F-FPRINT"),
)  # fmt: skip
EXPORTABLE = Question(
    "exporter", EXPORTED, "icglr_exportable", "supported", name="coltan",
    rules=("ICGLR.SITE.STATUS", "ICGLR.CERT.90D", "CD.ROYALTY"),
)  # fmt: skip
ALIGNED = Question("tantalum", REFINED, "oecd_aligned", "not_proven", name="tantalum")
TIN = Question(
    "tin_smelter", METAL, "origin", "supported", (("site", "site:northern-tin"),), name="tin",
    rules=("F-CAPACITY.LSM",),
)  # fmt: skip
IMPORT_FILE = Question(
    "tin_smelter", TRUCKS[0], "eu_2017_821_import_file", "supported",
    (("importer", CAST["tin_smelter"].id), ("cn", "26090000")), name="tin", rules=("EU821.SCOPE", "EU821.6"),
)  # fmt: skip
SEGREGATED = Question(
    "cobalt", SULPHATE, "custody_model", "supported", (("model", "segregated"),), name="cobalt",
    rules=("F-MASS", "COC.SEG"),
)  # fmt: skip
QUANTITY = Question(
    "cobalt", SULPHATE, "quantity", "supported", (("kg", "10470"), ("element", "Co")), name="cobalt"
)  # fmt: skip
BATTERY = Question(
    "cobalt", SULPHATE, "eu_battery_due_diligence", "not_proven",
    (
        ("company", CAST["cells"].id), ("early_adopter", "true"), ("model", "NMC-1"), ("allocated_kg", "10000"),
        ("element", "Co"),
    ),
    name="cobalt", rules=("EUBATT.49.COO", "EUBATT.51.NB"),
)  # fmt: skip


def play(stage: Stage) -> None:
    """Three chains, and the claims that each is made for."""
    stage.narrator.act(
        "Verdicts: what may be claimed of the three chains, and why",
        "Every rule says what it rests on. Nothing on file is never a pass. Months of records were entered just now,",
        "so each question sets the two limits of days for late records; the verdict says so.",
    )
    ask_ahead(stage, ORIGIN, ALIGNED, EXPORTABLE, TIN, IMPORT_FILE, SEGREGATED, QUANTITY, BATTERY)
    of_coltan(stage)
    of_tin(stage)
    of_cobalt(stage)


def of_coltan(stage: Stage) -> None:
    """Origin, export, and the OECD guidance, for which something is missing."""
    narrator, refiner = stage.narrator, stage["tantalum"]
    narrator.say("D1. Does the tantalum come from the DRC, all of it? The refiner asks:")
    tell_answer(stage, ORIGIN)
    narrator.note("The bag that fell off is a red flag of F-MASS; an independent visitor looked into it and closed it.")
    refiner.run("verdict", "show", ORIGIN.file, "--html", PAGE, "--pdf", PDF, lines=0)
    narrator.good(f"for people: {refiner.folder / PAGE}")
    narrator.good(f"            {refiner.folder / PDF}")
    narrator.say("Could the concentrate be exported under the ICGLR mechanism? The exporter asks:")
    tell_answer(stage, EXPORTABLE)
    narrator.say("Is it aligned with the OECD guidance? Nothing speaks against it, but not everything is shown:")
    tell_answer(stage, ALIGNED)


def of_tin(stage: Stage) -> None:
    """Origin of the metal, and the importer's file on the first truck."""
    stage.narrator.say("D2. Where does the tin come from?")
    tell_answer(stage, TIN)
    stage.narrator.say("Is the importer's file on the first truck complete? 5 t a year are enough for the duty:")
    tell_answer(stage, IMPORT_FILE)


def of_cobalt(stage: Stage) -> None:
    """The chain-of-custody model, the quantity, and what a battery maker has yet to see."""
    narrator = stage.narrator
    narrator.say("D3. Was the cobalt kept segregated, although 13.5 % of its weight went missing on the road?")
    tell_answer(stage, SEGREGATED)
    narrator.note("On the scale 13.5 % are gone; F-MASS compares dry mass, and nothing but water left the cake.")
    tell_answer(stage, QUANTITY)
    narrator.say(
        "The cell maker, an early adopter, needs the due diligence of the battery regulation. The refiner asks:"
    )
    tell_answer(stage, BATTERY)
