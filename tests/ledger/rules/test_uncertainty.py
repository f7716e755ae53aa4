"""Uncertainty of shares, against values reckoned by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.provenance import Making, Taken, climb
from ledger.errors import LotCycle
from ledger.rules.origins import LotGraph, trace_origins
from ledger.rules.uncertainty import bound_vector, format_interval
from tests.support.graphs import PLACES, graphs, layered, made


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


def test_a_blend_of_three_lots_by_hand() -> None:
    # shares 0.5, 0.3, 0.2; for the first: 0.5^2 x (0.5^2 + 0.3^2 + 0.2^2) x u^2 = 0.095 u^2, 3 sigma = 1.462019 %
    graph = blend_of(50, 30, 20)
    vector = trace_origins("blend", graph, ("Ta",)).vectors["Ta"]
    bounds = bound_vector("blend", graph, vector)
    assert bounds["site", "mine:a"] == format_interval(Fraction(1, 2), Fraction(95, 1000) * Fraction(250, 10**6))
    assert bounds["site", "mine:a"] == ("48.53798", "51.46202")


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
