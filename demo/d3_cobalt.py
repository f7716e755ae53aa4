"""D3: cobalt hydroxide that dries on the way, and the sulphate made of it.

A truck takes 25.0 t wet at 55 % moisture: 11.25 t dry at 32 % are 3.60 t of cobalt. It arrives with 48 % moisture and
weighs 21.6 t: on the scale 13.5 % are missing, on the dry basis nothing is. Refined at 97 % recovery to CoSO4.7H2O.
"""

from __future__ import annotations

from fractions import Fraction

from clients.sdk import events
from demo import papers_d3
from demo.figures import contained, dry_kg, fixed, metal_kg, tonnes
from demo.shapes import amount, lot, measured, route
from demo.stage import Stage

ORE, CATHODE, SULPHATE = "CO-ORE-1", "CU-CATHODE-1", "CO-SULPHATE-1"
TRUCKS = ("CO-TRUCK-1", "CO-TRUCK-2", "CO-TRUCK-3")
PLANT, REFINERY = "site:copperbelt-plant", "site:blue-salt"
LOADED = amount("25000", "55", Co="32")
DRIED = {"mass": "21634.615", "moisture": "48"}


def play(stage: Stage) -> None:
    """From the pit to the sulphate."""
    stage.narrator.act(
        "D3  Cobalt: hydroxide trucks that dry on the way, refined to sulphate",
        "A copper-cobalt mine with its plant, a haulier, a refinery in Finland.",
    )
    make_hydroxide(stage)
    drive(stage)
    arrive(stage)
    refine(stage)


def make_hydroxide(stage: Stage) -> None:
    """2,250 t of ore at 0.61 % Co and 1.94 % Cu give three trucks of hydroxide and copper cathode."""
    days, mine = stage.days, stage["cobalt_mine"]
    stage.narrator.say("2,250 t of ore at 0.61 % Co become three trucks of hydroxide: 25.0 t each, 55 % of it water.")
    mine.do(
        events.extract(
            days.at(-58, 18), site="site:copperbelt-pit", method="large_scale", workers=410,
            period={"from": days.at(-60), "to": days.at(-58, 17)},
            lots=[lot(ORE, "copper-cobalt ore", amount("2250000", "0", Cu="1.94", Co="0.61"))],
        ),
        "2,250 t of ore, 13.7 t Co and 43.7 t Cu contained",
    )  # fmt: skip
    mine.do(
        events.transform(
            days.at(-55, 18), process="refine", site=PLANT, model="identity_preserved",
            inputs=[{"lot": ORE, "mass": "2250000"}],
            outputs=[
                *(lot(truck, "cobalt hydroxide", LOADED) for truck in TRUCKS),
                lot(CATHODE, "copper", amount("37100", "0", Cu="99.99"), role="by_product"),
            ],
            additions=[
                {"material": "water", "mass": "900000"},
                {"material": "sulphuric acid", "mass": "60000"},
                {"material": "magnesia", "mass": "8000"},
            ],
            losses=[{"kind": "leach residue", "mass": "3100000"}],
        ),
        "3 x 25.0 t of hydroxide at 32 % Co, 37.1 t of copper cathode",
    )  # fmt: skip


def drive(stage: Stage) -> None:
    """Through Zambia to the port; the haulier reports a checkpoint."""
    days, mine, refiner = stage.days, stage["cobalt_mine"], stage["cobalt"]
    papers_d3.clear_trucks(stage, TRUCKS)
    stage.narrator.say("The trucks cross into Zambia at Kasumbalesa; the haulier reports the crossing and the seals.")
    mine.do(
        events.dispatch(
            days.at(-54, 5), lots=TRUCKS, consignee=refiner.id, start=PLANT, end=REFINERY,
            transport={
                "mode": "truck", "seals": ["CC-501", "CC-502", "CC-503"], "carrier": "Corridor Haulage",
                "vehicle": "BAL 7701 to 7703", "driver": "licences ZM-118, ZM-204, ZM-371",
                "route": route("ZM:Kasumbalesa", "ZA:Durban", "FI:Kokkola"),
            },
            documents=[{"kind": "quota-permit", "number": "Q-2207"}], expected=days.at(-8), price="68 % payable",
        ),
        "three trucks, 75.0 t wet (carrier, vehicles, drivers, price concealed)",
        reveal=(),
    )  # fmt: skip
    stage["haulier"].attest(
        days.at(-53, 9), "checkpoint", TRUCKS, "Kasumbalesa passed, seals whole, nothing paid",
        place="Kasumbalesa", at=days.at(-53, 7), seals=["CC-501", "CC-502", "CC-503"], payments="none",
    )  # fmt: skip


