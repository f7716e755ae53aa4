"""An honest month: sites that mine, traders who collect, exporters who blend, plants that smelt, recyclers of gold.

The figures follow published ones where there are any (a digger of coltan brings about 0.3 kg a
day; a tin concentrator recovers about 75 %; cobalt hydroxide is more than half water and dries on
the way); where there are none, they are plausible, and honest mess is part of them: coarse scales,
sites without a network, steep prices, crews that grow.
"""

from __future__ import annotations

from typing import NamedTuple

from plausibility.dice import Dice
from plausibility.world import (
    DAY,
    HOUR,
    KG,
    MONTH_START,
    SHARE,
    Actor,
    Event,
    Lot,
    Point,
    Site,
    World,
)


class Ore(NamedTuple):
    """An artisanal ore: mg per worker and day, grade, moisture, kg in a bag."""

    name: str
    rate: int
    grade: int
    moisture: int
    bag: int


ORES = (Ore("coltan", 300_000, 285_000, 20_000, 40), Ore("cassiterite", 1_200_000, 620_000, 30_000, 50))
INDUSTRIAL = (Ore("tin", 0, 630_000, 60_000, 1_000), Ore("cobalt", 0, 320_000, 550_000, 1_000))
CONCENTRATOR = {"tin": 750_000, "cobalt": 860_000}
PLANTS = {"coltan": ("smelter", 950_000), "cassiterite": ("smelter", 965_000), "cobalt": ("refiner", 970_000)}

SITES, TRADERS, EXPORTERS, WORKS, RECYCLERS = 18, 5, 2, 3, 4
TRUCKS = 5


def people(world: World, dice: Dice) -> None:
    """Participants, where they are and what they did in the months before."""
    for ore in ORES:
        for n in range(TRADERS):
            _actor(world, dice, f"{ore.name}.trader{n}", "trader", (-1_900_000, 28_900_000))
        for n in range(EXPORTERS):
            _actor(world, dice, f"{ore.name}.exporter{n}", "exporter", (-1_950_000, 30_100_000), recovery=970_000)
    for name, (segment, recovery) in PLANTS.items():
        _actor(world, dice, f"{name}.plant", segment, (-6_800_000, 39_300_000), recovery=recovery)
    for n in range(RECYCLERS):
        _actor(world, dice, f"gold.recycler{n}", "recycler", (25_200_000, 55_300_000))


def _actor(world: World, dice: Dice, name: str, segment: str, near: Point, *, recovery: int = SHARE) -> None:
    actor = Actor(id=name, segment=segment, place=_near(dice, near, 400_000), recovery=dice.about(recovery, 6_000))
    actor.step = dice.pick((100_000,) * 8 + (500_000, 1_000_000))
    actor.delay = dice.between(2, 12) * HOUR
    if recovery != SHARE:
        actor.earlier_conversions = [convert(dice, actor.recovery, 1_000 * KG) for _ in range(12)]
    world.actors[name] = actor


def sites(world: World, dice: Dice, season: int) -> None:
    """Mine sites with their month; season: what the rains leave of the usual output."""
    for ore in ORES:
        for n in range(SITES):
            site = _artisanal(dice, ore, f"{ore.name}.site{n}", f"{ore.name}.trader{n % TRADERS}")
            for half in range(2):
                site.lots.append(_mine(dice, site, half, season))
            world.sites.append(site)
    for ore in INDUSTRIAL:
        for n in range(WORKS):
            site = _industrial(dice, ore, f"{ore.name}.works{n}")
            site.lots = [_truck(dice, site, ore, k) for k in range(TRUCKS)]
            world.sites.append(site)
    world.lots += [lot for site in world.sites for lot in site.lots]


def _artisanal(dice: Dice, ore: Ore, name: str, buyer: str) -> Site:
    workers = dice.between(40, 180)
    rate = dice.about(ore.rate, 150_000)
    site = Site(
        id=name, segment=f"{ore.name}.artisanal", buyer=buyer, place=_near(dice, (-1_700_000, 28_700_000), 700_000),
        workers=workers, rate=rate, grade=dice.about(ore.grade, 60_000), moisture=ore.moisture, bag=ore.bag * KG,
        step=dice.pick((100_000,) * 17 + (500_000, 500_000, 1_000_000)),
        delay=dice.between(24, 96) * HOUR if dice.chance(250) else dice.between(2, 12) * HOUR,
        traces=[dice.between(100, 900) * 1_000 for _ in range(5)],
        capacity=workers * dice.about(ore.rate, 50_000) * 26,
    )  # fmt: skip
    for _ in range(12):
        crew = max(10, dice.about(workers, 100_000))
        site.earlier.append((dice.about(rate * crew * 23, 160_000), crew))
        site.earlier_grades.append(dice.about(site.grade, 25_000))
    if dice.chance(80):  # a growing crew is no fraud
        site.workers = workers * dice.between(130, 180) // 100
        site.capacity = site.capacity * site.workers // workers
    if dice.chance(150):  # nor is a neighbour's misfortune
        site.neighbour_red = MONTH_START - dice.between(1, 80) * DAY
    return site


