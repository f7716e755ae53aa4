"""D1: artisanal coltan, from tagged bags over a trader and an exporter to tantalum powder.

Site A's honest month is 640 kg in 16 bags of 40 kg at 28.5 % Ta2O5; A, B and C are consolidated to 2,400 kg; the
exporter upgrades to 30.0 % and sells a lot of 5,000 kg, which travels through RW and TZ.
"""

from __future__ import annotations

from clients.sdk import events
from demo import papers_d1
from demo.d1_bags import dig_offline, import_bags
from demo.shapes import amount, coltan, lot, measured, route, tags
from demo.stage import Stage
from ledger.errors import LotDisputed

AGENCY = "did:web:mines-agency.example"
BAGS_A = tuple(f"COLTAN-A-{n:02}" for n in range(1, 17))
LOT_B, LOT_C, LOT_E = "COLTAN-B", "COLTAN-C", "COLTAN-E"
CONSOLIDATED, EXPORTED, TAILINGS, REFINED = "COLTAN-N1", "COLTAN-X1", "COLTAN-X1-tailings", "TANTALUM-1"


def play(stage: Stage) -> None:
    """The whole chain; leaves the refined lot for the verification scenes."""
    stage.narrator.act(
        "D1  Artisanal coltan: bags with tags, consolidated, upgraded, exported, refined",
        "Three small sites in North Kivu, a trader, an exporter, a refiner in Austria.",
    )
    prepare(stage)
    import_bags(stage, BAGS_A)
    stage.learn(stage["hilltop"], *BAGS_A)
    dig_offline(stage, LOT_B, LOT_C)
    attest_bags(stage)
    bring_to_depot(stage)
    dispute(stage)
    consolidate(stage)
    upgrade(stage)
    export(stage)
    refine(stage)


def prepare(stage: Stage) -> None:
    """The agency visits the sites, declares them green and allocates tags; what was dug before."""
    stage.narrator.say("The mines agency inspects the sites, declares them green and hands out numbered tags.")
    papers_d1.declare_green(stage)
    stage.narrator.say("Site A has a past: what it dug in the months before is on record.")
    papers_d1.dig_before(stage)


def attest_bags(stage: Stage) -> None:
    """Weighing, laboratory assay, payments, and the signed statement that nothing else was paid."""
    stage.narrator.say("Site A's bags are weighed and sampled; what it paid is recorded, the amount concealed.")
    days, hilltop = stage.days, stage["hilltop"]
    hilltop.attest(
        days.at(-80, 10), "weighing", BAGS_A, "16 bags, 640 kg net", gross="644.8", tare="4.8", net="640",
        scale="SC-17", calibrated=days.date(-140), uncertainty="0.2",
    )  # fmt: skip
    stage["laboratory"].attest(
        days.at(-79, 15), "assay", BAGS_A, "28.5 % Ta2O5, moisture 2 %", sample="SMP-A-07", protocol="ISO 10277",
        witness="tag manager of the agency", laboratory=stage["laboratory"].id, accreditation="ISO 17025 LAB 88",
        method="XRF", stage="before_homogenising", moisture="2", reveal=(),
        grades={"Ta2O5": {"value": "28.5", "uncertainty": "0.3"}, "Nb2O5": {"value": "22.1"}},
        impurities={"U3O8": {"value": "0.06"}, "ThO2": {"value": "0.02"}},
    )  # fmt: skip
    hilltop.attest(
        days.at(-79, 16), "payment", BAGS_A, "provincial tax paid (amount concealed)", kind="tax", reveal=(),
        purpose="provincial mining tax", payer=hilltop.id, payee="Provincial revenue office", payee_class="government",
        authority=AGENCY, amount="412.00", currency="USD", date=days.date(-79), method="bank", receipt="TX-90211",
    )  # fmt: skip
    papers_d1.fingerprint(stage, BAGS_A[6])


def bring_to_depot(stage: Stage) -> None:
    """Site A's bags travel by motorcycle and arrive as they left."""
    stage.narrator.say("Site A's sixteen bags go down to the trader's depot and arrive as they left.")
    days, trader = stage.days, stage["trader"]
    stage["hilltop"].do(
        events.dispatch(
            days.at(-78, 6), lots=BAGS_A, consignee=trader.id, start="site:hilltop-A", end="site:lakeside-depot",
            transport={"mode": "motorcycle", "seals": ["S-1001", "S-1002"], "driver": "licence CD-NK-20771"},
            documents=[{"kind": "logbook", "number": "LB-A-0713"}], expected=days.at(-77, 18), price="USD 38 per kg",
        ),
        "16 bags to the depot (driver, price and papers concealed)",
        reveal=(),
    )  # fmt: skip
    trader.do(
        events.receive(
            days.at(-77, 11), outcome="accepted", site="site:lakeside-depot", seals=["S-1001", "S-1002"],
            lots=[measured(bag, "40") for bag in BAGS_A],
        ),
        "16 bags, 640 kg, seals whole",
    )  # fmt: skip


