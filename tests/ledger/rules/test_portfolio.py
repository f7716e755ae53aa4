"""Many lots at once: what each alone would say, to the last digit."""

from __future__ import annotations

import pytest
from hypothesis import given

from ledger.custody.provenance import Limits, Making, Taken
from ledger.errors import LotCycle, TooLarge
from ledger.rules.origins import LotGraph, Place, trace_origins
from ledger.rules.portfolio import trace_many
from tests.support.graphs import PLACES, graphs, layered, made

ELEMENTS = (None, "Ta", "Nb")


def widened(graph: LotGraph[str]) -> tuple[LotGraph[str], list[str]]:
    """The graph with twenty lots drawn from it, and all its lots: more of them than it has sites."""
    lots = [*graph.made, *graph.mined]
    more = {f"draw:{n}": made("plant:1", (lots[n % len(lots)], 1), (lots[-1], n + 1)) for n in range(20)}
    return LotGraph(graph.made | more, graph.mined, graph.sites), [*more, *lots]


@given(graphs())
def test_many_are_as_one_by_one(graph: LotGraph[str]) -> None:
    if not graph.made and not graph.mined:
        return
    graph, lots = widened(graph)
    found = trace_many(lots, graph, ELEMENTS)
    assert list(found) == lots
    for lot in lots:
        assert found[lot] == trace_origins(lot, graph, ELEMENTS)


def test_rounded_and_exact_lots_in_one_portfolio() -> None:
    graph, top = layered(12, 40)
    low = list(range(80, 120))  # two levels above the mines
    found = trace_many([*top, *low, *top], graph, ("Ta", None))
    assert list(found) == [*top, *low]
    for lot in (*top, *low):
        assert found[lot] == trace_origins(lot, graph, ("Ta", None))
    exact = {lot: found[lot].vectors["Ta"].exact for lot in found}
    assert all(exact[lot] for lot in low)
    assert {exact[lot] for lot in top} == {True, False}


def test_few_lots_are_traced_one_by_one() -> None:
    graph, top = layered(5, 40, mines=30)
    found = trace_many(iter(top[:3]), graph, ("Ta",))
    assert found == {lot: trace_origins(lot, graph, ("Ta",)) for lot in top[:3]}
    assert trace_many([], graph) == {}


def test_an_input_that_holds_no_metal_gives_no_share() -> None:
    inputs = (Taken("ore:a", 5, {"Ta": 1}), Taken("washed", 5, {"Sn": 1}))
    makings = {"blend": Making("depot:1", "segregated", inputs), "washed": made("plant:1", ("ore:b", 5))}
    lots = {f"lot:{n}": made("smelter:1", ("blend", 1), ("ore:a", n + 1)) for n in range(12)}
    graph = LotGraph(makings | lots, {"ore:a": "mine:a", "ore:b": "mine:b"}, PLACES)
    for origins in trace_many(lots, graph, ("Ta",)).values():
        vector = origins.vectors["Ta"]
        assert vector.by_site() == {"mine:a": 1}
        assert "plant:1" not in vector.facilities
        assert vector == trace_origins(origins.lot, graph, ("Ta",)).vectors["Ta"]


def test_limits_hold_for_all_lots_together() -> None:
    graph = LotGraph({f"lot:{n}": made("x", (f"ore:{n}", 1)) for n in range(5)}, {}, {"x": Place("CD", "", "plant")})
    assert len(trace_many([*graph.made], graph, limits=Limits(lots=10))) == 5
    with pytest.raises(TooLarge) as caught:
        trace_many([*graph.made], graph, limits=Limits(lots=9))
    assert caught.value.values == {"what": "lots", "limit": 9, "actual": 10}
    with pytest.raises(LotCycle):
        trace_many(["a", "b"], LotGraph({"a": made("x", ("b", 1)), "b": made("x", ("a", 1))}, {}))
