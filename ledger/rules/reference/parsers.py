"""Which parser reads the files of which data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from ledger.rules.reference.cahra import parse_cahra
from ledger.rules.reference.csvtext import parse_table
from ledger.rules.reference.facilities import parse_active, parse_conformant, parse_facilities
from ledger.rules.reference.ipis import parse_roadblocks, parse_visits, parse_webmap
from ledger.rules.reference.nature import parse_alerts, parse_wdpa
from ledger.rules.reference.parsed import Parsed
from ledger.rules.reference.sanctions import parse_eu, parse_ofac, parse_un
from ledger.rules.reference.tables import TABLES

PARSERS: Final[dict[str, Callable[[bytes], Parsed]]] = {
    "un_sanctions": parse_un,
    "ofac_sdn": parse_ofac,
    "eu_sanctions": parse_eu,
    "eu_cahra": parse_cahra,
    "rmi_facilities": parse_facilities,
    "rmi_conformant": parse_conformant,
    "rmi_active": parse_active,
    "ipis_visits": parse_visits,
    "ipis_webmap": parse_webmap,
    "ipis_roadblocks": parse_roadblocks,
    "wdpa": parse_wdpa,
    "forest_alerts": parse_alerts,
    **{name: partial(parse_table, table=table) for name, table in TABLES.items()},
}
