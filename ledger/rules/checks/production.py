"""What a mine says it produced, against what its workers, its ore and its own past allow.

    capacity = workers x kg per worker and day x days x (1 + tolerance)          R = declared / capacity
    metal of a large mine = ore x head grade x recovery
    z = (month - median of months before) / (1.4826 x median absolute deviation)

Months are those of the topic `production`: a bundle holds every extract of them, so a mine can't
spread what it declares over lots that nobody sees together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ledger.custody.quantity import MASS_PLACES, contained_metal, parse_decimal
from ledger.custody.topics import format_month, month_of, number_of_month
from ledger.custody.vocabulary import Percent
from ledger.rules.case import Case, days_between
from ledger.rules.checks.figures import Decimal, NumberEntry, look_up, median, number, once, show
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.minerals import materials_of
from ledger.rules.outcome import Grade
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

MAD_TO_SIGMA: Final = Fraction(14_826, 10_000)
_KG: Final = 10**MASS_PLACES


class Month(NamedTuple):
    """All extracts at a mine whose period begins in one month; mass: wet kg."""

    site: str
    month: str
    mass: Fraction
    extracts: tuple[Item, ...]

    @property
    def records(self) -> tuple[str, ...]:
        """Record ids."""
        return tuple(one.id for one in self.extracts)

    @property
    def workers(self) -> int:
        """The most workers that any extract of the month declares."""
        return max(int(one.body["workers"]) for one in self.extracts)

    @property
    def last_day(self) -> str:
        """The last day of any period."""
        return max(str(one.body["period"]["to"]) for one in self.extracts)[:10]


def months_of(case: Case, site: str) -> dict[str, Month]:
    """The months of a mine by `YYYY-MM`, oldest first."""
    return once(case, f"months {site}", lambda: _months(case, site))


def _months(case: Case, site: str) -> dict[str, Month]:
    by_month: dict[str, list[Item]] = {}
    for one in case.facts.extracts(site):
        by_month.setdefault(month_of(one.body["period"]["from"]), []).append(one)
    return {
        month: Month(site, month, sum((_mass(one) for one in extracts), Fraction(0)), tuple(extracts))
        for month, extracts in sorted(by_month.items())
    }


def _mass(extract: Item) -> Fraction:
    return Fraction(sum(parse_decimal(lot["quantity"]["mass"], MASS_PLACES) for lot in extract.body["lots"]), _KG)


def mines_of(case: Case) -> tuple[str, ...]:
    """The mines of the chain, and the subject if it is one."""
    facts = case.facts
    subject = facts.sites.get(facts.subject)
    own = (facts.subject,) if subject and subject.body["kind"] == "mine" else ()
    return tuple(dict.fromkeys((*facts.mines(), *own)))


def months_concerned(case: Case, site: str) -> list[Month]:
    """The months in which the chain's lots were extracted; all that are known of a site that is the subject."""
    return once(case, f"months concerned {site}", lambda: _months_concerned(case, site))


def _months_concerned(case: Case, site: str) -> list[Month]:
    months = months_of(case, site)
    if site == case.facts.subject:
        return list(months.values())
    lots = (lot for lot in case.facts.lots.values() if lot.is_mined and lot.made_by.body["site"] == site)
    wanted = {month_of(lot.made_by.body["period"]["from"]) for lot in lots}
    return [month for name, month in months.items() if name in wanted]


def workforce(case: Case, site: str, day: str) -> int | None:
    """Workers that an inspection counted last by a day, else the capacity that was registered; None without either."""
    counted = [
        one.statement["workforce"]
        for one in case.facts.attestations("inspection", site)
        if one.grade >= Grade.COMPETENT_AUTHORITY
        and one.statement.get("workforce") is not None
        and one.statement["date"] <= day
    ]
    if counted:
        return int(counted[-1])
    known = case.facts.sites.get(site)
    registered = known.body.get("capacity", {}).get("workers") if known else None
    return None if registered is None else int(registered)


