"""Check of how late records came: offline capture is honest, filling the books before an export is not.

A record that was signed when it happened and reached the log later was captured offline: mine sites
have no network. One that was signed long after the fact was not. Catalogue: LED.LATE, section 10.15.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ledger.rules.case import Case, seconds_between
from ledger.rules.checks.attested import Days
from ledger.rules.checks.integrity import custody_records, ids
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, flagged, passed, worst

_DAY: Final = 86_400


class InTime(Members):
    """online, offline: days between what happened and the log's time; promptly: hours within which an offline

    record is signed; backfill: share in % of the records of a lot that may come in one batch of `batch`
    hours after its export was declared.
    """

    online: Days = 7
    offline: Days = 30
    promptly: Annotated[int, Field(ge=0, le=720)] = 24
    backfill: Annotated[int, Field(ge=1, le=100)] = 50
    batch: Annotated[int, Field(ge=1, le=720)] = 1


@check
def recorded_in_time(case: Case, members: InTime) -> Ruling:
    """Records reached the log within the time that their way of capture allows, not all at once before an export."""
    records = custody_records(case)
    if not records:
        return case.lacking("No record of custody is on file.", "the chain's records")
    rulings = [one for one in (_late(item, members) for item in records) if one]
    rulings += _backfilled(case, members, records)
    offline = sum(_is_offline(one, members) and _delay(one) > members.online * _DAY for one in records)
    text = f"All {len(records)} records reached the log in time, {offline} of them after offline capture."
    return worst([*rulings, passed(text, *ids(records), offline=offline)])


def _delay(item: Item) -> int:
    return seconds_between(item.time, item.logged)


def _is_offline(item: Item, members: InTime) -> bool:
    """Signed when it happened, whenever the log took it."""
    return seconds_between(item.time, item.signed) <= members.promptly * 3600


def _late(item: Item, members: InTime) -> Ruling | None:
    offline = _is_offline(item, members)
    limit = members.offline if offline else members.online
    if _delay(item) <= limit * _DAY:
        return None
    how = "captured offline" if offline else "signed later"
    text = f"The {item.type} of {item.time[:10]}, {how}, reached the log after {_delay(item) // _DAY} days."
    return flagged(text, item.id, since=item.logged).about(*item.about)


def _backfilled(case: Case, members: InTime, records: list[Item]) -> list[Ruling]:
    """A flag when most of what happened before an export was declared was recorded in one go after it."""
    rulings = []
    for export in case.facts.attestations("export", *case.facts.lots):
        before = [one for one in records if one.time <= export.time]
        late = sorted((one for one in before if one.logged > export.logged), key=lambda one: one.index)
        most = _largest_batch(late, members.batch * 3600)
        if before and len(most) * 100 > members.backfill * len(before):
            text = (
                f"{len(most)} of {len(before)} records reached the log in one batch after the export of "
                f"{export.time[:10]} was declared."
            )
            rulings.append(flagged(text, export.id, *ids(most), since=most[0].logged).about(*export.about))
    return rulings


def _largest_batch(late: list[Item], seconds: int) -> list[Item]:
    """The most records that the log took within so many seconds."""
    best: list[Item] = []
    first = 0
    for last, item in enumerate(late):
        while seconds_between(late[first].logged, item.logged) > seconds:
            first += 1
        if last - first + 1 > len(best):
            best = late[first : last + 1]
    return best
