"""Random histories of many lots: whatever is accepted, no metal is made and no lot has two holders."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ledger.custody.quantity import METAL_UNIT, contained_metal
from ledger.custody.subjects import Lot
from ledger.errors import CustodyError
from tests.support.world import (
    DEPOT,
    MINE,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    World,
    honest_world,
    new_lot,
    quantity,
)

PARTIES = {MINER: MINE, TRADER: DEPOT, SMELTER: PLANT}
SLACK = Fraction(102, 100)  # the policy's tolerance for metal, per transform and per receipt


class Histories(RuleBasedStateMachine):
    """Participants act at random, honestly or not; refused records must change nothing."""

    lots = Bundle("lots")

    @initialize()
    def begin(self) -> None:
        self.world: World = honest_world()
        self.made = 0
        self.dug = Fraction(0)
        self.steps = 0

    def name(self) -> str:
        self.made += 1
        return f"lot:{self.made}"

    def attempt(self, act: object, *args: object, **more: object) -> bool:
        before, size = dict(self.world.state.subjects), len(self.world.log)
        try:
            act(*args, **more)  # type: ignore[operator]
        except CustodyError:
            assert (self.world.state.subjects, len(self.world.log)) == (before, size)
            return False
        return True

    def lot(self, lot_id: str) -> Lot:
        lot = self.world.state.subjects[lot_id]
        assert isinstance(lot, Lot)
        return lot

    @rule(target=lots, mass=st.integers(1, 1000), grade=st.integers(1, 60))
    def extract(self, mass: int, grade: int) -> str:
        name = self.name()
        self.world.extract(new_lot(name, quantity(str(mass), "2", {"Ta": str(grade)}), [name[4:]]))
        self.dug += Fraction(mass) * Fraction(98, 100) * Fraction(grade, 100)
        return name

    @rule(lot=lots, issuer=st.sampled_from(list(PARTIES)), consignee=st.sampled_from(list(PARTIES)))
    def dispatch(self, lot: str, issuer: str, consignee: str) -> None:
        allowed = (self.lot(lot).status, self.lot(lot).custodian) == ("held", issuer)
        assert self.attempt(self.world.dispatch, issuer, consignee, lot) == allowed

    @rule(lot=lots, issuer=st.sampled_from(list(PARTIES)), drift=st.sampled_from([0, 0, 1, -1, 30, -30]))
    def receive(self, lot: str, issuer: str, drift: int) -> None:
        sent = self.lot(lot)
        left = Fraction(sent.left) or Fraction(1)  # of a lot that is used up: refused for that
        mass = left * (1000 + drift) / 1000 if left >= 1 else left
        measured = quantity(f"{float(mass):.6f}", sent.moisture, sent.assay)
        allowed = (sent.status, sent.consignee) == ("in_transit", issuer)
        assert self.attempt(self.world.receive, issuer, PARTIES[issuer], {lot: measured}) == allowed
        if allowed:
            assert self.lot(lot).status == ("disputed" if abs(drift) == 30 and Fraction(sent.left) >= 1 else "held")
            self.dug += (mass - Fraction(sent.left)) * Fraction(98, 100) * Fraction(sent.assay["Ta"]) / 100

    @rule(lot=lots, issuer=st.sampled_from(list(PARTIES)))
    def settle(self, lot: str, issuer: str) -> None:
        now = self.lot(lot)
        body = {"lots": [{"id": lot, "quantity": quantity(now.mass, now.moisture, now.assay)}]}
        allowed = (now.status, now.consignor) == ("disputed", issuer)
        assert self.attempt(self.world.do, issuer, "settle", body, [lot]) == allowed

    @rule(target=lots, lot=lots, percent=st.integers(1, 120), gain=st.sampled_from([0, 0, 0, 1, 5]))
    def take(self, lot: str, percent: int, gain: int) -> object:
        now, name = self.lot(lot), self.name()
        taken = f"{float(Fraction(now.left) * percent / 100):.6f}"
        if not Fraction(taken):
            return multiple()
        grade = Fraction(now.assay["Ta"]) * (100 + gain) / 100
        output = new_lot(name, quantity(taken, "2", {"Ta": f"{float(grade):.6f}"}))
        allowed = now.status == "held" and Fraction(taken) <= Fraction(now.left) and gain < 2
        done = self.attempt(self.world.transform, now.custodian, {lot: taken}, output, process="split", site=MINE)
        assert done == allowed
        self.steps += done
        return name if done else multiple()

    @rule(lot=consumes(lots), issuer=st.sampled_from(list(PARTIES)))
    def close(self, lot: str, issuer: str) -> None:
        allowed = (self.lot(lot).status, self.lot(lot).custodian) == ("held", issuer)
        assert self.attempt(self.world.do, issuer, "close", {"lots": [lot], "reason": "lost"}, [lot]) == allowed

    @invariant()
    def no_metal_is_made(self) -> None:
        live = Fraction(0)
        for lot in self.world.state.subjects.values():
            if isinstance(lot, Lot) and lot.status != "closed":
                live += contained_metal(lot.left, lot.moisture, lot.assay)["Ta"] * METAL_UNIT
        assert live <= self.dug * SLACK**self.steps + Fraction(1, 10**3)

    @invariant()
    def every_tag_is_on_one_live_lot(self) -> None:
        for tag, lot in self.world.state.tags.items():
            assert self.lot(lot).status != "closed"
            assert tag in self.lot(lot).tags


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
