"""What rules on importers and smelters ask of a chain: origins, suppliers, smelters, places of risk.

Helpers only, no checks. Whatever cannot be answered from the evidence comes back as a ruling of
insufficient evidence, which the asking check returns or joins.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from ledger.rules.case import Case
from ledger.rules.checks.claims import element_of, main_element, mine_shares, percent
from ledger.rules.checks.targets import SMELTING
from ledger.rules.facts import Hop, LotFacts, Registered
from ledger.rules.items import Item
from ledger.rules.minerals import BY_ELEMENT, BY_MINERAL, materials_of
from ledger.rules.origins import ACCOUNT_MODELS
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, inapplicable, passed, worst

SYMBOLS: Final = {name: symbol for symbol, name in BY_ELEMENT.items()}
"""Material -> element symbol, as the lists of smelters write metals."""
GOVERNMENT_DUES: Final = ("tax", "royalty", "fee", "levy")
_LOCATION_FLAG: Final = "OECD-RF.LOC"
NOT_A_LOT: Final = inapplicable("Applies to a lot.")


class Origins(NamedTuple):
    """countries: share of contained metal by country of the mine; evidence: extract records of those mines."""

    countries: dict[str, Fraction]
    evidence: tuple[str, ...]

    @property
    def figures(self) -> dict[str, Any]:
        """Shares in %, by country."""
        return {"origins": {name: percent(share, 6) for name, share in sorted(self.countries.items())}}

    @property
    def words(self) -> str:
        """For a sentence: `CD 80 %, RW 20 %`."""
        return ", ".join(f"{name} {percent(share)} %" for name, share in sorted(self.countries.items()))


def origins_of(case: Case, lot: LotFacts) -> Origins | Ruling:
    """Countries of origin with their shares of the contained metal, or that part of the chain is unknown."""
    facts = case.facts
    mixed = next((one for one in facts.lots.values() if one.model in ACCOUNT_MODELS), None)
    if mixed is not None:
        text = f"Lot '{mixed.id}' was kept under {mixed.model}: nobody can say where its material comes from."
        return case.lacking(text, "material kept segregated", evidence=[mixed.made_by.id])
    sites = mine_shares(case, element_of(case, lot))
    if "" in sites:
        known = percent(1 - sites[""])
        text = f"Only {known} % of the material leads back to a mine."
        return case.lacking(text, "the records of every lot upstream", known=known)
    countries: dict[str, Fraction] = {}
    for site, share in sites.items():
        country = facts.sites[site].body["country"]
        countries[country] = countries.get(country, Fraction(0)) + share
    records = tuple(one.made_by.id for one in facts.lots.values() if one.is_mined)
    return Origins(countries, tuple(dict.fromkeys(records)))


def party_words(case: Case, party: str) -> tuple[Item | None, dict[str, Any]]:
    """The newest record that enrolled a participant and its body; nothing for one that is not enrolled here."""
    known = case.facts.parties.get(party)
    return (known.item, known.body) if known else (None, {})


def name_and_address(case: Case, party: str, what: str) -> Ruling:
    """A participant's name and address are on record and visible; what: what the participant is here."""
    item, body = party_words(case, party)
    if item is None:
        text = f"The {what} '{party}' is not enrolled in this ledger."
        return case.lacking(text, f"name and address of {party}").about(party)
    for member in ("name", "address"):
        if not body.get(member):
            return case.concealed(item, member, f"the {what} {party}").about(party)
    return passed(f"The {what} is {body['name']}, {body['address']}.", item.id).about(party)


def supplier_to(case: Case, buyer: str) -> tuple[str, str] | None:
    """Who sold or handed the lot to `buyer`, with the record that says so; without either, who holds it now.

    The newest sale to the buyer counts first: custody is not ownership. None when the buyer holds
    the lot and nothing says from whom.
    """
    facts = case.facts
    sales = [one for one in facts.attestations("ownership", facts.subject) if one.statement["buyer"] == buyer]
    if sales:
        return str(sales[-1].statement["seller"]), sales[-1].id
    hops = [hop for hop in facts.hops if facts.subject in hop.sent and hop.consignee == buyer]
    if hops:
        return hops[-1].consignor, hops[-1].dispatch.id
    holder, record = facts.lots[facts.subject].holders[-1]
    return None if holder == buyer else (holder, record)


class Smelter(NamedTuple):
    """A smelter or refinery of the chain. receipts: handovers accepted there; lots: smelted or refined there."""

    site: Registered
    receipts: tuple[Hop, ...]
    lots: tuple[LotFacts, ...]

    @property
    def operator(self) -> str:
        """The participant that runs it."""
        return str(self.site.body["operator"])

    @property
    def day(self) -> str:
        """Day on which material of the chain first came in, or was first worked there."""
        days = [hop.receive.time for hop in self.receipts if hop.receive] or [one.made_by.time for one in self.lots]
        return min(days)[:10]


def smelters_of(case: Case) -> list[Smelter]:
    """Smelters and refineries that lots of the chain went through, in the order of the chain."""
    facts = case.facts
    found = []
    for site in facts.sites_of(*SMELTING):
        receipts = tuple(
            hop for hop in facts.hops if hop.receive and hop.accepted and hop.receive.body["site"] == site.id
        )
        lots = tuple(one for one in facts.lots.values() if one.made_by.body["site"] == site.id)
        found.append(Smelter(site, receipts, lots))
    return found