def dispute(stage: Stage) -> None:
    """One bag of site C did not arrive: the lot is disputed until the sender agrees to what was measured."""
    narrator, days, trader = stage.narrator, stage.days, stage["trader"]
    narrator.say("Riverside declared 45 bags from site C, 900 kg. The depot counts 44 bags, 880 kg: a dispute.")
    trader.do(
        events.receive(
            days.at(-81, 15), outcome="accepted", site="site:lakeside-depot", seals=["S-2001"],
            lots=[measured(LOT_B, "880"), measured(LOT_C, "880")],
            note="one bag of site C is missing",
        ),
        "site B as declared; site C 2.2 % short",
        reveal=(),
    )  # fmt: skip
    narrator.note("Until both sides agree, nobody can use the lot:")
    stage.refused(LotDisputed, lambda: trader.do(_merge(days.at(-76, 8)), "consolidation too early"))
    narrator.note("Riverside finds that the bag fell off and agrees to what the depot measured:")
    stage["riverside"].run(
        "settle", LOT_C, "--note", "bag with tag CD-C-0045 lost on the way", "--time", days.at(-76, 12)
    )
    stage.learn(trader, LOT_C)
    stage["agency"].attest(
        days.at(-76, 14), "tag_state", [LOT_C], "tag CD-C-0045 is void",
        tag={"scheme": "itsci", "number": "CD-C-0045"}, state="lost",
    )  # fmt: skip


def _merge(time: str) -> events.Event:
    """640 kg at 28.5 %, 880 at 29.2 and 880 at 28.0 make 2,400 kg at 28.57 % Ta2O5."""
    inputs = [{"lot": bag, "mass": "40"} for bag in BAGS_A] + [{"lot": one, "mass": "880"} for one in (LOT_B, LOT_C)]
    output = lot(CONSOLIDATED, "coltan", coltan("2400", "28.57"), tags=tags("N", 24), packages=24)
    return events.transform(
        time, process="merge", site="site:lakeside-depot", model="segregated", inputs=inputs, outputs=[output]
    )


def consolidate(stage: Stage) -> None:
    """The trader merges A, B and C, and sells to the exporter."""
    days, trader, exporter = stage.days, stage["trader"], stage["exporter"]
    stage.narrator.say("The trader consolidates A + B + C to 2,400 kg under new tags and delivers to the exporter.")
    trader.do(_merge(days.at(-75, 9)), "18 lots become one of 2,400 kg at 28.57 % Ta2O5")
    _hand_over(stage, "trader", "exporter", CONSOLIDATED, "2400", -74, ("site:lakeside-depot", "site:export-plant"))
    trader.attest(
        days.at(-73, 12), "ownership", [CONSOLIDATED], "sold (price and contract concealed)", reveal=(),
        seller=trader.id, buyer=exporter.id, contract="C-2291", incoterm="DAP", price="106080.00", currency="USD",
    )  # fmt: skip
    stage.narrator.say("Ridge Mining, a small mechanised mine, delivers 3,050 kg at 29.0 % straight to the exporter.")
    stage["ridge"].do(
        events.extract(
            days.at(-84, 17), site="site:ridge-E", method="semi_mechanised", workers=64,
            period={"from": days.at(-113), "to": days.at(-84, 16)},
            lots=[lot(LOT_E, "coltan", coltan("3050", "29.0"), packages=61, tags=tags("E", 61))],
        ),
        "61 bags, 3,050 kg",
    )  # fmt: skip
    _hand_over(stage, "ridge", "exporter", LOT_E, "3050", -76, ("site:ridge-E", "site:export-plant"))


def _hand_over(stage: Stage, sender: str, receiver: str, name: str, mass: str, day: int, way: tuple[str, str]) -> None:
    days = stage.days
    stage[sender].do(
        events.dispatch(
            days.at(day, 7), lots=[name], consignee=stage[receiver].id, start=way[0], end=way[1],
            transport={"mode": "truck", "seals": [f"S-3{-day:03}"], "vehicle": f"CGO 30{-day} AC22"},
            expected=days.at(day + 1, 18),
        ),
        f"{name} on its way",
        reveal=(),
    )  # fmt: skip
    stage[receiver].do(
        events.receive(
            days.at(day + 1, 10), outcome="accepted", site=way[1], seals=[f"S-3{-day:03}"],
            lots=[measured(name, mass)],
        ),
        f"{name} arrived, {mass} kg",
    )  # fmt: skip


