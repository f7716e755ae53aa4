"""The fraud twin of D1: coltan of a red mine is sold as that of site A. Every record is well formed and signed.

The ledger takes what it cannot refute: signatures and balances are in order. The rules do the rest.
"""

from __future__ import annotations

from clients.sdk import events
from demo.ask import Question, ask
from demo.papers import Paper, attested, file_papers
from demo.papers_d1 import RATIOS, REFERENCE, SPREAD, shifted
from demo.shapes import Json, amount, lot, measured
from demo.stage import Stage

BAGS = tuple(f"COLTAN-T-{n:02}" for n in range(1, 53))
OWN_TAGS = 41  # of the bags; the others bear tags of site D
TWIN = "COLTAN-TWIN"
ODDS = ("2", "1.5", "1", "0.4", "0.2", "0.0675")
"""How far the bag's ratios lie from the centre, in spreads of the reference samples: together D2 = 41."""
TOLD = (
    "F-TAGREUSE", "F-CAPACITY.ASM", "F-CAPACITY.ASM.GROSS", "F-SPILLOVER", "F-ROUND", "F-SPEED", "F-FPRINT",
)  # fmt: skip


def play(stage: Stage) -> None:
    """Site A's month after its neighbour turned red, and what the rules say of it."""
    narrator = stage.narrator
    narrator.act(
        "Fraud twin of D1: the month after the neighbour turned red",
        "Signed by the right keys, in balance, and taken by the ledger. What gives it away is what it says.",
    )
    first, last = stage.days.month_around(-36)
    narrator.say("Site D turns red. In the month that follows, site A next door declares 2,600 kg instead of 640.")
    turn_red(stage, first - 3)
    dig(stage, first, last)
    drive(stage, last + 1)
    narrator.say("The exporter asks whether it may sell this as coltan of site A:")
    ask(stage, Question("exporter", TWIN, "origin", "refuted", (("site", "site:hilltop-A"),), rules=TOLD))
    narrator.note("One of these would be an oddity. Together they tell whose coltan it is.")


def turn_red(stage: Stage, day: int) -> None:
    """The agency closes site D."""
    stage["agency"].attest(
        stage.days.at(day, 9), "site_status", ["site:shadow-D"], "site:shadow-D is red", old="green", status="red",
        effective=stage.days.date(day), act="ARR-D-301", authority=stage["agency"].id,
    )  # fmt: skip


def _tag(number: int) -> Json:
    series, count = ("A", 20 + number) if number <= OWN_TAGS else ("D", number - OWN_TAGS)
    return {"scheme": "itsci", "number": f"CD-{series}-{count:04}"}


def dig(stage: Stage, first: int, last: int) -> None:
    """52 bags of exactly 50.0 kg; 11 of their tags belong to site D; one is sampled by the laboratory."""
    days = stage.days
    lots = [
        lot(bag, "coltan", amount("50.0", "2", Ta2O5="28.5"), tags=[_tag(n)], packages=1)
        for n, bag in enumerate(BAGS, 1)
    ]
    stage["hilltop"].do(
        events.extract(
            days.at(last, 17), site="site:hilltop-A", method="artisanal", workers=120, lots=lots,
            period={"from": days.at(first, 6), "to": days.at(last, 16)},
        ),
        "52 bags of 50.0 kg each, 2,600 kg in one month, 120 diggers",
    )  # fmt: skip
    ratios = [shifted(centre, spread, odd) for centre, spread, odd in zip(REFERENCE, SPREAD, ODDS, strict=True)]
    sample: Paper = attested(
        stage, "laboratory", days.at(last, 18), "fingerprint", [BAGS[6]], "a bag, before homogenising",
        sample="FP-T-07", method="LA-ICP-MS", stage="before_homogenising",
        ratios=dict(zip(RATIOS, ratios, strict=True)),
    )  # fmt: skip
    file_papers(stage, [sample])


def drive(stage: Stage, day: int) -> None:
    """40 km as the crow flies in 25 minutes, on dirt roads; then all of it becomes one lot."""
    days, exporter = stage.days, stage["exporter"]
    stage["hilltop"].do(
        events.dispatch(
            days.at(day, 8), lots=BAGS, consignee=exporter.id, start="site:hilltop-A", end="site:export-plant",
            transport={"mode": "truck", "seals": ["S-9001"]}, expected=days.at(day, 18),
        ),
        "52 bags leave at 08:00",
        reveal=(),
    )  # fmt: skip
    exporter.do(
        events.receive(
            days.at(day, 8, 25), outcome="accepted", site="site:export-plant", seals=["S-9001"],
            lots=[measured(bag, "50.0") for bag in BAGS],
        ),
        "52 bags arrive at 08:25, 40 km away",
    )  # fmt: skip
    exporter.do(
        events.transform(
            days.at(day, 12), process="merge", site="site:export-plant", model="segregated",
            inputs=[{"lot": bag, "mass": "50.0"} for bag in BAGS],
            outputs=[
                lot(
                    TWIN, "coltan", amount("2600", "2", Ta2O5="28.5"), packages=1,
                    tags=[{"scheme": "itsci", "number": "CD-T-0001"}],
                )
            ],
        ),
        "one lot of 2,600 kg",
    )  # fmt: skip
