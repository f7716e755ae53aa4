"""The CSV formats of our own: hand-curated lists with the number of the act and its dates, and lists without a format.

An act may be published after it takes effect, so `published` and `start` are two columns; `start` and
`end` are both included and an empty `end` is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.errors import SnapshotError
from ledger.rules.reference import rows
from ledger.rules.reference.countries import country_code
from ledger.rules.reference.csvtext import (
    ANALYTE,
    CODE,
    COUNT,
    COUNTRY,
    DAY,
    HS,
    LATITUDE,
    LONGITUDE,
    MASS,
    MONTH,
    PERIOD,
    PRICE,
    RATE,
    SUBDIVISION,
    TEXT,
    Column,
    Table,
    choice,
    several,
)

STATUS: Final = choice("green", "blue", "yellow", "red")
BASIS: Final = choice("contained", "gross")
METHODS: Final = several(choice("artisanal", "semi_mechanised", "large_scale"))

_START: Final = Column("start", DAY, "first day")
_END: Final = Column("end", DAY, "last day; empty: open", required=False)
_ACT: Final = Column("act", TEXT, "number or title of the act, or where the figure stands")
_PUBLISHED: Final = Column("published", DAY, "day on which the act or figure was made public")
_COUNTRY: Final = Column("country", COUNTRY, "country")
_SUBDIVISION: Final = Column("subdivision", SUBDIVISION, "subdivision; empty: all of the country", required=False)
_TERRITORY: Final = Column("territory", TEXT, "territory, district or sector, as the act writes it", required=False)
_MINERALS: Final = Column("minerals", several(TEXT), "minerals; empty: all", required=False)
_WHEN: Final = (_START, _END, _ACT, _PUBLISHED)


def _site(*, longitude: int | None, latitude: int | None, **values: Any) -> rows.RegisteredSite:
    if (longitude is None) != (latitude is None):
        raise SnapshotError("longitude and latitude go together.", column="longitude")
    position = None if longitude is None or latitude is None else (longitude, latitude)
    return rows.RegisteredSite(position=position, **values)


def _entity(
    *, name: str, aliases: tuple[str, ...], sector: str, listed_on: str, delisted_on: str, **values: Any
) -> Any:
    names = (rows.Alias(name, True), *(rows.Alias(alias, True) for alias in aliases))
    programmes = ("UFLPA", sector) if sector else ("UFLPA",)
    return rows.ListedParty(
        values["reference"], "entity", names, programmes=programmes, listed_on=listed_on, delisted_on=delisted_on,
        countries=("CN",),
    )  # fmt: skip


def _event(*, event_date: str, event_type: str, actor1: str, actor2: str, **values: Any) -> rows.ConflictEvent:
    actors = tuple(actor for actor in (actor1, actor2) if actor)
    country, position = country_code(values["country"]), (values["longitude"], values["latitude"])
    return rows.ConflictEvent(event_date, event_type, actors, country, values["admin1"], position, values["fatalities"])


def _curated(build: Callable[..., Any], *columns: Column) -> Table:
    return Table(columns, build)


_FACTS: Final = {
    "minamata": choice("party", "notified", "action_plan"),
    "eiti": choice("implementing", "suspended", "delisted"),
    "kimberley": choice("participant", "suspended", "left"),
}

TABLES: Final[dict[str, Table]] = {
    "icglr_sites": _curated(
        _site,
        Column("site", CODE, "id of the site in the register"),
        Column("national_id", CODE, "id in the national cadastre", required=False),
        Column("name", TEXT, "name"),
        _COUNTRY,
        Column("subdivision", SUBDIVISION, "subdivision", required=False),
        _TERRITORY,
        Column("longitude", LONGITUDE, "never taken from the id of the site", required=False),
        Column("latitude", LATITUDE, "never taken from the id of the site", required=False),
        Column("minerals", several(TEXT), "minerals"),
        Column("activity", choice("active", "non_active", "abandoned"), "activity", required=False),
        Column("operator", TEXT, "operator", required=False),
        Column("licence", TEXT, "number of the licence", required=False),
        _ACT,
        _PUBLISHED,
    ),
    "site_statuses": _curated(
        rows.SiteStatus,
        Column("site", CODE, "id of the site, as in `icglr_sites`"),
        Column("status", STATUS, "a word: numbers mean different things to ICGLR and IPIS"),
        Column("inspected_on", DAY, "day of the inspection it rests on", required=False),
        Column("agency", TEXT, "who inspected or decided", required=False),
        *_WHEN,
    ),
    "orders": _curated(
        rows.Order,
        Column("kind", choice("red_zone", "suspension", "ban", "lift"), "what it does"),
        _COUNTRY,
        _SUBDIVISION,
        _TERRITORY,
        Column("sites", several(CODE), "ids of the sites it names; empty: the whole area", required=False),
        _MINERALS,
        Column("methods", METHODS, "methods of mining; empty: all", required=False),
        *_WHEN,
    ),
    "quotas": _curated(
        rows.Quota,
        Column("authority", TEXT, "who allots"),
        _COUNTRY,
        Column("actor", TEXT, "participant id or name; empty: all of the country", required=False),
        Column("analyte", ANALYTE, "what is counted"),
        Column("mass", MASS, "allotted"),
        *_WHEN,
    ),
    "scheme_coverage": _curated(
        rows.SchemeCoverage,
        Column("scheme", CODE, "name of the scheme, for example `ITSCI`"),
        _COUNTRY,
        _SUBDIVISION,
        _TERRITORY,
        Column("participant", TEXT, "participant id or name, when it is about one only", required=False),
        Column("status", choice("covered", "suspended", "withdrawn"), "status"),
        *_WHEN,
    ),
    "lbma_gdl": _curated(
        rows.Refiner,
        Column("gdl", CODE, "id of the refiner"),
        Column("name", TEXT, "name"),
        _COUNTRY,
        Column("metal", choice("Au", "Ag"), "metal"),
        Column("status", choice("listed", "suspended", "former"), "status"),
        _START,
        _END,
        Column("reviewed_on", DAY, "last passed responsible-sourcing review", required=False),
        _PUBLISHED,
    ),
    "uflpa_entities": _curated(
        _entity,
        Column("reference", CODE, "number of the Federal Register notice and line"),
        Column("name", TEXT, "name"),
        Column("aliases", several(TEXT), "other names", required=False),
        Column("sector", TEXT, "sector", required=False),
        Column("listed_on", DAY, "first day on the list"),
        Column("delisted_on", DAY, "day of removal", required=False),
    ),
    "expert_claims": _curated(
        rows.ExpertClaim,
        Column("report", TEXT, "symbol of the report, for example `S/2024/432`"),
        Column("paragraph", TEXT, "paragraph or annex"),
        _COUNTRY,
        _SUBDIVISION,
        _TERRITORY,
        Column("subject", TEXT, "site, party or route that it names", required=False),
        Column("category", CODE, "what it says happens there, for example `armed_group_control`"),
        _START,
        _END,
        _PUBLISHED,
    ),
    "conflict_events": Table(
        (
            Column("event_date", DAY, "day"),
            Column("event_type", TEXT, "type"),
            Column("actor1", TEXT, "actor", required=False),
            Column("actor2", TEXT, "actor", required=False),
            Column("country", TEXT, "name of the country"),
            Column("admin1", TEXT, "name of the first-level subdivision", required=False),
            Column("longitude", LONGITUDE, "place"),
            Column("latitude", LATITUDE, "place"),
            Column("fatalities", COUNT, "reported deaths"),
        ),
        _event,
        foreign=True,
    ),
    "transit_countries": _curated(rows.TransitCountry, _COUNTRY, _MINERALS, *_WHEN),
    "royalties": _curated(
        rows.RoyaltyRate,
        _COUNTRY,
        Column("analyte", ANALYTE, "what is valued"),
        Column("rate", RATE, "share of the value"),
        *_WHEN,
    ),
    "prices": _curated(
        rows.Price,
        Column("analyte", ANALYTE, "what is priced"),
        Column("month", MONTH, "month"),
        Column("price", PRICE, "mean of the month"),
        _ACT,
        _PUBLISHED,
    ),
    "national_flows": _curated(
        rows.NationalFlow,
        _COUNTRY,
        Column("analyte", ANALYTE, "what is counted"),
        Column("flow", choice("production", "export"), "flow"),
        Column("period", PERIOD, "period"),
        Column("mass", MASS, "mass"),
        Column("basis", BASIS, "contained metal, or the weight of the product"),
        _ACT,
        _PUBLISHED,
    ),
    "mirror_imports": _curated(
        rows.MirrorImport,
        Column("origin", COUNTRY, "country that the goods are said to come from"),
        Column("reporter", COUNTRY, "country that reports the import"),
        Column("hs", HS, "code of the goods; it names goods, not a mineral"),
        Column("analyte", ANALYTE, "what is counted"),
        Column("period", PERIOD, "period"),
        Column("mass", MASS, "mass"),
        Column("basis", BASIS, "contained metal, or the weight of the product"),
        _ACT,
        _PUBLISHED,
    ),
    **{
        name: _curated(rows.CountryFact, _COUNTRY, Column("status", status, "standing"), *_WHEN)
        for name, status in _FACTS.items()
    },
}
