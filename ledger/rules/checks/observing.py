"""What the evidence shows of a lot, a mine or a participant, in the neutral values that statistics take.

Members that the evidence does not hold stay None: not known. Segments name the peers to compare with,
as the shipped model spells them; what has no segment is not scored.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from ledger.custody.quantity import (
    ASSAY_PLACES,
    MASS_PLACES,
    MOISTURE_PLACES,
    dry_mass,
    parse_analyte,
    parse_decimal,
)
from ledger.rules.case import Case
from ledger.rules.checks.claims import main_element
from ledger.rules.checks.displacement import red_sites
from ledger.rules.checks.figures import once
from ledger.rules.checks.journeys import moves
from ledger.rules.checks.material import recovered
from ledger.rules.checks.places import ROAD, site_place
from ledger.rules.checks.production import Month as Produced
from ledger.rules.checks.production import months_of, worker_days, workforce
from ledger.rules.checks.statuses import names_of
from ledger.rules.facts import Amount, LotFacts
from ledger.rules.facts import Hop as Handed
from ledger.rules.items import Item
from ledger.rules.minerals import materials_of
from ledger.rules.plausibility.observations import (
    Conversion,
    Handover,
    Hop,
    LotObservation,
    Month,
    Part,
    ParticipantObservation,
    Recorded,
    SiteObservation,
)

_MINED = {"tantalum": "coltan", "tin": "cassiterite"}
_PLANTS = {"tantalum": "tantalum.smelted", "tin": "tin.smelted", "cobalt": "cobalt.refined"}
_ROLES = (("exporter", "exporter"), ("refiner", "refiner"), ("smelter", "smelter"), ("trader", "trader"))
_DAYS = 22
PACED_DAYS = 4
"""Days with tagging that show a pace."""


def lot_segment(lot: LotFacts) -> str | None:
    """Where a lot stands in the chain: `coltan.mine`, `tin.industrial`...; None where nothing was learnt."""
    materials = materials_of(lot.mineral, lot.now.assay)
    body = lot.made_by.body
    if lot.is_mined:
        return mine_segment(materials, str(body["method"]), by_hand="mine")
    if body["process"] in ("smelt", "refine"):
        return next((_PLANTS[one] for one in materials if one in _PLANTS), None)
    found = next((_MINED[one] for one in materials if one in _MINED), None)
    return f"{found}.export" if found else None


def mine_segment(materials: Iterable[str], method: str, *, by_hand: str) -> str | None:
    """The segment of a mine or its lots. by_hand: what follows the mineral of an artisanal one."""
    materials = tuple(materials)
    if method == "large_scale":
        return next((f"{one}.industrial" for one in ("tin", "cobalt") if one in materials), None)
    found = next((_MINED[one] for one in materials if one in _MINED), None)
    return f"{found}.{by_hand}" if found else None


def observe_lot(case: Case, lot: LotFacts, segment: str) -> LotObservation:
    """A lot with what was mined, made and handed over to bring it about."""
    facts, mined = case.facts, lot.is_mined
    hops = [hop for hop in moves(case) if lot.id in hop.got]
    records = facts.of(lot.records)
    month = _month_of(lot) if mined else None
    bags = bags_in([lot.made_by]) if mined else ()
    parts = tuple(
        Part(dry_mass(edge.mass, edge.moisture), _grade(Amount(edge.mass, edge.moisture, edge.assay), lot))
        for edge in lot.edges
    )
    return LotObservation(
        segment=segment,
        start=str(lot.made_by.body["period"]["from"]) if mined else None,
        mass=_mass_of(lot.made_by) if mined else parse_decimal(lot.amount.mass, MASS_PLACES),
        worker_days=_whole(worker_days(month, None, days=_DAYS)) if month else None,
        bags=bags or None,
        tagged=_tagged([lot.made_by]) or None,
        collected=hops[0].dispatch.time if hops and _paced([lot.made_by]) else None,
        hops=_legs(case, hops) or None,
        handovers=tuple(_handovers(case, hop)[lot.id] for hop in hops) or None,
        conversion=None if mined else _conversion(case, lot.made_by),
        earlier=None if mined else _earlier(case, lot.made_by),
        parts=parts or None,
        grade=_grade(lot.amount, lot) if lot.amount.assay else None,
        records=_recorded(records),
        departures=tuple(hop.dispatch.time for hop in hops) or None,
    )


def observe_site(case: Case, month: Produced, segment: str) -> SiteObservation:
    """A mine in one month, beside the months before it."""
    known = case.facts.sites[month.site].body.get("capacity", {}).get("kg_per_month")
    before = [one for name, one in months_of(case, month.site).items() if name < month.month]
    lots = {lot["id"] for one in month.extracts for lot in one.body["lots"]}
    left = sorted({hop.dispatch.time for hop in case.facts.hops if not lots.isdisjoint(hop.sent)})
    count = workforce(case, month.site, month.last_day)
    return SiteObservation(
        segment=segment,
        start=min(str(one.body["period"]["from"]) for one in month.extracts),
        mass=_milligrams(month.mass),
        workers=month.workers or None,
        worker_days=_whole(worker_days(month, count, days=_DAYS)) or None,
        capacity=None if known is None else parse_decimal(known, MASS_PLACES),
        earlier=tuple(Month(_milligrams(one.mass), one.workers) for one in before),
        neighbour_red=_neighbour_red(case, month),
        bags=bags_in(month.extracts) or None,
        tagged=_tagged(month.extracts) or None,
        collections=tuple(left) or None if _paced(month.extracts) else None,
        grades=_grades(month.extracts) or None,
        earlier_grades=_grades(one for earlier in before for one in earlier.extracts) or None,
        records=_recorded(month.extracts),
        departures=tuple(left) or None,
    )


def observe_party(case: Case, party: str, segment: str) -> ParticipantObservation:
    """A participant, by the lots of this evidence that it handled."""
    facts = case.facts
    hops = [hop for hop in moves(case) if party in (hop.consignor, hop.consignee)]
    mine = [one for one in facts.transforms if one.issuer == party]
    yields = tuple(found for one in mine if (found := _conversion(case, one)) is not None)
    lots = {lot: None for hop in hops for lot in hop.got}
    handovers = tuple(one for hop in hops for one in _handovers(case, hop).values())
    own = [one for one in facts.items.values() if one.issuer == party]
    return ParticipantObservation(
        segment=segment,
        mass=sum(parse_decimal(facts.lots[lot].amount.mass, MASS_PLACES) for lot in lots) or None,
        conversions=yields or None,
        hops=_legs(case, hops) or None,
        handovers=handovers or None,
        records=_recorded(own),
        departures=tuple(hop.dispatch.time for hop in hops if hop.consignor == party) or None,
    )


def party_segment(roles: Iterable[str]) -> str | None:
    """The peers of a participant: by the strongest of its roles; producers are scored by their sites."""
    roles = set(roles)
    return next((segment for role, segment in _ROLES if role in roles), None)


def bags_in(extracts: Iterable[Item]) -> tuple[int, ...]:
    """Weights in mg of the lots of extracts that are one bag each."""
    lots = (lot for one in extracts for lot in one.body["lots"])
    return tuple(
        parse_decimal(lot["quantity"]["mass"], MASS_PLACES)
        for lot in lots
        if lot.get("packages", len(lot.get("tags", ()))) == 1
    )


def _month_of(lot: LotFacts) -> Produced:
    item = lot.made_by
    return Produced(lot.site, item.body["period"]["from"][:7], Fraction(0), (item,))


def _mass_of(extract: Item) -> int:
    return sum(parse_decimal(lot["quantity"]["mass"], MASS_PLACES) for lot in extract.body["lots"])


def _milligrams(kg: Fraction) -> int:
    return _whole(kg * 10**MASS_PLACES)


def _whole(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def _tagged(extracts: Iterable[Item]) -> tuple[str, ...]:
    """The time of each tag that records put on."""
    lots = ((one, lot) for one in extracts for lot in one.body["lots" if one.type == "extract" else "outputs"])
    return tuple(one.time for one, lot in lots for _ in lot.get("tags", ()))


def _paced(extracts: Iterable[Item]) -> bool:
    """Whether tags were recorded day by day, so that their times tell a pace: not when one record names them all."""
    return len({one.time[:10] for one in extracts}) >= PACED_DAYS


def _recorded(items: Iterable[Item]) -> tuple[Recorded, ...]:
    return tuple(Recorded(one.time, one.logged) for one in items)


def _legs(case: Case, hops: Iterable[Handed]) -> tuple[Hop, ...]:
    """Legs by road between places that are known."""
    found = []
    for hop in hops:
        start = site_place(case.facts, hop.dispatch.body["from"])
        end = site_place(case.facts, hop.receive.body["site"]) if hop.receive else None
        if start and end and hop.receive and hop.dispatch.body["transport"]["mode"] in ROAD:
            found.append(Hop(start, hop.dispatch.time, end, hop.receive.time))
    return tuple(found)


def _handovers(case: Case, hop: Handed) -> dict[str, Handover]:
    """What was sent and received of each lot of a handover."""
    lots = case.facts.lots
    return once(
        case,
        f"handed {hop.dispatch.id} {hop.evidence}",
        lambda: {one: _handover(hop, one, lots[one]) for one in hop.got},
    )


def _handover(hop: Handed, lot_id: str, lot: LotFacts) -> Handover:
    sent, got = hop.sent[lot_id], hop.got[lot_id]
    return Handover(
        parse_decimal(sent.mass, MASS_PLACES), parse_decimal(got.mass, MASS_PLACES),
        _moisture(sent), _moisture(got), _grade(sent, lot), _grade(got, lot),
    )  # fmt: skip


def _moisture(amount: Amount) -> int:
    return parse_decimal(amount.moisture, MOISTURE_PLACES)


def _grade(amount: Amount, lot: LotFacts) -> int:
    """The lot's main metal in 1e-6 of dry mass."""
    element = main_element(lot)
    for analyte, share in amount.assay.items():
        symbol, factor = parse_analyte(analyte)
        if symbol == element:
            return int(parse_decimal(share, ASSAY_PLACES) * factor // 10 ** (ASSAY_PLACES + 2))
    return 0


def _grades(extracts: Iterable[Item]) -> tuple[int, ...]:
    """The largest grade of each lot, in 1e-6 of dry mass."""
    found = []
    for lot in (lot for one in extracts for lot in one.body["lots"]):
        assay = lot["quantity"]["assay"]
        shares = [parse_decimal(share, ASSAY_PLACES) * parse_analyte(name).factor for name, share in assay.items()]
        if shares:
            found.append(max(shares) // 10 ** (ASSAY_PLACES + 2))
    return tuple(found)


def _conversion(case: Case, transform: Item) -> Conversion | None:
    """Main metal in and out of a process that changes grades."""
    if transform.body["process"] not in ("concentrate", "smelt", "refine"):
        return None
    found = recovered(case, transform)
    return None if found is None else Conversion(found[1].denominator, found[1].numerator)


def _earlier(case: Case, transform: Item) -> tuple[Conversion, ...] | None:
    """Conversions at the same plant before this one."""
    site = transform.body["site"]
    before = (one for one in case.facts.transforms if one.body["site"] == site and one.index < transform.index)
    return tuple(found for one in before if (found := _conversion(case, one)) is not None) or None


def _neighbour_red(case: Case, month: Produced) -> str:
    """When a neighbouring mine last turned Red before the end of a month, "" when none did."""
    own = names_of(case.facts, month.site)
    red = [one.entry.start for one in once(case, "red sites", lambda: red_sites(case)) if one.site not in own]
    day = max((one for one in red if one <= month.last_day), default="")
    return f"{day}T00:00:00Z" if day else ""
