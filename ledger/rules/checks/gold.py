"""Checks of what is collected on gold (OECD guidance, Gold Supplement, Step 1, section II).

Numbers of every input and output, form and fineness, dates and suppliers, class of source,
legitimacy of artisanal miners, sealed transport of dore from large mines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from ledger.custody.quantity import parse_analyte
from ledger.errors import IdTaken, TagInUse
from ledger.rules.case import Case
from ledger.rules.checks.claims import NoMembers
from ledger.rules.checks.exposure import extraction_days, mines_of, site_windows
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop, LotFacts
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

Codes = Annotated[list[str], Field(min_length=1)]
_BY_LICENCE: Final = ("artisanal_permit", "mining_licence", "claim")


@check
def numbered_throughout(case: Case, members: NoMembers) -> Ruling:
    """Every input and output has a number of its own, and what the refinery makes is stamped or sealed."""
    rulings: list[Ruling] = []
    for item, error in case.facts.refusals:
        if isinstance(error, (IdTaken, TagInUse)):
            text = f"The {item.type} of {item.time[:10]} uses a number that was taken: {error.message}"
            rulings.append(failed(text, item.id, since=item.time))
    for lot in case.facts.lots.values():
        if lot.made_by.type == "transform" and lot.made_by.body["process"] == "refine" and not lot.tags:
            text = f"Nothing says how '{lot.id}' of the refinery is stamped."
            rulings.append(case.lacking(text, f"the stamp of {lot.id}", evidence=[lot.made_by.id]).about(lot.id))
        else:
            rulings.append(passed(f"'{lot.id}' has its number.", lot.made_by.id).about(lot.id))
    return worst(rulings)


@check
def form_described(case: Case, members: NoMembers) -> Ruling:
    """Form, weight and fineness of every lot of gold are on record, before and after each step."""
    rulings = []
    for lot in case.facts.lots.values():
        if any(parse_analyte(one).element == "Au" for one in lot.amount.assay):
            text = f"'{lot.id}' is {lot.mineral} of {lot.amount.mass} kg."
            rulings.append(passed(text, lot.made_by.id).about(lot.id))
        else:
            text = f"The fineness of '{lot.id}' is not assayed."
            rulings.append(case.lacking(text, f"an assay of {lot.id}", evidence=[lot.made_by.id]).about(lot.id))
    return worst(rulings)


class Identified(Members):
    """numbers: members of a participant's identifiers of which it must have one."""

    numbers: Codes


@check
def suppliers_identified(case: Case, members: Identified) -> Ruling:
    """Dates of input and output are on record, and every supplier is identified by a number of the state."""
    facts = case.facts
    suppliers = dict.fromkeys(hop.consignor for hop in facts.hops)
    rulings = [_identified(case, members, party) for party in suppliers]
    return worst(rulings, nothing=inapplicable("Nobody supplied any of it yet."))


def _identified(case: Case, members: Identified, party: str) -> Ruling:
    known = case.facts.parties.get(party)
    held = known.body.get("identifiers", {}) if known else {}
    numbers = [name for name in members.numbers if held.get(name)]
    if known is None or not numbers:
        text = f"No number of the state identifies {party}."
        evidence = [known.item.id] if known else []
        return case.lacking(text, f"the registration number of {party}", evidence=evidence).about(party)
    dated = [record for hop in case.facts.hops if hop.consignor == party for record in hop.evidence]
    return passed(f"{party} is identified by its {numbers[0]}.", known.item.id, *dated).about(party)


class SourceClass(Members):
    """minerals: codes that call gold recycled; grandfathered: codes of stocks from before `before`."""

    minerals: Codes
    grandfathered: Codes
    before: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


@check
def source_class_true(case: Case, members: SourceClass) -> Ruling:
    """Gold is called mined, recycled or grandfathered as its records show."""
    rulings = [_source(members, lot) for lot in case.facts.lots.values()]
    return worst(rulings)


