"""A portfolio says of every lot what a verdict on it alone says, finding by finding and byte by byte.

Each world has lots that share ancestors and differ in something: quantity, tags, hops, papers, incidents, state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ledger.errors import UnknownSubject
from ledger.evidence.closure import collect_closure, collect_union
from ledger.evidence.known import Known
from ledger.rules.case import Case
from ledger.rules.checks import CHECKS
from ledger.rules.checks.registry import Check, Members
from ledger.rules.facts import Facts
from ledger.rules.gather import gather
from ledger.rules.pack import Pack, parse_pack
from ledger.rules.packs import read_packs
from ledger.rules.portfolio_verdicts import LotVerdict, judge_siblings
from ledger.rules.reference.snapshot import References
from ledger.rules.ruling import Ruling, lacking, passed
from ledger.rules.siblings import Mentions, Siblings, gather_siblings, own_values
from ledger.rules.veiled import values_of, watch_facts
from ledger.rules.watched import ID, Peeked, Watch
from tests.support.oecd_papers import look_closer
from tests.support.portfolios import all_packs, differences, groups_of, lots_of
from tests.support.story import (
    DEPOT,
    EXPORTER,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    bags,
    coltan_story,
    start_story,
)
from tests.support.world import ORIGIN, new_lot, quantity

DRUMS = [f"lot:drum-{n}" for n in range(1, 7)]


def split(story: Story, *, tags: bool = True) -> Story:
    """The exported lot divided among six drums of other weights, half of them of another grade."""
    weights = ["100", "120", "130", "100", "150.5", "199.5"]
    made = [
        new_lot(drum, quantity(mass, "2", {"Ta2O5": "28.5"}), [f"D0000{n}"] if tags else [])
        for n, (drum, mass) in enumerate(zip(DRUMS, weights, strict=True), 1)
    ]
    story.on("2026-05-21").transform(SMELTER, PLANT, {"lot:export": "800"}, *made, process="split")
    return story


def blend(story: Story) -> Story:
    """Two lots of the smelter's, each made of drums that come from the same bags, and what is left of one drum."""
    story.on("2026-05-22")
    for n, (one, other) in enumerate((("lot:drum-1", "lot:drum-2"), ("lot:drum-3", "lot:drum-4")), 1):
        out = new_lot(f"lot:blend-{n}", quantity("200", "2", {"Ta2O5": "28.5"}), [f"B0000{n}"])
        story.transform(SMELTER, PLANT, {one: "100", other: "100"}, out, process="blend")
    return story


def travel(story: Story) -> Story:
    """Drums on their way: two together, one by itself, one refused, one that arrives lighter than it left."""
    story.on("2026-05-22").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:drum-1", "lot:drum-2")
    story.dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:drum-3", mode="vessel")
    story.dispatch(SMELTER, TRADER, PLANT, DEPOT, "lot:drum-4", "lot:drum-5")
    lighter = {**story.amount("lot:drum-2"), "mass": "90"}
    story.on("2026-06-01").receive(EXPORTER, WAREHOUSE, {"lot:drum-1": None, "lot:drum-2": lighter})
    story.receive(EXPORTER, WAREHOUSE, {"lot:drum-3": None})
    refused: list[dict[str, Any]] = [{"id": "lot:drum-4"}, {"id": "lot:drum-5"}]
    body = {"outcome": "refused", "site": DEPOT, "lots": refused, "seals": []}
    story.world.do(TRADER, "receive", body, ["lot:drum-4", "lot:drum-5"])
    return story


def papers(story: Story) -> Story:
    """An assay of one drum, weighings of some and of all, a report on all of them and one on the last."""
    assay = {
        "sample": "S-1",
        "protocol": "P-1",
        "laboratory": LAB,
        "method": "XRF",
        "grades": {"Ta2O5": {"value": "28.4"}},
    }
    story.on("2026-06-02").attest(LAB, "assay", "lot:drum-1", assay)
    story.attest(SMELTER, "weighing", DRUMS[:3], {"gross": "350.5", "tare": "0.5", "net": "350", "scale": "SC-1"})
    story.attest(SMELTER, "weighing", DRUMS, {"gross": "800.5", "tare": "0.5", "net": "800", "scale": "SC-1"})
    look_closer(story, "F-SPEED", about=DRUMS)
    look_closer(story, "LED.LATE", about=DRUMS[-1:])
    return story


