"""D2: industrial tin. Ore x grade x recovery must meet what was sold and what is still in stock.

One month: 34,000 t of ore at 4.0 % Sn and 75 % recovery give 1,020 t of tin in 1,619 t of concentrate at 63 % (dry);
trucks take about 27 t each. Three of them go to the smelter, the rest stays as stock.
"""

from __future__ import annotations

from clients.sdk import events
from demo import papers_d2
from demo.figures import contained, kilograms, percent, tonnes
from demo.shapes import Json, amount, lot, measured, route
from demo.stage import Stage

ORE, CONCENTRATE, TAILINGS = "TIN-ORE-1", "TIN-CONC-1", "TIN-TAILINGS-1"
TRUCKS = ("TIN-TRUCK-1", "TIN-TRUCK-2", "TIN-TRUCK-3")
ARRIVED = {"TIN-TRUCK-1": "27010", "TIN-TRUCK-2": "26985", "TIN-TRUCK-3": "26990"}
METAL, SLAG = "TIN-METAL-1", "TIN-SLAG-1"
PLANT, SMELTER = "site:northern-tin-plant", "site:estuary-smelter"


def play(stage: Stage) -> None:
    """The month, three trucks, the smelter's heat, and the closing balance."""
    stage.narrator.act(
        "D2  Industrial tin: ore, concentrate, trucks, metal, and the closing balance",
        "One mine with its own plant, one smelter. No bag tags: quantities must close.",
    )
    mine_and_concentrate(stage)
    send_trucks(stage)
    smelt(stage)
    close_the_month(stage)


def tin(mass: str, grade: str) -> Json:
    """A quantity in dry kg; grade: % Sn."""
    return amount(mass, "0", Sn=grade)


def mine_and_concentrate(stage: Stage) -> None:
    """34,000 t of ore become 1,619 t of concentrate and 32,381 t of tailings."""
    days, mine = stage.days, stage["tin_mine"]
    papers_d2.licence_mine(stage)
    stage.narrator.say("A month of mining: 34,000 t of ore at 4.0 % Sn go through the plant, recovery 75 %.")
    mine.do(
        events.extract(
            days.at(-32, 6), site="site:northern-tin", method="large_scale", workers=640,
            period={"from": days.at(-62), "to": days.at(-32)},
            lots=[lot(ORE, "cassiterite", tin("34000000", "4.0"))],
        ),
        "34,000 t of ore, 1,360 t Sn contained",
    )  # fmt: skip
    mine.do(
        events.transform(
            days.at(-31, 6), process="concentrate", site=PLANT, model="identity_preserved",
            inputs=[{"lot": ORE, "mass": "34000000"}],
            outputs=[
                lot(CONCENTRATE, "tin concentrate", tin("1619000", "63"), packages=1619),
                lot(TAILINGS, "tailings", tin("32381000", "1.05"), role="residue"),
            ],
        ),
        "1,619 t of concentrate at 63 % in 1-t bags, 32,381 t of tailings at 1.05 %",
    )  # fmt: skip
    stage["laboratory"].attest(
        days.at(-30, 9), "assay", [CONCENTRATE], "63.0 % Sn", sample="SMP-SN-7", protocol="ISO 12743",
        laboratory=stage["laboratory"].id, method="XRF", moisture="0",
        grades={"Sn": {"value": "63.0", "uncertainty": "0.2"}},
    )  # fmt: skip