def _mine(dice: Dice, site: Site, half: int, season: int) -> Lot:
    start = MONTH_START + half * 15 * DAY
    lot = Lot(id=f"{site.id}.lot{half}", segment=site.segment.replace("artisanal", "mine"), holder=site.buyer,
              start=start, grade=dice.about(site.grade, 20_000), moisture=dice.about(site.moisture, 150_000),
              worker_days=0)  # fmt: skip
    heap = 0
    for day in range(14):
        if dice.chance(170):
            continue
        crew = max(5, dice.about(site.workers, 80_000))
        lot.worker_days = (lot.worker_days or 0) + crew
        heap += dice.about(site.rate * crew, 150_000) * season // 100
        while heap > site.bag:
            bag = weigh(dice, site.bag, site.step)
            add_bag(lot, bag, start + day * DAY + dice.between(8 * HOUR, 17 * HOUR))
            heap -= bag
    if not lot.bags:
        add_bag(lot, weigh(dice, site.bag, site.step), start + 13 * DAY)
    site.worker_days += lot.worker_days or 0
    lot.collected = start + 14 * DAY + dice.between(7, 10) * HOUR
    lot.dispatched = lot.collected + dice.between(1, 5) * HOUR
    lot.traces = [(trace, dice.about(trace, 60_000)) for trace in site.traces]
    down, up = _outage(dice, start)
    for time in lot.tagged:
        delay = max(600, dice.about(site.delay, 400_000))
        lot.events.append(Event(time, max(time + delay, up + dice.between(1, 6) * HOUR if down <= time < up else 0)))
    return lot


def _outage(dice: Dice, start: int) -> tuple[int, int]:
    """From when to when the network was down, in one half-month of twelve; else at no time."""
    if not dice.chance(80):
        return start, start
    down = start + dice.between(0, 12 * DAY)
    return down, down + dice.between(2, 9) * DAY


def add_bag(lot: Lot, mass: int, tagged: int) -> None:
    """One bag with its tag."""
    lot.bags.append(mass)
    lot.tagged.append(tagged)


def weigh(dice: Dice, mass: int, step: int) -> int:
    """What a scale shows of a bag that was filled by eye."""
    return dice.about(mass, 40_000) // step * step


def _industrial(dice: Dice, ore: Ore, name: str) -> Site:
    site = Site(
        id=name, segment=f"{ore.name}.industrial", buyer="", place=_near(dice, (-10_700_000, 25_500_000), 300_000),
        workers=dice.between(400, 900), rate=0, grade=dice.about(ore.grade, 20_000), moisture=ore.moisture,
        bag=ore.bag * KG, step=1_000_000 if dice.chance(300) else 500_000, delay=dice.between(1, 8) * HOUR,
        traces=[dice.between(100, 900) * 1_000 for _ in range(5)], capacity=0,
    )  # fmt: skip
    usual = TRUCKS * 26 * site.bag
    site.capacity = usual * 115 // 100
    site.earlier = [(dice.about(usual, 50_000), site.workers) for _ in range(12)]
    site.earlier_grades = [dice.about(site.grade, 12_000) for _ in range(12)]
    return site


def _truck(dice: Dice, site: Site, ore: Ore, number: int) -> Lot:
    start = MONTH_START + number * 5 * DAY
    plant = "cobalt.plant" if ore.name == "cobalt" else "cassiterite.plant"
    lot = Lot(id=f"{site.id}.lot{number}", segment=site.segment, holder=plant,
              grade=dice.about(site.grade, 12_000), moisture=dice.about(site.moisture, 40_000))  # fmt: skip
    lot.start = start
    for n in range(dice.between(25, 27)):
        time = start + n * 4 * HOUR + dice.between(0, HOUR)
        add_bag(lot, dice.about(site.bag, 15_000) // site.step * site.step, time)
        lot.events.append(Event(time, time + max(600, dice.about(site.delay, 300_000))))
    lot.dispatched = start + 5 * DAY
    lot.traces = [(trace, dice.about(trace, 40_000)) for trace in site.traces]
    out = dice.about(CONCENTRATOR[ore.name], 12_000)
    lot.conversion = (lot.metal * SHARE // out, lot.metal)
    return lot


def _near(dice: Dice, point: Point, reach: int) -> Point:
    return point[0] + dice.between(-reach, reach), point[1] + dice.between(-reach, reach)


def convert(dice: Dice, recovery: int, metal: int) -> tuple[int, int]:
    """A charge of about so much contained metal: what went in and what came out."""
    taken = dice.about(metal, 200_000)
    return taken, taken * dice.about(recovery, 6_000) // SHARE