def incidents(story: Story) -> Story:
    """Something happened at one mine only, something else was told of two drums."""
    story.on("2026-06-03").incident(MONITOR, MINE_A, "child_labour", severity=3, verified=True)
    story.incident(MONITOR, DRUMS[:2], "theft")
    return story


def mined() -> Story:
    """Bags of two mines that have gone nowhere yet."""
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, *bags("a", 5), period=("2026-03-02", "2026-03-31"))
    heavier = [new_lot(f"lot:h-{n}", quantity(f"4{n}", "2", {"Ta2O5": "28.5"})) for n in range(3)]
    story.extract(MINE_A, *heavier, period=("2026-03-02", "2026-03-31"))
    story.extract(MINE_B, *bags("b", 3), period=("2026-03-02", "2026-03-31"))
    return story


def corrected(story: Story) -> Story:
    """The extract behind all drums put right after everybody relied on it, and one drum closed."""
    extract = next(one.record for one in story.shown() if one.record.type == "extract")
    body = {"record": extract.id, "type": "extract", "reason": "counted again", "replace": {"workers": 119}}
    story.on("2026-05-23").world.do(MINER, "correct", body, [f"lot:a-{n}" for n in range(1, 17)])
    story.world.do(SMELTER, "close", {"lots": ["lot:drum-6"], "reason": "consumed"}, ["lot:drum-6"])
    return story


def retagged() -> Story:
    """Drums that one record gives the same tag, past the schema."""
    story = coltan_story().on("2026-05-21")
    made = [new_lot(drum, quantity("100"), ["SAME1"]) for drum in DRUMS]
    body = {
        "process": "split", "site": PLANT, "model": "segregated", "inputs": [{"lot": "lot:export", "mass": "600"}],
        "outputs": made,
    }  # fmt: skip
    forged = story.world.sign(SMELTER, "transform", body, ["lot:export"])
    story.world.log.append(b"%d %s" % (story.world.now * 1000, forged.jws.encode()))
    return story


def answered_at_once() -> Story:
    """Drums sent in two consignments and received in one."""
    story = split(coltan_story())
    story.on("2026-05-22").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, *DRUMS[:2], *DRUMS[4:])
    story.dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, *DRUMS[2:4])
    story.on("2026-05-29").receive(EXPORTER, WAREHOUSE, dict.fromkeys(DRUMS))
    return story


WORLDS: dict[str, Callable[[], Story]] = {
    "bags that have gone nowhere": mined,
    "the honest month": coltan_story,
    "splits of one lot": lambda: split(coltan_story()),
    "splits without tags": lambda: split(coltan_story(), tags=False),
    "blends of splits": lambda: blend(split(coltan_story())),
    "drums with hops of their own": lambda: travel(split(coltan_story())),
    "consignments answered at once": answered_at_once,
    "papers about one, some and all": lambda: papers(travel(split(coltan_story()))),
    "an incident at one mine, another about two drums": lambda: incidents(split(coltan_story())),
    "a correction that all rely on": lambda: corrected(split(coltan_story())),
    "one tag on several drums": retagged,
}


@pytest.mark.parametrize("name", WORLDS)
def test_a_portfolio_is_its_verdicts(name: str) -> None:
    story = WORLDS[name]()
    assert differences(story, lots_of(story)) == []


def test_a_portfolio_is_its_verdicts_as_of_earlier_days() -> None:
    story = papers(travel(split(coltan_story())))
    assert differences(story, DRUMS, valid="2026-05-25T00:00:00Z") == []
    assert differences(story, DRUMS, known="2026-05-25T00:00:00Z") == []


