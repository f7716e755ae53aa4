"""What the custody rules refuse outright: what the honest chains did, done dishonestly. Nothing of it is stored."""

from __future__ import annotations

from clients.sdk import events
from demo.shapes import Json, coltan, lot, measured
from demo.stage import Stage
from ledger.errors import (
    LotClosed,
    LotInTransit,
    LotNotHeld,
    MassGain,
    MetalGain,
    NotConsignee,
    StaleHead,
    TagInUse,
    UnknownKey,
)

BAGS = ("COLTAN-A-17", "COLTAN-A-18")


def play(stage: Stage) -> None:
    """Two honest bags, and what can't be done with them."""
    stage.narrator.act(
        "What the ledger itself refuses: each attempt with its typed error, and the log does not grow",
        "Coltan of a mine that nobody may buy from looks for a clean name.",
    )
    dig(stage)
    reuse_tags(stage)
    borrow_name(stage)
    sell_twice(stage)
    steal(stage)
    make_metal(stage)
    spend_twice(stage)


def dig(stage: Stage) -> None:
    """Site A digs two more bags."""
    lots = [_bag(bag, f"CD-A-{17 + n:04}") for n, bag in enumerate(BAGS)]
    stage["hilltop"].do(
        _extract(stage, "site:hilltop-A", lots, workers=118), "two more bags of 40 kg, tags CD-A-0017 and 0018"
    )


def _bag(name: str, tag: str) -> Json:
    return lot(name, "coltan", coltan("40", "28.5"), tags=[{"scheme": "itsci", "number": tag}])


def _extract(stage: Stage, site: str, lots: list[Json], workers: int) -> events.Event:
    days = stage.days
    period = {"from": days.at(-5), "to": days.at(-2)}
    return events.extract(days.at(-2, 9), site=site, method="artisanal", workers=workers, period=period, lots=lots)


def reuse_tags(stage: Stage) -> None:
    """A tag number that is on a live bag."""
    stage.narrator.say("Shadow cooperative writes a tag number of site A on a bag of its own:")
    event = _extract(stage, "site:shadow-D", [_bag("SHADOW-1", "CD-A-0017")], workers=60)
    stage.refused(TagInUse, lambda: stage["shadow"].do(event, "a bag with a borrowed tag"))


def borrow_name(stage: Stage) -> None:
    """A record in somebody else's name, signed with one's own key."""
    stage.narrator.say("Then it signs in Hilltop's name, with its own key:")
    shadow, hilltop = stage["shadow"], stage["hilltop"]
    event = _extract(stage, "site:hilltop-A", [_bag("SHADOW-2", "CD-A-0019")], workers=60)
    payload = events.build_payload(
        event, iss=hilltop.id, aud=shadow.client.origin, iat=stage.days.now, find_head=lambda _: None
    )
    forged = events.sign_payload(payload, shadow.client.signer)
    stage.refused(UnknownKey, lambda: shadow.submit(forged, "a forged record"))


def _dispatch(stage: Stage, consignee: str, hour: int) -> events.Event:
    return events.dispatch(
        stage.days.at(-1, hour), lots=[BAGS[0]], consignee=stage[consignee].id, start="site:hilltop-A",
        end="site:lakeside-depot", transport={"mode": "motorcycle", "seals": ["S-1003"]}, expected=stage.days.at(0),
    )  # fmt: skip


def sell_twice(stage: Stage) -> None:
    """The same bag sent to two buyers: over the current head, and over the old one."""
    stage.narrator.say("Hilltop's clerk sends one bag to the trader, and the same bag to another buyer as well:")
    hilltop, old = stage["hilltop"], stage.heads[BAGS[0]]
    hilltop.do(_dispatch(stage, "trader", 8), f"{BAGS[0]} to the depot")
    stage.refused(LotInTransit, lambda: hilltop.do(_dispatch(stage, "stranger", 9), "the same bag again"))
    stage.narrator.note("With a record signed before the first dispatch, as if that had not happened:")
    signed = hilltop.client.sign(_dispatch(stage, "stranger", 7), find_head=lambda _: old)
    stage.refused(StaleHead, lambda: hilltop.submit(signed, "the same bag over an old head"))


def steal(stage: Stage) -> None:
    """Somebody else receives the bag, or uses it."""
    stage.narrator.say("Somebody who is not the consignee claims to have received the bag:")
    days, stranger, trader = stage.days, stage["stranger"], stage["trader"]

    def receipt(hour: int) -> events.Event:
        lots = [measured(BAGS[0], "40")]
        return events.receive(days.at(-1, hour), outcome="accepted", site="site:lakeside-depot", lots=lots)

    stage.refused(NotConsignee, lambda: stranger.do(receipt(12), "a bag that is not for them"))
    trader.do(receipt(15), "the bag is where it belongs")
    stage.narrator.note("And somebody processes a bag that another holds:")
    stage.refused(LotNotHeld, lambda: stranger.do(_process(stage, BAGS[0], "STOLEN-1", coltan("40", "28.5")), "theft"))


def _process(stage: Stage, source: str, output: str, quantity: Json) -> events.Event:
    return events.transform(
        stage.days.at(-1, 18), process="concentrate", site="site:lakeside-depot", model="segregated",
        inputs=[{"lot": source, "mass": "40"}], outputs=[lot(output, "coltan", quantity)],
    )  # fmt: skip


def make_metal(stage: Stage) -> None:
    """More metal, or more mass, than went in."""
    trader = stage["trader"]
    stage.narrator.say("The trader makes 40 kg at 31.0 % out of 40 kg at 28.5 %, so that smuggled coltan fits in:")
    richer = _process(stage, BAGS[0], "MIRACLE-1", coltan("40", "31.0"))
    stage.refused(MetalGain, lambda: trader.do(richer, "metal from nothing"))
    stage.narrator.say("Then 48 kg at 23.7 %: no more tantalum than before, but eight kilograms from nowhere:")
    heavier = _process(stage, BAGS[0], "MIRACLE-2", coltan("48", "23.7"))
    stage.refused(MassGain, lambda: trader.do(heavier, "mass from nothing"))


def spend_twice(stage: Stage) -> None:
    """More than a lot holds, and a lot that was used up: the first one as the command line shows it."""
    stage.narrator.say("It splits 60 kg off a bag that holds 40, as a person at a terminal would see it:")
    before = stage.size()
    text = stage["trader"].run(
        "transform", "split", "--site", "site:lakeside-depot", "--model", "segregated", "--time", stage.days.at(-1, 19),
        "--input", f"{BAGS[0]}=60", "--output", "SPLIT-1 coltan 60 2 Ta2O5=28.5", code=1,
    )  # fmt: skip
    stage.check("overspent" in text, "the command line should say that the lot is overspent")
    stage.check(stage.size() == before, "a refused record was stored")
    stage.narrator.note(f"nothing stored: the log still has {before} entries", style="dim")
    stage.narrator.say("And Tantalum Works sells again what it has already refined:")
    tantalum = stage["tantalum"]
    again = events.dispatch(
        stage.days.at(-1, 20), lots=["COLTAN-X1"], consignee=stage["stranger"].id, start="site:tantalum-works",
        end="site:lakeside-depot", transport={"mode": "truck"}, expected=stage.days.at(0),
    )  # fmt: skip
    stage.refused(LotClosed, lambda: tantalum.do(again, "a lot that was used up"))
