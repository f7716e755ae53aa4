"""Attacks on lots: each bends one thing in an honest world and meets one typed error, nothing stored."""

from __future__ import annotations

import pytest

from ledger.custody.subjects import Lot
from ledger.errors import (
    IdTaken,
    LotClosed,
    LotDisputed,
    LotInTransit,
    LotNotHeld,
    LotNotInTransit,
    MassGain,
    MetalGain,
    MissingHead,
    NotConsignee,
    NotDisputed,
    Overspent,
    QuantityMismatch,
    SignerNotAllowed,
    StaleHead,
    TagInUse,
    TimeAhead,
    TimeBefore,
    UnknownSubject,
)
from tests.support.world import (
    BUYER,
    DEPOT,
    MINE,
    MINER,
    PLANT,
    REGISTRAR,
    SMELTER,
    START,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    extract_body,
    honest_world,
    new_lot,
    quantity,
    receive_body,
    site_body,
    transform_body,
)


@pytest.fixture
def world() -> World:
    """Two bags at the mine."""
    made = honest_world()
    made.extract(new_lot("lot:1", tags=("T1",)), new_lot("lot:2", tags=("T2",)))
    return made


def lot(world: World, lot_id: str) -> Lot:
    found = world.state.subjects[lot_id]
    assert isinstance(found, Lot)
    return found


def test_the_honest_chain_goes_through() -> None:
    world = chain_world()
    assert lot(world, "lot:3")[4:11] == ("held", TRADER, DEPOT, "40", "2", {"Ta2O5": "28.5"}, "20")
    assert lot(world, "lot:4").status == "closed"
    assert (lot(world, "lot:5").custodian, lot(world, "lot:5").generation) == (SMELTER, 2)
    assert world.state.tags == {"itsci:T3": "lot:3"}


# extract --------------------------------------------------------------------------------------


def test_extract_at_somebody_elses_mine(world: World) -> None:
    world.refused(SignerNotAllowed, world.sign(TRADER, "extract", extract_body(new_lot("lot:9"))))


def test_extract_at_a_depot(world: World) -> None:
    body = extract_body(new_lot("lot:9"), site=DEPOT)
    assert world.refused(SignerNotAllowed, world.sign(TRADER, "extract", body)).pointer == "/body/site"


def test_extract_at_a_mine_that_is_closed(world: World) -> None:
    world.do(MINER, "site", site_body(MINE, "mine", MINER) | {"status": "inactive"}, [MINE])
    world.refused(SignerNotAllowed, world.sign(MINER, "extract", extract_body(new_lot("lot:9"))))


def test_extract_at_an_unknown_site(world: World) -> None:
    body = extract_body(new_lot("lot:9"), site="site:nowhere")
    assert world.refused(UnknownSubject, world.sign(MINER, "extract", body)).values["subject"] == "site:nowhere"


def test_extract_a_lot_twice(world: World) -> None:
    body = extract_body(new_lot("lot:9"), new_lot("lot:1"))
    assert world.refused(IdTaken, world.sign(MINER, "extract", body)).pointer == "/body/lots/1/id"


def test_lot_that_takes_the_id_of_a_participant(world: World) -> None:
    world.refused(IdTaken, world.sign(MINER, "extract", extract_body(new_lot(TRADER))))


def test_tag_reused_while_its_bag_is_live(world: World) -> None:
    error = world.refused(TagInUse, world.sign(MINER, "extract", extract_body(new_lot("lot:9", tags=("T0", "T2")))))
    assert (error.pointer, error.values) == ("/body/lots/0/tags/1", {"tag": "itsci:T2", "lot": "lot:2"})


def test_tag_moves_from_a_bag_that_is_used_up_to_its_product(world: World) -> None:
    world.transform(MINER, {"lot:1": "40"}, new_lot("lot:3", quantity("40"), ["T1"]), process="retag", site=MINE)
    assert world.state.tags["itsci:T1"] == "lot:3"
    body = transform_body({"lot:2": "10"}, new_lot("lot:4", quantity("10"), ["T2"]), process="split", site=MINE)
    world.refused(TagInUse, world.sign(MINER, "transform", body, ["lot:2"]))