def test_a_portfolio_is_its_verdicts_for_claims_with_terms_and_parameters() -> None:
    story = split(coltan_story())
    for kind, members in (
        ("quantity", {"terms": {"kg": "100"}}),
        ("origin", {"terms": {"country": "CD", "share": "100"}}),
        ("custody_model", {"terms": {"model": "segregated"}}),
        ("oecd_aligned", {}),
    ):
        claim = replace(all_packs(DRUMS[0], kind=kind, **members), packs=None)
        assert differences(story, DRUMS, claim) == []


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: a portfolio that takes the first drum's quantities for the second one's is caught."""
    assert differences(drums(), DRUMS[:2]) == []
    monkeypatch.setattr("ledger.rules.veiled.own_values", lambda joint, lot: own_values(joint, "lot:drum-1"))
    found = differences(drums(), DRUMS[:2])
    assert found[0].startswith("lot:drum-2: ")
    assert not any(one.startswith("lot:drum-1:") for one in found)


# ---- what is gathered once -----------------------------------------------------------------------------------------


@cache
def drums() -> Story:
    return travel(split(coltan_story()))


def gathered(story: Story, lots: list[str]) -> Siblings:
    when = "2027-01-01T00:00:00Z"
    return gather_siblings(lots, story.shown(), known_as_of=when, valid_as_of=when)


def alone(story: Story, lot: str) -> Facts:
    return gather(lot, story.shown(), known_as_of="2027-01-01T00:00:00Z", valid_as_of="2027-01-01T00:00:00Z")


def test_the_evidence_of_each_sibling_is_what_it_is_alone() -> None:
    story = split(coltan_story())
    siblings = gathered(story, DRUMS)
    assert (siblings.lots, siblings.others) == (tuple(DRUMS), ())
    for lot in DRUMS:
        facts, expected = siblings.facts_of(lot), alone(story, lot)
        assert facts == expected
        assert list(facts.lots) == list(expected.lots)
        assert facts.attestations("assay", lot) == expected.attestations("assay", lot)
        assert facts.mines() == expected.mines()


def test_siblings_that_travelled_together_have_hops_of_their_own_amounts() -> None:
    siblings = gathered(drums(), ["lot:drum-1", "lot:drum-2"])
    assert siblings.others == ()
    for lot in siblings.lots:
        assert siblings.facts_of(lot) == alone(drums(), lot)
    assert siblings.facts_of("lot:drum-2").lots["lot:drum-2"].status == "disputed"


def test_lots_that_are_not_alike_are_left_out() -> None:
    siblings = gathered(drums(), ["lot:drum-1", "lot:drum-3", "lot:drum-2"])
    assert (siblings.lots, siblings.others) == (("lot:drum-1", "lot:drum-2"), ("lot:drum-3",))
    other = gathered(coltan_story(), ["lot:a-1", "lot:b-1"])
    assert (other.lots, other.others) == (("lot:a-1",), ("lot:b-1",))


def test_what_the_rules_of_custody_do_not_accept_for_all_is_judged_one_by_one() -> None:
    assert gathered(retagged(), DRUMS).lots == ()
    assert gathered(coltan_story(), ["lot:export", "lot:a-1"]).lots == ()  # one was made from the other
    assert gathered(answered_at_once(), DRUMS).lots == ()
    story = split(coltan_story())
    with pytest.raises(UnknownSubject):
        gathered(story, ["lot:nowhere", *DRUMS])
    assert gathered(story, [*DRUMS, "lot:nowhere"]).lots == ()


def test_a_refusal_that_names_siblings_or_their_tags_leaves_them_apart() -> None:
    story = split(coltan_story())
    body = {"lots": ["lot:drum-1"], "reason": "lost"}
    stale = story.world.sign(SMELTER, "close", body, ["lot:drum-1"])
    story.world.do(SMELTER, "close", body, ["lot:drum-1"])
    story.world.log.append(b"%d %s" % (story.world.now * 1000, stale.jws.encode()))
    assert gathered(story, DRUMS).lots == ()
    assert differences(story, DRUMS) == []
    plain = split(coltan_story())
    body = {"lots": ["lot:a-1"], "reason": "lost"}
    other = plain.world.sign(MINER, "close", body, ["lot:a-1"])
    plain.world.log.append(b"%d %s" % (plain.world.now * 1000, other.jws.encode()))
    assert gathered(plain, DRUMS).lots == tuple(DRUMS)  # what is refused has nothing to do with them
    assert differences(plain, DRUMS) == []


def test_what_a_text_names() -> None:
    mentions = Mentions(["lot:drum-1", "lot:drum-2"])
    assert mentions.named_in("lot:drum-1")
    assert mentions.named_in("See lot:drum-2.")
    assert not mentions.named_in("lot:drum-3")
    assert not mentions.hide("caf\u00e9")
    assert mentions.hide("\x00lot\x00")
    assert mentions.anywhere({"a": [{"lot:drum-1": 1}]})
    assert not mentions.anywhere({"a": [1, None, ("b",)]})
    assert Mentions(["x", "y"]).named_in("a y")


# ---- what is judged once --------------------------------------------------------------------------------------------


def watching(siblings: Siblings) -> tuple[Facts, Watch]:
    watch = Watch()
    facts = watch_facts(siblings, watch)
    lot = siblings.lots[0]
    watch.look_at(lot, values_of(siblings)[lot])
    return facts, watch


def test_the_lot_that_is_looked_at_answers_for_itself() -> None:
    siblings = gathered(drums(), ["lot:drum-1", "lot:drum-2"])
    facts, watch = watching(siblings)
    lot = facts.lot
    assert lot is not None
    assert (lot.id, f"{lot.id}", lot.id + "!", "!" + lot.id) == (ID, str(ID), f"{ID}!", f"!{ID}")
    assert bool(lot.id)
    assert lot.id.isascii()
    assert lot.id != "lot:drum-1"
    assert watch.notes == [{}]
    mass, moisture, assay = lot.now
    assert (mass, lot.now == lot.now, lot.now != lot.amount) == ("100", True, False)
    assert (moisture, assay) == ("2", {"Ta2O5": "28.5"})
    assert watch.notes[0]["now.mass"] == "100"
    assert "status" not in watch.notes[0]
    assert lot.status == "held"
    assert watch.notes[0]["status"] == "held"
    watch.look_at("lot:drum-2", values_of(siblings)["lot:drum-2"])
    assert (lot.status, lot.now.mass) == ("disputed", "90")
    assert [edge.child for edge in lot.edges] == [ID]


def test_who_looks_into_an_id_or_a_quantity_is_stopped() -> None:
    facts, _ = watching(gathered(drums(), ["lot:drum-1", "lot:drum-2"]))
    assert facts.lot is not None
    peeks: list[Callable[[], Any]] = [
        lambda: sorted([ID, "lot:a"]),
        lambda: len(ID),
        lambda: ID[:3],
        lambda: ID.startswith("lot"),
        lambda: f"{ID:>20}",
        lambda: facts.lot.now[0],  # type: ignore[union-attr]
        facts.lot.now._asdict,
    ]
    for peek in peeks:
        with pytest.raises(Peeked):
            peek()
    with pytest.raises(TypeError):
        hash(facts.lot.now)


def test_texts_that_name_siblings_can_be_handed_on_and_compared() -> None:
    siblings = gathered(drums(), ["lot:drum-1", "lot:drum-2"])
    facts, watch = watching(siblings)
    assert facts.lot is not None
    first, second, *_ = (one["id"] for one in facts.lot.made_by.body["outputs"])
    assert watch.notes == [{}]
    assert {first: 1, second: 2}[ID] == 1
    assert (second == ID, second != ID, first == ID, first != ID) == (False, True, True, False)
    assert watch.notes == [{"is lot:drum-1": True, "is lot:drum-2": False}]
    watch.look_at("lot:drum-2", values_of(siblings)["lot:drum-2"])
    assert {first: 1, second: 2}[ID] == 2
    assert (first == "lot:drum-1", first == second, bool(first)) == (True, False, True)
    assert watch.unveil(f"{first} and {second}") == "lot:drum-1 and lot:drum-2"
    for peek in (lambda: first[:3], lambda: f"{first:>20}", lambda: sorted([first, second])):
        with pytest.raises(Peeked):
            peek()


def test_results_are_kept_for_lots_with_the_same_values() -> None:
    watch, built = Watch(), list[str]()

    def build(name: str) -> Callable[[], str]:
        def made() -> str:
            built.append(name)
            return f"{watch.read('mass')} {name}"

        return made

    watch.look_at("lot:1", {"mass": "1", "tags": ()})
    assert [watch.recall("of mass", build("of mass")) for _ in range(2)] == ["1 of mass"] * 2
    watch.look_at("lot:2", {"mass": "1", "tags": ("x",)})
    assert watch.recall("of mass", build("of mass")) == "1 of mass"
    watch.look_at("lot:3", {"mass": "2", "tags": ()})
    assert watch.recall("of mass", build("of mass")) == "2 of mass"
    assert built == ["of mass", "of mass"]


def test_what_a_result_was_given_without_saying_so_counts_as_read() -> None:
    watch = Watch()

    def ask(name: str) -> str:
        given = watch.read("mineral")
        return watch.recall(name.format(given), lambda: f"made of {given}")

    watch.look_at("lot:1", {"mineral": "tin"})
    assert (ask("silent"), ask("of {}")) == ("made of tin", "made of tin")
    watch.look_at("lot:2", {"mineral": "gold"})
    assert (ask("silent"), ask("of {}")) == ("made of gold", "made of gold")


def test_of_a_derived_value_only_the_value_counts() -> None:
    watch = Watch()
    watch.look_at("lot:1", {"mass": "1"})
    assert watch.derive("heavy", lambda: watch.read("mass") > "5") is False
    assert watch.notes == [{"heavy": False}]
    watch.look_at("lot:2", {"mass": "2"})
    assert watch.values["heavy"] is False
    watch.look_at("lot:3", {"mass": "9"})
    assert watch.values["heavy"] is True


PACK = """
[pack]
id = "own"
version = "1.0.0"
title = "Our own"
source = "A test"
effective = "2020-01-01"
about = "One rule."

