"""The vocabulary of checks: small typed predicates that rules name and packs parametrise.

A check is a pure function `(Case, its members) -> Ruling`, registered under its name by `check`.
Its members are a strict model, so that a pack with an unknown or ill-typed parameter does not load.
One module per theme; importing this package registers them all.
"""

from __future__ import annotations

from ledger.rules.checks import (
    attested,
    certificates,
    chain_data,
    claims,
    collusion,
    displacement,
    fingerprint,
    flows,
    handovers,
    incidents,
    integrity,
    journeys,
    lateness,
    material,
    money,
    payments,
    production,
    routes,
    tags,
    trade,
    weights,
)
from ledger.rules.checks.registry import CHECKS, Check, Members, check

__all__ = [
    "CHECKS",
    "Check",
    "Members",
    "attested",
    "certificates",
    "chain_data",
    "check",
    "claims",
    "collusion",
    "displacement",
    "fingerprint",
    "flows",
    "handovers",
    "incidents",
    "integrity",
    "journeys",
    "lateness",
    "material",
    "money",
    "payments",
    "production",
    "routes",
    "tags",
    "trade",
    "weights",
]