def worker_days(month: Month, limit: int | None, *, days: int) -> Fraction:
    """Worker-days of a month: those on shift each day, no more than `limit`, on no more than `days` days a month."""
    if len(month.extracts) == 1:
        (one,) = month.extracts
        workers = int(one.body["workers"])
        on_shift = workers if limit is None else min(workers, limit)
        lengths = _days_by_month(one.body["period"]["from"][:10], one.body["period"]["to"][:10])
        return Fraction(sum(on_shift * min(days, length) for length in lengths))
    shifts: dict[int, int] = {}
    for one in month.extracts:
        period, workers = one.body["period"], int(one.body["workers"])
        for day in range(_ordinal(period["from"][:10]), _ordinal(period["to"][:10]) + 1):
            shifts[day] = shifts.get(day, 0) + workers
    by_month: dict[str, list[int]] = {}
    for day, workers in shifts.items():
        on_shift = workers if limit is None else min(workers, limit)
        by_month.setdefault(_month_of_day(day), []).append(on_shift)
    total = Fraction(sum(sum(one) for one in by_month.values() if len(one) <= days))
    return sum((Fraction(sum(one) * days, len(one)) for one in by_month.values() if len(one) > days), total)


@lru_cache(maxsize=4096)
def _days_by_month(first: str, last: str) -> tuple[int, ...]:
    """How many days of each month lie from one day to another."""
    months = [_month_of_day(day) for day in range(_ordinal(first), _ordinal(last) + 1)]
    return tuple(months.count(one) for one in dict.fromkeys(months))


@lru_cache(maxsize=4096)
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


@lru_cache(maxsize=4096)
def _month_of_day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()[:7]


class Capacity(Members):
    """rates: kg per worker and day by material; days: worked in a month at most; tolerance in %; flag, fail: above

    which R; both as decimal strings.
    """

    rates: list[NumberEntry]
    days: Annotated[int, Field(ge=1, le=31)] = 22
    tolerance: Percent = "0"
    flag: Decimal | None = None
    fail: Decimal


@check
def within_capacity(case: Case, members: Capacity) -> Ruling:
    """A mine declares no more than its workers can dig in the days of the month."""
    found = (_capacity(case, members, month) for site in mines_of(case) for month in months_concerned(case, site))
    return worst(found, nothing=inapplicable("No extraction is on file here."))


def _capacity(case: Case, members: Capacity, month: Month) -> Ruling:
    name = f"{month.site} in {month.month}"
    capacity, basis = once(case, f"capacity {members!r} {name}", lambda: _digging(case, members, month))
    if capacity is None:
        return case.lacking(
            f"What one worker can dig in a day is not known for what {month.site} produces.",
            "the registered capacity of the mine in kg per month",
            evidence=month.records,
        ).about(month.site)
    if not capacity:
        text = f"{name}: {show(month.mass)} kg were declared with nobody at work."
        return failed(text, *month.records, since=month.last_day).about(month.site)
    ratio = month.mass / capacity
    text = f"{name}: {show(month.mass)} kg declared, {show(capacity)} kg possible ({basis}): R = {show(ratio)}."
    figures = {"declared": show(month.mass), "capacity": show(capacity), "ratio": show(ratio), "month": month.month}
    if ratio > number(members.fail):
        ruling = failed(text, *month.records, since=month.last_day, **figures)
    elif members.flag is not None and ratio > number(members.flag):
        ruling = flagged(text, *month.records, since=month.last_day, **figures)
    else:
        ruling = passed(text, *month.records, **figures)
    return ruling.about(month.site)


def _digging(case: Case, members: Capacity, month: Month) -> tuple[Fraction | None, str]:
    """kg that a mine can produce in a month, and how that was found."""
    extracts, site = month.extracts, case.facts.sites.get(month.site)
    registered = site.body.get("capacity", {}).get("kg_per_month") if site else None
    materials = materials_in(extracts)
    rate = max((number(found) for one in materials if (found := look_up(members.rates, one))), default=None)
    by_hand = all(one.body["method"] == "artisanal" for one in extracts)
    share = 1 + number(members.tolerance) / 100
    if by_hand and rate is not None:
        days = worker_days(month, workforce(case, month.site, month.last_day), days=members.days)
        return days * rate * share, f"{show(days, 0)} worker-days at {show(rate)} kg"
    return (number(registered) * share, "registered capacity") if registered is not None else (None, "")


def materials_in(extracts: Iterable[Item]) -> list[str]:
    """The materials of the lots of extracts, sorted."""
    lots = (lot for one in extracts for lot in one.body["lots"])
    kinds = {(lot["mineral"], tuple(lot["quantity"]["assay"].items())) for lot in lots}
    return sorted({name for mineral, assay in kinds for name in materials_of(mineral, dict(assay))})


