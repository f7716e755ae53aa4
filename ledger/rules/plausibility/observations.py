"""What is observed of a lot, a site or a participant, in neutral values that any source can fill.

Every member may be None: not known. A feature that needs it is then absent, takes no part in the
score and is reported as not known. An empty tuple is knowledge ("no hop was made"), though most
features need some observations before they say anything. Units, unless a member says otherwise:

- times: `YYYY-MM-DDTHH:MM:SSZ`; coordinates: decimal degrees WGS 84 as strings;
- masses: integer mg; contained metal: any integer unit, the same on both sides of a ratio;
- shares (moisture, grade, fineness): integers in 1e-6, so that 28.5 % is 285000;
- money: decimal strings in one currency per one unit, the same for a price and its benchmark.

`segment` names the peers to compare with, as the model spells them (`coltan.mine`). The spelling
of times, coordinates and money was checked where they entered the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["lot", "site", "participant"]
"""What can be scored."""


class Place(NamedTuple):
    """Decimal degrees, WGS 84."""

    latitude: str
    longitude: str


class Hop(NamedTuple):
    """One leg of a journey by road."""

    start: Place
    departed: str
    end: Place
    arrived: str


class Handover(NamedTuple):
    """A lot as the consignor sent it and as the consignee measured it; shares in 1e-6, of dry mass for the grade."""

    mass_sent: int
    mass_received: int
    moisture_sent: int
    moisture_received: int
    grade_sent: int
    grade_received: int


class Conversion(NamedTuple):
    """Contained metal that went into a process and came out of it."""

    metal_in: int
    metal_out: int


class Price(NamedTuple):
    """What was paid per unit of contained metal, and the benchmark of that day."""

    paid: str
    benchmark: str


class Part(NamedTuple):
    """An input of a blend: dry mass and grade."""

    dry_mass: int
    grade: int


class Recorded(NamedTuple):
    """When something happened, and when the log took the record of it."""

    happened: str
    logged: str


class Trace(NamedTuple):
    """A trace element or a ratio of two: as in the declared origin's reference samples, and as measured."""

    reference: int
    measured: int


class Month(NamedTuple):
    """An earlier month of a site or a participant: wet mass, and the workers on site (0 when it has none)."""

    mass: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LotObservation:
    """A lot. start: of the period of production; worker_days: of the crew that mined it; earlier: the
    plant's conversions before this one; parts: the inputs of a blend.
    """

    segment: str
    start: str | None = None
    mass: int | None = None
    worker_days: int | None = None
    bags: tuple[int, ...] | None = None
    tagged: tuple[str, ...] | None = None
    collected: str | None = None
    hops: tuple[Hop, ...] | None = None
    handovers: tuple[Handover, ...] | None = None
    conversion: Conversion | None = None
    earlier: tuple[Conversion, ...] | None = None
    price: Price | None = None
    parts: tuple[Part, ...] | None = None
    grade: int | None = None
    traces: tuple[Trace, ...] | None = None
    records: tuple[Recorded, ...] | None = None
    departures: tuple[str, ...] | None = None
    silver_share: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteObservation:
    """A mine site in one period.

    capacity: mg that the site can yield in the period; earlier: months before it, oldest first;
    neighbour_red: the day (a time) on which a neighbouring site last turned red, "" when none did;
    grades: of the lots of the period; earlier_grades: of those before; departures: of its lots.
    """

    segment: str
    start: str | None = None
    mass: int | None = None
    workers: int | None = None
    worker_days: int | None = None
    capacity: int | None = None
    earlier: tuple[Month, ...] | None = None
    neighbour_red: str | None = None
    bags: tuple[int, ...] | None = None
    tagged: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None
    grades: tuple[int, ...] | None = None
    earlier_grades: tuple[int, ...] | None = None
    records: tuple[Recorded, ...] | None = None
    departures: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantObservation:
    """A participant in one period; opening, produced, bought, sold, closing, partner_reported: contained metal.

    partner_reported: what buyers say they received from it; bought_from_new: what came from suppliers
    that it had not bought from before; mass: wet mass handled; earlier: that of months before.
    """

    segment: str
    opening: int | None = None
    produced: int | None = None
    bought: int | None = None
    sold: int | None = None
    closing: int | None = None
    partner_reported: int | None = None
    bought_from_new: int | None = None
    mass: int | None = None
    earlier: tuple[Month, ...] | None = None
    conversions: tuple[Conversion, ...] | None = None
    earlier_conversions: tuple[Conversion, ...] | None = None
    prices: tuple[Price, ...] | None = None
    bags: tuple[int, ...] | None = None
    hops: tuple[Hop, ...] | None = None
    handovers: tuple[Handover, ...] | None = None
    records: tuple[Recorded, ...] | None = None
    departures: tuple[str, ...] | None = None
    fineness: tuple[int, ...] | None = None


Observation = LotObservation | SiteObservation | ParticipantObservation


def kind_of(observation: Observation) -> Kind:
    """Which of the three an observation is of."""
    if isinstance(observation, LotObservation):
        return "lot"
    return "site" if isinstance(observation, SiteObservation) else "participant"
