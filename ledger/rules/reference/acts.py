"""Rows of hand-curated lists: registers, acts with their dates, rates, prices and statistics.

Units and spellings are those of `rows.py`, which hands these names on.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.rules.reference.shapes import Position


class RegisteredSite(NamedTuple):
    """A mine site of a national register under the ICGLR mechanism; activity: active | non_active | abandoned."""

    site: str
    national_id: str
    name: str
    country: str
    subdivision: str
    territory: str
    position: Position | None
    minerals: tuple[str, ...]
    activity: str
    operator: str
    licence: str
    act: str
    published: str


class SiteStatus(NamedTuple):
    """The status of one site over a period; status: green | blue | yellow | red (never a number)."""

    site: str
    status: str
    start: str
    end: str
    inspected_on: str
    agency: str
    act: str
    published: str


class Order(NamedTuple):
    """An act that closes or opens an area. It may be published after it takes effect.

    kind: red_zone | suspension | ban | lift; empty sites, minerals or methods mean all of the area.
    """

    act: str
    kind: str
    country: str
    subdivision: str
    territory: str
    sites: tuple[str, ...]
    minerals: tuple[str, ...]
    methods: tuple[str, ...]
    start: str
    end: str
    published: str


class Quota(NamedTuple):
    """An export quota of contained metal; actor "" is the whole country."""

    act: str
    authority: str
    country: str
    actor: str
    analyte: str
    mass: int
    start: str
    end: str
    published: str


class SchemeCoverage(NamedTuple):
    """Where or for whom a traceability or assurance scheme runs; status: covered | suspended | withdrawn."""

    scheme: str
    country: str
    subdivision: str
    territory: str
    participant: str
    status: str
    start: str
    end: str
    act: str
    published: str


class Refiner(NamedTuple):
    """A refiner of the London Good Delivery List; status: listed | suspended | former.

    reviewed_on: day of the last passed responsible-sourcing review.
    """

    gdl: str
    name: str
    country: str
    metal: str
    status: str
    start: str
    end: str
    reviewed_on: str
    published: str


class CountryFact(NamedTuple):
    """The standing of a country under a convention or standard over a period."""

    country: str
    status: str
    start: str
    end: str
    act: str
    published: str


class TransitCountry(NamedTuple):
    """A country through which a mineral is known or suspected to leave others unrecorded (an OECD red flag)."""

    country: str
    minerals: tuple[str, ...]
    start: str
    end: str
    act: str
    published: str


class RoyaltyRate(NamedTuple):
    """Royalty on an analyte in % of value."""

    country: str
    analyte: str
    rate: int
    start: str
    end: str
    act: str
    published: str


class Price(NamedTuple):
    """Benchmark of one month in USD per kg of the analyte."""

    analyte: str
    month: str
    price: int
    act: str
    published: str


class NationalFlow(NamedTuple):
    """National production or export; flow: production | export; basis: contained | gross; period: a month or a year."""

    country: str
    analyte: str
    flow: str
    period: str
    mass: int
    basis: str
    act: str
    published: str


class MirrorImport(NamedTuple):
    """What `reporter` says it imported from `origin` under an HS code."""

    origin: str
    reporter: str
    hs: str
    analyte: str
    period: str
    mass: int
    basis: str
    act: str
    published: str
