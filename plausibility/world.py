"""What a simulated world holds: sites, lots, participants and, for the evaluation, who cheated.

Times are seconds since the epoch, places (latitude, longitude) in 1e-6 degrees, masses mg, shares
1e-6, as in `ledger.rules.plausibility.observations`, into which `observe` turns a world. One month
is simulated in full; the months before it are totals.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KG = 1_000_000
SHARE = 1_000_000
HOUR = 3_600
DAY = 86_400
MONTH_START = 1_772_323_200  # 2026-03-01T00:00:00Z
MONTH_DAYS = 30

Point = tuple[int, int]


@dataclass(slots=True)
class Leg:
    """One leg on the road."""

    start: Point
    departed: int
    end: Point
    arrived: int


@dataclass(slots=True)
class Event:
    """Something that happened, and when the log took its record."""

    happened: int
    logged: int


@dataclass(slots=True)
class Exchange:
    """A hand-over: wet mass, moisture and grade as sent and as received."""

    mass_sent: int
    mass_received: int
    moisture_sent: int
    moisture_received: int
    grade_sent: int
    grade_received: int


@dataclass(slots=True, kw_only=True)
class Lot:
    """A lot of any stage; what does not apply to it stays None or empty. maker: whose plant it came out of."""

    id: str
    segment: str
    holder: str
    maker: str | None = None
    start: int = 0
    grade: int = 0
    moisture: int = 0
    worker_days: int | None = None
    bags: list[int] = field(default_factory=list)
    tagged: list[int] = field(default_factory=list)
    collected: int | None = None
    dispatched: int = 0
    legs: list[Leg] = field(default_factory=list)
    exchange: Exchange | None = None
    conversion: tuple[int, int] | None = None
    price: int | None = None  # paid to the benchmark
    parts: list[tuple[int, int]] = field(default_factory=list)
    traces: list[tuple[int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    fineness: int | None = None
    silver: int | None = None

    @property
    def mass(self) -> int:
        """Wet mass."""
        return sum(self.bags)

    @property
    def dry(self) -> int:
        """Dry mass."""
        return self.mass * (SHARE - self.moisture) // SHARE

    @property
    def metal(self) -> int:
        """Contained metal, mg."""
        return self.dry * self.grade // SHARE


@dataclass(slots=True, kw_only=True)
class Site:
    """A mine site; delay: usual seconds until a record reaches the log; step: what its scale shows, mg."""

    id: str
    segment: str
    buyer: str
    place: Point
    workers: int
    rate: int
    grade: int
    moisture: int
    bag: int
    step: int
    delay: int
    traces: list[int]
    capacity: int
    earlier: list[tuple[int, int]] = field(default_factory=list)
    earlier_grades: list[int] = field(default_factory=list)
    neighbour_red: int | None = None
    worker_days: int = 0
    lots: list[Lot] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Actor:
    """A participant. Metal flows are contained mg of the month; mass, earlier: wet; weighed: bags that left it."""

    id: str
    segment: str
    place: Point
    step: int = 100_000
    delay: int = 6 * HOUR
    opening: int = 0
    produced: int = 0
    bought: int = 0
    sold: int = 0
    closing: int = 0
    partner_reported: int | None = None
    bought_from_new: int = 0
    mass: int = 0
    recovery: int = SHARE
    earlier: list[int] = field(default_factory=list)
    earlier_conversions: list[tuple[int, int]] = field(default_factory=list)
    conversions: list[tuple[int, int]] = field(default_factory=list)
    weighed: list[int] = field(default_factory=list)
    departures: list[int] = field(default_factory=list)
    held: list[Lot] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """Everything, and the truth that no ledger holds.

    bent: subjects that took part in a fraud, by its name; eligible: those that it could have been;
    cases: the same subjects, by the one who cheated; involved: those that only bought or received
    what came of it, who are counted neither as cheats nor as honest.
    """

    seed: str
    sites: list[Site] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    actors: dict[str, Actor] = field(default_factory=dict)
    bent: dict[str, set[str]] = field(default_factory=dict)
    eligible: dict[str, set[str]] = field(default_factory=dict)
    involved: set[str] = field(default_factory=set)
    cases: dict[str, list[frozenset[str]]] = field(default_factory=dict)
