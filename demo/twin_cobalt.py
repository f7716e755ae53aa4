"""The fraud twin of D3: 8 % of artisanal cobalt in a lot that is sold as segregated and industrial."""

from __future__ import annotations

from dataclasses import replace

from clients.sdk import events
from demo.ask import Question, ask_ahead, tell_answer
from demo.shapes import Json, amount, lot, measured
from demo.stage import Stage

LARGE, BY_HAND, BLEND, HYDROXIDE = "CO-ORE-2", "CO-ORE-HAND", "CO-BLEND-1", "CO-TRUCK-9"
PLANT = "site:copperbelt-plant"
NATIONAL = ("ledger-integrity", "custody-models", "cd-national")
SEGREGATED = Question(
    "cobalt_mine", HYDROXIDE, "custody_model", "refuted", (("model", "segregated"),), rules=("COC.DOWNGRADE", "COC.SEG")
)
BLENDED = Question(
    "cobalt_mine", BLEND, "custody_model", "supported", (("model", "controlled_blending"), ("share", "92")),
    rules=("COC.CB",),
)  # fmt: skip
SUSPENDED = replace(BLENDED, who="agency", answer="refuted", packs=NATIONAL, name="blend-national", rules=())


def play(stage: Stage) -> None:
    """The purchase, the blend, what may be said of it, and what the law says of it."""
    narrator = stage.narrator
    narrator.act(
        "Fraud twin of D3: 8 % bought from diggers, sold as segregated",
        "Mass and metal balance to the kilogram. What does not hold is the word 'segregated'.",
    )
    mix(stage)
    ask_ahead(stage, SEGREGATED, BLENDED, SUSPENDED)
    narrator.say("The plant claims that the hydroxide was kept segregated all the way:")
    tell_answer(stage, SEGREGATED)
    narrator.say("What is true of the blend: 92 % of its metal is of the industrial kind, and that may be claimed.")
    tell_answer(stage, BLENDED)
    narrator.say("The mines agency asks by the law of the DRC: artisanal cobalt is suspended since 19 December 2025.")
    tell_answer(stage, SUSPENDED)


def _ore(mass: str, copper: str, cobalt: str) -> Json:
    return amount(mass, "0", Cu=copper, Co=cobalt)


def mix(stage: Stage) -> None:
    """920 t from the mine, 40 t of twice the grade from diggers, blended, leached."""
    days, mine, diggers = stage.days, stage["cobalt_mine"], stage["diggers"]
    for who, site, name, ore, method, workers in (
        (mine, "site:copperbelt-pit", LARGE, _ore("920000", "1.94", "0.61"), "large_scale", 410),
        (diggers, "site:sunrise-pits", BY_HAND, _ore("40000", "3.88", "1.22"), "artisanal", 300),
    ):
        who.do(
            events.extract(
                days.at(-20, 18), site=site, method=method, workers=workers,
                lots=[lot(name, "copper-cobalt ore", ore)],
                period={"from": days.at(-24), "to": days.at(-20, 17)},
            ),
            f"{int(ore['mass']) // 1000} t of ore, {method.replace('_', ' ')}",
        )  # fmt: skip
    diggers.do(
        events.dispatch(
            days.at(-19, 7), lots=[BY_HAND], consignee=mine.id, start="site:sunrise-pits", end=PLANT,
            transport={"mode": "truck", "seals": ["SD-1"]}, expected=days.at(-19, 18),
        ),
        "40 t sold to the plant",
    )  # fmt: skip
    mine.do(
        events.receive(
            days.at(-19, 15), outcome="accepted", site=PLANT, seals=["SD-1"], lots=[measured(BY_HAND, "40000")]
        ),
        "40 t received",
    )
    mine.do(
        events.transform(
            days.at(-18, 9), process="blend", site=PLANT, model="controlled_blending",
            inputs=[{"lot": LARGE, "mass": "920000"}, {"lot": BY_HAND, "mass": "40000"}],
            outputs=[lot(BLEND, "copper-cobalt ore", _ore("960000", "2.02", "0.6354"))],
        ),
        "960 t, 8 % of its metal dug by hand, under controlled blending",
    )  # fmt: skip
    mine.do(
        events.transform(
            days.at(-16, 18), process="refine", site=PLANT, model="segregated",
            inputs=[{"lot": BLEND, "mass": "400000"}],
            outputs=[lot(HYDROXIDE, "cobalt hydroxide", amount("14000", "55", Co="32"))],
            additions=[{"material": "water", "mass": "400000"}, {"material": "magnesia", "mass": "2000"}],
            losses=[{"kind": "leach residue", "mass": "780000"}],
        ),
        "14.0 t of hydroxide, declared as segregated",
    )  # fmt: skip
