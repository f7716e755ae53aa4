"""Shares of origin: exact while numbers stay small, bounded beyond, refused where the graph has no end."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.provenance import (
    EXACT_BITS,
    Limits,
    Making,
    Ratio,
    Taken,
    climb,
    fold_shares,
    index_parents,
    plan_ratios,
    round_ratio,
    share_lots,
    share_origins,
    take,
    weigh,
    weigh_rounded,
)
from ledger.custody.subjects import Edge
from ledger.errors import LotCycle, TooLarge
from ledger.rules.origins import LotGraph
from tests.support.graphs import graphs, layered, made, naive_shares, renamed


def edge(parent: str, child: str, mass: str, grade: str = "30", moisture: str = "0", analyte: str = "Ta") -> Edge:
    return Edge(parent, child, mass, moisture, {analyte: grade})


DIAMOND = [
    edge("a", "c", "10"),
    edge("b", "c", "10", "10"),
    edge("c", "d", "5"),
    edge("c", "e", "15"),
    edge("d", "f", "5"),
    edge("e", "f", "15"),
    edge("a", "f", "20", "15"),
]


def test_origins_are_shares_of_contained_metal() -> None:
    parents = index_parents(DIAMOND)
    assert share_origins("c", parents, "Ta") == {"a": Fraction(3, 4), "b": Fraction(1, 4)}
    assert share_origins("c", parents) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    assert share_origins("c", parents, "Nb") == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    assert share_origins("f", parents, "Ta") == {"a": Fraction(5, 6), "b": Fraction(1, 6)}
    assert share_origins("a", parents, "Ta") == {"a": Fraction(1)}


def test_an_origin_that_holds_none_of_the_metal_has_no_share() -> None:
    parents = index_parents([edge("a", "c", "10"), edge("b", "c", "10", "0")])
    assert share_origins("c", parents, "Ta") == {"a": Fraction(1)}
    assert share_origins("c", parents) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}


def test_water_has_no_origin() -> None:
    # a cobalt cake of 25.0 t with 55 % water (catalogue section 9, D3) holds what 22.5 t with 50 % hold: 11.25 t dry
    wet, dried = edge("a", "c", "25000", "32", "55", "Co"), edge("b", "c", "22500", "32", "50", "Co")
    for element in ("Co", None):
        assert share_origins("c", index_parents([wet, dried]), element) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    as_if_dry = index_parents([wet._replace(moisture="0"), dried._replace(moisture="0")])
    assert share_origins("c", as_if_dry, "Co")["a"] == Fraction(10, 19)


def test_oxide_and_metal_grades_weigh_the_same_metal() -> None:
    # 81.8967 % of tantalite is tantalum: the factor of the balance, to six decimals
    oxide, metal = edge("a", "c", "100", "30", "0", "Ta2O5"), edge("b", "c", "81.8967", "30", "0", "Ta")
    assert share_origins("c", index_parents([oxide, metal]), "Ta") == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    taken_as_metal = oxide._replace(assay={"Ta": "30"})
    assert share_origins("c", index_parents([taken_as_metal, metal]), "Ta")["a"] == Fraction(1_000_000, 1_818_967)


def test_by_products_have_the_origin_of_the_inputs() -> None:
    # copper and cobalt from the same ore: the cobalt of the hydroxide comes from where the cobalt of the ore came
    inputs = (take("a", "900", "0", {"Cu": "3", "Co": "0.1"}), take("b", "100", "0", {"Cu": "3", "Co": "0.9"}))
    makings = {"cathode": (one := Making("plant", "segregated", inputs)), "hydroxide": one, "slag": one}
    for lot in makings:
        assert share_lots(lot, makings, "Cu") == {"a": Fraction(9, 10), "b": Fraction(1, 10)}
        assert share_lots(lot, makings, "Co") == {"a": Fraction(1, 2), "b": Fraction(1, 2)}


@given(graphs(), st.sampled_from([None, "Ta", "Nb"]))
def test_shares_are_those_of_the_naive_recursion_and_sum_to_one(graph: LotGraph[str], element: str | None) -> None:
    for lot in (*graph.made, *graph.mined):
        shares = share_lots(lot, graph.made, element)
        assert sum(shares.values()) == 1
        assert shares == naive_shares(lot, graph, element)


@given(graphs(), st.permutations(range(12)))
def test_relabelling_lots_changes_no_share(graph: LotGraph[str], order: list[int]) -> None:
    names = {f"lot:{n}": f"x:{other}" for n, other in enumerate(order)}
    other = renamed(graph, names)
    for lot in graph.made:
        shares = share_lots(lot, graph.made, "Ta")
        assert share_lots(names[lot], other.made, "Ta") == {names[one]: share for one, share in shares.items()}


@given(graphs(), st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_splitting_and_merging_again_changes_no_share(graph: LotGraph[str], masses: list[int]) -> None:
    for lot in (*graph.made, *graph.mined):
        split = made("depot:1", (lot, sum(masses)))
        parts = {f"part:{n}": split for n in range(len(masses))}
        merged = made("depot:1", *((f"part:{n}", mass) for n, mass in enumerate(masses)))
        again = graph.made | parts | {"again": merged}
        assert share_lots("again", again, "Ta") == share_lots(lot, graph.made, "Ta")


def test_every_lot_comes_after_all_that_was_made_from_it() -> None:
    makings = {"c": made("x", ("a", 1), ("b", 1)), "d": made("x", ("c", 1), ("a", 1)), "e": made("x", ("d", 1))}
    upstream = climb(["e"], makings)
    assert upstream.lots == ["e", "d", "c", "a", "b"]
    assert upstream.step == [0, 1, 2, -1, -1]
    assert climb(["c", "e", "c"], makings).lots[0] == "e"
    assert climb(["nothing"], makings).lots == ["nothing"]


@pytest.mark.parametrize(("limit", "actual"), [("lots", 4), ("depth", 3), ("inputs", 2)])
def test_limits_are_named(limit: str, actual: int) -> None:
    makings = {"b": made("x", ("a", 1)), "c": made("x", ("b", 1), ("a", 1)), "d": made("x", ("c", 1))}
    just = Limits(lots=4, depth=3, inputs=2)
    assert share_lots("d", makings, "Ta", just) == {"a": Fraction(1)}
    with pytest.raises(TooLarge) as caught:
        share_lots("d", makings, "Ta", just._replace(**{limit: actual - 1}))
    assert caught.value.values == {"what": limit, "limit": actual - 1, "actual": actual}


@pytest.mark.parametrize(
    "makings",
    [
        {"a": made("x", ("a", 1))},
        {"a": made("x", ("b", 1)), "b": made("x", ("a", 1))},
        {"a": made("x", ("b", 1), ("m", 1)), "b": made("x", ("c", 1)), "c": made("x", ("b", 1))},
    ],
)
def test_a_lot_made_from_itself(makings: dict[str, Making[str]]) -> None:
    with pytest.raises(LotCycle) as caught:
        share_lots("a", makings, "Ta")
    assert caught.value.values["lot"] in makings


def test_what_nobody_weighed_counts_alike() -> None:
    nothing = Making("x", "segregated", (Taken("a", 0, {}), Taken("b", 0, {"Ta": 0})))
    assert weigh(nothing, "Ta") == Ratio(2, [1, 1])
    assert share_lots("c", {"c": Making("x", "segregated", ())}, "Ta") == {"c": Fraction(1)}


def test_ratios_are_in_lowest_terms() -> None:
    assert weigh(made("x", ("a", 6), ("b", 9)), "Ta") == Ratio(5, [2, 3])
    washed = Making("x", "segregated", (Taken("a", 5, {"Ta": 1}), Taken("b", 5, {"Ta": 0})))
    assert weigh(washed, "Ta") == Ratio(1, [1, 0])
    assert weigh(made("x", ("a", 5)), "Ta") == Ratio(1, [1])


def test_what_rounding_leaves_over_goes_to_the_largest_input() -> None:
    one = 1 << 64
    assert round_ratio(Ratio(3, [1, 1, 1])) == Ratio(one, [one // 3 + 1, one // 3, one // 3])
    assert round_ratio(Ratio(7, [1, 4, 2])) == Ratio(one, [one // 7, one - one // 7 - 2 * one // 7, 2 * one // 7])
    assert round_ratio(Ratio(4, [1, 3])) == Ratio(one, [one // 4, 3 * one // 4])
    assert round_ratio(Ratio(1, [1, 0])) == round_ratio(Ratio(6, [6, 0])) == Ratio(1, [1, 0])


@given(graphs(), st.sampled_from([None, "Ta", "Nb"]))
def test_rounding_does_not_need_the_lowest_terms(graph: LotGraph[str], element: str | None) -> None:
    for making in graph.made.values():
        assert weigh_rounded(making, element) == round_ratio(weigh(making, element))


def chain(length: int) -> dict[str, Making[str]]:
    """A lot that is blended `length` times with a little from another mine: 53 bits a time."""
    makings = {"lot:0": made("x", ("m", 1))}
    for n in range(1, length + 1):
        makings[f"lot:{n}"] = made("x", (f"lot:{n - 1}", 2**52), (f"m:{n}", 2 * n + 1))
    return makings


def test_long_chains_are_rounded_and_say_how_far() -> None:
    longest = EXACT_BITS // 53
    makings = chain(longest + 1)
    for length, exact in ((longest, True), (longest + 1, False)):
        upstream = climb([f"lot:{length}"], makings)
        plan = plan_ratios(upstream, "Ta")
        assert plan.exact is exact
        folded = fold_shares(upstream, plan).in_units(plan)
        shares = {one: share for one, share, step in zip(upstream.lots, folded, upstream.step, strict=True) if step < 0}
        assert sum(shares.values()) == plan.unit
        true = prod(Fraction(2**52, 2**52 + 2 * n + 1) for n in range(1, length + 1))
        off = abs(Fraction(shares["m"], plan.unit) - true)
        assert off <= plan.error
        assert (off == 0) is exact
        assert plan.error == (0 if exact else Fraction(length, 2**64))
    totals = [weigh(making, "Ta").total for making in climb([f"lot:{longest}"], makings).makings]
    assert sum(total.bit_length() for total in totals if total > 1) == 53 * longest


def test_error_bound_holds_in_a_large_graph() -> None:
    graph, top = layered(16, 40)
    upstream = climb(top[:1], graph.made)
    plan = plan_ratios(upstream, "Ta")
    assert not plan.exact
    rounded = fold_shares(upstream, plan).in_units(plan)
    exact = [weigh(making, "Ta") for making in upstream.makings]
    unit = prod(ratio.total for ratio in exact)
    flat = [0] * len(upstream.lots)
    true = fold_shares(upstream, plan._replace(ratios=exact, exact=True, unit=unit, level=flat)).shares
    assert sum(share for share, step in zip(true, upstream.step, strict=True) if step < 0) == unit
    off = [abs(Fraction(a, plan.unit) - Fraction(b, unit)) for a, b in zip(rounded, true, strict=True)]
    assert 0 < sum(one for one, step in zip(off, upstream.step, strict=True) if step < 0) <= 2 * plan.error
    assert max(off) <= plan.error < Fraction(1, 10**17)
