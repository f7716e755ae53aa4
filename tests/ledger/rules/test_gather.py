"""The evidence set: clocks, custody, grades, corrections, incidents, and what stays concealed."""

from __future__ import annotations

import copy

import pytest

from ledger.errors import EnvelopeError, UnknownSubject
from ledger.rules.case import covers, days_between, seconds_between
from ledger.rules.gather import gather
from ledger.rules.items import grade_statement
from ledger.rules.minerals import expand, materials_of
from ledger.rules.outcome import Grade
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    DEPOT,
    EXPORTER,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    MINER_B,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    bags,
    start_story,
)
from tests.support.world import new_lot, quantity


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


def test_a_chain_as_rules_see_it(base: Story) -> None:
    facts = base.facts()
    assert (facts.subject_kind, len(facts.lots), facts.mines()) == ("lot", 21, (MINE_A, MINE_B))
    assert facts.chain_sites == (MINE_A, MINE_B, DEPOT, WAREHOUSE, PLANT)
    assert facts.handlers == (MINER, MINER_B, TRADER, EXPORTER, SMELTER)
    assert [(hop.consignor, hop.consignee, hop.accepted) for hop in facts.hops] == [
        (MINER, TRADER, True), (MINER_B, TRADER, True), (TRADER, EXPORTER, True), (EXPORTER, SMELTER, True),
    ]  # fmt: skip
    assert facts.lot is not None
    assert [holder for holder, _ in facts.lot.holders] == [TRADER, EXPORTER, SMELTER]
    assert (facts.lot.is_mined, facts.lots["lot:a-1"].is_mined) == (False, True)
    assert len(facts.lot.edges) == 20
    assert [one.type for one in facts.of(facts.lot.records)] == [
        "transform",
        "dispatch",
        "receive",
        "dispatch",
        "receive",
    ]
    assert facts.lots["lot:a-1"].status == "closed"
    assert [site.id for site in facts.sites_of("mine")] == [MINE_A, MINE_B]
    assert len(facts.transforms) == len(facts.balances) == 1
    assert facts.subjects >= {"lot:export", MINE_A, SMELTER}
    assert (facts.refusals, facts.hidden) == ((), ())


def test_the_valid_clock_stops_custody(base: Story) -> None:
    facts = base.facts(valid="2026-04-03T10:00:00Z")
    assert facts.lot is not None
    assert facts.lot.status == "in_transit"
    assert facts.hops[-1].receive is None
    assert facts.hops[-1].evidence == (facts.hops[-1].dispatch.id,)
    with pytest.raises(UnknownSubject):
        base.facts(valid="2026-04-01")
    with pytest.raises(UnknownSubject):
        base.facts(known="2026-04-01")


def test_two_signatures_make_a_handover(base: Story) -> None:
    facts = base.facts()
    grades = {one.type: one.grade for one in facts.items.values()}
    assert grades["extract"] is grades["transform"] is Grade.SELF_ATTESTED
    assert grades["dispatch"] is grades["receive"] is Grade.COUNTERSIGNED
    assert facts.parties[MINER].item.grade is Grade.COUNTERSIGNED
    assert facts.sites[MINE_A].item.grade is Grade.SELF_ATTESTED
    early = base.facts(valid="2026-04-03T10:00:00Z")
    assert early.hops[-1].dispatch.grade is Grade.SELF_ATTESTED


def test_a_site_that_an_authority_registers(story: Story) -> None:
    body = {**story.body_of("site", MINE_A)}
    story.on("2026-05-21").world.do(AUTHORITY, "site", body, [MINE_A])
    known = story.facts().sites[MINE_A]
    assert (known.item.grade, len(known.history)) == (Grade.COMPETENT_AUTHORITY, 2)


STANDING = {
    MINER: Grade.SELF_ATTESTED,
    AUTHORITY: Grade.COMPETENT_AUTHORITY,
    TRADER: Grade.COUNTERSIGNED,
    AUDITOR: Grade.INDEPENDENT,
    LAB: Grade.INDEPENDENT,
    MONITOR: Grade.INDEPENDENT,
    "did:web:buyer.example": Grade.SELF_ATTESTED,
}


