"""Gold, a short one: 60 kg produced, 73 kg exported."""

from __future__ import annotations

from clients.sdk import events
from demo.ask import Question, ask
from demo.papers import attested, file_papers
from demo.shapes import amount, lot
from demo.stage import Stage

DORE = "GOLD-1"


def play(stage: Stage) -> None:
    """What a gold house declares as mined, and what it declares for export."""
    days, house = stage.days, stage["gold_house"]
    stage.narrator.act(
        "Gold: production 60 kg, exports 73 kg",
        "No lot is asked about here, but a company: an auditor compares what it declares with what it declares.",
    )
    first, last = days.month_around(-36)
    house.do(
        events.extract(
            days.at(last, 17), site="site:lakeshore-placers", method="artisanal", workers=850,
            period={"from": days.at(first, 6), "to": days.at(last, 16)},
            lots=[lot(DORE, "gold", amount("60", "0", Au="88"))],
        ),
        "60 kg of dore",
    )  # fmt: skip
    file_papers(stage, [
        attested(
            stage, "gold_house", days.at(last + 2 + n, 9), "export", [house.id], f"{net} kg to AE",
            declaration=f"AU-70{n}", code_system="HS", code="710812", net=net, exporter=house.id, destination="AE",
        )
        for n, net in enumerate(("41", "32"))
    ])  # fmt: skip
    conduct = Question(
        "auditor", house.id, "conduct", "refuted", packs=("fraud",), rules=("F-OVEREXPORT",), name="gold-house"
    )
    ask(stage, conduct)
