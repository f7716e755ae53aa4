"""What a ledger would hold of a simulated world: observations, one for each lot, site and participant.

Much is never filed: a fingerprint of trace elements is rare, and of the rest some is missing at random.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from ledger.encoding import format_time
from ledger.rules.plausibility.observations import (
    Conversion,
    Handover,
    Hop,
    LotObservation,
    Month,
    Observation,
    Part,
    ParticipantObservation,
    Place,
    Price,
    Recorded,
    SiteObservation,
    Trace,
)
from plausibility.dice import Dice
from plausibility.world import MONTH_START, SHARE, Actor, Event, Exchange, Leg, Lot, Point, Site, World

NOT_FILED = {"traces": 800, "price": 200, "handovers": 100, "hops": 100, "tagged": 100, "earlier": 100, "capacity": 200}
"""In how many of a thousand observations a member is missing, where it is not `MISSING`."""
MISSING = 20


def observe(world: World) -> Iterator[tuple[str, Observation]]:
    """Subject id and observation of everything."""
    dice = Dice(f"{world.seed}/filed")
    for lot in world.lots:
        yield lot.id, lose(observe_lot(lot, None if lot.maker is None else world.actors[lot.maker]), dice)
    for site in world.sites:
        yield site.id, lose(observe_site(site), dice)
    for actor in world.actors.values():
        yield actor.id, lose(observe_actor(actor), dice)


def lose(observation: Observation, dice: Dice) -> Observation:
    """The observation without what nobody filed."""
    members = [member.name for member in fields(observation) if member.name != "segment"]
    lost: dict[str, Any] = {name: None for name in members if dice.chance(NOT_FILED.get(name, MISSING))}
    return replace(observation, **lost)


def observe_lot(lot: Lot, maker: Actor | None) -> LotObservation:
    """A lot; what does not apply to it is not known. maker: whose plant it came out of."""
    return LotObservation(
        segment=lot.segment,
        start=format_time(lot.start),
        mass=lot.mass or None,
        worker_days=lot.worker_days,
        bags=tuple(lot.bags) or None,
        tagged=_times(lot.tagged) or None,
        collected=None if lot.collected is None else format_time(lot.collected),
        hops=_hops(lot.legs) or None,
        handovers=None if lot.exchange is None else _handovers([lot.exchange]),
        conversion=None if lot.conversion is None else Conversion(*lot.conversion),
        earlier=None if maker is None else tuple(Conversion(*one) for one in maker.earlier_conversions),
        price=None if lot.price is None else _price(lot.price),
        parts=tuple(Part(*one) for one in lot.parts) or None,
        grade=lot.grade or None,
        traces=tuple(Trace(*one) for one in lot.traces) or None,
        records=_records(lot.events) or None,
        departures=(format_time(lot.dispatched),),
        silver_share=lot.silver,
    )


def observe_site(site: Site) -> SiteObservation:
    """A site in the simulated month."""
    lots = site.lots
    collections = tuple(format_time(lot.collected) for lot in lots if lot.collected is not None)
    return SiteObservation(
        segment=site.segment,
        start=format_time(MONTH_START),
        mass=sum(lot.mass for lot in lots),
        workers=site.workers if site.rate else None,
        worker_days=site.worker_days or None,
        capacity=site.capacity,
        earlier=tuple(Month(*one) for one in site.earlier),
        neighbour_red="" if site.neighbour_red is None else format_time(site.neighbour_red),
        bags=tuple(bag for lot in lots for bag in lot.bags),
        tagged=_times(time for lot in lots for time in lot.tagged),
        collections=collections or None,
        grades=tuple(lot.grade for lot in lots),
        earlier_grades=tuple(site.earlier_grades),
        records=_records(event for lot in lots for event in lot.events),
        departures=_times(lot.dispatched for lot in lots),
    )


def observe_actor(actor: Actor) -> ParticipantObservation:
    """A participant in the simulated month."""
    held = actor.held
    fineness = tuple(lot.fineness for lot in held if lot.fineness is not None)
    return ParticipantObservation(
        segment=actor.segment,
        opening=actor.opening,
        produced=actor.produced,
        bought=actor.bought,
        sold=actor.sold,
        closing=actor.closing,
        partner_reported=actor.partner_reported,
        bought_from_new=actor.bought_from_new,
        mass=actor.mass,
        earlier=tuple(Month(mass, 0) for mass in actor.earlier),
        conversions=tuple(Conversion(*one) for one in actor.conversions) or None,
        earlier_conversions=tuple(Conversion(*one) for one in actor.earlier_conversions) or None,
        prices=tuple(_price(lot.price) for lot in held if lot.price is not None) or None,
        bags=tuple(actor.weighed) or None,
        hops=_hops(leg for lot in held for leg in lot.legs) or None,
        handovers=_handovers(lot.exchange for lot in held if lot.exchange is not None) or None,
        records=_records(lot.events[-1] for lot in held) or None,
        departures=_times(actor.departures) or None,
        fineness=fineness or None,
    )


def _place(point: Point) -> Place:
    return Place(*(f"{'-' if one < 0 else ''}{abs(one) // SHARE}.{abs(one) % SHARE:06d}" for one in point))


def _hops(legs: Iterable[Leg]) -> tuple[Hop, ...]:
    return tuple(
        Hop(_place(leg.start), format_time(leg.departed), _place(leg.end), format_time(leg.arrived)) for leg in legs
    )


def _handovers(exchanges: Iterable[Exchange]) -> tuple[Handover, ...]:
    return tuple(
        Handover(
            one.mass_sent,
            one.mass_received,
            one.moisture_sent,
            one.moisture_received,
            one.grade_sent,
            one.grade_received,
        )
        for one in exchanges
    )


def _price(paid: int) -> Price:
    return Price(f"{paid // 10_000}.{paid % 10_000:04d}", "100")


def _records(events: Iterable[Event]) -> tuple[Recorded, ...]:
    return tuple(Recorded(format_time(one.happened), format_time(one.logged)) for one in events)


def _times(times: Iterable[int]) -> tuple[str, ...]:
    return tuple(format_time(time) for time in times)