def send_trucks(stage: Stage) -> None:
    """Three trucks of 27 t are loaded, dispatched and received; scales differ a little."""
    days, mine, smelter = stage.days, stage["tin_mine"], stage["tin_smelter"]
    stage.narrator.say("Three trucks of 27 t leave; the smelter's scale differs by a few kilograms, within 1 %.")
    mine.do(
        events.transform(
            days.at(-28, 6), process="split", site=PLANT, model="identity_preserved",
            inputs=[{"lot": CONCENTRATE, "mass": "81000"}],
            outputs=[lot(truck, "tin concentrate", tin("27000", "63"), packages=27) for truck in TRUCKS],
        ),
        "81 t loaded on three trucks",
    )  # fmt: skip
    papers_d2.clear_trucks(stage, TRUCKS)
    for n, truck in enumerate(TRUCKS):
        mine.do(
            events.dispatch(
                days.at(-28 + n, 9), lots=[truck], consignee=smelter.id, start=PLANT, end=SMELTER,
                transport={
                    "mode": "truck", "seals": [f"NT-70{n}"], "vehicle": f"UBK 10{n}T",
                    "route": route("UG:Kasese", "KE:Mombasa"),
                },
                documents=[{"kind": "waybill", "number": f"NT-88{n}"}], expected=days.at(-3, 18),
            ),
            f"{truck}: 27 bags, 27 t",
            reveal=(),
        )  # fmt: skip
    for n, (truck, mass) in enumerate(ARRIVED.items()):
        smelter.do(
            events.receive(
                days.at(-3, 8 + n), outcome="accepted", site=SMELTER, seals=[f"NT-70{n}"], lots=[measured(truck, mass)]
            ),
            f"{truck}: {mass} kg",
        )
    papers_d2.import_file(stage, ARRIVED)


def smelt(stage: Stage) -> None:
    """80,985 kg at 63 % hold 51,020.55 kg of tin; 97.5 % becomes metal."""
    stage.narrator.say("The smelter makes metal: 51.02 t of tin in, 49.77 t of ingots out, the rest is in the slag.")
    stage["tin_smelter"].do(
        events.transform(
            stage.days.at(-2, 18), process="smelt", site=SMELTER, model="segregated",
            inputs=[{"lot": truck, "mass": mass} for truck, mass in ARRIVED.items()],
            outputs=[
                lot(METAL, "tin", tin("49770", "99.95"), packages=1991),
                lot(SLAG, "slag", tin("24000", "5"), role="residue"),
            ],
        ),
        "49,770 kg of tin at 99.95 %, 24 t of slag at 5 %",
    )  # fmt: skip


def close_the_month(stage: Stage) -> None:
    """A stocktake of what was not sold, and the balance from what the log says."""
    days, mine, smelter = stage.days, stage["tin_mine"], stage["tin_smelter"]
    stage.narrator.say("Produced is not sold: the stocktake explains the difference, and the balance closes.")
    mine.attest(
        days.at(-1, 17), "stocktake", [CONCENTRATE], "1,538 t of concentrate in the yard",
        site=PLANT, material="tin concentrate", opening="0", closing="1538000", method="bag count",
    )  # fmt: skip
    ore, made, waste = (mine.client.lot(one) for one in (ORE, CONCENTRATE, TAILINGS))
    sold = [smelter.client.lot(truck) for truck in TRUCKS]
    metal, slag = smelter.client.lot(METAL), smelter.client.lot(SLAG)
    sent = {**made, "mass": "81000"}
    stock = {**made, "mass": made["left"]}
    stage.check(made["left"] == "1538000", "the stock in the log is what the stocktake counted")
    rows = [
        ("ore mined", tonnes(ore["mass"]), contained(ore, "Sn"), "100.0 %"),
        ("  concentrate made", tonnes(made["mass"]), contained(made, "Sn"), percent(made, ore, "Sn")),
        ("  tailings", tonnes(waste["mass"]), contained(waste, "Sn"), percent(waste, ore, "Sn")),
        ("  sold, three trucks", tonnes(sent["mass"]), contained(sent, "Sn"), percent(sent, ore, "Sn")),
        ("  in stock", tonnes(stock["mass"]), contained(stock, "Sn"), percent(stock, ore, "Sn")),
        ("smelter received", tonnes(kilograms(sold)), contained(sold, "Sn"), "100.0 %"),
        ("  metal", tonnes(metal["mass"]), contained(metal, "Sn"), percent(metal, sold, "Sn")),
        ("  slag", tonnes(slag["mass"]), contained(slag, "Sn"), percent(slag, sold, "Sn")),
    ]
    stage.narrator.table("Closing balance, from the quantities in the log", ("", "dry t", "t Sn", "of the tin"), rows)