def arrive(stage: Stage) -> None:
    """The cake has dried: a naive scale says 13.5 % are gone, the dry basis says nothing is."""
    days, refiner, narrator = stage.days, stage["cobalt"], stage.narrator
    narrator.say("Seven weeks later the cake has dried to 48 % moisture, and each truck weighs 21.6 t.")
    refiner.do(
        events.receive(
            days.at(-7, 10), outcome="accepted", site=REFINERY, seals=["CC-501", "CC-502", "CC-503"],
            lots=[measured(truck, DRIED["mass"], DRIED["moisture"]) for truck in TRUCKS],
        ),
        "three trucks, 64.9 t wet",
    )  # fmt: skip
    truck = refiner.client.lot(TRUCKS[0])
    stage.check(truck["status"] == "held", "a truck that only dried must be accepted, not disputed")
    wet = (1 - Fraction(DRIED["mass"]) / Fraction(LOADED["mass"])) * 100
    dry = abs(1 - dry_kg(truck) / dry_kg(LOADED)) * 100
    dry_t = fixed(dry_kg(truck) / 1000, 2)
    rows = [
        ("loaded", tonnes("25000"), "55 %", tonnes("11250", 2), contained(LOADED, "Co")),
        ("arrived", tonnes(truck["mass"]), f"{truck['moisture']} %", dry_t, contained(truck, "Co")),
        ("difference", f"-{fixed(wet, 1)} %", "", f"{fixed(dry, 3)} %", "none"),
    ]
    narrator.table("One truck", ("", "wet t", "moisture", "dry t", "t Co"), rows)
    narrator.note(f"On the scale {fixed(wet, 1)} % are missing; the ledger compares dry mass and metal, and accepts.")


def refine(stage: Stage) -> None:
    """10.80 t of cobalt at 97 % recovery are 49.95 t of sulphate heptahydrate at 20.97 % Co."""
    refiner, narrator = stage["cobalt"], stage.narrator
    narrator.say("Refined at 97 % recovery to cobalt sulphate, CoSO4.7H2O, with 20.97 % Co.")
    inputs = [{"lot": truck, "mass": DRIED["mass"]} for truck in TRUCKS]
    refiner.do(
        events.transform(
            stage.days.at(-3, 16), process="refine", site=REFINERY, model="segregated", inputs=inputs,
            outputs=[lot(SULPHATE, "cobalt sulphate", amount("49950", "0", Co="20.97"), packages=50)],
            additions=[{"material": "sulphuric acid", "mass": "18000"}],
            losses=[{"kind": "water and magnesium liquor", "mass": "32900"}],
        ),
        "49.95 t of sulphate at 20.97 % Co",
    )  # fmt: skip
    lots = [refiner.client.lot(truck) for truck in TRUCKS]
    made = refiner.client.lot(SULPHATE)
    recovery = metal_kg(made, "Co") / metal_kg(lots, "Co") * 100
    narrator.note(
        f"{contained(lots, 'Co')} t Co in, {contained(made, 'Co')} t Co out: {fixed(recovery, 1)} % recovery, "
        f"{tonnes('16650')} t of sulphate per truck."
    )
    papers_d3.sell_to_batteries(stage, SULPHATE)
