"""Where rules end: how strange a lot, a mine or a participant is beside its peers, by the shipped model.

A score asks a person to look. It never fails a claim and never clears one: the outcomes are a red flag,
a pass ("nothing stands out") and insufficient evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from ledger.rules.case import Case
from ledger.rules.checks.figures import once
from ledger.rules.checks.observing import (
    lot_segment,
    mine_segment,
    observe_lot,
    observe_party,
    observe_site,
    party_segment,
)
from ledger.rules.checks.production import materials_in, mines_of, months_concerned
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import LotFacts
from ledger.rules.plausibility.observations import Observation
from ledger.rules.ruling import Ruling, flagged, inapplicable, passed, worst


class NoMembers(Members):
    """A check without parameters."""


@check
def lot_unremarkable(case: Case, members: NoMembers) -> Ruling:
    """The lot, and each production that it comes from, looks like those of its peers."""
    each = (once(case, f"unremarkable {lot.id}", partial(_lot, case, lot)) for lot in _one_per_extract(case))
    return worst(filter(None, each), nothing=inapplicable("Nothing was learnt of lots like these."))


def _lot(case: Case, lot: LotFacts) -> Ruling | None:
    segment = lot_segment(lot)
    if segment is None:
        return None
    ids = (lot.id,) if not lot.is_mined else (lot.site,)
    name = lot.id if not lot.is_mined else f"the production of {lot.site} until {lot.made_by.time[:10]}"
    observed = observe_lot(case, lot, segment)
    return _score(case, name, observed, [lot.made_by.id], since=lot.made_by.time[:10]).about(*ids)


def _one_per_extract(case: Case) -> list[LotFacts]:
    """The subject, and one lot of each extract of the chain."""
    facts = case.facts
    subject = [facts.lot] if facts.lot else []
    mined = {lot.made_by.id: lot for lot in facts.lots.values() if lot.is_mined}
    return list({lot.id: lot for lot in (*subject, *mined.values())}.values())


@check
def site_unremarkable(case: Case, members: NoMembers) -> Ruling:
    """The months of each mine look like its own past and like those of its peers."""
    found = []
    for site in mines_of(case):
        for month in months_concerned(case, site):
            method = str(month.extracts[0].body["method"])
            segment = mine_segment(materials_in(month.extracts), method, by_hand="artisanal")
            if segment is not None:
                observed = observe_site(case, month, segment)
                name = f"{site} in {month.month}"
                found.append(_score(case, name, observed, month.records, since=month.last_day).about(site))
    return worst(found, nothing=inapplicable("Nothing was learnt of mines like these."))


@check
def party_unremarkable(case: Case, members: NoMembers) -> Ruling:
    """Each participant that handled the lots looks like its peers."""
    found = []
    for party in case.facts.handlers:
        known = case.facts.parties.get(party)
        segment = party_segment(known.body["roles"]) if known else None
        if known is not None and segment is not None:
            observed = observe_party(case, party, segment)
            found.append(_score(case, party, observed, [known.item.id], since=case.today).about(party))
    return worst(found, nothing=inapplicable("Nothing was learnt of participants like these."))


def _score(case: Case, name: str, observed: Observation, records: Iterable[str], *, since: str) -> Ruling:
    from ledger.rules.plausibility.score import assess
    from ledger.rules.plausibility.shipped import read_model

    found = assess(observed, read_model())
    figures: dict[str, Any] = {
        "score": found.score,
        "threshold": found.threshold,
        "segment": found.segment,
        "model": found.model,
    }
    if found.finding == "red_flag":
        said = " ".join(one.sentence for one in found.drivers)
        drivers = [one.feature for one in found.drivers]
        text = f"{name} stands out among {found.segment}: {said}"
        return flagged(text, *records, since=since, drivers=drivers, **figures)
    if found.finding == "unremarkable":
        return passed(f"{name}: nothing stands out among {found.segment}.", *records, **figures)
    known = ", ".join(found.known) or "nothing"
    text = f"Too little is known of {name} to compare it: {known}."
    return case.lacking(text, "more records of the same kind", evidence=records, **figures)