def test_extract_that_claims_to_build_on_something(world: World) -> None:
    signed = world.sign(MINER, "extract", extract_body(new_lot("lot:9")), ["lot:1"])
    assert world.refused(MissingHead, signed).pointer == "/prev"


# dispatch -------------------------------------------------------------------------------------


def test_second_dispatch_of_same_lot(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1")
    world.refused(LotInTransit, world.sign(MINER, "dispatch", dispatch_body(SMELTER, "lot:1"), ["lot:1"]))


def test_two_dispatches_race_for_one_head(world: World) -> None:
    first = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"])
    second = world.sign(MINER, "dispatch", dispatch_body(SMELTER, "lot:1"), ["lot:1"])
    head = world.submit(first)
    error = world.refused(StaleHead, second)
    assert error.values == {"subject": "lot:1", "head": head}
    assert error.pointer == "/prev/lot:1"


def test_dispatch_of_a_lot_that_was_sold_on(world: World) -> None:
    world.hand_over(MINER, TRADER, DEPOT, "lot:1")
    world.refused(LotNotHeld, world.sign(MINER, "dispatch", dispatch_body(SMELTER, "lot:1"), ["lot:1"]))


def test_dispatch_of_an_unknown_lot(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:x"), prev={"lot:x": "0" * 64})
    assert world.refused(UnknownSubject, signed).values == {"subject": "lot:x"}


def test_dispatch_of_a_site(world: World) -> None:
    world.refused(UnknownSubject, world.sign(MINER, "dispatch", dispatch_body(TRADER, MINE), [MINE]))


def test_dispatch_that_leaves_out_a_head(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", "lot:2"), ["lot:1"])
    assert world.refused(MissingHead, signed).values == {"subject": "lot:2", "head": lot(world, "lot:2").head}


def test_dispatch_that_moves_the_head_of_a_bystander(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1", "lot:2"])
    world.refused(MissingHead, signed)


def test_dispatch_to_a_stranger(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body("did:web:nobody.example", "lot:1"), ["lot:1"])
    assert world.refused(UnknownSubject, signed).pointer == "/body/consignee"


def test_dispatch_to_a_suspended_consignee(world: World) -> None:
    body = {"id": BUYER, "country": "CD", "roles": ["buyer"], "status": "suspended"}
    world.do(REGISTRAR, "participant", body, [BUYER])
    world.refused(SignerNotAllowed, world.sign(MINER, "dispatch", dispatch_body(BUYER, "lot:1"), ["lot:1"]))


@pytest.mark.parametrize("end", ["from", "to"])
def test_dispatch_from_or_to_an_unknown_place(world: World, end: str) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1") | {end: "site:x"}, ["lot:1"])
    assert world.refused(UnknownSubject, signed).pointer == f"/body/{end}"


def test_backdated_dispatch(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"], time="2020-01-01T00:00:00Z")
    assert world.refused(TimeBefore, signed).values["earliest"] == lot(world, "lot:1").time


def test_dispatch_from_the_future(world: World) -> None:
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"], time="2030-01-01T00:00:00Z")
    assert world.refused(TimeAhead, signed).pointer == "/time"
    signed = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"], iat=world.now + 301)
    assert world.refused(TimeAhead, signed).pointer == "/iat"
    world.dispatch(MINER, TRADER, "lot:1", iat=world.now + 300)


# receive --------------------------------------------------------------------------------------


def test_receive_by_somebody_else(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1")
    signed = world.sign(SMELTER, "receive", receive_body(PLANT, {"lot:1": quantity("40")}), ["lot:1"])
    assert world.refused(NotConsignee, signed).pointer == "/iss"


def test_receive_of_a_lot_that_was_never_sent(world: World) -> None:
    signed = world.sign(TRADER, "receive", receive_body(DEPOT, {"lot:1": quantity("40")}), ["lot:1"])
    world.refused(LotNotInTransit, signed)


def test_receive_of_a_closed_lot(world: World) -> None:
    world.do(MINER, "close", {"lots": ["lot:1"], "reason": "lost"}, ["lot:1"])
    signed = world.sign(TRADER, "receive", receive_body(DEPOT, {"lot:1": quantity("40")}), ["lot:1"])
    world.refused(LotClosed, signed)


def test_receive_at_an_unknown_place(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1")
    signed = world.sign(TRADER, "receive", receive_body("site:x", {"lot:1": quantity("40")}), ["lot:1"])
    world.refused(UnknownSubject, signed)


def test_refused_lot_goes_back_to_its_consignor(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1")
    world.do(TRADER, "receive", receive_body(DEPOT, {"lot:1": None}, "refused"), ["lot:1"])
    back = lot(world, "lot:1")
    assert (back.status, back.custodian, back.consignee, back.left) == ("held", MINER, "", "40")
    world.dispatch(MINER, SMELTER, "lot:1")


def test_cake_that_dries_on_the_way_is_not_disputed(world: World) -> None:
    world.extract(new_lot("cake", quantity("25000", "55", {"Co": "32"})))
    world.dispatch(MINER, TRADER, "cake")
    world.receive(TRADER, DEPOT, {"cake": quantity("21600", "48", {"Co": "32"})})
    assert lot(world, "cake").status == "held"


def test_what_was_not_measured_again_stands_as_it_was(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1", "lot:2")
    world.receive(TRADER, DEPOT, {"lot:1": {"mass": "40.1"}, "lot:2": {"mass": "40", "assay": {"Ta": "23.3"}}})
    assert lot(world, "lot:1")[7:11] == ("40.1", "2", {"Ta2O5": "28.5"}, "40.1")
    assert lot(world, "lot:2").assay == {"Ta": "23.3"}
    assert lot(world, "lot:2").status == "held"


def test_lot_swapped_on_the_way_is_disputed_until_its_consignor_settles(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1", "lot:2")
    less, poorer = quantity("39.5"), quantity("40", "2", {"Ta2O5": "27"})
    world.receive(TRADER, DEPOT, {"lot:1": less, "lot:2": poorer})
    for one, measured in (("lot:1", less), ("lot:2", poorer)):
        assert (lot(world, one).status, lot(world, one).consignor) == ("disputed", MINER)
        world.refused(LotDisputed, world.sign(TRADER, "dispatch", dispatch_body(SMELTER, one), [one]))
        settled = {"lots": [{"id": one, "quantity": measured}]}
        world.refused(SignerNotAllowed, world.sign(TRADER, "settle", settled, [one]))
        other = {"lots": [{"id": one, "quantity": quantity("40")}]}
        world.refused(QuantityMismatch, world.sign(MINER, "settle", other, [one]))
        world.do(MINER, "settle", settled, [one])
        assert (lot(world, one).status, lot(world, one).custodian, lot(world, one).sent) == ("held", TRADER, None)
        world.refused(NotDisputed, world.sign(MINER, "settle", settled, [one]))
        world.dispatch(TRADER, SMELTER, one)


# transform ------------------------------------------------------------------------------------


def refused_transform(world: World, error: type, inputs: dict[str, str], *outputs: dict, **more: object) -> object:
    body = transform_body(inputs, *outputs, site=MINE, **more)
    return world.refused(error, world.sign(MINER, "transform", body, list(inputs)))


def test_blend_yields_more_metal_than_inputs(world: World) -> None:
    rich = new_lot("lot:9", quantity("80", "2", {"Ta2O5": "29.2"}))
    error = refused_transform(world, MetalGain, {"lot:1": "40", "lot:2": "40"}, rich, process="blend")
    assert error.values == {"element": "Ta", "inputs": "18.298999", "outputs": "18.748448"}
    within = new_lot("lot:9", quantity("80", "2", {"Ta2O5": "29"}))
    world.transform(MINER, {"lot:1": "40", "lot:2": "40"}, within, process="blend", site=MINE)


def test_metal_that_no_input_was_assayed_for(world: World) -> None:
    odd = new_lot("lot:9", quantity("40", "2", {"Ta2O5": "28", "Nb2O5": "0.001"}))
    error = refused_transform(world, MetalGain, {"lot:1": "40"}, odd)
    assert error.values["element"] == "Nb"


def test_concentrate_that_weighs_more_than_the_ore(world: World) -> None:
    heavy = new_lot("lot:9", quantity("40.3", "2", {"Ta2O5": "20"}))
    error = refused_transform(world, MassGain, {"lot:1": "40"}, heavy)
    assert error.values == {"inputs": "40", "outputs": "40.3"}
    world.transform(MINER, {"lot:1": "40"}, heavy, site=MINE, additions=[{"material": "water", "mass": "0.2"}])


def test_overspent_lot(world: World) -> None:
    world.transform(MINER, {"lot:1": "30.5"}, new_lot("lot:9", quantity("30.5")), process="split", site=MINE)
    error = refused_transform(world, Overspent, {"lot:1": "9.500001"}, new_lot("lot:10", quantity("9.5")))
    assert error.values == {"lot": "lot:1", "left": "9.5", "taken": "9.500001"}
    assert error.pointer == "/body/inputs/0/mass"
    world.transform(MINER, {"lot:1": "9.5"}, new_lot("lot:10", quantity("9.5")), process="split", site=MINE)
    assert (lot(world, "lot:1").status, lot(world, "lot:1").left) == ("closed", "0")
    refused_transform(world, LotClosed, {"lot:1": "1"}, new_lot("lot:11", quantity("1")))


def test_transform_of_a_lot_in_somebody_elses_custody(world: World) -> None:
    body = transform_body({"lot:1": "40"}, new_lot("lot:9"))
    world.refused(LotNotHeld, world.sign(TRADER, "transform", body, ["lot:1"]))


def test_output_that_takes_the_id_of_an_input(world: World) -> None:
    refused_transform(world, IdTaken, {"lot:1": "40"}, new_lot("lot:1"))


def test_transform_at_an_unknown_place(world: World) -> None:
    body = transform_body({"lot:1": "40"}, new_lot("lot:9"), site="site:x")
    world.refused(UnknownSubject, world.sign(MINER, "transform", body, ["lot:1"]))


def test_transform_names_every_edge(world: World) -> None:
    world.transform(
        MINER, {"lot:1": "20", "lot:2": "40"}, new_lot("a", quantity("30")), new_lot("b", quantity("30")),
        process="blend", site=MINE,
    )  # fmt: skip
    assert lot(world, "a").generation == 1
    assert lot(world, "b").model == "segregated"


# close ----------------------------------------------------------------------------------------


def test_closed_lot_is_out_and_its_tag_free(world: World) -> None:
    world.do(MINER, "close", {"lots": ["lot:1"], "reason": "stolen"}, ["lot:1"])
    assert world.state.tags == {"itsci:T2": "lot:2"}
    world.refused(LotClosed, world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"]))
    world.extract(new_lot("lot:3", tags=("T1",)))


def test_close_of_a_lot_on_its_way(world: World) -> None:
    world.dispatch(MINER, TRADER, "lot:1")
    world.refused(LotInTransit, world.sign(MINER, "close", {"lots": ["lot:1"], "reason": "lost"}, ["lot:1"]))


# replay of some lots only -----------------------------------------------------------------------


def test_scoped_replay_follows_only_the_lots_of_a_bundle() -> None:
    whole, part = chain_world(), World()
    part.state.scope = frozenset(("lot:1",))
    part.now = START
    for entry in whole.log:
        stamp, jws = entry.split(b" ")
        part.now = int(stamp) // 1000
        part.submit(_Signed(jws.decode()))
    assert {s for s in part.state.subjects if s.startswith("lot:")} == {"lot:1"}
    assert part.state.subjects["lot:1"] == whole.state.subjects["lot:1"]

    full = World()
    full.state.scope = frozenset(("lot:1", "lot:2", "lot:3", "lot:4", "lot:5"))
    for entry in whole.log:
        stamp, jws = entry.split(b" ")
        full.now = int(stamp) // 1000
        full.submit(_Signed(jws.decode()))
    assert full.state.subjects == whole.state.subjects


class _Signed:
    """A record as it came out of a log."""

    disclosures = ()

    def __init__(self, jws: str) -> None:
        self.jws = jws
