"""The ways in which a month is bent, one function each, from bold to so timid that nobody can tell.

Each acts on the world at its stage, on about a tenth of those that could do it, and writes down the
truth: who did it, who could have, and who was only dealt with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from plausibility.dice import Dice
from plausibility.honest import add_bag, weigh
from plausibility.trade import metres, scrap
from plausibility.world import DAY, HOUR, KG, MONTH_START, SHARE, Actor, Event, Lot, Site, World


class Fraud(NamedTuple):
    """stage: after which it acts; title: for the table; commit: the act."""

    stage: str
    title: str
    commit: Callable[[World, Dice], None]


def _could(world: World, pattern: str, subjects: Iterable[str]) -> None:
    world.eligible.setdefault(pattern, set()).update(subjects)
    world.bent.setdefault(pattern, set())


def _did(world: World, pattern: str, *, subjects: Iterable[str], involved: Iterable[str] = ()) -> None:
    done = frozenset(subjects)
    world.bent[pattern] |= done
    world.cases.setdefault(pattern, []).append(done)
    world.involved.update(involved)


def _diggings(world: World, pattern: str, dice: Dice) -> list[Site]:
    """A tenth of the artisanal sites."""
    sites = [site for site in world.sites if site.rate]
    _could(world, pattern, [name for site in sites for name in (site.id, *(lot.id for lot in site.lots))])
    return dice.some(sites, len(sites) // 10)


def _site_did(world: World, pattern: str, site: Site) -> None:
    _did(world, pattern, subjects=(site.id, *(lot.id for lot in site.lots)), involved=(site.buyer,))


def _add_foreign(dice: Dice, site: Site, lot: Lot, percent: int) -> None:
    """Bags from elsewhere, tagged here; percent: of what was mined here."""
    extra = lot.mass * percent // 100
    part = extra * SHARE // (lot.mass + extra)
    foreign_grade = dice.about(site.grade, 120_000)
    lot.grade += (foreign_grade - lot.grade) * part // SHARE
    lot.traces = [
        (declared, real + (dice.between(100, 900) * 1_000 - real) * part // SHARE) for declared, real in lot.traces
    ]
    while extra > 0:
        bag = weigh(dice, site.bag, site.step)
        time = lot.start + dice.between(0, 13) * DAY + dice.between(8 * HOUR, 17 * HOUR)
        add_bag(lot, bag, time)
        lot.events.append(Event(time, time + max(600, dice.about(site.delay, 400_000))))
        extra -= bag


def tag_laundering(world: World, dice: Dice) -> None:
    """Ore from elsewhere gets the tags of a validated site, and its output rises beyond what its crew can dig."""
    for site in _diggings(world, "tag_laundering", dice):
        percent = dice.between(30, 300)
        for lot in site.lots:
            _add_foreign(dice, site, lot, percent)
        _site_did(world, "tag_laundering", site)


def spillover(world: World, dice: Dice) -> None:
    """A neighbour turned red, and its ore comes out of this site; some claim a larger crew to explain it."""
    for site in _diggings(world, "spillover", dice):
        site.neighbour_red = MONTH_START - dice.between(1, 60) * DAY
        percent, crew = dice.between(30, 200), dice.pick((100, 100, 115, 130, 160))
        site.workers = site.workers * crew // 100
        site.worker_days = site.worker_days * crew // 100
        for lot in site.lots:
            lot.worker_days = (lot.worker_days or 0) * crew // 100
            _add_foreign(dice, site, lot, percent)
        _site_did(world, "spillover", site)


def fabricated_weights(world: World, dice: Dice) -> None:
    """Bags were never weighed: somebody wrote round numbers, one number, or numbers that look like chance."""
    for site in _diggings(world, "fabricated_weights", dice):
        style, honest_bags = dice.pick(("round", "same", "invented")), dice.between(0, 400)
        for lot in site.lots:
            lot.bags = [bag if dice.chance(honest_bags) else _invent(dice, style, bag, site.bag) for bag in lot.bags]
        _site_did(world, "fabricated_weights", site)


def _invent(dice: Dice, style: str, bag: int, usual: int) -> int:
    if style == "round":
        return usual + dice.pick((-5, 0, 0, 5)) * KG
    if style == "same":
        return usual
    return bag // KG * KG + dice.pick((2, 3, 3, 4, 6, 7, 7, 8)) * KG // 10  # people shun 0, 5 and the ends


def backfilled_records(world: World, dice: Dice) -> None:
    """The month's records are written in one go before the lot leaves."""
    for site in _diggings(world, "backfilled_records", dice):
        part = dice.between(400, 1_000)
        for lot in site.lots:
            for event in lot.events:
                if dice.chance(part):
                    event.logged = max(event.happened + 600, lot.dispatched - dice.between(1, 24) * HOUR)
        _site_did(world, "backfilled_records", site)


def tag_burst(world: World, dice: Dice) -> None:
    """Tags lie in a drawer and go onto the bags in the two days before the trader comes."""
    for site in _diggings(world, "tag_burst", dice):
        part = dice.between(400, 1_000)
        for lot in site.lots:
            end = lot.collected or lot.dispatched
            lot.tagged = [end - dice.between(1, 44) * HOUR if dice.chance(part) else time for time in lot.tagged]
            lot.events = [Event(time, time + max(600, dice.about(site.delay, 400_000))) for time in lot.tagged]
        _site_did(world, "tag_burst", site)


