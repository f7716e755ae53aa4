"""Who plays: fictional organisations and sites. Masses and grades in the scenes follow published figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """An organisation: participant id, name, country, roles of the ledger."""

    id: str
    name: str
    country: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A site: who operates it and what is handled there. point: longitude, latitude; capacity: workers, kg a month.

    national_id: its number in the register of mine sites (demo/data/icglr_sites.csv).
    """

    id: str
    kind: str
    operator: str
    country: str
    subdivision: str
    mineral: str
    point: tuple[str, str]
    method: str = ""
    capacity: tuple[int, str] = (0, "")
    national_id: str = ""


REGISTRAR = Role("did:web:registrar.example", "Ledger registrar", "BE", ("registrar",))

CAST = {
    "agency": Role("did:web:mines-agency.example", "Mines agency", "CD", ("authority",)),
    "laboratory": Role("did:web:assay-laboratory.example", "Assay laboratory", "TZ", ("laboratory",)),
    "auditor": Role("did:web:auditor.example", "Independent auditor", "CH", ("auditor",)),
    "monitor": Role("did:web:field-monitor.example", "Field monitor", "CD", ("monitor",)),
    "hilltop": Role("did:web:hilltop-cooperative.example", "Hilltop cooperative", "CD", ("producer", "cooperative")),
    "riverside": Role(
        "did:web:riverside-cooperative.example", "Riverside cooperative", "CD", ("producer", "cooperative")
    ),
    "ridge": Role("did:web:ridge-mining.example", "Ridge Mining", "CD", ("producer",)),
    "shadow": Role("did:web:shadow-cooperative.example", "Shadow cooperative", "CD", ("producer", "cooperative")),
    "trader": Role("did:web:lakeside-trading.example", "Lakeside Trading", "CD", ("trader",)),
    "exporter": Role("did:web:great-lakes-export.example", "Great Lakes Export", "CD", ("exporter", "trader")),
    "tantalum": Role("did:web:tantalum-works.example", "Tantalum Works", "AT", ("refiner", "smelter")),
    "tin_mine": Role("did:web:northern-tin.example", "Northern Tin", "CD", ("producer", "exporter")),
    "tin_smelter": Role("did:web:estuary-smelting.example", "Estuary Smelting", "BE", ("smelter",)),
    "cobalt_mine": Role("did:web:copperbelt-cobalt.example", "Copperbelt Cobalt", "CD", ("producer", "exporter")),
    "diggers": Role("did:web:sunrise-diggers.example", "Sunrise Diggers", "CD", ("producer", "cooperative")),
    "haulier": Role("did:web:corridor-haulage.example", "Corridor Haulage", "ZM", ("transporter",)),
    "cobalt": Role("did:web:blue-salt-refining.example", "Blue Salt Refining", "FI", ("refiner",)),
    "gold_house": Role("did:web:lakeshore-gold.example", "Lakeshore Gold", "CD", ("producer", "exporter")),
    "buyer": Role("did:web:capacitor-maker.example", "Capacitor Maker", "DE", ("buyer", "manufacturer")),
    "cells": Role("did:web:cell-maker.example", "Cell Maker", "DE", ("buyer", "manufacturer")),
    "stranger": Role("did:web:curious-metals.example", "Curious Metals", "AE", ("trader",)),
}

_ASM, _LSM = "artisanal", "large_scale"
SITES = (
    Place("site:hilltop-A", "mine", "hilltop", "CD", "CD-NK", "coltan", ("28.9", "-1.5"), _ASM, (120, "792"),
        "NK-001"),
    Place(
        "site:riverside-B", "mine", "riverside", "CD", "CD-NK", "coltan", ("28.8", "-1.4"), _ASM, (170, "1100"),
        "NK-002"
    ),
    Place(
        "site:riverside-C", "mine", "riverside", "CD", "CD-NK", "coltan", ("28.8", "-1.6"), _ASM, (160, "1050"),
        "NK-003"
    ),
    Place("site:shadow-D", "mine", "shadow", "CD", "CD-NK", "coltan", ("28.7", "-1.5"), _ASM, (90, "600"), "NK-004"),
    Place(
        "site:ridge-E", "mine", "ridge", "CD", "CD-SK", "coltan", ("28.5", "-2.6"), "semi_mechanised", (80, "3500"),
        "SK-001",
    ),
    Place("site:lakeside-depot", "depot", "trader", "CD", "CD-NK", "coltan", ("29.0", "-1.6")),
    Place("site:export-plant", "plant", "exporter", "CD", "CD-NK", "coltan", ("29.2", "-1.7")),
    Place("site:tantalum-works", "refinery", "tantalum", "AT", "AT-6", "coltan", ("15.4", "47.1")),
    Place(
        "site:northern-tin", "mine", "tin_mine", "CD", "CD-NK", "cassiterite", ("27.9", "-1.1"), _LSM,
        (640, "40000000"), "NK-005",
    ),
    Place("site:northern-tin-plant", "plant", "tin_mine", "CD", "CD-NK", "cassiterite", ("27.9", "-1.0")),
    Place("site:estuary-smelter", "smelter", "tin_smelter", "BE", "BE-VAN", "cassiterite", ("4.8", "51.2")),
    Place(
        "site:copperbelt-pit", "mine", "cobalt_mine", "CD", "CD-LU", "copper-cobalt ore", ("25.4", "-10.7"), _LSM,
        (410, "30000000"), "LU-001",
    ),
    Place("site:copperbelt-plant", "plant", "cobalt_mine", "CD", "CD-LU", "cobalt hydroxide", ("25.5", "-10.7")),
    Place(
        "site:sunrise-pits", "mine", "diggers", "CD", "CD-LU", "copper-cobalt ore", ("25.6", "-10.8"), _ASM,
        (300, "400000"), "LU-002",
    ),
    Place("site:blue-salt", "refinery", "cobalt", "FI", "FI-07", "cobalt hydroxide", ("23.1", "63.8")),
    Place("site:cell-works", "plant", "cells", "DE", "DE-TH", "cobalt sulphate", ("11.0", "51.0")),
    Place(
        "site:lakeshore-placers", "mine", "gold_house", "CD", "CD-SK", "gold", ("28.3", "-3.2"), _ASM, (900, "80"),
        "SK-002",
    ),
)  # fmt: skip