def upgrade(stage: Stage) -> None:
    """2,400 kg at 28.57 % and 3,050 kg at 29.0 % give 5,000 kg at 30.0 % and tailings."""
    stage.narrator.say("The exporter upgrades both lots to 30.0 % Ta2O5: 5,000 kg, and 430 kg of tailings at 12 %.")
    days, exporter = stage.days, stage["exporter"]
    exporter.do(
        events.transform(
            days.at(-68, 14), process="concentrate", site="site:export-plant", model="segregated",
            inputs=[{"lot": CONSOLIDATED, "mass": "2400"}, {"lot": LOT_E, "mass": "3050"}],
            outputs=[
                lot(EXPORTED, "coltan", coltan("5000", "30.0"), packages=10, tags=tags("P", 10)),
                lot(TAILINGS, "coltan", coltan("430", "12"), role="residue"),
            ],
            losses=[{"kind": "dust and handling", "mass": "20"}],
        ),
        "5,450 kg become 5,000 kg at 30.0 % (95.5 % of the Ta2O5) and tailings",
    )  # fmt: skip
    stage["laboratory"].attest(
        days.at(-66, 11), "assay", [EXPORTED], "30.0 % Ta2O5", sample="SMP-X1", protocol="ISO 10277",
        laboratory=stage["laboratory"].id, method="ICP-OES", stage="after_homogenising", moisture="2",
        grades={"Ta2O5": {"value": "30.0", "uncertainty": "0.2"}},
    )  # fmt: skip


def export(stage: Stage) -> None:
    """Dues, policies, certificate for 90 days and export declaration, then the way."""
    lots = {"hilltop": BAGS_A[0], "riverside": LOT_B, "ridge": LOT_E, "trader": CONSOLIDATED, "exporter": EXPORTED}
    papers_d1.pay_and_declare(stage, lots)
    stage.narrator.say(
        "Policies, contracts, channels for complaints, risk assessments: what each company has in place."
    )
    papers_d1.state_policies(stage)
    papers_d1.clear_export(stage, EXPORTED)
    ship(stage)


def ship(stage: Stage) -> None:
    """The dispatch conceals who carries the lot and at what price; it is the one that is erased later."""
    days, exporter, refiner = stage.days, stage["exporter"], stage["tantalum"]
    sent = exporter.do(
        events.dispatch(
            days.at(-60, 8), lots=[EXPORTED], consignee=refiner.id, start="site:export-plant",
            end="site:tantalum-works", expected=days.at(-14), price="USD 82.50 per kg",
            transport={
                "mode": "truck", "seals": ["EXP-0417"], "carrier": "Corridor lines", "vehicle": "RAD 219 C",
                "driver": "licence TZ-4471-B", "route": route("RW:Rubavu", "TZ:Dar es Salaam"),
            },
            documents=[{"kind": "icglr-certificate", "number": "CD-0000417"}],
        ),
        "5,000 kg to Austria (carrier, vehicle, driver, price concealed)",
        reveal=(),
    )  # fmt: skip
    stage.notes["dispatch"] = sent.id
    refiner.do(
        events.receive(
            days.at(-15, 13), outcome="accepted", site="site:tantalum-works", seals=["EXP-0417"],
            lots=[measured(EXPORTED, "4996", "1.95", Ta2O5="30.05")],
        ),
        "4,996 kg at 30.05 %: within tolerance",
    )  # fmt: skip
    papers_d1.arrive(stage, EXPORTED)


def refine(stage: Stage) -> None:
    """Tantalum powder: 4,996 kg at 30.05 % Ta2O5 hold 1,205 kg of tantalum."""
    stage.narrator.say("Tantalum Works refines the lot: 1,205 kg of contained tantalum give 1,150 kg of powder.")
    stage["tantalum"].do(
        events.transform(
            stage.days.at(-6, 12), process="refine", site="site:tantalum-works", model="segregated",
            inputs=[{"lot": EXPORTED, "mass": "4996"}],
            outputs=[lot(REFINED, "tantalum powder", amount("1150", "0", Ta="99.9"))],
            losses=[{"kind": "slag", "mass": "3700"}],
        ),
        "1,150 kg Ta at 99.9 %, recovery 95.3 %",
    )  # fmt: skip
    stage.narrator.say("Mines in areas of conflict are a red flag, not a violation: somebody has to go and look.")
    papers_d1.look_closer(stage, REFINED)