def _source(members: SourceClass, lot: LotFacts) -> Ruling:
    code, mine = lot.mineral.lower(), lot.made_by.body["site"]
    record, since = lot.made_by.id, lot.made_by.time[:10]
    if code in members.minerals:
        text = f"'{lot.id}' is called recycled, and its records lead back to a mine."
        return failed(text, record, since=since).about(lot.id)
    if code in members.grandfathered:
        if lot.is_mined and extraction_days(lot.made_by).end < members.before:
            return passed(f"'{lot.id}' was mined before {members.before}.", record).about(lot.id)
        text = f"'{lot.id}' is called grandfathered, and was made at '{mine}' on {since}."
        return failed(text, record, since=since).about(lot.id)
    method = lot.made_by.body.get("method", "").replace("_", " ")
    text = f"'{lot.id}' was mined at '{mine}', {method}." if lot.is_mined else f"'{lot.id}' was made of mined lots."
    return passed(text, record).about(lot.id)


@check
def artisanal_legitimate(case: Case, members: NoMembers) -> Ruling:
    """Artisanal miners hold a licence, or show that they work on becoming legal in good faith."""
    facts = case.facts
    artisanal = {lot.made_by.body["site"] for lot in facts.lots.values() if lot.is_mined
                 and lot.made_by.body["method"] == "artisanal"}  # fmt: skip
    mines = [mine for mine in mines_of(case) if mine in artisanal]
    return worst(
        (_legitimate(case, mine) for mine in mines), nothing=inapplicable("No artisanal mine is in this chain.")
    )


def _legitimate(case: Case, mine: str) -> Ruling:
    operator = case.facts.sites[mine].body["operator"]
    day = site_windows(case)[mine][0].start
    for one in case.attested("licence", mine, operator):
        statement = one.statement
        if statement["kind"] in _BY_LICENCE and statement["granted"] <= day <= (statement.get("expires") or day):
            return passed(f"'{mine}' was licensed on {day}.", one.id).about(mine)
    for kind in ("policy", "contract"):
        for one in case.attested(kind, mine, operator):
            if "formalisation" in one.statement.get("covers", ()):
                return passed(f"'{mine}' works on becoming legal, says a {kind} of {one.time[:10]}.", one.id).about(
                    mine
                )
    text = f"Neither a licence of '{mine}' nor steps towards one are on file for {day}."
    return flagged(text, case.facts.sites[mine].item.id, since=day).about(mine)


@check
def dore_sealed(case: Case, members: NoMembers) -> Ruling:
    """Gold of large mines travels in sealed boxes whose numbers are on the papers and arrive unchanged."""
    facts = case.facts
    large = {lot.id for lot in facts.lots.values() if lot.is_mined and lot.made_by.body["method"] == "large_scale"}
    rulings = [_sealed(case, hop) for hop in facts.hops if large & hop.sent.keys()]
    return worst(rulings, nothing=inapplicable("No gold of a large mine was moved."))


def _sealed(case: Case, hop: Hop) -> Ruling:
    day, lots = hop.dispatch.time[:10], tuple(hop.sent)
    seals = _unique(hop.dispatch.body["transport"].get("seals", ()))
    if not seals:
        text = f"No seal is on the papers of the consignment of {day}."
        return case.lacking(text, "the numbers of the seals", evidence=[hop.dispatch.id]).about(*lots)
    if hop.receive is None:
        return inapplicable(f"The consignment of {day} is on its way.")
    arrived = _unique(hop.receive.body.get("seals", ()))
    if not arrived:
        text = f"No seal is on the receipt of the consignment of {day}."
        return case.lacking(text, "the numbers of the seals on arrival", evidence=hop.evidence).about(*lots)
    if arrived != seals:
        text = f"The consignment of {day} left under {', '.join(seals)} and arrived under {', '.join(arrived)}."
        return failed(text, *hop.evidence, since=hop.receive.time).about(*lots)
    return passed(f"The consignment of {day} arrived under its seals.", *hop.evidence).about(*lots)


def _unique(numbers: Iterable[str]) -> list[str]:
    return sorted(set(numbers))
