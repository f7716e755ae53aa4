"""The way of honest lots from mine to plant: journeys, hand-overs, prices, blends, books; and scrap gold."""

from __future__ import annotations

from math import isqrt

from plausibility.dice import Dice
from plausibility.honest import EXPORTERS, ORES, convert
from plausibility.world import (
    DAY,
    HOUR,
    KG,
    MONTH_DAYS,
    MONTH_START,
    SHARE,
    Actor,
    Event,
    Exchange,
    Leg,
    Lot,
    Point,
    World,
)

METALS = {"coltan": "tantalum.smelted", "cassiterite": "tin.smelted", "cobalt": "cobalt.refined"}
PAYABLE = {"cobalt": 620_000, "tin": 930_000}
DRUM = 200 * KG
BLENDS = 3
CHARGES = 4
SCRAP = (375_000, 585_000, 750_000, 916_000, 999_000)


def histories(world: World, dice: Dice) -> None:
    """What traders handled in the months before: about as much as their mines give now."""
    for actor in world.actors.values():
        if actor.segment == "trader":
            usual = sum(lot.mass for lot in world.lots if lot.holder == actor.id)
            actor.earlier = [dice.about(usual, 160_000) for _ in range(12)]


def collect(world: World, dice: Dice) -> None:
    """Traders collect from artisanal sites; works send their trucks to the plants."""
    for site in world.sites:
        for lot in site.lots:
            holder = world.actors[lot.holder]
            mineral = lot.segment.split(".")[0]
            if site.buyer:
                travel(dice, lot, site.place, holder.place, slow=10, fast=34)
                hand_over(dice, lot)
                lot.price = dice.about(720_000, 60_000)
            else:
                travel(dice, lot, site.place, holder.place, slow=12, fast=32)
                hand_over(dice, lot, drying=50_000 if mineral == "cobalt" else 4_000)
                lot.price = dice.about(PAYABLE[mineral], 25_000)
            receive(dice, holder, lot)


def receive(dice: Dice, holder: Actor, lot: Lot) -> None:
    """The consignee records the receipt, and the lot is in its books."""
    arrived = lot.legs[-1].arrived
    lot.events.append(Event(arrived, arrived + max(600, dice.about(holder.delay, 400_000))))
    holder.held.append(lot)
    holder.mass += lot.mass
    holder.bought += lot.metal
    if dice.chance(70):
        holder.bought_from_new += lot.metal


def blend(world: World, dice: Dice) -> None:
    """Traders send what they have to their exporter, who blends, upgrades a little and ships to the plant."""
    for ore in ORES:
        for n in range(EXPORTERS):
            exporter = world.actors[f"{ore.name}.exporter{n}"]
            sources = [
                actor
                for actor in world.actors.values()
                if actor.segment == "trader" and actor.id.startswith(ore.name) and int(actor.id[-1]) % EXPORTERS == n
            ]
            consignments = [_consign(dice, trader, exporter) for trader in sources]
            exporter.earlier = [dice.about(exporter.mass, 120_000) for _ in range(12)]
            for number in range(BLENDS):
                lot = _blend(dice, exporter, consignments, number)
                world.lots.append(lot)
                plant = world.actors[f"{ore.name}.plant"]
                travel(dice, lot, exporter.place, plant.place, slow=10, fast=30)
                hand_over(dice, lot)
                lot.price = dice.about(960_000, 20_000)
                receive(dice, plant, lot)


