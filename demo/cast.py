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
    """A site: who operates it and what is handled there. capacity: workers, kg a month."""

    id: str
    kind: str
    operator: str
    country: str
    subdivision: str
    mineral: str
    method: str = ""
    point: tuple[str, str] = ("", "")
    capacity: tuple[int, str] = (0, "")


REGISTRAR = Role("did:web:registrar.example", "Ledger registrar", "BE", ("registrar",))

CAST = {
    "agency": Role("did:web:mines-agency.example", "Mines agency", "CD", ("authority",)),
    "laboratory": Role("did:web:assay-laboratory.example", "Assay laboratory", "TZ", ("laboratory",)),
    "auditor": Role("did:web:auditor.example", "Independent auditor", "CH", ("auditor",)),
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
    "tin_smelter": Role("did:web:straits-smelting.example", "Straits Smelting", "MY", ("smelter",)),
    "cobalt_mine": Role("did:web:copperbelt-cobalt.example", "Copperbelt Cobalt", "CD", ("producer", "exporter")),
    "haulier": Role("did:web:corridor-haulage.example", "Corridor Haulage", "ZM", ("transporter",)),
    "cobalt": Role("did:web:blue-salt-refining.example", "Blue Salt Refining", "FI", ("refiner",)),
    "buyer": Role("did:web:capacitor-maker.example", "Capacitor Maker", "DE", ("buyer", "manufacturer")),
    "stranger": Role("did:web:curious-metals.example", "Curious Metals", "AE", ("trader",)),
}

SITES = (
    Place("site:hilltop-A", "mine", "hilltop", "CD", "CD-NK", "coltan", "artisanal", ("28.9", "-1.5"), (120, "792")),
    Place(
        "site:riverside-B", "mine", "riverside", "CD", "CD-NK", "coltan", "artisanal", ("28.8", "-1.4"), (170, "1100")
    ),
    Place(
        "site:riverside-C", "mine", "riverside", "CD", "CD-NK", "coltan", "artisanal", ("28.8", "-1.6"), (160, "1050")
    ),
    Place("site:shadow-D", "mine", "shadow", "CD", "CD-NK", "coltan", "artisanal", ("28.7", "-1.5"), (90, "600")),
    Place("site:ridge-E", "mine", "ridge", "CD", "CD-SK", "coltan", "semi_mechanised", ("28.5", "-2.6"), (80, "3500")),
    Place("site:lakeside-depot", "depot", "trader", "CD", "CD-NK", "coltan"),
    Place("site:export-plant", "plant", "exporter", "CD", "CD-NK", "coltan"),
    Place("site:tantalum-works", "refinery", "tantalum", "AT", "AT-6", "coltan"),
    Place("site:northern-tin", "mine", "tin_mine", "CD", "CD-NK", "cassiterite", "large_scale", ("27.9", "-1.1")),
    Place("site:northern-tin-plant", "plant", "tin_mine", "CD", "CD-NK", "cassiterite"),
    Place("site:straits-smelter", "smelter", "tin_smelter", "MY", "MY-07", "cassiterite"),
    Place(
        "site:copperbelt-pit",
        "mine",
        "cobalt_mine",
        "CD",
        "CD-LU",
        "copper-cobalt ore",
        "large_scale",
        ("25.4", "-10.7"),
    ),
    Place("site:copperbelt-plant", "plant", "cobalt_mine", "CD", "CD-LU", "cobalt hydroxide"),
    Place("site:blue-salt", "refinery", "cobalt", "FI", "FI-07", "cobalt hydroxide"),
)
