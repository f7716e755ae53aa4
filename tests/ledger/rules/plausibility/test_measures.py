"""Each measurement on figures that can be followed by hand, then bent; too few observations say nothing."""

from __future__ import annotations

import pytest

from ledger.encoding import format_time
from ledger.rules.plausibility import measures
from ledger.rules.plausibility.exact import LARGEST
from ledger.rules.plausibility.observations import Conversion, Handover, Month, Part, Price, Recorded, Trace

KG = 1_000_000
DAY = 86_400
START = 1_772_323_200  # 2026-03-01T00:00:00Z


def at(days: int, hours: int = 0) -> str:
    return format_time(START + days * DAY + hours * 3_600)


def test_share_of_round_weights() -> None:
    odd = [39 * KG + n * 100_000 for n in (1, 2, 3, 4, 6, 7, 8)]
    assert measures.share_of_round_weights([*odd, 40 * KG]) == 125_000
    assert measures.share_of_round_weights([40 * KG] * 8) == 1_000_000
    assert measures.share_of_round_weights([40 * KG] * 7) is None


def test_share_of_repeated_weights_does_not_grow_with_the_number_of_bags() -> None:
    assert measures.share_of_repeated_weights([KG * n for n in range(1, 9)]) == 0
    assert (
        measures.share_of_repeated_weights([KG * n for n in range(1, 8)] + [KG]) == 35_714
    )  # 2 of 8 x 7 ordered pairs
    assert measures.share_of_repeated_weights([KG] * 50) == 1_000_000
    assert measures.share_of_repeated_weights([KG] * 7) is None


def even_digits(count: int) -> list[int]:
    """Weights from 38 kg upwards in steps of 100 g: every last digit equally often."""
    return [38 * KG + n * 100_000 for n in range(count)]


def test_last_digits_of_an_even_scale_and_of_an_inventive_clerk() -> None:
    assert measures.last_digit_unevenness(even_digits(60)) == 0  # six of each
    # All sixty end in 3 or 7: 10/60 x (30^2 + 30^2) - 60 = 240, over 9 degrees of freedom.
    clerk = [(36 + n % 9) * KG + (300_000 if n % 2 else 700_000) for n in range(60)]
    assert measures.last_digit_unevenness(clerk) == 26_666_667
    assert measures.last_digit_unevenness(even_digits(49)) is None


def test_last_digits_say_nothing_of_a_coarse_scale_or_of_equal_bags() -> None:
    coarse = [(38 + n % 5) * KG for n in range(60)]
    assert measures.last_digit_unevenness(coarse) is None
    assert measures.last_digit_unevenness([40 * KG] * 60) is None
    assert measures.last_digit_unevenness([]) is None


def test_last_digits_leave_out_a_stray_finer_weight() -> None:
    assert measures.last_digit_unevenness([*even_digits(60), 40_000_001]) == 0
    halves = [30 * KG + n * 500_000 for n in range(60)]  # a scale of half kilograms, over thirty kilograms
    assert measures.last_digit_unevenness(halves) == 0


def test_output_and_tags_per_worker_day() -> None:
    assert measures.output_per_worker_day(792 * KG, 2_640) == 300_000  # the catalogue: 120 diggers, 22 days
    assert measures.output_per_worker_day(792 * KG, 0) is None
    assert measures.tags_per_worker_day(["x"] * 20, 2_640) == 7_576
    assert measures.tags_per_worker_day(["x"] * 20, 0) is None


def test_tag_burst_against_an_even_pace() -> None:
    even = [at(n) for n in range(1, 11)]
    # Of ten days before a collection on the tenth, two are within 48 hours: the pace is even.
    assert measures.tag_burst(even, at(0), collections=[at(10)]) == 1_000_000
    assert measures.tag_burst([at(9)] * 10, at(0), collections=[at(10)]) == 5_000_000
    assert measures.tag_burst(even, at(0), collections=[at(5), at(10)]) == 1_000_000
    assert measures.tag_burst(even[:7], at(0), collections=[at(10)]) is None
    assert measures.tag_burst(even, at(0), collections=[]) is None
    assert measures.tag_burst(even, at(7), collections=[at(10)]) is None


def test_price_against_the_benchmark() -> None:
    assert measures.price_ratio(Price("61.5", "100")) == 615_000
    assert measures.price_ratio(Price("0.12345678", "1")) == 123_456  # money has six decimals here
    assert measures.price_ratio(Price("61.5", "0")) is None
    assert measures.price_ratios([Price("1", "2"), Price("1", "0"), Price("3", "4")]) == [500_000, 750_000]


def test_recovery_and_its_shift() -> None:
    assert measures.recovery(Conversion(400, 300)) == 750_000
    assert measures.recovery(Conversion(0, 300)) is None
    before = [Conversion(1_000, 740 + n) for n in (0, 5, 10, 15, 20)]
    assert measures.recovery_shift([Conversion(100, 76), Conversion(100, 77)], before) == 15_000
    assert measures.recovery_shift([Conversion(100, 76)], before[:4]) is None
    assert measures.recovery_shift([Conversion(100, 76)], [*before[:4], Conversion(0, 1)]) is None
    assert measures.recovery_shift([], before) is None