[[rule]]
id = "OWN.RULE"
requirement = "Something holds."
citation = { text = "Ours" }
risk = ["supply_chain"]
severity = "high"
grade = "self_attested"
evidence = "records"
supplier = ["producer"]
check = "own_check"
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Case], Ruling]], tuple[list[LotVerdict], list[int]]]:
    """Judges drums by one check, with the number of times that it was run."""

    def judge(run: Callable[[Case], Ruling]) -> tuple[list[LotVerdict], list[int]]:
        ran = [0]

        def counted(case: Case, members: Members) -> Ruling:
            ran[0] += 1
            return run(case)

        monkeypatch.setitem(CHECKS, "own_check", Check("own_check", "Ours.", Members, counted))
        pack: Pack = parse_pack(PACK.encode())
        claims = parse_pack(PACK.replace("own", "claims").replace("OWN.RULE", "X.RULE").replace(
            "claims_check", "own_check"
        ).encode())  # fmt: skip
        claim = replace(all_packs(DRUMS[0]), packs=("own",))
        siblings = gathered(split(coltan_story()), DRUMS)
        packs = {"own": pack, "claims": claims}
        return list(judge_siblings(claim, siblings, packs, References())), ran

    return judge


Judge = Callable[[Callable[[Case], Ruling]], tuple[list[LotVerdict], list[int]]]


