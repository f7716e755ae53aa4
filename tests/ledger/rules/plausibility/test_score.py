"""The finding and its reasons: bend one thing and it leads the drivers; nothing fails, and nothing clears."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from ledger.errors import EncodingError
from ledger.rules.outcome import Outcome
from ledger.rules.plausibility.exact import LARGEST
from ledger.rules.plausibility.features import FEATURES, LOT, Features, measure
from ledger.rules.plausibility.model import format_model, parse_model
from ledger.rules.plausibility.observations import (
    Conversion,
    Hop,
    LotObservation,
    Observation,
    Part,
    ParticipantObservation,
    Price,
    Recorded,
    SiteObservation,
    Trace,
    kind_of,
)
from ledger.rules.plausibility.score import MAX_DRIVERS, Finding, assess, score_subject
from ledger.rules.plausibility.sentences import format_value
from ledger.rules.plausibility.shipped import read_model
from tests.ledger.rules.plausibility import models
from tests.ledger.rules.plausibility.models import EXPORTER, KG, MICRO, SITE, at, bent, tiny

MODEL = read_model()
ORDINARY: tuple[Observation, ...] = (models.LOT, SITE, EXPORTER)


@pytest.mark.parametrize("observation", ORDINARY, ids=kind_of)
def test_ordinary_subject_is_unremarkable(observation: Observation) -> None:
    anomaly = assess(observation, MODEL)
    assert (anomaly.finding, anomaly.flagged, anomaly.drivers, anomaly.assessed) == ("unremarkable", False, (), True)
    assert anomaly.kind == kind_of(observation)
    assert 0 < anomaly.score < anomaly.threshold
    assert anomaly.model == MODEL.digest
    assert sorted(anomaly.known + anomaly.unknown) == sorted(feature.name for feature in FEATURES[anomaly.kind])


FIRST_HOP = (models.LOT.hops or ())[0]
SAME = (models.LOT.handovers or ())[0]
SOLD = EXPORTER.sold or 0
BENT: list[tuple[str, Observation]] = [
    ("output", replace(models.LOT, mass=3 * (models.LOT.mass or 0))),
    ("tags", replace(models.LOT, tagged=tuple(at(n % 12 + 1, n % 9) for n in range(60)))),
    ("tag_burst", replace(models.LOT, tagged=tuple(at(13, n) for n in range(12)))),
    ("round_weights", replace(models.LOT, bags=(40 * KG, 45 * KG, 35 * KG, 50 * KG) * 3)),
    ("repeated_weights", replace(models.LOT, bags=(41 * KG,) * 12)),
    ("speed", replace(models.LOT, hops=(FIRST_HOP._replace(arrived=at(14, 2).replace(":00:00Z", ":20:00Z")),))),
    ("price", replace(models.LOT, price=Price("36", "100"))),
    ("dry_mass_change", replace(models.LOT, handovers=(SAME._replace(mass_received=446 * KG),))),
    ("grade_change", replace(models.LOT, handovers=(SAME._replace(grade_received=250_000),))),
    ("trace_gap", replace(models.LOT, traces=(Trace(500, 900), Trace(400, 700), Trace(300, 301)))),
    ("backfill", replace(models.LOT, records=tuple(Recorded(at(n, 9), at(14, 1)) for n in range(1, 13)))),
    ("recovery_shift", LotObservation(
        segment="tin.smelted", conversion=Conversion(1_000, 999),
        earlier=tuple(Conversion(1_000, 963 + n) for n in range(5)))),
    ("blend_gap", replace(models.LOT, segment="coltan.export", parts=(Part(1_000, 300_000),), grade=270_000)),
    ("silver", LotObservation(segment="gold.recycled", silver_share=900_000, price=Price("96", "100"))),
    ("capacity", replace(SITE, worker_days=None, earlier=None, mass=1_500 * KG)),
    ("jump_per_worker", replace(SITE, mass=1_100 * KG, worker_days=None, capacity=None)),
    ("grade_shift", replace(SITE, grades=(350_000,))),
    ("outflow", replace(EXPORTER, sold=SOLD * 12 // 10, partner_reported=None)),
    ("mirror", replace(EXPORTER, partner_reported=SOLD * 14 // 10)),
    ("recovery_shift", replace(EXPORTER, conversions=(Conversion(1_000, 1_040),))),
    ("lowest_price", replace(EXPORTER, prices=(Price("84", "100"), Price("50", "100"), Price("86", "100")))),
    ("volume_jump", replace(EXPORTER, mass=20_000 * KG)),
    ("dore", ParticipantObservation(segment="recycler", fineness=(880_000,) * 9 + (585_000,))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "observation"), BENT, ids=[f"{kind_of(one)}-{name}" for name, one in BENT])
def test_bending_one_thing_makes_it_the_first_driver(name: str, observation: Observation) -> None:
    anomaly = assess(observation, MODEL)
    assert anomaly.finding == "red_flag"
    first = anomaly.drivers[0]
    assert first.feature == name
    assert first.value == measure(observation).values[name]
    assert abs(first.z) >= 4 * MICRO
    feature = next(one for one in FEATURES[anomaly.kind] if one.name == name)
    assert first.sentence.startswith(f"{feature.label} is {format_value(first.value, feature.unit)}; the median of ")
    assert first.sentence.endswith(" it.")
    assert len(anomaly.drivers) <= MAX_DRIVERS


def test_driver_of_a_spill_over_names_the_neighbour() -> None:
    bold = replace(SITE, mass=3_000 * KG, neighbour_red=at(-20))
    assert "jump_after_red" in {driver.feature for driver in assess(bold, MODEL).drivers}
    assert "jump_after_red" not in {driver.feature for driver in assess(replace(bold, neighbour_red=""), MODEL).drivers}


def test_same_input_same_answer() -> None:
    again = parse_model(format_model({name: one for name, one in MODEL.model_dump().items() if name != "digest"}))
    assert again is not MODEL
    for _, observation in BENT:
        assert assess(observation, MODEL) == assess(replace(observation), again)


def test_no_finding_fails_or_clears() -> None:
    assert get_args(Finding) == ("red_flag", "unremarkable", "insufficient_evidence")
    assert {Outcome.PASS.value, Outcome.FAIL.value} & set(get_args(Finding)) == set()


@pytest.mark.parametrize("observation", [*ORDINARY, *(one for _, one in BENT)])
def test_every_missing_member_leaves_an_answer_and_is_named(observation: Observation) -> None:
    names = [member.name for member in fields(observation) if member.name != "segment"]
    needs = {feature.name: feature.needs for feature in FEATURES[kind_of(observation)]}
    before = assess(observation, MODEL)
    for name in names:
        gone: dict[str, Any] = {name: None}
        anomaly = assess(replace(observation, **gone), MODEL)
        lost = {feature for feature in before.known if name in needs[feature]}
        assert set(anomaly.unknown) == set(before.unknown) | lost
        if observation in ORDINARY:
            assert anomaly.finding == "unremarkable"


@pytest.mark.parametrize(
    "empty",
    [LotObservation(segment="coltan.mine"), SiteObservation(segment="coltan.artisanal"),
     ParticipantObservation(segment="exporter")],
)  # fmt: skip
def test_nothing_known_is_neither_a_flag_nor_a_pass(empty: Observation) -> None:
    anomaly = assess(empty, MODEL)
    assert (anomaly.finding, anomaly.known, anomaly.drivers) == ("insufficient_evidence", (), ())
    assert len(anomaly.unknown) == len(FEATURES[anomaly.kind])


def test_too_few_observations_are_as_good_as_none() -> None:
    members = [member for member in fields(EXPORTER) if str(member.type).startswith("tuple")]
    nothing: dict[str, Any] = {member.name: () for member in members}
    assert {"prices", "hops", "handovers", "bags"} <= set(nothing)
    anomaly = assess(replace(EXPORTER, **nothing), MODEL)
    assert set(anomaly.known) == {"outflow", "mirror", "new_suppliers"}
    assert anomaly.finding == "insufficient_evidence"


def test_segment_that_nobody_learnt_is_not_judged() -> None:
    anomaly = assess(replace(models.LOT, segment="helium.mine", mass=10**15), MODEL)
    assert (anomaly.finding, anomaly.known) == ("insufficient_evidence", ())


def test_one_known_value_beyond_its_limit_is_a_flag_even_alone() -> None:
    alone = LotObservation(segment="coltan.mine", hops=(Hop(FIRST_HOP.start, at(1), FIRST_HOP.end, at(0)),))
    anomaly = assess(alone, MODEL)
    assert (anomaly.finding, anomaly.assessed) == ("red_flag", False)
    (driver,) = anomaly.drivers
    assert (driver.feature, driver.value) == ("speed", LARGEST)
    assert driver.sentence.startswith(
        "The fastest leg, along a straight line, is off any scale; the median of coltan.mine is "
    )


def test_a_time_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(EncodingError):
        assess(replace(models.LOT, collected="yesterday"), MODEL)


def values(**given: int) -> Features:
    return Features("ore.mine", {feature.name: given.get(feature.name) for feature in LOT})


def test_score_alone_flags_when_enough_is_known() -> None:
    # In quarters of the limit of 5, less one: 3.9 spreads are 2.12, above the first tree's 2; 2.6 are 1.08.
    model = parse_model(format_model(tiny()))
    odd = values(output=MICRO + 578_214, tags=MICRO + 385_476)
    anomaly = score_subject("lot", odd, model)
    assert (anomaly.score, anomaly.threshold, anomaly.finding) == (685, 600, "red_flag")
    assert [(one.feature, one.z, one.weight) for one in anomaly.drivers] == [
        ("output", 3_900_000, 104),
        ("tags", 2_600_000, 188),
    ]
    assert anomaly.drivers[0].sentence == (
        "Output per worker and day is 1.578 kg; the median of ore.mine is 1.000 kg, "
        "and this lies 3.9 usual spreads above it."
    )
    unsure = parse_model(format_model(bent("kinds/lot/least_known", 3)))
    anomaly = score_subject("lot", odd, unsure)
    assert (anomaly.score, anomaly.finding, anomaly.drivers) == (685, "insufficient_evidence", ())


def test_below_the_median_and_strange() -> None:
    model = parse_model(format_model(tiny()))
    (driver,) = score_subject("lot", values(price=0), model).drivers
    assert driver.sentence == (
        "The price paid, to the benchmark, is 0.00; the median of ore.mine is 1.00, "
        "and this lies 6.7 usual spreads below it."
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (285_000, "percent", "28.5 %"),
        (-1_500, "percent", "-0.2 %"),
        (-400, "percent", "0.0 %"),
        (615_000, "ratio", "0.62"),
        (45_060_000, "km/h", "45.1 km/h"),
        (36_000_000, "hours", "36.0 hours"),
        (300_000, "kg", "0.300 kg"),
        (7_576, "tags", "0.008 tags"),
        (-LARGEST, "kg", "off any scale"),
    ],
)
def test_values_as_people_read_them(value: int, unit: Any, text: str) -> None:
    assert format_value(value, unit) == text
