"""Uncertainty of blends and shares, against values reckoned by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.provenance import Making, Taken, climb
from ledger.custody.quantity import METAL_UNIT, contained_metal
from ledger.errors import LotCycle
from ledger.rules.origins import LotGraph, trace_origins
from ledger.rules.uncertainty import (
    USUAL,
    Spread,
    bound_vector,
    format_interval,
    read_spread,
    weigh_blend,
)
from tests.support.graphs import PLACES, graphs, layered, made


def copper(mass: str, grade: str) -> int:
    return contained_metal(mass, "0", {"Cu": grade})["Cu"]


def test_a_published_copper_example_is_a_gain() -> None:
    # 30,000 kg of concentrate at 30 % Cu hold 9,000 kg; 10,000 kg of cathode at 99.99 % hold 9,999 kg.
    # sigma = 9,000 x sqrt(0.005^2 + 0.015^2) = 142.302495 kg; three of them do not reach from 9,000 to 9,999
    blend = weigh_blend([(copper("30000", "30"), USUAL)], copper("10000", "99.99"))
    assert blend.is_gain
    assert not blend.is_loss
    assert blend.to_json() == {"inputs": "9000.000000", "outputs": "9999.000000", "allowed": "426.907485"}
    assert blend.variance * METAL_UNIT**2 == 20_250


def test_the_limit_of_a_gain_is_exact() -> None:
    # u = 0.03 and 0.04 make 0.05: k sigma of 1,000 is 150
    spread = Spread(Fraction(3, 100), Fraction(4, 100))
    for outputs, gain, loss in ((1150, False, False), (1151, True, False), (850, False, False), (849, False, True)):
        blend = weigh_blend([(1000, spread)], outputs)
        assert (blend.is_gain, blend.is_loss) == (gain, loss)
    assert not weigh_blend([(1000, spread)], 1050, coverage=1).is_gain
    assert weigh_blend([(1000, spread)], 1051, coverage=1).is_gain


def test_errors_of_several_inputs_add_in_squares() -> None:
    # 3 % of 100 and 4 % of 100: 5 together
    blend = weigh_blend(
        [(100, Spread(Fraction(3, 100), Fraction(0))), (100, Spread(Fraction(0), Fraction(4, 100)))], 215
    )
    assert (blend.inputs, blend.variance, blend.is_gain) == (200, 25, False)
    assert blend._replace(outputs=216).is_gain
    assert not weigh_blend([], 0).is_gain
    assert weigh_blend([], 1).is_gain


def test_stated_uncertainties_come_before_the_usual_ones() -> None:
    weighing = {"gross": "101", "tare": "1", "net": "100", "scale": "s", "uncertainty": "0.2"}
    assay = {"grades": {"Ta2O5": {"value": "30", "uncertainty": "0.3"}, "Nb2O5": {"value": "5"}}}
    assert read_spread([], "Ta") == USUAL == Spread(Fraction(1, 200), Fraction(3, 200))
    assert read_spread([("weighing", weighing), ("assay", assay)], "Ta") == Spread(Fraction(1, 500), Fraction(1, 100))
    assert read_spread([("assay", assay)], "Nb") == USUAL
    assert read_spread([("assay", assay)], None) == USUAL
    silent = {"grades": {"Ta": {"value": "0", "uncertainty": "0.1"}}}
    assert (
        read_spread([("weighing", weighing | {"uncertainty": None}), ("assay", silent), ("audit", {})], "Ta") == USUAL
    )
    again = weighing | {"uncertainty": "1"}
    assert read_spread([("weighing", weighing), ("weighing", again)], "Ta").mass == Fraction(1, 100)


def blend_of(*metal: int) -> LotGraph[str]:
    mines = ("mine:a", "mine:b", "mine:c")
    makings = {"blend": made("plant:1", *((f"ore:{n}", one) for n, one in enumerate(metal)))}
    return LotGraph(makings, {f"ore:{n}": mines[n] for n in range(len(metal))}, PLACES)


def test_a_blend_of_two_equal_lots_by_hand() -> None:
    # s = 1/2: sigma^2 = s^2 (1 - s)^2 (u_a^2 + u_b^2) = 1/16 x 2 x 0.00025, 3 sigma = 1.677051 %
    graph = blend_of(7, 7)
    vector = trace_origins("blend", graph, ("Ta",)).vectors["Ta"]
    bounds = bound_vector("blend", graph, vector)
    assert bounds["site", "mine:a"] == bounds["site", "mine:b"] == ("48.322949", "51.677051")
    assert bounds["country", "CD"] == ("100", "100")
    assert set(bounds) == {
        ("country", "CD"), ("subdivision", "CD-NK"), ("subdivision", "CD-SK"), ("site", "mine:a"), ("site", "mine:b"),
    }  # fmt: skip
    # of dry mass only the weighing counts: u = 0.005, 3 sigma = 0.530331 %
    dry = trace_origins("blend", graph).vectors[None]
    assert bound_vector("blend", graph, dry)["site", "mine:a"] == ("49.469669", "50.530331")
    one_sigma = bound_vector("blend", graph, vector, coverage=1)
    assert one_sigma["site", "mine:a"] == ("49.440983", "50.559017")


def test_a_blend_of_three_lots_by_hand() -> None:
    # shares 0.5, 0.3, 0.2; for the first: 0.5^2 x (0.5^2 + 0.3^2 + 0.2^2) x u^2 = 0.095 u^2
    graph = blend_of(50, 30, 20)
    vector = trace_origins("blend", graph, ("Ta",)).vectors["Ta"]
    sharp = Spread(Fraction(0), Fraction(1, 100))
    bounds = bound_vector("blend", graph, vector, spread_of=lambda _: sharp)
    assert bounds["site", "mine:a"] == format_interval(Fraction(1, 2), Fraction(95, 1000) * Fraction(1, 10_000))
    only = bound_vector(
        "blend", graph, vector, spread_of=lambda lot: sharp if lot == "ore:1" else Spread(*(Fraction(0),) * 2)
    )
    # one uncertain input of share 0.3: its own share is off by 0.3 x 0.7 x 1 %, the first by 0.3 x 0.5 x 1 %
    assert only["site", "mine:b"] == ("29.37", "30.63")
    assert only["site", "mine:a"] == ("49.55", "50.45")


def test_outputs_of_one_transform_share_its_errors() -> None:
    graph = blend_of(7, 7)
    merged = Making("depot:1", "segregated", (Taken("left", 10, {"Ta": 5}), Taken("right", 10, {"Ta": 5})))
    both = LotGraph({"left": graph.made["blend"], "right": graph.made["blend"], "all": merged}, graph.mined, PLACES)
    vector = trace_origins("all", both, ("Ta",)).vectors["Ta"]
    assert bound_vector("all", both, vector)["site", "mine:a"] == ("48.322949", "51.677051")


@given(graphs())
def test_intervals_hold_the_share_and_keep_within_bounds(graph: LotGraph[str]) -> None:
    for lot in graph.made:
        vector = trace_origins(lot, graph, ("Ta",)).vectors["Ta"]
        bounds = bound_vector(lot, graph, vector)
        for site, share in vector.by_site().items():
            low, high = (Fraction(one) / 100 for one in bounds["site", site])
            assert 0 <= low <= share <= high <= 1
            assert (low, high) == (1, 1) or share < 1


@given(st.fractions(0, 1), st.integers(0, 10**6))
def test_intervals_are_rounded_outwards(share: Fraction, parts: int) -> None:
    variance = Fraction(parts, 10**12)
    low, high = (Fraction(one) / 100 for one in format_interval(share, variance))
    if low > 0:
        assert (share - low) ** 2 >= 9 * variance
    if high < 1:
        assert (high - share) ** 2 >= 9 * variance


def test_much_work_leaves_sites_out() -> None:
    graph, top = layered(4, 20)
    vector = trace_origins(top[0], graph, ("Ta",)).vectors["Ta"]
    upstream = climb(top[:1], graph.made)
    inputs = sum(len(one) for one in upstream.inputs)
    groups = (("country", 1), ("subdivision", len(vector.mines)), ("site", len(vector.mines)))
    for number in range(len(groups) + 1):
        work = inputs * sum(size for _, size in groups[:number])
        bounds = bound_vector(top[0], graph, vector, max_work=work)
        assert {kind for kind, _ in bounds} == {kind for kind, _ in groups[:number]}
        less = bound_vector(top[0], graph, vector, max_work=work - 1)
        assert {kind for kind, _ in less} == {kind for kind, _ in groups[: max(0, number - 1)]}


def test_a_cycle_has_no_intervals() -> None:
    vector = trace_origins("blend", blend_of(1, 1)).vectors[None]
    with pytest.raises(LotCycle):
        bound_vector("a", LotGraph({"a": made("x", ("a", 1))}, {}), vector)
