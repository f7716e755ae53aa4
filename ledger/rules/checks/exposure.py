"""When the chain touched which site and which participant, and which reports about them therefore concern it.

A report concerns the chain only if it is about one of its lots, or about a site or participant at a
time when a lot of the chain was there: an incident of another year at the same mine says nothing
about this lot. A subject that the chain never touched (a claim about a site or participant) is
looked at over the twelve months before the valid clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from ledger.rules.case import Case, add_days
from ledger.rules.checks.figures import once
from ledger.rules.checks.targets import SMELTING
from ledger.rules.facts import Incident
from ledger.rules.items import Item
from ledger.rules.outcome import Grade

YEAR_DAYS: Final = 365
OPEN_END: Final = "9999-12-31"


class Window(NamedTuple):
    """First and last day, both included."""

    start: str
    end: str

    def overlaps(self, other: Window) -> bool:
        """Whether they share a day."""
        return self.start <= other.end and other.start <= self.end


def site_windows(case: Case) -> dict[str, tuple[Window, ...]]:
    """Of each site of the chain: periods of extraction at a mine, else from the first to the last event there."""
    return once(case, "exposure.sites", lambda: _site_windows(case))


def party_windows(case: Case) -> dict[str, Window]:
    """Of each custodian and operator: from the first to the last thing that it did with a lot of the chain."""
    return once(case, "exposure.parties", lambda: _party_windows(case))


def _site_windows(case: Case) -> dict[str, tuple[Window, ...]]:
    facts = case.facts
    found: dict[str, dict[Window, None]] = {}
    for lot in facts.lots.values():
        body = lot.made_by.body
        days = extraction_days(lot.made_by) if lot.is_mined else Window(lot.made_by.time[:10], lot.made_by.time[:10])
        found.setdefault(body["site"], {}).setdefault(days)
    mines = set(facts.mines())
    for hop in facts.hops:
        ends = [(hop.dispatch.body["from"], hop.dispatch)]
        if hop.receive is not None:
            ends.append((hop.receive.body["site"], hop.receive))
        for site, item in ends:
            if site not in mines:
                found.setdefault(site, {}).setdefault(Window(item.time[:10], item.time[:10]))
    windows = {site: tuple(days) if site in mines else (merge(days),) for site, days in found.items()}
    if facts.subject_kind == "site" and facts.subject not in windows:
        windows[facts.subject] = (last_year(case),)
    return windows


def _party_windows(case: Case) -> dict[str, Window]:
    facts = case.facts
    found: dict[str, list[Window]] = {}
    for record in dict.fromkeys(one for lot in facts.lots.values() for one in lot.records):
        item = facts.items[record]
        days = Window(item.time[:10], item.time[:10])
        found.setdefault(item.issuer, []).append(days)
        if item.type == "extract":
            found[item.issuer].append(extraction_days(item))
    windows = {party: merge(days) for party, days in found.items()}
    if facts.subject_kind == "participant":
        windows.setdefault(facts.subject, last_year(case))
    return windows


def last_year(case: Case) -> Window:
    """The twelve months up to the valid clock."""
    return Window(add_days(case.today, -YEAR_DAYS), case.today)


def upstream_windows(case: Case) -> dict[str, Window]:
    """Those of `party_windows` who did something with the lots outside of smelters and refineries."""
    facts = case.facts
    found: set[str] = set()
    for item in facts.of(record for lot in facts.lots.values() for record in lot.records):
        site = facts.sites.get(str(item.body.get("site") or item.body.get("from")))
        if site is not None and site.body["kind"] not in SMELTING:
            found.add(item.issuer)
    return {party: days for party, days in party_windows(case).items() if party in found or party == facts.subject}


def extraction_days(item: Item) -> Window:
    """The period of production of an extract."""
    return Window(item.body["period"]["from"][:10], item.body["period"]["to"][:10])


def merge(windows: Iterable[Window]) -> Window:
    """The smallest window over all of them; there is at least one."""
    days = list(windows)
    return Window(min(one.start for one in days), max(one.end for one in days))


def mines_of(case: Case) -> tuple[str, ...]:
    """Mines of the chain, and the mine that a claim is about."""
    facts = case.facts
    own = () if facts.subject_kind != "site" or facts.sites[facts.subject].body["kind"] != "mine" else (facts.subject,)
    return tuple(dict.fromkeys((*facts.mines(), *own)))


# ---- reports about what happened ------------------------------------------------------------------------------------


def is_category(value: str, wanted: Iterable[str]) -> bool:
    """Whether a risk category is one of these, under one (`A2.1.iii` under `A2.1`), or too general to rule it out."""
    return any(f"{value}.".startswith(f"{one}.") or f"{one}.".startswith(f"{value}.") for one in wanted)


def incidents_of(case: Case, categories: Iterable[str]) -> list[Incident]:
    """Incidents of these categories that concern the chain."""
    wanted = tuple(categories)
    found = (one for one in case.facts.incidents if is_category(one.category, wanted))
    return [one for one in found if touches(case, subjects_of(one), incident_days(one))]


def subjects_of(incident: Incident) -> tuple[str, ...]:
    """Everything that the incident's records speak of."""
    return tuple(dict.fromkeys(subject for one in incident.items for subject in one.about))


def incident_days(incident: Incident) -> Window:
    """When it happened: the period stated, else from its report until it was closed."""
    stated = [one.body["period"] for one in incident.items if one.body.get("period")]
    if stated:
        return Window(min(one["from"] for one in stated)[:10], max(one["to"] for one in stated)[:10])
    end = incident.items[-1].time[:10] if incident.status == "closed" else OPEN_END
    return Window(incident.first.time[:10], end)


def touches(case: Case, subjects: Iterable[str], days: Window) -> bool:
    """Whether something about these subjects on these days concerns the chain."""
    sites, parties = site_windows(case), party_windows(case)
    for one in subjects:
        if one in case.facts.lots or any(days.overlaps(window) for window in sites.get(one, ())):
            return True
        if one in parties and days.overlaps(parties[one]):
            return True
    return False


def is_established(case: Case, item: Item) -> bool:
    """Whether a report against the chain is more than an allegation.

    It comes from an authority or an independent party, or from somebody who speaks against his own
    interest; what one trader says about another is looked into first.
    """
    return item.grade >= Grade.COMPETENT_AUTHORITY or is_interested(case, item)


def is_interested(case: Case, item: Item) -> bool:
    """Whether the issuer is, operates or has held what the record speaks of."""
    facts = case.facts
    for one in item.about:
        held = facts.lots[one].holders if one in facts.lots else ()
        operator: Any = facts.sites[one].body["operator"] if one in facts.sites else None
        if item.issuer in (one, operator, *(party for party, _ in held)):
            return True
    return False
