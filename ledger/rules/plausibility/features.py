"""The features of each kind of subject: what each needs, how it is computed, in which direction it is strange.

A feature is an integer in 1e-6 of its unit, or None when a member that it needs is not known or
too little was observed. Their order is part of the model, which repeats the names and is refused
when they differ (`model`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from ledger.rules.plausibility import measures
from ledger.rules.plausibility.exact import MICRO, clamp, median
from ledger.rules.plausibility.observations import Kind, Observation, kind_of

Direction = Literal["high", "low", "both"]
Unit = Literal["kg", "tags", "percent", "ratio", "km/h", "hours", "spreads"]


class Feature(NamedTuple):
    """One number about a subject.

    needs: members of the observation, all of which must be known; formula: of these, the third and later by name;
    direction: which side is strange; least_spread: the smallest MAD that it is measured by, 1e-6
    of its unit, so that peers who are all alike do not make a gram look like a fraud;
    label: how a sentence begins.
    """

    name: str
    needs: tuple[str, ...]
    formula: Callable[..., int | None]
    direction: Direction
    unit: Unit
    least_spread: int
    label: str


class Features(NamedTuple):
    """The features of one subject, in the order of its kind; None: not known."""

    segment: str
    values: Mapping[str, int | None]


def measure(observation: Observation) -> Features:
    """Compute every feature of an observation.

    Raises EncodingError when a time in it is not one.
    """
    values: dict[str, int | None]
    kind = kind_of(observation)
    held = {need: value for need in _NEEDS[kind] if (value := getattr(observation, need)) is not None}
    values = dict.fromkeys(_NAMES[kind])
    for feature in _measurable(kind, tuple(held)):
        given = [held[need] for need in feature.needs]
        found = feature.formula(*given[:2], **dict(zip(feature.needs[2:], given[2:], strict=True)))
        values[feature.name] = None if found is None else clamp(found)
    return Features(observation.segment, values)


@lru_cache(maxsize=4096)
def _measurable(kind: Kind, known: tuple[str, ...]) -> tuple[Feature, ...]:
    """The features that need no more than these members."""
    return tuple(one for one in FEATURES[kind] if set(one.needs) <= set(known))


def _each(formula: Callable[[Any], int | None]) -> Callable[..., int | None]:
    """The furthest of one formula over a tuple of observations."""
    return lambda members: measures.furthest(formula(one) for one in members)


def _prices(summary: Callable[[Iterable[int]], int]) -> Callable[..., int | None]:
    return lambda prices: summary(ratios) if (ratios := measures.price_ratios(prices)) else None


_WEIGHTS: Final = (
    Feature("round_weights", ("bags",), measures.share_of_round_weights, "high", "percent", 40_000,
            "Bags that weigh a multiple of 5 kg"),
    Feature("repeated_weights", ("bags",), measures.share_of_repeated_weights, "high", "percent", 20_000,
            "The chance that two bags weigh exactly the same"),
    Feature("last_digits", ("bags",), measures.last_digit_unevenness, "high", "ratio", 300_000,
            "The unevenness of the last digits of weights (chi-square per degree of freedom)"),
)  # fmt: skip

_RECORDS: Final = (
    Feature("lateness", ("records",), measures.lateness, "high", "hours", 2 * MICRO,
            "The usual delay between an event and its record"),
    Feature("backfill", ("records", "departures"), measures.share_of_backfill, "high", "percent", 50_000,
            "Old events that were recorded only just before departure, or after"),
)  # fmt: skip

_TRAVEL: Final = (
    Feature("speed", ("hops",), measures.fastest, "high", "km/h", 3 * MICRO,
            "The fastest leg, along a straight line,"),
)  # fmt: skip

_HANDOVERS: Final = (
    Feature("dry_mass_change", ("handovers",), _each(measures.dry_mass_change), "both", "percent", 1_000,
            "The change of dry mass between sender and receiver"),
    Feature("moisture_change", ("handovers",), _each(measures.moisture_change), "both", "percent", 3_000,
            "The change of moisture between sender and receiver"),
    Feature("grade_change", ("handovers",), _each(measures.grade_change), "both", "percent", 4_000,
            "The change of grade between sender and receiver"),
)  # fmt: skip

LOT: Final = (
    Feature("output", ("mass", "worker_days"), measures.output_per_worker_day, "high", "kg", 10_000,
            "Output per worker and day"),
    Feature("tags", ("tagged", "worker_days"), measures.tags_per_worker_day, "high", "tags", 300,
            "Tags used per worker and day"),
    Feature("tag_burst", ("tagged", "start", "collected"),
            lambda tagged, start, *, collected: measures.tag_burst(tagged, start=start, collections=[collected]),
            "high", "ratio", 150_000, "Tagging in the 48 hours before collection, to an even pace,"),
    *_WEIGHTS,
    *_TRAVEL,
    Feature("price", ("price",), measures.price_ratio, "both", "ratio", 20_000,
            "The price paid, to the benchmark,"),
    Feature("recovery", ("conversion",), measures.recovery, "both", "percent", 5_000,
            "Recovery of contained metal"),
    Feature("recovery_shift", ("conversion", "earlier"),
            lambda conversion, earlier: measures.recovery_shift([conversion], earlier), "both", "percent", 3_000,
            "Recovery, against the plant's own past,"),
    *_HANDOVERS,
    Feature("blend_gap", ("grade", "parts"), measures.blend_gap, "both", "percent", 5_000,
            "The grade of the blend, against what went into it,"),
    Feature("trace_gap", ("traces",), measures.trace_gap, "high", "percent", 20_000,
            "The distance of trace elements from those of the declared origin"),
    *_RECORDS,
    Feature("silver", ("silver_share",), lambda silver_share: silver_share, "high", "percent", 30_000,
            "Silver among silver and copper"),
)  # fmt: skip

SITE: Final = (
    Feature("output", ("mass", "worker_days"), measures.output_per_worker_day, "high", "kg", 10_000,
            "Output per worker and day"),
    Feature("capacity", ("mass", "capacity"), measures.share, "high", "percent",
            20_000, "Output, to what the site can yield,"),
    Feature("jump", ("mass", "earlier"), measures.output_jump, "high", "spreads", 500_000,
            "The jump of output beside the site's own past"),
    Feature("jump_per_worker", ("mass", "workers", "earlier"), measures.jump_per_worker, "high", "spreads", 500_000,
            "The jump of output per worker beside the site's own past"),
    Feature("jump_after_red", ("mass", "earlier", "start", "neighbour_red"), measures.jump_after_red, "high", "spreads",
            500_000, "The jump of output after a neighbouring site turned red"),
    Feature("tags", ("tagged", "worker_days"), measures.tags_per_worker_day, "high", "tags", 300,
            "Tags used per worker and day"),
    Feature("tag_burst", ("tagged", "start", "collections"), measures.tag_burst, "high", "ratio", 150_000,
            "Tagging in the 48 hours before collections, to an even pace,"),
    *_WEIGHTS,
    Feature("grade_shift", ("grades", "earlier_grades"),
            measures.median_shift, "both", "percent", 10_000,
            "The change of grade beside the site's own past"),
    *_RECORDS,
)  # fmt: skip

PARTICIPANT: Final = (
    Feature("outflow", ("opening", "produced", "bought", "sold", "closing"), measures.outflow, "high", "percent", 5_000,
            "Metal sold and in stock, to metal that there was and came in,"),
    Feature("mirror", ("partner_reported", "sold"),
            measures.share, "high", "percent", 10_000,
            "What buyers report, to what was sold,"),
    Feature("new_suppliers", ("bought_from_new", "bought"),
            measures.share, "high", "percent", 30_000,
            "Metal bought from suppliers who are new"),
    Feature("volume_jump", ("mass", "earlier"), measures.output_jump, "high", "spreads", 500_000,
            "The jump of volume beside the participant's own past"),
    Feature("recovery_shift", ("conversions", "earlier_conversions"),
            measures.recovery_shift, "both", "percent", 3_000, "Recovery, against the plant's own past,"),
    Feature("price", ("prices",), _prices(median), "both", "ratio", 20_000,
            "The median price paid, to the benchmark,"),
    Feature("lowest_price", ("prices",), _prices(min), "low", "ratio", 20_000,
            "The lowest price paid, to the benchmark,"),
    *_WEIGHTS,
    *_TRAVEL,
    *_HANDOVERS,
    *_RECORDS,
    Feature("dore", ("fineness",), measures.share_of_dore, "high", "percent", 50_000,
            "Lots as fine as mined dore"),
)  # fmt: skip

FEATURES: Final[Mapping[Kind, tuple[Feature, ...]]] = {"lot": LOT, "site": SITE, "participant": PARTICIPANT}
_NAMES: Final = {kind: tuple(one.name for one in features) for kind, features in FEATURES.items()}
_NEEDS: Final = {
    kind: tuple(dict.fromkeys(need for one in features for need in one.needs)) for kind, features in FEATURES.items()
}