class Recoveries(Members):
    """recoveries: % by element; flag, fail: deviation in % beyond which a month does not close."""

    recoveries: list[NumberEntry]
    flag: Percent = "2"
    fail: Percent = "5"


@check
def ore_closes(case: Case, members: Recoveries) -> Ruling:
    """What a large mine's plant makes of its ore is ore times head grade times recovery."""
    facts, nothing = case.facts, inapplicable("No ore of a large mine was concentrated here.")
    mined = {lot.id: lot for lot in facts.lots.values() if lot.is_mined}
    found = []
    for transform in facts.transforms:
        inputs = [one["lot"] for one in transform.body["inputs"]]
        ore = [mined[one] for one in inputs if one in mined and mined[one].made_by.body["method"] == "large_scale"]
        if transform.body["process"] == "concentrate" and ore and len(ore) == len(inputs):
            found.append(_close(case, members, transform))
    return worst(found, nothing=nothing)


def _close(case: Case, members: Recoveries, transform: Item) -> Ruling:
    line = next((one for one in case.facts.balances if one.record == transform.id), None)
    held, made = (line.balance.metal_in if line else {}), products_of(transform)
    if not held or not made:
        return case.lacking("The head grade of the ore is not assayed.", "an assay of the ore", evidence=[transform.id])
    element = max(made, key=lambda one: (made[one], one))
    recovery = look_up(members.recoveries, element)
    if recovery is None or not held.get(element):
        what = f"the plant's usual recovery of {element}"
        return case.lacking(f"No recovery of {element} is known to compare with.", what, evidence=[transform.id])
    expected = held[element] * number(recovery) / 100
    off = 100 * ((made[element] - expected) / expected if expected else Fraction(bool(made[element])))
    text = (
        f"{transform.body['site']}: {element} in the product is {show(off)} % off ore x grade x {recovery} % recovery."
    )
    figures = {"element": element, "deviation": show(off), "recovery": recovery}
    if abs(off) > number(members.fail):
        return failed(text, transform.id, since=transform.time[:10], **figures).about(transform.body["site"])
    if abs(off) > number(members.flag):
        return flagged(text, transform.id, since=transform.time[:10], **figures).about(transform.body["site"])
    return passed(text, transform.id, **figures).about(transform.body["site"])


def products_of(transform: Item) -> dict[str, int]:
    """Contained metal of a transform's products and by-products, without residues, in `METAL_UNIT`s."""
    made: dict[str, int] = {}
    for one in transform.body["outputs"]:
        if one.get("role", "product") != "residue":
            for element, units in contained_metal(**one["quantity"]).items():
                made[element] = made.get(element, 0) + units
    return made


def jump(case: Case, month: Month, *, least: int, floor: str) -> Fraction | None:
    """Robust z of a month beside the mine's months before it; None with fewer than `least` of them.

    floor: % of the median below which the spread is not taken, so that a steady mine may vary.
    """
    before = [one.mass for one in months_of(case, month.site).values() if one.month < month.month]
    if len(before) < least:
        return None
    centre = median(before)
    spread = max(median(abs(one - centre) for one in before), centre * number(floor) / 100)
    return (month.mass - centre) / (MAD_TO_SIGMA * spread)


def earlier_workers(case: Case, month: Month) -> Fraction:
    """The median number of workers in the months before."""
    before = [one for one in months_of(case, month.site).values() if one.month < month.month]
    return median(Fraction(one.workers) for one in before)


def month_days(month: str) -> tuple[str, str]:
    """First and last day of `YYYY-MM`."""
    following = date.fromisoformat(f"{format_month(number_of_month(month) + 1)}-01")
    return f"{month}-01", (following - timedelta(days=1)).isoformat()


def in_aftermath(day: str, month: Month, days: int) -> bool:
    """Whether a month has days within `days` days after a day."""
    first, last = month_days(month.month)
    return days_between(day, last) >= 0 and days_between(day, first) <= days


def share_between(extracts: Iterable[Item], start: str, end: str) -> Fraction:
    """kg declared for periods that end on a day from `start` to before `end`."""
    return sum((_mass(one) for one in extracts if start <= one.body["period"]["to"][:10] < end), Fraction(0))