def sentences(verdicts: list[LotVerdict]) -> list[str]:
    return [one.findings[0].ruling.sentence for one in verdicts]


def test_a_rule_that_cannot_tell_them_apart_is_judged_once(own: Judge) -> None:
    def run(case: Case) -> Ruling:
        lot = case.facts.lots[case.facts.subject]
        ruling = passed(f"{lot.id} was made by {lot.made_by.issuer}.", lot.made_by.id, lots=[lot.id], of={lot.id: 1})
        return ruling.about(lot.id)

    verdicts, ran = own(run)
    assert ran == [1]
    assert sentences(verdicts) == [f"{lot} was made by {SMELTER}." for lot in DRUMS]
    assert [one.findings[0].ruling.figures for one in verdicts] == [{"lots": [lot], "of": {lot: 1}} for lot in DRUMS]
    assert [one.findings[0].ruling.subjects for one in verdicts] == [(lot,) for lot in DRUMS]


def test_a_rule_is_judged_once_for_each_value_that_it_looks_at(own: Judge) -> None:
    def run(case: Case) -> Ruling:
        lot = case.facts.lots[case.facts.subject]
        return lacking(f"It weighs {lot.now.mass}.", f"the scale of {lot.id}", "producer", evidence=[lot.made_by.id])

    verdicts, ran = own(run)
    assert ran == [5]  # two drums weigh 100 kg
    assert sentences(verdicts)[::3] == ["It weighs 100.", "It weighs 100."]
    assert [one.findings[0].ruling.missing[0].what for one in verdicts] == [f"the scale of {lot}" for lot in DRUMS]