def _consign(dice: Dice, trader: Actor, exporter: Actor) -> Lot:
    """All that a trader bought in the month, as one consignment; it keeps the bags and reweighs them."""
    held = trader.held
    dry = sum(lot.dry for lot in held)
    lot = Lot(id=f"{trader.id}.consignment", segment="", holder=exporter.id, start=MONTH_START,
              grade=sum(lot.metal for lot in held) * SHARE // dry, moisture=held[0].moisture)  # fmt: skip
    lot.bags = [max(trader.step, bag // trader.step * trader.step) for one in held for bag in one.bags]
    lot.dispatched = MONTH_START + MONTH_DAYS * DAY + dice.between(24, 96) * HOUR
    lot.traces = [
        (sum(one.dry * one.traces[k][0] for one in held) // dry, sum(one.dry * one.traces[k][1] for one in held) // dry)
        for k in range(len(held[0].traces))
    ]
    trader.weighed = lot.bags
    trader.departures.append(lot.dispatched)
    travel(dice, lot, trader.place, exporter.place, slow=14, fast=38)
    hand_over(dice, lot)
    lot.price = dice.about(850_000, 40_000)
    receive(dice, exporter, lot)
    return lot


def _blend(dice: Dice, exporter: Actor, consignments: list[Lot], number: int) -> Lot:
    shares = [dice.about(SHARE // BLENDS, 50_000) for _ in consignments]
    parts = [(one.dry * share // SHARE, one.grade) for one, share in zip(consignments, shares, strict=True)]
    dry = sum(part for part, _ in parts)
    metal = sum(part * grade // SHARE for part, grade in parts)
    ore = exporter.id.split(".")[0]
    lot = Lot(id=f"{exporter.id}.lot{number}", segment=f"{ore}.export",
              holder=f"{ore}.plant", maker=exporter.id, grade=dice.about(metal * SHARE // dry, 8_000),
              moisture=dice.about(20_000, 100_000), parts=parts)  # fmt: skip
    lot.start = MONTH_START + MONTH_DAYS * DAY
    out = metal * dice.about(exporter.recovery, 6_000) // SHARE
    lot.conversion = (metal, out)
    exporter.conversions.append(lot.conversion)
    wet = out * SHARE // lot.grade * SHARE // (SHARE - lot.moisture)
    for _ in range(max(1, wet // DRUM)):
        lot.bags.append(dice.about(DRUM, 10_000) // exporter.step * exporter.step)
    exporter.weighed += lot.bags
    lot.dispatched = lot.start + dice.between(8, 14) * DAY
    exporter.departures.append(lot.dispatched)
    for n in range(8):
        time = lot.start + (5 + n % 3) * DAY + n * HOUR
        lot.events.append(Event(time, time + max(600, dice.about(exporter.delay, 400_000))))
    for k in range(len(consignments[0].traces)):
        declared, real = (
            sum(part * one.traces[k][side] for (part, _), one in zip(parts, consignments, strict=True)) // dry
            for side in (0, 1)
        )
        lot.traces.append((declared, dice.about(real, 25_000)))
    return lot


def smelt(world: World, dice: Dice) -> None:
    """Plants work their receipts up in charges."""
    for actor in list(world.actors.values()):
        if actor.segment not in {"smelter", "refiner"}:
            continue
        actor.earlier = [dice.about(actor.mass, 80_000) for _ in range(12)]
        metal = sum(lot.metal for lot in actor.held)
        for number in range(CHARGES):
            segment = METALS[actor.id.split(".")[0]]
            lot = Lot(id=f"{actor.id}.lot{number}", segment=segment, holder=actor.id, maker=actor.id)
            lot.conversion = convert(dice, actor.recovery, metal // CHARGES)
            actor.conversions.append(lot.conversion)
            time = MONTH_START + (MONTH_DAYS + 30 + number * 5) * DAY
            lot.dispatched = time + 6 * DAY
            lot.events = [
                Event(time + n * DAY, time + n * DAY + max(600, dice.about(actor.delay, 400_000))) for n in range(5)
            ]
            lot.price = dice.about(990_000, 10_000)
            world.lots.append(lot)


def recycle(world: World, dice: Dice) -> None:
    """Recyclers buy scrap gold of the usual finenesses."""
    for actor in world.actors.values():
        if actor.segment != "recycler":
            continue
        for number in range(dice.between(12, 20)):
            scrap(world, dice, actor, number, fineness=dice.pick(SCRAP), silver=dice.about(500_000, 130_000))
        actor.earlier = [dice.about(actor.mass, 180_000) for _ in range(12)]


def scrap(world: World, dice: Dice, actor: Actor, number: int, *, fineness: int, silver: int) -> Lot:
    """One lot of a recycler."""
    time = MONTH_START + dice.between(0, 26) * DAY
    lot = Lot(id=f"{actor.id}.lot{number}", segment="gold.recycled", holder=actor.id, start=time)
    lot.fineness = max(300_000, min(999_900, fineness + dice.offset(4_000)))
    lot.silver, lot.grade = silver, lot.fineness
    lot.bags = [dice.between(500_000, 4_000_000)]
    lot.price = dice.about(965_000, 12_000)
    lot.dispatched = time + 5 * DAY
    lot.events = [
        Event(time + n * HOUR, time + n * HOUR + max(600, dice.about(actor.delay, 400_000))) for n in range(4)
    ]
    actor.held.append(lot)
    actor.mass += lot.mass
    actor.bought += lot.metal
    if dice.chance(100):
        actor.bought_from_new += lot.metal
    world.lots.append(lot)
    return lot


def books(world: World, dice: Dice) -> None:
    """What each sold, what is left in stock, and what its buyers report a while later."""
    for actor in world.actors.values():
        actor.opening = dice.about(actor.bought * 15 // 100, 300_000)
        there = actor.opening + actor.bought
        made = there * actor.recovery // SHARE
        actor.sold = made * dice.between(82, 94) // 100
        actor.closing = max(0, dice.about(made - actor.sold, 20_000))
        actor.partner_reported = dice.about(actor.sold, 20_000) if dice.chance(600) else None


def travel(dice: Dice, lot: Lot, start: Point, end: Point, *, slow: int, fast: int) -> None:
    """A leg from where the lot stands; slow, fast: km/h along the straight line."""
    left = lot.legs[-1].arrived + dice.between(2, 20) * HOUR if lot.legs else lot.dispatched
    taken = metres(start, end) * 36 // (dice.between(slow, fast) * 10)
    lot.legs.append(Leg(start, left, end, left + max(HOUR // 2, taken)))


def metres(start: Point, end: Point) -> int:
    """Roughly, near enough to drive it: a degree is 111 km both ways."""
    north, east = (start[0] - end[0]) * 111 // 1_000, (start[1] - end[1]) * 110 // 1_000
    return isqrt(north * north + east * east)


def hand_over(dice: Dice, lot: Lot, *, drying: int = 0) -> None:
    """The receiver weighs and assays again; drying: loss of moisture, in shares of wet mass."""
    moisture = max(1_000, lot.moisture - max(0, dice.about(drying, 400_000)) + dice.offset(1_000))
    wet = lot.mass * (SHARE - lot.moisture) // (SHARE - moisture)
    lot.exchange = Exchange(
        lot.mass, dice.about(wet, 1_500), lot.moisture, moisture, lot.grade, dice.about(lot.grade, 12_000)
    )