def metals_of(case: Case, smelter: Smelter, listed: Iterable[str]) -> tuple[str, ...]:
    """Symbols of the metals for which a smelter took material of the chain; listed: metals that lists know."""
    lots = [case.facts.lots[one] for hop in smelter.receipts for one in hop.got] or list(smelter.lots)
    found: set[str] = set()
    for lot in lots:
        named = BY_MINERAL.get(lot.mineral.lower()) or (BY_ELEMENT.get(main_element(lot) or "", ""),)
        found |= {SYMBOLS.get(name, "") for name in named}
    return tuple(sorted(found & set(listed)))


class Risky(NamedTuple):
    """Why a chain counts as one from a place of risk: reasons (none: no reason found), records, data sets."""

    reasons: tuple[str, ...]
    evidence: tuple[str, ...]
    references: tuple[str, ...]


def risky_places(case: Case) -> Risky | Ruling:
    """Whether the chain touches a listed area, or one for which a red flag of location or an incident stands.

    Not being on the EU's indicative list settles nothing: countries of transit and what was reported
    about the chain count as well. Missing data is a ruling only when no reason was found without it.
    """
    found: dict[str, tuple[str, ...]] = {}
    references: list[str] = []
    absent: list[Ruling] = []
    for dataset, look in (("eu_cahra", _listed_areas), ("transit_countries", _transit)):
        snapshot = case.reference(dataset)
        if isinstance(snapshot, Ruling):
            absent.append(snapshot)
        else:
            references.append(dataset)
            found |= look(case, snapshot)
    found |= _reported(case)
    if absent and not found:
        return worst(absent)
    evidence = dict.fromkeys(record for records in found.values() for record in records)
    return Risky(tuple(found), tuple(evidence), tuple(references))


def _listed_areas(case: Case, snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    facts = case.facts
    listed = {(row.country, row.subdivision) for row in snapshot.rows}
    countries = {row.country for row in snapshot.rows}
    found: dict[str, tuple[str, ...]] = {}
    for site in facts.chain_sites:
        body = facts.sites[site].body
        if (body["country"], "") in listed or (body["country"], body["subdivision"]) in listed:
            found[f"{site} lies in {body['subdivision']}, which is listed"] = (facts.sites[site].item.id,)
    for hop in facts.hops:  # a waypoint names no province: one in a country with listed areas may lie in any of them
        for country in _route(hop):
            if country in countries:
                found[f"it was moved through {country}, where areas are listed"] = (hop.dispatch.id,)
    return found


def _transit(case: Case, snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    facts = case.facts
    minerals = {one.mineral for one in facts.lots.values()}
    minerals.update(*(materials_of(one.mineral, one.now.assay) for one in facts.lots.values()))
    suspect = {
        row.country
        for row in snapshot.rows
        if row.start <= case.today and (not row.end or case.today <= row.end)
        and (not row.minerals or not minerals.isdisjoint(row.minerals))
    }  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for site in facts.mines():
        if facts.sites[site].body["country"] in suspect:
            text = f"{facts.sites[site].body['country']} is a country through which such minerals are known to pass"
            found[text] = (facts.sites[site].item.id,)
    for hop in facts.hops:
        for country in _route(hop):
            if country in suspect:
                found[f"it was moved through {country}, a country of suspected transit"] = (hop.dispatch.id,)
    return found


def _route(hop: Hop) -> list[str]:
    return sorted({one["country"] for one in hop.dispatch.body["transport"].get("route", ())})


def _reported(case: Case) -> dict[str, tuple[str, ...]]:
    facts = case.facts
    found: dict[str, tuple[str, ...]] = {}
    for kind in ("risk_assessment", "edd_report"):
        for one in facts.attestations(kind, *facts.subjects):
            if any(flag.startswith(_LOCATION_FLAG) for flag in one.statement.get("red_flags", ())):
                found[f"a {kind.replace('_', ' ')} names a red flag of location"] = (one.id,)
    places = {*facts.chain_sites, *facts.lots}
    for incident in facts.incidents:
        if places & set(incident.first.about):
            found[f"an incident of {incident.first.time[:10]} is on file about the chain"] = incident.evidence
    return found


def information_of_risk(case: Case, lot: LotFacts) -> Ruling:
    """Mine of origin, places of consolidation, trade and processing, and dues paid: what a chain of risk must show."""
    return worst((_mines(case, lot), _places(case), dues_paid(case)))


def _mines(case: Case, lot: LotFacts) -> Ruling:
    origins = origins_of(case, lot)
    if isinstance(origins, Ruling):
        return origins
    return passed(f"All of it comes from the mines {', '.join(case.facts.mines())}.", *origins.evidence)


def _places(case: Case) -> Ruling:
    facts = case.facts
    places = [one for one in facts.chain_sites if one not in facts.mines()]
    if not places:
        return passed("It has not left its mines.", *(facts.sites[one].item.id for one in facts.mines()))
    words = ", ".join(f"{one} ({facts.sites[one].body['subdivision']})" for one in places)
    return passed(f"It was kept, traded or worked at {words}.", *(facts.sites[one].item.id for one in places))


def dues_paid(case: Case) -> Ruling:
    """Taxes, fees and royalties paid to government are on file for the chain."""
    facts = case.facts
    about = (*facts.lots, *facts.chain_sites, *facts.handlers)
    found = [one for one in facts.attestations("payment", *about) if one.statement["kind"] in GOVERNMENT_DUES]
    if not found:
        return case.lacking("No tax, fee or royalty paid for this chain is on file.", "taxes, fees and royalties paid")
    return passed(f"{len(found)} payments of taxes, fees or royalties are on file.", *(one.id for one in found))
