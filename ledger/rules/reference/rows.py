"""What the rows of reference data hold, one type per kind of list, whatever file format they came in.

Units: positions are (longitude, latitude) in 1e-7 degrees; masses in 1e-6 kg; rates in 1e-6 %; prices
in 1e-6 USD per kg. Days are `YYYY-MM-DD`, months `YYYY-MM`; "" stands for open, unknown or not stated,
and None for a question that the source did not answer. Countries are ISO 3166-1 alpha-2,
subdivisions ISO 3166-2. `start` and `end` are both included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.rules.reference.acts import CountryFact as CountryFact
from ledger.rules.reference.acts import MirrorImport as MirrorImport
from ledger.rules.reference.acts import NationalFlow as NationalFlow
from ledger.rules.reference.acts import Order as Order
from ledger.rules.reference.acts import Price as Price
from ledger.rules.reference.acts import Quota as Quota
from ledger.rules.reference.acts import Refiner as Refiner
from ledger.rules.reference.acts import RegisteredSite as RegisteredSite
from ledger.rules.reference.acts import RoyaltyRate as RoyaltyRate
from ledger.rules.reference.acts import SchemeCoverage as SchemeCoverage
from ledger.rules.reference.acts import SiteStatus as SiteStatus
from ledger.rules.reference.acts import TransitCountry as TransitCountry
from ledger.rules.reference.shapes import Position as Position
from ledger.rules.reference.shapes import Shape as Shape


class Alias(NamedTuple):
    """A name of a listed party; strong: good enough to identify it (OFAC strong, UN Good, EU strong)."""

    text: str
    strong: bool


class Identifier(NamedTuple):
    """A number of a party: kind (`Passport`, `Registration ID`, `LEI`), value, and the country that gave it or ""."""

    kind: str
    value: str
    country: str = ""


class ListedParty(NamedTuple):
    """A person, entity, vessel or aircraft of a sanctions or exclusion list.

    id: the list's own reference; kind: individual | entity | vessel | aircraft; names: the primary one first.
    """

    id: str
    kind: str
    names: tuple[Alias, ...]
    identifiers: tuple[Identifier, ...] = ()
    programmes: tuple[str, ...] = ()
    listed_on: str = ""
    delisted_on: str = ""
    countries: tuple[str, ...] = ()
    births: tuple[str, ...] = ()


class CahraArea(NamedTuple):
    """A conflict-affected or high-risk area of the EU's indicative list; subdivision "" is the whole country."""

    country: str
    subdivision: str
    name: str
    conflict_affected: bool
    high_risk: bool


class Facility(NamedTuple):
    """A smelter or refiner, for one metal, of the RMI lists.

    country is "" when `country_name` (as written) is not recognised; status: conformant | active | other;
    cycle: years between audits, 0 when not stated.
    """

    cid: str
    metal: str
    name: str
    country: str
    country_name: str
    status: str
    audited_on: str = ""
    cycle: int = 0


class ArmedPresence(NamedTuple):
    """An armed group or force seen at a mine site.

    kind: state_force | non_state | unknown; frequency: permanent | weekly | monthly | rare | "";
    acts: of digging, buying, taxing, tax_commerce, tax_entrance, forced_labour, monopoly, pillage, pit_ownership.
    """

    name: str
    kind: str
    frequency: str
    acts: tuple[str, ...]


class SiteVisit(NamedTuple):
    """One visit to a mine site by IPIS or a partner. A site is all visits of one `site` (its pcode).

    status: green | yellow | red | blue, "" when the site was not classified; workers None: not counted.
    """

    site: str
    visit: str
    visited_on: str
    name: str
    subdivision_name: str
    territory: str
    position: Position
    minerals: tuple[str, ...]
    workers: int | None
    status: str
    interference: bool | None
    armed: tuple[ArmedPresence, ...]
    child_under_15: bool | None
    child_15_to_18: bool | None
    mercury: bool | None
    traceability: str = ""
    source: str = ""
    destinations: tuple[str, ...] = ()


class Roadblock(NamedTuple):
    """A roadblock of the IPIS web map; natural_resources: minerals are what is taxed there."""

    name: str
    seen_on: str
    position: Position
    operator: str
    operator_types: tuple[str, ...]
    taxed: str
    amount: str
    barrier_types: tuple[str, ...]
    natural_resources: bool
    source: str


class ProtectedArea(NamedTuple):
    """A protected area of WDPA. Without polygons it is known as points only: `area` (m2) gives their radius.

    iucn: category as written (`Ia` .. `VI`, `Not Reported`); countries: more than one across a border;
    world_heritage: by its designation.
    """

    id: str
    name: str
    designation: str
    iucn: str
    status: str
    countries: tuple[str, ...]
    shape: Shape
    area: int
    world_heritage: bool


class ForestAlert(NamedTuple):
    """One pixel of the integrated deforestation alerts; confidence: nominal | high | highest."""

    position: Position
    seen_on: str
    confidence: str


class ExpertClaim(NamedTuple):
    """A paragraph of an expert report (for example of a UN group of experts) about an area, site or party."""

    report: str
    paragraph: str
    country: str
    subdivision: str
    territory: str
    subject: str
    category: str
    start: str
    end: str
    published: str


class ConflictEvent(NamedTuple):
    """One event of a conflict data set."""

    happened_on: str
    kind: str
    actors: tuple[str, ...]
    country: str
    subdivision_name: str
    position: Position
    fatalities: int


Row = Any
"""Any of the types above: which one stands in the data set's `row`."""
