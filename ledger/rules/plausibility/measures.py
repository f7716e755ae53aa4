"""The measurements behind the features: digits, tags, travel, prices, recovery, hand-overs, records, history.

Each takes observed values, known in full, and gives an integer in 1e-6, or None when they are too
few to say anything. Formulas and thresholds of the catalogue of fraud patterns stand where they are used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ledger.encoding import parse_time
from ledger.rules.plausibility.exact import LARGEST, MICRO, clamp, divide, median, ratio, robust_z, spread
from ledger.rules.plausibility.observations import Conversion, Handover, Hop, Month, Part, Price, Recorded, Trace
from ledger.rules.plausibility.travel import speed

ROUND_STEP: Final = 5_000_000  # mg: people who invent weights like multiples of 5 kg
LEAST_BAGS: Final = 8
LEAST_DIGITS: Final = 50  # five expected of each digit, the usual least for a chi-square
LEAST_MONTHS: Final = 6
LEAST_EARLIER: Final = 5
LEAST_TAGS: Final = 8
LEAST_DAYS: Final = 4

_HOUR: Final = 3_600
_DAY: Final = 86_400
_BURST: Final = 2 * _DAY
_WEEK: Final = 7 * _DAY
_AFTERMATH: Final = 90 * _DAY  # how long a neighbour that turned red can explain a jump
_MONEY_PLACES: Final = 6


def share_of_round_weights(bags: Sequence[int]) -> int | None:
    """The share of bags whose weight is a multiple of 5 kg."""
    if len(bags) < LEAST_BAGS:
        return None
    return ratio(sum(mass % ROUND_STEP == 0 for mass in bags), len(bags))


def share_of_repeated_weights(bags: Sequence[int]) -> int | None:
    """The chance that two bags drawn at random weigh the same: it does not grow with the number of bags."""
    n = len(bags)
    if n < LEAST_BAGS:
        return None
    return ratio(sum(count * (count - 1) for count in Counter(bags).values()), n * (n - 1))


def last_digit_unevenness(bags: Sequence[int]) -> int | None:
    """Chi-square per degree of freedom of the last digit that the scale shows; about 1 when digits fall by chance.

    The scale's division (1, 5, 10, 50, ... mg) is the coarsest in which nine weights in ten are
    written; finer ones are left out. Where weights hardly vary beside ten divisions, their last
    digits need not be even, and nothing is said.
    """
    division, factor = 1, 5
    while _mostly_divide(bags, division * factor):
        division, factor = division * factor, 7 - factor  # times 5, times 2, times 5, ...
    shown = [mass // division for mass in bags if mass % division == 0]
    n = len(shown)
    if n < LEAST_DIGITS or 3 * spread(shown, median(shown)) < 10:
        return None
    # sum (observed - n/10)^2 / (n/10) = 10/n sum observed^2 - n, over 9 degrees of freedom
    return ratio(10 * sum(count * count for count in Counter(one % 10 for one in shown).values()) - n * n, 9 * n)


def _mostly_divide(bags: Sequence[int], division: int) -> bool:
    return max(bags, default=0) >= division and 10 * sum(mass % division == 0 for mass in bags) >= 9 * len(bags)


def output_per_worker_day(mass: int, worker_days: int) -> int | None:
    """kg per day of one worker; mg is kg in 1e-6."""
    return clamp(divide(mass, worker_days)) if worker_days > 0 else None


def tags_per_worker_day(tagged: Sequence[str], worker_days: int) -> int | None:
    """Tags applied per day of one worker."""
    return ratio(len(tagged), worker_days) if worker_days > 0 else None


def tag_burst(tagged: Sequence[str], start: str, *, collections: Sequence[str]) -> int | None:
    """Tags in the 48 hours before collections, to what even tagging from `start` on would have put there."""
    if len(tagged) < LEAST_TAGS or not collections:
        return None
    ends = [parse_time(collection) for collection in collections]
    period = max(ends) - parse_time(start)
    if period < LEAST_DAYS * _DAY:
        return None
    times = [parse_time(time) for time in tagged]
    late = sum(any(end - _BURST < time <= end for end in ends) for time in times)
    return ratio(late * period, len(times) * _BURST * len(ends))


def fastest(hops: Iterable[Hop]) -> int | None:
    """The highest straight-line speed, km/h."""
    return max((found for hop in hops if (found := speed(hop)) is not None), default=None)


def price_ratio(price: Price) -> int | None:
    """What was paid to the benchmark."""
    benchmark = _money(price.benchmark)
    return ratio(_money(price.paid), benchmark) if benchmark > 0 else None


def price_ratios(prices: Iterable[Price]) -> list[int]:
    """Those of several purchases; what has no benchmark is left out."""
    return [found for price in prices if (found := price_ratio(price)) is not None]


def recovery(conversion: Conversion) -> int | None:
    """Contained metal out to contained metal in."""
    return ratio(conversion.metal_out, conversion.metal_in) if conversion.metal_in > 0 else None


def recovery_shift(conversions: Iterable[Conversion], earlier: Iterable[Conversion]) -> int | None:
    """Recovery over all conversions, less the median of the same plant before."""
    before = [found for one in earlier if (found := recovery(one)) is not None]
    now = [*conversions]
    total = recovery(Conversion(sum(one.metal_in for one in now), sum(one.metal_out for one in now)))
    if total is None or len(before) < LEAST_EARLIER:
        return None
    return total - median(before)


def dry_mass_change(handover: Handover) -> int | None:
    """Dry mass received to dry mass sent, less one: drying on the way changes nothing here."""
    sent = handover.mass_sent * (MICRO - handover.moisture_sent)
    received = handover.mass_received * (MICRO - handover.moisture_received)
    return ratio(received - sent, sent) if sent > 0 else None


def moisture_change(handover: Handover) -> int | None:
    """Moisture received less moisture sent, in shares of wet mass."""
    return handover.moisture_received - handover.moisture_sent


def grade_change(handover: Handover) -> int | None:
    """Grade received to grade sent, less one."""
    sent = handover.grade_sent
    return ratio(handover.grade_received - sent, sent) if sent > 0 else None


def furthest(values: Iterable[int | None]) -> int | None:
    """The value furthest from zero, whatever its sign."""
    return max((value for value in values if value is not None), key=abs, default=None)


def blend_gap(grade: int, parts: Sequence[Part]) -> int | None:
    """The grade of a blend to the dry-mass-weighted mean of its inputs, less one."""
    dry = sum(part.dry_mass for part in parts)
    metal = sum(part.dry_mass * part.grade for part in parts)
    return ratio(grade * dry - metal, metal) if metal > 0 else None


def trace_gap(traces: Iterable[Trace]) -> int | None:
    """How far trace elements lie from those of the declared origin: the median of their relative distances."""
    gaps = [abs(ratio(one.measured - one.reference, one.reference)) for one in traces if one.reference > 0]
    return median(gaps) if gaps else None


def lateness(records: Iterable[Recorded]) -> int | None:
    """Median hours between what happened and its record in the log."""
    delays = [parse_time(one.logged) - parse_time(one.happened) for one in records]
    return ratio(median(delays), _HOUR) if delays else None


def share_of_backfill(records: Sequence[Recorded], departures: Iterable[str]) -> int | None:
    """The share of records of things more than a week before departure that came within 48 hours of it, or after.

    Each is held against the first departure that followed it.
    """
    leaving = sorted(parse_time(departure) for departure in departures)
    found = []
    for one in records:
        happened = parse_time(one.happened)
        left = next((time for time in leaving if time >= happened), None)
        if left is not None and happened < left - _WEEK:
            found.append(parse_time(one.logged) > left - _BURST)
    return ratio(sum(found), len(found)) if found else None


def jump(value: int, history: Sequence[int]) -> int | None:
    """Robust z of a value beside the same subject's own history; a steady history counts as varying by 2 %."""
    if len(history) < LEAST_MONTHS:
        return None
    centre = median(history)
    return robust_z(value, centre, max(spread(history, centre), centre // 50, 1))


def output_jump(mass: int, earlier: Iterable[Month]) -> int | None:
    """The jump of a month's mass beside the months before."""
    return jump(mass, [month.mass for month in earlier])


def jump_per_worker(mass: int, workers: int, *, earlier: Iterable[Month]) -> int | None:
    """The same for the mass per worker, so that a larger crew explains itself."""
    history = [divide(month.mass, month.workers) for month in earlier if month.workers > 0]
    return jump(divide(mass, workers), history) if workers > 0 else None


def jump_after_red(mass: int, earlier: Iterable[Month], *, start: str, neighbour_red: str) -> int | None:
    """The jump of output in the 90 days after a neighbouring site turned red; 0 when none did."""
    if not neighbour_red or not 0 <= parse_time(start) - parse_time(neighbour_red) <= _AFTERMATH:
        return 0
    return output_jump(mass, earlier)


def median_shift(values: Sequence[int], earlier: Sequence[int]) -> int | None:
    """The median of values to that of earlier ones, less one."""
    if not values or len(earlier) < LEAST_EARLIER or (before := median(earlier)) <= 0:
        return None
    return ratio(median(values) - before, before)


def outflow(opening: int, produced: int, *, bought: int, sold: int, closing: int) -> int | None:
    """What left or is still there, to what there was and came in: sum over one means metal from nowhere."""
    source, use = opening + produced + bought, sold + closing
    if source > 0:
        return ratio(use, source)
    return LARGEST if use > 0 else None


def share(part: int, whole: int) -> int | None:
    """A part to the whole."""
    return ratio(part, whole) if whole > 0 else None


def share_of_dore(fineness: Sequence[int]) -> int | None:
    """The share of lots as fine as mined dore, 800 to 950 parts per thousand."""
    return ratio(sum(800_000 <= one <= 950_000 for one in fineness), len(fineness)) if len(fineness) >= 3 else None


def _money(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:_MONEY_PLACES].ljust(_MONEY_PLACES, "0"))
