"""Origins by site, country, subdivision and facility; the chain of custody behind them; and what people read."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.provenance import Limits, Making, climb, plan_ratios, round_ratio
from ledger.errors import LotCycle, TooLarge
from ledger.rules.chain import follow_models, read_custody, trace_custody
from ledger.rules.origins import (
    MAX_RETURNS,
    Custody,
    LotGraph,
    format_origins,
    format_share,
    trace_origins,
)
from tests.support.graphs import PLACES, graphs, layered, made, naive_passage, naive_shares, renamed

MODELS = ("identity_preserved", "segregated", "controlled_blending", "mass_balance", "book_and_claim")

# two mines to a plant, a third to the depot; the smelter takes both
CHAIN: LotGraph[str] = LotGraph(
    {
        "concentrate": made("plant:1", ("ore:a", 300), ("ore:b", 100), model="identity_preserved"),
        "blend": made("depot:1", ("ore:c", 50), ("concentrate", 150), model="controlled_blending"),
        "metal": made("smelter:1", ("concentrate", 200), ("blend", 200)),
    },
    {"ore:a": "mine:a", "ore:b": "mine:b", "ore:c": "mine:c"},
    PLACES,
)


def test_shares_by_site_country_subdivision_and_facility() -> None:
    vector = trace_origins("metal", CHAIN, ("Ta",)).vectors["Ta"]
    assert vector.by_site() == {
        "mine:a": Fraction(21, 32), "mine:b": Fraction(7, 32), "mine:c": Fraction(1, 8),
    }  # fmt: skip
    assert vector.by_country(PLACES) == {"CD": Fraction(7, 8), "RW": Fraction(1, 8)}
    assert vector.by_subdivision(PLACES) == {
        "CD-NK": Fraction(21, 32), "CD-SK": Fraction(7, 32), "RW-02": Fraction(1, 8),
    }  # fmt: skip
    assert vector.by_facility() == {"smelter:1": 1, "plant:1": Fraction(7, 8), "depot:1": Fraction(1, 2)}
    assert list(vector.by_site()) == ["mine:a", "mine:b", "mine:c"]
    assert (vector.unknown, vector.exact, vector.error) == (0, True, 0)


def test_a_lot_that_nothing_made_is_of_unknown_origin() -> None:
    partial = replace(CHAIN, mined={"ore:a": "mine:a", "ore:c": "mine:c"})
    vector = trace_origins("metal", partial, ("Ta",)).vectors["Ta"]
    assert vector.unknown == Fraction(7, 32)
    assert sum(vector.by_site().values()) + vector.unknown == 1
    alone = trace_origins("never seen", partial).vectors[None]
    assert (alone.by_site(), alone.by_facility(), alone.unknown) == ({}, {}, 1)
    mined = trace_origins("ore:a", partial).vectors[None]
    assert (mined.by_site(), mined.by_facility(), mined.unknown) == ({"mine:a": 1}, {}, 0)


def test_what_comes_back_to_a_facility_passed_it_once() -> None:
    # half of the plant's product goes to the depot, is blended there with as much again, and returns
    graph: LotGraph[str] = LotGraph(
        {
            "first": made("plant:1", ("ore:a", 100)),
            "washed": made("plant:1", ("first", 100)),
            "away": made("depot:1", ("washed", 50), ("ore:b", 50)),
            "back": made("plant:1", ("away", 50), ("washed", 50)),
            "sold": made("depot:1", ("back", 60), ("away", 40)),
        },
        {"ore:a": "mine:a", "ore:b": "mine:b"},
        PLACES,
    )
    vector = trace_origins("sold", graph, ("Ta",)).vectors["Ta"]
    assert vector.by_facility() == {"depot:1": 1, "plant:1": Fraction(8, 10)}
    assert trace_origins("back", graph, ("Ta",)).vectors["Ta"].by_facility() == {
        "plant:1": 1,
        "depot:1": Fraction(1, 2),
    }


def test_too_many_returns_are_refused() -> None:
    def graph(sites: int) -> LotGraph[str]:
        works = [f"works:{n}" for n in range(sites)]
        makings: dict[str, Making[str]] = {}
        before = "ore"
        for n, site in enumerate([*works, *works]):
            makings[f"lot:{n}"] = made(site, (before, 1))
            before = f"lot:{n}"
        return LotGraph(makings, {"ore": "mine:a"}, PLACES)

    last = trace_origins(f"lot:{2 * MAX_RETURNS - 1}", graph(MAX_RETURNS)).vectors[None]
    assert set(last.by_facility().values()) == {1}
    with pytest.raises(TooLarge) as caught:
        trace_origins(f"lot:{2 * MAX_RETURNS + 1}", graph(MAX_RETURNS + 1))
    assert caught.value.values == {"what": "returns", "limit": MAX_RETURNS, "actual": MAX_RETURNS + 1}


def test_graphs_without_bounds_are_refused() -> None:
    with pytest.raises(TooLarge):
        trace_origins("metal", CHAIN, limits=Limits(depth=2))
    with pytest.raises(LotCycle):
        trace_origins("a", LotGraph({"a": made("x", ("a", 1))}, {}))


@given(graphs(), st.sampled_from([None, "Ta", "Nb"]))
def test_vectors_are_those_of_the_naive_recursion(graph: LotGraph[str], element: str | None) -> None:
    for lot in (*graph.made, *graph.mined):
        vector = trace_origins(lot, graph, (element,)).vectors[element]
        shares = naive_shares(lot, graph, element)
        for site in ("mine:a", "mine:b", "mine:c"):
            mined = sum(share for one, share in shares.items() if graph.mined.get(one) == site)
            assert vector.by_site().get(site, 0) == mined
        assert vector.unknown == sum(share for one, share in shares.items() if one not in graph.mined)
        for site in ("depot:1", "plant:1", "smelter:1", "refinery:1"):
            assert vector.by_facility().get(site, 0) == naive_passage(lot, graph, element, site)
        for group in (vector.by_site(), vector.by_country(PLACES), vector.by_subdivision(PLACES)):
            assert sum(group.values()) + vector.unknown == 1


@given(graphs(), st.permutations(range(12)))
def test_relabelling_lots_changes_nothing(graph: LotGraph[str], order: list[int]) -> None:
    names = {f"lot:{n}": f"x:{other}" for n, other in enumerate(order)}
    other = renamed(graph, names)
    for lot in graph.made:
        origins, again = trace_origins(lot, graph, (None, "Ta")), trace_origins(names[lot], other, (None, "Ta"))
        assert again.vectors == origins.vectors
        assert again.custody.model == origins.custody.model
        assert again.custody.upgrades == {names[one] for one in origins.custody.upgrades}


def test_rounded_vectors_still_sum_to_one() -> None:
    graph, top = layered(16, 40)
    origins = trace_origins(top[0], graph, ("Ta",))
    vector = origins.vectors["Ta"]
    assert (vector.exact, vector.error > 0) == (False, True)
    assert sum(vector.by_site().values()) == 1
    assert vector.by_country(graph.sites) == {"CD": 1}
    assert all(0 < share <= 1 for share in vector.by_facility().values())
    ratios = plan_ratios(climb(top[:1], graph.made), "Ta").ratios
    assert ratios == [round_ratio(ratio) for ratio in ratios]


# ---- the chain of custody -------------------------------------------------------------------------------------------


def custody_of(*models: str) -> Custody[str]:
    """Of a lot made through these models, one after the other."""
    makings = {f"lot:{n}": made("depot:1", (f"lot:{n - 1}", 1), model=model) for n, model in enumerate(models, 1)}
    return trace_origins(f"lot:{len(models)}", LotGraph(makings, {"lot:0": "mine:a"}, PLACES)).custody


@pytest.mark.parametrize(
    ("models", "weakest", "upgrades"),
    [
        ((), None, []),
        (("identity_preserved",), 1, []),
        (("identity_preserved", "segregated", "segregated"), 2, []),
        (("segregated", "identity_preserved"), 1, [2]),
        (("mass_balance", "segregated", "mass_balance", "book_and_claim"), 4, [2]),
        (("segregated", "controlled_blending", "controlled_blending", "segregated"), 2, [4]),
    ],
)
def test_the_weakest_hop_and_upgrades(models: tuple[str, ...], weakest: int | None, upgrades: list[int]) -> None:
    custody = custody_of(*models)
    assert custody.model == max(models or MODELS[:1], key=MODELS.index)
    assert custody.weakest == (None if weakest is None else f"lot:{weakest}")
    assert custody.upgrades == {f"lot:{n}" for n in upgrades}


@pytest.mark.parametrize(
    ("model", "supports"),
    [
        ("identity_preserved", True), ("segregated", True), ("controlled_blending", True),
        ("mass_balance", False), ("book_and_claim", False),
    ],
)  # fmt: skip
def test_mass_balance_on_the_way_supports_no_origin(model: str, supports: bool) -> None:
    makings = {"kept": made("depot:1", ("ore:a", 1), model=model), "sold": made("depot:1", ("kept", 1), ("ore:b", 1))}
    origins = trace_origins("sold", LotGraph(makings, CHAIN.mined, PLACES))
    assert origins.custody.supports_origin is supports
    assert origins.basis == ("physical" if supports else "account")


@given(graphs())
def test_models_only_fall_or_are_found_out(graph: LotGraph[str]) -> None:
    def level(lot: str) -> int:
        making = graph.made.get(lot)
        return 0 if making is None else max(MODELS.index(making.model), *(level(one.lot) for one in making.inputs))

    def upgrades(lot: str) -> set[str]:
        making = graph.made.get(lot)
        if making is None:
            return set()
        found = set().union(*(upgrades(one.lot) for one in making.inputs))
        worst = max(level(one.lot) for one in making.inputs)
        return found | ({lot} if MODELS.index(making.model) < worst else set())

    for lot in graph.made:
        custody = trace_origins(lot, graph).custody
        assert custody.model == MODELS[level(lot)]
        assert custody.upgrades == upgrades(lot)
        assert custody.weakest is not None
        assert level(custody.weakest) == level(lot)


@given(graphs())
def test_a_chain_under_one_model_is_read_without_a_fold(graph: LotGraph[str]) -> None:
    for model in MODELS:
        alike = {lot: making._replace(model=model) for lot, making in graph.made.items()}
        for lot in alike:
            upstream = climb((lot,), alike)
            assert trace_custody(upstream) == read_custody(upstream, follow_models(upstream), 0)


def test_where_a_chain_under_one_model_fell() -> None:
    def weakest(model: str) -> str | None:
        makings = {
            "kept": made("depot:1", ("ore:a", 1), model=model),
            "mixed": made("depot:1", ("ore:b", 1), ("kept", 1), model=model),
        }
        return trace_custody(climb(("mixed",), makings)).weakest

    assert {model: weakest(model) for model in MODELS} == dict.fromkeys(MODELS, "kept") | {MODELS[0]: "mixed"}
    assert trace_custody(climb(("ore:a",), CHAIN.made)) == (MODELS[0], None, frozenset())


def test_an_upgrade_is_found_once_on_many_ways() -> None:
    makings = {
        "kept": made("depot:1", ("ore:a", 1), model="mass_balance"),
        "raised": made("depot:1", ("kept", 1), model="segregated"),
        "left": made("depot:1", ("raised", 1), model="mass_balance"),
        "right": made("depot:1", ("raised", 1), ("ore:b", 1), model="mass_balance"),
        "both": made("depot:1", ("left", 1), ("right", 1), model="mass_balance"),
    }
    custody = trace_origins("both", LotGraph(makings, CHAIN.mined, PLACES)).custody
    assert (custody.model, custody.weakest, custody.upgrades) == ("mass_balance", "kept", {"raised"})


# ---- for people -----------------------------------------------------------------------------------------------------


def test_origins_in_words() -> None:
    shown = format_origins(
        trace_origins("blend", CHAIN, ("Ta", None)), PLACES, {"Ta": {("country", "CD"): ("74.1", "75.9")}}
    )
    assert {name: shown[name] for name in shown if name != "elements"} == {
        "model": "controlled_blending", "weakest": "blend", "upgrades": [],
        "basis": "physical", "supports_origin": True,
    }  # fmt: skip
    metal, dry = shown["elements"]
    assert (metal["element"], dry["element"], metal["exact"]) == ("Ta", "", True)
    assert metal["sites"][0] == {
        "site": "mine:a", "country": "CD", "subdivision": "CD-NK", "kind": "mine",
        "share": "56.25", "fraction": "9/16", "low": "", "high": "",
    }  # fmt: skip
    assert metal["countries"] == [
        {"code": "CD", "share": "75", "fraction": "3/4", "low": "74.1", "high": "75.9"},
        {"code": "RW", "share": "25", "fraction": "1/4", "low": "", "high": ""},
    ]
    assert [one["code"] for one in metal["subdivisions"]] == ["CD-NK", "RW-02", "CD-SK"]
    assert metal["facilities"] == [
        {
            "site": "depot:1",
            "country": "RW",
            "subdivision": "RW-01",
            "kind": "depot",
            "share": "100",
            "fraction": "1/1",
        },
        {"site": "plant:1", "country": "RW", "subdivision": "RW-01", "kind": "plant", "share": "75", "fraction": "3/4"},
    ]
    assert metal["uncovered"] == {"share": "0", "fraction": "0/1"}


def test_shares_are_rounded_half_up_and_long_fractions_left_out() -> None:
    assert format_share(Fraction(1, 3)) == {"share": "33.333333", "fraction": "1/3"}
    assert format_share(Fraction(5, 10**9)) == {"share": "0.000001", "fraction": "1/200000000"}
    assert format_share(Fraction(4, 10**9)) == {"share": "0", "fraction": "1/250000000"}
    assert format_share(Fraction(1, 10**200))["fraction"].startswith("1/1000")
    assert format_share(Fraction(1, 10**201)) == {"share": "0", "fraction": ""}