CAKE = Handover(25_000 * KG, 21_635 * KG, 550_000, 480_000, 320_000, 320_000)


def test_cobalt_cake_that_lost_water_and_no_cobalt() -> None:
    assert measures.dry_mass_change(CAKE) == 18  # 0.0018 %, from rounding to whole kilograms
    assert measures.moisture_change(CAKE) == -70_000
    assert measures.grade_change(CAKE) == 0
    assert measures.dry_mass_change(CAKE._replace(moisture_received=550_000)) == -134_600  # wet mass alone
    assert measures.grade_change(CAKE._replace(grade_received=304_000)) == -50_000
    assert measures.dry_mass_change(CAKE._replace(mass_sent=0)) is None
    assert measures.grade_change(CAKE._replace(grade_sent=0)) is None


def test_furthest_keeps_the_sign() -> None:
    assert measures.furthest([3, None, -7, 5]) == -7
    assert measures.furthest([None]) is None


def test_blend_gap_and_trace_gap() -> None:
    parts = [Part(1_000, 300_000), Part(3_000, 280_000)]  # mean 28.5 %
    assert measures.blend_gap(285_000, parts) == 0
    assert measures.blend_gap(256_500, parts) == -100_000
    assert measures.blend_gap(285_000, []) is None
    traces = [Trace(100, 110), Trace(200, 100), Trace(400, 400), Trace(0, 5)]
    assert measures.trace_gap(traces) == 100_000
    assert measures.trace_gap([Trace(0, 5)]) is None


def test_lateness_and_backfill() -> None:
    prompt = [Recorded(at(n), at(n, 6)) for n in range(15)]
    assert measures.lateness(prompt) == 6_000_000
    assert measures.lateness([]) is None
    assert measures.share_of_backfill(prompt, [at(15)]) == 0
    late = [Recorded(at(n), at(14, 1)) for n in range(15)]
    assert measures.share_of_backfill(late, [at(15)]) == 1_000_000
    assert measures.share_of_backfill([*prompt[:4], *late[4:8]], [at(15)]) == 500_000
    # The first four left on the fourth day, less than a week after they happened: nothing of theirs is old.
    assert measures.share_of_backfill(late[:4], [at(4), at(15)]) is None
    assert measures.share_of_backfill(late, []) is None


STEADY = [Month(mass * KG, 100) for mass in (600, 620, 640, 660, 680, 640)]


def test_jump_beside_the_own_past() -> None:
    # median 640, MAD 20 kg: (2,600 - 640) / (1.4826 x 20) = 66.1
    assert measures.output_jump(2_600 * KG, STEADY) == 66_100_094
    assert measures.output_jump(640 * KG, STEADY) == 0
    assert measures.output_jump(640 * KG, STEADY[:5]) is None
    # Twelve equal months: they count as varying by 2 %, so that a gram is no jump.
    assert measures.output_jump(650 * KG, [Month(640 * KG, 100)] * 12) == 526_946


def test_larger_crew_explains_a_larger_output() -> None:
    assert measures.jump_per_worker(1_280 * KG, 200, earlier=STEADY) == 0
    assert measures.jump_per_worker(1_280 * KG, 100, earlier=STEADY) == measures.output_jump(1_280 * KG, STEADY)
    assert measures.jump_per_worker(1_280 * KG, 0, earlier=STEADY) is None
    assert measures.jump_per_worker(1_280 * KG, 200, earlier=[Month(640 * KG, 0)] * 9) is None


@pytest.mark.parametrize(("red", "counts"), [(0, True), (-90, True), (-91, False), (1, False)])
def test_jump_after_a_neighbour_turned_red(red: int, counts: bool) -> None:
    found = measures.jump_after_red(2_600 * KG, STEADY, start=at(0), neighbour_red=at(red))
    assert found == (66_100_094 if counts else 0)
    assert measures.jump_after_red(2_600 * KG, STEADY, start=at(0), neighbour_red="") == 0


def test_median_shift() -> None:
    assert measures.median_shift([330_000], [300_000] * 5) == 100_000
    assert measures.median_shift([330_000], [300_000] * 4) is None
    assert measures.median_shift([], [300_000] * 5) is None
    assert measures.median_shift([330_000], [0] * 5) is None


def test_sixty_kilograms_produced_and_seventy_three_exported() -> None:
    assert measures.outflow(0, 60, bought=0, sold=73, closing=0) == 1_216_667
    assert measures.outflow(0, 60, bought=0, sold=50, closing=10) == 1_000_000
    assert measures.outflow(0, 0, bought=0, sold=73, closing=0) == LARGEST
    assert measures.outflow(0, 0, bought=0, sold=0, closing=0) is None


def test_shares() -> None:
    assert measures.share(1, 4) == 250_000
    assert measures.share(1, 0) is None
    assert measures.share_of_dore([585_000, 800_000, 950_000, 950_001]) == 500_000
    assert measures.share_of_dore([900_000] * 2) is None


def test_fastest_of_several_legs() -> None:
    assert measures.fastest([]) is None