def impossible_transit(world: World, dice: Dice) -> None:
    """The lorry never drove from there: papers say it did, in a time that no lorry needs."""
    lots = [lot for site in world.sites if site.rate for lot in site.lots]
    _could(world, "impossible_transit", [lot.id for lot in lots])
    for lot in dice.some(lots, len(lots) // 10):
        leg = lot.legs[-1]
        hours = metres(leg.start, leg.end) * 36 // (dice.between(38, 160) * 10)
        leg.arrived = leg.departed - HOUR if dice.chance(100) else leg.departed + hours
        _did(world, "impossible_transit", subjects=(lot.id,), involved=(lot.holder,))


def tainted_discount(world: World, dice: Dice) -> None:
    """A trader pays too little, because it knows where the ore is from."""
    traders = [actor for actor in world.actors.values() if actor.segment == "trader"]
    _could(world, "tainted_discount", [name for one in traders for name in (one.id, *(lot.id for lot in one.held))])
    for trader in dice.some(traders, 1):
        tainted = dice.some(trader.held, max(1, len(trader.held) * dice.between(30, 100) // 100))
        discount = dice.between(45, 90)
        for lot in tainted:
            lot.price = (lot.price or 0) * discount // 100
        _did(world, "tainted_discount", subjects=(trader.id, *(lot.id for lot in tainted)))


def origin_substitution(world: World, dice: Dice) -> None:
    """An exporter blends foreign material in and keeps the declared inputs as they were."""
    made = _made(world, "exporter")
    _could(
        world, "origin_substitution", [name for actor, lots in made for name in (actor.id, *(one.id for one in lots))]
    )
    for actor, lots in dice.some(made, 1):
        foreign = [dice.between(100, 900) * 1_000 for _ in range(5)]
        part, grade = dice.between(80_000, 600_000), dice.about(lots[0].grade, 100_000)
        for lot in lots:
            lot.grade += (grade - lot.grade) * part // SHARE
            lot.traces = [
                (declared, real + (other - real) * part // SHARE)
                for (declared, real), other in zip(lot.traces, foreign, strict=True)
            ]
        _did(world, "origin_substitution", subjects=[lot.id for lot in lots], involved=(actor.id, lots[0].holder))


def yield_manipulation(world: World, dice: Dice) -> None:
    """A plant reports more metal than went in fairly, or less than came out."""
    made = [one for segment in ("exporter", "smelter", "refiner") for one in _made(world, segment)]
    _could(
        world, "yield_manipulation", [name for actor, lots in made for name in (actor.id, *(one.id for one in lots))]
    )
    for actor, lots in dice.some(made, 1):
        percent = dice.pick((dice.between(102, 115), dice.between(80, 98)))
        for lot in lots:
            if lot.conversion is not None:
                lot.conversion = (lot.conversion[0], lot.conversion[1] * percent // 100)
        actor.conversions = [lot.conversion for lot in lots if lot.conversion is not None]
        _did(world, "yield_manipulation", subjects=(actor.id, *(lot.id for lot in lots)))


def _made(world: World, segment: str) -> list[tuple[Actor, list[Lot]]]:
    """Participants of a segment with the lots that their plant made."""
    actors = [actor for actor in world.actors.values() if actor.segment == segment]
    return [(actor, [lot for lot in world.lots if lot.maker == actor.id]) for actor in actors]


def recycled_laundering(world: World, dice: Dice) -> None:
    """Mined dore is sold as scrap, by suppliers whom nobody knew before."""
    recyclers = [actor for actor in world.actors.values() if actor.segment == "recycler"]
    _could(
        world, "recycled_laundering", [name for one in recyclers for name in (one.id, *(lot.id for lot in one.held))]
    )
    for actor in dice.some(recyclers, 1):
        added = []
        first = len(actor.held)
        for number in range(first, first + max(2, first * dice.between(20, 200) // 100)):
            lot = scrap(world, dice, actor, number, fineness=dice.between(805_000, 945_000), silver=_dore_silver(dice))
            added.append(lot)
            actor.bought_from_new += lot.metal if dice.chance(700) else 0
        world.eligible["recycled_laundering"].update(lot.id for lot in added)
        _did(world, "recycled_laundering", subjects=(actor.id, *(lot.id for lot in added)))


def _dore_silver(dice: Dice) -> int:
    return min(990_000, dice.about(860_000, 80_000))


def over_export(world: World, dice: Dice) -> None:
    """More leaves than there was, or buyers report more than was sold."""
    actors = [actor for actor in world.actors.values() if actor.segment in {"trader", "exporter"}]
    _could(world, "over_export", [actor.id for actor in actors])
    for actor in dice.some(actors, 2):
        excess = dice.between(104, 160)
        if dice.chance(500):
            actor.sold = actor.sold * excess // 100
            actor.partner_reported = None if actor.partner_reported is None else actor.sold
        else:
            actor.partner_reported = actor.sold * excess // 100
        _did(world, "over_export", subjects=(actor.id,))


PATTERNS: dict[str, Fraud] = {
    "tag_laundering": Fraud("mine", "Tags laundered, output beyond capacity", tag_laundering),
    "spillover": Fraud("mine", "Spill-over from a red neighbour", spillover),
    "over_export": Fraud("books", "Exports beyond production", over_export),
    "fabricated_weights": Fraud("mine", "Invented bag weights", fabricated_weights),
    "impossible_transit": Fraud("transit", "Impossible transit times", impossible_transit),
    "tainted_discount": Fraud("transit", "Discount on tainted ore", tainted_discount),
    "yield_manipulation": Fraud("plant", "Yield: hidden addition or diversion", yield_manipulation),
    "backfilled_records": Fraud("mine", "Records written afterwards", backfilled_records),
    "tag_burst": Fraud("mine", "Tags in a burst before export", tag_burst),
    "origin_substitution": Fraud("blend", "Origin substituted in a blend", origin_substitution),
    "recycled_laundering": Fraud("gold", "Mined gold sold as recycled", recycled_laundering),
}
