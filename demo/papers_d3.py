"""The papers of a cobalt chain: traceability certificates, royalty, sales, and a company that makes batteries."""

from __future__ import annotations

from collections.abc import Sequence

from demo.papers import PAPER_DIGEST, attested, file_papers
from demo.stage import Stage

CATEGORIES = [
    "air", "water", "soil", "biodiversity", "hazardous-substances", "noise-vibration", "plant-safety", "energy",
    "waste", "health-safety", "child-labour", "forced-labour", "discrimination", "trade-unions", "community-life",
]  # fmt: skip
"""Categories of risk of Annex X of Regulation (EU) 2023/1542."""


def clear_trucks(stage: Stage, trucks: Sequence[str]) -> None:
    """Inspection, royalty, certificate of traceability and export declaration of three trucks."""
    days, mine, agency = stage.days, stage["cobalt_mine"], stage["agency"].id
    stage.narrator.say("Quota, certificate of traceability, 10 % royalty, export declaration.")
    file_papers(stage, [
        attested(
            stage, "agency", days.at(-216, 10), "inspection", ["site:copperbelt-pit"], "the pit", number="INSP-K-07",
            date=days.date(-216), office="Provincial division of mines", armed_presence="none", safety="good",
            children={"under_15": 0, "aged_15_to_18": 0}, environment="minor", workforce=410,
            more={"result": "conform"},
        ),
        attested(
            stage, "agency", days.at(-55, 20), "payment", trucks, "10 % royalty", kind="royalty",
            purpose="royalty on strategic minerals", payer=mine.id, payee="General revenue office",
            payee_class="government", authority=agency, amount="27000.00", currency="USD", date=days.date(-55),
            method="bank", receipt="RY-5501",
        ),
        attested(
            stage, "agency", days.at(-55, 21), "certificate", trucks, "certificate of traceability",
            scheme="conformity", country="CD", number="CD-T-118", exporter=mine.id,
            importer=stage["cobalt"].role.name, description="Cobalt hydroxide 32 %", ore="cobalt hydroxide",
            mass="75000", origins=["CD"], shipment=days.date(-54), route=["ZM", "ZA"], authority=agency,
            verifier="Head of verification", validator="Provincial director", verified=days.date(-55),
            issued=days.date(-55), expires=days.date(30),
        ),
        attested(
            stage, "cobalt_mine", days.at(-54, 4), "export", trucks, "HS 282200", declaration="SAD-5501",
            code_system="HS", code="282200", net="75000", value="270000.00", currency="USD", route=["ZM", "ZA"],
            exporter=mine.id, destination="FI",
        ),
        attested(
            stage, "cobalt_mine", days.at(-54, 4), "ownership", trucks, "sold to Blue Salt", seller=mine.id,
            buyer=stage["cobalt"].id, incoterm="CIF",
        ),
    ])  # fmt: skip


def sell_to_batteries(stage: Stage, sulphate: str) -> None:
    """The refiner sells on; the cell maker, an early adopter, puts its own due diligence on file."""
    days, refiner, cells = stage.days, stage["cobalt"], stage["cells"]
    span = {"from": days.at(-30), "until": days.at(330), "result": "conform"}
    year = int(days.date(0)[:4]) - 1
    stage.narrator.say(
        "A cell maker in Germany buys the sulphate, and keeps the file that batteries need from 2027 on."
    )
    file_papers(stage, [
        attested(
            stage, "cobalt", days.at(-2, 9), "ownership", [sulphate], "sold to Cell Maker", seller=refiner.id,
            buyer=cells.id, incoterm="DAP",
        ),
        attested(
            stage, "cobalt", days.at(-2, 10), "certificate", [sulphate], "cobalt sulphate heptahydrate",
            scheme="conformity", country="FI", number="FI-88", exporter=refiner.id, importer=cells.role.name,
            description="Cobalt sulphate heptahydrate 20.97 %", mass="49950", origins=["CD"],
            authority=stage["agency"].id, verified=days.date(-2), issued=days.date(-2), expires=days.date(300),
        ),
        attested(
            stage, "cells", days.at(-2, 11), "risk_assessment", [cells.id, sulphate], "all of Annex X",
            scope="cobalt", date=days.date(-2), assessed=CATEGORIES, red_flags=[],
        ),
        attested(
            stage, "auditor", days.at(-2, 12), "audit", [cells.id, sulphate], "its policy, by a notified body",
            facility=cells.id, scheme="EU-2023-1542", standard="Article 51", metals=["Co"],
            body="Independent auditor", more=span,
        ),
        attested(
            stage, "cells", days.at(-2, 13), "annual_report", [cells.id, sulphate], str(year), year=year,
            url="https://cell-maker.example/report", digest=PAPER_DIGEST,
        ),
    ])  # fmt: skip
