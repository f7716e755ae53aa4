"""Whom a check asks about: `each` of the lots, sites or participants of the evidence."""

from __future__ import annotations

from typing import Literal

from ledger.rules.case import Case
from ledger.rules.facts import Facts, Hop
from ledger.rules.items import Item

Each = Literal[
    "subject", "chain", "lots", "mined_lots", "mines", "sites", "smelters", "handlers", "custodian", "consignments"
]
"""subject: what the claim is about; chain: all of it taken together; mines, smelters (and refineries),

sites: those that lots went through; handlers: everyone who held a lot or operated a site; custodian:
the last holder of the lot; consignments: the lots of each handover.
"""

SMELTING = ("smelter", "refinery")


def targets(case: Case, each: Each) -> list[tuple[str, tuple[str, ...]]]:
    """What to ask about, one after the other: a name for sentences, and the subject ids."""
    facts = case.facts
    if each == "subject":
        return [(facts.subject, (facts.subject,))]
    if each == "chain":
        return [("this chain", (facts.subject, *facts.lots, *facts.chain_sites, *facts.handlers))]
    if each == "custodian":
        holders = facts.lot.holders[-1:] if facts.lot else []
        return [(holder, (holder,)) for holder, _ in holders]
    if each == "consignments":
        return [(f"the consignment of {hop.dispatch.time[:10]}", tuple(hop.sent)) for hop in facts.hops]
    ids = {
        "lots": tuple(facts.lots),
        "mined_lots": tuple(lot.id for lot in facts.lots.values() if lot.is_mined),
        "mines": facts.mines(),
        "sites": facts.chain_sites,
        "smelters": tuple(site.id for site in facts.sites_of(*SMELTING)),
        "handlers": facts.handlers,
    }[each]
    return [(one, (one,)) for one in ids]


def smelter_receipts(facts: Facts) -> list[tuple[Hop, Item]]:
    """Hops to a smelter or refinery that took the lots, each with the record by which it did."""
    received = [(hop, hop.receive) for hop in facts.hops if hop.receive and hop.accepted]
    return [(hop, one) for hop, one in received if facts.sites[one.body["site"]].body["kind"] in SMELTING]