def test_a_rule_that_looks_too_closely_is_judged_on_each_lots_own_evidence(own: Judge) -> None:
    def run(case: Case) -> Ruling:
        lot = case.facts.lots[case.facts.subject]
        return passed(f"It is called {lot.id[4:]}.", lot.made_by.id)

    verdicts, ran = own(run)
    assert ran == [7]  # once in vain
    assert sentences(verdicts) == [f"It is called {lot[4:]}." for lot in DRUMS]


def test_no_more_is_kept_than_helps(own: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.rules.watched.MOST_KEPT", 1)
    monkeypatch.setattr("ledger.rules.portfolio_verdicts.MOST_KEPT", 1)

    def run(case: Case) -> Ruling:
        lot = case.facts.lots[case.facts.subject]
        mass = case.back.once("mass", lambda: f"{lot.now.mass} kg")
        return passed(f"It weighs {mass}.", lot.made_by.id)

    verdicts, ran = own(run)
    assert ran == [5]
    assert sentences(verdicts)[:2] == ["It weighs 100 kg.", "It weighs 120 kg."]


def test_who_asks_may_stop_between_two_lots() -> None:
    siblings, asked = gathered(split(coltan_story()), DRUMS), list[int]()

    def go_on() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise TimeoutError

    judged = judge_siblings(all_packs(DRUMS[0]), siblings, read_packs(), References(), go_on=go_on)
    assert [next(judged).lot, next(judged).lot] == DRUMS[:2]
    with pytest.raises(TimeoutError):
        next(judged)


def test_many_siblings_are_judged_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    story = split(coltan_story())
    for most in (1, 4, 5):
        monkeypatch.setattr("ledger.evidence.judging.MOST_TOGETHER", most)
        assert differences(story, DRUMS) == []


def test_no_lots_no_verdicts() -> None:
    siblings = replace(gathered(split(coltan_story()), DRUMS), lots=())
    assert list(judge_siblings(all_packs(DRUMS[0]), siblings, {}, References())) == []


# ---- what is read once ----------------------------------------------------------------------------------------------


def test_what_all_bundles_hold_together_is_what_each_of_them_holds() -> None:
    story = papers(travel(split(coltan_story())))
    whole = Known((one.index, one.record) for one in story.shown())
    lots = [*DRUMS, "lot:a-1", "lot:b-2"]
    union, topics = collect_union(lots, ORIGIN, whole)
    known = Known(union.items())
    known.prepare(topics)
    together: set[int] = set()
    for lot in lots:
        expected = collect_closure(lot, ORIGIN, whole)
        assert collect_closure(lot, ORIGIN, known) == expected
        together |= expected.records.keys()
    assert set(union) == together
    for name in ("lot:nowhere", MINE_A):
        with pytest.raises(UnknownSubject):
            collect_union([*lots, name], ORIGIN, whole)


def test_lots_are_grouped_by_the_records_that_move_and_speak_of_them() -> None:
    story = papers(travel(split(coltan_story())))
    assert groups_of(story, DRUMS) == [["lot:drum-1"], ["lot:drum-2"], ["lot:drum-3"], DRUMS[3:5], ["lot:drum-6"]]
    plain = travel(split(coltan_story()))
    assert groups_of(plain, DRUMS) == [DRUMS[:2], DRUMS[2:3], DRUMS[3:5], DRUMS[5:]]
    assert groups_of(plain, ["lot:nowhere", "lot:a-1", "lot:a-2"]) == [["lot:nowhere"], ["lot:a-1", "lot:a-2"]]
