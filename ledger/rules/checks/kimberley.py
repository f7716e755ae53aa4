"""Checks of the Kimberley Process: rough diamonds cross a border only with a certificate, between participants."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import Field

from ledger.rules.case import Case
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop, LotFacts
from ledger.rules.items import Item
from ledger.rules.outcome import Outcome
from ledger.rules.reference.rows import CountryFact
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst

_NUMBER: Final = re.compile(r"([A-Z]{2})[ -]?[A-Za-z0-9./-]+")
_ROUGH: Final = ("rough_diamond", "diamond")
_FIELDS: Final = ("importer", "customs_value", "validator")


class Certified(Members):
    """codes: of the Harmonised System for rough diamonds, digits only."""

    codes: Annotated[list[str], Field(min_length=1)]


@check
def diamonds_certified(case: Case, members: Certified) -> Ruling:
    """Every shipment of rough diamonds across a border has a valid certificate, and both states take part."""
    lots = case.facts.lots.values()
    rough = [one for one in lots if one.mineral in _ROUGH or _digits(one.mineral) in members.codes]
    if not rough:
        return inapplicable("No lot of the chain is rough diamonds.")
    crossings = [(lot, hop) for lot in rough for hop in case.facts.hops if lot.id in hop.sent and _crosses(case, hop)]
    rulings = [_shipped(case, members, lot, hop) for lot, hop in crossings]
    return worst(rulings, nothing=inapplicable("The rough diamonds have not crossed a border."))


def _digits(code: str) -> str:
    return code.replace(".", "")[:6]


def _ends(case: Case, hop: Hop) -> tuple[str, str]:
    sites = case.facts.sites
    return sites[hop.dispatch.body["from"]].body["country"], sites[hop.dispatch.body["to"]].body["country"]


def _crosses(case: Case, hop: Hop) -> bool:
    start, end = _ends(case, hop)
    return start != end


def _shipped(case: Case, members: Certified, lot: LotFacts, hop: Hop) -> Ruling:
    facts, day = case.facts, hop.dispatch.time[:10]
    start, end = _ends(case, hop)
    all_of = [one for one in facts.attestations("certificate", lot.id) if one.statement["scheme"] == "kimberley"]
    own = [one for one in all_of if one.statement["country"] == start]
    if not own:
        text = f"'{lot.id}' left {start} for {end} on {day} without a Kimberley certificate."
        return failed(text, hop.dispatch.id, since=day).about(lot.id)
    competent = case.competent(own)
    if not competent:
        text = f"The certificate of '{lot.id}' is not signed by the exporting authority."
        return case.lacking(text, f"the authority's own record of the certificate of {lot.id}", evidence=[own[-1].id])
    parts = (
        _dated(competent[-1], lot, hop),
        _complete(case, members, competent[-1], lot, start),
        _sealed(case, hop, lot),
        _members(case, (start, end), hop, competent[-1]),
    )
    joint = worst(parts)
    if joint.outcome is not Outcome.PASS:
        return joint.about(lot.id)
    text = f"'{lot.id}' went from {start} to {end} under certificate {competent[-1].statement['number']}."
    return passed(text, competent[-1].id, references=["kimberley"]).about(lot.id)


def _dated(item: Item, lot: LotFacts, hop: Hop) -> Ruling:
    said, day = item.statement, hop.dispatch.time[:10]
    if not said["issued"] <= day <= said["expires"]:
        text = f"The certificate of '{lot.id}' was valid from {said['issued']} to {said['expires']}, not on {day}."
        return failed(text, item.id, hop.dispatch.id, since=day)
    return passed(f"It was valid on {day}.", item.id)


def _complete(case: Case, members: Certified, item: Item, lot: LotFacts, country: str) -> Ruling:
    """Number with the country's code, HS code, origin where it is not mixed, and the members that may be concealed."""
    said = item.statement
    number = _NUMBER.fullmatch(said["number"])
    if number is None or number[1] != country:
        text = f"The certificate's number {said['number']} does not begin with the code of {country}."
        return failed(text, item.id, since=said["issued"])
    code = _digits(str(said.get("ore") or lot.mineral))
    if code not in members.codes:
        return case.lacking(
            f"The certificate of '{lot.id}' gives no code of rough diamonds.", "the code", evidence=[item.id]
        )
    for member in _FIELDS:
        if not said.get(member):
            return case.concealed(item, member.replace("_", " "), "the certificate")
    if lot.packages is None:
        return case.lacking(
            f"How many parcels '{lot.id}' is, is not stated.", "the number of parcels", evidence=[item.id]
        )
    return passed("The certificate is complete.", item.id)


def _sealed(case: Case, hop: Hop, lot: LotFacts) -> Ruling:
    seals = set(hop.dispatch.body["transport"].get("seals", ()))
    if not seals:
        text = f"No seal of the container of '{lot.id}' is on record."
        return case.lacking(text, "the seals of the container", evidence=[hop.dispatch.id])
    if hop.receive is not None and set(hop.receive.body.get("seals", ())) != seals:
        text = f"The container of '{lot.id}' did not arrive with the seals with which it left."
        return failed(text, *hop.evidence, since=hop.receive.time[:10])
    return passed("The container was sealed.", *hop.evidence)


def _members(case: Case, countries: tuple[str, ...], hop: Hop, item: Item) -> Ruling:
    listed = case.reference("kimberley")
    if isinstance(listed, Ruling):
        return listed
    day = hop.dispatch.time[:10]
    outside = [one for one in countries if not _takes_part(listed.rows, one, day)]
    if outside:
        text = f"{' and '.join(outside)} did not take part in the Kimberley Process on {day}."
        return failed(text, item.id, hop.dispatch.id, since=day, references=["kimberley"])
    return passed("Both states take part.", item.id, references=["kimberley"])


def _takes_part(rows: tuple[Any, ...], country: str, day: str) -> bool:
    then: list[CountryFact] = [
        row for row in rows if row.country == country and row.start <= day and (not row.end or day <= row.end)
    ]
    return bool(then) and then[-1].status == "participant"
