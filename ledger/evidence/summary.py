"""What a verified bundle says about its lot, in a form for people and programs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ledger.custody.provenance import index_parents, share_origins
from ledger.custody.quantity import contained_metal, dry_mass, format_decimal, format_dry, format_metal
from ledger.custody.replay import Replay
from ledger.custody.subjects import Edge, Lot, Participant, Site
from ledger.custody.vocabulary import MODELS

SHARE_PLACES = 6


def summarize_lot(lot_id: str, replay: Replay) -> dict[str, Any] | None:
    """Custodian, status, quantity, contained metal and origins; None when the replay does not know the lot."""
    lot = replay.state.subjects.get(lot_id)
    if not isinstance(lot, Lot):
        return None
    metal = contained_metal(lot.mass, lot.moisture, lot.assay)
    return {
        "id": lot.id,
        "head": lot.head,
        "time": lot.time,
        "mineral": lot.mineral,
        "status": lot.status,
        "custodian": _party(lot.custodian, replay),
        "consignee": lot.consignee,
        "site": lot.site,
        "mass": lot.mass,
        "left": lot.left,
        "moisture": lot.moisture,
        "dry_mass": format_dry(dry_mass(lot.mass, lot.moisture)),
        "assay": lot.assay,
        "contained": {element: format_metal(units) for element, units in sorted(metal.items())},
        "tags": list(lot.tags),
        "model": _weakest_model(replay),
        "origins": _origins(lot.id, sorted(metal), replay),
    }


def _party(participant_id: str, replay: Replay) -> dict[str, Any]:
    party = replay.state.subjects.get(participant_id)
    known = party if isinstance(party, Participant) else None
    return {
        "id": participant_id,
        "country": known.country if known else "",
        "roles": list(known.roles) if known else [],
    }


def _weakest_model(replay: Replay) -> str:
    """The chain-of-custody model of the whole chain is that of its weakest hop (ISO 22095)."""
    lots = (replay.state.subjects.get(one) for one in replay.scope)
    return max((one.model for one in lots if isinstance(one, Lot)), key=MODELS.index)


def _origins(lot: str, elements: list[str], replay: Replay) -> list[dict[str, Any]]:
    """Sites that the lot comes from, with their share of dry mass and of each contained metal, in %."""
    parents = index_parents(replay.edges)
    by_mass = _by_site(lot, parents, None, replay)
    by_metal = {element: _by_site(lot, parents, element, replay) for element in elements}
    return [_origin(site, by_mass[site], by_metal, replay) for site in sorted(by_mass, key=lambda s: (-by_mass[s], s))]


def _origin(site_id: str, share: Fraction, by_metal: dict[str, dict[str, Fraction]], replay: Replay) -> dict[str, Any]:
    site = replay.state.subjects[site_id]
    lots = sorted(lot for lot, mined in replay.mined.items() if mined.site == site_id)
    assert isinstance(site, Site)  # noqa: S101 - the rules let nobody extract anywhere else
    return {
        "site": site.id,
        "country": site.country,
        "subdivision": site.subdivision,
        "operator": site.operator,
        "lots": lots,
        "records": sorted({replay.mined[lot].record for lot in lots}),
        "dry_mass_share": _percent(share),
        "shares": {element: _percent(by_metal[element].get(site_id, Fraction(0))) for element in sorted(by_metal)},
    }


def _by_site(lot: str, parents: dict[str, list[Edge]], element: str | None, replay: Replay) -> dict[str, Fraction]:
    shares: dict[str, Fraction] = {}
    for mined, share in share_origins(lot, parents, element).items():
        site = replay.mined[mined].site
        shares[site] = shares.get(site, Fraction(0)) + share
    return shares


def _percent(share: Fraction) -> str:
    """A share in % with six decimals, rounded half up."""
    return format_decimal(int(share * 100 * 10**SHARE_PLACES + Fraction(1, 2)), SHARE_PLACES)