@pytest.mark.parametrize("issuer", STANDING)
def test_who_stands_behind_a_statement(story: Story, issuer: str) -> None:
    statement = {"number": "I-1", "date": "2026-05-01", "office": "An office"}
    made = story.on("2026-05-21").attest(issuer, "inspection", MINE_A, statement)
    assert story.facts().items[made].grade is STANDING[issuer]


def test_who_holds_the_lot_is_not_independent(story: Story) -> None:
    story.on("2026-05-21").attest(
        SMELTER,
        "assay",
        "lot:export",
        {"sample": "S", "protocol": "P", "laboratory": SMELTER, "method": "XRF", "grades": {"Ta2O5": {"value": "28"}}},
    )
    (one,) = story.facts().attestations("assay", "lot:export")
    assert one.grade is Grade.SELF_ATTESTED
    assert story.facts().attestations("assay") == (one,)
    assert story.facts().attestations("assay", MINE_A) == story.facts().attestations("licence") == ()
    assert grade_statement("observation", LAB, ["laboratory"], interested=(), handlers=()) is Grade.INSTRUMENT


def test_corrections_replace_and_are_named(story: Story) -> None:
    extract = next(one for one in story.facts().items.values() if one.type == "extract")
    lots = [f"lot:a-{n}" for n in range(1, 17)]
    body = {"record": extract.id, "type": "extract", "reason": "Miscounted", "replace": {"workers": 95}}
    correction = story.on("2026-05-22").world.do(MINER, "correct", body, lots)
    facts = story.facts()
    assert facts.items[extract.id].body["workers"] == 95
    assert facts.items[extract.id].corrected == (correction,)
    assert facts.lots["lot:a-1"].made_by.body["workers"] == 95


def test_incidents_are_followed(story: Story) -> None:
    first = story.on("2026-05-21").incident(MONITOR, MINE_A, "A2.1.child", verified=False)
    story.on("2026-05-22").incident(MONITOR, MINE_A, "A2.1.child", follows=first, status="closed", verified=True)
    story.incident(MONITOR, MINE_B, "A2.5.security")
    one, other = story.facts().incidents
    assert (one.category, one.status, one.verified, len(one.evidence)) == ("A2.1.child", "closed", True, 2)
    assert (other.first.about, other.status, other.verified) == ((MINE_B,), "open", False)
    early = story.facts(known="2026-05-21").incidents
    assert [(thread.status, thread.verified) for thread in early] == [("open", False)]


def test_a_refused_handover_is_no_handover(story: Story) -> None:
    story.on("2026-05-21").dispatch(SMELTER, TRADER, PLANT, DEPOT, "lot:export")
    body = {"outcome": "refused", "site": DEPOT, "lots": [{"id": "lot:export"}], "seals": []}
    story.on("2026-05-22").world.do(TRADER, "receive", body, ["lot:export"])
    facts = story.facts()
    assert (facts.hops[-1].accepted, facts.hops[-1].got) == (False, {})
    assert facts.lot is not None
    assert [holder for holder, _ in facts.lot.holders] == [TRADER, EXPORTER, SMELTER]


def test_concealed_members_are_counted(story: Story) -> None:
    statement = {
        "kind": "royalty", "purpose": "Export royalty", "payer": EXPORTER, "payee_class": "government",
        "amount": "500", "currency": "USD", "date": "2026-04-05", "method": "bank", "receipt": "R-1",
    }  # fmt: skip
    made = story.on("2026-05-21").attest(
        EXPORTER, "payment", "lot:export", statement, conceal=["/body/statement/amount", "/body/statement/receipt"]
    )
    seen, erased = story.facts().items[made], story.facts(erase=True).items[made]
    assert (seen.concealed, seen.statement["amount"]) == (0, "500")
    assert (erased.concealed, erased.statement.get("amount")) == (2, None)


def test_a_disclosure_that_belongs_elsewhere_is_refused(base: Story) -> None:
    shown = base.shown()
    shown[5] = shown[5]._replace(disclosures=("WyJzYWx0c2FsdHNhbHRzYWx0c2FsdCIsIm4iLDFd",))
    with pytest.raises(EnvelopeError):
        gather("lot:export", shown, known_as_of="2027-01-01T00:00:00Z", valid_as_of="2027-01-01T00:00:00Z")


