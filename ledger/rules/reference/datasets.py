"""The data sets that rules may ask for: title, licence, what a row is, and how old a snapshot may be.

`stale_after` is the most days between the day a snapshot was published and the day on which a rule is
judged; it is our parameter, not law, and `reason` says why it is what it is. `licensed` lists are never
handed on, and never shipped. Which parser reads which file stands in `parsers.py`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ledger.rules.reference import rows

Licence = Literal["public", "licensed"]


class Dataset(NamedTuple):
    """A list that the operator loads. format: what files are read; stale_after: days."""

    name: str
    title: str
    row: type
    format: str
    licence: Licence
    stale_after: int
    reason: str

    @property
    def may_be_handed_on(self) -> bool:
        """Whether its bytes may be given to others."""
        return self.licence == "public"


_SCREENING: Final = "lists change any day; 24 h, and a date has no hour, so yesterday's still counts"
_ACTS: Final = "new acts appear any week; the operator confirms every month that there are none"
_CURATED: Final = "changes by act of a state, seldom"
_OWN: Final = "CSV of this project"

_ALL: Final = (
    Dataset(
        "un_sanctions", "UN Security Council consolidated list", rows.ListedParty, "XML of the UN, CONSOLIDATED_LIST",
        "public", 1, _SCREENING,
    ),
    Dataset(
        "ofac_sdn", "OFAC list of specially designated nationals", rows.ListedParty, "XML of OFAC, sdnList",
        "public", 1, _SCREENING,
    ),
    Dataset(
        "eu_sanctions", "EU consolidated list of financial sanctions", rows.ListedParty, "XML of the EU (FSF), export",
        "public", 1, _SCREENING,
    ),
    Dataset(
        "uflpa_entities", "UFLPA Entity List", rows.ListedParty, _OWN, "public", 31, "a few additions a year",
    ),
    Dataset(
        "eu_cahra", "EU indicative list of conflict-affected and high-risk areas", rows.CahraArea, "JSON of its API",
        "licensed", 100, "issued every quarter; no licence is stated, so it is not handed on",
    ),
    Dataset(
        "rmi_facilities", "RMI facility list with assessment status", rows.Facility,
        "HTML table or Excel XML, with a status column", "licensed", 31, "statuses change every week",
    ),
    Dataset(
        "rmi_conformant", "RMI export of conformant facilities", rows.Facility, "HTML table or Excel XML",
        "licensed", 31, "statuses change every week",
    ),
    Dataset(
        "rmi_active", "RMI export of active facilities", rows.Facility, "HTML table or Excel XML",
        "licensed", 31, "statuses change every week",
    ),
    Dataset(
        "lbma_gdl", "London Good Delivery List", rows.Refiner, _OWN, "licensed", 92, "a few changes a quarter",
    ),
    Dataset(
        "ipis_visits", "IPIS visits to mine sites", rows.SiteVisit, "GeoJSON of the IPIS open-data layer",
        "public", 183, "published once or twice a year; how old a visit may be is a parameter of the rule",
    ),
    Dataset(
        "ipis_webmap", "IPIS web map: visits to mine sites", rows.SiteVisit, "JSON of the web map, short keys",
        "public", 183, "as the open-data layer",
    ),
    Dataset(
        "ipis_roadblocks", "IPIS web map: roadblocks", rows.Roadblock, "JSON of the web map, short keys",
        "public", 366, "surveyed by campaign",
    ),
    Dataset(
        "wdpa", "World Database on Protected Areas", rows.ProtectedArea, "GeoJSON with WDPA fields, old or new names",
        "licensed", 183, "issued every month; boundaries move slowly",
    ),
    Dataset(
        "forest_alerts", "Integrated deforestation alerts (GFW)", rows.ForestAlert, "JSON answer of its data API",
        "public", 31, "updated every week",
    ),
    Dataset(
        "expert_claims", "Findings of expert reports", rows.ExpertClaim, _OWN, "public", 366, "two reports a year",
    ),
    Dataset(
        "conflict_events", "Events of armed conflict (ACLED)", rows.ConflictEvent, "CSV of ACLED",
        "licensed", 31, "updated every week",
    ),
    Dataset("icglr_sites", "Registers of mine sites (ICGLR)", rows.RegisteredSite, _OWN, "public", 183, _CURATED),
    Dataset("site_statuses", "Statuses of mine sites over time (ICGLR)", rows.SiteStatus, _OWN, "public", 31, _ACTS),
    Dataset("orders", "Acts that close or open areas and trades", rows.Order, _OWN, "public", 31, _ACTS),
    Dataset("quotas", "Export quotas", rows.Quota, _OWN, "public", 31, _ACTS),
    Dataset("scheme_coverage", "Where traceability schemes run", rows.SchemeCoverage, _OWN, "public", 31, _ACTS),
    Dataset("transit_countries", "Countries of suspected transit", rows.TransitCountry, _OWN, "public", 183, _CURATED),
    Dataset("minamata", "Minamata Convention: action plans", rows.CountryFact, _OWN, "public", 366, _CURATED),
    Dataset("eiti", "EITI: implementing countries", rows.CountryFact, _OWN, "public", 366, _CURATED),
    Dataset("kimberley", "Kimberley Process: participants", rows.CountryFact, _OWN, "public", 366, _CURATED),
    Dataset("royalties", "Royalty rates", rows.RoyaltyRate, _OWN, "public", 366, _CURATED),
    Dataset("prices", "Benchmark prices by month", rows.Price, _OWN, "licensed", 62, "monthly, a month late"),
    Dataset(
        "national_flows", "National production and exports", rows.NationalFlow, _OWN, "public", 550,
        "statistics lag by one to two years",
    ),
    Dataset(
        "mirror_imports", "Imports as other countries report them", rows.MirrorImport, _OWN, "public", 550,
        "statistics lag by one to two years",
    ),
)  # fmt: skip

DATASETS: Final[dict[str, Dataset]] = {dataset.name: dataset for dataset in _ALL}