def test_what_the_custody_rules_refuse_is_kept_as_a_refusal(base: Story) -> None:
    shown = base.shown()
    twice = [*shown, shown[-1]._replace(index=len(shown))]
    facts = gather("lot:export", twice, known_as_of="2027-01-01T00:00:00Z", valid_as_of="2027-01-01T00:00:00Z")
    assert [(one.item.type, type(one.error).__name__) for one in facts.refusals] == [("receive", "StaleHead")]
    with pytest.raises(UnknownSubject):  # without an input there is no output
        gather("lot:export", shown[:-7], known_as_of="2027-01-01T00:00:00Z", valid_as_of="2027-01-01T00:00:00Z")


def test_production_of_other_lots_is_seen_too(story: Story) -> None:
    story.on("2026-05-25").extract(MINE_A, *bags("c", 2), period=("2026-05-01", "2026-05-24"))
    facts = story.facts()
    assert len(facts.extracts(MINE_A)) == 2
    assert len(facts.extracts()) == 3
    assert "lot:c-1" not in facts.lots


def test_sites_and_participants_are_subjects_too(base: Story) -> None:
    site = base.facts(subject=MINE_A)
    assert (site.subject_kind, site.lot) == ("site", None)
    party = base.facts(subject=AUDITOR)
    assert party.subject_kind == "participant"
    assert AUDITOR in party.handlers
    registrar = base.facts(subject="did:web:registrar.example")
    assert registrar.subject_kind == "participant"
    unused = start_story()
    unused.register("site:new", "mine", MINER)
    assert "site:new" in unused.facts(subject="site:new").chain_sites


def test_materials_come_from_the_assay() -> None:
    assert materials_of("coltan", {}) == ("3t", "3tg", "niobium", "tantalum")
    assert materials_of("2615.90.00", {"Ta2O5": "28.5", "SnO2": "0.4"}) == ("3t", "3tg", "tantalum")
    assert materials_of("ore", {"Au": "0.01"}) == ("3tg", "gold")
    assert materials_of("hydroxide", {"Co": "32", "Cu": "2"}) == ("battery", "cobalt", "copper")
    assert materials_of("stone", {"U": "3"}) == ()
    assert expand(["3t", "gold"]) == {"3t", "tin", "tantalum", "tungsten", "gold"}


def test_dates_and_statements() -> None:
    assert days_between("2026-02-27", "2026-03-01T10:00:00Z") == 2
    assert seconds_between("2026-02-28T23:59:59Z", "2026-03-01T00:00:01Z") == 2
    story = start_story()
    story.attest(
        AUTHORITY,
        "licence",
        MINE_A,
        {"kind": "mining_licence", "number": "L", "holder": MINER, "granted": "2025-01-01", "expires": "2026-12-31"},
    )
    (one,) = story.facts(subject=MINE_A).attestations("licence")
    assert covers(one, {"kind": ["mining_licence", "claim"], "holder": MINER})
    assert not covers(one, {"kind": "claim"})
    assert not covers(one, {"class": "A"})
    assert [one.holds_at(day) for day in ("2024-12-31", "2025-01-01", "2026-12-31T23:00:00Z", "2027-01-01")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_dispatch_of_many_lots_received_in_parts(story: Story) -> None:
    story.on("2026-05-25").extract(MINE_A, *bags("c", 3), period=("2026-05-01", "2026-05-24"))
    story.dispatch(MINER, TRADER, MINE_A, DEPOT, "lot:c-1", "lot:c-2", "lot:c-3")
    story.on("2026-05-26").receive(TRADER, DEPOT, {"lot:c-1": None})
    story.on("2026-05-27").receive(TRADER, DEPOT, {"lot:c-2": None})
    mixed = new_lot("lot:c", quantity("120", "2", {"Ta2O5": "28.5"}))
    facts = story.facts(subject="lot:c-1")
    assert [(hop.accepted, tuple(hop.got)) for hop in facts.hops] == [(True, ("lot:c-1",))]
    story.receive(TRADER, DEPOT, {"lot:c-3": None})
    story.transform(TRADER, DEPOT, dict.fromkeys(("lot:c-1", "lot:c-2", "lot:c-3"), "40"), mixed)
    facts = story.facts(subject="lot:c")
    assert [tuple(hop.got) for hop in facts.hops] == [("lot:c-1",), ("lot:c-2",), ("lot:c-3",)]
